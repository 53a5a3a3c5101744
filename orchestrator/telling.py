"""Tells the account of a turn to a person: Markdown, the short of it first, the details after."""

import re
from collections.abc import Iterator
from datetime import datetime

from orchestrator.account import Account
from orchestrator.facts import AskedFacts, CallFacts, Cost, LocalityFacts, StepFacts
from orchestrator.words import say

BACKTICKS = re.compile("`+")
QUOTED = 200  # characters of a request, a question or an error that are shown


def tell(account: Account) -> str:
    """The account for the person who asked for it, in Markdown: the short of it first."""
    return "\n".join([*_in_short(account), "", *_details(account)]).strip()


def _in_short(account: Account) -> Iterator[str]:
    yield f"**{account.turn}** “{shortened(account.request)}”"
    yield f"{_outcome(account.outcome)}."
    if account.reason:
        yield say("Because: {reason}.", reason=account.reason)
    if without := account.notes.get("without_model"):
        yield say("Without a model: {reason}.", reason=without)
    yield _cost_of_it(account)
    for claim in account.unsupported:
        yield say("My answer claimed what no result bears out: “{claim}”", claim=claim)


def _outcome(word: str) -> str:
    """How a turn ended, in words."""
    known = {
        "direct": say("I answered directly"),
        "clarify": say("I had to ask"),
        "plan": say("I made a plan and ran it"),
        "refuse": say("I declined: out of scope"),
        "unserved": say("Nobody of my tiers could serve it: it went to the review queue"),
        "reviewed": say("A person answered"),
        "added": say("I added it to what I was doing"),
        "stopped": say("You stopped it"),
        "failed": say("It failed"),
        "command": say("A command"),
    }
    return known.get(word, word)


def _cost_of_it(account: Account) -> str:
    """How long it took, and what it used."""
    times, totals = account.timings, account.totals
    seconds = _seconds(times.started, times.finished) if times.started and times.finished else "?"
    took = say("It took {seconds}", seconds=seconds)
    if not totals.calls:
        return say("{took}, and no model was called.", took=took)
    calls = say("1 model call") if totals.calls == 1 else say("{count} model calls", count=totals.calls)
    failed = f" ({say('{count} failed', count=totals.failed)})" if totals.failed else ""
    return f"{took}, {calls}{failed}, {_tokens(totals.input_tokens, totals.output_tokens)}, {money(totals.cost_usd)}."


def _details(account: Account) -> Iterator[str]:
    if account.locality and account.locality.chain != "only":
        yield f"- {_chosen(account.locality)}"
    yield from (_step_line(step, account.person) for step in account.steps)
    yield from (f"- {say('deviation')}: {deviation}" for deviation in account.deviations)
    if account.adherence is not None:
        yield "- " + say("the plan was kept to {share:.0%}", share=account.adherence)
    for step in account.steps:
        yield from _code_lines(step)
        yield from _routing_lines(step)
    for threshold in account.thresholds:
        yield f"- threshold: {threshold.name} was {threshold.value:g}, the limit is {threshold.limit:g}"
    for version in account.plan_versions:
        yield f"- {say('plan version')} {version.version}: {version.why}"
    if account.answered:
        answers = ", ".join(f"{name} = {value}" for name, value in account.answered.values.items())
        yield f"- {say('you answered')}: {shortened(answers)}"
    if account.asked:
        yield _question_line(account.asked)
    yield from (_call_line(call) for call in account.model_calls)
    further = {name: fact for name, fact in account.notes.items() if name != "without_model"}
    yield from (f"- {name.replace('_', ' ')}: {fact}" for name, fact in further.items())
    yield from (f"- {say('rated')}: {each.rating} ({each.person})" for each in account.ratings)
    yield from _times(account)
    if account.totals.prices:
        yield f"- prices: {account.totals.prices}"


