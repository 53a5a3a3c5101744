"""Limits that Slack's types do not tell: lengths and counts of blocks, elements and views.

Numbers: the model classes of slack_sdk 3.47 and the comments of @slack/types 3.2.0, read 2026-11.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.fakes.slack import rendering

Wire = Mapping[str, Any]

MOST_BLOCKS = 50
MOST_BLOCKS_OF_VIEW = 100
TEXTS: Mapping[str, Mapping[str, int]] = {  # by type: characters of a field
    "section": {"text": 3000},
    "header": {"text": 150},
    "markdown": {"text": 12_000},
    "image": {"image_url": 3000, "alt_text": 2000, "title": 2000},
    "input": {"label": 2000, "hint": 2000},
    "video": {"title": 200, "author_name": 50},
    "card": {"title": 150, "subtitle": 150, "body": 200},
    "container": {"title": 150, "subtitle": 150},
    "button": {"text": 75, "url": 3000, "value": 2000, "accessibility_label": 75, "agent_prompt": 4000},
    "icon_button": {"text": 75, "value": 2000, "accessibility_label": 75},
    "workflow_button": {"text": 75, "accessibility_label": 75},
    "task_update": {"title": 256},
    "plan_update": {"title": 256},
}
COUNTS: Mapping[str, Mapping[str, tuple[int, int]]] = {  # by type: the least and the most of a field
    "section": {"fields": (1, 10)},
    "actions": {"elements": (1, 25)},
    "context": {"elements": (1, 10)},
    "context_actions": {"elements": (1, 5)},
    "carousel": {"elements": (1, 10)},
    "container": {"child_blocks": (1, 10)},
    "plan": {"tasks": (0, 50)},
    "table": {"rows": (1, 100), "column_settings": (0, 20)},
    "data_table": {"rows": (1, 100)},
    "static_select": {"options": (1, 100), "option_groups": (1, 100)},
    "multi_static_select": {"options": (1, 100), "option_groups": (1, 100)},
    "overflow": {"options": (1, 5)},
    "radio_buttons": {"options": (1, 10)},
    "checkboxes": {"options": (1, 10)},
    "blocks": {"blocks": (1, 50)},
}
FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.MULTILINE | re.DOTALL)
RULE = re.compile(r"^ *\|?(?: *:?-+:? *\|)+(?: *:?-+:?)? *$", re.MULTILINE)  # below the head of a table
KNOWN_BLOCKS = frozenset(
    "actions alert auth_provider card carousel container context context_actions data_table divider file header image "
    "input markdown plan rich_text section table task_card video".split()
)
OF_OPTION = {"text": 75, "value": 150}
OF_QUESTION = {"title": 100, "text": 300, "confirm": 30, "deny": 30}  # what is asked before something is done
OF_VIEW = {"title": 24, "submit": 24, "close": 24, "private_metadata": 3000, "callback_id": 255}


def message_problems(blocks: Sequence[Wire]) -> list[str]:
    """What is wrong with the blocks of a message."""
    problems = [f"no more than {MOST_BLOCKS} items allowed [{len(blocks)}]"] if len(blocks) > MOST_BLOCKS else []
    return problems + _blocks_problems(blocks, "/blocks")


def size(value: Any) -> int:
    """Characters of everything that people read in it."""
    if isinstance(value, Mapping):
        own = value.get("text")
        inner = [each for name, each in value.items() if not (name == "text" and isinstance(own, str))]
        return (len(own) if isinstance(own, str) else 0) + sum(map(size, inner))
    return sum(map(size, value)) if isinstance(value, list) else 0


def tables(blocks: Sequence[Wire]) -> int:
    """How many there are, inside containers and in Markdown too."""
    markdown = "\n".join(str(each["text"]) for each in blocks if each["type"] == "markdown")
    written = sum(1 for _ in RULE.finditer(FENCED.sub("", markdown)))
    inner = sum(tables(each["child_blocks"]) for each in blocks if each["type"] == "container")
    return written + inner + sum(1 for each in blocks if each["type"] in ("table", "data_table"))


def view_problems(view: Wire) -> list[str]:
    """What is wrong with a modal or a home tab."""
    blocks = view.get("blocks") or []
    problems = list(_lengths(view, OF_VIEW, "/view"))
    if not 1 <= len(blocks) <= MOST_BLOCKS_OF_VIEW:
        problems.append(f"between 1 and {MOST_BLOCKS_OF_VIEW} blocks allowed [{len(blocks)}]")
    if view.get("type") == "modal" and not view.get("title"):
        problems.append("missing required field: title [/view]")
    if any(each.get("type") == "input" for each in blocks) and view.get("type") == "modal" and not view.get("submit"):
        problems.append("a view with input blocks needs a submit button [/view]")
    return problems + _blocks_problems(blocks, "/view/blocks")


def chunk_problems(chunks: Sequence[Wire]) -> list[str]:
    """What is wrong with the chunks of a stream."""
    inner = [block for each in chunks if each.get("type") == "blocks" for block in each.get("blocks", ())]
    return [*_blocks_problems(inner, "/chunks/blocks"), *(p for each in chunks for p in _own_problems(each, "/chunks"))]


def _blocks_problems(blocks: Sequence[Wire], where: str) -> list[str]:
    shapes = [each for at, block in enumerate(blocks) for each in _shape_problems(block, f"{where}/{at}")]
    return shapes or _content_problems(blocks, where)


def _shape_problems(block: Any, where: str) -> Iterator[str]:
    """What cannot be shown is no block: the last resort where there are no types to check with."""
    try:
        found = [*rendering.block_lines(block, str), *rendering.elements([block])]
        " ".join(map(str, found)).encode()
    except (KeyError, TypeError, AttributeError, ValueError):
        yield f"missing or wrong fields [{where}]"


def _content_problems(blocks: Sequence[Wire], where: str) -> list[str]:
    problems = [
        f"unsupported type: {each.get('type')} [{where}/{at}]"
        for at, each in enumerate(blocks)
        if each.get("type") not in KNOWN_BLOCKS
    ]
    problems += [problem for at, each in enumerate(blocks) for problem in _walk(each, f"{where}/{at}")]
    problems += [f"block_id already exists: {each} [{where}]" for each in _twice(b.get("block_id") for b in blocks)]
    for at, block in enumerate(blocks):
        ids = (each.get("action_id") for each in block.get("elements", ()) if isinstance(each, Mapping))
        problems += [f"action_id already exists: {each} [{where}/{at}]" for each in _twice(ids)]
    return problems


def _walk(value: Any, where: str) -> Iterator[str]:
    """This thing, and all in it."""
    if isinstance(value, Mapping):
        yield from _own_problems(value, where)
        for name, each in value.items():
            yield from _walk(each, f"{where}/{name}")
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _walk(each, f"{where}/{at}")


def _own_problems(value: Wire, where: str) -> Iterator[str]:
    kind = str(value.get("type", ""))
    yield from _lengths(value, TEXTS.get(kind, {}), where)
    for name, (least, most) in COUNTS.get(kind, {}).items():
        if name in value and not least <= len(value[name]) <= most:
            yield f"between {least} and {most} items allowed [{where}/{name}]"
    for name in ("action_id", "block_id"):
        if len(str(value.get(name) or "")) > 255:
            yield f"must be at most 255 characters [{where}/{name}]"
    yield from _special_problems(kind, value, where)


def _special_problems(kind: str, value: Wire, where: str) -> Iterator[str]:
    match kind:
        case "section" if not value.get("text") and not value.get("fields"):
            yield f"text or fields is needed [{where}]"
        case "section" if any(len(_text(each)) > 2000 for each in value.get("fields", ())):
            yield f"must be at most 2000 characters [{where}/fields]"
        case "mrkdwn" | "plain_text" | "markdown" if not value.get("text"):
            yield f"must be more than 0 characters [{where}/text]"
        case "raw_text" if not value.get("text"):
            yield f"must be more than 0 characters [{where}/text]"
        case "table" | "data_table" if size(value) > 10_000:
            yield f"must be at most 10000 characters [{where}/rows]"
        case "table" | "data_table" if any(len(row) > 20 for row in value.get("rows", ())):
            yield f"no more than 20 columns allowed [{where}/rows]"
    if {"text", "value"} <= value.keys() and not kind:
        yield from _lengths(value, OF_OPTION, where)
    if {"title", "text", "confirm"} <= value.keys():
        yield from _lengths(value, OF_QUESTION, where)


def _lengths(value: Wire, limits: Mapping[str, int], where: str) -> Iterator[str]:
    for name, most in limits.items():
        if len(_text(value.get(name))) > most:
            yield f"must be at most {most} characters [{where}/{name}]"


def _text(value: Any) -> str:
    return str(value.get("text", "")) if isinstance(value, Mapping) else str(value or "")


def _twice(values: Iterator[Any]) -> list[str]:
    return [each for each, count in Counter(str(v) for v in values if v).items() if count > 1]
