"""What the app may ask for: itself, people, conversations, what was said; and reactions."""

from typing import Any

from tests.fakes.slack.calls import Asked, direct_room, message_of, room_of, serves, wanted
from tests.fakes.slack.chatting import told
from tests.fakes.slack.people import Wire
from tests.fakes.slack.refusals import Refused, explained
from tests.fakes.slack.rooms import Room, Shown
from tests.fakes.slack.state import APP_ID, State

HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
READ = ("channels:read", "groups:read", "im:read", "mpim:read")
EMOJI = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-+'")
MOST_MESSAGES = 1000


@serves("auth.test")
def auth_test(state: State, asked: Asked) -> Wire:
    assert asked.install, "auth.test needs a token"
    team = state.teams.get(asked.install.team_id or "") or state.teams[asked.bot.team_id]
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "user": asked.bot.handle,
        "team_id": team.id,
        "user_id": asked.bot.id,
        "bot_id": asked.bot.bot_id,
        "enterprise_id": asked.install.enterprise_id,
        "is_enterprise_install": asked.install.team_id is None,
    }


@serves("team.info", "team:read")
def team_info(state: State, asked: Asked) -> Wire:
    team = state.teams.get(asked["team"] or asked.bot.team_id)
    if team is None:
        raise Refused("team_not_found")
    return {"team": team.wire}


@serves("users.info", "users:read")
def users_info(state: State, asked: Asked) -> Wire:
    wanted(asked, "user")
    user = state.users.get(asked["user"])
    if user is None:
        raise Refused("user_not_found")
    told = user.wire
    if not asked["include_locale"]:
        told.pop("locale")
    return {"user": told}


@serves("bots.info", "users:read")
def bots_info(state: State, asked: Asked) -> Wire:
    user = next((each for each in state.users.values() if each.bot_id == asked["bot"]), None)
    if user is None:
        raise Refused("bot_not_found")
    bot = {"id": user.bot_id, "deleted": False, "name": user.name, "user_id": user.id}
    return {"bot": bot | ({"app_id": APP_ID} if user is asked.bot else {})}


@serves("conversations.open", "im:write", "mpim:write")
def open_conversation(state: State, asked: Asked) -> Wire:
    wanted(asked, "users")
    names = asked["users"].split(",") if isinstance(asked["users"], str) else asked["users"]
    users = [state.users.get(each) for each in names]
    if len(users) != 1 or users[0] is None:
        raise Refused("user_not_found")
    room = direct_room(state, users[0], asked.bot)
    return {"channel": room.wire(users[0]) if asked["return_im"] else {"id": room.id}}


@serves("conversations.info", *READ)
def info(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel")
    room = room_of(state, asked)
    other = next((state.users[each] for each in room.members if each != asked.bot.id), None)
    return {"channel": room.wire(other) | {"is_member": asked.bot.id in room.members}}


@serves("conversations.members", *READ)
def members(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel")
    return {"members": list(room_of(state, asked).members), "response_metadata": {"next_cursor": ""}}


@serves("conversations.history", *HISTORY)
def history(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel")
    room = _readable(state, asked)
    newest_first = [told(each) for each in reversed(list(room.at_top()))]
    return _page(asked, newest_first)


@serves("conversations.replies", *HISTORY)
def replies(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel", "ts")
    room = _readable(state, asked)
    if asked["ts"] not in room.messages:
        raise Refused("thread_not_found")
    root = room.messages[asked["ts"]]
    thread = root.thread_ts or root.ts
    return _page(asked, [told(each) for each in room.in_thread(thread)])


@serves("reactions.add", "reactions:write")
def add_reaction(state: State, asked: Asked) -> Wire:
    shown = _reacted(state, asked)
    if asked.bot.id in shown.reactions.get(asked["name"], ()):
        raise Refused("already_reacted")
    react(state, shown, asked["name"], asked.bot.id)
    return {}


@serves("reactions.remove", "reactions:write")
def remove_reaction(state: State, asked: Asked) -> Wire:
    shown = _reacted(state, asked)
    if asked.bot.id not in shown.reactions.get(asked["name"], ()):
        raise Refused("no_reaction")
    unreact(state, shown, asked["name"], asked.bot.id)
    return {}


def react(state: State, shown: Shown, name: str, user: str) -> None:
    _set_reactions(state, shown, shown.reactions | {name: [*shown.reactions.get(name, ()), user]})


def unreact(state: State, shown: Shown, name: str, user: str) -> None:
    left = [each for each in shown.reactions[name] if each != user]
    _set_reactions(state, shown, shown.reactions | {name: left})


def _set_reactions(state: State, shown: Shown, reactions: dict[str, list[str]]) -> None:
    told = [{"name": name, "users": users, "count": len(users)} for name, users in reactions.items() if users]
    shown.wire["reactions"] = told
    state.changes.tell()


def _reacted(state: State, asked: Asked) -> Shown:
    wanted(asked, "channel", "timestamp", "name")
    if not set(asked["name"]) <= EMOJI:
        raise Refused("invalid_name")
    return message_of(room_of(state, asked), asked["timestamp"])


def _readable(state: State, asked: Asked) -> Room:
    room = room_of(state, asked)
    if asked.bot.id not in room.members:
        raise Refused("not_in_channel")
    return room


def _page(asked: Asked, messages: list[Wire]) -> Wire:
    """A part of the messages, by oldest and latest, limit and cursor."""
    limit = int(asked["limit"] or 100)
    if not 1 <= limit <= MOST_MESSAGES:
        raise explained("invalid_limit", f"limit is between 1 and {MOST_MESSAGES}")
    inside = [each for each in messages if _is_between(each["ts"], asked)]
    start = int(asked["cursor"] or 0)
    more = start + limit < len(inside)
    cursor: dict[str, Any] = {"response_metadata": {"next_cursor": str(start + limit)}} if more else {}
    return {"messages": inside[start : start + limit], "has_more": more, **cursor}


def _is_between(ts: str, asked: Asked) -> bool:
    oldest, latest = float(asked["oldest"] or 0), float(asked["latest"] or "inf")
    return (oldest <= float(ts) <= latest) if asked["inclusive"] else (oldest < float(ts) < latest)
