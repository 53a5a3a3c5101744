"""Modals and home tabs."""

import hashlib
import json

from tests.fakes.slack.calls import Asked, serves, wanted
from tests.fakes.slack.chatting import with_ids
from tests.fakes.slack.limits import view_problems
from tests.fakes.slack.people import User, Wire
from tests.fakes.slack.refusals import Refused, explained
from tests.fakes.slack.state import APP_ID, State, View

MOST_ON_TOP = 3


@serves("views.open")
def open_view(state: State, asked: Asked) -> Wire:
    wanted(asked, "view")
    owner = used_trigger(state, asked["trigger_id"])
    view = new_view(state, asked["view"], owner, asked.bot)
    state.modals[owner] = [view]
    state.changes.tell()
    return {"view": view.wire}


@serves("views.push")
def push_view(state: State, asked: Asked) -> Wire:
    wanted(asked, "view")
    owner = used_trigger(state, asked["trigger_id"])
    return {"view": push(state, asked["view"], owner, asked.bot).wire}


@serves("views.update")
def update_view(state: State, asked: Asked) -> Wire:
    wanted(asked, "view")
    external = asked["external_id"]
    views = state.views.values()
    found = state.views.get(asked["view_id"] or "") or next(
        (each for each in views if external and each.wire["external_id"] == external), None
    )
    if found is None or found not in [*state.modals.get(found.owner, ()), *state.homes.values()]:
        raise Refused("not_found")
    if asked["hash"] and asked["hash"] != found.hash:
        raise Refused("hash_conflict")
    return {"view": replace(state, found, asked["view"]).wire}


@serves("views.publish")
def publish(state: State, asked: Asked) -> Wire:
    wanted(asked, "user_id", "view")
    if asked["user_id"] not in state.users:
        raise Refused("user_not_found")
    before = state.homes.get(asked["user_id"])
    if asked["hash"] and before and asked["hash"] != before.hash:
        raise Refused("hash_conflict")
    view = new_view(state, asked["view"], asked["user_id"], asked.bot)
    state.homes[asked["user_id"]] = view
    state.changes.tell()
    return {"view": view.wire}


def push(state: State, wire: Wire, owner: str, bot: User) -> View:
    """One more on top. Raises Refused."""
    stack = state.modals.setdefault(owner, [])
    if len(stack) >= MOST_ON_TOP:
        raise Refused("push_limit_reached")
    view = new_view(state, wire, owner, bot)
    stack.append(view)
    state.changes.tell()
    return view


def replace(state: State, view: View, wire: Wire) -> View:
    """Other content, the same view. Raises Refused."""
    checked(wire)
    view.hash = _hash(state, wire)
    kept = {name: view.wire[name] for name in ("id", "team_id", "app_id", "bot_id", "root_view_id", "previous_view_id")}
    view.wire = _filled(state, wire) | kept | {"hash": view.hash}
    state.changes.tell()
    return view


def new_view(state: State, wire: Wire, owner: str, bot: User) -> View:
    """Raises Refused for one that Slack does not take."""
    checked(wire)
    external = wire.get("external_id")
    if external and any(each.wire["external_id"] == external for each in state.views.values()):
        raise Refused("duplicate_external_id")
    identifier, stack, version = state.new_id("V"), state.modals.get(owner, []), _hash(state, wire)
    about = {
        "id": identifier,
        "team_id": state.users[owner].team_id,
        "app_id": APP_ID,
        "bot_id": bot.bot_id,
        "root_view_id": stack[0].id if stack else identifier,
        "previous_view_id": stack[-1].id if stack else None,
        "hash": version,
    }
    view = View(identifier, _filled(state, wire) | about, owner, version)
    state.views[identifier] = view
    return view


def checked(wire: Wire) -> None:
    """Raises Refused for a view that Slack does not take."""
    if len(json.dumps(wire)) > 250_000:
        raise Refused("view_too_large")
    if problems := view_problems(wire):
        raise explained("invalid_arguments", *problems)


def used_trigger(state: State, identifier: str | None) -> str:
    """Whose trigger it is; it cannot be used again. Raises Refused."""
    trigger = state.triggers.get(identifier or "")
    if trigger is None:
        raise Refused("invalid_trigger_id")
    if trigger.used:
        raise Refused("exchanged_trigger_id")
    if state.clock() - trigger.issued_at > state.limits.trigger_seconds:
        raise Refused("expired_trigger_id")
    trigger.used = True
    return trigger.owner


def _filled(state: State, wire: Wire) -> Wire:
    """With what Slack adds."""
    absent = {"private_metadata": "", "callback_id": "", "external_id": "", "clear_on_close": False}
    absent |= {"notify_on_close": False, "close": None, "submit": None, "state": {"values": {}}}
    return {**absent, **wire, "blocks": with_ids(state, wire["blocks"])}


def _hash(state: State, wire: Wire) -> str:
    content = f"{next(state.numbers)}{json.dumps(wire)}"
    return f"{int(state.clock())}.{hashlib.sha256(content.encode()).hexdigest()[:8]}"
