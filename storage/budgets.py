"""Budgets: what is spent, what running calls hold, and what admins are asked for. All amounts are whole numbers."""

from collections.abc import Collection, Sequence
from dataclasses import fields

from sqlalchemy import ColumnElement, Connection, delete, or_, select, tuple_, update

from storage.errors import StorageOutdated
from storage.records import Allowance, Amount, BudgetRequest, Spent
from storage.rows import columns, record, records, upsert, values
from storage.tables import budget_requests, reservations, spending

NOTHING = {field.name: 0 for field in fields(Spent) if field.name not in {"scope", "period"}} | {"warned": 0}


def reserve(
    connection: Connection, reservation: str, amount: Amount, allowances: Sequence[Allowance]
) -> Allowance | None:
    """Hold the amount in every one of these budgets, or in none: then it is the one that has no room for it.

    Always in the same order, so that two reservations never wait for each other.
    """
    places = [{"scope": each.scope, "period": each.period} for each in sorted(allowances)]
    _begin(connection, places)
    attempt = connection.begin_nested()
    for allowance in sorted(allowances):
        if not _hold(connection, amount, allowance):
            attempt.rollback()
            return allowance
    connection.execute(reservations.insert(), [{"id": reservation, **place, **values(amount)} for place in places])
    attempt.commit()
    return None


def settle(connection: Connection, reservation: str, used: Amount | None) -> None:
    """Count what was used in place of what is held; None: all of it. A second time changes nothing."""
    _settle(connection, reservations.c.id == reservation, used)


def holders(connection: Connection) -> set[str]:
    """Whose calls hold something: the ids of reservations begin with it."""
    return {each.partition(":")[0] for each in connection.execute(select(reservations.c.id).distinct()).scalars()}


def settle_left_over(connection: Connection, holder: str | None) -> int:
    """Count all that is held, by one holder or by anybody, as spent; how many calls held it."""
    theirs = reservations.c.id.startswith(f"{holder}:", autoescape=True) if holder else reservations.c.id.is_not(None)
    count = len(set(connection.execute(select(reservations.c.id).where(theirs)).scalars()))
    _settle(connection, theirs, None)
    return count


def warn(connection: Connection, allowances: Sequence[Allowance], *, percent: int) -> list[Allowance]:
    """Those of these budgets of which so much is spent, each of them once."""
    return [each for each in sorted(allowances) if _warned(connection, each, percent)]


def spent(connection: Connection, allowances: Sequence[Allowance]) -> list[Spent]:
    """How far each of these budgets is, in their order."""
    places = [(each.scope, each.period) for each in allowances]
    theirs = select(*columns(Spent, spending)).where(tuple_(spending.c.scope, spending.c.period).in_(places))
    known = {(each.scope, each.period): each for each in records(connection, Spent, theirs)}
    return [known.get(place) or Spent(*place) for place in places]


def spent_in(connection: Connection, periods: Sequence[str]) -> list[Spent]:
    """How far every budget of these periods is of which something was used."""
    return records(connection, Spent, select(*columns(Spent, spending)).where(spending.c.period.in_(periods)))


def ask(connection: Connection, request: BudgetRequest) -> None:
    """Write down that the admins are asked."""
    connection.execute(budget_requests.insert(), values(request))


def request(connection: Connection, name: str) -> BudgetRequest | None:
    """A request by its id, also one that was answered."""
    this = select(*columns(BudgetRequest, budget_requests)).where(budget_requests.c.id == name)
    return record(connection, BudgetRequest, this)


def open_requests(connection: Connection) -> list[BudgetRequest]:
    """The requests that nobody has answered, oldest first."""
    still_open = select(*columns(BudgetRequest, budget_requests)).where(budget_requests.c.answered_by.is_(None))
    return records(connection, BudgetRequest, still_open.order_by(budget_requests.c.asked_at))


def answer(
    connection: Connection, request: BudgetRequest, *, others: Collection[str], admin: str, agreed: bool
) -> None:
    """Close a request, and the `others` for the same budget, and raise the limit once where the admin agreed. Raises
    StorageOutdated where these are not all that are open by now: of two answers the first one counts."""
    same = (budget_requests.c.scope == request.scope) & (budget_requests.c.period == request.period)
    open_ones = update(budget_requests).where(same, budget_requests.c.answered_by.is_(None)).values(answered_by=admin)
    if {*connection.execute(open_ones.returning(budget_requests.c.id)).scalars()} != {request.id, *others}:
        raise StorageOutdated
    if not agreed:
        return
    more = {
        "more_tokens": spending.c.more_tokens + request.tokens,
        "more_micro_usd": spending.c.more_micro_usd + request.micro_usd,
    }
    _begin(connection, [{"scope": request.scope, "period": request.period}])
    connection.execute(update(spending).where(_at(request.scope, request.period)).values(warned=0, **more))


