"""`errand dossier`: a turn for the operator, told or as data."""

import json
from pathlib import Path

import pytest

from tests.bot.command import errand
from tests.conversations.talk import talking
from tests.conversations.test_steps import TOOLS, plan


@pytest.mark.slow
@pytest.mark.proves("dossier.command")
async def test_a_turn_is_told_as_why_does_or_printed_whole(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=TOOLS) as talk:
        await talk.answered(plan("analytics"))
        why = await talk.told("/why")
    assert (await errand(tmp_path, "dossier", "t1")).stdout.strip() == why
    whole = json.loads((await errand(tmp_path, "dossier", "--last", "--json")).stdout)
    assert (whole["turn"], whole["version"], whole["outcome"]) == ("t1", 2, "plan")
    assert whole["steps"][0]["used"] == "analytics"


@pytest.mark.proves("store.looking")
async def test_what_only_looks_works_beside_a_running_errand(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=TOOLS) as talk:
        await talk.answered(plan("analytics"))
        looked = {
            words: await errand(tmp_path, *words.split())
            for words in ("dossier t1", "sessions", "insights", "audit", "audit verify", "eval routing")
        }
        assert (await errand(tmp_path, "export")).returncode != 0, "it writes"
    assert {words: found.returncode for words, found in looked.items()} == dict.fromkeys(looked, 0)
    assert "analytics" in looked["dossier t1"].stdout
    assert "1 turn" in looked["sessions"].stdout


@pytest.mark.slow
@pytest.mark.proves("dossier.command")
async def test_a_turn_that_is_not_there_is_named_with_what_can_be_done(tmp_path: Path) -> None:
    missing = await errand(tmp_path, "dossier", "t9")
    assert missing.returncode != 0
    assert "no finished turn 't9'" in missing.stderr
    assert "--last" in (await errand(tmp_path, "dossier")).stderr
