"""The roster: who works here, at what, and who of them can be reached."""

import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestrator.chains import Chain
from orchestrator.errors import SettingsInvalid
from orchestrator.plan import GENERAL, Needs
from orchestrator.words import say


class Worker(BaseModel):
    """One worker as its file describes it.

    `capabilities` are the kinds of work that a plan may give it, `specialisations` words of tasks that it is best at.
    An empty `chain` is that of the setting `worker`. `tools` are patterns of those it may be given; empty is all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[\w-]{1,40}$")
    pool: str = "here"
    capabilities: tuple[str, ...] = Field((GENERAL,), min_length=1)
    specialisations: tuple[str, ...] = ()
    instructions: str = ""
    chain: str = ""
    tools: tuple[str, ...] = ()
    needs: Needs = Needs()
    at_once: int = Field(4, ge=1)

    def may_use(self, tools: Sequence[str]) -> bool:
        return not self.tools or all(any(fnmatchcase(tool, each) for each in self.tools) for tool in tools)

    def is_special(self, task: str) -> bool:
        return any(word.casefold() in task.casefold() for word in self.specialisations)


@dataclass(frozen=True, slots=True)
class Hand:
    """A worker with the models that it works with."""

    worker: Worker
    chain: Chain | None

    @property
    def is_online(self) -> bool:
        return self.chain is not None and not self.chain.is_resting


class Roster:
    """All workers. Where nobody is registered for it, the general work is done by the general worker."""

    def __init__(self, hands: Sequence[Hand], *, general: Chain | None) -> None:
        self.is_plain = not hands
        plain = Hand(Worker(name=GENERAL), general)
        has_general = any(GENERAL in hand.worker.capabilities for hand in hands)
        self._hands = {hand.worker.name: hand for hand in (hands if has_general else (*hands, plain))}
        self._running = Counter[str]()

    @property
    def kinds(self) -> list[str]:
        """Every kind of work that somebody does."""
        return sorted({kind for hand in self._hands.values() for kind in hand.worker.capabilities})

    def able(self, kind: str, tools: Sequence[str] = ()) -> list[Hand]:
        """Those who do this kind of work, and may use these tools."""
        hands = self._hands.values()
        return [hand for hand in hands if kind in hand.worker.capabilities and hand.worker.may_use(tools)]

    def reachable(self, hands: Sequence[Hand]) -> list[Hand]:
        """Those of them who are online. Where there is only the general worker it is asked in any case."""
        return [hand for hand in hands if hand.chain and (self.is_plain or hand.is_online)]

    def needs(self, kind: str) -> Needs:
        """What a piece of this work takes, whoever does it."""
        needs = [hand.worker.needs for hand in self.able(kind)] or [Needs()]
        return Needs(cpu=max(each.cpu for each in needs), gpu_mb=max(each.gpu_mb for each in needs))

    def hand(self, name: str) -> Hand:
        return self._hands[name]

    def running(self, name: str) -> int:
        """How many pieces of work it is at."""
        return self._running[name]

    @contextmanager
    def at_work(self, hand: Hand) -> Iterator[None]:
        """Counts as one piece of its work while it lasts."""
        self._running[hand.worker.name] += 1
        try:
            yield
        finally:
            self._running[hand.worker.name] -= 1

    def status(self) -> list[str]:
        """How each worker is, a line each; empty where there is only the general one."""
        return [] if self.is_plain else [self._how(hand) for hand in self._hands.values()]

    def _how(self, hand: Hand) -> str:
        name = f"`{hand.worker.name}` ({hand.worker.pool})"
        if not hand.is_online:
            return say("worker {name}: offline", name=name)
        running, most = self._running[hand.worker.name], hand.worker.at_once
        return say("worker {name}: at {running} of {most} pieces of work", name=name, running=running, most=most)

    def told(self) -> str:
        """Who works here, for a model that plans; empty where there is only the general worker."""
        if self.is_plain:
            return ""
        lines = [f"@{kind}: {self._about(kind)}" for kind in self.kinds]
        return "\n".join(["Workers by their kind of work:", *lines])

    def _about(self, kind: str) -> str:
        if why := offline(self.able(kind)):
            return f"{why}; do not plan with them, and say so"
        best_at = dict.fromkeys(word for hand in self.able(kind) for word in hand.worker.specialisations)
        return f"best at {', '.join(best_at)}" if best_at else "ready"


def offline(hands: Sequence[Hand]) -> str:
    """That nobody of these can be reached, by their pools; empty where somebody can."""
    if any(hand.is_online for hand in hands):
        return ""
    return f"the {' and '.join(dict.fromkeys(hand.worker.pool for hand in hands))} workers are offline"


def read_workers(path: Path, chain: Callable[[Worker], Chain | None]) -> list[Hand]:
    """The workers of a TOML file, a table each; none where it is not there. Raises SettingsInvalid."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise SettingsInvalid(f"{path} cannot be read: {error}") from None
    return [Hand(worker, chain(worker)) for worker in (_worker(path, name, table) for name, table in tables.items())]


def _worker(path: Path, name: str, table: object) -> Worker:
    if not isinstance(table, Mapping):
        raise SettingsInvalid(f"{path}: {name} must be a table such as [{name}], with its capabilities below it.")
    try:
        return Worker.model_validate({"name": name, **table})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        told = f"{path}: [{name}] {place}: {first['msg']}. docs/workers.md lists what it may hold."
        raise SettingsInvalid(told) from None