def count_together(connection: Connection, scope: str, other: str) -> None:
    """Count in one scope what was spent in the other one too."""
    for period, tokens, micro_usd in _used(connection, other):
        _begin(connection, [{"scope": scope, "period": period}])
        more = {"tokens": spending.c.tokens + tokens, "micro_usd": spending.c.micro_usd + micro_usd}
        connection.execute(update(spending).where(_at(scope, period)).values(more))


def count_apart(connection: Connection, scope: str, other: str) -> None:
    """Let at least as much be spent in the other scope as in this one."""
    known = {period: (tokens, micro_usd) for period, tokens, micro_usd in _used(connection, other)}
    for period, *used in _used(connection, scope):
        _begin(connection, [{"scope": other, "period": period}])
        tokens, micro_usd = map(max, used, known.get(period, (0, 0)))
        most = {"tokens": tokens, "micro_usd": micro_usd}
        connection.execute(update(spending).where(_at(other, period)).values(most))


def _used(connection: Connection, scope: str) -> list[tuple[str, int, int]]:
    """What was spent in a scope, by period."""
    mine = select(spending.c.period, spending.c.tokens, spending.c.micro_usd).where(spending.c.scope == scope)
    return [(period, tokens, micro_usd) for period, tokens, micro_usd in connection.execute(mine)]


def _hold(connection: Connection, amount: Amount, allowance: Allowance) -> bool:
    """The limit stands in the statement that changes the row: nobody can come between."""
    row = spending.c
    room = []
    if allowance.tokens is not None:
        room.append(row.tokens + row.held_tokens + amount.tokens <= row.more_tokens + allowance.tokens)
    if allowance.micro_usd is not None:
        room.append(row.micro_usd + row.held_micro_usd + amount.micro_usd <= row.more_micro_usd + allowance.micro_usd)
    held = {
        "held_tokens": row.held_tokens + amount.tokens,
        "held_micro_usd": row.held_micro_usd + amount.micro_usd,
    }
    changed = update(spending).where(_at(allowance.scope, allowance.period), *room).values(held)
    return connection.execute(changed.returning(row.scope)).first() is not None


def _settle(connection: Connection, which: ColumnElement[bool], used: Amount | None) -> None:
    row = spending.c
    told = (reservations.c.scope, reservations.c.period, reservations.c.tokens, reservations.c.micro_usd)
    for scope, period, *held in sorted(
        map(tuple, connection.execute(delete(reservations).where(which).returning(*told)))
    ):
        was = Amount(*held)
        now = used or was
        settled = {
            "tokens": row.tokens + now.tokens,
            "micro_usd": row.micro_usd + now.micro_usd,
            "held_tokens": row.held_tokens - was.tokens,
            "held_micro_usd": row.held_micro_usd - was.micro_usd,
        }
        connection.execute(update(spending).where(_at(scope, period)).values(settled))


def _warned(connection: Connection, allowance: Allowance, percent: int) -> bool:
    row = spending.c
    reached = []
    if allowance.tokens is not None:
        reached.append(row.tokens * 100 >= (row.more_tokens + allowance.tokens) * percent)
    if allowance.micro_usd is not None:
        reached.append(row.micro_usd * 100 >= (row.more_micro_usd + allowance.micro_usd) * percent)
    this = _at(allowance.scope, allowance.period) & (row.warned == 0) & or_(*reached)
    return connection.execute(update(spending).where(this).values(warned=1).returning(row.scope)).first() is not None


def _begin(connection: Connection, places: Sequence[dict[str, str]]) -> None:
    """A row to count in for each of these, where there is none."""
    new = upsert(connection, spending).values([{**place, **NOTHING} for place in places])
    connection.execute(new.on_conflict_do_nothing())


def _at(scope: str, period: str) -> ColumnElement[bool]:
    return (spending.c.scope == scope) & (spending.c.period == period)
