"""An app without Slack: `python -m tests.fakes.slack --port 8082`, and talk to it in this terminal.

A line is what you say to the app. `#team WORDS` says it in a channel, with a mention of the app. `/command WORDS` runs
a slash command. `:thread WORDS` answers in the thread of the last message, `:press LABEL` presses a button, `:fill
LABEL=WORDS` fills in and sends the form that is open, `:stop` presses Stop, `:send PATH` sends a file, `:show` prints
everything, `:quit` or the end of the input ends it.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from tests.fakes.slack.chat import Chat
from tests.fakes.slack.person import Person
from tests.fakes.slack.rooms import Shown
from tests.fakes.slack.server import slack
from tests.fakes.slack.transcript import lines_of
from tests.fakes.slack.world import Slack

UNHEARD = "(nobody listens yet; it waits)"


class Desk:
    """You, and what you sit in front of."""

    def __init__(self, world: Slack) -> None:
        self.world = world
        self.you: Person = world.person("You")
        self.direct = self.you.direct()
        self.channel = world.channel("team", self.you)
        self.last: Chat = self.direct  # where something was said last, as a thread

    @property
    def shown(self) -> list[Shown]:
        """Every message of the app that you can see."""
        hidden = [each for room in (self.direct, self.channel) for each in room.ephemerals(self.you)]
        said = [*self.direct.from_bot, *self.channel.from_bot, *hidden]
        return sorted((each for each in said if not each.deleted), key=lambda each: each.ts)

    async def acts(self, line: str) -> None:
        """What a person wants with a line."""
        command, _, rest = line.partition(" ")
        match command:
            case ":press":
                await self.presses(rest)
            case ":fill":
                label, _, value = rest.partition("=")
                await self.you.submits({label: value} if label else {})
            case ":stop":
                await self.you.presses_stop(self.last)
            case ":thread":
                await self.you.says(self.last, rest)
            case ":send":
                path = Path(rest)
                sent = await self.you.uploads(self.direct, path.name, path.read_bytes())
                self.last = self.direct.thread(sent)
            case ":show":
                say("\n".join(filter(None, (self.direct.transcript(), self.channel.transcript()))))
            case "#team":
                self.last = self.channel.thread(await self.you.mentions(self.channel, rest))
            case _ if line.startswith("/"):
                await self.you.runs(self.direct, line)
            case _ if line.strip():
                self.last = self.direct.thread(await self.you.says(self.direct, line))

    async def presses(self, label: str) -> None:
        """The last button with this label, of a message or of what is open. Raises AssertionError."""
        if self.you.modal:
            await self.you.presses(self.you.modal, label)
            return
        found = [each for each in self.shown if label in each.buttons]
        assert found, f"there is no button {label!r}"
        await self.you.presses(found[-1], label)


async def talk(port: int) -> None:
    """Until the input ends."""
    async with slack(port=port) as world:
        desk = Desk(world)
        say(f"base url   {world.api_url}")
        say(f"bot token  {world.bot_token}")
        say(f"app token  {world.app_token}")
        say(f"signing secret  {world.signing_secret}")
        watching = asyncio.create_task(watch(world, desk))
        try:
            while line := await asyncio.to_thread(sys.stdin.readline):
                if line.strip() == ":quit":
                    break
                await carry_out(desk, line.rstrip("\n"))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            for problem in world.problems:
                say(f"problem: {problem}")


async def carry_out(desk: Desk, line: str) -> None:
    """What cannot be done is told."""
    try:
        await desk.acts(line)
    except (AssertionError, OSError) as error:
        say(f"({error})")
    if not desk.world.sockets.count and not desk.world.request_url and not line.startswith(":"):
        say(UNHEARD)


async def watch(world: Slack, desk: Desk) -> None:
    """Print what the app shows, again when it changes."""
    printed: dict[str, list[str]] = {}
    status = title = ""
    while True:
        for shown in desk.shown:
            lines = list(lines_of(world, shown))
            if printed.get(shown.ts) != lines:
                say("\n".join(lines))
            printed[shown.ts] = lines
        if desk.last.status != status:
            status = desk.last.status
            say(f"... {status}" if status else "...")
        modal = desk.you.modal.title if desk.you.modal else ""
        if modal != title:
            title = modal
            say(f"(open: {title})" if title else "(closed)")
        await world.changes.next()


def say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="a free one where it is 0")
    asyncio.run(talk(parser.parse_args().port))


if __name__ == "__main__":
    main()
