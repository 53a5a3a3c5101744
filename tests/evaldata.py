"""Where the public evaluation data is: beside the checkout, or where ERRAND_EVAL says. It is never copied."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("ERRAND_EVAL") or Path(__file__).resolve().parents[2] / "shared" / "eval")


def eval_path(name: str) -> Path:
    """A file of the evaluation data. Skips the test where there is none."""
    if not (path := FOLDER / name).exists():
        pytest.skip(f"the evaluation data is not here: no {name} in ../shared/eval; ERRAND_EVAL names another folder")
    return path


def records(name: str) -> Iterator[dict[str, Any]]:
    """The records of a JSON-lines file."""
    with eval_path(name).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)
