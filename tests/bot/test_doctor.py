"""The doctor's look at the machine, at what another Errand holds, and what the command exits with."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.app import build
from bot.doctor import examined
from bot.machine import findings
from bot.settings import Settings, read_settings
from storage.migrations import KNOWN
from tests.bot.command import errand, errand_now
from tests.conversations.web_talk import page_at
from tests.fakes.collector import Collector
from tests.fakes.slack import slack
from tests.fakes.telegram import TOKEN, telegram

pytestmark = pytest.mark.proves("ship.doctor")


def settings_in(folder: Path, **given: Any) -> Settings:
    return read_settings(**{"database": str(folder / "errand.db"), "servers": str(folder / "none.json"), **given})


async def of_machine(folder: Path, **given: Any) -> dict[str, tuple[bool, str]]:
    return {name: (ok, detail) async for name, ok, detail in findings(settings_in(folder, **given))}


async def test_versions_and_room_on_the_disk_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    well = await of_machine(tmp_path)
    assert "Python 3." in well["version"][1]
    assert well["disk"][0]
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10**6))
    full = await of_machine(tmp_path)
    assert full["disk"] == (False, full["disk"][1])
    assert "1 MB are free" in full["disk"][1]
    assert "keep_files_days" in full["disk"][1]


async def test_files_with_secrets_that_others_can_read_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ERRAND_SECRETS", raising=False)
    assert (await of_machine(tmp_path))["secrets"] == (True, "no file holds any")
    file = tmp_path / ".env"
    file.write_text("ERRAND_WEB_PORT=0\n")
    file.chmod(0o644)
    assert (await of_machine(tmp_path))["secrets"] == (False, "others on this machine can read .env: chmod 600 .env")
    file.chmod(0o600)
    assert (await of_machine(tmp_path))["secrets"][0]
    toml = tmp_path / "errand.toml"
    toml.write_text('language = "de"\n')
    toml.chmod(0o644)
    assert (await of_machine(tmp_path))["secrets"][0]
    toml.write_text('web_token = "a-token-of-some-length"\n')
    assert "chmod 600 errand.toml" in (await of_machine(tmp_path))["secrets"][1]


async def test_the_clock_is_compared_with_a_server_that_is_talked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "clock" not in await of_machine(tmp_path)
    async with telegram() as silent:  # it does not tell the time
        given = {"telegram_token": TOKEN, "telegram_api": silent.url}
        assert "was not compared" in (await of_machine(tmp_path, **given))["clock"][1]
    async with slack() as fake:
        given = {"slack_bot_token": fake.bot_token, "slack_api": fake.api_url}
        ok, detail = (await of_machine(tmp_path, **given))["clock"]
        assert ok
        assert detail.startswith("within 60 s")
        monkeypatch.setattr("bot.machine.MOST_SECONDS_OFF", -1)
        ok, detail = (await of_machine(tmp_path, **given))["clock"]
        assert not ok
        assert "timedatectl" in detail


async def test_a_collector_that_takes_no_traces_is_told(tmp_path: Path) -> None:
    async with Collector() as collector:
        address = collector.url
        assert (await of_machine(tmp_path, otlp_endpoint=address))["traces"] == (True, f"{address} takes them")
    ok, detail = (await of_machine(tmp_path, otlp_endpoint=address))["traces"]
    assert not ok
    assert "otlp_endpoint" in detail


@pytest.mark.slow
async def test_beside_a_running_errand_the_rest_is_looked_at(tmp_path: Path) -> None:
    async with page_at(tmp_path) as (_, web):
        port = web.address.rpartition(":")[2]
        done = await errand(tmp_path, "doctor", ERRAND_WEB_PORT=port)
    assert done.returncode == 0, done.stdout
    assert "ok   database: in use" in done.stdout
    assert f"ok   page: ok: it answers at port {port}" in done.stdout
    assert "ok   models: none" in done.stdout


async def test_the_schema_of_the_database_is_told(tmp_path: Path) -> None:
    async with build(settings_in(tmp_path), toolsets=[]):
        pass
    seen = {check.name: check async for check in examined(settings_in(tmp_path, web_port=0))}
    assert f"schema {KNOWN[-1]}" in seen["database"].detail


@pytest.mark.slow
def test_the_command_exits_with_1_where_something_is_wrong_and_speaks_json(tmp_path: Path) -> None:
    well = errand_now(tmp_path, "doctor", "--json", ERRAND_WEB_PORT="0")
    lines = [json.loads(line) for line in well.stdout.splitlines()]
    assert well.returncode == 0, well.stdout
    assert all(line.keys() == {"name", "ok", "detail"} for line in lines)
    (tmp_path / "broken.db").write_text("this is no database, and long enough to be seen as none. " * 20)
    ill = errand_now(tmp_path, "doctor", ERRAND_WEB_PORT="0", ERRAND_DATABASE="broken.db")
    assert ill.returncode == 1
    assert "BAD  database:" in ill.stdout
    assert "ok   models:" in ill.stdout
