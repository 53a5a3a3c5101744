"""`errand review`: the operator works on the queue while the bot does not run."""

from pathlib import Path

import pytest

from tests.bot.command import errand
from tests.conversations.talk import talking
from tests.conversations.test_review_queue import CHAIN, away, back, somebody, told_to, until_told


@pytest.mark.slow
@pytest.mark.proves("review.command")
async def test_the_operator_retries_answers_and_closes_and_the_next_start_delivers(tmp_path: Path) -> None:
    async with talking(tmp_path, model=away, **CHAIN) as talk:
        for each in ("ann", "ben", "cem"):
            await somebody(talk, each).answered(f"plan the trip of {each}")
        await somebody(talk, "rita").told("/review claim t2")
    listed = (await errand(tmp_path, "review", "list")).stdout
    assert "`t1` fake:ann" in listed
    assert "claimed by fake:rita" in listed
    assert (await errand(tmp_path, "review", "retry", "t1", "plan", "it")).stdout == "t1 will be tried again.\n"
    await errand(tmp_path, "review", "answer", "t2", "By train.")
    await errand(tmp_path, "review", "close", "t3")
    again = await errand(tmp_path, "review", "close", "t3")
    assert (again.returncode, again.stderr) == (1, "errand: t3 is closed already.\n")
    async with talking(tmp_path, model=back, **CHAIN) as talk:
        assert "served: plan it" in (await until_told(somebody(talk, "ann"), 1))[0]
        assert "A person answers: By train." in (await until_told(somebody(talk, "ben"), 1))[0]
        await talk.app.idle()
        assert told_to(somebody(talk, "cem")) == []
    assert (await errand(tmp_path, "review", "list")).stdout == "The review queue is empty.\n"
