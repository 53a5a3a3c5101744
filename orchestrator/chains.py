"""Chains: several models for one job, asked in order until one answers."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from orchestrator.errors import Attempt, ModelError, NoModelAnswered
from orchestrator.models import ChatMessage, Model, ModelReply, OnText
from orchestrator.tools.spec import ToolSpec
from storage.records import ModelCall

Note = Callable[[ModelCall], None]
"""Hears of every call of a model, good or bad."""


@dataclass(frozen=True, slots=True)
class Member:
    """One model of a chain, and how long one call of it may take."""

    model: Model
    timeout_seconds: float


class Chain:
    """The models of one component, such as the planner, in the order in which they are asked.

    A circuit breaker for each: after `failures_to_rest` failures in a row a member rests for `rest_seconds`, and is
    then tried with one call. Where all of them rest, the one that has rested longest is asked all the same.
    """

    def __init__(
        self,
        component: str,
        members: Sequence[Member],
        *,
        clock: Callable[[], float] = time.monotonic,
        failures_to_rest: int = 3,
        rest_seconds: float = 30.0,
    ) -> None:
        self.component = component
        self.members = tuple(members)
        self._clock = clock
        self._breakers = [_Breaker(failures_to_rest, rest_seconds) for _ in members]

    async def reply(
        self,
        messages: Sequence[ChatMessage],
        *,
        tools: Sequence[ToolSpec] = (),
        on_text: OnText | None = None,
        note: Note,
    ) -> ModelReply:
        """The first answer. Raises NoModelAnswered.

        `note` hears of every call, also of one that is cancelled. `on_text("")` says that the text so far is void,
        because its model failed halfway.
        """
        attempts: list[Attempt] = []
        for member, breaker in self._in_turn():
            started = self._clock()
            shown = _Shown(on_text) if on_text else None
            try:
                reply = await self._ask(member, messages, tools=tools, on_text=shown, note=note)
            except ModelError as error:
                breaker.failed(self._clock())
                attempts.append(Attempt(member.model.name, str(error), self._clock() - started))
                if shown:
                    await shown.void()
            else:
                breaker.answered()
                return reply
        raise NoModelAnswered(attempts)

    async def _ask(
        self,
        member: Member,
        messages: Sequence[ChatMessage],
        *,
        tools: Sequence[ToolSpec],
        on_text: OnText | None,
        note: Note,
    ) -> ModelReply:
        started = self._clock()
        try:
            reply = await member.model.reply(
                messages, tools=tools, on_text=on_text, timeout_seconds=member.timeout_seconds
            )
        except (ModelError, asyncio.CancelledError) as error:
            note(ModelCall(self.component, member.model.name, self._clock() - started, str(error) or "cancelled"))
            raise
        usage = reply.usage
        seconds = self._clock() - started
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
    clock: Callable[[], float] = time.monotonic,
    failures_to_rest: int = 3,
    rest_seconds: float = 30.0,
) -> Chain | None:
    """The chain of a setting such as "gemini:gemini-2.5-flash, openrouter:openai/gpt-4o"; None where it is empty.

    Raises what `model_named` raises: SettingsInvalid for a name that it does not know.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        return None
    timeouts = [first_timeout_seconds] + [next_timeout_seconds] * (len(names) - 1)
    members = [Member(model_named(name), seconds) for name, seconds in zip(names, timeouts, strict=True)]
    return Chain(component, members, clock=clock, failures_to_rest=failures_to_rest, rest_seconds=rest_seconds)


class _Shown:
    """Passes the text so far on, and can take it back."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self._is_void = True

    async def __call__(self, text: str) -> None:
        self._is_void = False
        await self._on_text(text)

    async def void(self) -> None:
        if not self._is_void:
            await self._on_text("")


class _Breaker:
    """Counts a member's failures in a row, and makes it rest after too many."""

    def __init__(self, failures_to_rest: int, rest_seconds: float) -> None:
        self._failures_to_rest = failures_to_rest
        self._rest_seconds = rest_seconds
        self._failures = 0
        self.resting_since = -math.inf

    def lets_through(self, now: float) -> bool:
        """Whether a call may go out. The call that ends a rest begins the next one: others wait for its outcome."""
        if self._failures < self._failures_to_rest:
            return True
        if now - self.resting_since < self._rest_seconds:
            return False
        self.resting_since = now
        return True

    def failed(self, now: float) -> None:
        self._failures += 1
        self.resting_since = now

    def answered(self) -> None:
        self._failures = 0
