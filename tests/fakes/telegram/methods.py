"""The methods of the Bot API that a chat bot uses, with the refusals of the real server."""

import re
from collections.abc import Callable
from typing import Any

from tests.fakes.telegram import rules
from tests.fakes.telegram.rules import Refused, bad
from tests.fakes.telegram.schema import Upload
from tests.fakes.telegram.world import BOT, QUERY_SECONDS, Draft, Json, Room, Shown, World

COMMAND = re.compile(r"/[A-Za-z0-9_]{1,32}(@\w+)?")


class Methods:
    """Carries out requests. Each method is one of the Bot API, in lower case."""

    def __init__(self, world: World) -> None:
        self._world = world

    def named(self, method: str) -> Callable[..., Any]:
        """Raises Refused with 404 for what this server does not know."""
        found: Callable[..., Any] | None = getattr(self, f"_{method.lower()}", None)
        newer = method.lower() in {"sendrichmessage", "sendrichmessagedraft"} and self._world.api_version < "10.1"
        if found is None or newer:
            raise Refused(404, "Not Found: method not found")
        return found

    # --- the bot

    def _getme(self) -> Json:
        more = {"can_join_groups": True, "can_read_all_group_messages": not self._world.privacy}
        return {**BOT, **more, "supports_inline_queries": False, "has_topics_enabled": True}

    def _getwebhookinfo(self) -> Json:
        waiting = len(self._world.waiting)
        return {
            "url": self._world.webhook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": waiting,
        }

    def _setwebhook(self, url: str, **given: Any) -> bool:
        if url and not url.startswith("https://") and not url.startswith("http://127.0.0.1"):
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        self._world.webhook = {"url": url, **given} if url else {}
        return True

    def _deletewebhook(self, **_: Any) -> bool:
        self._world.webhook = {}
        return True

    def _setmycommands(self, commands: list[Json], scope: Json | None = None, language_code: str = "") -> bool:
        for each in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", each["command"]) or not 1 <= len(each["description"]) <= 256:
                raise bad("BOT_COMMAND_INVALID")
        self._world.commands[f"{(scope or {}).get('type', 'default')}/{language_code}"] = commands
        return True

    # --- messages

    def _sendmessage(self, chat_id: int | str, text: str, entities: list[Json] | None = None, **given: Any) -> Json:
        if given.get("parse_mode"):
            raise bad("this server knows no parse_mode")
        shown, kept = rules.text_of(text, entities or [])
        return self._send(chat_id, shown, entities=kept, **given)

    def _sendrichmessage(self, chat_id: int | str, rich_message: Json, **given: Any) -> Json:
        rules.check_rich(rich_message, is_draft=False)
        return self._send(chat_id, "", rich=rich_message, **given)

    def _senddocument(self, chat_id: int | str, document: Upload, caption: str = "", **given: Any) -> Json:
        return self._send(chat_id, caption, file=self._kept("document", document), name=document.name, **given)

    def _sendphoto(self, chat_id: int | str, photo: Upload, caption: str = "", **given: Any) -> Json:
        if len(photo.content) > 10_000_000:
            raise bad("file is too big")
        return self._send(chat_id, caption, file=self._kept("photo", photo), name=photo.name, **given)

    def _editmessagetext(
        self, text: str = "", chat_id: int = 0, message_id: int = 0, entities: list[Json] | None = None, **given: Any
    ) -> Json:
        room, shown = self._own(chat_id, message_id, "edit")
        new, kept = rules.text_of(text, entities or [])
        markup = given.get("reply_markup")
        rules.check_keyboard(markup)
        if (new, kept, markup) == (shown.text, shown.entities, shown.markup):
            raise bad(UNCHANGED)
        self._world.flood.count(room.id)
        shown.texts.append(new)
        shown.entities, shown.markup = kept, markup
        return self._world.as_message(room, shown)

    def _editmessagereplymarkup(self, chat_id: int = 0, message_id: int = 0, reply_markup: Json | None = None) -> Json:
        room, shown = self._own(chat_id, message_id, "edit")
        rules.check_keyboard(reply_markup)
        if reply_markup == shown.markup:
            raise bad(UNCHANGED)
        self._world.flood.count(room.id)
        shown.markup = reply_markup
        return self._world.as_message(room, shown)

    def _deletemessage(self, chat_id: int, message_id: int) -> bool:
        _, shown = self._own(chat_id, message_id, "delete")
        shown.deleted = True
        return True

    def _setmessagereaction(self, chat_id: int, message_id: int, **_: Any) -> bool:
        self._world.reactions.append((self._room(chat_id).id, message_id))
        return True

    # --- what goes on

    def _sendmessagedraft(self, chat_id: int, draft_id: int, text: str = "", **given: Any) -> bool:
        room = self._room(chat_id)
        if room.kind != "private":
            raise bad("drafts can be sent only to private chats")
        if not draft_id:
            raise bad("DRAFT_ID_INVALID")
        if text:
            text, _ = rules.text_of(text, given.get("entities") or [])
        room.drafts.pop(draft_id, None)
        thread, stops = (
            given.get("message_thread_id"),
            bool(given.get("can_stop")) and self._world.api_version >= "10.3",
        )
        room.drafts[draft_id] = Draft(draft_id, text, self._world.clock(), stops, thread)
        return True

    def _sendchataction(self, chat_id: int, action: str, **_: Any) -> bool:
        room = self._room(chat_id)
        room.actions.append((self._world.clock(), action))
        return True

    def _answercallbackquery(self, callback_query_id: str, text: str = "", **_: Any) -> bool:
        since = self._world.queries.pop(callback_query_id, None)
        if since is None or self._world.clock() - since > QUERY_SECONDS:
            raise bad("query is too old and response timeout expired or query ID is invalid")
        if len(text) > 200:
            raise bad("MESSAGE_TOO_LONG")
        self._world.answers[callback_query_id] = text
        return True

    # --- files and chats

    def _getfile(self, file_id: str) -> Json:
        if file_id not in self._world.files:
            raise bad("wrong file_id or the file is temporarily unavailable")
        name, content = self._world.files[file_id]
        if len(content) > 20_000_000:
            raise bad("file is too big")
        return {
            "file_id": file_id,
            "file_unique_id": f"u{file_id}",
            "file_size": len(content),
            "file_path": f"files/{name}",
        }

    def _editforumtopic(self, chat_id: int, message_thread_id: int, name: str = "", **_: Any) -> bool:
        room = self._room(chat_id)
        if message_thread_id not in room.topics:
            raise bad("message thread not found")
        room.topics[message_thread_id] = name
        return True

    # --- parts

    def _send(
        self,
        chat_id: int | str,
        text: str,
        *,
        entities: list[Json] | None = None,
        rich: Json | None = None,
        file: Json | None = None,
        name: str = "",
        message_thread_id: int | None = None,
        reply_parameters: Json | None = None,
        reply_markup: Json | None = None,
        **_: Any,
    ) -> Json:
        world, room = self._world, self._room(chat_id)
        rules.check_keyboard(reply_markup)
        if message_thread_id is not None and message_thread_id not in room.topics:
            raise bad("message thread not found")
        replied = (reply_parameters or {}).get("message_id")
        if replied is not None and (replied not in room.messages or room.messages[replied].deleted):
            if not (reply_parameters or {}).get("allow_sending_without_reply"):
                raise bad("message to be replied not found")
            replied = None
        world.flood.count(room.id)
        more = {"_name": name} if name else {}
        shown = room.add(
            BOT, world.clock(), text, entities=entities or [], markup=reply_markup, thread=message_thread_id,
            reply_to=replied, rich=rich, file=file, more=more,
        )  # fmt: skip
        room.drafts.clear()
        body = world.as_message(room, shown)
        body.pop("_name", None)
        return body

    def _room(self, chat_id: int | str) -> Room:
        room = self._world.rooms.get(int(chat_id))
        if room is None:
            raise bad("chat not found")
        if room.moved_to:
            raise Refused(
                400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=room.moved_to
            )
        if room.has_blocked:
            raise Refused(403, f"Forbidden: {room.has_blocked}")
        return room

    def _own(self, chat_id: int, message_id: int, what: str) -> tuple[Room, Shown]:
        room = self._room(chat_id)
        shown = room.messages.get(message_id)
        if shown is None or shown.deleted:
            raise bad(f"message to {what} not found")
        if not shown.is_the_bots:
            raise bad(f"message can't be {what}ed".replace("deleteed", "deleted"))
        return room, shown

    def _kept(self, kind: str, upload: Upload) -> Json:
        if len(upload.content) > 50_000_000:
            raise Refused(413, "Request Entity Too Large")
        file = f"{kind}{self._world.number()}"
        self._world.files[file] = (upload.name, upload.content)
        card: Json = {"file_id": file, "file_unique_id": f"u{file}", "file_size": len(upload.content)}
        if kind == "photo":
            return {"photo": [{**card, "width": 640, "height": 480}]}
        return {kind: {**card, "file_name": upload.name, "mime_type": upload.mime}}


UNCHANGED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)
