"""Reminders and messages in the real channels: Telegram and Slack side by side in one process."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.conversations.telegram_talk import errand_on, pressed
from tests.fakes.slack import Slack, slack
from tests.fakes.telegram import World, telegram


@pytest.fixture
async def telegram_world() -> AsyncIterator[World]:
    async with telegram() as world:
        yield world
    assert world.problems == []


@pytest.fixture
async def workspace() -> AsyncIterator[Slack]:
    async with slack() as server:
        yield server
    assert server.problems == []


@pytest.mark.slow
@pytest.mark.proves("sending.allowed", "sending.asks", "reminders.plain_words")
async def test_from_telegram_a_message_reaches_slack_and_a_reminder_telegram(
    telegram_world: World, workspace: Slack, tmp_path: Path
) -> None:
    mara, ben = telegram_world.person("Mara"), workspace.person("Ben")
    chat, team = mara.private_chat(), workspace.channel("team", ben)
    both: dict[str, Any] = {
        "slack_bot_token": workspace.bot_token,
        "slack_app_token": workspace.app_token,
        "slack_api": workspace.api_url,
        "send_to": f"team=slack:{team.id}",
    }
    async with errand_on(telegram_world, tmp_path, toolsets=None, **both):
        await chat.says(mara, '/send_message to=team text="The build is green"')
        asked = await chat.shows("May I run")
        await pressed(mara, asked, "yes")
        await team.shows("From Mara: The build is green")
        await chat.shows("It is on its way to team.")
        await chat.says(mara, "remind me in 1 second to breathe")
        await chat.shows("A reminder: breathe")
    assert len(team.from_bot) == 1


@pytest.mark.proves("reminders.plain_words")
async def test_in_slack_a_reminder_comes_into_its_thread(
    telegram_world: World, workspace: Slack, tmp_path: Path
) -> None:
    ben = workspace.person("Ben")
    both: dict[str, Any] = {
        "slack_bot_token": workspace.bot_token,
        "slack_app_token": workspace.app_token,
        "slack_api": workspace.api_url,
    }
    async with errand_on(telegram_world, tmp_path, toolsets=None, **both):
        asked = await ben.says(ben.direct(), "remind me in 1 second to breathe")
        await ben.direct().thread(asked).shows("I will remind you on")
        await ben.direct().thread(asked).shows("A reminder: breathe")
