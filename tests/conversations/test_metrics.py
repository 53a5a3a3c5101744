"""Metrics: what Prometheus is given is valid, counts what happened, and names nobody."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as of_openmetrics
from prometheus_client.parser import text_string_to_metric_families as of_text

from orchestrator.errors import SettingsInvalid
from orchestrator.messages import Question
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_config import ServerSettings
from tests.conversations.talk import Talk, talking
from tests.conversations.watched import WORDS, log_of, mind, shop, stop_of

ROOT = Path(__file__).parents[2]
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NAMED = re.compile(r"\b(?:errand|gen_ai|process|python)_\w+")


@asynccontextmanager
async def counted(folder: Path, **more: Any) -> AsyncIterator[Talk]:
    """A talk in the shop that is counted."""
    given = {"toolsets": shop(), "model": mind, "router": "scripted:mind", "replans": 0, "step_retry_seconds": 0.001}
    with log_of("orchestrator.watching") as log:
        async with talking(folder, metrics=True, metrics_listen="127.0.0.1:0", **{**given, **more}) as talk:
            yield talk
    assert log.saying("a span was not told") == []


async def scrape(talk: Talk, accept: str = "text/plain") -> str:
    address = await asyncio.wait_for(talk.app.telemetry.address(), 5)
    async with httpx2.AsyncClient() as client:
        response = await client.get(address, headers={"Accept": accept})
    assert response.status_code == 200
    return response.text


def families(text: str) -> Mapping[str, Metric]:
    return {family.name: family for family in of_text(text)}


async def values(talk: Talk, name: str) -> dict[tuple[str, ...], float]:
    """The samples of this name, by the values of their labels in the order of the labels' names."""
    samples = (sample for family in families(await scrape(talk)).values() for sample in family.samples)
    return {
        tuple(value for _, value in sorted(each.labels.items())): each.value for each in samples if each.name == name
    }


