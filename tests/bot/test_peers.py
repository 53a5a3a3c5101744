"""The benchmark beside peers still measures: Errand and the plain bot, the two that are installed here, in small."""

import sys
from pathlib import Path

import pytest

from benchmarks.peers.contenders import CONTENDERS, ERRAND, PLAIN, ROOT, Contender
from benchmarks.peers.scenarios import Size, measured
from benchmarks.peers.table import ROWS, Column, markdown

SMALL = Size(one_by_one=2, tool_calls=1, chats=3, each=2, killed_chats=2, killed_after=2, model=0.01, quiet=20.0)


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.proves("benchmarks.peers")
@pytest.mark.parametrize("contender", [ERRAND, PLAIN], ids=["errand", "plain"])
async def test_a_contender_goes_through_every_scenario(contender: Contender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    found = await measured(contender, sys.executable, SMALL)

    assert {row.name for row in ROWS} - set(found) == {"installed", "packages"}
    assert (found["load lost"], found["load twice"]) == (0, 0)


@pytest.mark.proves("benchmarks.peers")
def test_a_contender_that_was_not_run_is_told_with_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ERRAND_PEERS", str(tmp_path))
    plain = Column(PLAIN, rounds=[{row.name: 1.0 for row in ROWS}])
    other = Column(CONTENDERS[-1], not_run="pip ended with 1")

    told = "\n".join(markdown([plain, other]))

    assert "not run: pip ended with 1" in told
