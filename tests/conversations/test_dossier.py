"""What a turn leaves behind: everything that was decided and why, told to the person and given as data."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from orchestrator.account import Account, account_of
from orchestrator.redaction import Redaction, secrets_in
from orchestrator.tools.functions import Functions, tool
from tests.conversations.talk import Talk, outgoing, talking
from tests.conversations.test_steps import TOOLS, plan
from tests.fakes.model_server import Behaviour, Call, Fail, ModelServer, Say


async def account(talk: Talk, turn: str) -> Account:
    record = await talk.app.store.turn(turn)
    assert record is not None
    return await account_of(talk.app.store, record, Redaction(secrets_in(os.environ)))


def settings(server: ModelServer, router: str) -> dict[str, Any]:
    return {"router": router, "openai_base_url": server.url, "openai_api_key": "obviously-fake-key", "model_retries": 0}


@pytest.mark.proves("prices.reported", "dossier.complete")
async def test_the_reported_cost_is_the_providers_usage_times_the_published_price(tmp_path: Path) -> None:
    async with (
        ModelServer(lambda _: Say("Hello from the model")) as server,
        talking(tmp_path, **settings(server, "openai:gpt-4o")) as talk,
    ):
        await talk.answered("Good day, model")
        told = await account(talk, "t1")
        (call,) = await talk.app.store.model_calls("t1")
        why = await talk.told("/why")
    assert told.totals.input_tokens
    assert told.totals.output_tokens
    dollars = told.totals.input_tokens * 2.50e-6 + told.totals.output_tokens * 10.00e-6  # OpenAI's list, read 2026-11
    assert told.totals.cost_usd == pytest.approx(dollars, rel=0.01)
    assert call.cost_usd == told.model_calls[0].cost_usd == told.totals.cost_usd
    assert f"1 model call, {told.totals.input_tokens:,} + {told.totals.output_tokens:,} tokens, $0.00" in why
    assert "prices: genai-prices" in why


@pytest.mark.proves("prices.unknown", "dossier.complete")
async def test_the_cost_of_a_model_that_nobody_lists_is_unknown_and_failed_calls_are_counted(tmp_path: Path) -> None:
    def script(request: dict[str, Any]) -> Behaviour:
        return Fail(503) if request["model"] == "gpt-4o" else Say("Hello")

    async with (
        ModelServer(script) as server,
        talking(tmp_path, **settings(server, "openai:gpt-4o, openai:my-own")) as talk,
    ):
        await talk.answered("Good day, model")
        told = await account(talk, "t1")
        assert "2 model calls (1 failed), " in (why := await talk.told("/why"))
        assert "cost unknown" in why
    assert (told.totals.calls, told.totals.failed, told.totals.cost_usd) == (2, 1, "unknown")
    assert [call.cost_usd for call in told.model_calls] == ["unknown", "unknown"]


async def test_where_no_model_was_called_nothing_was_spent(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=TOOLS) as talk:
        await talk.answered(plan("analytics"))
        assert (await account(talk, "t1")).totals.cost_usd == 0.0
        assert "no model was called" in await talk.told("/why")


@pytest.mark.proves("dossier.complete")
async def test_a_plan_is_on_record_with_its_decision_its_steps_and_what_they_used(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=TOOLS) as talk:
        await talk.answered(plan("analytics"))
        told = await account(talk, "t1")
    assert told.decision is not None
    assert (told.decision.kind, told.reason) == ("plan", "you wrote the plan yourself")
    assert [(step.tool, step.arguments, step.after) for step in told.decision.steps] == [
        ("snapshot", {"symbol": "ACME"}, ()),
        ("analytics", {"symbol": "${a}"}, ("a",)),
    ]
    first, second = told.steps
    assert (first.planned, first.used, first.tried, first.status) == ("snapshot", "analytics", ("snapshot",), "done")
    assert (second.planned, second.used, second.status) == ("analytics", "analytics", "done")
    assert (told.plan, told.mode, told.outcome) == ("t1", "sequential", "plan")


@pytest.mark.proves("dossier.complete")
async def test_a_question_its_answer_and_who_said_yes_are_on_record(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools]) as talk:
        question = await talk.asked("/send text=hello")
        asked = (await account(talk, "t1")).asked
        assert asked is not None
        assert (asked.id, asked.names) == (question.id, ("s1.approval",))
        await talk.answered("yes")
        told = await account(talk, "t2")
        why = await talk.told("/why")
    assert sent == ["hello"]
    assert told.answered is not None
    assert (told.answered.id, told.answered.values) == (question.id, {"s1.approval": True})
    assert [step.approved_by for step in told.steps] == ["ann"]
    assert "with your yes" in why
    assert "you answered: s1.approval = True" in why


@pytest.mark.proves("dossier.complete")
async def test_a_threshold_that_decided_something_is_on_record_with_its_limit_and_its_value(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=TOOLS, message_characters=50) as talk:
        await talk.asked('/plan a: analytics(symbol="ACME") sure 0.5')
        assert "certainty of step a was 0.5, the limit is 0.6" in await talk.told("/why")
        await talk.told("x" * 60)
        assert "characters was 60, the limit is 50" in await talk.told("/why")


@pytest.mark.proves("dossier.complete")
async def test_the_moments_of_a_turn_are_in_their_order(tmp_path: Path) -> None:
    async with (
        ModelServer(lambda _: Say("Hello from the model")) as server,
        talking(tmp_path, **settings(server, "openai:first")) as talk,
    ):
        await talk.answered("Good day, model")
        times = (await account(talk, "t1")).timings
    moments = [times.accepted, times.started, times.first_text, times.decided, times.finished]
    known = [moment for moment in moments if moment is not None]
    assert len(known) == 5
    assert known == sorted(known)


@pytest.mark.proves("dossier.complete")
async def test_what_a_model_saw_of_the_talk_is_on_record(tmp_path: Path) -> None:
    async with (
        ModelServer(lambda _: Call([("ask", {"questions": [{"text": "Which one?"}]})])) as server,
        talking(tmp_path, **settings(server, "openai:first")) as talk,
    ):
        await talk.asked("Do it")
        await talk.asked("Do it now")
        told = await account(talk, "t2")
    assert told.history == ("t1",)
    assert told.open_question == "q1"
    assert told.decision is not None
    assert told.decision.questions == ("Which one?",)


@pytest.mark.proves("dossier.no_secrets")
async def test_no_secret_gets_into_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEATHER_API_KEY", "correct-horse-battery")
    shaped = "sk-abcdefghijklmnopqrstuvwx"

    @tool(read_only=True)
    def look(password: str, text: str) -> str:
        """Look."""
        raise ValueError("401 for correct-horse-battery")

    async with talking(tmp_path, toolsets=[Functions([look])]) as talk:
        await talk.answered(f'/look password=hunter2 text="{shaped} and token: hunter3"')
        record = await talk.app.store.turn("t1")
        assert record is not None
        whole = record.dossier + (await account(talk, "t1")).model_dump_json() + await talk.told("/why")
    for secret in ("hunter2", "hunter3", "correct-horse-battery", shaped):
        assert secret not in whole
    assert "[secret]" in whole


def rewrite(folder: Path, statement: str, *values: object) -> None:
    """Change what is stored, as another version would have written it."""
    with closing(sqlite3.connect(folder / "errand.db")) as database, database:
        database.execute(statement, values)


@pytest.mark.proves("dossier.old_ones")
async def test_a_dossier_of_the_first_version_is_told_as_before(tmp_path: Path) -> None:
    step = {"id": "a", "title": "look", "planned": "look", "used": "", "tried": ["look"], "status": "failed"}
    old = {
        "decision": "plan",
        "reason": "the model called tools",
        "mode": "single",
        "steps": [{**step, "error": "no station", "seconds": 0.1, "approved_by": "ann"}],
        "without_model": "no model of the chain answered",
        "model_calls": [{"component": "router", "model": "openai:first", "seconds": 0.5, "error": None}],
    }
    async with talking(tmp_path) as talk:
        await talk.answered("Hi")
        await talk.answered("Hi again")
    rewrite(tmp_path, "update turns set dossier = ? where turn = 1", json.dumps(old))
    rewrite(tmp_path, "update turns set dossier = '{}' where turn = 2")
    async with talking(tmp_path) as talk:
        why = await talk.told("/why t1")
        assert "no model was called" in await talk.told("/why t2")
    assert "Because: the model called tools." in why
    assert "look: `look` after look did not work, failed (no station), with your yes" in why
    assert "no model of the chain answered" in why
    assert "openai:first as router: answered, 0.5 s, tokens unknown, cost unknown" in why


@pytest.mark.proves("dossier.plan_versions")
async def test_what_the_plan_has_been_by_then_is_told_with_its_reason(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=TOOLS, review="always") as talk:
        await talk.asked('/plan a: analytics(symbol="ACME")\nb: analytics(symbol="EMCA")')
        await talk.asked("drop 2")
        await talk.answered("go")
        versions = {turn: (await account(talk, turn)).plan_versions for turn in ("t1", "t2", "t3")}
        assert [version.why for version in versions["t1"]] == ["planned"]
        assert [len(version.plan.steps) for version in versions["t2"]] == [2, 1]
        assert versions["t3"] == versions["t2"]
        assert f"plan version 2: {versions['t2'][1].why}" in await talk.told("/why")
