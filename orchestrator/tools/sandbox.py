"""Runs code that nobody has read: each run in a process of its own, without files, network, environment, with limits.

The engine is Monty, a Python interpreter that knows no operating system; docs/decisions/0009 has what it was measured
against. Its asyncio client can abort the process that it is used in (11 of 75 ends, 1.4.0), so its blocking client
is used here, in threads.
"""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from pydantic_monty import (
    ExternalResult,
    FunctionSnapshot,
    FutureSnapshot,
    Monty,
    MontyComplete,
    MontyError,
    MontySession,
    ResourceLimits,
    SyncSnapshot,
)

from orchestrator.errors import BadInput, CodeFailed
from orchestrator.repair import repaired, repaired_data
from orchestrator.tools.code import USUAL, CallFunction, CodeLimits, Ran, no_function
from orchestrator.tools.code_failures import no_json, output_too_long, printed_too_much, why, why_no_output
from orchestrator.tools.code_statistics import STATISTICS

AT_ONCE = max(4, os.cpu_count() or 1)  # some of them only wait for tools
ROUND_TRIPS = 2_000  # calls, imports and unknown names of one run: a loop of refused ones would have no other end
OUTPUT = "import json\njson.dumps(output, ensure_ascii=False)"  # there: what is no JSON must not become any on its way
T = TypeVar("T")


class Sandbox:
    """Runs code. Entered, it costs nothing; each run starts a process (4 ms), which ends with it.

    Four run at once, or as many as there are processor cores; further ones wait.
    """

    def __init__(self, limits: CodeLimits = USUAL) -> None:
        self._limits = limits
        self._pool = Monty(min_processes=0, max_processes=AT_ONCE, max_checkouts_per_worker=1)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="code")
        self._room = asyncio.Semaphore(AT_ONCE)

    async def __aenter__(self) -> Self:
        self._pool.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._in_thread(self._pool.__exit__, kind, error, traceback)
        self._threads.shutdown(wait=False)

    async def run(self, code: str, input: Any = None, *, call: CallFunction = no_function) -> Ran:  # noqa: A002
        """What the code leaves in `output` when it finds this JSON value in `input`.

        `call` answers the functions that the code does not define. Cancelling ends the process. Raises CodeFailed,
        which names the line and the fix, for whatever the code does wrong, and for each limit.
        """
        printed = _Printed(self._limits.printed_characters)
        try:
            async with self._session() as session:
                given = {"input": repaired_data(input)}
                begin = partial(session.feed_start, inputs=given, print_callback=printed)
                await self._to_its_end(await self._in_thread(begin, repaired(code)), call)
                return Ran(await self._output(session), printed.text)
        except MontyError as error:
            told = printed_too_much(self._limits) if printed.is_full else why(error, self._limits)
            raise CodeFailed(told, printed.text) from None
        except CodeFailed as failure:
            raise CodeFailed(str(failure), printed.text) from None

    async def _to_its_end(self, snapshot: SyncSnapshot, call: CallFunction) -> None:
        """From one call to the next. Modules, and the refusals of files and the like, are the engine's to answer."""
        while not isinstance(snapshot, MontyComplete):
            match snapshot:
                case FunctionSnapshot(is_os_function=False, function_name=name) if "." not in name:
                    snapshot = await self._answered(snapshot, await _answer(snapshot, call))
                case _:
                    snapshot = await self._in_thread(snapshot.resume_auto)

    async def _answered(self, snapshot: FunctionSnapshot, answer: ExternalResult) -> SyncSnapshot:
        """Go on with an answer, also where `await` stands before the call."""
        if not snapshot.allow_eager_await:
            return await self._in_thread(snapshot.resume, answer)
        waiting = await self._in_thread(snapshot.resume, {"future": ...})
        assert isinstance(waiting, FutureSnapshot)
        return await self._in_thread(waiting.resume, {snapshot.call_id: answer})

    async def _output(self, session: MontySession) -> Any:
        try:
            text = await self._in_thread(session.feed_run, OUTPUT)
        except MontyError as error:
            raise CodeFailed(why_no_output(error, self._limits)) from None
        if len(text) > self._limits.output_characters:
            raise CodeFailed(output_too_long(len(text), self._limits))
        try:
            return repaired_data(json.loads(text, parse_constant=_refused_constant))
        except ValueError as error:
            raise CodeFailed(no_json(str(error))) from None

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[MontySession]:
        limits = ResourceLimits(
            max_feed_duration_secs=self._limits.seconds,
            max_memory=self._limits.memory_mb * 1_000_000,
            max_recursion_depth=self._limits.depth,
            max_suspensions=ROUND_TRIPS,
        )
        async with self._room:
            session = self._pool.checkout(
                limits=limits, os_policy={"sleep": "zero"}, external_modules={"statistics": STATISTICS}
            )
            await self._in_thread(session.__enter__)
            process = session.worker_pid
            try:
                yield session
            except asyncio.CancelledError:
                _kill(process)  # else its thread would wait on, to the end of the code's time
                raise
            finally:
                await self._in_thread(session.__exit__, None, None, None)

    async def _in_thread(self, call: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *given)


class _Printed:
    """Takes what code prints, up to a limit. More than that ends the run."""

    def __init__(self, limit: int) -> None:
        self.text = ""
        self.is_full = False
        self._limit = limit

    def __call__(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        self.is_full = len(self.text) + len(text) > self._limit
        self.text = repaired(self.text + text)[: self._limit]
        if self.is_full:
            raise BadInput("it printed too much")


async def _answer(snapshot: FunctionSnapshot, call: CallFunction) -> ExternalResult:
    """What a call gives back, or raises inside of the code."""
    try:
        return {"return_value": await call(snapshot.function_name, snapshot.args, snapshot.kwargs)}
    except BadInput as refused:
        return {"exc_type": "RuntimeError", "message": str(refused)}


def _refused_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _kill(process: int | None) -> None:
    if process is not None:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