def _chosen(locality: LocalityFacts) -> str:
    """Which chain decided, and why that one."""
    if locality.level == "complex":
        why = "; ".join(locality.reasons.values())
        return say("held to be complex ({why}), so the local model was not asked", why=why)
    if locality.escalated:
        return say("held to be simple; the local model's word did not do: {why}", why=locality.escalated)
    return say("held to be simple, so the local model decided")


def _step_line(step: StepFacts, person: str) -> str:
    instead = f" after {', '.join(step.tried)} did not work" if step.tried else ""
    within = f" with {', '.join(step.calls)}" if step.calls else ""
    refused = f", not allowed: {', '.join(step.refused)}" if step.refused else ""
    error = f" ({shortened(step.error)})" if step.error else ""
    tries = f", {step.attempts} attempts" if step.attempts > 1 else ""
    return (
        f"- {step.title}: `{step.used or step.planned}`{within}{instead}, {step.status}{error}{refused}"
        f"{_yes(step, person)}{tries}, {step.seconds:g} s"
    )


def _code_lines(step: StepFacts) -> Iterator[str]:
    """The whole code of a step that computed, and what it printed."""
    for name, text in ((say("code of {step}", step=step.id), step.code), (say("printed"), step.printed)):
        if text:
            fence = "`" * max([3, *(len(run) + 1 for run in BACKTICKS.findall(text))])
            yield f"- {name}:\n\n{fence}\n{text.rstrip()}\n{fence}\n"


def _routing_lines(step: StepFacts) -> Iterator[str]:
    """Which workers a step was given to, why, and who else could have had it."""
    for routing in step.routings:
        who = say("{step} was given to {worker}: {why}", step=step.id, worker=routing.worker, why=routing.why)
        yield f"- {who}"
        for each in routing.candidates:
            points = f"{each.context:g} + {each.success:g} + {each.specialisation:g} + {each.load:g}"
            rate = say("{runs} runs, success {low:.0%} to {high:.0%}", runs=each.runs, low=each.low, high=each.high)
            yield f"  - {each.worker}: {each.score:g} ({points}), {rate}"


def _yes(step: StepFacts, person: str) -> str:
    """By whose leave a step ran."""
    if step.granted:
        return f", {say('by a standing yes')}"
    if not step.approved_by:
        return ""
    mine = step.approved_by == person
    return f", {say('with your yes') if mine else say('with the yes of {person}', person=step.approved_by)}"


def _question_line(asked: AskedFacts) -> str:
    names = f" (for {', '.join(asked.names)})" if asked.names else ""
    return f"- {say('I asked')}: {shortened(' '.join(asked.text.split()))}{names}"


def _call_line(call: CallFacts) -> str:
    if call.error:
        return f"- model {call.model} as {call.component}: {shortened(call.error)}, {call.seconds:g} s"
    used = f"{_tokens(call.input_tokens, call.output_tokens)}, {money(call.cost_usd)}"
    return f"- model {call.model} as {call.component}: answered, {call.seconds:g} s, {used}"


def _times(account: Account) -> Iterator[str]:
    """The moments of the turn, counted from when it was accepted."""
    times = account.timings
    if times.accepted:
        moments = (("begun", times.started), ("decided", times.decided), ("first text", times.first_text))
        later = [(name, moment) for name, moment in (*moments, ("finished", times.finished)) if moment]
        after = ", ".join(f"{name} after {_seconds(times.accepted, moment)}" for name, moment in later)
        yield f"- accepted at {times.accepted:%Y-%m-%d %H:%M:%S} UTC, {after}"


def _seconds(start: datetime, end: datetime) -> str:
    return f"{(end - start).total_seconds():.2f} s"


def _tokens(asked: int | None, said: int | None) -> str:
    return say("tokens unknown") if asked is None or said is None else f"{asked:,} + {said:,} tokens"


def money(cost: Cost) -> str:
    """A cost for a person."""
    return say("cost unknown") if cost == "unknown" else f"${cost:.6f}".rstrip("0").rstrip(".")


def shortened(text: str) -> str:
    """The beginning of what may be long."""
    return text if len(text) <= QUOTED else f"{text[:QUOTED]} ..."
