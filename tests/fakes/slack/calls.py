"""A call of the app, and what most calls ask for: the token, the channel, the message."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.slack.people import Install, User, Wire
from tests.fakes.slack.refusals import Refused, explained
from tests.fakes.slack.rooms import Room, Shown
from tests.fakes.slack.state import State

LONGEST_TEXT = 40_000  # characters of `text` (docs.slack.dev chat.postMessage: truncated beyond; refused here)
LONGEST_MARKDOWN = 12_000
LONGEST_UPDATE = 4_000  # characters of `text` (docs.slack.dev chat.update, read 2026-11)
LONGEST_BLOCKS = 13_000  # characters in all blocks (seen by users of Bolt for JavaScript, its issue 2509)


@dataclass(frozen=True)
class Asked:
    """A call that is known and read: `given` are its parameters with their types."""

    method: str
    given: Mapping[str, Any]
    install: Install | None

    def __getitem__(self, name: str) -> Any:
        return self.given.get(name)

    @property
    def bot(self) -> User:
        assert self.install, "this method needs no token"
        return self.install.bot


Serve = Callable[[State, Asked], Wire]
SERVED: dict[str, Serve] = {}
SCOPES: dict[str, tuple[str, ...]] = {}  # any of them will do


def serves(method: str, *scopes: str) -> Callable[[Serve], Serve]:
    """This function answers that method, for those who have one of the scopes."""

    def served(function: Serve) -> Serve:
        SERVED[method] = function
        SCOPES[method] = scopes
        return function

    return served


def room_of(state: State, asked: Asked, name: str = "channel") -> Room:
    """The conversation that a call names. Raises Refused."""
    room = state.rooms.get(asked[name] or "")
    install = asked.install
    is_there = room is not None and install is not None and state.teams[room.team_id].install is install
    if room is None or not is_there or (room.kind != "channel" and asked.bot.id not in room.members):
        raise Refused("channel_not_found")
    return room


def open_room(state: State, asked: Asked, name: str = "channel") -> Room:
    """One that the app may write to; a user's id stands for the direct messages with them. Raises Refused."""
    if user := state.users.get(asked[name] or ""):
        return direct_room(state, user, asked.bot)
    room = room_of(state, asked, name)
    if room.is_archived:
        raise Refused("is_archived")
    if asked.bot.id not in room.members:
        raise Refused("not_in_channel")
    return room


def direct_room(state: State, user: User, bot: User) -> Room:
    """The direct messages of somebody with the app."""
    members = [user.id, bot.id]
    for room in state.rooms.values():
        if room.kind == "im" and room.members == members:
            return room
    room = Room(state.new_id("D"), "im", user.name, user.team_id, members)
    state.rooms[room.id] = room
    return room


def message_of(room: Room, ts: str | None) -> Shown:
    """A message that is still there. Raises Refused."""
    shown = room.messages.get(ts or "")
    if shown is None or shown.deleted:
        raise Refused("message_not_found")
    return shown


def thread_of(room: Room, asked: Asked) -> str | None:
    """The root of the thread that a call names; an answer's time stamp stands for its root. Raises Refused."""
    ts = asked["thread_ts"]
    if not ts:
        return None
    shown = room.messages.get(ts)
    if shown is None:
        raise Refused("thread_not_found")
    return shown.thread_ts or shown.ts


def wanted(asked: Asked, *names: str) -> None:
    """Raises Refused where one of these is missing."""
    for name in names:
        if asked[name] in (None, ""):
            raise explained("invalid_arguments", f"missing required field: {name}")
