"""How things stand at one moment: what runs, what waits, how far the budgets are, which tools are there."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from orchestrator.tools.catalog import Catalog
from storage.records import Backlog

log = logging.getLogger(__name__)

SOURCES = frozenset({"ready", "connecting", "failed", "sign in", "not installed"})  # states of a source as a whole


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a moment. `budgets` are shares by kind and period, `sources` say of each source of tools whether it
    is ready. What the database would not tell is None, or empty."""

    running: int = 0
    waiting: int = 0
    backlog: Backlog | None = None
    budgets: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, bool] = field(default_factory=dict)


Look = Callable[[], Awaitable[Standing]]


def sources_of(catalog: Catalog) -> dict[str, bool]:
    """Which sources of tools are ready, by their names."""
    states = [(health.name, health.state) for health in catalog.health() if health.state in SOURCES]
    ready = {name for name, state in states if state == "ready"}
    return {name: name in ready for name, _ in states}
