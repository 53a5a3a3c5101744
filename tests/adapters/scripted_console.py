"""A console whose core is a script, for the tests that sit in front of a real terminal: `python -m ...`.

Each message is answered by what its first word names; "wait" goes on until it is stopped.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

from adapters.base import Adapter
from adapters.console import Console
from orchestrator.messages import (
    Answer,
    Arriving,
    Delivery,
    Draft,
    Final,
    Live,
    Message,
    Notice,
    PlanCard,
    Question,
    QuestionField,
    Receipt,
    Status,
    StepLine,
    StepState,
    Stop,
)
from storage.errors import StorageFull

ANSWER = """\
It is **08:15** in Tokyo and `19:15` in New York,
and a `List<String>` is a List<String>.

- one
- two

| city | time |
|---|---|
| Tokyo | 08:15 |

```python
print("hello")
```
See [the docs](https://example.com/docs)."""
QUESTION = Question(
    id="q1",
    text="For **convert time**: which target timezone?",
    fields=(QuestionField(name="s1.tz", label="which target timezone?", choices=("New York", "Newark")),),
)

COURSE: tuple[tuple[StepState, StepState], ...] = (
    ("waiting", "waiting"),
    ("running", "running"),
    ("done", "running"),
    ("done", "failed"),
)


def card(tokyo: StepState, york: StepState, *, note: str = "") -> PlanCard:
    steps = (
        StepLine(id="a", title="get current time (Asia/Tokyo)", state=tokyo),
        StepLine(id="b", title="get current time (America/New_York)", state=york, note=note),
    )
    return PlanCard(plan="t1", mode="parallel", steps=steps)


class Script:
    """A core that knows four words."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._count = 0
        self._running: tuple[str, asyncio.Task[None]] | None = None
        self.channel: Adapter | None = None

    async def accept(self, inbound: Arriving) -> Receipt:
        if isinstance(inbound, Message) and inbound.text == "refuse":
            raise StorageFull
        self._count += 1
        turn = f"t{self._count}"
        if isinstance(inbound, Stop) and self._running:
            running, task = self._running
            task.cancel()
            self._tasks.create_task(self._end(inbound, running, Notice(text="Stopped.")))
        elif isinstance(inbound, Message):
            self._running = turn, self._tasks.create_task(self._work(inbound, turn))
        return Receipt(new=True, turn=turn)

    async def _work(self, message: Message, turn: str) -> None:
        assert self.channel is not None
        async for part in parts(message.text):
            match part:
                case Status() | PlanCard() | Draft():
                    await self.channel.show(message.address, turn, part)
                case Question() | Answer() | Notice():
                    await self._end(message, turn, part)

    async def _end(self, inbound: Arriving, turn: str, part: Final) -> None:
        assert self.channel is not None
        await self.channel.deliver(Delivery(id=f"{turn}.0", turn=turn, address=inbound.address, part=part))


async def parts(text: str) -> AsyncIterator[Live | Final]:
    """What the script says to this."""
    match text.split():
        case ["time", *_]:
            yield Status(text="thinking")
            for tokyo, york in COURSE:
                yield card(tokyo, york, note="the server is away" if york == "failed" else "")
                await asyncio.sleep(PAUSE)
            for end in range(0, len(ANSWER), 12):
                yield Draft(text=ANSWER[:end])
                await asyncio.sleep(PAUSE / 10)
            yield Answer(text=ANSWER)
        case ["ask", *_]:
            yield QUESTION
        case ["wait", *_]:
            yield card("done", "running")
            yield Draft(text="Once upon a time " * 20)
            await asyncio.Event().wait()
        case _:
            yield Answer(text=f"You said {text!r}.")


async def main() -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with asyncio.TaskGroup() as tasks:
        script = Script(tasks)
        script.channel = Console("ann", about="Model: scripted.", leave_seconds=0.2)
        await script.channel.run(script.accept)
        if script._running:
            script._running[1].cancel()


if __name__ == "__main__":
    PAUSE = float(sys.argv[1]) if len(sys.argv) > 1 else 0.06  # longer than the time between two redraws
    with suppress(asyncio.CancelledError):
        asyncio.run(main())
