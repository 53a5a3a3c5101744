"""`errand health`, and secrets that lie in a folder."""

import asyncio
import os
from pathlib import Path

import pytest

from adapters.base import ChannelClosed
from bot.health import health
from bot.settings import environment, read_settings
from orchestrator.errors import SettingsInvalid
from tests.bot.command import errand_now
from tests.conversations.web_talk import page_at


@pytest.mark.proves("ship.health")
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_health_asks_the_page_where_this_machine_reaches_it(tmp_path: Path, host: str) -> None:
    async with page_at(tmp_path, web_host=host, web_token="a-token-of-some-length") as (_, web):
        port = int(web.address.rpartition(":")[2])
        asked = read_settings(web_host=host, web_port=port, web_token="a-token-of-some-length")
        assert await asyncio.to_thread(health, asked) == "ok"
    with pytest.raises(ChannelClosed, match="Is `errand serve` running"):
        await asyncio.to_thread(health, asked)


@pytest.mark.proves("ship.health")
def test_health_without_a_page_or_its_port_is_told_with_the_fix(tmp_path: Path) -> None:
    for given in ({"web": False}, {"web_port": 0}):
        with pytest.raises(SettingsInvalid, match="web=true"):
            health(read_settings(**given))
    done = errand_now(tmp_path, "health", ERRAND_WEB_PORT="1")
    assert done.returncode == 1
    assert "Nothing answers at 127.0.0.1:1" in done.stderr


@pytest.mark.proves("ship.secrets")
def test_secrets_are_read_from_a_folder_below_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERRAND_SECRETS", str(tmp_path))
    monkeypatch.setenv("GEMINI_API_KEY", "of the environment")
    (tmp_path / "errand_telegram_token").write_text("1:abc\n")
    (tmp_path / "anthropic_api_key").write_text("sk-ant\n")
    (tmp_path / "gemini_api_key").write_text("of the folder\n")
    (tmp_path / "..data").mkdir()  # as a cluster has it
    token = read_settings().telegram_token
    assert token is not None
    assert token.get_secret_value() == "1:abc"
    assert environment()["ANTHROPIC_API_KEY"] == "sk-ant"
    assert environment()["GEMINI_API_KEY"] == "of the environment"


@pytest.mark.proves("ship.secrets")
def test_secrets_that_are_not_there_or_cannot_be_read_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERRAND_SECRETS", str(tmp_path / "none"))
    with pytest.raises(SettingsInvalid, match="is no folder"):
        read_settings()
    monkeypatch.setenv("ERRAND_SECRETS", str(tmp_path))
    (tmp_path / "key").write_text("k")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may read everything
    with pytest.raises(SettingsInvalid, match="must be let in"):
        read_settings()
