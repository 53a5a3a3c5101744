"""The dossier of a turn: what was asked and answered, the plan as a picture, when what happened, and the evidence."""

from collections.abc import Sequence
from urllib.parse import quote

from adapters.web.console.charts import meter, stretches
from adapters.web.console.data import Call, Chosen, Dossier, Evidence, Span
from adapters.web.console.frame import (
    badge,
    block,
    card,
    dollars,
    moment,
    outcome,
    pairs,
    seconds,
    short,
    whole,
)
from adapters.web.html import Html, joined, tag
from adapters.web.markdown import render
from adapters.web.picture import figure
from orchestrator.words import say

STATES = {"done": "good", "failed": "bad", "skipped": "plain", "waiting": "ask"}


def dossier(seen: Dossier) -> list[Html | None]:
    return [
        _head(seen),
        _plan(seen),
        _timeline(seen.spans),
        card(*map(_step, seen.steps), title=say("Steps and their evidence")) if seen.steps else None,
        _calls(seen.calls),
        card(pairs(seen.details), title=say("Further facts")) if seen.details else None,
    ]


def _head(seen: Dossier) -> Html:
    row = seen.row
    session = tag("a", row.session, href=f"/console/turns?session={quote(row.session, safe='')}", class_="code")
    facts: list[tuple[str, str | Html]] = [
        (say("outcome"), outcome(row.outcome)),
        (say("person"), row.person),
        (say("conversation"), session),
        (say("finished"), moment(row.at)),
        (say("took"), seconds(row.seconds)),
        (say("cost"), say("unknown") if seen.cost_usd is None else dollars(seen.cost_usd)),
    ]
    facts += [(say("because"), seen.reason)] if seen.reason else []
    facts += [(say("kept to its plan"), _adherence(seen.adherence))] if seen.adherence is not None else []
    return card(
        tag("blockquote", row.request or say("(no words)"), class_="asked"),
        tag("div", render(seen.answer), class_="prose answered") if seen.answer else None,
        pairs(facts),
    )


def _adherence(share: float) -> Html:
    label = f"{share:.0%}"
    return joined([tag("span", label), meter(share, label, kind="good" if share >= 1 else "ask")])


def _plan(seen: Dossier) -> Html | None:
    if seen.card is None or not seen.card.steps:
        return None
    return card(figure(seen.card), title=say("Plan"))


def _timeline(spans: Sequence[Span]) -> Html | None:
    if not spans:
        return None
    whole_length = max(span.start + span.seconds for span in spans)
    rows = [
        (short(span.name, 60), f"span-{span.kind}", span.start, span.seconds, seconds(span.seconds)) for span in spans
    ]
    return card(stretches(rows, whole_length), title=say("When what happened"))


def _step(step: Evidence) -> Html:
    """A step that can be opened; those that went wrong are."""
    used = [(say("tool"), _tool(step)), *step.details]
    head = tag(
        "summary",
        badge(_status(step.status), STATES.get(step.status, "plain")),
        tag("span", short(step.title, 90) or step.id, class_="name"),
        tag("span", seconds(step.seconds), class_="number"),
    )
    blocks = (
        (say("arguments"), step.arguments),
        (say("code"), step.code),
        (say("printed"), step.printed),
        (say("result"), step.result),
        (say("error"), step.error),
    )
    shown = [
        joined([tag("h3", name), block(text, f"{name}: {short(step.title, 60)}")]) for name, text in blocks if text
    ]
    return tag(
        "details",
        head,
        tag("div", pairs(used), *shown, *map(_chosen, step.chosen), class_="inside"),
        class_="step-facts",
        open=step.status == "failed",
    )


def _tool(step: Evidence) -> str:
    if step.used and step.used != step.planned:
        return say("{used}, planned was {planned}", used=step.used, planned=step.planned)
    return step.used or step.planned


def _status(word: str) -> str:
    known = {"done": say("done"), "failed": say("failed"), "skipped": say("skipped"), "waiting": say("waiting")}
    return known.get(word, word)


def _chosen(chosen: Chosen) -> Html:
    rows = [
        tag(
            "li",
            tag("span", each.worker, class_="name"),
            meter(each.score / 100, f"{each.worker}: {each.score:.0f}", kind="quiet"),
            tag("span", f"{each.score:.0f}", class_="number"),
        )
        for each in chosen.candidates
    ]
    why = say("given to {worker}: {why}", worker=chosen.worker, why=chosen.why)
    return joined([tag("h3", say("worker")), tag("p", why), tag("ol", *rows, class_="stretches") if rows else None])


def _calls(calls: Sequence[Call]) -> Html | None:
    if not calls:
        return None
    heads = (say("for"), say("model"), say("took"), say("tokens"), say("cost"), say("outcome"))
    head = tag("tr", *(tag("th", name, scope="col") for name in heads))
    table = tag("table", tag("thead", head), tag("tbody", *map(_call, calls)))
    title = say("Calls of models")
    return card(tag("div", table, class_="table", tabindex=0, role="region", aria_label=title), title=title)


def _call(call: Call) -> Html:
    known = call.input_tokens is not None and call.output_tokens is not None
    tokens = f"{whole(call.input_tokens or 0)} + {whole(call.output_tokens or 0)}" if known else say("unknown")
    cost = say("unknown") if call.cost_usd is None else dollars(call.cost_usd)
    cells = (f"{call.component} {call.step}".strip(), call.model, seconds(call.seconds), tokens, cost)
    end = badge(short(call.error, 80), "bad") if call.error else badge(say("answered"))
    return tag("tr", *(tag("td", each) for each in cells), tag("td", end))
