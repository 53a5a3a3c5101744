"""The blocks and the rich text that the server makes of HTML. Media are left out: they are not imitated."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.fakes.telegram.markup import BLOCKS, INLINE, MEDIA, Node
from tests.fakes.telegram.refusals import bad_request

Block = dict[str, Any]
Text = Any  # a string, a list of texts, or a dict with a type

STYLES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "mark": "marked",
    "sub": "subscript",
    "sup": "superscript",
}
TEXTS: Mapping[str, Block] = {
    **{f"h{size}": {"type": "heading", "size": size} for size in range(1, 7)},
    "footer": {"type": "footer"},
    "tg-thinking": {"type": "thinking"},
}
SPACES = re.compile(r"\s+")
BUTTON_ACTIONS = {"callback_data": "data", "url": "url", "switch_inline_query": "query"}


def blocks_of(node: Node) -> list[Block]:
    """What stands in a tag, block by block; loose text makes paragraphs."""
    blocks: list[Block] = []
    loose: list[Node | str] = []
    for each in node.inside:
        if isinstance(each, str) or each.tag in INLINE:
            loose.append(each)
            continue
        blocks += [*_paragraph(loose), *_block(each)]
        loose = []
    return [*blocks, *_paragraph(loose)]


def text_of(inside: Sequence[Node | str], *, exact: bool = False) -> Text:
    """Rich text; outside of code many spaces are one."""
    parts = [part for each in inside if (part := _text(each, exact=exact)) != ""]
    return parts[0] if len(parts) == 1 else parts or ""


def words_of(inside: Sequence[Node | str]) -> str:
    """The bare words."""
    return "".join(each if isinstance(each, str) else words_of(each.inside) for each in inside)


def _paragraph(loose: Sequence[Node | str]) -> Iterator[Block]:
    if words_of(loose).strip() or any(isinstance(each, Node) and each.tag != "br" for each in loose):
        yield {"type": "paragraph", "text": _trimmed(loose)}


def _trimmed(inside: Sequence[Node | str]) -> Text:
    text = text_of(inside)
    if isinstance(text, str):
        return text.strip()
    if isinstance(text, list) and isinstance(text[0], str):
        text[0] = text[0].lstrip()
    if isinstance(text, list) and isinstance(text[-1], str):
        text[-1] = text[-1].rstrip()
    return text


def _block(node: Node) -> Iterator[Block]:
    if node.tag in READERS:
        yield READERS[node.tag](node)
    elif node.tag in TEXTS:
        yield TEXTS[node.tag] | {"text": _trimmed(node.inside)}
    elif node.tag == "p":
        yield from _paragraph(node.inside)
    elif node.tag not in MEDIA:
        raise bad_request(f'can\'t parse entities: Unexpected tag "{node.tag}" outside of its parent')


def _divider(node: Node) -> Block:
    return {"type": "divider"}


def _pull_quotation(node: Node) -> Block:
    return {"type": "pullquote", "text": _trimmed(_besides(node, "cite"))} | _credit(node)


def _quotation(node: Node) -> Block:
    inside = _besides(node, "cite")
    if "expandable" in node.attributes:
        return {"type": "expandable_blockquote", "text": _trimmed(inside)} | _credit(node)
    return {"type": "blockquote", "blocks": blocks_of(Node(node.tag, inside=inside))} | _credit(node)


def _mathematics(node: Node) -> Block:
    return {"type": "mathematical_expression", "expression": words_of(node.inside).strip()}


def _list(node: Node) -> Block:
    return {"type": "list", "items": [*_items(node)]}


def _button_row(node: Node) -> Block:
    return {"type": "buttons", "buttons": [_button(each) for each in node.children("tg-button")]}


def _pre(node: Node) -> Block:
    code = next(node.children("code"), node)
    kind = code.attributes.get("class", "").removeprefix("language-")
    text = words_of(code.inside).removesuffix("\n")
    return {"type": "pre", "text": text} | ({"language": kind} if kind else {})


def _items(node: Node) -> Iterator[Block]:
    number = int(node.attributes.get("start") or 1)
    for item in node.children():
        if item.tag != "li":
            raise bad_request(f'can\'t parse entities: Unexpected tag "{item.tag}" in a list')
        box = next(item.children("input"), None)
        inner = Node("li", {}, _besides(item, "input"))
        found: Block = {"blocks": blocks_of(inner)}
        if node.tag == "ol":
            found |= {"value": number, "label": f"{number}."}
            number += 1
        if box is not None:
            found |= {"has_checkbox": True} | ({"is_checked": True} if "checked" in box.attributes else {})
        yield found


def _details(node: Node) -> Block:
    summary = next(node.children("summary"), None)
    if summary is None:
        raise bad_request('can\'t parse entities: Tag "details" must have a summary')
    inner = Node("details", {}, _besides(node, "summary"))
    opened = {"is_open": True} if "open" in node.attributes else {}
    return {"type": "details", "summary": _trimmed(summary.inside), "blocks": blocks_of(inner)} | opened


def _table(node: Node) -> Block:
    parts = [node, *node.children("thead", "tbody")]
    table: Block = {"type": "table", "cells": [_row(row) for part in parts for row in part.children("tr")]}
    for name in ("bordered", "striped", "compact"):
        if name in node.attributes:
            table[f"is_{name}"] = True
    caption = next(node.children("caption"), None)
    return table | ({"caption": _trimmed(caption.inside)} if caption else {})


def _row(row: Node) -> list[Block]:
    return [_cell(cell) for cell in row.children("td", "th")]


def _cell(cell: Node) -> Block:
    style = re.search(r"text-align:\s*(\w+)", cell.attributes.get("style", ""))
    align = cell.attributes.get("align") or (style[1] if style else "left")
    found: Block = {"align": align, "valign": cell.attributes.get("valign", "top"), "text": _trimmed(cell.inside)}
    spans = {name: int(cell.attributes[name]) for name in ("colspan", "rowspan") if name in cell.attributes}
    return found | spans | ({"is_header": True} if cell.tag == "th" else {})


def _credit(node: Node) -> Block:
    cite = next(node.children("cite"), None)
    return {"credit": _trimmed(cite.inside)} if cite else {}


def _besides(node: Node, *tags: str) -> list[Node | str]:
    return [each for each in node.inside if isinstance(each, str) or each.tag not in tags]


def _text(each: Node | str, *, exact: bool) -> Text:
    if isinstance(each, str):
        return each if exact else SPACES.sub(" ", each)
    text = text_of(each.inside, exact=exact or each.tag == "code")
    match each.tag:
        case "br":
            return "\n"
        case "a":
            return _link(each, text)
        case tag if tag in STYLES:
            return {"type": STYLES[tag], "text": text}
        case tag if tag in BLOCKS:
            raise bad_request(f"can't parse entities: Tag \"{tag}\" can't be in a text")
        case tag:
            return "" if tag in MEDIA else _special(each, text)


def _special(node: Node, text: Text) -> Text:
    """The tags that only Telegram has."""
    attributes, words = node.attributes, words_of(node.inside)
    match node.tag:
        case "tg-math":
            return {"type": "mathematical_expression", "expression": words}
        case "tg-emoji":
            return {"type": "custom_emoji", "custom_emoji_id": attributes["emoji-id"], "alternative_text": words}
        case "tg-reference":
            return {"type": "reference", "text": text, "name": attributes["name"]}
        case "tg-time":
            time = {"unix_time": int(attributes["unix"]), "date_time_format": attributes.get("format", "")}
            return {"type": "date_time", "text": text} | time
        case _:
            return {"type": "button", "button": _button(node)}


def _link(node: Node, text: Text) -> Text:
    href = node.attributes.get("href")
    if href is None:
        return {"type": "anchor", "name": node.attributes.get("name", "")}
    if href.startswith("#"):
        return {"type": "anchor_link", "text": text, "anchor_name": href[1:]}
    if href.startswith("mailto:"):
        return {"type": "email_address", "text": text, "email_address": href.removeprefix("mailto:")}
    if href.startswith("tel:"):
        return {"type": "phone_number", "text": text, "phone_number": href.removeprefix("tel:")}
    return {"type": "url", "text": text, "url": href}


def _button(node: Node) -> Block:
    """What a tag says of a button: its type names the attribute that its value is in."""
    kind = node.attributes.get("type", "")
    button: Block = {"text": _trimmed(node.inside)}
    if kind in BUTTON_ACTIONS:
        button[kind] = node.attributes.get(BUTTON_ACTIONS[kind], "")
    elif kind == "copy_text":
        button[kind] = {"text": node.attributes.get("text", "")}
    elif kind == "disabled":
        button[kind] = {}
    style = node.attributes.get("style")
    return button | ({"style": style} if style else {})


READERS: Mapping[str, Callable[[Node], Block]] = {
    "aside": _pull_quotation,
    "blockquote": _quotation,
    "details": _details,
    "hr": _divider,
    "ol": _list,
    "pre": _pre,
    "table": _table,
    "tg-button-row": _button_row,
    "tg-math-block": _mathematics,
    "ul": _list,
}
