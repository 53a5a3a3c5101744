"""The catalogue: every tool of every source behind one door."""

import asyncio
import difflib
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TypeVar

from orchestrator.errors import BadInput, NotAllowed, ToolError, ToolUnavailable
from orchestrator.redaction import BY_SHAPE, Redaction
from orchestrator.tools.embedding import Embedder, Meanings
from orchestrator.tools.fitting import SCHEMA_TOKENS, fitted
from orchestrator.tools.search import Index
from orchestrator.tools.spec import NAME, Arguments, Late, ToolResult, Toolset, ToolsetHealth, ToolSpec, schema_problem
from orchestrator.watching import span

log = logging.getLogger(__name__)
T = TypeVar("T")

ALL_SHOWN = 40  # up to here a prompt holds every tool; measured on realistic catalogues, 2026-11
TOP = 20  # above it, so many that fit best
FOUND = 8  # tools that one search brings; LiveMCP's recall at 10 is 45 % of a whole task, a capability is less
OURS = frozenset(
    {"ask", "refuse", "plan", "find_tools", "read_on"}
)  # what a deciding call may say: no source may bring these

FIND_TOOLS = ToolSpec(
    name="find_tools",
    description="There are more tools than you see. Find those for something that has to be done, then call them. "
    "A worker in a plan may be given find_tools too.",
    parameters={
        "type": "object",
        "properties": {
            "capability": {"type": "string", "description": 'What the tool must do, such as "send an e-mail".'}
        },
        "required": ["capability"],
    },
    source="catalogue",
    read_only=True,
)

Refusal = Callable[[ToolSpec], str]
"""Why a tool may not be used by the person for whom this is done; empty where it may."""

_chosen: ContextVar[tuple[tuple[str, ...], ...]] = ContextVar("chosen", default=())
_refusal: ContextVar[Refusal] = ContextVar("refusal", default=lambda tool: "")


@contextmanager
def only(names: Collection[str] | None) -> Iterator[None]:
    """Inside of it every catalogue has these tools alone: names, or patterns such as `git__*`. None changes nothing.

    Nothing that runs inside can find, show or call another tool; a narrower choice inside this one holds as well.
    """
    token = _chosen.set(_chosen.get() if names is None else (*_chosen.get(), tuple(names)))
    try:
        yield
    finally:
        _chosen.reset(token)


@contextmanager
def refusing(refusal: Refusal) -> Iterator[None]:
    """Inside of it nothing can find, show or call a tool for which there is a refusal."""
    token = _refusal.set(refusal)
    try:
        yield
    finally:
        _refusal.reset(token)


