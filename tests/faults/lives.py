"""Lives of one Errand in this process, each of which ends as if it was killed: nothing that runs comes to its end."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestrator.messages import Message
from tests.conversations.talk import LONGEST_WAIT, Talk, running
from tests.fakes.channel import FakeChannel


@asynccontextmanager
async def life(folder: Path, **settings: Any) -> AsyncIterator[Talk]:
    """One life, on the database in this folder."""
    async with running(folder, drain_seconds=0.0, **settings) as (app, serve):
        channel = FakeChannel()
        serving = asyncio.ensure_future(serve(channel))
        try:
            await channel.ready()
            yield Talk(app, channel)
        finally:
            fell = serving.done() and serving
            serving.cancel()
            done, _ = await asyncio.wait({serving}, timeout=LONGEST_WAIT)
            assert done, f"this life does not end\n{where_all_wait()}"
            if fell:
                fell.result()  # raises why this life ended before it was ended


async def shown(talk: Talk, count: int) -> None:
    """Returns once so many final parts were shown in this life."""
    async with asyncio.timeout(LONGEST_WAIT), talk.channel._changed:
        await talk.channel._changed.wait_for(lambda: len(talk.channel.shown) >= count)


def words(talk: Talk, event_id: str, text: str, *, chat: str = "1") -> Message:
    """A message under an id of ours."""
    return Message(
        event_id=event_id or uuid.uuid4().hex,
        address=talk.channel.address(chat),
        person=talk.person,
        sent_at=datetime.now(UTC),
        text=text,
        private=True,
    )


def where_all_wait() -> str:
    """A line for each task: the places at which it waits, the innermost one last."""
    return "\n".join(sorted(f"{task.get_name()}: {' > '.join(_places(task))}" for task in asyncio.all_tasks()))


def _places(task: asyncio.Task[Any]) -> Iterator[str]:
    inner: Any = task.get_coro()
    while inner is not None:
        if frame := getattr(inner, "cr_frame", None) or getattr(inner, "gi_frame", None):
            yield f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {frame.f_code.co_name}"
        inner = getattr(inner, "cr_await", None) or getattr(inner, "gi_yieldfrom", None)


class Clock:
    """Stands still until somebody sets it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, talk: Talk, **by: float) -> None:
        self.now += timedelta(**by)
        talk.app.look_at_the_clock()


def texts(talk: Talk, *, chat: str | None = None) -> Sequence[str]:
    """What was shown in this life, in a chat or in all, in the order of its first showing."""
    shown = talk.channel.shown.values()
    return [each.part.text for each in shown if chat in {None, each.address.chat}]
