"""What people decide, allow and take back stands in the audit, together with what came of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bot.command import errand
from tests.conversations.talk import Talk, outgoing, talking


async def audited(talk: Talk, *kinds: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Rows of these kinds: kind, person and details."""
    rows = await talk.app.store.audited(kinds=kinds)
    return [(row.kind, row.person, json.loads(row.details)) for row in rows]


@pytest.mark.proves("audit.decisions")
async def test_every_decision_is_in_the_audit_with_its_turn_and_its_outcome(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools]) as talk:
        await talk.say("hello")
        await talk.say("sing a song about the sea")
        await talk.say("/tool send text=hi")
        await talk.say("yes")
        rows = await talk.app.store.audited(kinds=["decision"])
    assert sent == ["hi"]
    assert [row.turn for row in rows] == ["t1", "t2", "t3", "t4"]
    assert [json.loads(row.details) for row in rows] == [
        {"decision": "direct", "outcome": "direct", "tools": []},
        {"decision": "refuse", "outcome": "refuse", "tools": []},
        {"decision": "plan", "outcome": "clarify", "tools": []},
        {"decision": "answer", "outcome": "plan", "tools": ["send"]},
    ]
    assert {(row.channel, row.person, row.session) for row in rows} == {("fake", "ann", "fake:1")}


@pytest.mark.proves("audit.approvals")
async def test_a_yes_and_a_no_are_in_the_audit_with_a_digest_of_what_they_were_about(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools]) as talk:
        for text, answer in (("a canary", "yes"), ("another", "no"), ("a canary", "yes")):
            await talk.asked(f'/tool send text="{text}"')
            await talk.say(answer)
        rows = await talk.app.store.audited(kinds=["approval"])
    assert [json.loads(row.details)["given"] for row in rows] == [True, False, True]
    assert [json.loads(row.details)["tools"] for row in rows] == [["send"]] * 3
    assert rows[0].digest == rows[2].digest != rows[1].digest
    assert not any("canary" in row.details for row in rows)
    assert sent == ["a canary"] * 2


@pytest.mark.proves("audit.approvals")
async def test_a_standing_yes_and_its_end_are_in_the_audit(tmp_path: Path) -> None:
    _, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools]) as talk:
        await talk.asked("/tool send text=hi")
        await talk.say("always")
        await talk.told("/allow revoke 1")
        assert await audited(talk, "grant", "revoke") == [
            ("grant", "ann", {"scope": "always", "tool": "send"}),
            ("revoke", "ann", {"tool": "send"}),
        ]


@pytest.mark.proves("audit.approvals")
async def test_a_word_on_a_reviewed_plan_is_in_the_audit(tmp_path: Path) -> None:
    _, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools], review="always") as talk:
        await talk.asked('/plan a: send(text="one")')
        await talk.say("no")
        (row,) = await audited(talk, "approval")
    assert row == ("approval", "ann", {"given": False, "tools": ["send"], "what": "plan"})


@pytest.mark.slow
@pytest.mark.proves("audit.command")
async def test_the_operator_reads_the_audit_and_verifies_it(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.say("hello")
    told = await errand(tmp_path, "audit")
    assert "decision" in told.stdout
    assert "fake:ann" in told.stdout
    (line,) = (await errand(tmp_path, "audit", "--json", "--kind", "decision")).stdout.splitlines()
    assert json.loads(line)["details"] == {"decision": "direct", "outcome": "direct", "tools": []}
    verified = await errand(tmp_path, "audit", "verify")
    assert verified.returncode == 0
    assert "1 rows" in verified.stdout
    wrong = await errand(tmp_path, "audit", "verify", "--head", "0" * 64)
    assert wrong.returncode == 1


@pytest.mark.proves("audit.approvals")
async def test_a_cancelled_reminder_is_in_the_audit_without_its_words(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=None) as talk:
        await talk.say("/remind tomorrow at 8:30 feed the canary")
        await talk.told("/reminders cancel 1")
        assert await audited(talk, "cancel") == [("cancel", "ann", {"reminders": [1]})]