class Catalog:
    """Tools by name. Where two sources offer one name, the earlier source keeps it and the health says so.

    With an `embedder` tools are searched for by meaning too, where it needs no more than `embed_seconds`.
    All schemas of one prompt take at most `schema_tokens`. No tool is given what the `redaction` knows as a secret.
    `kinds_of_work` are what there are workers for: a plan finds them by "@" and their name. `as_used` makes of each
    tool what it counts as here.
    """

    def __init__(
        self,
        toolsets: Sequence[Toolset],
        *,
        embedder: Embedder | None = None,
        embed_seconds: float = 5.0,
        schema_tokens: int = SCHEMA_TOKENS,
        redaction: Redaction = BY_SHAPE,
        kinds_of_work: Sequence[str] = (),
        as_used: Callable[[ToolSpec], ToolSpec] = lambda tool: tool,
    ) -> None:
        self._toolsets = tuple(toolsets)
        self._meanings = Meanings(embedder, seconds=embed_seconds) if embedder else None
        self._schema_tokens = schema_tokens
        self._redaction = redaction
        self._as_used = as_used
        self._known = _Stock((), {})
        self._work = {f"@{kind}": ToolSpec(f"@{kind}", "", {}, source="workers") for kind in kinds_of_work}

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
        return [spec for spec in self._stock.index.specs if _may_be_used(spec)]

    def source(self, kind: type[T]) -> T | None:
        """The first source of this kind."""
        return next((each for each in self._toolsets if isinstance(each, kind)), None)

    def find(self, name: str) -> ToolSpec | None:
        """A tool by its full name, or by the part behind the server's where only one tool ends so."""
        if name == FIND_TOOLS.name:
            return FIND_TOOLS
        if name in self._work:
            return self._work[name]
        found = self._stock.named(name)
        return found if found and _may_be_used(found) else None

    async def find_late(self, name: str) -> ToolSpec | None:
        """The same, for what was planned before the sources were started: it waits for those that still come up."""
        for toolset in self._toolsets:
            if isinstance(toolset, Late) and self.find(name) is None:
                await toolset.settled()
        return self.find(name)

    def known(self, name: str) -> ToolSpec | None:
        """The same, whoever may use it."""
        return self._stock.named(name)

    def refusal(self, name: str) -> str:
        """Why the person may not use a tool; empty where they may, or there is none."""
        tool = self._stock.named(name)
        return _refusal.get()(tool) if tool else ""

    def permit(self, names: Iterable[str]) -> None:
        """Let these tools be used, those that there are. Raises NotAllowed, with the reason, for the first that the
        person may not use."""
        for reason in filter(None, map(self.refusal, names)):
            raise NotAllowed(reason)

    async def offer(
        self,
        query: str,
        *,
        beside: Sequence[ToolSpec] = (),
        among: Sequence[ToolSpec] | None = None,
        found: Sequence[ToolSpec] = (),
        searching: bool = True,
    ) -> list[ToolSpec]:
        """The tools that a model is shown for this request, always in the catalogue's order.

        All of them (or those `among` them that are given) where they are few and fit beside the tools that the caller
        adds; else the `found` ones, those that fit the request best, and, while `searching` is allowed, `find_tools`.
        Schemas are shortened where they are too long for a prompt (fitting.py says how): check against `find`.
        """
        specs = self.specs() if among is None else list(among)
        if len(specs) <= ALL_SHOWN:
            shown = fitted(specs, beside=beside, limit=self._schema_tokens)
            if len(shown) == len(specs):
                return shown
        others = specs if len(specs) <= ALL_SHOWN else ()
        best = {spec.name: spec for spec in (*found, *await self._ranked(query, specs, TOP), *others)}
        finder = [FIND_TOOLS] if searching else []
        shown = fitted(list(best.values()), beside=[*beside, *finder], limit=self._schema_tokens)
        by_name = {spec.name: spec for spec in shown}
        return [*(by_name[spec.name] for spec in specs if spec.name in by_name), *finder]

    async def search(
        self, capability: str, *, among: Sequence[ToolSpec] | None = None, most: int = FOUND
    ) -> list[ToolSpec]:
        """The tools that can do this, best first."""
        return await self._ranked(capability, self.specs() if among is None else among, most)

    def problem_with(self, arguments: Arguments) -> str:
        """Why no tool is given these arguments; empty where nothing speaks against them."""
        for name, value in arguments.items():
            if self._redaction.holds(value):
                return f"the argument {name!r} holds a key or a password of this installation, which no tool gets"
        return ""

    async def call(self, name: str, arguments: Arguments, *, key: str, timeout_seconds: float) -> ToolResult:
        """Call a tool by its full name. Raises ToolUnavailable, ToolTimedOut, OutcomeUnknown, and ToolError for
        arguments that hold a secret of ours."""
        if problem := self.problem_with(arguments):
            raise ToolError(f"Not called: {problem}.")
        if name == FIND_TOOLS.name:
            return ToolResult(listed(await self.search(str(arguments.get("capability", "")))))
        owned = self._stock.owned
        if name in owned and (reason := _refusal.get()(owned[name][0])):
            raise ToolError(reason)
        if name not in owned or not _is_chosen(name):
            near = difflib.get_close_matches(name, [spec.name for spec in self.specs()], n=3)
            hint = f" There is {', '.join(map(repr, near))}." if near else ""
            raise ToolUnavailable(f"There is no tool {name!r}.{hint}")
        tool, toolset = owned[name]
        with span("tool", tool=name, source=tool.source, call=key) as called:
            called.contents["arguments"] = arguments
            result = await toolset.call(name, arguments, key=key, timeout_seconds=timeout_seconds)
            called.contents["result"] = result.text
            if result.is_error:
                called.failed("tool_error", result.text)
            return result

    def health(self) -> list[ToolsetHealth]:
        """How every source is doing, and which of its tools were left out, and why."""
        left_out = self._stock.left_out
        return [
            each
            for at, toolset in enumerate(self._toolsets)
            for each in (
                *toolset.health(),
                *(ToolsetHealth(toolset.name, "left out", why) for why in left_out.get(at, ())),
            )
        ]

    async def _ranked(self, query: str, specs: Sequence[ToolSpec], k: int) -> list[ToolSpec]:
        """By words, and by meaning where there is an embedder. The index knows all tools, whichever may be used."""
        index, wanted = self._stock.index, {spec.name for spec in specs}
        most = k if len(wanted) == len(index.specs) and not self._meanings else len(index.specs)
        by_words = [spec for spec, _ in index.top(query, most) if spec.name in wanted]
        if self._meanings:
            return (await self._meanings.fused(query, by_words, specs))[:k]
        return by_words[:k]

    @property
    def _stock(self) -> "_Stock":
        """What there is now. It is made anew when a source has changed, not at each request."""
        offered = tuple(tuple(toolset.specs()) for toolset in self._toolsets)
        if self._known.offered != offered:
            self._known = _Stock.of(offered, self._toolsets, self._as_used)
        return self._known


