"""Against a model that is wrong in a quarter or in two fifths of its plans: what the guard keeps from happening."""

from pathlib import Path

import pytest

from tests.wrong_plans import outcome


@pytest.mark.slow
@pytest.mark.proves("guard.wrong_plans")
@pytest.mark.parametrize("share", [0.26, 0.41], ids=["26 percent", "41 percent"])
async def test_three_quarters_of_the_wrong_calls_do_not_happen_and_few_right_ones_are_asked_about(
    tmp_path: Path, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = await outcome(tmp_path / "guarded", share)
    monkeypatch.setattr("orchestrator.guard.check", lambda plan, find, said: plan)
    bare = await outcome(tmp_path / "bare", share)
    assert bare.wrong_ran == bare.wrong, "without the guard every wrong call runs"
    assert bare.right_asked == 0
    assert guarded.wrong_ran <= 0.25 * bare.wrong_ran
    assert guarded.right_asked <= 0.15 * guarded.right
