"""Budgets: every model call is reserved before it is made, and settled after it."""

import json
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Any

from orchestrator.errors import ModelBusy, ModelRefused, ModelUnreachable, OverBudget
from orchestrator.limits import MILLION, Limits, Payer, period, plain
from orchestrator.models import ChatMessage, Model, ModelReply, OnCalls, OnText, Usage
from orchestrator.prices import cost_usd, load
from orchestrator.tools.spec import ToolSpec
from storage.errors import StorageError
from storage.records import Allowance, Amount, Spent
from storage.store import Store

log = logging.getLogger(__name__)

WARNED_PERCENT = 80  # these two from the founding documents, FEATURES row 34
LOW_PERCENT = 90
BYTES_A_TOKEN = 3  # English has about 4; what is reserved too much is given back
IMAGE_TOKENS = 1_500  # of a large picture, as providers count them
NOT_TAKEN = (ModelBusy, ModelRefused, ModelUnreachable)  # the provider has not worked on it, and charges nothing


@dataclass(slots=True)
class Bill:
    """What one turn learns of the budgets: those that have just reached 80 %, the last one that had no room for a
    call, and whether it should be thrifty."""

    payer: Payer
    thrifty: bool = False
    warned: list[Allowance] = field(default_factory=list)
    refused: Allowance | None = None


_bill: ContextVar[Bill | None] = ContextVar("bill", default=None)


def is_thrifty() -> bool:
    """Whether what is done now goes to cheaper models."""
    bill = _bill.get()
    return bill is not None and bill.thrifty


@contextmanager
def charging(bill: Bill) -> Iterator[None]:
    """Let all model calls inside of it go on this bill."""
    token = _bill.set(bill)
    try:
        yield
    finally:
        _bill.reset(token)


@dataclass(frozen=True, slots=True)
class Hold:
    """A reservation, and the limits under which it was made."""

    id: str
    allowances: tuple[Allowance, ...]


class Budgets:
    """Reserves and settles. A call is reserved with `output_tokens` for its answer, whose length nobody knows before.

    `unknown_price_usd` is what a million tokens count as whose price nobody knows; None: their money is not counted.
    `holder` is the process whose calls hold something meanwhile.
    """

    def __init__(
        self,
        store: Store,
        limits: Limits,
        *,
        output_tokens: int,
        unknown_price_usd: float | None,
        now: Callable[[], datetime],
        holder: str = "here",
    ) -> None:
        self._store = store
        self._holder = holder
        self._limits = limits
        self._output_tokens = output_tokens
        self._unknown_price_usd = unknown_price_usd
        self._now = now
        self._late: dict[str, Amount | None] = {}  # by reservation, what a call has used; None: all of it

    async def take_up(self, holder: str | None = None) -> None:
        """Settle what an earlier process, or this one that has died, had reserved: its calls may have been made, so
        they count in full."""
        if count := await self._store.settle_left_over(holder):
            log.warning("model calls of an earlier process count as made", extra={"calls": count})

    async def bill_for(self, payer: Payer, *, simple: bool) -> Bill:
        """The bill of a new turn. A simple request is thrifty where little is left."""
        allowances = self._limits.holding_for(payer, self._now()) if simple else ()
        spent = await self._store.spent(allowances) if allowances else []
        low = any(percent(each, of) >= LOW_PERCENT for each, of in zip(spent, allowances, strict=True))
        return Bill(payer, thrifty=low)

    async def shares(self) -> dict[str, float]:
        """Which share is spent now, by kind and period ("person day"): of each kind that of the one with the most."""
        now = self._now()
        spent = await self._store.spent_in([period("day", now), period("month", now)]) if self._limits.rules else []
        known = {(each.scope, each.period): each for each in spent}
        shares = {f"{rule.whose.partition(':')[0]} {rule.every}": 0.0 for rule in self._limits.rules}
        for allowance in self._limits.over(map(plain, dict.fromkeys(each.scope for each in spent)), now):
            if each := known.get((allowance.scope, allowance.period)):
                every = "day" if allowance.period == period("day", now) else "month"
                kind = f"{allowance.scope.partition(':')[0]} {every}"
                shares[kind] = max(shares[kind], percent(each, allowance) / 100)
        return shares

    def metered(self, make: Callable[[str], Model]) -> Callable[[str], Model]:
        """Makes the same models, whose every call goes on a bill."""
        return (lambda name: Metered(make(name), self)) if self._limits.are_any else make

    async def hold(self, model: str, input_tokens: int) -> Hold | None:
        """A reservation for a call of so many tokens; None where no limit holds. Raises OverBudget, StorageError."""
        bill = _bill.get() or Bill(Payer())  # a summary is nobody's
        allowances = self._limits.holding_for(bill.payer, self._now())
        if not allowances:
            return None
        hold = Hold(f"{self._holder}:{uuid.uuid4().hex}", allowances)
        amount = await self._amount(hold, model, Usage(input_tokens, self._output_tokens))
        await self.settle_late()
        try:
            refused = await self._store.reserve(hold.id, amount, allowances)
        except BaseException:
            self._late[hold.id] = Amount(0)  # it may be stored all the same, and no call is made
            raise
        if refused:
            bill.refused = refused
            log.info("a budget has no room", extra={"scope": refused.scope, "period": refused.period, "model": model})
            raise OverBudget
        return hold

    async def settle(self, hold: Hold, model: str, usage: Usage) -> None:
        """Count what a call has used; where its provider did not tell, what was reserved.

        Where the database refuses, that costs nobody their answer: it stays held until the next call, `settle_late`.
        """
        known = usage.input_tokens is not None and usage.output_tokens is not None
        used = await self._amount(hold, model, usage) if known else None
        try:
            warned = await self._store.settle(hold.id, used, of=hold.allowances, percent=WARNED_PERCENT)
        except BaseException as error:
            self._late[hold.id] = used
            if not isinstance(error, StorageError):
                raise
            log.warning("a model call is not settled yet", extra={"model": model, "reason": str(error)})
            return
        for each in warned:
            log.warning("a budget is nearly spent", extra={"scope": each.scope, "period": each.period})
        if bill := _bill.get():
            bill.warned += warned

    async def settle_late(self) -> None:
        """Settle the calls that could not be settled after they were made. Raises StorageError."""
        for name, used in [*self._late.items()]:
            await self._store.settle(name, used, of=(), percent=WARNED_PERCENT)
            self._late.pop(name, None)

    async def _amount(self, hold: Hold, model: str, usage: Usage) -> Amount:
        tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
        if all(each.micro_usd is None for each in hold.allowances):
            return Amount(tokens)
        await load()
        return Amount(tokens, self._micro_usd(cost_usd(model, usage), tokens))

    def _micro_usd(self, cost: float | None, tokens: int) -> int:
        """Rounded up, so that many small calls do not cost nothing."""
        cost = (self._unknown_price_usd or 0.0) * tokens / MILLION if cost is None else cost
        return ceil(round(cost * MILLION, 6))