def listed(tools: Sequence[ToolSpec]) -> str:
    """What a search has found, for a model: a line each."""
    if not tools:
        return "No tool fits these words. Try others, or go on without."
    lines = (f"{tool.name}: {tool.description.strip().partition(chr(10))[0][:200]}" for tool in tools)
    return "\n".join(["You can call these now:", *lines])


def capability(arguments: Arguments) -> str:
    """What a model's call of `find_tools` looks for. Raises BadInput."""
    wanted = arguments.get("capability")
    if not isinstance(wanted, str) or not wanted.strip():
        raise BadInput("find_tools needs 'capability' as text")
    return wanted


def _is_chosen(name: str) -> bool:
    return all(any(fnmatchcase(name, pattern) for pattern in patterns) for patterns in _chosen.get())


def _may_be_used(tool: ToolSpec) -> bool:
    return _is_chosen(tool.name) and not _refusal.get()(tool)


Offered = tuple[tuple[ToolSpec, ...], ...]
"""The tools of each source."""


@dataclass(frozen=True)
class _Stock:
    """All tools at one moment: who has which, by name and by the end of the name, and what cannot be used."""

    offered: Offered
    owned: Mapping[str, tuple[ToolSpec, Toolset]]
    left_out: Mapping[int, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, offered: Offered, toolsets: Sequence[Toolset], as_used: Callable[[ToolSpec], ToolSpec]) -> "_Stock":
        owned: dict[str, tuple[ToolSpec, Toolset]] = {}
        left_out: dict[int, list[str]] = defaultdict(list)
        for at, (specs, toolset) in enumerate(zip(offered, toolsets, strict=True)):
            taken = [spec.name for spec in specs if spec.name in owned]
            if taken:
                left_out[at].append(f"an earlier source has a tool of this name: {', '.join(taken)}")
            for spec in specs:
                if problem := _problem(spec):
                    left_out[at].append(f"{spec.name!r} cannot be a tool: {problem}")
                else:
                    owned.setdefault(spec.name, (as_used(spec), toolset))
        return cls(offered, owned, left_out)

    def named(self, name: str) -> ToolSpec | None:
        """A tool by its full name, or by an end of it that only one has."""
        ending = self.ending.get(name, ())
        full = name if name in self.owned else ending[0] if len(ending) == 1 else ""
        return self.owned[full][0] if full else None

    @cached_property
    def index(self) -> Index:
        return Index([spec for spec, _ in self.owned.values()])

    @cached_property
    def ending(self) -> Mapping[str, Sequence[str]]:
        """Full names by what stands behind each `__` of them."""
        ending: dict[str, list[str]] = defaultdict(list)
        for full in self.owned:
            for at in range(len(full) - 2):
                if full.startswith("__", at):
                    ending[full[at + 2 :]].append(full)
        return ending


def _problem(spec: ToolSpec) -> str | None:
    """Why this tool cannot be offered; None where it can."""
    if spec.name in OURS:
        return "the name has a meaning of its own here"
    if not NAME.fullmatch(spec.name):
        return "a name has letters, digits, - and _ only, 64 at most"
    return schema_problem(spec)
