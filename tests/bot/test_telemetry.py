"""Telemetry as an operator sets it up: what is wrong is said, what is off is not loaded, and the log can be read."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.settings import read_settings
from bot.telemetry import telemetry_of
from orchestrator.errors import SettingsInvalid
from tests.bot.command import ROOT, errand_now

PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter", "prometheus_client")


@pytest.mark.proves("telemetry.off")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"otlp_endpoint": "localhost:4318"}, "write http://host:4318"),
        ({"metrics": True, "metrics_listen": "9464"}, "such as 127.0.0.1:9464"),
        ({"otlp_endpoint": "http://127.0.0.1:9", "otlp_headers": "Bearer KEY"}, "write name=value, name=value"),
    ],
)
async def test_a_wrong_setting_stops_the_start_and_says_what_to_write(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsInvalid, match=said):
        async with telemetry_of(read_settings(**given)):
            pass


@pytest.mark.proves("telemetry.off")
@pytest.mark.parametrize("given", [{"otlp_endpoint": "http://127.0.0.1:9"}, {"metrics": True}])
async def test_missing_packages_are_named_with_how_to_install_them(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bot.tracing", "bot.metrics"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in ("opentelemetry.sdk.trace", "prometheus_client"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SettingsInvalid, match=r"pip install '\.\[telemetry\]'"):
        async with telemetry_of(read_settings(**given)):
            pass


@pytest.mark.slow
@pytest.mark.proves("telemetry.off")
def test_what_is_off_is_not_even_loaded() -> None:
    loaded = f"import sys, bot.app, bot.channels; print([name for name in {PACKAGES} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
    core = [*(ROOT / "orchestrator").rglob("*.py"), *(ROOT / "storage").rglob("*.py")]
    assert [each.name for each in core if "import opentelemetry" in each.read_text()] == []
    assert [each.name for each in core if "from opentelemetry" in each.read_text()] == []


@pytest.mark.slow
@pytest.mark.proves("telemetry.log")
def test_every_line_of_a_log_as_json_is_an_object_and_says_what_it_belongs_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "ERRAND_LOG_LEVEL", "DEBUG")
    monkeypatch.setitem(os.environ, "ERRAND_LOG_FORMAT", "json")
    (tmp_path / "tax.plan").write_text('a: calculate(expression="2 * 21")')
    done = errand_now(tmp_path, "plan", "tax.plan")
    assert "42" in done.stdout
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert all(line.keys() >= {"time", "level", "logger", "message"} for line in lines)
    (tool,) = [line for line in lines if line["message"] == "tool ended"]
    ids = {name: tool[name] for name in ("turn", "plan", "step", "attempt", "channel", "tool", "call")}
    told = {"turn": "t1", "plan": "t1", "step": "a", "attempt": 1, "channel": "console"}
    assert ids == {**told, "tool": "calculate", "call": "t1/a"}
    (turn,) = [line for line in lines if line["message"] == "turn ended"]
    assert turn["trace_id"] == tool["trace_id"]
    assert turn["span_id"] != tool["span_id"]
