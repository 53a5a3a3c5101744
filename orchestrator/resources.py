"""What the machine has free: processor cores and GPU memory, shared by the steps of all turns."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from orchestrator.plan import Needs

PATIENCE = 8  # so many others may pass one that waits; then nobody does, and what becomes free is kept for it


@dataclass(slots=True, eq=False)
class Waiter:
    """A step that waits for room, and how many have passed it."""

    needs: Needs
    admitted: asyncio.Future[None]
    passed: int = 0


class Resources:
    """Admits steps as long as there is room. A small one may pass a large one that waits, but not for ever.

    A step without needs takes nothing and never waits.
    """

    def __init__(self, *, cpus: float, gpu_mb: int) -> None:
        self._total = Needs(cpu=cpus, gpu_mb=gpu_mb)
        self._free_cpu = cpus
        self._free_gpu_mb = gpu_mb
        self._waiting: list[Waiter] = []

    def problem_with(self, needs: Needs) -> str | None:
        """Why there can never be room for these needs."""
        if needs.cpu > self._total.cpu:
            return f"it needs {needs.cpu:g} processor cores, and there are {self._total.cpu:g} (setting cpus)"
        if needs.gpu_mb > self._total.gpu_mb:
            return f"it needs {needs.gpu_mb} MB of GPU memory, and there are {self._total.gpu_mb} (setting gpu_mb)"
        return None

    @asynccontextmanager
    async def room_for(self, needs: Needs) -> AsyncIterator[None]:
        """Hold room inside of it. Needs for which there never is room must not come here."""
        await self._take(needs)
        try:
            yield
        finally:
            self._free_cpu += needs.cpu
            self._free_gpu_mb += needs.gpu_mb
            self._admit()

    async def _take(self, needs: Needs) -> None:
        if not (needs.cpu or needs.gpu_mb):
            return
        waiter = Waiter(needs, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._admit()
        try:
            await waiter.admitted
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:  # admitted and cancelled at once: the room goes back
                self._free_cpu += needs.cpu
                self._free_gpu_mb += needs.gpu_mb
            self._admit()
            raise

    def _admit(self) -> None:
        """Let in whoever has room, in the order of arrival."""
        passed: list[Waiter] = []
        for waiter in list(self._waiting):
            if waiter.needs.cpu <= self._free_cpu and waiter.needs.gpu_mb <= self._free_gpu_mb:
                self._free_cpu -= waiter.needs.cpu
                self._free_gpu_mb -= waiter.needs.gpu_mb
                self._waiting.remove(waiter)
                waiter.admitted.set_result(None)
                for other in passed:
                    other.passed += 1
            elif waiter.passed >= PATIENCE:
                return
            else:
                passed.append(waiter)
