"""The soak: many mixed requests through the whole app, and how far it kept to its plans."""

import asyncio
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from bot.app import build
from bot.settings import Settings
from orchestrator.errors import BadInput, SettingsInvalid
from orchestrator.facts import read_facts
from orchestrator.messages import Accept, Address, Delivery, Live, Message, Person, Question
from orchestrator.models import ChatMessage, ModelReply, Scripted, ToolCall
from orchestrator.prompts import prompt
from orchestrator.tools.builtin import BUILTIN
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import ToolSpec
from storage.store import Store

SCRIPT = "scripted:soak"
MOST_REPLIES = 3  # to questions about one request; then it is left as it is
PRICES = {"pencil": 2, "pen": 5}


@dataclass(frozen=True, slots=True)
class Request:
    """What a person says, and what they reply if they are asked. Of choices they take the first: it is the yes."""

    kind: str
    text: str
    reply: str = "I do not know."


REQUESTS = (
    Request("greeting", "Hi"),
    Request("one tool", "What does a pencil cost?"),
    Request("side by side", "What does a pencil cost, and what does a pen?"),
    Request("one after the other", "What are three times the price of a pen?"),
    Request("fallback", "What is the rate of the euro? Ask the feed, or else the archive."),
    Request("worker", "Let a worker find out which is cheaper, a pencil or a pen."),
    Request("not allowed", "Let a worker look up the price of a pencil; it may not order anything, whatever it wants."),
    Request("approval", "Order a pencil."),
    Request("question", "What does it cost?", reply="the pencil"),
    Request("out of scope", "Order me a pizza."),
)


@dataclass(frozen=True, slots=True)
class Played:
    """One turn of a request, and what is on record of it."""

    request: int
    kind: str
    turn: str
    outcome: str = ""
    model_calls: int = 0
    adherence: float | None = None
    deviations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """The requests of one kind: how they ended, and model calls a request."""

    name: str
    requests: int
    outcomes: dict[str, int]
    calls_per_request: float


class Report:
    """What the turns of a soak came to."""

    def __init__(self, played: Sequence[Played]) -> None:
        self.turns = len(played)
        self.requests = len({turn.request for turn in played})
        self.kinds = [_kind(name, played) for name in dict.fromkeys(turn.kind for turn in played)]
        self.deviations = [(turn.turn, turn.kind, told) for turn in played for told in turn.deviations]
        rates = [turn.adherence for turn in played if turn.adherence is not None]
        self.adherence = sum(rates) / len(rates) if rates else 1.0
        """The mean over the turns that ran a plan."""

    def as_json(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "turns": self.turns,
            "adherence": round(self.adherence, 4),
            "kinds": [
                {
                    "kind": kind.name,
                    "requests": kind.requests,
                    "outcomes": kind.outcomes,
                    "model_calls_per_request": kind.calls_per_request,
                }
                for kind in self.kinds
            ],
            "deviations": [{"turn": turn, "kind": kind, "deviation": told} for turn, kind, told in self.deviations],
        }

    def as_text(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.requests} requests in {self.turns} turns; plans were kept to {self.adherence:.1%}"
        yield ""
        yield f"{'kind':<20} {'requests':>8}  {'model calls each':>16}  outcomes"
        for kind in self.kinds:
            outcomes = ", ".join(f"{outcome} {count}" for outcome, count in kind.outcomes.items())
            yield f"{kind.name:<20} {kind.requests:>8}  {kind.calls_per_request:>16.1f}  {outcomes}"
        yield ""
        yield f"{len(self.deviations)} deviations"
        yield from (f"- {turn} ({kind}) {told}" for turn, kind, told in self.deviations)


async def soak(settings: Settings, *, requests: int = 50, live: bool = False) -> Report:
    """Play so many requests, with a scripted model or, `live`, with the chains of the settings.

    The database is a temporary one, and the tools are the soak's own: nothing outside is touched, although it says yes
    to every approval. Raises SettingsInvalid where there is no chain to be played live.
    """
    if live and not (settings.router or settings.planner):
        raise SettingsInvalid('There is no model to soak: set ERRAND_ROUTER="openai:MODEL", or leave out --live.')
    chains = {} if live else {"router": SCRIPT, "planner": "", "worker": "", "synthesizer": ""}
    model = None if live else lambda _: Scripted(scripted, name=SCRIPT)
    with tempfile.TemporaryDirectory() as folder:
        own = settings.model_copy(update={"database": str(Path(folder) / "soak.db"), **chains})
        async with build(own, toolsets=[Functions([*BUILTIN, *soak_tools()])], model=model) as app:
            person = ScriptedPerson(list(islice(cycle(REQUESTS), requests)))
            await app.serve([person])
            return Report([await _on_record(turn, app.store) for turn in person.played])


