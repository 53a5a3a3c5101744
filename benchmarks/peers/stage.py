"""One Telegram and one model for a contender, and what is seen from there: when it was asked, when it answered."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.fakes.model_server import Behaviour, Call, Hang, ModelServer, Pace, Say
from tests.fakes.telegram import Chat, Person, World, telegram

TOKENS_A_SECOND = 1_000_000.0  # with a pace, the time to the first token is all that a model takes
LOOK_AGAIN = 0.1  # seconds; the times of answers are those of the server, not of looking
MARK = re.compile(r"\bm(\d+)\b")
WORDS = "Tell me something."
OVER = "That was all of it."
WHOLE = re.compile(rf"{re.escape(OVER)}|It is \d\d:\d\d in ")  # of an answer, also of one that is a tool's own words


@dataclass(slots=True)
class Seen:
    """What became of messages: when each was said, and when each answer to it was whole, in seconds since 1970."""

    said: dict[int, float] = field(default_factory=dict)
    answers: list[tuple[int, int, float]] = field(default_factory=list)

    @property
    def answered(self) -> dict[int, float]:
        """By mark, the first whole answer."""
        return {mark: at for mark, _, at in reversed(self.answers)}

    @property
    def lost(self) -> int:
        return len(self.said) - len(self.answered)

    @property
    def twice(self) -> int:
        return sum(count > 1 for count in Counter(mark for mark, _, _ in self.answers).values())

    @property
    def chats_in_order(self) -> int:
        by_chat: dict[int, list[int]] = {}
        for mark, chat, _ in self.answers:
            by_chat.setdefault(chat, []).append(mark)
        return sum(marks == sorted(marks) for marks in by_chat.values())

    @property
    def rate(self) -> float:
        """Messages answered a second, from the first message to the last answer."""
        return len(self.answered) / (max(self.answered.values()) - min(self.said.values())) if self.answered else 0.0


class Stage:
    """The world of one contender."""

    def __init__(self, world: World, model: ModelServer, oracle: "Oracle") -> None:
        self.world = world
        self.model = model
        self.oracle = oracle
        self._marks = 0

    def chats(self, count: int) -> list[tuple[Person, Chat]]:
        """So many people, each in a chat of their own."""
        people = [self.world.person(f"P{number}") for number in range(count)]
        return [(person, person.private_chat()) for person in people]

    async def say(self, seen: Seen, person: Person, chat: Chat, words: str = WORDS) -> int:
        """The mark of a new message, by which its answer is known."""
        self._marks += 1
        seen.said[self._marks] = time.time()
        await chat.says(person, f"m{self._marks} {words}")
        return self._marks

    def look(self, seen: Seen, chats: Sequence[Chat]) -> None:
        """Take down what there is of answers now."""
        seen.answers = [
            (int(mark), chat.id, next(each.at for each in shown.revisions if WHOLE.search(each.text)))
            for chat in chats
            for shown in chat.from_bot
            if WHOLE.search(shown.text)
            for mark in MARK.findall(shown.text)
            if int(mark) in seen.said
        ]

    async def asked(self, seen: Seen, person: Person, chat: Chat, words: str = WORDS) -> None:
        """One message, until its answer is whole. Raises AssertionError where none comes."""
        mark = await self.say(seen, person, chat, words)
        await self.world.until(lambda: _is_answer(chat, mark), words=f"the answer to m{mark}")

    async def answers(self, seen: Seen, chats: Sequence[Chat], *, count: int, quiet: float) -> None:
        """Returns once so many messages are answered, or the bot has done nothing for `quiet` seconds."""
        calls, last = 0, time.monotonic()
        while len(seen.answered) < count and time.monotonic() - last < quiet:
            await asyncio.sleep(LOOK_AGAIN)
            self.look(seen, chats)
            if (total := self.world.calls.total() - self.world.calls["getUpdates"] + self.model.calls) != calls:
                calls, last = total, time.monotonic()

    def model_seconds(self, since: float, until: float) -> float:
        """How long the model was at work between two times, calls side by side counted once."""
        total, reached = 0.0, since
        for begun, ended in sorted(self.model.spans):
            if ended > reached and begun < until:
                total += min(ended, until) - max(begun, reached)
                reached = ended
        return total


class Oracle:
    """What the model answers: the tool where a message asks for the time, else words with the marks of the message.

    With `holds_after` it answers so many calls, and none that comes then, until it is `released`.
    """

    def __init__(self, holds_after: int | None = None) -> None:
        self._left = holds_after

    def released(self) -> None:
        self._left = None

    def __call__(self, request: Mapping[str, Any]) -> Behaviour:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                return Hang()
        new = _since_last_answer(request["messages"])
        asked = "\n".join(_text(message["content"]) for message in new if message["role"] == "user")
        marks = " ".join(f"m{mark}" for mark in MARK.findall(asked))
        called = str([message.get("tool_calls") for message in new])
        tool = next((name for name in _offered(request) if name.endswith("time_in")), None)
        if tool and "what time" in asked and f"Oslo {marks}" not in called:
            return Call([(tool, {"city": f"Oslo {marks}"})], ids=marks.replace(" ", "_"))
        return Say(f"To {marks}: here is an answer of a few words, as people get them every day. {OVER}")


@asynccontextmanager
async def staged(*, model_seconds: float = 0.0, holds_after: int | None = None) -> AsyncIterator[Stage]:
    """A Telegram without limits, and a model that needs so long for its first token."""
    pace = Pace(model_seconds, TOKENS_A_SECOND) if model_seconds else None
    oracle = Oracle(holds_after)
    await _warmed_up()
    async with telegram(checked=False, flood=None) as world, ModelServer(oracle, pace=pace) as model:
        yield Stage(world, model, oracle)


async def _warmed_up() -> None:
    """The first streamed answer of a process takes a quarter of a second, for what it imports: that is nobody's."""
    words = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": "m1"}]}
    async with ModelServer(Oracle()) as model, httpx2.AsyncClient(trust_env=False) as client:
        key = {"Authorization": "Bearer obviously-fake"}
        (await client.post(f"{model.url}/chat/completions", json=words, headers=key)).raise_for_status()


def _is_answer(chat: Chat, mark: int) -> bool:
    last = chat.from_bot[-1].text if chat.from_bot else ""
    return bool(WHOLE.search(last)) and f"m{mark}" in last


def _since_last_answer(messages: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """What came after the last answer in words."""
    answers = [at for at, each in enumerate(messages) if each["role"] == "assistant" and not each.get("tool_calls")]
    return messages[answers[-1] + 1 :] if answers else messages


def _text(content: Any) -> str:
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def _offered(request: Mapping[str, Any]) -> list[str]:
    return [tool["function"]["name"] for tool in request.get("tools") or ()]
