"""A conversation as people see it, line by line."""

from collections.abc import Iterator

from tests.fakes.slack.rooms import Room, Session, Shown
from tests.fakes.slack.state import State


def transcript(state: State, room: Room, thread: str | None, person: str | None) -> str:
    """Who said what, with buttons in [ ]; in a conversation its threads stand below their roots, further in.
    Ephemerals are marked with who sees them; with a person only theirs are there."""
    if thread:
        return "\n".join(_thread(state, room, thread, person))
    return "\n".join(_conversation(state, room, person))


def _conversation(state: State, room: Room, person: str | None) -> Iterator[str]:
    loose = [each for each in _ephemerals(room, person) if not each.thread_ts]
    for shown in sorted([*room.at_top(), *loose], key=lambda each: each.ts):
        yield from lines_of(state, shown)
        if shown.thread_ts in (None, shown.ts) and not shown.ephemeral_for:
            answers = list(_answers(state, room, shown.ts, person))
            yield from (f"    {line}" for line in answers)
    yield from _around(room.sessions.get(""), state.clock())


def _thread(state: State, room: Room, thread: str, person: str | None) -> Iterator[str]:
    root = room.messages.get(thread)
    if root and not root.deleted:
        yield from lines_of(state, root)
    yield from _answers(state, room, thread, person)


def _answers(state: State, room: Room, thread: str, person: str | None) -> Iterator[str]:
    hidden = [each for each in _ephemerals(room, person) if each.thread_ts == thread]
    said = [each for each in room.in_thread(thread) if each.ts != thread]
    for shown in sorted([*said, *hidden], key=lambda each: each.ts):
        yield from lines_of(state, shown)
    yield from _around(room.sessions.get(thread), state.clock())


def lines_of(state: State, shown: Shown) -> Iterator[str]:
    """One message as it is now."""
    name = shown.wire.get("username") or state.name_of(shown.sender)
    marks = [f" (only {state.name_of(shown.ephemeral_for)} sees this)"] if shown.ephemeral_for else []
    marks += [" (also to the channel)"] if shown.wire.get("subtype") == "thread_broadcast" else []
    first, *rest = shown.lines or [""]
    yield f"{name}{''.join(marks)}: {first}{' …' if shown.is_streaming else ''}".rstrip()
    yield from (f"  {line}".rstrip() for line in rest)
    if shown.reactions:
        yield f"  ({' '.join(f':{each}:' for each in shown.reactions)})"


def _around(session: Session | None, now: float) -> Iterator[str]:
    """What stands below a thread."""
    if session is None:
        return
    if session.title:
        yield f"# title: {session.title}"
    if status := session.status_at(now):
        yield f"# status: {status}"
    if session.state == "processing":
        yield "# working [Stop]"
    if session.prompts:
        yield f"# prompts: {' '.join(f'[{title}]' for title, _ in session.prompts)}"


def _ephemerals(room: Room, person: str | None) -> list[Shown]:
    return [each for each in room.ephemerals if not each.deleted and person in (None, each.ephemeral_for)]
