"""Budgets in the database: what is reserved together never exceeds a limit, and adds up in the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.budgets import Budgets
from orchestrator.limits import Limits, Payer
from orchestrator.models import Usage
from storage.changes import answering_request, asking_admins
from storage.errors import StorageError, StorageOutdated
from storage.records import Allowance, Amount, BudgetRequest, Letter, Spent
from storage.store import Store, open_store
from tests.storage.samples import ADDRESS, NOW, SESSION, arrive, conclusion

DAY = Allowance("team", "2026-11-21", tokens=100_000, micro_usd=5_000_000)
MINE = Allowance("person:fake:ann", "2026-11-21", tokens=1_000)


@pytest.mark.slow
@pytest.mark.proves("budget.never_overspent")
@pytest.mark.timeout(60)
async def test_a_thousand_reservations_at_once_never_overspend(store: Store) -> None:
    amount = Amount(tokens=300, micro_usd=7_000)
    others = Allowance("channel:fake", "2026-11", micro_usd=10**9)
    refused = await asyncio.gather(*(store.reserve(f"r{number}", amount, [DAY, others]) for number in range(1_000)))
    held = refused.count(None)
    assert held == 100_000 // 300
    assert {each for each in refused if each} == {DAY}
    (team, channel) = await store.spent([DAY, others])
    assert (team.held_tokens, channel.held_tokens) == (held * 300, held * 300), "what is refused is held nowhere"
    await asyncio.gather(*(store.settle(f"r{number}", Amount(100, 1_000)) for number in range(1_000)))
    assert await store.spent([DAY]) == [Spent(DAY.scope, DAY.period, tokens=held * 100, micro_usd=held * 1_000)]


@pytest.mark.proves("budget.settled")
async def test_a_settlement_that_is_repeated_counts_once(store: Store) -> None:
    assert await store.reserve("r1", Amount(600), [MINE]) is None
    assert await store.reserve("r2", Amount(600), [MINE]) == MINE
    for _ in range(2):
        await store.settle("r1", Amount(10))
    assert await store.spent([MINE]) == [Spent(MINE.scope, MINE.period, tokens=10)]


@pytest.mark.proves("budget.settled")
async def test_what_a_dead_process_held_is_spent(url: str) -> None:
    before = await open_store(url)
    await before.reserve("r1", Amount(600, 70), [MINE, DAY])
    await before.close()
    after = await open_store(url)
    assert [await after.settle_left_over() for _ in range(2)] == [1, 0]
    (mine, team) = await after.spent([MINE, DAY])
    assert mine == Spent(MINE.scope, MINE.period, tokens=600, micro_usd=70)
    assert (team.tokens, team.held_tokens) == (600, 0)
    await after.close()


@pytest.mark.proves("budget.warned")
async def test_a_budget_warns_once(store: Store) -> None:
    warned = []
    for name in ("r1", "r2", "r3"):
        await store.reserve(name, Amount(300), [MINE])
        warned.append(await store.settle(name, None, of=[MINE]))
    assert warned == [[], [], [MINE]]
    assert await store.settle("r3", None, of=[MINE]) == []


amounts = st.builds(Amount, st.integers(0, 400), st.integers(0, 400))
deeds = st.lists(st.tuples(amounts, st.none() | amounts), max_size=12)


@asynccontextmanager
async def emptied(folder: Path) -> AsyncIterator[Store]:
    store = await open_store(str(folder / "errand.db"))
    try:
        yield store
    finally:
        await store.close()
        (folder / "errand.db").unlink()


@pytest.mark.slow
@pytest.mark.proves("budget.never_overspent", "budget.settled")
@settings(max_examples=25, deadline=None)
@given(deeds)
def test_in_any_order_nothing_is_held_above_a_limit_and_all_adds_up(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[Amount, Amount | None]]
) -> None:
    both = [Allowance("a", "2026-11", tokens=1_000), Allowance("b", "2026-11", micro_usd=900)]

    async def check() -> None:
        async with emptied(tmp_path_factory.mktemp("budgets")) as store:
            expected, held = Amount(), list[tuple[str, Amount, Amount | None]]()
            for number, (amount, used) in enumerate(deeds):
                if await store.reserve(f"r{number}", amount, both) is None:
                    held.append((f"r{number}", amount, used))
                (a, b) = await store.spent(both)
                assert a.held_tokens <= 1_000
                assert b.held_micro_usd <= 900
                assert a.held_tokens == b.held_tokens == sum(each.tokens for _, each, _ in held)
            for name, amount, used in held:
                await store.settle(name, used)
                now = used or amount
                expected = Amount(expected.tokens + now.tokens, expected.micro_usd + now.micro_usd)
            for each in await store.spent(both):
                assert (each.tokens, each.micro_usd) == (expected.tokens, expected.micro_usd)
                assert (each.held_tokens, each.held_micro_usd) == (0, 0)

    asyncio.run(check())


def request(number: int) -> BudgetRequest:
    return BudgetRequest(f"b{number}", MINE.scope, MINE.period, 500, 0, "ann", ADDRESS, NOW)


@pytest.mark.proves("budget.raised")
async def test_one_answer_closes_every_request_for_the_same_budget_and_raises_it_once(store: Store) -> None:
    asked = [request(number) for number in range(3)]
    await store.change(*(asking_admins(each) for each in asked))
    with pytest.raises(StorageOutdated):
        await store.change(answering_request(asked[1], others=["b0"], admin="fake:boss", agreed=True))
    assert len(await store.budget_requests()) == 3
    await store.change(answering_request(asked[1], others=["b0", "b2"], admin="fake:boss", agreed=True))
    assert await store.budget_requests() == []
    with pytest.raises(StorageOutdated):
        await store.change(answering_request(asked[2], others=[], admin="fake:other", agreed=True))
    (mine,) = await store.spent([MINE])
    assert mine.more_tokens == 500


@pytest.mark.proves("budget.raised")
async def test_a_word_reaches_a_conversation_of_which_everything_was_deleted(store: Store) -> None:
    letter = Letter("console:gone", "console", ADDRESS, "{}")
    turn = await arrive(store, "1")
    parcels = await store.finish(replace(conclusion(turn), letters=(letter,)))
    assert [each.session for each in parcels] == [SESSION, letter.session]


class Scarce(Limits):
    """One limit, for everybody."""

    def __init__(self) -> None:
        super().__init__(())

    def holding_for(self, payer: Payer, now: datetime) -> tuple[Allowance, ...]:
        return (MINE,)


@pytest.mark.proves("budget.settled")
@pytest.mark.parametrize("cancelled", [False, True])
async def test_what_is_reserved_for_a_call_that_is_never_made_is_given_back(store: Store, cancelled: bool) -> None:
    budgets = Budgets(store, Scarce(), output_tokens=100, unknown_price_usd=None, now=lambda: NOW)
    write = store._database.write

    async def breaks_behind_the_commit(work: Any) -> Any:
        await write(work)
        store._database.write = write  # type: ignore[method-assign]
        raise asyncio.CancelledError if cancelled else StorageError("the connection is gone")

    store._database.write = breaks_behind_the_commit  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError if cancelled else StorageError):
        await budgets.hold("m", 800)
    assert (await store.spent([MINE]))[0].held_tokens == 900
    hold = await budgets.hold("m", 700)
    assert hold is not None
    store._database.write = breaks_behind_the_commit  # type: ignore[method-assign]
    with suppress(asyncio.CancelledError):
        await budgets.settle(hold, "m", Usage(10, 10))
    await budgets.settle_late()
    assert await store.spent([MINE]) == [Spent(MINE.scope, MINE.period, tokens=20)]
