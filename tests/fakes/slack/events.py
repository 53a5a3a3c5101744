"""Events in the shapes that Slack's types show, for those who are subscribed to them."""

from collections.abc import Mapping
from typing import Any

from tests.fakes.slack.deliveries import Deliveries, Delivery
from tests.fakes.slack.people import Install, Team, Wire
from tests.fakes.slack.rooms import Room, Shown
from tests.fakes.slack.schema import schemas
from tests.fakes.slack.state import APP_ID, State

VERIFICATION = "fake-verification"
OF_ROOM = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}
DEFAULT_EVENTS = frozenset(
    "app_mention message.im message.channels message.groups message.mpim app_home_opened agent_session_stopped "
    "assistant_thread_started assistant_thread_context_changed app_context_changed member_joined_channel "
    "member_left_channel reaction_added reaction_removed app_uninstalled tokens_revoked "
    "agent_session_title_changed file_shared".split()
)


class Events:
    """Tells the app what happens."""

    def __init__(self, state: State, deliveries: Deliveries) -> None:
        self._state = state
        self._deliveries = deliveries

    def happens(self, team: Team, event: Mapping[str, Any], *, subscription: str = "") -> Delivery | None:
        """Something of this workspace; None where the app is not there or does not want it."""
        install = team.install
        if install is None or (subscription or event["type"]) not in self._state.subscribed:
            return None
        if not self._state.not_validated:
            problems = schemas().event_problems(_bare(event))
            self._state.problems += [f"event {event['type']}: {each}" for each in problems]
        return self._deliveries.start("events_api", self._body(team, install, event))

    def in_room(self, room: Room, event: Mapping[str, Any], *, subscription: str = "") -> Delivery | None:
        """Something of a conversation, for an app that is in it."""
        bot = self._state.bot_in(room)
        if bot is None or bot.id not in room.members:
            return None
        return self.happens(self._state.teams[room.team_id], event, subscription=subscription)

    def said(self, shown: Shown) -> None:
        """A new message: `message`, and `app_mention` too where the app is named in a channel."""
        room = shown.room
        self.in_room(room, _message(shown), subscription=OF_ROOM[room.kind])
        bot = self._state.bot_in(room)
        by_other = bot is not None and shown.sender != bot.id
        if bot and by_other and room.kind != "im" and f"<@{bot.id}" in shown.fallback():
            self.in_room(room, _mention(shown))

    def streams(self, shown: Shown, streaming: str) -> None:
        """A message that grows; told when it begins."""
        event = _message(shown) | {"subtype": "bot_message", "streaming_state": streaming}
        self.in_room(shown.room, event, subscription=OF_ROOM[shown.room.kind])

    def edited(self, shown: Shown, before: Wire) -> None:
        """An edit, an unfurled link, a stream that has ended."""
        self._about(shown.room, "message_changed", {"message": dict(shown.wire), "previous_message": before})

    def deleted(self, shown: Shown) -> None:
        self._about(shown.room, "message_deleted", {"deleted_ts": shown.ts, "previous_message": dict(shown.wire)})

    def _about(self, room: Room, subtype: str, content: Wire) -> None:
        ts = self._state.next_ts()
        event = {"type": "message", "subtype": subtype, "hidden": True, "channel": room.id, "ts": ts, "event_ts": ts}
        kind = {"channel_type": room.kind}
        self.in_room(room, event | kind | content, subscription=OF_ROOM[room.kind])

    def _body(self, team: Team, install: Install, event: Mapping[str, Any]) -> Wire:
        return {
            "token": VERIFICATION,
            "team_id": team.id,
            "context_team_id": team.id,
            "context_enterprise_id": team.enterprise_id,
            "api_app_id": APP_ID,
            "event": dict(event),
            "type": "event_callback",
            "event_id": self._state.new_id("Ev"),
            "event_time": int(self._state.clock()),
            "authorizations": [install.authorization],
            "is_ext_shared_channel": self._is_shared(str(event.get("channel", ""))),
            "event_context": f"4-{next(self._state.numbers)}",
        } | ({"enterprise_id": team.enterprise_id} if team.enterprise_id else {})

    def _is_shared(self, channel: str) -> bool:
        room = self._state.rooms.get(channel)
        return room is not None and room.is_shared


def _bare(event: Mapping[str, Any]) -> Wire:
    """Without the blocks: those of the app have been looked at when it sent them."""
    return {name: value for name, value in event.items() if name != "blocks"}


def _message(shown: Shown) -> Wire:
    where = {"channel": shown.room.id, "channel_type": shown.room.kind, "event_ts": shown.ts}
    return {**shown.wire, **where}


def _mention(shown: Shown) -> Wire:
    kept = ("user", "text", "ts", "team", "user_team", "thread_ts", "blocks", "files", "client_msg_id", "bot_id")
    told = {name: shown.wire[name] for name in kept if name in shown.wire}
    return {"type": "app_mention", **told, "channel": shown.room.id, "event_ts": shown.ts}
