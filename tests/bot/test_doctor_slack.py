"""The doctor's look at a Slack app, and what `errand init slack` prints."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import build
from bot.channels import channels_of
from bot.cli import errand
from bot.doctor import checks
from bot.settings import read_settings
from orchestrator.errors import SettingsInvalid
from orchestrator.models import Model
from tests.fakes.slack import Slack, slack


def no_model(name: str) -> Model:
    raise AssertionError(name)


async def found(fake: Slack, folder: Path, **given: str) -> dict[str, tuple[bool, str]]:
    """What the doctor says of the app."""
    settings = read_settings(
        database=str(folder / "errand.db"),
        servers=str(folder / "none.json"),
        slack_bot_token=given.get("token", fake.bot_token),
        slack_app_token=given.get("app_token", fake.app_token) or None,
        slack_api=given.get("api", fake.api_url),
    )
    async with build(settings) as app:
        all_checks = [check async for check in checks(settings, app, no_model)]
    return {check.name: (check.ok, check.detail) for check in all_checks if check.name.startswith("slack")}


@pytest.mark.proves("slack.doctor")
async def test_the_doctor_says_how_an_app_is_and_what_to_do(tmp_path: Path) -> None:
    async with slack() as fake:
        well = await found(fake, tmp_path)
        assert all(ok for ok, _ in well.values()), well
        assert "full members" in well["slack: people"][1]
        assert "agent_session_stopped" in well["slack: events"][1]
        ill = await found(fake, tmp_path, app_token="xapp-wrong")
        assert "connections:write" in ill["slack: app token"][1]
        deaf = await found(fake, tmp_path, app_token="")
        assert "nothing comes in" in deaf["slack: requests"][1]
        unknown = await found(fake, tmp_path, token="xoxb-wrong")
        assert "api.slack.com/apps" in unknown["slack: bot token"][1]
        address = fake.api_url
    away = await found(fake, tmp_path, api=address)
    assert "Check the network" in away["slack: server"][1]


@pytest.mark.proves("slack.doctor")
async def test_the_doctor_names_the_scopes_that_are_missing(tmp_path: Path) -> None:
    async with slack(scopes={"chat:write", "users:read"}) as fake:
        ok, detail = (await found(fake, tmp_path))["slack: scopes"]
    assert not ok
    assert "im:history" in detail
    assert " chat:write" not in detail


@pytest.mark.proves("slack.manifest")
@pytest.mark.parametrize("way", [[], ["--url", "https://errand.example"], ["--url", "https://e.example", "--installs"]])
async def test_the_manifest_is_one_that_slack_takes(way: list[str]) -> None:
    printed = CliRunner().invoke(errand, ["init", "slack", *way])
    manifest = json.loads(printed.stdout)
    assert manifest["settings"]["socket_mode_enabled"] is (not way)
    assert "ERRAND_SLACK_" in printed.stderr
    async with slack() as fake:
        client = AsyncWebClient(token=fake.bot_token, base_url=fake.api_url)
        await client.apps_manifest_validate(manifest=manifest)
        assert fake.problems == []


@pytest.mark.proves("slack.settings")
async def test_a_token_without_a_way_in_names_what_is_missing(tmp_path: Path) -> None:
    settings = read_settings(database=str(tmp_path / "errand.db"), slack_bot_token="xoxb-fake")
    async with build(settings, toolsets=[]) as app:
        with pytest.raises(SettingsInvalid, match="slack_app_token"):
            async with channels_of(settings, app, lines=False, live=True):
                pass
