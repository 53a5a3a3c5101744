"""Chains: several models for one job, asked in order until one answers."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from orchestrator.errors import (
    Attempt,
    BudgetSpent,
    ModelBusy,
    ModelError,
    ModelMalformed,
    ModelTimedOut,
    ModelUnreachable,
    NoModelAnswered,
    OverBudget,
)
from orchestrator.models import ChatMessage, Model, ModelReply, OnCalls, OnText, Written
from orchestrator.retries import ONCE, Retries
from orchestrator.tools.spec import ToolSpec
from orchestrator.watching import happened, quote, span
from storage.records import ModelCall

Note = Callable[[ModelCall], None]
"""Hears of every call of a model, good or bad."""
Ask = Callable[[Model, float], Awaitable[ModelReply]]
RETRYABLE = (ModelBusy, ModelUnreachable)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Member:
    """One model of a chain, and how long it may take in all, its further tries counted in."""

    model: Model
    timeout_seconds: float


class Chain:
    """The models of one component, such as the planner, in the order in which they are asked.

    A circuit breaker for each: after `failures_to_rest` failures in a row a member rests for `rest_seconds`, and is
    then tried with one call. Where all of them rest, the one that has rested longest is asked all the same.
    `instead` names another chain while that one is to be asked.
    """

    def __init__(
        self,
        component: str,
        members: Sequence[Member],
        *,
        retries: Retries = ONCE,
        clock: Callable[[], float] = time.monotonic,
        failures_to_rest: int = 3,
        rest_seconds: float = 30.0,
        instead: "Callable[[], Chain | None] | None" = None,
    ) -> None:
        self.component = component
        self.members = tuple(members)
        self._retries = retries
        self._clock = clock
        self._instead = instead
        self._breakers = [_Breaker(failures_to_rest, rest_seconds) for _ in members]

    @property
    def is_resting(self) -> bool:
        """Whether all members rest: nobody answers, as far as is known."""
        return all(breaker.rests(self._clock()) for breaker in self._breakers)

    async def reply(
        self,
        messages: Sequence[ChatMessage],
        *,
        tools: Sequence[ToolSpec] = (),
        schema: Mapping[str, Any] | None = None,
        on_text: OnText | None = None,
        on_calls: OnCalls | None = None,
        note: Note,
    ) -> ModelReply:
        """The first answer. Raises NoModelAnswered; BudgetSpent where a budget was in the way.

        `note` hears of every call, also of one that is cancelled. `on_text("")` and `on_calls(())` say that what
        came so far is void, because its model failed halfway.
        """
        if self._instead and (other := self._instead()):
            return await other.reply(
                messages, tools=tools, schema=schema, on_text=on_text, on_calls=on_calls, note=note
            )
        text, calls = Heard(on_text, ""), Heard[Sequence[Any]](on_calls, ())

        async def ask(model: Model, timeout_seconds: float) -> ModelReply:
            quote(messages=messages, tools=tools)
            try:
                reply = await model.reply(
                    messages,
                    tools=tools,
                    schema=schema,
                    on_text=text if on_text else None,
                    on_calls=calls if on_calls else None,
                    timeout_seconds=timeout_seconds,
                )
                if not (tools or reply.text.strip()):
                    raise ModelMalformed(f"{model.name} called a tool where there was none")
            except ModelError:
                await text.void()
                await calls.void()
                raise
            quote(reply=reply)
            return reply

        attempts: list[Attempt] = []
        failure = NoModelAnswered
        for member, breaker in self._in_turn():
            started = self._clock()
            try:
                reply = await self._tried(member, ask, note)
            except ModelError as error:
                if isinstance(error, OverBudget):  # no trouble of the model's: others may ask it
                    happened("over_budget")
                    failure = BudgetSpent
                else:
                    breaker.failed(self._clock())
                attempts.append(Attempt(member.model.name, str(error), self._clock() - started))
            else:
                breaker.answered()
                return reply
        raise failure(attempts)

    async def _tried(self, member: Member, ask: Ask, note: Note) -> ModelReply:
        """One member's answer, asked again after trouble that may pass, as long as its time lasts."""
        ends = self._clock() + member.timeout_seconds
        for pause in self._retries.pauses():
            try:
                return await self._noted(member.model, ask, ends - self._clock(), note)
            except RETRYABLE:
                if self._clock() + pause >= ends:
                    raise
            await asyncio.sleep(pause)
        raise ModelTimedOut

    async def _noted(self, model: Model, ask: Ask, timeout_seconds: float, note: Note) -> ModelReply:
        started = self._clock()
        with span("model", component=self.component, model=model.name) as call:
            try:
                reply = await ask(model, timeout_seconds)
            except OverBudget:  # no call was made
                call.counted = False
                raise
            except (ModelError, asyncio.CancelledError) as error:
                note(ModelCall(self.component, model.name, self._clock() - started, str(error) or "cancelled"))
                raise
            usage = reply.usage
            seconds = self._clock() - started
            call.note(answered_by=reply.model, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
            note(ModelCall(self.component, reply.model, seconds, None, usage.input_tokens, usage.output_tokens))
            return reply

    def _in_turn(self) -> Iterator[tuple[Member, "_Breaker"]]:
        """The members that may be asked; each is looked at when its turn comes."""
        pairs = list(zip(self.members, self._breakers, strict=True))
        nobody = True
        for member, breaker in pairs:
            if breaker.lets_through(self._clock()):
                nobody = False
                yield member, breaker
        if nobody and pairs:
            yield min(pairs, key=lambda pair: pair[1].resting_since)


def chain_from(
    component: str,
    text: str,
    model_named: Callable[[str], Model],
    *,
    first_timeout_seconds: float = 30.0,
    next_timeout_seconds: float = 15.0,
    retries: Retries = ONCE,
    clock: Callable[[], float] = time.monotonic,
    failures_to_rest: int = 3,
    rest_seconds: float = 30.0,
    instead: Callable[[], Chain | None] | None = None,
) -> Chain | None:
    """The chain of a setting such as "gemini:gemini-2.5-flash?seconds=20, openrouter:openai/gpt-4o"; None where it is
    empty.

    `model_named` makes a model of each entry as it is written. Raises SettingsInvalid, for an entry that cannot be
    read or that `model_named` does not know.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        return None
    timeouts = [first_timeout_seconds] + [next_timeout_seconds] * (len(names) - 1)
    members = [
        Member(model_named(name), Written.read(name).seconds or seconds)
        for name, seconds in zip(names, timeouts, strict=True)
    ]
    return Chain(
        component,
        members,
        retries=retries,
        clock=clock,
        failures_to_rest=failures_to_rest,
        rest_seconds=rest_seconds,
        instead=instead,
    )


class Heard(Generic[T]):
    """Passes on what came so far, and can take it back."""

    def __init__(self, listener: Callable[[T], Awaitable[None]] | None, nothing: T) -> None:
        self._listener = listener
        self._nothing = nothing
        self._is_void = True

    async def __call__(self, so_far: T) -> None:
        assert self._listener is not None
        self._is_void = not so_far
        await self._listener(so_far)

    async def void(self) -> None:
        if self._listener and not self._is_void:
            self._is_void = True
            await self._listener(self._nothing)


class _Breaker:
    """Counts a member's failures in a row, and makes it rest after too many."""

    def __init__(self, failures_to_rest: int, rest_seconds: float) -> None:
        self._failures_to_rest = failures_to_rest
        self._rest_seconds = rest_seconds
        self._failures = 0
        self.resting_since = -math.inf

    def rests(self, now: float) -> bool:
        return self._failures >= self._failures_to_rest and now - self.resting_since < self._rest_seconds

    def lets_through(self, now: float) -> bool:
        """Whether a call may go out. The call that ends a rest begins the next one: others wait for its outcome."""
        if self.rests(now):
            return False
        if self._failures >= self._failures_to_rest:
            self.resting_since = now
        return True

    def failed(self, now: float) -> None:
        self._failures += 1
        self.resting_since = now

    def answered(self) -> None:
        self._failures = 0
