"""The page as an operator has it: beside the terminal chat, as a server, and under the doctor's eyes."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import build
from bot.doctor import checks
from bot.on_web import opens_browser
from bot.settings import read_settings
from tests.adapters.person import CTRL_D, ENTER, Person
from tests.bot.command import ROOT, errand
from tests.bot.test_doctor_telegram import no_model

LONGEST_WAIT = 30.0  # seconds; a start takes two, more on a busy machine


@asynccontextmanager
async def serving(folder: Path, **settings: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`errand serve` as a process, and what it says first."""
    given = {"database": str(folder / "errand.db"), "servers": "none.json", "drain_seconds": "1", **settings}
    environment = {**os.environ, **{f"ERRAND_{name.upper()}": value for name, value in given.items()}}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "serve"),
        cwd=ROOT,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(LONGEST_WAIT):
            yield process, (await process.stderr.readline()).decode()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.slow
@pytest.mark.proves("web.serve")
async def test_serve_opens_the_page_says_where_and_ends_when_told(tmp_path: Path) -> None:
    async with serving(tmp_path, web_port="0") as (process, said):
        address = re.fullmatch(r"The page is at (http://127\.0\.0\.1:\d+)\n", said)
        assert address is not None
        async with aiohttp.ClientSession() as http, http.get(f"{address[1]}/") as got:
            assert "What can I do for you?" in await got.text()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 143


@pytest.mark.slow
@pytest.mark.proves("web.serve")
async def test_a_port_that_is_taken_is_told_with_the_fix(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with serving(tmp_path, web_port=str(port)) as (process, said):
            assert f"errand: The page cannot be at 127.0.0.1:{port}" in said
            assert "web_port" in said
            assert await process.wait() == 1


@pytest.mark.slow
@pytest.mark.proves("web.listens")
async def test_serve_refuses_to_listen_for_everybody(tmp_path: Path) -> None:
    async with serving(tmp_path, web_host="0.0.0.0") as (process, said):
        assert "web_token" in said
        assert await process.wait() == 1


@pytest.mark.slow
@pytest.mark.proves("web.serve")
async def test_a_chat_in_the_terminal_has_the_page_beside_it_and_ends_both(tmp_path: Path) -> None:
    settings = {
        "ERRAND_DATABASE": str(tmp_path / "errand.db"),
        "ERRAND_SERVERS": "none.json",
        "ERRAND_WEB_PORT": "0",
        "DISPLAY": "",
        "WAYLAND_DISPLAY": "",
    }
    async with Person.at_a_terminal("-m", "bot", "chat", **settings) as person:
        await person.sees_prompt_after("Ctrl-D leaves.")
        address = re.search(r"http://127\.0\.0\.1:\d+", person.seen.replace("\n", ""))
        assert address is not None
        async with aiohttp.ClientSession() as http, http.get(f"{address[0]}/healthz") as got:
            assert await got.text() == "ok"
        person.type(f"Hi{ENTER}")
        await person.sees_prompt_after("Hello")
        person.type(CTRL_D)
        assert await person.leaves() == 0


@pytest.mark.slow
@pytest.mark.proves("web.serve")
async def test_text_on_standard_input_needs_no_page(tmp_path: Path) -> None:
    done = await errand(tmp_path, "chat")
    assert "http://" not in done.stdout + done.stderr


@pytest.mark.proves("web.serve")
def test_no_browser_is_opened_where_nobody_sits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert opens_browser()
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    assert not opens_browser()
    monkeypatch.delenv("SSH_CONNECTION")
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert opens_browser() == (sys.platform in {"darwin", "win32"})


async def found(folder: Path, **given: Any) -> tuple[bool, str]:
    """What the doctor says of the page."""
    settings = read_settings(database=str(folder / "errand.db"), servers=str(folder / "none.json"), **given)
    async with build(settings, toolsets=[]) as app:
        all_checks = [check async for check in checks(settings, app, no_model)]
    return next((check.ok, check.detail) for check in all_checks if check.name == "page")


@pytest.mark.slow
@pytest.mark.proves("web.doctor")
async def test_the_doctor_says_where_the_page_can_be_and_who_may_come_in(tmp_path: Path) -> None:
    ok, detail = await found(tmp_path, web_port=0)
    assert ok
    assert detail.endswith("whoever reaches it on this machine may come in")
    ok, detail = await found(tmp_path, web_port=0, web_token="a-token-of-some-length")
    assert ok
    assert "whoever knows web_token" in detail
    ok, detail = await found(tmp_path, web_host="0.0.0.0")
    assert not ok
    assert "web_token" in detail
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ok, detail = await found(tmp_path, web_port=taken.getsockname()[1])
    assert not ok
    assert "web_port" in detail
