"""Messages that grow: chat.startStream, appendStream and stopStream."""

from tests.fakes.slack.calls import LONGEST_MARKDOWN, Asked, open_room, room_of, serves, thread_of, wanted
from tests.fakes.slack.chatting import authored, checked_blocks, own_message, with_ids
from tests.fakes.slack.limits import chunk_problems
from tests.fakes.slack.people import Wire
from tests.fakes.slack.refusals import Refused, explained
from tests.fakes.slack.rooms import Room, Shown, Stream
from tests.fakes.slack.sessions import STATES, set_state
from tests.fakes.slack.state import State

MODES = ("timeline", "plan", "dense")
CHUNKS = ("blocks", "markdown_text", "plan_update", "task_update")
STATUSES = ("pending", "in_progress", "complete", "error")


@serves("chat.startStream", "chat:write")
def start(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel", "thread_ts")
    room = open_room(state, asked)
    thread = thread_of(room, asked)
    for name in ("recipient_team_id", "recipient_user_id"):
        if room.kind != "im" and not asked[name]:
            raise Refused(f"missing_{name}")
    mode = asked["task_display_mode"] or "timeline"
    if mode not in MODES:
        raise explained("invalid_arguments", f"task_display_mode is one of {', '.join(MODES)}")
    stream = Stream(state.clock(), mode)
    take(state, stream, asked)
    shown = state.post(room, authored(state, asked) | {"thread_ts": thread, "text": stream.markdown})
    shown.stream = stream
    state.changed(shown)
    room.session(thread).status = ""
    state.events.streams(shown, "in_progress")
    return {"channel": room.id, "ts": shown.ts}


@serves("chat.appendStream", "chat:write")
def append(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel", "ts")
    room, shown, stream = _open_stream(state, asked)
    if not asked["markdown_text"] and not asked["chunks"]:
        raise Refused("markdown_text_or_chunks_required")
    take(state, stream, asked)
    state.changed(shown)
    return {"channel": room.id, "ts": shown.ts}


@serves("chat.stopStream", "chat:write")
def stop(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel", "ts")
    room, shown, stream = _open_stream(state, asked)
    if asked["session_status"] not in (None, *STATES):
        raise explained("invalid_arguments", f"session_status is one of {', '.join(STATES)}")
    take(state, stream, asked)
    before = dict(shown.wire)
    if asked["blocks"]:
        shown.wire["blocks"] = checked_blocks(state, asked["blocks"])
    if asked["metadata"]:
        shown.wire["metadata"] = asked["metadata"]
    end(state, shown)
    set_state(state, room, shown.thread_ts, asked["session_status"] or "active")
    state.events.edited(shown, before)
    return {"channel": room.id, "ts": shown.ts, "message": dict(shown.wire)}


def end(state: State, shown: Shown) -> None:
    """The stream is over; what still seemed to go on went wrong."""
    stream = shown.stream
    assert stream, "this is no stream"
    stream.is_open = False
    shown.wire["text"] = stream.markdown or stream.plan
    for task in stream.tasks.values():
        if task["status"] == "in_progress":
            task["status"] = "error"
    state.changed(shown)


def stopped_by_user(state: State, shown: Shown) -> None:
    """Somebody pressed Stop: Slack ends the stream by itself."""
    assert shown.stream, "this is no stream"
    shown.stream.stopped_by_user = True
    end(state, shown)


def take(state: State, stream: Stream, asked: Asked) -> None:
    """What a call adds. Raises Refused, and then it adds nothing."""
    text, chunks = asked["markdown_text"], asked["chunks"]
    if text and chunks:
        raise Refused("cannot_provide_both_markdown_text_and_chunks")
    if text and len(text) > LONGEST_MARKDOWN:
        raise Refused("msg_too_long")
    mode = "chunks" if chunks else "markdown_text" if text else ""
    if mode and stream.mode and mode != stream.mode:
        raise Refused("streaming_mode_mismatch")
    _check(chunks or [])
    added = sum(len(str(value).encode()) for each in chunks or [] for value in each.values()) + len(
        (text or "").encode()
    )
    if stream.size + added > state.limits.stream_bytes:
        raise Refused("msg_too_long")
    stream.mode = stream.mode or mode
    for each in chunks or ([{"type": "markdown_text", "text": text}] if text else []):
        _add(state, stream, each)


def _open_stream(state: State, asked: Asked) -> tuple[Room, Shown, Stream]:
    """A stream that still goes on. Raises Refused."""
    room = room_of(state, asked)
    shown = own_message(room.messages.get(asked["ts"]), asked, "message_not_owned_by_app")
    stream = shown.stream
    if stream and stream.is_open and state.clock() - stream.started_at > state.limits.stream_seconds:
        end(state, shown)
    if stream and stream.stopped_by_user and asked.method == "chat.appendStream":
        raise Refused("stopped_by_user")
    if stream is None or not stream.is_open:
        raise Refused("message_not_in_streaming_state")
    return room, shown, stream


def _check(chunks: list[Wire]) -> None:
    """Raises Refused for chunks that Slack does not take."""
    for at, each in enumerate(chunks):
        if each.get("type") not in CHUNKS:
            raise explained("invalid_chunks", f"unsupported type: {each.get('type')} [/chunks/{at}]")
        if each["type"] == "task_update" and each.get("status", "pending") not in STATUSES:
            raise explained("invalid_chunks", f"unknown status: {each.get('status')} [/chunks/{at}]")
    if problems := chunk_problems(chunks):
        raise explained("invalid_chunks", *problems)


def _add(state: State, stream: Stream, chunk: Wire) -> None:
    match chunk["type"]:
        case "markdown_text":
            stream.markdown += chunk["text"]
        case "plan_update":
            stream.plan = chunk["title"]
        case "blocks":
            stream.blocks += with_ids(state, chunk["blocks"])
        case "task_update":
            stream.tasks[chunk["id"]] = _merged(stream.tasks.get(chunk["id"], {}), chunk)


def _merged(before: Wire, chunk: Wire) -> Wire:
    """Title and status are replaced, details and output grow, sources are added."""
    grown = {
        name: before.get(name, "") + chunk[name] for name in ("details", "output") if isinstance(chunk.get(name), str)
    }
    sources = {"sources": [*before.get("sources", ()), *chunk["sources"]]} if chunk.get("sources") else {}
    return {"status": "pending", **before, **chunk, **grown, **sources}