@pytest.mark.proves("telemetry.metrics")
async def test_a_scrape_is_valid_in_both_formats(tmp_path: Path) -> None:
    async with counted(tmp_path, budgets="person day 90000 tokens") as talk:
        await talk.answered(WORDS)
        text, open_text = await scrape(talk), await scrape(talk, OPENMETRICS)
    plain = families(text)
    assert all(family.documentation for family in plain.values())
    open_names = {family.name for family in of_openmetrics(open_text)}  # type: ignore[no-untyped-call]
    assert open_names >= {"errand_turns", "errand_turn_duration_seconds"}
    if promtool := shutil.which("promtool"):
        checked = subprocess.run(
            [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.proves("telemetry.metrics")
async def test_turns_plans_models_and_tools_are_counted(tmp_path: Path) -> None:
    async with counted(tmp_path) as talk:
        await talk.answered(WORDS)
        assert await values(talk, "errand_turns_total") == {("fake", "plan"): 1, ("fake", "added"): 0}
        assert await values(talk, "errand_turn_duration_seconds_count") == {("plan",): 1}
        assert await values(talk, "errand_decision_duration_seconds_count") == {("plan",): 1}
        assert await values(talk, "errand_plan_adherence_ratio_sum") == {(): 0.75}
        assert await values(talk, "errand_plan_deviations_total") == {(): 1}
        assert await values(talk, "errand_steps_total") == {("done",): 3, ("failed",): 1}
        assert await values(talk, "gen_ai_client_operation_duration_seconds_count") == {
            ("router", "", "chat", "scripted", "mind"): 1,
            ("worker", "", "chat", "scripted", "mind"): 2,
            ("synthesizer", "", "chat", "scripted", "mind"): 1,
        }
        tokens = await values(talk, "gen_ai_client_token_usage_sum")
        assert tokens["worker", "chat", "scripted", "mind", "input"] == 200
        assert await values(talk, "gen_ai_execute_tool_duration_seconds_count") == {
            ("", "price"): 4,
            ("tool_error", "price"): 1,
            ("ToolUnavailable", "price"): 1,
            ("", "run_code"): 1,
        }
        assert await values(talk, "gen_ai_invoke_agent_duration_seconds_count") == {("", "general"): 1}


@pytest.mark.proves("telemetry.metrics")
async def test_what_is_refused_and_what_is_no_plan_are_counted(tmp_path: Path) -> None:
    async with counted(tmp_path) as talk:
        await talk.answered("decline")
        await talk.answered("something else")
        assert await values(talk, "errand_refusals_total") == {("budget",): 0, ("out_of_scope",): 1, ("policy",): 0}
        assert await values(talk, "errand_validation_failures_total") == {("plan",): 2}


@pytest.mark.proves("telemetry.metrics")
async def test_calls_that_a_budget_has_no_room_for_are_counted_and_how_far_it_is(tmp_path: Path) -> None:
    limits = "person day 9000 tokens, person:fake:ann day 5000 tokens, team month 1200 tokens"
    async with counted(tmp_path, budgets=limits, budget_output_tokens=1, history_messages=50) as talk:
        for _ in range(5):
            await talk.say("decline")  # 120 tokens, and about 900 while it is asked for
        told = [call for number in range(1, 6) for call in await talk.app.store.model_calls(f"t{number}")]
        used = 120 * len(told)
        assert await values(talk, "errand_budget_spent_ratio") == {
            ("person day",): used / 5000,
            ("team month",): used / 1200,
        }
        refused = await values(talk, "errand_refusals_total")
        calls = await values(talk, "gen_ai_client_operation_duration_seconds_count")
    assert 0 < len(told) < 5
    assert refused["budget",] == 5 - len(told)
    assert sum(calls.values()) == len(told), "a call that is refused was none"


@pytest.mark.proves("telemetry.metrics")
async def test_gauges_tell_how_things_stand(tmp_path: Path) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    @tool(read_only=True)
    async def wait(text: str) -> str:
        """Wait until it goes on."""
        started.set()
        await go_on.wait()
        return text

    away = McpTools([ServerSettings(name="away", command="no-such-command")])
    async with counted(tmp_path, toolsets=[Functions([wait]), away]) as talk:
        assert isinstance(await talk.say("ask"), Question)
        first = await talk.send("/wait text=first")
        await asyncio.wait_for(started.wait(), 5)
        second = await talk.send("/wait text=second")
        assert await values(talk, "errand_turns_running") == {(): 1}
        assert await values(talk, "errand_turns_waiting") == {(): 1}
        assert await values(talk, "errand_questions_open") == {(): 1}
        assert await values(talk, "errand_review_cases_open") == {(): 0}
        assert await values(talk, "errand_tool_source_ready") == {("functions",): 1, ("away",): 0}
        go_on.set()
        await talk.outcome(first)
        await talk.outcome(second)
        await talk.app.idle()
        assert await values(talk, "errand_turns_waiting") == {(): 0}
        assert await values(talk, "errand_parcels_undelivered") == {(): 0}


@pytest.mark.proves("telemetry.metrics")
async def test_a_turn_that_is_stopped_counts_once(tmp_path: Path) -> None:
    started = asyncio.Event()

    @tool(read_only=True)
    async def wait(text: str) -> str:
        """Wait for ever."""
        started.set()
        await asyncio.Event().wait()
        return text

    async with counted(tmp_path, toolsets=[Functions([wait])]) as talk:
        turn = await talk.send("/wait text=x")
        await asyncio.wait_for(started.wait(), 5)
        await talk.channel.push(stop_of(talk))
        await talk.outcome(turn)
        await talk.app.idle()
        turns = await values(talk, "errand_turns_total")
        tools = await values(talk, "gen_ai_execute_tool_duration_seconds_count")
    assert {name: count for name, count in turns.items() if count} == {("fake", "stopped"): 1, ("fake", "command"): 1}
    assert tools == {("cancelled", "wait"): 1}


@pytest.mark.proves("telemetry.metrics")
async def test_no_label_names_a_person_a_conversation_or_what_was_said(tmp_path: Path) -> None:
    async with counted(tmp_path, budgets="person day 9000 tokens, person:fake:ann day 8000 tokens") as talk:
        await talk.answered(WORDS)
        found = families(await scrape(talk))
    samples = [sample for family in found.values() for sample in family.samples]
    labels = {name for sample in samples for name in sample.labels}
    assert labels == {
        *("channel", "outcome", "decision", "status", "what", "why", "budget", "source", "version", "le", "error_type"),
        *("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type"),
        *("gen_ai_tool_name", "gen_ai_agent_name", "errand_component", "generation"),
    }
    told = {value for sample in samples for value in sample.labels.values()}
    assert not {value for value in told if any(word in value for word in ("ann", "fake/", "t1", "tea"))}


@pytest.mark.proves("telemetry.off", "telemetry.metrics")
async def test_nothing_is_served_unless_it_is_wanted_and_a_taken_address_is_said(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        assert talk.app.telemetry.metrics is None
    async with counted(tmp_path) as talk:
        taken = (await asyncio.wait_for(talk.app.telemetry.address(), 5)).split("/")[2]
        other = tmp_path / "other"
        other.mkdir()
        with pytest.raises(ExceptionGroup) as raised:
            async with talking(other, metrics=True, metrics_listen=taken):
                pass
    (said,) = raised.value.exceptions
    assert isinstance(said, SettingsInvalid)
    assert "metrics_listen" in str(said)


@pytest.mark.proves("telemetry.metrics")
async def test_at_the_end_the_metrics_give_back_what_they_listened_on(tmp_path: Path) -> None:
    for folder in (tmp_path / "one", tmp_path / "other"):
        folder.mkdir()
        async with counted(folder) as talk:
            assert "errand_build_info" in await scrape(talk)
            listen = (await talk.app.telemetry.address()).split("/")[2]
        with pytest.raises(httpx2.ConnectError):
            async with httpx2.AsyncClient() as client:
                await client.get(f"http://{listen}/metrics")


@pytest.mark.proves("telemetry.dashboard")
async def test_the_dashboard_and_the_runbook_ask_for_metrics_that_there_are(tmp_path: Path) -> None:
    async with counted(tmp_path, budgets="person day 9000 tokens") as talk:
        await talk.answered(WORDS)
        found = families(await scrape(talk))
    there = {sample.name for family in found.values() for sample in family.samples} | {
        f"{family.name}_total" for family in found.values() if family.type == "counter"
    }
    labels = {name for family in found.values() for sample in family.samples for name in sample.labels}
    board = json.loads((ROOT / "examples" / "grafana" / "errand.json").read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]
    page = (ROOT / "docs" / "telemetry.md").read_text()
    alerts = re.findall(r"^### .*\n\n`(.+)`$", page, re.MULTILINE)
    assert len(asked) > 20
    assert len(alerts) > 8
    for expression in (*asked, *alerts):
        assert [name for name in NAMED.findall(expression) if name not in there | labels] == [], expression
    mentioned = set(re.findall(r"^\| `((?:errand|gen_ai)_\w+)", page, re.MULTILINE))
    ours = {family.name + ("_total" if family.type == "counter" else "") for family in found.values()}
    assert {name for name in ours if name.startswith(("errand", "gen_ai"))} == mentioned


@pytest.mark.proves("telemetry.dashboard")
def test_the_dashboard_can_be_imported_anywhere() -> None:
    board = json.loads((ROOT / "examples" / "grafana" / "errand.json").read_text())
    assert {panel["datasource"]["uid"] for panel in board["panels"] if "datasource" in panel} == {"${datasource}"}
    assert [each["type"] for each in board["templating"]["list"]] == ["datasource"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    places = [
        (x, y)
        for panel in board["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(places) == len(set(places)), "no panel covers another"
    assert max(x for x, _ in places) < 24
