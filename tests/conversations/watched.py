"""A shop and a model that plans all kinds of steps in it, for the tests of what is watched."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bot.logs import JsonLines
from orchestrator.account import Account, account_of
from orchestrator.errors import BadInput, ToolUnavailable
from orchestrator.messages import Stop
from orchestrator.models import ChatMessage, Model, ModelReply, Scripted, ToolCall, Usage
from orchestrator.tools.code import Code
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import Arguments, ToolResult, Toolset, ToolSpec
from tests.conversations.talk import Talk

WORDS = "what do tea, gold, milk and bread cost?"
PLAN = """\
a: price(item="tea")
b: price(item="gold")
c: run_code(code="output = price('milk')['eur'] + price('bread')['eur']", tools=["price"])
w: @general(task="who sells ${a.item}?", tools=["price"])"""
CANARY = "obviously-fake-canary-key-123456"

log = logging.getLogger("bot.shop")


@tool(read_only=True)
def price(item: str) -> dict[str, Any]:
    """The price of an item."""
    if item == "gold":
        raise BadInput(f"we have no gold, and no {CANARY}")
    return {"item": item, "eur": len(item)}


class Shop(Functions):
    """It cannot be reached when it is first asked for tea, and logs what it is asked for."""

    def __init__(self) -> None:
        super().__init__([price])
        self._is_open = False

    async def call(self, tool: str, arguments: Arguments, *, key: str, timeout_seconds: float) -> ToolResult:
        log.warning("a price is asked for", extra={"item": arguments["item"]})
        if arguments["item"] == "tea" and not self._is_open:
            self._is_open = True
            raise ToolUnavailable("the shop is not open yet")
        return await super().call(tool, arguments, key=key, timeout_seconds=timeout_seconds)


def shop() -> list[Toolset]:
    """Two sources: `price(item)`, and code."""
    return [Shop(), Code()]


def reply(text: str = "", *calls: tuple[str, dict[str, Any]]) -> ModelReply:
    made = tuple(ToolCall(f"call{number}", name, given) for number, (name, given) in enumerate(calls))
    return ModelReply(text, "scripted:mind-1", made, Usage(100, 20))


def _thinks(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
    if messages[0].text.startswith("You are a worker"):
        heard = [message for message in messages if message.role == "tool"]
        return reply("Ann sells it.") if heard else reply("", ("price", {"item": "tea"}))
    if not any(spec.name == "plan" for spec in tools):
        return reply(f"All that I know, and {CANARY}.")
    match messages[-1].text:
        case "decline":
            return reply("", ("refuse", {"reason": "I sell no gold."}))
        case "ask":
            return reply("", ("ask", {"questions": [{"text": "Which tea?"}]}))
        case words if words.startswith(WORDS):
            return reply("", ("plan", {"steps": PLAN}))
        case _:
            return reply("", ("plan", {"steps": "a: nothing()"}))


def mind(name: str) -> Model:
    """It plans for WORDS, declines or asks where it is told to, and else plans what cannot run."""
    return Scripted(_thinks, name=name)


async def account(talk: Talk, turn: str) -> Account:
    record = await talk.app.store.turn(turn)
    assert record is not None
    return await account_of(talk.app.store, record)


def stop_of(talk: Talk) -> Stop:
    """The person says stop."""
    message = talk.channel.message("")
    return Stop(**{name: getattr(message, name) for name in ("event_id", "address", "person", "sent_at")})


class Written(logging.Handler):
    """Every line of the log, as JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))

    def saying(self, message: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["message"] == message]


@contextmanager
def log_of(*names: str) -> Iterator[Written]:
    """What is logged inside under these names, all of it."""
    written, loggers = Written(), [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(written)
        logger.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(written)
            logger.setLevel(level)
