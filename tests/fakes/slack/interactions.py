"""Commands and interactions as the app gets them: presses, modals, shortcuts."""

from collections.abc import Mapping
from typing import Any

from tests.fakes.slack.deliveries import Deliveries, Delivery
from tests.fakes.slack.events import VERIFICATION
from tests.fakes.slack.people import User, Wire
from tests.fakes.slack.rooms import Room, Shown
from tests.fakes.slack.state import APP_ID, State, View


class Interactions:
    """Tells the app what people do with it."""

    def __init__(self, state: State, deliveries: Deliveries) -> None:
        self._state = state
        self._deliveries = deliveries

    def command(self, user: User, room: Room, name: str, text: str) -> Delivery:
        team = self._state.teams[room.team_id]
        body = {
            "token": VERIFICATION,
            "team_id": team.id,
            "team_domain": team.domain,
            "channel_id": room.id,
            "channel_name": "directmessage" if room.kind == "im" else room.name,
            "user_id": user.id,
            "user_name": user.handle,
            "command": name,
            "text": text,
            "api_app_id": APP_ID,
            "is_enterprise_install": str(bool(team.install and team.install.team_id is None)).lower(),
            "response_url": self._state.new_response_url(room, user.id, thread=None),
            "trigger_id": self._state.new_trigger(user.id),
        } | ({"enterprise_id": team.enterprise_id} if team.enterprise_id else {})
        return self._deliveries.start("slash_commands", body)

    def pressed(self, user: User, shown: Shown, block: Wire, action: Wire) -> Delivery:
        """A button or a choice in a message."""
        room = shown.room
        container = {
            "type": "message",
            "message_ts": shown.ts,
            "channel_id": room.id,
            "is_ephemeral": shown.ephemeral_for is not None,
        } | ({"thread_ts": shown.thread_ts} if shown.thread_ts else {})
        about = {
            "container": container,
            "channel": {"id": room.id, "name": "directmessage" if room.kind == "im" else room.name},
            "message": message_wire(shown),
            "response_url": self._state.new_response_url(room, user.id, thread=shown.thread_ts, message=shown),
        }
        return self._acted("block_actions", user, about | {"state": {"values": {}}, "actions": [action]})

    def pressed_in_view(self, user: User, view: View, values: Wire, action: Wire) -> Delivery:
        """A button or a choice in a modal or a home tab."""
        about = {"container": {"type": "view", "view_id": view.id}, "view": told_view(view, values)}
        return self._acted("block_actions", user, about | {"actions": [action]})

    def submitted(self, user: User, view: View, values: Wire) -> Delivery:
        about = {"view": told_view(view, values), "response_urls": []}
        return self._acted("view_submission", user, about)

    def closed(self, user: User, view: View, *, all_of_them: bool = False) -> Delivery:
        about = {"view": told_view(view, {}), "is_cleared": all_of_them}
        return self._acted("view_closed", user, about, trigger=False)

    def message_shortcut(self, user: User, shown: Shown, callback_id: str) -> Delivery:
        room = shown.room
        about = {
            "callback_id": callback_id,
            "message_ts": shown.ts,
            "action_ts": self._state.next_ts(),
            "channel": {"id": room.id, "name": "directmessage" if room.kind == "im" else room.name},
            "message": message_wire(shown),
            "response_url": self._state.new_response_url(room, user.id, thread=shown.thread_ts),
        }
        return self._acted("message_action", user, about)

    def global_shortcut(self, user: User, callback_id: str) -> Delivery:
        about = {"callback_id": callback_id, "action_ts": self._state.next_ts()}
        return self._acted("shortcut", user, about)

    def _acted(self, kind: str, user: User, about: Mapping[str, Any], *, trigger: bool = True) -> Delivery:
        team = self._state.teams[user.team_id]
        org_wide = team.install is not None and team.install.team_id is None
        body = {
            "type": kind,
            "token": VERIFICATION,
            "api_app_id": APP_ID,
            "team": team.short,
            "enterprise": {"id": team.enterprise_id, "name": "Enterprise"} if team.enterprise_id else None,
            "is_enterprise_install": org_wide,
            "user": {"id": user.id, "username": user.handle, "name": user.handle, "team_id": user.team_id},
            **about,
        }
        if trigger:
            body["trigger_id"] = self._state.new_trigger(user.id)
        return self._deliveries.start("interactive", body)


def message_wire(shown: Shown) -> Wire:
    """A message as an interaction tells it."""
    return dict(shown.wire) | ({"blocks": shown.blocks} if shown.blocks else {})


def told_view(view: View, values: Wire) -> Wire:
    """A view as the app gets it back."""
    return {**view.wire, "state": {"values": values}}
