"""The catalogue: every tool of every source behind one door."""

import asyncio
import difflib
import logging
from collections.abc import Mapping, Sequence
from typing import TypeVar

from orchestrator.errors import ToolUnavailable
from orchestrator.tools.search import Index
from orchestrator.tools.spec import Arguments, ToolResult, Toolset, ToolsetHealth, ToolSpec

log = logging.getLogger(__name__)
T = TypeVar("T")

ALL_SHOWN = 40  # up to here a prompt holds every tool; measured on realistic catalogues, 2026-11
TOP = 20  # above it, so many that fit best


class Catalog:
    """Tools by name. Where two sources offer one name, the earlier source keeps it and the health says so."""

    def __init__(self, toolsets: Sequence[Toolset]) -> None:
        self._toolsets = tuple(toolsets)
        self._index = Index(())

    @property
    def toolsets(self) -> tuple[Toolset, ...]:
        """The sources, in their order."""
        return self._toolsets

    async def start(self) -> None:
        """Start every source, side by side."""
        async with asyncio.TaskGroup() as group:
            for toolset in self._toolsets:
                group.create_task(toolset.start())

    async def stop(self) -> None:
        """Stop every source, whatever becomes of the others."""
        stopped = await asyncio.gather(*(toolset.stop() for toolset in self._toolsets), return_exceptions=True)
        for toolset, error in zip(self._toolsets, stopped, strict=True):
            if isinstance(error, Exception):
                log.error("a source of tools did not stop well", extra={"reason": toolset.name}, exc_info=error)

    def specs(self) -> list[ToolSpec]:
        """All tools, in the order of their sources."""
        return [spec for spec, _ in self._owned().values()]

    def source(self, kind: type[T]) -> T | None:
        """The first source of this kind."""
        return next((each for each in self._toolsets if isinstance(each, kind)), None)

    def find(self, name: str) -> ToolSpec | None:
        """A tool by its full name, or by the part behind the server's where only one tool ends so."""
        owned = self._owned()
        if name in owned:
            return owned[name][0]
        ending = [spec for full, (spec, _) in owned.items() if full.endswith(f"__{name}")]
        return ending[0] if len(ending) == 1 else None

    def offer(self, query: str) -> list[ToolSpec]:
        """The tools that a model is shown for this request, always in the catalogue's order."""
        specs = self.specs()
        if len(specs) <= ALL_SHOWN:
            return specs
        if self._index.specs != tuple(specs):  # kept: made at each request it would hold up every other turn
            self._index = Index(specs)
        best = {spec.name for spec, _ in self._index.top(query, TOP)}
        return [spec for spec in specs if spec.name in best]

    async def call(self, name: str, arguments: Arguments, *, key: str, timeout_seconds: float) -> ToolResult:
        """Call a tool by its full name. Raises ToolUnavailable, ToolTimedOut, OutcomeUnknown."""
        owned = self._owned()
        if name not in owned:
            near = difflib.get_close_matches(name, owned, n=3)
            hint = f" There is {', '.join(map(repr, near))}." if near else ""
            raise ToolUnavailable(f"There is no tool {name!r}.{hint}")
        return await owned[name][1].call(name, arguments, key=key, timeout_seconds=timeout_seconds)

    def health(self) -> list[ToolsetHealth]:
        """How every source is doing, and which tools were left out because their name was taken."""
        return [each for toolset in self._toolsets for each in (*toolset.health(), *self._left_out(toolset))]

    def _left_out(self, toolset: Toolset) -> list[ToolsetHealth]:
        owned = self._owned()
        taken = [spec.name for spec in toolset.specs() if owned[spec.name][1] is not toolset]
        why = f"an earlier source has a tool of this name: {', '.join(taken)}"
        return [ToolsetHealth(toolset.name, "left out", why)] if taken else []

    def _owned(self) -> Mapping[str, tuple[ToolSpec, Toolset]]:
        owned: dict[str, tuple[ToolSpec, Toolset]] = {}
        for toolset in self._toolsets:
            for spec in toolset.specs():
                owned.setdefault(spec.name, (spec, toolset))
        return owned
