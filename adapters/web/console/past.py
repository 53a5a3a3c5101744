"""The overview, the conversations, and the turns."""

from collections.abc import Collection, Mapping, Sequence
from urllib.parse import quote

from adapters.web.console.charts import Series, bars
from adapters.web.console.data import Day, Now, Overview, Part, SessionRow, TurnPage, TurnRow
from adapters.web.console.frame import (
    Tile,
    badge,
    card,
    dollars,
    moment,
    nothing,
    outcome,
    seconds,
    short,
    tiles,
    whole,
)
from adapters.web.html import Html, tag
from orchestrator.words import say

ANSWERED, ASKED, TROUBLE = (
    frozenset({"direct", "plan", "reviewed", "added"}),
    frozenset({"clarify"}),
    frozenset({"failed", "unserved"}),
)
DECLINED = frozenset({"refuse", "stopped"})


def overview(seen: Overview, parts: Collection[Part]) -> list[Html]:
    latest = tag("a", say("All turns"), href="/console/turns", class_="more")
    return [
        tiles([row for part, row in _numbers(seen.now) if part in parts]),
        card(_days(seen.days)),
        card(turn_list(seen.turns), latest, title=say("Latest turns")),
    ]


def _numbers(now: Now) -> list[tuple[Part, Tile]]:
    """Each with the part that has more of it."""
    review, tools = "bad" if now.cases else "", "ask" if now.held_tools else ""
    return [
        ("overview", (say("running now"), whole(now.running), "", "")),
        ("overview", (say("behind them"), whole(now.waiting), "", "")),
        ("review", (say("wait for a reviewer"), whole(now.cases), review, "/console/review")),
        ("servers", (say("tools wait for you"), whole(now.held_tools), tools, "/console/servers")),
        ("sessions", (say("open questions"), whole(now.questions), "", "/console/sessions")),
        ("overview", (say("not delivered yet"), whole(now.undelivered), "ask" if now.undelivered else "", "")),
        ("budgets", (say("spent today"), dollars(now.spent_today_usd), "", "/console/budgets")),
    ]


def _days(days: Sequence[Day]) -> Html:
    def counts(which: frozenset[str]) -> list[float]:
        return [float(sum(_of(day.outcomes, which))) for day in days]

    series = [
        Series(say("answered"), "good", counts(ANSWERED)),
        Series(say("asked"), "ask", counts(ASKED)),
        Series(say("declined or stopped"), "quiet", counts(DECLINED)),
        Series(say("failed"), "bad", counts(TROUBLE)),
    ]
    return bars(say("Turns a day"), [f"{day.at:%d.}" for day in days], series, told=whole)


def _of(outcomes: Mapping[str, int], which: frozenset[str]) -> list[int]:
    return [count for outcome, count in outcomes.items() if outcome in which]


def sessions(rows: Sequence[SessionRow]) -> list[Html]:
    if not rows:
        return [nothing(say("Nobody has talked to me yet."))]
    return [card(tag("ul", *(tag("li", _session(row)) for row in rows), class_="rows"))]


def _session(row: SessionRow) -> Html:
    asks = badge(say("waits for an answer"), "ask") if row.asks else None
    last = moment(row.last_at) if row.last_at else None
    count = say("1 turn") if row.turns == 1 else say("{count} turns", count=row.turns)
    return tag(
        "a",
        tag("span", short(row.key), class_="name"),
        tag("span", asks, tag("span", count), last, class_="about"),
        href=f"/console/turns?session={quote(row.key, safe='')}",
    )


def turns(page: TurnPage, *, session: str) -> list[Html | None]:
    about = tag("p", tag("span", session, class_="code"), class_="hint") if session else None
    return [about, card(turn_list(page.rows), _older(page.rows[-1].turn, session) if page.is_more else None)]


def _older(turn: str, session: str) -> Html:
    of = f"&session={quote(session, safe='')}" if session else ""
    return tag("a", say("Older ones"), href=f"/console/turns?before={turn}{of}", class_="more")


def turn_list(rows: Sequence[TurnRow]) -> Html:
    if not rows:
        return nothing(say("There is no turn yet."))
    return tag("ul", *(tag("li", _turn(row)) for row in rows), class_="rows")


def _turn(row: TurnRow) -> Html:
    return tag(
        "a",
        outcome(row.outcome),
        tag("span", short(row.request) or say("(no words)"), class_="name"),
        tag(
            "span",
            tag("span", row.turn, class_="code"),
            tag("span", short(row.person, 40)),
            tag("span", seconds(row.seconds)),
            moment(row.at),
            class_="about",
        ),
        href=f"/console/turns/{quote(row.turn)}",
    )
