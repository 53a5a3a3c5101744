"""How well the words of a request tell how much work it is, on public requests with their right plans or calls.

Right is: a request is complex where its plan has more than 3 steps. Requests are dealt by their words into two halves:
the first byte of their SHA-256, even is the half that rules and numbers were chosen on, odd is held out. Kinds of work
are in no public set that we know; what is counted of them is how often a small request is taken for one.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.figures import Figure
from orchestrator.complexity import USUAL, kinds_in, things_in
from tests.evaldata import FOLDER, records

Half = Literal["chosen on", "held out"]
Judge = Callable[[str], bool]
MOST_STEPS = 3  # of a simple request, FEATURES row 32
FORMER_CHARACTERS = 200  # what alone told simple from complex before
SETS: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, int]]] = {
    "plans_gold": lambda record: (record["query"], len(record["steps"])),
    "livemcp_tasks": lambda record: (record["query"], len(record["gold"])),
    "seal_retrieval": lambda record: (record["query"], len(record["gold"])),
    "metatool_multi": lambda record: (record["query"], len(record["gold"])),
    "metatool_single": lambda record: (record["query"], 1),
    "clinc150_test": lambda record: (record["text"], 1),
    **dict.fromkeys(
        (
            "bfcl_simple_python",
            "bfcl_multiple",
            "bfcl_parallel",
            "bfcl_parallel_multiple",
            "bfcl_live_simple",
            "bfcl_live_multiple",
            "bfcl_live_parallel",
            "bfcl_live_parallel_multiple",
        ),
        lambda record: (_said(record), len(record["ground_truth"])),
    ),
}
JUDGES: Mapping[str, Judge] = {
    "longer than 200 characters, as it was before": lambda text: len(text) > FORMER_CHARACTERS,
    "longer than 400 characters": lambda text: len(text) > USUAL.characters,
    "more than 3 things": lambda text: things_in(text) > USUAL.things,
    "a kind of complex work": lambda text: bool(kinds_in(text)),
    "all of it": lambda text: not USUAL.judged(text).is_simple,
}


@dataclass(frozen=True, slots=True)
class Quality:
    """Shares: of the complex requests those that were found, of the simple ones those that were mistaken for one."""

    found: float
    mistaken: float
    complex: int
    simple: int


def measure() -> Iterator[Figure]:
    if not (FOLDER / "plans_gold.jsonl").exists():
        print("(complexity: the public requests are not here, so nothing is measured)")
        return
    halves: tuple[Half, ...] = ("held out", "chosen on")
    for half in halves:
        before = measured(half, JUDGES["longer than 200 characters, as it was before"])
        for name, judge in JUDGES.items():
            quality = measured(half, judge)
            what = f"{half}, {name}"
            yield Figure(f"{what}: found of {quality.complex} complex", 100 * quality.found, "%", 100.0, "all")
            mistaken, former = 100 * quality.mistaken, 100 * before.mistaken
            yield Figure(f"{what}: of {quality.simple} simple taken for complex", mistaken, "%", former, "before")


def measured(half: Half, judge: Judge = JUDGES["all of it"]) -> Quality:
    """How well this tells complex requests from simple ones. One that is in two sets counts once."""
    asked = {
        text: steps for name in SETS for text, steps in requests(name) if _half(text) == half
    }  # some share requests
    found = [judge(text) for text, steps in asked.items() if steps > MOST_STEPS]
    mistaken = [judge(text) for text, steps in asked.items() if steps <= MOST_STEPS]
    return Quality(_share(found), _share(mistaken), len(found), len(mistaken))


def requests(name: str) -> Iterator[tuple[str, int]]:
    """The requests of a set, and how many steps their right plans have. Skips a test where the set is not here."""
    for record in records(f"{name}.jsonl"):
        yield SETS[name](record)


def _said(record: Mapping[str, Any]) -> str:
    return "\n".join(message["content"] for message in record["question"][0] if message["role"] == "user")


def _share(judged: Sequence[bool]) -> float:
    return sum(judged) / len(judged)


def _half(text: str) -> Half:
    return "held out" if hashlib.sha256(text.encode()).digest()[0] % 2 else "chosen on"
