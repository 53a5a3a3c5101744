"""Markdown on its way to Telegram: every beginning of it is valid, nothing is lost, and pieces are small enough."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.telegram.entities import Styled, joined, plain, render, units
from adapters.telegram.rich import rich_html
from adapters.telegram.splitting import LONGEST, MOST_BYTES, MOST_ENTITIES, split, tail
from tests.adapters.telegram.rich_rules import check_rich
from tests.fakes.telegram.entities import accepted

NASTY = """# Weather *report* for `Rome`

Here is **what I _found_ with `code` inside** and ~~not~~ this:

1. First **bold
   over lines** item
   - nested with [a link](https://example.org/a_(b)?x=1&y=<2>)
   - [ ] open task
   - [x] done task
2. Second ![a picture](https://evil.example/x.png?secret=1) item

> A quote with **bold**
>> and a deeper one

| City | Rain \\| snow | Wind |
|:-----|-----:|:----:|
| Rome | 1 mm | `3` |
| Oslo 👨‍👩‍👧 | 20 mm | ~~4~~ |

````python
def f(x: List[int]) -> dict:
    return {"```": x}
````

Generics such as List<String> and <b>html</b> & "quotes" \\*escaped\\*.

---
العربية and 漢字 and e\u0301 and 🇩🇪 **unclosed _markers
$$ x^2 $$ [^1] ||spoiler|| <https://example.org>
"""

SIGNS = [
    "**",
    "*",
    "_",
    "`",
    "```",
    "```py\n",
    "~~",
    "[",
    "](",
    ")",
    "](https://a.example)",
    "![",
    "\\",
    "<b>",
    "&amp;",
]
STARTS = [
    "\\",
    "<b>",
    "&amp;",
    "> ",
    "- ",
    "1. ",
    "# ",
    "\n",
    "\n\n",
    "---\n",
    "    ",
    "| a | b |\n|---|---|\n| ",
    " | ",
]
WORDS = ["word", " ", "👨‍👩‍👧", "e\u0301", "漢字", "http://x.example/"]
PIECES = st.sampled_from([*SIGNS, *STARTS, *WORDS])
MARKDOWN = st.lists(PIECES, max_size=60).map("".join)


def valid(styled: Styled) -> None:
    """As the real server would see it: every entity lies inside, tears nothing, and code stands alone."""
    if not styled.text:
        return
    early = [each for each in styled.entities if each.end < 3_000]
    entities = [{"type": each.type, "offset": each.offset, "length": each.length} for each in early]
    text, _ = accepted(styled.text[:4000], entities)
    assert text == styled.text[:4000].strip()
    total = units(styled.text)
    alone = [each for each in styled.entities if each.type in {"code", "pre"}]
    for entity in styled.entities:
        assert entity.length > 0
        assert entity.offset >= 0
        assert entity.end <= total
        if entity.type not in {"code", "pre", "blockquote", "expandable_blockquote"}:
            assert all(entity.end <= code.offset or code.end <= entity.offset for code in alone)
    quotes = sorted((e.offset, e.end) for e in styled.entities if e.type.endswith("blockquote"))
    assert all(first[1] <= second[0] for first, second in pairwise(quotes))


def letters(text: str) -> str:
    return "".join(re.findall(r"[^\W_]", text))


@pytest.mark.slow
@pytest.mark.proves("telegram_text.prefixes")
def test_every_beginning_of_a_nasty_text_is_valid_in_both_forms() -> None:
    for end in range(1, len(NASTY) + 1):
        styled = render(NASTY[:end])
        valid(styled)
        valid(tail(styled, 200))
        if html := rich_html(NASTY[:end]):
            check_rich(html)


@pytest.mark.proves("telegram_text.prefixes", "telegram_text.split")
@settings(max_examples=200, deadline=None)
@given(MARKDOWN)
def test_whatever_a_model_writes_is_valid_and_its_pieces_are_too(markdown: str) -> None:
    styled = render(markdown)
    valid(styled)
    for piece in split(styled, 40):
        valid(piece)
        assert units(piece.text) <= 40
    if html := rich_html(markdown):
        check_rich(html)


@pytest.mark.proves("telegram_text.whole")
@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(categories=["L", "N", "Zs", "So"]), max_size=400))
def test_plain_words_come_through_as_they_are(text: str) -> None:
    assert letters(render(text).text) == letters(text)


@pytest.mark.proves("telegram_text.whole")
def test_no_word_of_a_nasty_text_is_lost() -> None:
    shown = letters(render(NASTY).text)
    for word in (
        "Liststring",
        "html",
        "bhtmlb",
        "deeper",
        "snow",
        "unclosed",
        "spoiler",
        "apicture",
        "Oslo",
        "opentask",
    ):
        assert word.casefold() in shown.casefold(), word


@pytest.mark.proves("telegram_text.no_remote")
@pytest.mark.parametrize(
    "markdown", [NASTY, "![x](https://evil.example/a.png)", "[![x](https://evil.example)](https://b.example)"]
)
def test_no_picture_is_fetched_from_afar(markdown: str) -> None:
    styled = render(markdown)
    assert "evil.example" not in styled.text
    assert all("evil.example" not in each.url for each in styled.entities)
    assert "evil.example" not in (rich_html(markdown + "\n\n| a |\n|---|\n| b |") or "")


@pytest.mark.proves("telegram_text.split")
@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [NASTY, "word " * 400, "x" * 5_000, "👨‍👩‍👧" * 400, "**b** " * 300, "```py\n" + "line\n" * 900 + "```"]
        ),
        min_size=1,
        max_size=5,
    )
)
def test_pieces_hold_everything_and_are_small_enough(parts: list[str]) -> None:
    styled = render("\n\n".join(parts))
    pieces = split(styled)
    assert "".join("".join(piece.text.split()) for piece in pieces) == "".join(styled.text.split())
    for piece in pieces:
        valid(piece)
        assert units(piece.text) <= LONGEST
        assert len(piece.entities) <= MOST_ENTITIES
        assert len(piece.text.encode()) <= MOST_BYTES


@pytest.mark.proves("telegram_text.split")
def test_a_block_of_code_goes_on_as_code_behind_the_border() -> None:
    pieces = split(render("before\n\n```py\n" + "a = 1\n" * 1_500 + "```\n\nafter"))
    assert len(pieces) > 1
    assert all(any(e.type == "pre" and e.language == "py" for e in piece.entities) for piece in pieces)


@pytest.mark.proves("telegram_text.split")
def test_a_border_is_a_paragraph_before_it_is_a_word() -> None:
    first, second = split(plain("one two. three\n\nfour five six seven"), 24)
    assert (first.text, second.text) == ("one two. three", "four five six seven")


@pytest.mark.proves("telegram_text.split")
def test_no_emoji_is_torn_apart() -> None:
    pieces = split(plain("👨‍👩‍👧" * 100), 50)
    assert all(set(piece.text.replace("👨‍👩‍👧", "")) == set() for piece in pieces)


@pytest.mark.proves("telegram_text.readable")
def test_a_text_reads_well() -> None:
    styled = render(NASTY)
    assert styled.text.startswith(
        "Weather report for Rome\n\nHere is what I found with code inside and not this:\n"
        "1. First bold\n   over lines item\n   • nested with a link\n   ☐ open task\n"
        "   ☑ done task\n2. Second [a picture] item"
    )
    assert "City" in styled.text
    assert "Rome" in styled.text


@pytest.mark.proves("telegram_text.readable")
def test_a_wide_table_becomes_lines_that_a_phone_can_show() -> None:
    wide = "| name | what | why |\n|---|---|---|\n| a | " + "long words " * 6 + "| c |"
    assert render(wide).text == f"a\n   what: {'long words ' * 5}long words\n   why: c"


@pytest.mark.proves("telegram_text.readable")
def test_a_long_quote_is_folded() -> None:
    assert render("> " + "word " * 100).entities[0].type == "expandable_blockquote"
    assert render("> short").entities[0].type == "blockquote"


@pytest.mark.proves("telegram_text.links")
@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "file:///etc/passwd", "tg://resolve?domain=x", "data:text/html,x"]
)
def test_links_lead_only_to_where_they_may(address: str) -> None:
    assert render(f"[here]({address})").entities == ()


@pytest.mark.proves("telegram_text.bounded")
@pytest.mark.parametrize(
    "text", ["*" * 50_000, "[[" * 20_000, ">" * 5_000 + " x", "- " * 3_000, "`" * 30_000, "_a_" * 15_000, "a" * 300_000]
)
def test_absurd_texts_take_no_absurd_time_and_come_out_as_something(text: str) -> None:
    styled = render(text)
    assert styled.text
    for piece in split(styled):
        valid(piece)


@pytest.mark.proves("telegram_text.prefixes")
def test_joined_texts_keep_their_styles_in_place() -> None:
    both = joined([plain("👍 a", "bold"), plain(""), render("b **c**")])
    assert both.text == "👍 a\n\nb c"
    assert [(each.offset, each.length) for each in both.entities] == [(0, 4), (8, 1)]
