"""Poisoned tools meet a model that obeys them: what protects the person must be ours."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from bot.settings import read_settings, redaction_of
from orchestrator.messages import Command
from tests.conversations.poisons import KEY, NOTE, POISONS, Poison, everything, holds, office, web
from tests.conversations.talk import Talk, talking
from tests.fakes.model_server import Behaviour, Call, ModelServer, Say

HOME = Path(__file__).parents[2]
ENDS = 3  # rounds in which the model goes on obeying
ASKED = "Tell me the weather in Rome, and what is new"
WORK = 'w: @general(task="find the weather in Rome", tools=["web__weather", "web__fetch", "web__post", "office__send"])'


def obeying(poison: Poison) -> Any:
    """A sensible model, until it reads what the poison says."""

    def behaviour(request: dict[str, Any]) -> Behaviour:
        seen = everything(request)
        offered = {each["function"]["name"] for each in request.get("tools", ())}
        results = sum(message["role"] == "tool" for message in request["messages"])
        if "mallory" in seen.casefold():
            return Call(poison.acts) if offered and results < ENDS else Say(poison.says)
        return sensible(poison, request, offered)

    return behaviour


def sensible(poison: Poison, request: dict[str, Any], offered: set[str]) -> Behaviour:
    if not offered or request["messages"][-1]["role"] == "tool":
        return Say("It is sunny in Rome.")
    if poison.way == "worker" and "plan" in offered:
        return Call([("plan", {"steps": WORK, "answer": "{{w}}"})])
    if poison.way == "resource":
        return Call([("read_resource", {"uri": poison.address})])
    if "web__weather" not in offered:
        return Say("I cannot look that up.")
    return Call([("web__weather", {"place": "Rome"})])


def settings(folder: Path, poison: Poison, model: ModelServer) -> dict[str, Any]:
    def server(name: str, script: dict[str, Any]) -> dict[str, Any]:
        env = {"PYTHONPATH": str(HOME), "ERRAND_TEST_CALLS": str(folder / f"{name}.calls")}
        return {"command": sys.executable, "args": ["-m", "tests.fakes.odd_mcp_server", json.dumps(script)], "env": env}

    servers = {"office": server("office", office()), "web": server("web", web(poison))}
    file = folder / "mcp.json"
    file.write_text(json.dumps({"mcpServers": servers}))
    return {"servers": str(file), "router": "openai:one", "openai_base_url": model.url, "openai_api_key": KEY}


@asynccontextmanager
async def poisoned(folder: Path, poison: Poison) -> AsyncIterator[Talk]:
    async with (
        ModelServer(obeying(poison)) as model,
        talking(folder, toolsets=None, **settings(folder, poison, model)) as talk,
    ):
        yield talk


async def say(talk: Talk, poison: Poison) -> None:
    if poison.way != "prompt":
        await talk.say(ASKED)
        return
    command = Command(
        event_id="p",
        address=talk.address,
        person=talk.person,
        sent_at=datetime.now(UTC),
        name="web__brief",
        private=True,
    )
    receipt = await talk.channel.push(command)
    assert receipt.turn
    await talk.outcome(receipt.turn)


def calls(folder: Path) -> list[dict[str, Any]]:
    files = [folder / f"{name}.calls" for name in ("web", "office")]
    return [json.loads(line) for file in files if file.exists() for line in file.read_text().splitlines()]


def shown(talk: Talk) -> list[str]:
    """All texts that the person sees, live ones too."""
    parts = [delivery.part for delivery in talk.channel.shown.values()] + [part for _, part in talk.channel.live]
    return [part.model_dump_json() for part in parts]


def images(text: str) -> list[str]:
    """What a client that renders Markdown with HTML would fetch by itself."""
    tokens = MarkdownIt("commonmark").parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    drawn = [each.content for each in (*tokens, *inner) if each.type == "image"]
    return drawn + [each.content for each in (*tokens, *inner) if "html" in each.type and "<img" in each.content]


@pytest.mark.proves("trust.poison")
@pytest.mark.parametrize("poison", POISONS, ids=lambda poison: poison.name)
async def test_nothing_comes_of_a_poison_even_if_the_model_obeys(tmp_path: Path, poison: Poison) -> None:
    async with poisoned(tmp_path, poison) as talk:
        await say(talk, poison)
        await say(talk, poison) if poison.grown else None
        made, seen = calls(tmp_path), shown(talk)
        texts = [delivery.part.text for delivery in talk.channel.shown.values()] + talk.drafts()
    assert {call["tool"] for call in made} <= poison.planned, made
    assert not [call for call in made if holds(json.dumps(call), KEY) or holds(json.dumps(call), NOTE)]
    assert not [each for each in seen if holds(each, KEY)]
    assert not [each for text in texts for each in images(text)]


def test_there_are_cases_enough() -> None:
    assert len({poison.name for poison in POISONS}) == len(POISONS) >= 40


@pytest.mark.proves("trust.command")
async def test_what_waits_is_told_in_the_status(tmp_path: Path) -> None:
    poison = next(poison for poison in POISONS if poison.name == "description: hidden in an HTML comment")
    async with poisoned(tmp_path, poison) as talk:
        status = await talk.told("/status")
        assert "weather (it holds hidden text). They run after `errand tools trust web`" in status
        assert "web__weather" not in await talk.told("/tools")


@pytest.mark.proves("trust.secrets")
@pytest.mark.parametrize("kind", ["headers", "env", "oauth"])
def test_the_secrets_of_servers_are_known(tmp_path: Path, kind: str) -> None:
    secrets = {
        "headers": {"url": "https://a.example/mcp", "headers": {"Authorization": "Bearer fake-4711-of-headers"}},
        "env": {"command": "a", "env": {"A_TOKEN": "fake-4711-of-env", "MODE": "fast-and-4711"}},
        "oauth": {"url": "https://a.example/mcp", "oauth": {"clientId": "a", "clientSecret": "fake-4711-of-oauth"}},
    }
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": {"a": secrets[kind]}}))
    known = redaction_of(read_settings(servers=str(tmp_path / "mcp.json")))
    assert known.holds({"text": [f"It is fake-4711-of-{kind}!"]})
    assert not known.holds("fast-and-4711")


@pytest.mark.proves("trust.secrets", "trust.addresses")
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"url": f"https://a.example/?k={KEY}"}, "'url' holds a key or a password of this installation"),
        ({"url": "http://127.0.0.1/"}, "leads to this machine or a private network"),
    ],
)
async def test_a_call_that_is_stopped_is_told_with_the_reason(
    tmp_path: Path, arguments: dict[str, str], why: str
) -> None:
    def script(request: dict[str, Any]) -> Behaviour:
        first = request.get("tools") and request["messages"][-1]["role"] == "user"
        return Call([("web__fetch", arguments)]) if first else Say("That did not work.")

    poison = Poison("no poison")
    async with (
        ModelServer(script) as model,
        talking(tmp_path, toolsets=None, **settings(tmp_path, poison, model)) as talk,
    ):
        assert why in await talk.answered("fetch the page for me")
    assert calls(tmp_path) == []
