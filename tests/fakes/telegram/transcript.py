"""A chat as a person sees it, line by line."""

from collections.abc import Iterator, Sequence

from tests.fakes.telegram.state import Room, Shown, State

QUOTED = 30  # characters of the message that is answered


def transcript(state: State, room: Room, thread: int | None) -> str:
    """Who said what, with buttons in [ ]. A message stands as it is now, and what was deleted is gone."""
    lines = [line for shown in room.in_thread(thread) for line in lines_of(state, shown, thread)]
    return "\n".join(lines)


def lines_of(state: State, shown: Shown, thread: int | None = None) -> Iterator[str]:
    """One message. Outside of its topic the name of the topic stands before it."""
    topic = shown.room.topics.get(shown.thread or 0)
    place = f"#{topic.name} " if topic and thread is None else ""
    name = state.users[shown.sender].name
    if event := _event(state, shown):
        yield f"{place}* {name} {event}"
        return
    first, *rest = "\n".join(_content(shown)).split("\n")
    yield f"{place}{name}{_reply(state, shown)}: {first}".rstrip()
    yield from (f"  {line}".rstrip() for line in rest)
    yield from (f"  {row}" for row in _rows(shown.buttons))
    if shown.reactions:
        yield f"  ({' '.join(shown.reactions.values())})"


def _content(shown: Shown) -> Iterator[str]:
    for kind, file in (shown.file or {}).items():
        name = file.get("file_name") if kind != "photo" else None
        yield f"<{kind}: {name}>" if name else f"<{kind}>"
    if shown.text or not shown.file:
        yield shown.text


def _reply(state: State, shown: Shown) -> str:
    answered = shown.wire.get("reply_to_message")
    if not answered or "forum_topic_created" in answered:
        return ""
    words = (shown.wire.get("quote") or answered).get("text") or shown.room.messages[answered["message_id"]].text
    first = words.split("\n")[0]
    return f' (to "{first if len(first) <= QUOTED else first[: QUOTED - 1] + "…"}")'


def _event(state: State, shown: Shown) -> str:
    """What a message tells that nobody wrote."""
    wire = shown.wire
    if "forum_topic_created" in wire:
        return f"made the topic {wire['forum_topic_created']['name']!r}"
    if "forum_topic_edited" in wire:
        return f"renamed the topic to {wire['forum_topic_edited']['name']!r}"
    if "new_chat_members" in wire:
        return f"added {', '.join(each['first_name'] for each in wire['new_chat_members'])}"
    if "left_chat_member" in wire:
        return f"removed {wire['left_chat_member']['first_name']}"
    moved = wire.keys() & {"migrate_to_chat_id", "migrate_from_chat_id"}
    return "made the group a supergroup" if moved else ""


def _rows(buttons: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in buttons:
        yield " ".join(f"[{label}]" for label in row)
