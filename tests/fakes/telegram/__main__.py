"""A bot without Telegram: `python -m tests.fakes.telegram --port 8081`, and talk to it in this terminal.

A line is what you say. `:press LABEL` presses a button of the bot's last message that has one, `:stop` presses Stop,
`:send PATH` sends a file, `:show` prints the chat, `:quit` or the end of the input ends it.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from tests.fakes.telegram.person import Chat, Person
from tests.fakes.telegram.server import telegram
from tests.fakes.telegram.state import Shown
from tests.fakes.telegram.transcript import lines_of
from tests.fakes.telegram.world import World


async def talk(port: int) -> None:
    """Until the input ends."""
    async with telegram(port=port) as world:
        you = world.person("You")
        chat = you.private_chat()
        say(f"server {world.url}  token {world.token}")
        watching = asyncio.create_task(watch(world, chat))
        try:
            while line := await asyncio.to_thread(sys.stdin.readline):
                if line.strip() == ":quit":
                    break
                await act(you, chat, line.rstrip("\n"))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            for problem in world.problems:
                say(f"problem: {problem}")


async def act(you: Person, chat: Chat, line: str) -> None:
    """What a person wants with a line."""
    command, _, rest = line.partition(" ")
    try:
        match command:
            case ":press":
                await you.presses(with_buttons(chat), rest)
            case ":stop":
                await you.presses_stop(chat)
            case ":send":
                path = Path(rest)
                await chat.sends_document(you, path.name, path.read_bytes())
            case ":show":
                say(chat.transcript())
            case _ if line.strip():
                await chat.says(you, line)
    except (AssertionError, OSError) as error:
        say(f"({error})")


def with_buttons(chat: Chat) -> Shown:
    """The last message that has buttons. Raises AssertionError."""
    found = [each for each in chat.from_bot if each.buttons]
    assert found, "there is no button"
    return found[-1]


async def watch(world: World, chat: Chat) -> None:
    """Print what the bot shows, again when it changes."""
    printed: dict[int, list[str]] = {}
    draft = ""
    while True:
        for shown in chat.from_bot:
            lines = list(lines_of(world, shown))
            if printed.get(shown.id) != lines:
                say("\n".join(lines))
            printed[shown.id] = lines
        now = chat.draft.text if chat.draft else ""
        if now and now != draft:
            say(f"... {now}")
        draft = now
        await world.changes.next()


def say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="a free one where it is 0")
    asyncio.run(talk(parser.parse_args().port))


if __name__ == "__main__":
    main()
