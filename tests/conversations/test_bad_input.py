"""Bad input: each kind has a clear message, and nothing is lost."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_config import ServerSettings
from storage.errors import StorageFull
from tests.conversations.program import serving
from tests.conversations.talk import talking

ROOT = Path(__file__).parents[2]


def errand(*arguments: str, folder: Path, said: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a person calls it."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        input=said,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def fake_server(*, command: str = sys.executable) -> McpTools:
    settings = ServerSettings(
        name="tests", command=command, args=("-m", "tests.fakes.mcp_server"), env={"PYTHONPATH": str(ROOT)}
    )
    return McpTools([settings])


@pytest.mark.proves("input.size")
async def test_an_empty_and_a_huge_message_are_answered_with_the_reason(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        assert "was empty" in await talk.told(" \n ")
        told = await talk.told("x" * 2**20)
        assert "1,048,576 characters" in told
        assert "20,000" in told
        assert "2 failed" in await talk.told("/status")


@pytest.mark.proves("input.text_repaired")
@pytest.mark.parametrize("text", ["broken \ud83d pair", "lone \udc00", "a \0 in the middle", "whole \ud83d\ude00"])
async def test_text_that_no_database_takes_is_repaired_and_answered(tmp_path: Path, text: str) -> None:
    async with talking(tmp_path) as talk:
        turn = await talk.send(text)
        await talk.outcome(turn)
        record = await talk.app.store.turn(turn)
        assert record is not None
        assert record.request == text.replace("\ud83d\ude00", "😀").replace("\ud83d", "�").replace(
            "\udc00", "�"
        ).replace("\0", "�")


@pytest.mark.proves("tools.error_told")
async def test_a_tools_own_no_is_told_in_its_words(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=[fake_server()]) as talk:
        assert "did not work: Error executing tool fail: no milk today" in await talk.answered(
            '/fail text="no milk today"'
        )


@pytest.mark.slow
@pytest.mark.proves("tools.dies")
async def test_a_server_that_dies_in_a_risky_call_leads_to_a_question_not_to_a_repeat(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=[fake_server()]) as talk:
        assert "May I run" in (await talk.asked("/die")).text
        assert "may have happened or not" in (await talk.asked("yes")).text
        assert "it may have happened" in await talk.answered("leave it")
        assert "hello" in await talk.answered("/echo text=hello"), "the server is back"


@pytest.mark.proves("tools.missing_binary")
async def test_a_server_whose_program_is_missing_is_named_and_disturbs_nobody(tmp_path: Path) -> None:
    @tool(read_only=True)
    def ping() -> str:
        """Say pong."""
        return "pong"

    async with talking(tmp_path, toolsets=[Functions([ping]), fake_server(command="no-such-program")]) as talk:
        status = await talk.told("/status")
        assert "tests" in status
        assert "'no-such-program' was not found" in status
        assert "pong" in await talk.answered("/ping")


@pytest.mark.proves("edge.turn")
async def test_a_turn_that_breaks_says_so_and_the_next_one_works(tmp_path: Path) -> None:
    @tool(read_only=True)
    def broken() -> str:
        """Break."""
        raise RuntimeError("a bug of the operator's own")

    async with talking(tmp_path, toolsets=[Functions([broken])]) as talk:
        assert "a bug of the operator's own" in await talk.answered("/broken")
        assert "Hello" in await talk.answered("Hi")


@pytest.mark.slow
@pytest.mark.proves("settings.errors", "tools.mcp.config_errors")
@pytest.mark.parametrize(
    ("written", "named"),
    [
        ('{"mcpServers": {', ["mcp.json", "line 1"]),
        ('{"mcpServers": []}', ["mcp.json", "mcpServers"]),
    ],
)
def test_a_broken_mcp_json_stops_the_start_with_file_line_and_field(
    tmp_path: Path, written: str, named: list[str]
) -> None:
    (tmp_path / "mcp.json").write_text(written)
    done = errand("tools", folder=tmp_path)
    assert done.returncode == 1
    assert all(word in done.stderr for word in named)
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.proves("settings.errors")
def test_a_wrong_setting_stops_the_start_with_its_name_its_shape_and_the_fix(tmp_path: Path) -> None:
    done = errand("chat", folder=tmp_path, ERRAND_STEPS_AT_ONCE="many")
    assert done.returncode == 1
    assert "'steps_at_once' (ERRAND_STEPS_AT_ONCE) is 'many'" in done.stderr
    assert "integer" in done.stderr
    (tmp_path / "errand.toml").write_text("speed = 9\n")
    done = errand("chat", folder=tmp_path)
    assert "There is no setting 'speed'" in done.stderr
    (tmp_path / "errand.toml").write_text("speed = \n")
    assert "errand.toml cannot be read" in errand("chat", folder=tmp_path).stderr
    (tmp_path / "errand.toml").unlink()
    done = errand("chat", folder=tmp_path, ERRAND_ROUTER="nobody:model")
    assert "'nobody:model' names no model" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.proves("storage.one_process")
async def test_a_second_process_on_the_same_database_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as first:
        done = await asyncio.to_thread(errand, "chat", "--help", folder=tmp_path)
        assert done.returncode == 0
        done = await asyncio.to_thread(errand, "chat", folder=tmp_path, said="Hi\n")
        assert done.returncode == 1
        assert "already running" in done.stderr
        first.send("e1", "Hi")
        assert (await first.delivery())["part"]["kind"] == "answer"
        await first.end_of_input()


@pytest.mark.slow
@pytest.mark.proves("storage.unusable_told")
def test_a_file_that_is_no_database_and_a_folder_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "errand.db").write_text("this is a letter to my aunt, and no database at all, whatever you may think")
    done = errand("sessions", folder=tmp_path)
    assert done.returncode == 1
    assert "errand.db" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "errand.db").read_text().startswith("this is a letter"), "nothing was overwritten"
    done = errand("--database", "/proc/errand.db", "sessions", folder=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.proves("storage.locked_told")
async def test_a_locked_database_rejects_the_message_and_takes_it_afterwards(tmp_path: Path) -> None:
    async with serving(tmp_path) as program:
        other = sqlite3.connect(tmp_path / "errand.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        program.send("e1", "Hi")
        line = await program.read()
        assert line is not None
        assert line["rejected"] == "e1"
        assert "holds the database" in line["error"]
        other.execute("ROLLBACK")
        other.close()
        program.send("e1", "Hi")
        assert (await program.delivery())["part"]["kind"] == "answer"
        await program.end_of_input()


@pytest.mark.faults
@pytest.mark.proves("storage.full_told")
async def test_a_full_disk_rejects_the_message_and_takes_it_when_there_is_space(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.answered("Hi")

        async def pages(most: int) -> None:
            await talk.app.store._database.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {most}"))

        await pages(1)  # SQLite takes the present size then: nothing more fits
        with pytest.raises(StorageFull, match="disk is full"):
            await talk.send("x" * 200_000)
        await pages(2**30)
        assert "200,000 characters" in await talk.told("x" * 200_000)
        assert len(await talk.app.store.history("fake:1", last=9)) == 2


@pytest.mark.slow
@pytest.mark.proves("input.lines")
async def test_a_line_that_is_no_message_is_rejected_with_the_field(tmp_path: Path) -> None:
    async with serving(tmp_path) as program:
        assert program.process.stdin is not None
        for raw in ("no json", "[1]", '{"text": "Hi"}', '{"event_id": "e", "text": 7}', "x" * (5 * 2**20)):
            program.process.stdin.write(raw.encode() + b"\n")
        program.send("e1", "Hi")
        await program.end_of_input()
    told = [line["error"] for line in program.lines if "rejected" in line]
    assert ["no JSON" in told[0], "must be an object" in told[1]] == [True, True]
    assert ["event_id" in told[2], "text" in told[3], "longer than" in told[4]] == [True, True, True]
    assert len(program.deliveries) == 1
    assert json.dumps(program.deliveries[0])
