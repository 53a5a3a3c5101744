"""Whatever people, clocks and dying processes do in whichever order, played by Hypothesis against a few rules."""

import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from orchestrator.messages import Delivery, Edit, Message, Question
from orchestrator.tools.functions import Functions, tool
from tests.conversations.talk import LONGEST_WAIT
from tests.databases import PostgresServer
from tests.faults.lives import Clock, life, where_all_wait, words

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

# ERRAND_EXAMPLES=500 looks further; what is played then is a random choice each time.
EXAMPLES = int(os.environ.get("ERRAND_EXAMPLES", "0"))
MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
REQUESTS = [
    "/look what={0}",
    "/note text={0}",
    "/hold what={0}",
    '/plan a: look(what="{0}")\nb: note(text="{0}") after a',
    '/plan a: hold(what="{0}")\nb: note(text="{0}") after a',
]
CHATS = st.sampled_from(["1", "2"])


class Errand(RuleBasedStateMachine):
    """One Errand over some lives, two chats, and everything that was ever shown in them."""

    server: PostgresServer | None = None  # where there is one, it plays as a cluster
    patch: pytest.MonkeyPatch

    def __init__(self) -> None:
        super().__init__()
        self.runner, self.stack = asyncio.Runner(), AsyncExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        if self.server:
            self.database = self.stack.enter_context(self.server.database())
            self.patch.setattr("tests.conversations.talk.SHARED_DATABASE", self.database)
        self.numbers, self.clock = count(1), Clock(MONDAY)
        self.sent: dict[str, Message | Edit] = {}
        self.turns: dict[str, str] = {}  # the turn of each event
        self.shown: dict[str, Delivery] = {}  # in the order of their first showing
        self.noted: list[str] = []
        self.may_end = asyncio.Event()
        self.lives: AsyncExitStack | None = None

    # --- what can happen

    @initialize()
    def start(self) -> None:
        async def begin() -> None:
            self.lives = AsyncExitStack()
            self.may_end = asyncio.Event()
            given: dict[str, Any] = {"toolsets": [Functions(self._tools())], "now": self.clock}
            self.talk = await self.lives.enter_async_context(life(self.folder, **given))

        self.runner.run(begin())

    @rule(chat=CHATS, words_of_it=st.sampled_from(REQUESTS))
    def ask(self, chat: str, words_of_it: str) -> None:
        self._send(words(self.talk, self._name(), words_of_it.format(f"w{next(self.numbers)}"), chat=chat))

    @rule(chat=CHATS, text=st.sampled_from(["yes", "no", "/stop", "/new", "hello"]))
    def say(self, chat: str, text: str) -> None:
        self._send(words(self.talk, self._name(), text, chat=chat))

    @precondition(lambda self: self.sent)
    @rule(choice=st.randoms(use_true_random=False))
    def send_again(self, choice: Any) -> None:
        self._send(self.sent[choice.choice(sorted(self.sent))])

    @precondition(lambda self: self.sent)
    @rule(choice=st.randoms(use_true_random=False))
    def edit(self, choice: Any) -> None:
        old = self.sent[choice.choice(sorted(self.sent))]
        if isinstance(old, Message):
            text = f"/look what=w{next(self.numbers)}"
            given = {"address": old.address, "person": old.person, "sent_at": old.sent_at}
            self._send(Edit(event_id=self._name(), edits=old.event_id, text=text, **given))

    @rule(cycles=st.integers(1, 60))
    def go_on(self, cycles: int) -> None:
        async def breathe() -> None:
            for _ in range(cycles):
                await asyncio.sleep(0.0005)  # so that the database's threads come into it, too

        self.runner.run(breathe())

    @rule()
    def settle(self) -> None:
        async def idle() -> None:
            self.may_end.set()
            try:
                async with asyncio.timeout(LONGEST_WAIT):
                    await self.talk.app.idle()
            except TimeoutError:
                raise AssertionError(await self._what_is_left()) from None
            self.may_end.clear()

        self.runner.run(idle())

    @rule()
    def die(self) -> None:
        self._end()
        self.start()

    @rule(chat=CHATS)
    def die_behind_a_call(self, chat: str) -> None:
        """A call that changes something has ended, and its plan has not."""
        self.settle()
        self._send(words(self.talk, self._name(), "/new", chat=chat))
        self.ask(chat, '/plan a: note(text="{0}")\nb: hold(what="{0}") after a')
        self.settle()
        self.say(chat, "yes")
        self.go_on(100)
        self.die()

    @rule(hours=st.sampled_from([-30, -1, 1, 30]))
    def jump(self, hours: int) -> None:
        self.clock.now += timedelta(hours=hours)

    # --- what must be true in the end

    def teardown(self) -> None:
        try:
            if self.lives:
                self.die()
                self.settle()
                self.runner.run(self._all_is_well())
                self._end()
        finally:
            if self.lives:
                self.runner.run(self.lives.aclose())
            self.runner.close()
            self.runner = asyncio.Runner()
            self.runner.run(self.stack.aclose())
            self.runner.close()

    async def _what_is_left(self) -> str:
        """What has not come to its end, and where everything waits."""
        store = self.talk.app.store
        left: dict[str, Sequence[object]] = {chat: await store.unfinished_in(f"fake:{chat}") for chat in ("1", "2")}
        left["undelivered"] = await store.undelivered()
        if self.server:
            with psycopg.connect(self.database) as connection:
                left["jobs"] = connection.execute("SELECT * FROM procrastinate_jobs").fetchall()
        return "\n".join([*(f"{what}: {them}" for what, them in left.items()), where_all_wait()])

    async def _all_is_well(self) -> None:
        store = self.talk.app.store
        self.shown |= {name: each for name, each in self.talk.channel.shown.items() if name not in self.shown}
        assert await store.unfinished_sessions() == []
        assert await store.undelivered() == []
        by_turn = Counter(each.turn for each in self.shown.values())
        for event, turn in self.turns.items():
            sent = self.sent[event]
            if isinstance(sent, Message) and sent.text != "/stop":
                assert by_turn[turn] == 1, (sent, turn)
            assert by_turn[turn] <= 1, (sent, turn)
        assert set(by_turn) <= {*self.turns.values()}
        asked = [each.part.text for each in self.shown.values() if isinstance(each.part, Question)]
        doubted = [text for text in asked if "may have happened" in text]
        twice = {text for text, times in Counter(self.noted).items() if times > 1}
        assert not {text for text in twice if not any(text in doubt for doubt in doubted)}
        for chat in ("1", "2"):
            await self._chat_is_well(
                [each for each in self.shown.values() if each.address.chat == chat], f"fake:{chat}"
            )

    async def _chat_is_well(self, shown: list[Delivery], session: str) -> None:
        messages = {self.turns[name] for name, sent in self.sent.items() if isinstance(sent, Message)}
        order = [int(each.turn[1:]) for each in shown if each.turn in messages]
        assert order == sorted(order), order
        questions = [each.part for each in shown if isinstance(each.part, Question)]
        open_question = await self.talk.app.store.open_question(session)
        for question in questions:
            known = await self.talk.app.store.question(question.id)
            assert known is not None, question
        if shown and isinstance(shown[-1].part, Question):
            assert open_question is not None, shown[-1]
            assert open_question.id == shown[-1].part.id

    # --- how it is done

    def _tools(self) -> list[Any]:
        @tool(read_only=True)
        def look(what: str) -> str:
            """Look something up."""
            return f"seen {what}"

        @tool
        def note(text: str) -> str:
            """Note."""
            self.noted.append(text)
            return f"noted {text}"

        @tool(read_only=True)
        async def hold(what: str) -> str:
            """Take long."""
            await self.may_end.wait()
            return f"held {what}"

        return [look, note, hold]

    def _name(self) -> str:
        return f"event-{next(self.numbers)}"

    def _send(self, sent: Message | Edit) -> None:
        receipt = self.runner.run(self.talk.channel.push(sent))
        assert receipt.new == (sent.event_id not in self.sent), "an event is new once"
        if receipt.new:
            assert receipt.turn is not None
            self.sent[sent.event_id], self.turns[sent.event_id] = sent, receipt.turn

    def _end(self) -> None:
        assert self.lives is not None
        self.runner.run(self.lives.aclose())
        self.lives = None
        self.shown |= {name: each for name, each in self.talk.channel.shown.items() if name not in self.shown}


def play(machine: type[Errand], *, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES or examples,
            stateful_step_count=steps,
            derandomize=not EXAMPLES,
            database=None,
            deadline=None,
            suppress_health_check=[*HealthCheck],
        ),
    )


@pytest.mark.proves("faults.model")
def test_whatever_happens_each_message_has_one_outcome_and_nothing_is_lost_or_done_twice() -> None:
    play(Errand, examples=20, steps=30)


@pytest.mark.proves("faults.model")
def test_in_a_cluster_too_whatever_happens(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cluster(Errand):
        server = postgres_server
        patch = monkeypatch

    play(Cluster, examples=6, steps=30)
