"""What the bot asks for and arranges: itself, chats, members, files, commands, topics."""

import json
import re
from typing import Any

from tests.fakes.telegram.calls import Asked, open_room, room_of, serves
from tests.fakes.telegram.members import bot_becomes, member
from tests.fakes.telegram.refusals import bad_request
from tests.fakes.telegram.state import BOT_ID, Room, State, Topic, Wire

COMMAND = re.compile(r"[a-z0-9_]{1,32}")
MOST_COMMANDS = 100
LONGEST_DESCRIPTION = 256
LONGEST_TOPIC = 128


@serves("getMe")
def get_me(state: State, asked: Asked) -> Wire:
    return state.bot.wire | {
        "can_join_groups": True,
        "can_read_all_group_messages": not state.privacy,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": state.private_topics,
        "allows_users_to_create_topics": state.private_topics,
    }


@serves("getChat")
def get_chat(state: State, asked: Asked) -> Wire:
    gifts = dict.fromkeys(
        ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
    )
    return room_of(state, asked).wire | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}


@serves("getChatMember")
def get_chat_member(state: State, asked: Asked) -> Wire:
    room = open_room(state, asked)
    user = state.users.get(asked["user_id"] or 0)
    if user is None:
        raise bad_request("user not found")
    status = "member" if room.user and user in (room.user, state.bot) else room.members.get(user.id, "left")
    return member(user, status)


@serves("leaveChat")
def leave_chat(state: State, asked: Asked) -> bool:
    room = open_room(state, asked)
    if room.is_private:
        raise bad_request("chat member status can't be changed in private chats")
    bot_becomes(state, room, "left", by=state.bot)
    return True


@serves("getFile")
def get_file(state: State, asked: Asked) -> Wire:
    file = state.files.get(asked["file_id"] or "")
    if file is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if len(file.data) > state.limits.download:
        raise bad_request("file is too big")
    names = {name: file.wire[name] for name in ("file_id", "file_unique_id", "file_size")}
    return names | {"file_path": file.path}


@serves("setMyCommands")
def set_my_commands(state: State, asked: Asked) -> bool:
    commands = asked["commands"] or []
    if len(commands) > MOST_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    if not all(COMMAND.fullmatch(each["command"]) for each in commands):
        raise bad_request("BOT_COMMAND_INVALID")
    if not all(1 <= len(each["description"]) <= LONGEST_DESCRIPTION for each in commands):
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    state.commands[_scope(asked)] = commands
    return True


@serves("getMyCommands")
def get_my_commands(state: State, asked: Asked) -> list[Wire]:
    return list(state.commands.get(_scope(asked), ()))


@serves("deleteMyCommands")
def delete_my_commands(state: State, asked: Asked) -> bool:
    state.commands.pop(_scope(asked), None)
    return True


@serves("createForumTopic")
def create_forum_topic(state: State, asked: Asked) -> Wire:
    room = open_room(state, asked)
    _check_topics(state, room)
    name = _topic_name(asked)
    if not room.is_private and room.members[BOT_ID] != "administrator":
        raise bad_request("not enough rights to create a topic")
    topic = make_topic(state, room, name, by=BOT_ID)
    return {"message_thread_id": topic.id, "name": topic.name, "icon_color": topic.icon_color}


@serves("editForumTopic")
def edit_forum_topic(state: State, asked: Asked) -> bool:
    room = open_room(state, asked)
    _check_topics(state, room)
    topic = room.topics.get(asked["message_thread_id"] or 0)
    if topic is None:
        raise bad_request("message thread not found")
    if not room.is_private and room.members[BOT_ID] != "administrator" and topic.creator != BOT_ID:
        raise bad_request("not enough rights to edit a topic")
    name = _topic_name(asked) if asked["name"] else topic.name
    if name == topic.name:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.name = name
    state.post(room, state.bot, topic.id, {"forum_topic_edited": {"name": name}})
    return True


def make_topic(state: State, room: Room, name: str, *, by: int, implicit: bool = False) -> Topic:
    """A topic, with the message that tells of it; an `implicit` name is one that nobody has given."""
    number = max(room.messages, default=0) + 1
    topic = Topic(number, name, by)
    made: dict[str, Any] = {"forum_topic_created": {"name": name, "icon_color": topic.icon_color}}
    if implicit:
        made["forum_topic_created"]["is_name_implicit"] = True
    state.post(room, state.users[by], number, made)
    room.topics[number] = topic
    return topic


def _scope(asked: Asked) -> tuple[str, str]:
    scope = asked["scope"] or {"type": "default"}
    return json.dumps(scope, sort_keys=True), asked["language_code"] or ""


def _check_topics(state: State, room: Room) -> None:
    if not (room.forum or (room.is_private and state.private_topics)):
        raise bad_request("the chat is not a forum")


def _topic_name(asked: Asked) -> str:
    name = str(asked["name"] or "").strip()
    if not 1 <= len(name) <= LONGEST_TOPIC:
        raise bad_request("TOPIC_TITLE_INVALID")
    return name
