"""Webhooks of Telegram and Slack on the server of the page."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.hooks import Hooks
from adapters.telegram.webhook import SECRET_HEADER
from bot.app import build
from bot.channels import channels_of, page_of
from bot.settings import read_settings
from orchestrator.errors import SettingsInvalid
from tests.conversations.slack_talk import free_port
from tests.conversations.test_telegram import echo
from tests.fakes.slack import slack
from tests.fakes.telegram import TOKEN, telegram

PAGE_TOKEN = "a-token-of-some-length"


@asynccontextmanager
async def errand_with_page(folder: Path, **settings: Any) -> AsyncIterator[tuple[str, Hooks]]:
    """Errand with a page and the channels of these settings; where it is, and what platforms come to."""
    given = {
        "database": str(folder / "errand.db"),
        "servers": str(folder / "none.json"),
        "files": str(folder / "files"),
        "drain_seconds": 1.0,
        "web_token": PAGE_TOKEN,
        "router": "one",
        **settings,
    }
    chosen, hooks = read_settings(**given), Hooks()
    async with AsyncExitStack() as parts:
        app = await parts.enter_async_context(build(chosen, toolsets=(), model=echo()))
        wanted = channels_of(chosen, app, lines=False, live=True, hooks=hooks)
        channels = await parts.enter_async_context(wanted)
        page = await parts.enter_async_context(page_of(chosen, app, hooks))
        assert page is not None
        serving = asyncio.ensure_future(app.serve(channels, beside=page.channels))
        try:
            async with asyncio.timeout(20):
                while not (hooks._open or serving.done()):
                    await asyncio.sleep(0.01)
            yield page.address, hooks
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving


@pytest.mark.proves("hooks.telegram")
async def test_telegram_comes_to_the_server_of_the_page(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/telegram"
    webhook: dict[str, Any] = {
        "telegram_token": TOKEN,
        "telegram_people": "*",
        "telegram_webhook_url": url,
        "telegram_webhook_secret": "fake-secret",
        "telegram_webhook_listen": "page",
        "web_port": port,
    }
    async with telegram() as fake, aiohttp.ClientSession() as client:
        mara = fake.person("Mara")
        chat = mara.private_chat()
        async with errand_with_page(tmp_path, telegram_api=fake.url, **webhook) as (address, _):
            await chat.says(mara, "Hello")
            await chat.shows("heard: Hello")
            for secret, status in (("wrong", 403), ("fake-secret", 400)):
                async with client.post(url, data=b"{", headers={SECRET_HEADER: secret}) as got:
                    assert got.status == status
            for path in ("/", "/c/first", "/telegram/../c/first"):
                async with client.get(f"{address}{path}", headers={SECRET_HEADER: "fake-secret"}) as got:
                    assert got.status == 401, "the page is still for those who have signed in"
            headers = {SECRET_HEADER: "fake-secret", "Host": "evil.example"}
            async with client.post(url, data=b"{}", headers=headers) as got:
                assert got.status == 421


@pytest.mark.proves("hooks.slack")
async def test_slack_comes_to_the_server_of_the_page(tmp_path: Path) -> None:
    async with slack(mode="http") as fake, aiohttp.ClientSession() as client:
        known = {"slack_bot_token": fake.bot_token, "slack_api": fake.api_url, "slack_people": "*"}
        way = {"slack_signing_secret": fake.signing_secret, "slack_listen": "page"}
        async with errand_with_page(tmp_path, **known, **way) as (address, hooks):
            assert await fake.verifies(f"{address}/slack/events")
            ann = fake.person("Ann")
            asked = await ann.says(ann.direct(), "Hello")
            await ann.direct().thread(asked).shows("heard: Hello")
            async with client.post(f"{address}/slack/events", data=b"{}") as got:
                assert got.status == 401, "it is not signed"
            async with client.post(f"{address}/slack/events", data=b"\xff") as got:
                assert got.status == 400
            async with client.post(f"{address}/slack/events", data=b"x" * 1_000_001) as got:
                assert got.status == 413
            hooks._open = []
            async with client.post(f"{address}/slack/events", data=b"{}") as got:
                assert (got.status, got.headers["Retry-After"]) == (503, "2")


@pytest.mark.proves("hooks.settings")
@pytest.mark.parametrize("hooks", [None, Hooks()])
async def test_without_a_page_a_webhook_on_it_is_refused_with_the_fix(tmp_path: Path, hooks: Hooks | None) -> None:
    given: dict[str, Any] = {
        "telegram_token": TOKEN,
        "telegram_webhook_url": "https://errand.example/telegram",
        "telegram_webhook_secret": "fake-secret",
        "telegram_webhook_listen": "page",
        "database": str(tmp_path / "errand.db"),
        "web": False,
    }
    chosen = read_settings(**given)
    async with build(chosen, toolsets=()) as app:
        with pytest.raises(SettingsInvalid, match="web=true"):
            await channels_of(chosen, app, lines=False, live=True, hooks=hooks).__aenter__()
