"""Markdown on its way to Slack: nobody is called, nothing is lost, and each message is one that Slack takes."""

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.slack.markdown import LONGEST, MOST_BLOCKS, Page, cut, pages
from adapters.slack.writing import in_short, streamable, written
from tests.adapters.telegram.test_texts import NASTY

CALLS = re.compile(r"<[!@#]")
SIGNS = [*"ab \n*_`~[]()<>!@#|-1.\\&", "```", "<!channel>", "<@U123>", "![x](http://e)"]
TEXT = st.lists(st.sampled_from(SIGNS), max_size=60).map("".join)
WORDS = st.lists(st.sampled_from([*"abc äß漢 .\n", "👨‍👩‍👧", "# ", "- ", "```\n"]), max_size=400).map("".join)
ANSWER = """Here is **what I found**:

- Rome: `sunny`, 24 °C
- Oslo: *rain*, see [the map](https://maps.example/oslo)

| a | b |
|---|---|
| 1 | 2 |

```python
x = [1, 2]
```

That is all."""


def shown(page: Page) -> str:
    """Every text of a page, as it would be read."""

    def texts(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["text"]] if isinstance(part.get("text"), str) else []
            return own + [text for value in part.values() for text in texts(value)]
        return [text for each in part for text in texts(each)] if isinstance(part, list | tuple) else []

    return "\n".join(texts(list(page.blocks)))


def letters(text: str) -> str:
    return re.sub(r"\W+", "", text)


@pytest.mark.proves("slack.markdown")
@pytest.mark.parametrize("length", range(0, len(NASTY), 7))
def test_every_beginning_of_a_text_calls_nobody_and_fetches_nothing(length: int) -> None:
    for page in pages(NASTY[:length]):
        assert not CALLS.search(shown(page))
        assert "evil.example/x.png" not in shown(page) or "![" in NASTY[:length][-60:]
        assert json.loads(json.dumps(page.blocks)) == [*page.blocks]


@pytest.mark.proves("slack.markdown")
@given(TEXT)
@settings(max_examples=300)
def test_whatever_is_written_calls_nobody(text: str) -> None:
    for page in pages(text):
        assert not CALLS.search(shown(page))
        assert not CALLS.search(page.text)
        assert page.blocks
    assert not CALLS.search(written(text))


@pytest.mark.proves("slack.markdown")
def test_the_title_of_a_link_calls_nobody() -> None:
    assert written('[here](https://a.example "<!channel>")') == "[here](https://a.example)"


@pytest.mark.proves("slack.markdown")
def test_a_link_to_a_person_mentions_them_and_only_that_does() -> None:
    assert written("Ask [Ann](slack://user?id=U0123).") == "Ask <@U0123>."
    assert written("Ask <@U0123> and [all](slack://user?id=!channel)") == "Ask <\u200b@U0123> and all"


@pytest.mark.proves("slack.markdown")
def test_what_is_safe_is_kept_as_it_was_written() -> None:
    text = "# A *b* `c`\n\n- [ ] x\n- [y](https://z.example)\n\n> **q** 2*3 snake_case"
    assert written(text) == text


@pytest.mark.proves("slack.markdown")
def test_images_are_words_and_html_is_text() -> None:
    assert written("![a chart](https://evil.example/?s=1) and List<String>") == "\\[a chart\\] and List\\<String>"


@pytest.mark.proves("slack.tables")
def test_a_table_is_a_block_and_a_second_one_is_text() -> None:
    table = "| a | b |\n|---|--:|\n| **x** | 1 |"
    (page,) = pages(f"First\n\n{table}\n\nThen\n\n{table}")
    assert [block["type"] for block in page.blocks] == ["markdown", "table", "markdown"]
    assert page.blocks[1]["column_settings"][1]["align"] == "right"
    assert page.blocks[1]["rows"][1][1] == {"type": "raw_text", "text": "1"}
    assert table in page.blocks[2]["text"]


@pytest.mark.proves("slack.tables")
def test_a_table_that_is_too_large_is_several_with_their_head() -> None:
    rows = "\n".join(f"| {number} | {'x' * 300} |" for number in range(150))
    whole = pages(f"| n | text |\n|---|---|\n{rows}")
    assert len(whole) > 1
    assert all(page.source.startswith("| n | text |\n|---|---|\n") for page in whole)
    assert sum(page.source.count("xxx") > 0 for page in whole) == len(whole)
    assert letters(rows) == letters("".join(page.source.split("\n", 2)[2] for page in whole))


@pytest.mark.proves("slack.split")
@given(WORDS, st.integers(120, 300))
@settings(max_examples=200)
def test_pieces_are_small_enough_and_nothing_is_lost(text: str, limit: int) -> None:
    made = pages(text, limit=limit)
    for page in made:
        assert len(page.source.encode()) <= limit or len(page.source) <= 3
        assert len(page.blocks) <= MOST_BLOCKS
    assert letters("".join(page.source for page in made)) == letters(written(text))


@pytest.mark.proves("slack.split")
def test_code_goes_on_as_code() -> None:
    code = "\n".join(f"line {number}" for number in range(3_000))
    whole = pages(f"```python\n{code}\n```")
    assert len(whole) > 1
    assert all(page.source.startswith("```python\n") and page.source.endswith("\n```") for page in whole)
    assert all(len(page.source.encode()) <= LONGEST for page in whole)


@pytest.mark.proves("slack.stream")
def test_a_stream_only_grows_and_becomes_the_answer() -> None:
    shown = [streamable(ANSWER[:length]) for length in range(len(ANSWER) + 1)]
    taken_back = [(before, now) for before, now in pairwise(shown) if not now.startswith(before)]
    assert taken_back == []
    assert written(ANSWER).startswith(shown[-1])
    assert shown[-1] == ANSWER, "no mark is open at its end"


@pytest.mark.proves("slack.stream")
@given(TEXT)
@settings(max_examples=200)
def test_a_stream_calls_nobody(text: str) -> None:
    assert not CALLS.search(streamable(text))


def test_cut_goes_on_where_there_is_no_border() -> None:
    assert "".join(cut("x" * 5_000, 1_000)) == "x" * 5_000


def test_a_notification_is_one_short_line() -> None:
    assert in_short("# A **b**\n\n- `c` <d>") == "A b c &lt;d&gt;"
