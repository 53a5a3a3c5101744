"""`errand replay`: what another chain would have decided, told in lines or given as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from bot.app import App
from bot.chains import MakeModel, chain_of
from bot.settings import Settings, redaction_of
from orchestrator.errors import SettingsInvalid
from orchestrator.facts import Cost
from orchestrator.reading import PlanLimits, Reader
from orchestrator.replay import LeftOut, Replay, Replayed, Side
from orchestrator.telling import money, shortened
from storage.records import TurnRecord


async def replayed(
    app: App, settings: Settings, records: Sequence[TurnRecord], *, chain: str, model: MakeModel
) -> list[Replayed | LeftOut]:
    """Each turn decided again by this chain, one after the other. Raises SettingsInvalid."""
    models = chain_of("planner", chain, settings, model)
    if models is None:
        raise SettingsInvalid('The chain is empty. Name its models, such as "openai:gpt-4o-mini".')
    reader = Reader(app.catalog, PlanLimits(settings.plan_steps, settings.plan_workers))
    replay = Replay(app.store, app.catalog, reader, chain=models, redaction=redaction_of(settings))
    return [await replay.again(record) for record in records]


def as_data(chain: str, outcomes: Sequence[Replayed | LeftOut]) -> str:
    """Everything as JSON: the turns with both decisions, those that were left out, and how many differ in what."""
    decided = [each for each in outcomes if isinstance(each, Replayed)]
    left_out = [each for each in outcomes if isinstance(each, LeftOut)]
    data = {
        "chain": chain,
        "turns": [each.model_dump(mode="json") for each in decided],
        "left_out": [each.model_dump(mode="json") for each in left_out],
        "summary": {"same": sum(not each.differences for each in decided), "different": _by_kind(decided)},
    }
    return json.dumps(data, ensure_ascii=False, indent=2)


def told(chain: str, outcomes: Sequence[Replayed | LeftOut]) -> str:
    """A line for each turn, its differences below, and a summary at the end."""
    lines = [line for each in outcomes for line in _lines(each)]
    return "\n".join([*lines, _summary(chain, [each for each in outcomes if isinstance(each, Replayed)])])


def _lines(each: Replayed | LeftOut) -> Iterator[str]:
    request = shortened(" ".join(each.request.split()))
    if isinstance(each, LeftOut):
        yield f"{each.turn} “{request}”: left out, {each.why}"
        return
    verdict = "different" if each.differences else "same"
    yield f"{each.turn} “{request}”: {verdict} ({_used(each.old)} -> {_used(each.new)})"
    for difference in each.differences:
        yield f"    {difference.what}: {difference.old or 'nothing'} -> {difference.new or 'nothing'}"


def _summary(chain: str, decided: Sequence[Replayed]) -> str:
    same = sum(not each.differences for each in decided)
    kinds = ", ".join(f"{what} {count}" for what, count in _by_kind(decided).items())
    different = f"{len(decided) - same} different{f' ({kinds})' if kinds else ''}"
    before, after = _sum([each.old for each in decided]), _sum([each.new for each in decided])
    return f"{chain}: {len(decided)} decided again, {same} same, {different}; {before} -> {after}"


def _by_kind(decided: Sequence[Replayed]) -> dict[str, int]:
    """How many turns differ in what."""
    return dict(Counter(what for each in decided for what in {difference.what for difference in each.differences}))


def _sum(sides: Sequence[Side]) -> str:
    costs = [side.cost_usd for side in sides]
    known = [cost for cost in costs if cost != "unknown"]
    cost: Cost = sum(known) if len(known) == len(costs) else "unknown"
    return f"{sum(side.seconds for side in sides):.2f} s, {money(cost)}"


def _used(side: Side) -> str:
    return f"{side.seconds:.2f} s, {money(side.cost_usd)}" if side.calls else "no model"
