"""`errand tools`: what an operator does with servers before anybody talks to them."""

import json
import sys
from pathlib import Path

import pytest

from tests.bot.command import errand_now

pytestmark = pytest.mark.proves("tools.command")

HOME = Path(__file__).parents[2]
ADD_TIME = ("tools", "add", "time", "--env", "TZ=UTC", "--", "mcp-server-time", "--local-timezone=UTC")


@pytest.mark.slow
def test_a_server_is_added_tried_and_called(tmp_path: Path) -> None:
    assert "time stands in mcp.json" in errand_now(tmp_path, *ADD_TIME).stdout
    written = json.loads((tmp_path / "mcp.json").read_text())
    assert written == {
        "mcpServers": {
            "time": {"command": "mcp-server-time", "args": ["--local-timezone=UTC"], "env": {"TZ": "UTC"}},
        }
    }
    assert errand_now(tmp_path, "tools", "test", "time").stdout.startswith("time: ready, 2 tools.")
    called = errand_now(tmp_path, "tools", "call", "get_current_time", "timezone=Asia/Tokyo")
    assert json.loads(called.stdout)["timezone"] == "Asia/Tokyo"
    listed = errand_now(tmp_path, "tools", "list").stdout
    assert "time__get_current_time(timezone)" in listed


@pytest.mark.slow
def test_what_cannot_be_added_is_said_and_nothing_is_changed(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text('{"servers": {"team": {"url": "https://team.example/mcp"}}}')
    before = file.read_text()
    refusals = {
        ("team", "--url", "https://other.example/mcp"): "mcp.json has a server 'team' already",
        ("new",): "Say either --url, or behind -- the command",
        ("new", "--url", "team.example"): "is no web address",
        ("new", "--env", "KEY", "--", "server"): "--env wants NAME=VALUE",
    }
    for words, why in refusals.items():
        done = errand_now(tmp_path, "tools", "add", *words)
        assert done.returncode == 1
        assert why in done.stderr
    assert file.read_text() == before
    assert list(tmp_path.glob(".mcp*")) == []


@pytest.mark.slow
def test_a_file_with_comments_is_not_rewritten(tmp_path: Path) -> None:
    (tmp_path / "mcp.json").write_text('{"mcpServers": {} /* mine */}')
    done = errand_now(tmp_path, "tools", "add", "team", "--url", "https://team.example/mcp")
    assert 'write this into it yourself: {"url": "https://team.example/mcp"}' in done.stderr


@pytest.mark.slow
def test_a_server_that_does_not_answer_and_one_that_is_not_there_are_failures(tmp_path: Path) -> None:
    (tmp_path / "mcp.json").write_text('{"mcpServers": {"gone": {"command": "no-such-server"}}}')
    done = errand_now(tmp_path, "tools", "test", "gone", "other")
    assert done.returncode == 1
    assert "gone: failed, 0 tools. command 'no-such-server' was not found" in done.stdout
    assert "mcp.json has no server other." in done.stdout


@pytest.mark.slow
@pytest.mark.proves("trust.command", "audit.approvals")
def test_a_changed_tool_is_told_by_the_doctor_shown_and_let_in(tmp_path: Path) -> None:
    def serve(description: str) -> None:
        tool = {"name": "weather", "description": description, "inputSchema": {"type": "object"}}
        script = json.dumps({"pages": [[tool]], "answers": {}})
        entry = {"command": sys.executable, "args": ["-m", "tests.fakes.odd_mcp_server", script], "cwd": str(HOME)}
        (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": {"web": entry}}))

    serve("The weather.")
    assert "1 tools" in errand_now(tmp_path, "tools", "test").stdout
    serve("The weather.\u200b")
    assert "BAD  tools: web: waiting, 1 tools. weather (it holds hidden text)." in errand_now(tmp_path, "doctor").stdout
    told = errand_now(tmp_path, "tools", "trust", "web").stdout
    assert 'description: was "The weather.", is "The weather.\\u200b"' in told
    assert "web: 1 tools may run, 1 of them since now." in told
    assert "web__weather()" in errand_now(tmp_path, "tools", "list").stdout
    audited = errand_now(tmp_path, "audit", "--kind", "trust").stdout
    assert "server web" in audited
    assert "has no server 'other'" in errand_now(tmp_path, "tools", "trust", "other").stderr
