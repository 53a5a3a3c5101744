"""Messages, blocks and streams as lines that a person reads."""

import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Wire = Mapping[str, Any]
Names = Callable[[str], str]  # of users and channels, by their id

MARK = {"pending": "○", "in_progress": "◐", "complete": "✓", "error": "✗"}
LEVEL = {"error": "✗", "warning": "!", "success": "✓"}
LINK = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
CONTAINERS = ("elements", "child_blocks", "blocks", "actions")


def message(wire: Wire, stream: Any, names: Names) -> Iterator[str]:
    """What is seen of a message: its blocks, or its text where it has none, and its files."""
    if stream:
        yield from _stream(stream, names)
    if wire.get("blocks"):
        yield from (line for block in wire["blocks"] for line in block_lines(block, names))
    elif not stream and wire.get("text"):
        yield from mrkdwn(wire["text"], names).split("\n")
    for attachment in wire.get("attachments", ()):
        yield from (f"| {line}" for line in message(attachment, None, names))
    yield from (f"<file: {each['name']}>" for each in wire.get("files", ()))


def mrkdwn(text: str, names: Names) -> str:
    """Mentions and links as people read them; marks of bold and so on stay."""
    return html.unescape(LINK.sub(lambda found: _link(found, names), text))


def block_lines(block: Wire, names: Names) -> Iterator[str]:
    """One block. What is not known here is named, so that nobody takes it for nothing."""
    kind = block["type"]
    show = BLOCKS.get(kind)
    if show:
        yield from show(block, names)
    else:
        yield f"<{kind}>"


def task(wire: Wire, names: Names) -> Iterator[str]:
    """A task of a stream, a task card or one of a plan."""
    yield f"{MARK.get(wire.get('status', ''), '○')} {_words(wire['title'], names)}"
    for name, sign in (("details", "  "), ("output", "  → ")):
        if words := _words(wire.get(name) or "", names):
            yield from (f"{sign}{line}" for line in words.split("\n"))
    if sources := wire.get("sources"):
        yield f"  ({', '.join(each['text'] for each in sources)})"


def elements(blocks: Iterable[Wire]) -> Iterator[tuple[Any, Any]]:
    """(block, element) for everything that a person can press, choose or fill in."""
    for block in blocks:
        found = [block.get("accessory"), block.get("element")]
        for name in CONTAINERS:
            inner = block.get(name) or []
            found += [each for each in inner if "action_id" in each or each.get("type") in PRESSED]
            yield from elements([each for each in inner if each not in found and isinstance(each, dict)])
        yield from ((block, each) for each in found if each and each["type"] != "image")


PRESSED = ("button", "feedback_buttons", "icon_button", "overflow", "static_select", "radio_buttons", "checkboxes")


def labels(element: Wire) -> Sequence[str]:
    """What stands on an element that can be pressed or chosen."""
    match element["type"]:
        case "feedback_buttons":
            return [element[each]["text"]["text"] for each in ("positive_button", "negative_button")]
        case "button" | "workflow_button" | "icon_button":
            return [element["text"]["text"]]
        case "overflow" | "radio_buttons" | "checkboxes":
            return [each["text"]["text"] for each in element["options"]]
        case "static_select" | "multi_static_select":
            return [each["text"]["text"] for each in options(element)]
        case kind:
            return [_placeholder(element) or kind]


def options(element: Wire) -> list[Any]:
    """Of a select, in its groups or not."""
    groups = element.get("option_groups") or [{"options": element.get("options") or []}]
    return [each for group in groups for each in group["options"]]


def rich(value: Any, names: Names) -> str:
    """The words of a rich text."""
    match value.get("type"):
        case "text" | "emoji" as kind:
            return str(value["text"]) if kind == "text" else f":{value['name']}:"
        case "link":
            return str(value.get("text") or value["url"])
        case "user":
            return f"@{names(value['user_id'])}"
        case "channel":
            return f"#{names(value['channel_id'])}"
        case "rich_text":
            return "\n".join(rich(each, names) for each in value["elements"])
        case "rich_text_list":
            return "\n".join(f"- {rich(each, names)}" for each in value["elements"])
        case _:
            return "".join(rich(each, names) for each in value.get("elements", ()))


