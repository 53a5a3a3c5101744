"""What models were used for, told in tables by day, month and person: /usage."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from orchestrator.models import Usage as Tokens
from orchestrator.prices import cost_usd, load, snapshot
from orchestrator.roles import rights
from orchestrator.sessions import Talk
from orchestrator.slash import Told
from orchestrator.telling import money
from orchestrator.words import say
from storage.records import Usage, UsedBy
from storage.store import Store

DAYS = 7
NONE = Usage(0, 0, 0, 0.0, 0)


class Using:
    """Tells people what was used for them, and admins what was used for everybody, where nobody reads along."""

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def usage(self, talk: Talk, rest: str) -> Told:
        """Today and the last 30 days in lines, then the tables."""
        now = self._now()
        channel, person = talk.arrived.channel, talk.inbound.person.id
        spans = ((say("today"), _midnight(now)), (say("the last 30 days"), now - timedelta(days=30)))
        used = [(span, await self._store.usage(channel, person, since=since)) for span, since in spans]
        moments = _moments(now)
        mine = await self._store.used_by(moments, channel=channel, person=person)
        admin = rights().may_say("usage all") and talk.inbound.private  # it is about others
        everybody = await self._store.used_by(moments) if admin else []
        parts = [_summary(used)] if used[-1][1].calls else []
        parts += [_table(say("day"), _by_day(mine, now)), _table(say("month"), _by_month(mine, now))]
        if admin:
            this_month = [each for each in everybody if each.since >= moments_of_months(now)[1]]
            parts.append(_table(say("person, this month"), _by_person(this_month)))
        parts.append(await _saved(everybody if admin else mine))
        told = "\n\n".join(filter(None, parts))
        if not told:
            return Told(say("No model was called for you in the last 30 days."))
        return Told(f"{told}\n\n{say('Prices: {source}.', source=snapshot())}")


def used_in_words(usage: Usage) -> str:
    """What was used, for a person."""
    calls = say("1 model call") if usage.calls == 1 else say("{count} model calls", count=usage.calls)
    tokens = f"{usage.input_tokens:,} + {usage.output_tokens:,} tokens"
    return ", ".join((calls, tokens, _cost(usage)))


def _cost(usage: Usage) -> str:
    unknown = say("and an unknown cost of {count} calls", count=usage.unknown) if usage.unknown else ""
    return f"{money(usage.cost_usd)} {unknown}".strip()


def _summary(used: Iterable[tuple[str, Usage]]) -> str:
    return "\n".join(f"- {span}: {used_in_words(usage)}" for span, usage in used)


def _table(what: str, rows: Mapping[str, Usage]) -> str:
    """A table in Markdown; nothing where nothing was used."""
    if not rows:
        return ""
    head = (
        f"| {what} | {say('calls')} | {say('tokens in')} | {say('tokens out')} | {say('cost')} |\n|---|--:|--:|--:|--:|"
    )
    lines = (
        f"| {name} | {each.calls:,} | {each.input_tokens:,} | {each.output_tokens:,} | {_cost(each)} |"
        for name, each in rows.items()
    )
    return "\n".join((head, *lines))


async def _saved(used: Sequence[UsedBy]) -> str:
    """What several models saved against asking the dearest of them each time; calls of a known price alone."""
    await load()
    known = [each for each in used if each.usage.cost_usd and not each.usage.unknown]
    tokens = Tokens(sum(each.usage.input_tokens for each in known), sum(each.usage.output_tokens for each in known))
    prices = {each.model: cost_usd(each.model, tokens) or 0.0 for each in known}
    if len(prices) < 2:
        return ""
    dearest = max(prices, key=lambda model: prices[model])
    paid = sum(each.usage.cost_usd for each in known)
    saved = prices[dearest] - paid
    return say(
        "Asking {model} each time would have cost {dear}; the split saved {saved} ({share:.0%}).",
        model=dearest,
        dear=money(prices[dearest]),
        saved=money(saved),
        share=saved / prices[dearest],
    )


def _by_day(used: Sequence[UsedBy], now: datetime) -> dict[str, Usage]:
    first = _midnight(now) - timedelta(days=DAYS - 1)
    return _sums((f"{each.since:%Y-%m-%d}", each.usage) for each in used if each.since >= first)


def _by_month(used: Sequence[UsedBy], now: datetime) -> dict[str, Usage]:
    return _sums((f"{each.since:%Y-%m}", each.usage) for each in used)


def _by_person(used: Sequence[UsedBy]) -> dict[str, Usage]:
    sums = _sums((f"{each.channel}:{each.person}", each.usage) for each in used)
    return dict(sorted(sums.items(), key=lambda each: (-each[1].cost_usd, -each[1].calls)))


def _sums(used: Iterable[tuple[str, Usage]]) -> dict[str, Usage]:
    sums: defaultdict[str, Usage] = defaultdict(lambda: NONE)
    for name, usage in used:
        sums[name] = _sum(sums[name], usage)
    return dict(sums)


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.calls + other.calls,
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.cost_usd + other.cost_usd,
        one.unknown + other.unknown,
    )


def _moments(now: datetime) -> list[datetime]:
    """The starts of the last days and of two months, oldest first: between two of them nothing is told apart."""
    days = (_midnight(now) - timedelta(days=ago) for ago in range(DAYS))
    return sorted({*days, *moments_of_months(now)})


def moments_of_months(now: datetime) -> tuple[datetime, datetime]:
    """The starts of the last month and of this one."""
    this = _midnight(now).replace(day=1)
    return (this - timedelta(days=1)).replace(day=1), this


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
