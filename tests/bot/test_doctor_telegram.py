"""The doctor's look at a Telegram bot."""

from pathlib import Path

import aiohttp
import pytest

from bot.app import build
from bot.doctor import checks
from bot.settings import read_settings
from orchestrator.models import Model
from tests.fakes.telegram import TOKEN, telegram


def no_model(name: str) -> Model:
    raise AssertionError(name)


async def found(api: str, folder: Path, *, token: str = TOKEN) -> dict[str, tuple[bool, str]]:
    """What the doctor says of the bot."""
    settings = read_settings(
        database=str(folder / "errand.db"),
        servers=str(folder / "none.json"),
        telegram_token=token,
        telegram_api=api,
    )
    async with build(settings) as app:
        all_checks = [check async for check in checks(settings, app, no_model)]
    return {check.name: (check.ok, check.detail) for check in all_checks if check.name.startswith("telegram")}


@pytest.mark.proves("telegram.doctor")
async def test_the_doctor_says_how_a_bot_is_and_what_to_do(tmp_path: Path) -> None:
    async with telegram() as fake:
        api = fake.url
        well = await found(api, tmp_path)
        assert all(ok for ok, _ in well.values())
        assert well["telegram: token"] == (True, "it is @errand_bot's")
        assert "privacy mode is on" in well["telegram: groups"][1]
        assert "only people who were named or invited" in well["telegram: people"][1]
        fake.privacy = False
        async with aiohttp.ClientSession() as client:
            await client.post(f"{api}/bot{TOKEN}/setWebhook", data={"url": "https://old.example/hook"})
        ill = await found(api, tmp_path)
        assert "privacy mode is off" in ill["telegram: groups"][1]
        assert ill["telegram: updates"][0] is False
        assert "https://old.example/hook" in ill["telegram: updates"][1]
        unknown = await found(api, tmp_path, token="1:FAKE-AND-UNKNOWN")
        assert "@BotFather" in unknown["telegram: token"][1]
    away = await found(api, tmp_path)
    assert "cannot be reached" in away["telegram: server"][1]
    assert TOKEN not in str(away)
