"""Workers with what they have done, and how long everything takes."""

from collections.abc import Sequence

from adapters.web.console.charts import stretches, strip
from adapters.web.console.data import Crew, Piece, WorkerRow
from adapters.web.console.frame import badge, card, moment, nothing, pairs, seconds
from adapters.web.html import Html, joined, tag
from orchestrator.words import say


def crew(seen: Crew) -> list[Html | None]:
    return [
        tag("div", *map(_worker, seen.workers), class_="grid-of-cards"),
        _durations(seen.durations),
    ]


def _worker(row: WorkerRow) -> Html:
    online = badge(say("ready")) if row.is_online else badge(say("offline"), "bad")
    facts: list[tuple[str, str | Html]] = [
        (say("pool"), row.pool),
        (say("kinds of work"), ", ".join(row.kinds)),
        (say("at work"), say("{running} of {most}", running=row.running, most=row.at_once)),
    ]
    if row.pieces:
        facts += [(say("success"), _rate(row.pieces)), (say("on average"), seconds(_mean(row.pieces)))]
        facts.append((say("last"), moment(row.pieces[-1].at)))
    title = tag("h2", tag("span", row.name), online)
    return tag("section", title, pairs(facts), _strip(row), class_="card")


def _strip(row: WorkerRow) -> Html:
    if not row.pieces:
        return nothing(say("No work yet."))
    pieces = [(each.seconds, each.succeeded, _in_words(each)) for each in row.pieces]
    label = f"{row.name}: {_rate(row.pieces)}, {seconds(_mean(row.pieces))}"
    hint = say("Each bar is a piece of work, as high as it took; red ones were not done.")
    return joined([strip(pieces, label), tag("p", hint, class_="hint")])


def _in_words(piece: Piece) -> str:
    ended = say("done") if piece.succeeded else say("failed")
    return f"{piece.kind}: {ended}, {seconds(piece.seconds)}, {piece.at:%d.%m. %H:%M}"


def _rate(pieces: Sequence[Piece]) -> str:
    done = sum(each.succeeded for each in pieces)
    return say("{done} of {count} ({share:.0%})", done=done, count=len(pieces), share=done / len(pieces))


def _mean(pieces: Sequence[Piece]) -> float:
    return sum(each.seconds for each in pieces) / len(pieces)


def _durations(durations: Sequence[tuple[str, float]]) -> Html | None:
    if not durations:
        return None
    longest = max(length for _, length in durations)
    rows = [(name, "quiet", 0.0, length, seconds(length)) for name, length in durations]
    return card(stretches(rows, longest), title=say("How long tools and workers take"))
