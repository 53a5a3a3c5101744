"""The page around each part of the console, and what its parts share: badges, moments, numbers, small tables."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from adapters.text import one_line
from adapters.web.console.data import Part
from adapters.web.html import Html, tag
from adapters.web.page import button, shell
from orchestrator.words import say

LINE = 160  # characters of a request in a list
TONES: Mapping[str, str] = {
    "clarify": "ask",
    "refuse": "plain",
    "stopped": "plain",
    "command": "plain",
    "forgotten": "plain",
    "unserved": "bad",
    "failed": "bad",
}  # of outcomes; the others are good


@dataclass(frozen=True, slots=True)
class Notice:
    """What was done, or why it could not be."""

    words: str
    is_problem: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """What one look at the console is of. `parts` are those that may be opened, `waiting` counts what waits in each."""

    part: Part
    title: str
    language: str
    parts: Collection[Part]
    theme: str = ""
    waiting: Mapping[Part, int] = field(default_factory=dict)
    notice: Notice | None = None


def places(parts: Collection[Part]) -> Sequence[tuple[Part, str, str]]:
    """Of these parts the pages: key, address, name."""
    every: Sequence[tuple[Part, str, str]] = (
        ("overview", "/console", say("Overview")),
        ("sessions", "/console/sessions", say("Conversations")),
        ("turns", "/console/turns", say("Turns")),
        ("review", "/console/review", say("Review")),
        ("workers", "/console/workers", say("Workers")),
        ("budgets", "/console/budgets", say("Budgets")),
        ("insights", "/console/insights", say("Insights")),
        ("servers", "/console/servers", say("Tools")),
        ("settings", "/console/settings", say("Settings")),
        ("log", "/console/log", say("Log")),
    )
    return [place for place in every if place[0] in parts]


def document(view: View, content: Sequence[Html | None]) -> str:
    """The whole page."""
    body = tag(
        "body",
        tag("a", say("Skip to the content"), href="#content", class_="skip"),
        _side(view),
        tag(
            "main",
            tag("h1", view.title),
            _told(view.notice),
            *content,
            id="content",
            tabindex=0,  # it scrolls, and not every part has something in it to go to
        ),
        class_="console",
    )
    return shell(
        body,
        title=view.title,
        language=view.language,
        theme=view.theme,
        script="/static/console.js",
        styles=("/static/page.css", "/static/console.css"),
    )


def _side(view: View) -> Html:
    return tag(
        "nav",
        tag(
            "div",
            tag("a", tag("span", class_="logo", aria_hidden="true"), "Errand", href="/", class_="brand"),
            tag("a", say("Chat"), href="/", class_="back"),
            button("theme", say("Light or dark"), id="theme", class_="icon"),
            class_="top",
        ),
        tag("ul", *(tag("li", _link(view, *place)) for place in places(view.parts))),
        aria_label=say("Console"),
    )


def _link(view: View, key: Part, address: str, name: str) -> Html:
    count = view.waiting.get(key, 0)
    waits = tag("span", str(count), tag("span", say("waiting"), class_="hidden"), class_="count") if count else None
    return tag("a", name, waits, href=address, aria_current="page" if key == view.part else None)


def _told(notice: Notice | None) -> Html | None:
    if notice is None:
        return None
    role = "alert" if notice.is_problem else "status"
    return tag("p", notice.words, class_="told problem" if notice.is_problem else "told", role=role)


# --- what parts share


def card(*inside: Html | None, title: str = "", **more: str) -> Html:
    """A part of a page with a title of its own."""
    return tag("section", tag("h2", title) if title else None, *inside, class_="card", **more)


def nothing(words: str) -> Html:
    """What stands where there is nothing to show."""
    return tag("p", words, class_="hint empty")


def badge(words: str, tone: str = "good") -> Html:
    return tag("span", words, class_=f"badge {tone}")


def outcome(word: str) -> Html:
    """How a turn ended."""
    known = {
        "direct": say("answered"),
        "plan": say("plan"),
        "clarify": say("asked"),
        "refuse": say("declined"),
        "unserved": say("not served"),
        "reviewed": say("reviewed"),
        "added": say("added"),
        "stopped": say("stopped"),
        "failed": say("failed"),
        "command": say("command"),
        "forgotten": say("forgotten"),
    }
    return badge(known.get(word, word), TONES.get(word, "good"))


def moment(at: datetime) -> Html:
    """A time, in UTC."""
    return tag("time", f"{at:%d.%m. %H:%M}", datetime=at.isoformat(), title=f"{at:%Y-%m-%d %H:%M:%S} UTC")


def seconds(length: float) -> str:
    """A length of time for a glance."""
    if length < 0.001:
        return "< 1 ms"
    if length < 1:
        return f"{length * 1000:.0f} ms"
    return f"{length:.1f} s" if length < 60 else f"{length / 60:.1f} min"


def dollars(amount: float) -> str:
    """An amount of money for a glance."""
    digits = 2 if amount >= 1 or amount == 0 else 4
    return f"${amount:,.{digits}f}"


def whole(number: float) -> str:
    return f"{number:,.0f}"


def short(text: str, limit: int = LINE) -> str:
    """A text in one line of a list."""
    line = one_line(text)
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def block(text: str, label: str) -> Html:
    """Text as it is, which can be scrolled by itself."""
    return tag("pre", tag("code", text), tabindex=0, role="region", aria_label=label)


def pairs(rows: Sequence[tuple[str, str | Html]]) -> Html | None:
    """Names and what they are."""
    if not rows:
        return None
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows), class_="pairs")


Tile = tuple[str, str, str, str]
"""A number for a glance: its name, the number, its tone, and where more of it is."""


def tiles(rows: Sequence[Tile]) -> Html:
    """Numbers for a glance."""
    return tag("ul", *(tag("li", _tile(*row)) for row in rows), class_="tiles")


def _tile(name: str, number: str, tone: str, address: str) -> Html:
    inside = tag("span", tag("strong", number), tag("span", name))
    kind = f"tile {tone}"
    return tag("a", inside, href=address, class_=kind) if address else tag("div", inside, class_=kind)


def form(action: str, *inside: Html | None, **more: str) -> Html:
    """A form that does something."""
    return tag("form", *inside, method="post", action=action, **more)


Button = Literal["yes", "no", "plain"]


def submit(words: str, value: str, kind: Button = "plain") -> Html:
    """A button of a form with several."""
    return tag("button", words, type="submit", name="act", value=value, class_=kind)