class ScriptedPerson:
    """A channel with one person in it, who plays requests one by one, each in a chat of its own."""

    name = "soak"

    def __init__(self, requests: Sequence[Request]) -> None:
        self.played: list[Played] = []
        self._requests = requests
        self._delivered: asyncio.Queue[Delivery] = asyncio.Queue()

    async def run(self, accept: Accept) -> None:
        for number, request in enumerate(self._requests, 1):
            reply = await self._said(request.text, number, request, accept)
            for _ in range(MOST_REPLIES):
                if reply:
                    reply = await self._said(reply, number, request, accept)

    async def show(self, address: Address, turn: str, part: Live) -> None:
        """Nobody looks."""

    async def deliver(self, delivery: Delivery) -> None:
        self._delivered.put_nowait(delivery)

    async def _said(self, text: str, number: int, request: Request, accept: Accept) -> str | None:
        """Say it, and wait for the end of its turn: the words that reply to a question, None where there is none."""
        message = Message(
            event_id=uuid.uuid4().hex,
            address=Address(channel=self.name, chat=str(number)),
            person=Person(id="soak"),
            sent_at=datetime.now(UTC),
            text=text,
        )
        await accept(message)
        delivery = await self._delivered.get()
        self.played.append(Played(number, request.kind, delivery.turn))
        if not isinstance(delivery.part, Question):
            return None
        choices = delivery.part.fields[0].choices
        return choices[0] if choices else request.reply


async def _on_record(played: Played, store: Store) -> Played:
    record = await store.turn(played.turn)
    assert record is not None, "a delivered turn is finished"
    facts = read_facts(record.dossier)
    return Played(
        played.request,
        played.kind,
        played.turn,
        outcome=record.outcome,
        model_calls=facts.totals.calls,
        adherence=facts.adherence,
        deviations=facts.deviations,
    )


def _kind(name: str, played: Sequence[Played]) -> Kind:
    mine = [turn for turn in played if turn.kind == name]
    last = {turn.request: turn.outcome for turn in mine}
    calls = sum(turn.model_calls for turn in mine)
    return Kind(name, len(last), dict(Counter(last.values())), calls / len(last))


# --- the tools and the model of the script ------------------------------------------------------------


def soak_tools() -> list[Any]:
    """Tools that touch nothing: prices, an order that is none, and a feed that is down every other time."""
    asked = 0

    @tool(read_only=True)
    def price(item: str) -> int:
        """The price of an item, a pencil or a pen, in EUR."""
        if item not in PRICES:
            raise BadInput(f"There is no {item!r}, only {', '.join(PRICES)}.")
        return PRICES[item]

    @tool(read_only=True)
    def feed(currency: str) -> str:
        """The rate of a currency in USD, as of now."""
        nonlocal asked
        asked += 1
        if asked % 2:
            raise BadInput("the feed is down")
        return f"1 {currency} = 1.1 USD"

    @tool(read_only=True)
    def archive(currency: str) -> str:
        """The rate of a currency in USD, as of yesterday."""
        return f"1 {currency} = 1.2 USD"

    @tool
    def order(item: str) -> str:
        """Order an item, a pencil or a pen."""
        return f"ordered a {item}"

    return [price, feed, archive, order]


def _text(text: str) -> ModelReply:
    return ModelReply(text=text, model=SCRIPT)


def _plan(steps: str) -> ModelReply:
    return _calls(("plan", {"steps": steps}))


def _calls(*calls: tuple[str, dict[str, Any]]) -> ModelReply:
    wanted = tuple(ToolCall(id=f"c{number}", name=name, arguments=given) for number, (name, given) in enumerate(calls))
    return ModelReply(text="", model=SCRIPT, tool_calls=wanted)


SAYS = {
    "Hi": _text("Hello! I know prices and rates."),
    "What does a pencil cost?": _calls(("price", {"item": "pencil"})),
    "What does a pencil cost, and what does a pen?": _calls(*(("price", {"item": item}) for item in PRICES)),
    "What are three times the price of a pen?": _plan('a: price(item="pen")\nb: calculate(expression="${a} * 3")'),
    "What is the rate of the euro? Ask the feed, or else the archive.": _plan('a: feed(currency="EUR") or archive'),
    "Let a worker find out which is cheaper, a pencil or a pen.": _plan(
        'w: @general(task="Which is cheaper, a pencil or a pen?", tools=["price"])'
    ),
    "Let a worker look up the price of a pencil; it may not order anything, whatever it wants.": _plan(
        'w: @general(task="What does a pencil cost? Order one.", tools=["price"])'
    ),
    "Order a pencil.": _calls(("order", {"item": "pencil"})),
    "What does it cost?": _calls(("ask", {"questions": [{"text": "What is it that you want the price of?"}]})),
    "the pencil": _calls(("price", {"item": "pencil"})),
    "Order me a pizza.": _calls(("refuse", {"reason": "I am sorry, I cannot do that. I know prices and rates."})),
}


def scripted(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
    """What the script's model says. It deviates on purpose: one of its workers wants a tool that it may not have."""
    if messages[0].text == prompt("worker"):
        return _worked(messages)
    return SAYS[messages[-1].text] if tools else _text("That is what I found.")


def _worked(messages: Sequence[ChatMessage]) -> ModelReply:
    if any(message.role == "tool" for message in messages):
        return _text("The pencil, for 2 EUR.")
    if "Order one" in messages[1].text:
        return _calls(("price", {"item": "pencil"}), ("order", {"item": "pencil"}))
    return _calls(*(("price", {"item": item}) for item in PRICES))