class Metered:
    """A model whose calls are reserved and settled. It also raises OverBudget, and StorageError."""

    def __init__(self, model: Model, budgets: Budgets) -> None:
        self._model = model
        self._budgets = budgets

    @property
    def name(self) -> str:
        return self._model.name

    async def reply(
        self,
        messages: Sequence[ChatMessage],
        *,
        tools: Sequence[ToolSpec] = (),
        schema: Mapping[str, Any] | None = None,
        on_text: OnText | None = None,
        on_calls: OnCalls | None = None,
        timeout_seconds: float,
    ) -> ModelReply:
        """One provider call. One that breaks off counts as what went in: it may have been read."""
        input_tokens = tokens_about(messages, tools, schema)
        hold = await self._budgets.hold(self.name, input_tokens)
        used = Usage(input_tokens, 0)
        try:
            reply = await self._model.reply(
                messages,
                tools=tools,
                schema=schema,
                on_text=on_text,
                on_calls=on_calls,
                timeout_seconds=timeout_seconds,
            )
            used = reply.usage
        except NOT_TAKEN:
            used = Usage(0, 0)
            raise
        finally:
            if hold:
                await self._budgets.settle(hold, self.name, used)
        if bill := _bill.get():
            bill.refused = None  # a cheaper one has answered
        return reply


def tokens_about(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec], schema: Mapping[str, Any] | None) -> int:
    """Tokens of a prompt, rather too many than too few."""
    said = (
        message.text + "".join(json.dumps(dict(call.arguments)) for call in message.tool_calls) for message in messages
    )
    shown = (tool.name + tool.description + json.dumps(tool.parameters) for tool in tools)
    size = sum(len(text.encode(errors="replace")) for text in (*said, *shown, json.dumps(schema)))
    return ceil(size / BYTES_A_TOKEN) + IMAGE_TOKENS * sum(len(message.images) for message in messages)


def percent(spent: Spent, allowance: Allowance) -> float:
    """How much of a budget is spent, of its tokens or its money, whichever is more."""
    parts = [(spent.tokens, spent.more_tokens, allowance.tokens)]
    parts.append((spent.micro_usd, spent.more_micro_usd, allowance.micro_usd))
    return max(
        100 * used / (limit + more) if limit + more else 100.0 for used, more, limit in parts if limit is not None
    )
