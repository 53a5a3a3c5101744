"""The door for tests: people who talk to the app, and what they do with it."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tests.fakes.slack import choosing, filing, looking, streaming
from tests.fakes.slack.acting import Acted, commanded, submitted
from tests.fakes.slack.calls import direct_room
from tests.fakes.slack.chat import Chat
from tests.fakes.slack.chatting import placed
from tests.fakes.slack.composing import composed
from tests.fakes.slack.people import Team, User, Wire
from tests.fakes.slack.rooms import Shown
from tests.fakes.slack.state import View

if TYPE_CHECKING:
    from tests.fakes.slack.world import Slack

PICTURE = (  # one white pixel
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\n"
    b"IDATx\x9cc\xf8\x0f\x00\x01\x01\x01\x00\x1b\xb6\xeeV\x00\x00\x00\x00IEND\xaeB`\x82"
)
LONGEST_WAIT = 30.0  # seconds


class Somebody:
    """Who says something: a person, or another app's bot."""

    def __init__(self, world: "Slack", user: User) -> None:
        self._world = world
        self.user = user

    @property
    def id(self) -> str:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.name

    def _post(self, chat: Chat, said: Wire, *, broadcast: bool = False) -> Shown:
        where = placed(self._world, chat.room, chat.thread_ts, broadcast=broadcast) if chat.thread_ts else {}
        shown = self._world.post(chat.room, {"user": self.id, "team": self.user.team_id, **where, **said})
        self._world.events.said(shown)
        return shown


class OtherBot(Somebody):
    """A bot that is not ours."""

    async def says(self, chat: Chat, text: str) -> Shown:
        """With the subtype that old integrations have."""
        about = {"subtype": "bot_message", "bot_id": self.user.bot_id, "username": self.name}
        shown = self._post(chat, about | {"text": text})
        await asyncio.sleep(0)
        return shown


