"""`python -m benchmarks peers`: every contender, several rounds in turn, medians, and ratios to the plain bot's."""

import asyncio
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median

from benchmarks.peers import installing
from benchmarks.peers.contenders import CONTENDERS, PLAIN, Contender
from benchmarks.peers.scenarios import Broken, Figures, Size, measured

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of all contenders. `better` is what less or more of it is; `aim` what Errand is to reach."""

    name: str
    what: str
    better: str
    digits: int = 0
    aim: str = ""


ROWS = (
    Row("direct p50", "direct: added to the model's time, p50, ms", "less", 1, "2 x plain"),
    Row("direct p99", "the same, p99, ms", "less", 1),
    Row("direct cpu", "processor time a message, ms", "less", 1),
    Row("tool p50", "one tool call: added, p50, ms", "less", 1),
    Row("tool model calls", "model calls for it", "less", 1),
    Row("load rate", "load, 200 chats x 5: messages a second", "more", 0, "200"),
    Row("load in order", "chats of them with all answers in order", "more", 0, "200"),
    Row("load lost", "messages of them without an answer", "less", 0, "0"),
    Row("load twice", "answered twice", "less", 0, "0"),
    Row("load cpu", "processor time a message, ms", "less", 1),
    Row("load memory", "memory after it, MB", "less"),
    Row("killed answered", "SIGKILL at 30 of 100: answered in the end", "more", 0, "100"),
    Row("killed lost", "never answered", "less", 0, "0"),
    Row("killed twice", "answered twice", "less", 0, "0"),
    Row("start", "start to first answer, s", "less", 1, "2"),
    Row("memory", "memory at rest, MB", "less", 0, "110"),
    Row("installed", "installed, MB", "less", 0, "200"),
    Row("packages", "packages", "less"),
)


@dataclass(slots=True)
class Column:
    """One contender: its rounds, or why it was not run."""

    contender: Contender
    python: str = ""
    rounds: list[Figures] = field(default_factory=list)
    not_run: str = ""

    @property
    def figures(self) -> Figures:
        """The median of each figure."""
        if not self.rounds:
            return {}
        middle = {name: median(each[name] for each in self.rounds) for name in self.rounds[0]}
        sizes = {
            "installed": installing.megabytes(self.contender),
            "packages": installing.package_count(self.contender),
        }
        return middle | sizes


def show(rounds: int = ROUNDS) -> None:
    """Install, measure and print; what goes on is told on standard error."""
    columns = [_column(contender) for contender in CONTENDERS]
    for number in range(rounds):
        for column in columns:
            _run(column, number)
    print("\n".join(markdown(columns)))


def _column(contender: Contender) -> Column:
    try:
        return Column(contender, str(installing.installed(contender)))
    except subprocess.CalledProcessError as error:
        return Column(contender, not_run=f"pip ended with {error.returncode}")


def _run(column: Column, number: int) -> None:
    if column.not_run:
        return
    load = os.getloadavg()[0]
    print(f"round {number + 1}, {column.contender.name}, load of the machine {load:.1f}", file=sys.stderr, flush=True)
    try:
        column.rounds.append(asyncio.run(measured(column.contender, column.python, Size())))
    except Broken as error:  # it is told, and the others go on
        column.not_run = f"round {number + 1}, {error}"


def markdown(columns: Sequence[Column]) -> Iterator[str]:
    there = [column for column in columns if column.rounds]
    base = next(column.figures for column in there if column.contender is PLAIN)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    yield (
        f"`python -m benchmarks peers`, {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GB, "
        f"Python {platform.python_version()}, rounds: {len(there[0].rounds)}, medians; "
        "in brackets the ratio to the plain bot's."
    )
    yield ""
    yield f"| | {' | '.join(column.contender.name for column in there)} | aim |"
    yield "|---" * (len(there) + 2) + "|"
    figures = [column.figures for column in there]
    for row in ROWS:
        yield f"| {row.what} | {' | '.join(_cell(row, each, base) for each in figures)} | {row.aim} |"
    yield ""
    yield from (f"- {_about(column)}" for column in columns)


def _cell(row: Row, figures: Mapping[str, float], base: Mapping[str, float]) -> str:
    value = f"{figures[row.name]:.{row.digits}f}"
    if figures is base or not base[row.name] or row.aim == "0":
        return value
    return f"{value} ({figures[row.name] / base[row.name]:.1f})"


def _about(column: Column) -> str:
    name, remark = column.contender.name, column.contender.remark
    told = f"{name}: {installing.versions(column.contender)}" if column.rounds else name
    failed = f"not run: {column.not_run}" if column.not_run else ""
    return "; ".join(part for part in (told, remark, failed) if part) + "."
