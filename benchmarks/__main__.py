"""All benchmarks, one table: `make bench`, or `python -m benchmarks NAME ...` for some of them.

Two run only by name: growth, which takes long, and `python -m benchmarks peers [ROUNDS]`, which installs from PyPI and
has a table of its own.
"""

import platform
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from benchmarks import (
    cluster,
    complexity,
    growth,
    load,
    loops,
    makespan,
    overhead,
    retrieval,
    routing,
    start,
    telegram,
    without_a_model,
)
from benchmarks.figures import Figure
from benchmarks.peers import table

BENCHMARKS: dict[str, Callable[[], Iterable[Figure]]] = {
    "start": start.measure,
    "overhead": overhead.measure,
    "load": load.measure,
    "cluster": cluster.measure,
    "loops": loops.measure,
    "makespan": makespan.measure,
    "telegram": telegram.measure,
    "retrieval": retrieval.measure,
    "routing": routing.measure,
    "without_a_model": without_a_model.measure,
    "complexity": complexity.measure,
}
LONG: dict[str, Callable[[], Iterable[Figure]]] = {"growth": growth.measure}


def main(names: list[str]) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {platform.machine()}")
    print("| what | figure | baseline in the same run | ratio | command |")
    print("|---|---|---|---|---|")
    for name in names or BENCHMARKS:
        for figure in (BENCHMARKS | LONG)[name]():
            print(f"| {figure.row()} | `python -m benchmarks {name}` |", flush=True)


if sys.argv[1:2] == ["peers"]:
    table.show(*map(int, sys.argv[2:]))
else:
    main(sys.argv[1:])
