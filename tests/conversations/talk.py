"""Talks to a whole Errand in this process, as one person in one chat would, and sees what that person sees."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bot.app import App, build
from bot.cluster.member import Member
from bot.cluster.node import Node
from bot.settings import read_settings
from orchestrator.messages import Answer, Attachment, Draft, Final, Message, Notice, Person, PlanCard, Question
from orchestrator.models import Model
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import Toolset
from tests.fakes.channel import FakeChannel

LONGEST_WAIT = 30.0  # seconds
SHARED_DATABASE = ""  # where this is set, everything runs as a cluster on that database


class Talk:
    """One person's side of a conversation."""

    def __init__(self, app: App, channel: FakeChannel, *, chat: str = "1", person: str = "ann") -> None:
        self.app = app
        self.channel = channel
        self.address = channel.address(chat)
        self.person = Person(id=person)
        self.private = True

    async def send(self, text: str, *files: Attachment, tools: Sequence[str] | None = None) -> str:
        """Send words and files; the name of the turn that will answer them. `tools` are the only ones to be used."""
        message = Message(
            event_id=uuid.uuid4().hex,
            address=self.address,
            person=self.person,
            sent_at=datetime.now(UTC),
            text=text,
            attachments=files,
            private=self.private,
            tools=None if tools is None else tuple(tools),
        )
        receipt = await self.channel.push(message)
        assert receipt.turn is not None
        return receipt.turn

    async def say(self, text: str, *files: Attachment) -> Final:
        """Send words and files, and wait for what comes back."""
        return await self.outcome(await self.send(text, *files))

    async def outcome(self, turn: str) -> Final:
        async with asyncio.timeout(LONGEST_WAIT):
            return (await self.channel.until_delivered(turn)).part

    async def asked(self, text: str) -> Question:
        part = await self.say(text)
        assert isinstance(part, Question), part
        return part

    async def answered(self, text: str) -> str:
        part = await self.say(text)
        assert isinstance(part, Answer), part
        return part.text

    async def told(self, text: str) -> str:
        part = await self.say(text)
        assert isinstance(part, Notice), part
        return part.text

    def as_person(self, person: str) -> "Talk":
        """Somebody else in the same chat."""
        other = Talk(self.app, self.channel, person=person)
        other.address = self.address
        return other

    def cards(self, turn: str | None = None) -> list[PlanCard]:
        return [part for each, part in self.channel.live if isinstance(part, PlanCard) and turn in {None, each}]

    def drafts(self) -> list[str]:
        return [part.text for _, part in self.channel.live if isinstance(part, Draft)]


def outgoing() -> tuple[list[str], Functions]:
    """A risky tool `send(text)`, and what it has really sent."""
    sent: list[str] = []

    @tool
    def send(text: str) -> str:
        """Send."""
        sent.append(text)
        return "sent it"

    return sent, Functions([send])


Serve = Callable[[FakeChannel], Coroutine[None, None, None]]
"""Listen in this channel."""


@asynccontextmanager
async def running(
    folder: Path,
    *,
    toolsets: Sequence[Toolset] | None = (),
    model: Callable[[str], Model] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    policy: str = "",
    **settings: Any,
) -> AsyncIterator[tuple[App, Serve]]:
    """An Errand on a database in this folder; where there is a SHARED_DATABASE, as a cluster of one process."""
    paths = {"database": "errand.db", "servers": "none.json", "policy_file": "policy.toml"}
    given = {**{name: str(folder / path) for name, path in paths.items()}, **settings}
    given["database"] = SHARED_DATABASE or given["database"]
    if policy:
        (folder / "policy.toml").write_text(policy)
    member = Member(given["database"]) if SHARED_DATABASE else None
    async with build(read_settings(**given), toolsets=toolsets, model=model, member=member, now=now) as app:
        yield app, (partial(_as_a_cluster, app, member) if member else lambda channel: app.serve([channel]))


async def _as_a_cluster(app: App, member: Member, channel: FakeChannel) -> None:
    async def idle() -> None:
        while await app.store.unfinished_sessions() or await app.store.undelivered():
            await asyncio.sleep(0.01)

    app.idle = idle  # type: ignore[method-assign]
    await Node(app, member, [channel], at_once=20, drain_seconds=1.0).run()


@asynccontextmanager
async def talking(
    folder: Path,
    *,
    toolsets: Sequence[Toolset] | None = (),
    model: Callable[[str], Model] | None = None,
    channel: Callable[[], FakeChannel] = FakeChannel,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    policy: str = "",
    **settings: Any,
) -> AsyncIterator[Talk]:
    """A running Errand on a database in this folder, and a person who talks to it. None: a first run's tools. `policy`
    is the text of its policy file."""
    async with running(folder, toolsets=toolsets, model=model, now=now, policy=policy, **settings) as (app, serve):
        fake = channel()
        serving = asyncio.ensure_future(serve(fake))
        try:
            await fake.ready()
            yield Talk(app, fake)
        finally:
            fake.close()
            await asyncio.wait_for(serving, LONGEST_WAIT)
