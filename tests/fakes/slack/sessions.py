"""What an agent shows around a thread: status, title, prompts, and whether it can be stopped."""

from tests.fakes.slack.calls import Asked, room_of, serves, wanted
from tests.fakes.slack.people import Wire
from tests.fakes.slack.refusals import Refused, explained
from tests.fakes.slack.rooms import Room, Session
from tests.fakes.slack.state import State

STATES = ("active", "processing", "suspended", "closed")
STOPPED = "agent_session_stopped"
LONGEST_TITLE = 200
MOST_PROMPTS = 4
MOST_LOADING_MESSAGES = 10


@serves("agents.sessions.setStatus", "chat:write", "assistant:write")
def set_session_status(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel_id", "status")
    if asked["status"] not in STATES:
        raise Refused("invalid_status")
    if asked["initiator_user_id"] and asked["initiator_user_id"] not in state.users:
        raise Refused("user_not_found")
    room, session = _session(state, asked)
    if len(asked["title"] or "") > LONGEST_TITLE:
        raise explained("invalid_arguments", f"title is longer than {LONGEST_TITLE} characters")
    if session.state is None:
        session.title = asked["title"] or session.title
    set_state(state, room, asked["thread_ts"], asked["status"])
    told = {"status": asked["status"], "title": session.title}
    if asked["status"] == "processing" and STOPPED not in state.subscribed:
        return told | {"warning": "missing_agent_session_stopped_event_subscription"}
    return told


@serves("agents.sessions.rename", "chat:write", "assistant:write")
def rename(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel_id", "title")
    _, session = _session(state, asked)
    if len(asked["title"]) > LONGEST_TITLE:
        raise explained("invalid_arguments", f"title is longer than {LONGEST_TITLE} characters")
    if session.state is None:
        raise Refused("session_not_found")
    session.title = asked["title"]
    state.changes.tell()
    return {"title": session.title}


@serves("assistant.threads.setStatus", "assistant:write", "chat:write")
def set_status(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel_id", "thread_ts")
    _, session = _session(state, asked)
    if asked["status"] is None:
        raise explained("invalid_arguments", "missing required field: status")
    if len(asked["loading_messages"] or ()) > MOST_LOADING_MESSAGES:
        raise explained("invalid_arguments", f"no more than {MOST_LOADING_MESSAGES} loading messages allowed")
    session.status = asked["status"]
    session.loading = list(asked["loading_messages"] or ()) if session.status else []
    session.statuses.append((state.clock(), session.status))
    state.changes.tell()
    return {}


@serves("assistant.threads.setTitle", "assistant:write")
def set_title(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel_id", "thread_ts", "title")
    room, session = _session(state, asked)
    if room.kind != "im":
        raise Refused("invalid_thread_ts")
    session.title = asked["title"]
    state.changes.tell()
    return {}


@serves("assistant.threads.setSuggestedPrompts", "assistant:write")
def set_prompts(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel_id", "prompts")
    if not asked["thread_ts"] and not state.agent_view:
        raise Refused("missing_thread_ts")
    room = room_of(state, asked, "channel_id")
    session = room.session(_thread(room, asked["thread_ts"])) if asked["thread_ts"] else room.session(None)
    if not 1 <= len(asked["prompts"]) <= MOST_PROMPTS:
        raise explained("invalid_arguments", f"between 1 and {MOST_PROMPTS} prompts allowed")
    session.prompts = [(each["title"], each["message"]) for each in asked["prompts"]]
    session.prompts_title = asked["title"] or ""
    state.changes.tell()
    return {}


def set_state(state: State, room: Room, thread: str | None, value: str) -> None:
    """Where a session is in its life; the first state makes it."""
    session = room.session(thread)
    session.state = value
    session.states.append((state.clock(), value))
    state.changes.tell()


def _session(state: State, asked: Asked) -> tuple[Room, Session]:
    room = room_of(state, asked, "channel_id")
    if not asked["thread_ts"]:
        raise Refused("thread_ts_required")
    return room, room.session(_thread(room, asked["thread_ts"]))


def _thread(room: Room, ts: str) -> str:
    """The root of a thread. Raises Refused."""
    shown = room.messages.get(ts)
    if shown is None and ts not in room.sessions:
        raise Refused("invalid_thread_ts")
    return shown.thread_ts or shown.ts if shown else ts
