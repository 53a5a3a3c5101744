"""What the machine has free: processor cores and GPU memory, shared by the steps of all turns."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from orchestrator.plan import Needs

PATIENCE = 8  # so many others may pass one that waits; from then on what it needs is kept for it


@dataclass(slots=True, eq=False)
class Visitor:
    """A step that waits for room or has it, and how many have passed it."""

    needs: Needs
    admitted: asyncio.Future[None]
    passed: int = 0


class Resources:
    """Admits steps as long as there is room. A small one may pass a large one that waits, but not for ever.

    A step without needs takes nothing and never waits. GPU memory is not counted where `gpu_mb` is 0.
    """

    def __init__(self, *, cpus: float, gpu_mb: int) -> None:
        self._cpus = cpus
        self._gpu_mb = gpu_mb or math.inf
        self._inside: list[Visitor] = []
        self._waiting: list[Visitor] = []

    def problem_with(self, needs: Needs) -> str | None:
        """Why there can never be room for these needs."""
        if needs.cpu > self._cpus:
            return f"it needs {needs.cpu:g} processor cores, and there are {self._cpus:g} (setting cpus)"
        if needs.gpu_mb > self._gpu_mb:
            return f"it needs {needs.gpu_mb} MB of GPU memory, and there are {self._gpu_mb} (setting gpu_mb)"
        return None

    @asynccontextmanager
    async def room_for(self, needs: Needs) -> AsyncIterator[None]:
        """Hold room inside of it. Needs for which there never is room must not come here."""
        if not (needs.cpu or needs.gpu_mb):
            yield
            return
        visitor = Visitor(needs, asyncio.get_running_loop().create_future())
        self._waiting.append(visitor)
        self._admit()
        try:
            await visitor.admitted
            yield
        finally:
            (self._inside if visitor in self._inside else self._waiting).remove(visitor)
            self._admit()

    def _admit(self) -> None:
        """Let in whoever has room, in the order of arrival.

        What one needs that was passed too often counts as taken for those behind it. They may still use what it does
        not need: a long job on the GPU, and another one that waits for it, keep nobody from the processor.
        """
        taken = [visitor.needs for visitor in self._inside]
        passed: list[Visitor] = []
        for visitor in [each for each in self._waiting if not each.admitted.cancelled()]:
            if self._has_room(visitor.needs, taken):
                self._let_in(visitor)
                for other in passed:
                    other.passed += 1
            elif visitor.passed < PATIENCE:
                passed.append(visitor)
                continue
            taken.append(visitor.needs)

    def _has_room(self, needs: Needs, taken: Sequence[Needs]) -> bool:
        """Added up anew each time: after 0.1 core was taken and given back a few times, a running sum is short of it,
        and a step that needs the whole machine would wait for ever."""
        cpu = math.fsum((needs.cpu, *(each.cpu for each in taken)))
        gpu_mb = needs.gpu_mb + sum(each.gpu_mb for each in taken)
        return (not needs.cpu or cpu <= self._cpus) and (not needs.gpu_mb or gpu_mb <= self._gpu_mb)

    def _let_in(self, visitor: Visitor) -> None:
        self._waiting.remove(visitor)
        self._inside.append(visitor)
        visitor.admitted.set_result(None)