def _stream(stream: Any, names: Names) -> Iterator[str]:
    if stream.plan:
        yield f"Plan: {stream.plan}"
    yield from (line for each in stream.tasks.values() for line in task(each, names))
    if stream.markdown:
        yield from stream.markdown.split("\n")
    yield from (line for block in stream.blocks for line in block_lines(block, names))


def _section(block: Wire, names: Names) -> Iterator[str]:
    words = [_words(each, names) for each in (block.get("text"), *(block.get("fields") or ())) if each]
    yield from (line for each in words for line in each.split("\n"))
    if accessory := block.get("accessory"):
        yield _element(accessory, names)


def _box(block: Wire, names: Names) -> Iterator[str]:
    """A card, a container or a carousel: its words, then what is in it."""
    for name in ("title", "rich_text_title", "subtitle", "body", "text"):
        if block.get(name):
            yield f"[ {_words(block[name], names)} ]" if "title" in name else _words(block[name], names)
    for name in ("child_blocks", "blocks", "elements"):
        yield from (f"  {line}" for each in block.get(name) or () for line in block_lines(each, names))
    if actions := block.get("actions"):
        yield " ".join(f"[{label}]" for each in actions for label in labels(each))


def _element(element: Wire, names: Names) -> str:
    match element["type"]:
        case "mrkdwn" | "plain_text":
            return _words(element, names)
        case "image":
            return f"<image: {element['alt_text']}>"
        case _:
            return " ".join(f"[{label}]" for label in labels(element))


def _input(element: Wire) -> str:
    inner = labels(element) if options(element) else [_placeholder(element)]
    return f"[{' | '.join(each for each in inner if each)}]"


def _placeholder(element: Wire) -> str:
    return str((element.get("placeholder") or {}).get("text", ""))


def _words(value: Any, names: Names) -> str:
    if isinstance(value, str):
        return value
    if value["type"] == "mrkdwn":
        return mrkdwn(value["text"], names)
    return rich(value, names) if value["type"] == "rich_text" else str(value["text"])


def _cell(cell: Wire, names: Names) -> str:
    return rich(cell, names) if cell["type"] == "rich_text" else str(cell.get("text", cell.get("value", "")))


def _link(found: re.Match[str], names: Names) -> str:
    kind, target, label = found.groups()
    match kind:
        case "@" | "#":
            return f"{kind}{label or names(target)}"
        case "!":
            return f"@{label or target}"
        case _:
            return f"{label} ({target})" if label else target


def _actions(block: Wire, names: Names) -> Iterator[str]:
    yield " ".join(f"[{label}]" for each in block["elements"] for label in labels(each))


def _table(block: Wire, names: Names) -> Iterator[str]:
    return (" | ".join(_cell(cell, names) for cell in row) for row in block["rows"])


def _plan(block: Wire, names: Names) -> Iterator[str]:
    yield f"Plan: {_words(block['title'], names)}"
    yield from (f"  {line}" for each in block.get("tasks", ()) for line in task(each, names))


BLOCKS: Mapping[str, Callable[[Wire, Names], Iterable[str]]] = {
    "section": _section,
    "markdown": lambda block, names: block["text"].split("\n"),
    "header": lambda block, names: [f"# {_words(block['text'], names)}"],
    "divider": lambda block, names: ["---"],
    "context": lambda block, names: [" ".join(_element(each, names) for each in block["elements"])],
    "actions": _actions,
    "context_actions": _actions,
    "input": lambda block, names: [f"{_words(block['label'], names)}: {_input(block['element'])}"],
    "rich_text": lambda block, names: rich(block, names).split("\n"),
    "table": _table,
    "data_table": _table,
    "task_card": task,
    "plan": _plan,
    "alert": lambda block, names: [f"{LEVEL.get(block.get('level', ''), 'i')} {_words(block['text'], names)}"],
    "image": lambda block, names: [f"<image: {block['alt_text']}>"],
    "file": lambda block, names: [f"<file: {block['external_id']}>"],
    "card": _box,
    "container": _box,
    "carousel": _box,
}
