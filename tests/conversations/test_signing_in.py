"""Servers that want to know who somebody is: the link in private, the account of each person, and it lasts."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.keys import secret_key
from bot.settings import read_settings
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_access import OpenVault
from orchestrator.tools.mcp_config import ServerSettings
from orchestrator.tools.vault import KeptVault
from storage.store import open_store
from tests.conversations.talk import Talk, talking
from tests.conversations.telegram_talk import errand_on
from tests.fakes.oauth_server import OAuthServer, sign_in
from tests.fakes.telegram import World, telegram


@pytest.fixture
async def fake() -> AsyncIterator[World]:
    async with telegram() as server:
        yield server
    assert server.problems == []


def team(server: OAuthServer, vault: OpenVault | KeptVault) -> McpTools:
    settings = ServerSettings("team", url=f"{server.url}/mcp", transport="http")
    return McpTools([settings], vault=vault, wait_seconds=20)


async def sign_in_as(talk: Talk, server: OAuthServer) -> str:
    """One person's whole way: the link, the browser, the address back."""
    server.accounts.person = talk.person.id
    told = await talk.told("/signin team")
    link = re.search(r"http\S+", told)
    assert link is not None, told
    return await talk.told(f"/signin team {await sign_in(link[0])}")


async def who(talk: Talk) -> str:
    await talk.asked("/team__whoami")
    return await talk.answered("yes")


@pytest.mark.slow
@pytest.mark.proves("tools.mcp.sign_in")
async def test_everybody_signs_in_for_themselves(tmp_path: Path) -> None:
    async with OAuthServer() as server, talking(tmp_path, toolsets=[team(server, OpenVault())]) as ann:
        assert "it wants you to sign in: /signin team" in await ann.told("/status")
        assert await sign_in_as(ann, server) == "You are signed in to team."
        assert "you are ann" in await who(ann)
        bob = ann.as_person("bob")
        assert "sign in" in await who(bob)
        await sign_in_as(bob, server)
        assert "you are bob" in await who(bob)
        assert "you are ann" in await who(ann), "and nobody acts with another one's account"


@pytest.mark.proves("tools.mcp.sign_in")
async def test_a_sign_in_is_for_private_chats(tmp_path: Path) -> None:
    async with OAuthServer() as server, talking(tmp_path, toolsets=[team(server, OpenVault())]) as talk:
        talk.private = False
        assert await talk.told("/signin team") == "A sign-in is for you alone: write to me in private."
        assert server.accounts.sign_ins == 0


@pytest.mark.proves("tools.mcp.sign_in")
async def test_a_wrong_address_is_said_and_signing_out_forgets(tmp_path: Path) -> None:
    async with OAuthServer() as server, talking(tmp_path, toolsets=[team(server, OpenVault())]) as talk:
        assert "There is no server 'tea' to sign in to" in await talk.told("/signin tea")
        assert "No sign-in to team is under way" in await talk.told("/signin team http://127.0.0.1/?code=1")
        await talk.told("/signin team")
        assert "it holds no code" in await talk.told("/signin team http://127.0.0.1/")
        assert "refused: access_denied" in await talk.told("/signin team http://127.0.0.1/?error=access_denied")
        await sign_in_as(talk, server)
        assert "forgotten your account" in await talk.told("/signout team")
        assert "Sign in to team here" in await talk.told("/signin team")


@pytest.mark.slow
@pytest.mark.proves("tools.mcp.tokens")
async def test_tokens_are_renewed_after_a_restart_and_are_not_readable_at_rest(tmp_path: Path) -> None:
    settings = read_settings(database=str(tmp_path / "errand.db"), secret_key="correct horse")
    async with OAuthServer(expires_in=1) as server:
        for start in ("first", "second"):
            store = await open_store(str(tmp_path / "vault.db"))
            try:
                vault = KeptVault(store, lambda: secret_key(settings))
                async with talking(tmp_path, toolsets=[team(server, vault)]) as talk:
                    if start == "first":
                        await sign_in_as(talk, server)
                    before = server.accounts.renewals
                    server.accounts.expire_all()
                    assert "you are ann" in await who(talk)
                    assert server.accounts.renewals > before
            finally:
                await store.close()
        assert server.accounts.sign_ins == 1
    at_rest = b"".join(file.read_bytes() for file in tmp_path.glob("*.db*"))
    assert not [token for token in server.accounts.given_out if token.encode() in at_rest]


@pytest.mark.proves("tools.mcp.tokens")
async def test_a_key_is_made_once_and_is_for_us_alone(tmp_path: Path) -> None:
    settings = read_settings(database=str(tmp_path / "errand.db"))
    key = secret_key(settings)
    assert secret_key(settings) == key
    assert (tmp_path / "errand.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.proves("tools.mcp.sign_in")
async def test_in_telegram_a_link_is_shown_in_private_and_never_in_a_group(fake: World, tmp_path: Path) -> None:
    mara = fake.person("Mara")
    group = fake.group("Team", mara)
    async with OAuthServer() as server, errand_on(fake, tmp_path, toolsets=[team(server, OpenVault())]):
        await group.says(mara, "/signin@errand_bot team")
        await group.shows("A sign-in is for you alone")
        alone = mara.private_chat()
        await alone.says(mara, "/signin team")
        await alone.shows("Sign in to team here")
