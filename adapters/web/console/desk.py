"""What waits for an admin: requests to review, tools to let in; and what people ask for in vain."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from adapters.web.console.charts import meter
from adapters.web.console.data import CaseRow, HeldTool, SourceRow, Wish
from adapters.web.console.frame import badge, block, form, moment, nothing, pairs, short, submit, whole
from adapters.web.html import Html, joined, tag
from orchestrator.words import say

TONES: Mapping[str, str] = {
    "ready": "good",
    "connecting": "ask",
    "sign in": "ask",
    "waiting": "ask",
    "disabled": "plain",
}


# --- the review queue


def cases(rows: Sequence[CaseRow]) -> list[Html]:
    if not rows:
        return [nothing(say("The review queue is empty."))]
    return [_case(row) for row in rows]


def _case(row: CaseRow) -> Html:
    about: list[tuple[str, str | Html]] = [
        (say("person"), row.person),
        (say("since"), moment(row.at)),
        (say("turn"), tag("a", row.turn, href=f"/console/turns/{quote(row.turn)}", class_="code")),
    ]
    about += [(say("tries"), whole(row.tries))] if row.tries else []
    about += [(say("claimed by"), row.claimed_by)] if row.claimed_by else []
    about += [(say("in other words"), row.words)] if row.words else []
    title = tag("h2", badge(_why(row.why), "bad"), tag("span", row.turn, class_="code"))
    return tag(
        "section",
        title,
        tag("blockquote", row.request or say("(no words)"), class_="asked"),
        pairs(about),
        _acts(row),
        class_="card case",
    )


def _why(word: str) -> str:
    known = {
        "unserved": say("nobody of my tiers could serve it"),
        "broken": say("it broke on my side"),
        "died": say("processes died over it"),
        "unanswered": say("my question was not answered"),
    }
    return known.get(word, word)


def _acts(row: CaseRow) -> Html:
    name = say("Your words for {turn}", turn=row.turn)
    words = tag("textarea", "", name="words", rows=2, placeholder=say("Your words"), aria_label=name)
    return form(
        f"/console/review/{quote(row.turn)}",
        words,
        tag(
            "div",
            submit(say("Send as the answer"), "answer", "yes"),
            submit(say("Try again in these words"), "edit"),
            submit(say("Try again"), "retry"),
            submit(say("Claim"), "claim"),
            submit(say("Close"), "close", "no"),
            class_="choices",
        ),
        class_="acts",
    )


# --- what people ask for in vain


def wishes(rows: Sequence[Wish]) -> list[Html]:
    if not rows:
        return [nothing(say("Nobody has asked for anything in vain."))]
    most = max(row.count for row in rows)
    hint = say("On the command line, “errand insights” makes a template or a tool of one.")
    return [tag("p", hint, class_="hint"), *(_wish(row, most) for row in rows)]


def _wish(row: Wish, most: int) -> Html:
    often = say("asked {count} times", count=row.count)
    about: list[tuple[str, str | Html]] = [(say("people"), whole(row.people)), (say("last asked"), moment(row.last_at))]
    about += [(say("declined because"), "; ".join(row.reasons))] if row.reasons else []
    about += [(say("would suit a tool"), tag("span", row.name, class_="code"))]
    return tag(
        "section",
        tag("h2", tag("span", f"“{short(row.examples[0])}”"), tag("span", f"{row.count} ×", class_="number")),
        meter(row.count / most, often, kind="one"),
        tag("ul", *(tag("li", f"“{short(each)}”") for each in row.examples[1:]), class_="plain-list"),
        pairs(about),
        class_="card",
    )


# --- sources of tools


def sources(rows: Sequence[SourceRow], *, may_trust: bool) -> list[Html]:
    if not rows:
        return [nothing(say("No tools are connected. Name servers in mcp.json, or functions in the settings."))]
    return [_source(row, may_trust=may_trust) for row in rows]


def _source(row: SourceRow, *, may_trust: bool) -> Html:
    count = say("1 tool") if row.tools == 1 else say("{count} tools", count=row.tools)
    title = tag("h2", tag("span", row.name), badge(_state(row.state), TONES.get(row.state, "bad")))
    detail = tag("p", count, ". ", row.detail, class_="hint")
    held = (_held(each, _let_in(row.name, each) if may_trust else None) for each in row.held)
    return tag("section", title, detail, *held, _all(row) if may_trust else None, class_="card")


def _state(word: str) -> str:
    known = {
        "ready": say("ready"),
        "connecting": say("connecting"),
        "failed": say("failed"),
        "sign in": say("wants a sign-in"),
        "waiting": say("waiting"),
        "disabled": say("disabled"),
    }
    return known.get(word, word)


def _let_in(server: str, held: HeldTool) -> Html:
    return form(
        "/console/servers/trust",
        _hidden("server", server),
        _hidden("digest", held.digest),
        tag("button", say("Let {tool} run", tool=short(held.tool, 64)), type="submit", class_="yes"),
    )


def _held(held: HeldTool, let_in: Html | None) -> Html:
    """A tool that waits, with what is new in it line by line."""
    lines = "\n".join(held.differences)
    head = tag("h3", tag("span", short(held.tool, 64), class_="code"), badge(held.why, "ask"))
    return tag("div", head, block(lines, held.tool) if lines else None, let_in, class_="held")


def _all(row: SourceRow) -> Html | None:
    if len(row.held) < 2:
        return None
    return form(
        "/console/servers/trust",
        _hidden("server", row.name),
        joined(_hidden("digest", each.digest) for each in row.held),
        tag("button", say("Let all {count} run", count=len(row.held)), type="submit", class_="plain"),
    )


def _hidden(name: str, value: str) -> Html:
    return tag("input", type="hidden", name=name, value=value)