class Person(Somebody):
    """Somebody who talks to the app."""

    _looking_at: Wire | None = None

    def direct(self) -> Chat:
        """The direct messages with the app."""
        install = self._team.install
        assert install, "the app is not installed"
        return Chat(self._world, direct_room(self._world, self.user, install.bot))

    async def says(self, chat: Chat, text: str, *, broadcast: bool = False, unfurls: bool = False) -> Shown:
        """In a conversation or a thread; `broadcast` shows an answer in the channel too, `unfurls` adds a preview of
        a link a moment later."""
        seen = {"app_context": self._looking_at} if self._looking_at and chat.room.kind == "im" else {}
        shown = self._post(chat, self._words(text) | seen, broadcast=broadcast)
        if unfurls:
            before = dict(shown.wire)
            shown.wire["attachments"] = [{"id": 1, "text": "A preview", "fallback": "A preview"}]
            self._world.changed(shown)
            self._world.events.edited(shown, before)
        await asyncio.sleep(0)
        return shown

    async def mentions(self, chat: Chat, text: str) -> Shown:
        """The app, and then these words."""
        bot = self._world.bot_in(chat.room)
        assert bot, "the app is not installed"
        return await self.says(chat, f"<@{bot.id}> {text}")

    async def uploads(self, chat: Chat, name: str, data: bytes, *, mime: str = "", text: str = "") -> Shown:
        """A file, with a few words."""
        stored = filing.store(self._world, name, data, owner=self.user, mime=mime)
        stored.channels.append(chat.id)
        about = {"subtype": "file_share", "files": [filing.wire_of(self._world, stored)], "upload": False}
        shown = self._post(chat, self._words(text) | about)
        await asyncio.sleep(0)
        return shown

    async def edits(self, shown: Shown, text: str) -> None:
        """Their own message, to other words."""
        assert shown.sender == self.id, "somebody else said that"
        before = dict(shown.wire)
        edited = {"edited": {"user": self.id, "ts": self._world.next_ts()}}
        shown.wire = before | self._words(text) | {"client_msg_id": before.get("client_msg_id")} | edited
        self._world.changed(shown)
        self._world.events.edited(shown, before)
        await asyncio.sleep(0)

    async def deletes(self, shown: Shown) -> None:
        shown.deleted = True
        self._world.changed(shown)
        self._world.events.deleted(shown)
        await asyncio.sleep(0)

    async def reacts(self, shown: Shown, name: str) -> None:
        """With an emoji, by its name without colons."""
        looking.react(self._world, shown, name, self.id)
        await self._reaction("reaction_added", shown, name)

    async def unreacts(self, shown: Shown, name: str) -> None:
        looking.unreact(self._world, shown, name, self.id)
        await self._reaction("reaction_removed", shown, name)

    async def runs(self, chat: Chat, line: str) -> Acted:
        """A slash command: `/errand help`. Slack has none of them in threads."""
        assert chat.thread_ts is None, "slash commands do not work in threads"
        name, _, text = line.partition(" ")
        acted = commanded(self._world, self._world.interactions.command(self.user, chat.room, name, text))
        await asyncio.sleep(0)
        return acted

    async def presses(self, shown: Shown | View, label: str) -> Acted:
        """A button, by its label. Raises AssertionError where there is none."""
        assert isinstance(shown, View) or not shown.deleted, "the message is gone"
        block, action = choosing.button_of(choosing.pressable(shown), label, self.id)
        return await self._acts(shown, block, action)

    async def chooses(self, shown: Shown | View, *labels: str) -> Acted:
        """Options of a select, of radio buttons or checkboxes, by their labels. Raises AssertionError."""
        block, action = choosing.choice_of(choosing.pressable(shown), labels)
        return await self._acts(shown, block, action)

    async def presses_action(self, shown: Shown, action_id: str, *, value: str = "", block_id: str = "old") -> Acted:
        """What a client sends for a button, even if it is not there any more."""
        block = {"block_id": block_id}
        text = {"type": "plain_text", "text": "Old", "emoji": True}
        action = {"type": "button", "action_id": action_id, "block_id": block_id, "value": value, "text": text}
        return await self._acts(shown, block, action | {"action_ts": ""})

    @property
    def modal(self) -> View | None:
        """The one on top."""
        stack = self._world.modals.get(self.id)
        return stack[-1] if stack else None

    @property
    def home(self) -> View | None:
        return self._world.homes.get(self.id)

    async def shows_modal(self, title: str = "") -> View:
        """Wait for one with these words in its title. Raises AssertionError."""

        def found() -> View | None:
            return modal if (modal := self.modal) and title in modal.title else None

        failing = f"no modal {title!r}, there is {self.modal}; problems: {self._world.problems}"
        return await self._world.changes.until(found, seconds=LONGEST_WAIT, failing=lambda: failing)

    async def submits(self, filled: Mapping[str, choosing.Value] | None = None) -> Acted:
        """The form on top, filled in by the labels of its fields. Raises AssertionError."""
        view = self._top()
        values = choosing.state_of(view, filled or {})
        acted = submitted(self._world, self._world.interactions.submitted(self.user, view, values), view)
        await asyncio.sleep(0)
        return acted

    async def closes(self) -> None:
        """The form on top; the app is told where it asked for that."""
        view = self._top()
        self._world.modals[self.id].remove(view)
        if view.wire["notify_on_close"]:
            Acted(self._world, self._world.interactions.closed(self.user, view))
        self._world.changes.tell()
        await asyncio.sleep(0)

    async def uses_shortcut(self, shown: Shown, callback_id: str) -> Acted:
        """From the menu of a message."""
        acted = Acted(self._world, self._world.interactions.message_shortcut(self.user, shown, callback_id))
        await asyncio.sleep(0)
        return acted

    async def uses_global(self, callback_id: str) -> Acted:
        """From the menu beside the message box."""
        acted = Acted(self._world, self._world.interactions.global_shortcut(self.user, callback_id))
        await asyncio.sleep(0)
        return acted

    async def presses_stop(self, chat: Chat) -> None:
        """Below what the app is doing in a thread. Slack ends its streams there. Raises AssertionError where no Stop
        is shown."""
        assert chat.thread_ts, "Stop is shown in threads"
        assert chat.stoppable, f"there is no Stop button: {chat.session}"
        streams = [each for each in chat.messages if each.is_streaming]
        for shown in streams:
            streaming.stopped_by_user(self._world, shown)
        about = {"thread_ts": chat.thread_ts, "streaming_message_ts": [each.ts for each in streams]}
        await self._tells("agent_session_stopped", channel=chat.id, **about)

    async def opens_agent(self) -> Chat:
        """The place where people talk to the app."""
        chat = self.direct()
        if self._world.agent_view:
            await self._tells("app_home_opened", channel=chat.id, tab="messages")
            return chat
        thread = self._world.next_ts()
        context = {"channel_id": chat.id, "team_id": self.user.team_id, "enterprise_id": None}
        chat.room.session(thread)
        started = {"user_id": self.id, "context": context, "channel_id": chat.id, "thread_ts": thread}
        event = {"type": "assistant_thread_started", "assistant_thread": started, "event_ts": thread}
        self._world.told.happens(self._team, event)
        await asyncio.sleep(0)
        return Chat(self._world, chat.room, thread)

    async def opens_home(self) -> None:
        """The app's home tab."""
        view = {"view": self.home.wire} if self.home else {}
        await self._tells("app_home_opened", channel=self.direct().id, tab="home", **view)

    async def chooses_prompt(self, chat: Chat, title: str) -> Shown:
        """One of the suggestions, which says its words. Raises StopIteration."""
        return await self.says(chat, next(words for name, words in chat.prompts if name == title))

    async def looks_at(self, chat: Chat) -> None:
        """A channel beside the agent."""
        entities = [{"type": "slack#/types/channel_id", "value": chat.id, "team_id": self.user.team_id}]
        self._looking_at = {"entities": entities}
        await self._tells("app_context_changed", channel=self.direct().id, context=self._looking_at)

    async def renames(self, chat: Chat, title: str) -> None:
        """A thread of the agent."""
        assert chat.thread_ts, "only threads have titles"
        session = chat.room.session(chat.thread_ts)
        before, session.title = session.title, title
        about = {"channel": chat.id, "team_id": chat.room.team_id, "thread_ts": chat.thread_ts, "title": title}
        await self._tells("agent_session_title_changed", **about, previous_title=before)

    async def joins(self, chat: Chat) -> None:
        chat.room.members.append(self.id)
        await self._membership("member_joined_channel", chat, self.id)

    async def leaves(self, chat: Chat) -> None:
        chat.room.members.remove(self.id)
        await self._membership("member_left_channel", chat, self.id)

    async def invites_bot(self, chat: Chat) -> None:
        """The app, into a channel."""
        bot = self._world.bot_in(chat.room)
        assert bot, "the app is not installed"
        chat.room.members.append(bot.id)
        await self._membership("member_joined_channel", chat, bot.id, inviter=self.id)

    async def removes_bot(self, chat: Chat) -> None:
        bot = self._world.bot_in(chat.room)
        assert bot, "the app is not installed"
        await self._membership("member_left_channel", chat, bot.id)
        chat.room.members.remove(bot.id)

    def archives(self, chat: Chat) -> None:
        chat.room.is_archived = True

    @property
    def _team(self) -> Team:
        return self._world.teams.get(self.user.team_id, self._world.team)

    async def _acts(self, shown: Shown | View, block: Wire, action: Wire) -> Acted:
        action = action | {"action_ts": self._world.next_ts()}
        interactions = self._world.interactions
        if isinstance(shown, View):
            acted = Acted(self._world, interactions.pressed_in_view(self.user, shown, {}, action))
        else:
            acted = Acted(self._world, interactions.pressed(self.user, shown, block, action))
        await asyncio.sleep(0)
        return acted

    async def _reaction(self, kind: str, shown: Shown, name: str) -> None:
        item = {"type": "message", "channel": shown.room.id, "ts": shown.ts}
        event = {"type": kind, "user": self.id, "reaction": name, "item_user": shown.sender, "item": item}
        self._world.told.in_room(shown.room, event | {"event_ts": self._world.next_ts()})
        await asyncio.sleep(0)

    async def _membership(self, kind: str, chat: Chat, user: str, **more: str) -> None:
        letter = {"channel": "C", "group": "G"}[chat.room.kind]
        event = {"type": kind, "user": user, "channel": chat.id, "channel_type": letter, "team": chat.room.team_id}
        self._world.told.in_room(chat.room, event | more | {"event_ts": self._world.next_ts()})
        self._world.changes.tell()
        await asyncio.sleep(0)

    async def _tells(self, kind: str, **about: object) -> None:
        event = {"type": kind, "user": self.id, **about, "event_ts": self._world.next_ts()}
        self._world.told.happens(self._team, event)
        await asyncio.sleep(0)

    def _top(self) -> View:
        view = self.modal
        assert view, "there is no modal"
        return view

    def _words(self, text: str) -> Wire:
        """A message as a client sends it."""
        plain, elements = composed(text)
        section = {"type": "rich_text_section", "elements": elements}
        rich = {"type": "rich_text", "block_id": self._world.new_id("b"), "elements": [section]}
        identity = {"client_msg_id": f"fake-{next(self._world.numbers)}"}
        return {"text": plain, **identity} | ({"blocks": [rich]} if text else {})
