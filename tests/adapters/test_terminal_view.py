"""What a person's terminal is sent, looked at as text."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from adapters.terminal_view import View
from orchestrator.messages import Address, Answer, Delivery, PlanCard, Question, QuestionField, StepLine, StepState

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def card(*states: StepState) -> PlanCard:
    steps = tuple(StepLine(id=str(n), title=f"step {n}", state=state) for n, state in enumerate(states))
    return PlanCard(plan="t1", mode="graph", steps=steps)


def shown(text: str, *, plan: PlanCard | None = None, repeated: bool = False, width: int = 60) -> str:
    part = Answer(text=text)
    return rendered(part, plan=plan, repeated=repeated, width=width)


def rendered(part: Answer | Question, *, plan: PlanCard | None = None, repeated: bool = False, width: int = 60) -> str:
    address = Address(channel="console", chat="ann")
    delivery = Delivery(id="t1.0", turn="t1", address=address, part=part, repeated=repeated)
    return View(Screen()).delivery(delivery, plan, width=width)


def plain(text: str) -> str:
    return COLOURS.sub("", text)


@pytest.mark.proves("channel.console.safe")
@pytest.mark.parametrize(
    "text",
    [
        "\x1b]0;owned\x07",
        "a &#27;[2J &#x1b;[2J &#155;2J",
        "<http://a/%1b[2Jlink>",
        "[a](http://a/%1b%5B2J)",
        "![\x1b[2J](http://a/%1b[2J)",
        "```\n\x1b[2J\n```",
        "```\x1b[2J\ncode\n```",
        "`\x9b2J`",
        "| \x1b[2J |\n|---|\n| \x1b[2J |",
    ],
)
def test_no_way_of_writing_it_reaches_the_terminal(text: str) -> None:
    sent = plain(shown(text))
    assert not [each for each in sent if (ord(each) < 32 or 0x7F <= ord(each) <= 0x9F) and each != "\n"]


@pytest.mark.proves("channel.console.safe")
@given(st.text(st.one_of(st.characters(), st.sampled_from("\x1b[]()<>%1b*`#|-\n&;")), max_size=80))
def test_whatever_the_answer_says_only_colours_are_sent(text: str) -> None:
    sent = plain(shown(text))
    assert not [each for each in sent if (ord(each) < 32 or 0x7F <= ord(each) <= 0x9F) and each not in "\n\t"]


def test_words_in_angle_brackets_are_not_lost() -> None:
    assert "a List<String> and <T>" in plain(shown("a List<String> and <T>"))
    assert "<div>all of it</div>" in plain(shown("<div>all of it</div>"))


def test_a_new_line_is_a_new_line() -> None:
    assert "one\ntwo\n" in plain(shown("one\ntwo"))


def test_a_link_shows_where_it_leads() -> None:
    assert "click (http://example.com/a)" in plain(shown("[click](http://example.com/a)"))


def test_a_plan_stands_above_its_answer() -> None:
    lines = plain(shown("The answer.", plan=card("done", "failed", "skipped"))).splitlines()
    assert lines == [
        "Plan t1: 3 steps, each when it can",
        "  ✓ step 0",
        "  ✗ step 1",
        "  – step 2",
        "",
        "The answer.",
        "",
    ]


def test_an_answer_that_is_a_list_has_one_empty_line_above_it() -> None:
    assert plain(shown("- one\n- two", plan=card("done"))).splitlines()[2:] == ["", " • one", " • two", ""]


def test_a_repeated_answer_is_marked() -> None:
    assert "(you may have seen this already)\nThe answer." in plain(shown("The answer.", repeated=True))


def test_a_question_shows_choices_and_how_to_answer() -> None:
    fields = (QuestionField(name="s", label="May I?", choices=("yes", "no"), closed=True),)
    asked = plain(rendered(Question(id="q1", text="May I run **it**?", fields=fields)))
    assert asked == "May I run it?\n  1. yes  2. no\n  Type a number.\n\n"


@given(
    st.lists(st.sampled_from(["waiting", "running", "done"]), max_size=30),
    st.text(st.sampled_from("ab 家\n"), max_size=400),
    st.integers(min_value=3, max_value=20),
)
def test_what_goes_on_keeps_to_its_part_of_the_screen(states: list[StepState], draft: str, height: int) -> None:
    view = View(Screen())
    lines = plain(view.moment(card(*states), draft, "thinking", width=20, height=height)).splitlines()
    assert len(lines) <= height + 2
    assert max(map(cell_len, lines)) <= 20


def test_a_long_plan_shows_what_has_not_ended() -> None:
    states: list[StepState] = [*["done"] * 20, "running", "waiting"]  # type: ignore[list-item]
    moment = plain(View(Screen()).moment(card(*states), "", "", width=60, height=5))
    assert moment.splitlines() == [
        "Plan t1: 22 steps, each when it can (20 ended)",
        "  ◐ step 20",
        "  ◌ step 21",
    ]


def test_the_end_of_a_growing_answer_is_shown() -> None:
    moment = View(Screen()).moment(None, "\n".join(map(str, range(100))), "", width=60, height=4)
    assert plain(moment).splitlines() == ["96", "97", "98", "99"]


@pytest.mark.proves("channel.console.no_color")
def test_no_colour_is_sent_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plan = card("done", "failed")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert re.search(r"\x1b\[[\d;]*3\d", shown("`code`", plan=plan))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[\d;]*3\d", shown("`code`", plan=plan))
