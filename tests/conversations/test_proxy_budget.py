"""The budget of our key at a LiteLLM proxy, as admins see it."""

from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestrator.errors import SettingsInvalid
from tests.bot.command import errand
from tests.conversations.talk import Talk, talking
from tests.fakes.model_server import Loopback

KEY = "obviously-fake-proxy-key"
ANN = '[people]\n"fake:ann" = "admin"\n'


class LiteLlmProxy(Loopback):
    """Answers what the proxy answers to the holder of a key: /key/info, as LiteLLM documents it."""

    def __init__(self, **info: Any) -> None:
        self._info = info
        super().__init__([Route("/key/info", self._key_info)])

    async def _key_info(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": {"message": "Authentication Error", "code": "401"}}, 401)
        return JSONResponse({"key": "a hash", "info": {"key_name": "sk-...0000", "models": [], **self._info}})


def settings(server: LiteLlmProxy, **more: Any) -> dict[str, Any]:
    return {"addresses": {"proxy": f"{server.url}/v1"}, "litellm_proxy": "proxy", "policy": ANN, **more}


@pytest.mark.proves("budget.proxy")
async def test_admins_are_told_how_far_the_budget_at_a_proxy_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXY_API_KEY", KEY)
    proxy = LiteLlmProxy(spend=7.5, max_budget=10.0, budget_reset_at="2026-12-01T00:00:00Z")
    async with proxy as server, talking(tmp_path, **settings(server)) as talk:
        assert await talk.told("/budget") == "- at proxy: $7.5 / $10 (75 %); it begins anew on 2026-12-01"
        ben = Talk(talk.app, talk.channel, chat="with ben", person="ben")
        assert "proxy" not in await ben.told("/budget")


@pytest.mark.proves("budget.proxy")
async def test_a_proxy_that_cannot_be_asked_is_told_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXY_API_KEY", "another-obviously-fake-key")
    async with LiteLlmProxy(spend=7.5) as server:
        async with talking(tmp_path, **settings(server)) as talk:
            assert "not known: proxy answers 401" in await talk.told("/budget")
        with pytest.raises(SettingsInvalid, match="none of the addresses"):
            async with talking(tmp_path, **settings(server, litellm_proxy="other")):
                pass


@pytest.mark.slow
@pytest.mark.proves("budget.proxy")
async def test_the_doctor_complains_where_little_is_left_at_the_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with LiteLlmProxy(spend=9.5, max_budget=10.0) as server:
        given = {"ERRAND_ADDRESSES": f"proxy={server.url}/v1", "ERRAND_LITELLM_PROXY": "proxy", "PROXY_API_KEY": KEY}
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        said = await errand(tmp_path, "doctor")
    assert "budget at proxy" in said.stdout
    assert "$9.5 / $10 (95 %)" in said.stdout
    assert said.returncode == 1
