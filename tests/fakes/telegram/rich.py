"""Rich messages: exactly one way of writing them, their limits, and what the server makes of their HTML."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt

from tests.fakes.telegram.blocks import blocks_of
from tests.fakes.telegram.calls import Asked, serves
from tests.fakes.telegram.keyboards import check_button
from tests.fakes.telegram.markup import MEDIA, tree
from tests.fakes.telegram.plain import length, plain
from tests.fakes.telegram.refusals import bad_request
from tests.fakes.telegram.sending import post, write_draft
from tests.fakes.telegram.state import State, Wire

# Read in td's OptionManager.cpp, 2026-11
LONGEST_TEXT = 32768  # code points
MOST_BLOCKS = 500  # with list items and rows of tables
DEEPEST = 16
MOST_MEDIA = 50
MOST_COLUMNS = 20
WAYS = ("html", "markdown", "blocks")
NESTED = ("blocks", "items", "cells")
MEDIA_TAG = re.compile(rf"<({'|'.join(sorted(MEDIA))})\b")
GREATEST_ROW = 8  # buttons


@dataclass(frozen=True)
class Rich:
    """A rich message: as the Bot API has it, its HTML where it was sent so, what it reads like, its media's tags."""

    content: Wire
    html: str
    plain: str
    media: tuple[str, ...] = ()


@serves("sendRichMessage")
def send_rich_message(state: State, asked: Asked) -> Wire:
    rich = rich_of(state, asked)
    return post(state, asked, rich.content, html=rich.html, plain=rich.plain)


@serves("sendRichMessageDraft")
def send_rich_message_draft(state: State, asked: Asked) -> bool:
    rich = rich_of(state, asked, draft=True)
    return write_draft(state, asked, rich.plain, html=rich.html)


def rich_of(state: State, asked: Asked, *, draft: bool = False) -> Rich:
    """The rich message of a call. Raises Refused."""
    rich = read(asked["rich_message"] or {}, draft=draft)
    if rich.media:
        words = "makes the server fetch or show media, which is not imitated"
        state.problems.append(f"rich message: <{rich.media[0]}> {words}")
    return rich


def read(given: Mapping[str, Any], *, draft: bool = False) -> Rich:
    """What an InputRichMessage becomes. Raises Refused."""
    ways = [way for way in WAYS if given.get(way) is not None]
    if len(ways) != 1:
        raise bad_request("exactly one of the fields html, markdown, or blocks must be used in a rich message")
    html = _html(given)
    media = tuple(MEDIA_TAG.findall(html))
    if len(media) > MOST_MEDIA:
        raise bad_request("rich message has too many media")
    blocks = [each for each in given["blocks"] if each] if "blocks" in ways else blocks_of(tree(html))
    shown = plain(blocks)
    _check(blocks, shown, draft=draft)
    rtl = {"is_rtl": True} if given.get("is_rtl") else {}
    return Rich({"rich_message": {"blocks": [*map(_labelled, blocks)]} | rtl}, html, shown, media)


def _html(given: Mapping[str, Any]) -> str:
    if given.get("markdown") is not None:
        return str(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(given["markdown"]))
    return given.get("html") or ""


def _check(blocks: Sequence[Wire], shown: str, *, draft: bool) -> None:
    every = [*_every(blocks, 1)]
    kinds = [each.get("type") for each, _ in every if isinstance(each, dict)]
    if not shown.strip() and not {"thinking", "divider", "buttons"} & set(kinds):
        raise bad_request("message text is empty")
    if length(blocks) > LONGEST_TEXT:
        raise bad_request("message is too long")
    if len(every) > MOST_BLOCKS:
        raise bad_request("rich message has too many blocks")
    if max((depth for _, depth in every), default=0) > DEEPEST:
        raise bad_request("rich message is nested too deep")
    if any(len(each) > MOST_COLUMNS for each, _ in every if isinstance(each, list)):
        raise bad_request("rich message has a table with too many columns")
    if "thinking" in kinds and not draft:
        raise bad_request("thinking blocks can be used only in message drafts")
    _check_buttons(each for each, _ in every if isinstance(each, dict) and each.get("type") == "buttons")


def _check_buttons(rows: Iterator[Wire]) -> None:
    for row in rows:
        if not 1 <= len(row["buttons"]) <= GREATEST_ROW:
            raise bad_request("reply markup is too long")
        for button in row["buttons"]:
            check_button(button)


def _every(blocks: Sequence[Any], depth: int) -> Iterator[tuple[Any, int]]:
    """All blocks, list items and rows of tables, with how deep they are."""
    for block in blocks:
        yield block, depth
        if isinstance(block, dict):
            for name in NESTED:
                yield from _every(block.get(name) or (), depth + 1)


def _labelled(block: Wire) -> Wire:
    """As it is told back: list items have labels."""
    told = dict(block)
    if "blocks" in block:
        told["blocks"] = [*map(_labelled, block["blocks"])]
    if "items" in block:
        told["items"] = [
            {"label": item.get("label") or (f"{item['value']}." if item.get("value") else "•")} | _labelled(item)
            for item in block["items"]
        ]
    return told
