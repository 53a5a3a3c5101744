"""Errand in Telegram beside a plain python-telegram-bot: both as processes, on one local server of the Bot API."""

import asyncio
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from benchmarks.figures import Figure, high, middle
from tests.fakes.telegram import TOKEN, Chat, Person, World, telegram

ROOT = Path(__file__).parents[1]
ONE_BY_ONE = 150
CHATS, EACH = 200, 5
LOST_OF = 100
PLAIN = "a plain python-telegram-bot"
WAIT = 120.0  # seconds for everything to be answered


def measure() -> Iterator[Figure]:
    ours, theirs = (asyncio.run(_measured(kind)) for kind in ("errand", "plain"))
    yield Figure("Telegram: message to answer, p50", ours.p50 * 1000, "ms", theirs.p50 * 1000, PLAIN)
    yield Figure("Telegram: message to answer, p99", ours.p99 * 1000, "ms", theirs.p99 * 1000, PLAIN)
    yield Figure(f"Telegram: messages a second, {CHATS} chats x {EACH}", ours.rate, "/s", theirs.rate, PLAIN)
    yield Figure("Telegram: chats with their answers in order", ours.in_order, "", theirs.in_order, PLAIN)
    yield Figure("Telegram: processor time a message under load", ours.cpu * 1000, "ms", theirs.cpu * 1000, PLAIN)
    yield Figure("Telegram: memory at rest", ours.megabytes, "MB", theirs.megabytes, PLAIN)
    yield Figure(f"Telegram: answered after SIGKILL, of {LOST_OF}", ours.answered, "", theirs.answered, PLAIN)
    yield Figure("Telegram: answered twice after SIGKILL, + 1", ours.twice + 1, "", theirs.twice + 1, PLAIN)


class Measured:
    """What one bot did."""

    p50 = p99 = rate = cpu = megabytes = 0.0
    in_order = answered = twice = 0


async def _measured(kind: str) -> Measured:
    found = Measured()
    with tempfile.TemporaryDirectory() as folder:
        async with _telegram() as fake, _bot(kind, fake, Path(folder)) as process:
            await _first(fake)
            found.megabytes = _status(process.pid, "VmRSS") / 1024
            times = [await _one(fake, number) for number in range(ONE_BY_ONE)]
            found.p50, found.p99 = middle(times), high(times)
            await _load(fake, found, process.pid)
        async with _telegram() as fake:
            await _killed(kind, fake, Path(folder) / "killed", found)
    return found


def _telegram() -> AbstractAsyncContextManager[World]:
    """A Telegram without limits, in which a plain bot would be refused at once."""
    return telegram(checked=False, flood=None)


@asynccontextmanager
async def _bot(kind: str, fake: World, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    folder.mkdir(exist_ok=True)
    plain = ["-m", "benchmarks.plain_telegram_bot", TOKEN, fake.url]
    settings = {
        "ERRAND_DATABASE": str(folder / "errand.db"),
        "ERRAND_SERVERS": str(folder / "none.json"),
        "ERRAND_TELEGRAM_TOKEN": TOKEN,
        "ERRAND_TELEGRAM_API": fake.url,
        "ERRAND_TELEGRAM_PEOPLE": "*",
        "ERRAND_TELEGRAM_RATE": "100000",
        "ERRAND_DRAIN_SECONDS": "1",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(plain if kind == "plain" else ["-m", "bot", "serve"]),
        cwd=ROOT,
        env={**os.environ, **settings},
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _first(fake: World) -> None:
    person = fake.person("First")
    await person.private_chat().says(person, "Hi")
    await _until(lambda: bool(person.private_chat().from_bot))


async def _one(fake: World, number: int) -> float:
    """Seconds from a message to its answer, in a chat of its own: limits of one chat are not what is measured."""
    person = fake.person(f"One{number}")
    chat = person.private_chat()
    begun = time.perf_counter()
    await chat.says(person, "Hi")
    while not chat.from_bot:
        await fake.changes.next()
    return time.perf_counter() - begun


async def _load(fake: World, found: Measured, pid: int) -> None:
    chats = _people(fake, CHATS)
    cpu, begun = _cpu_seconds(pid), time.perf_counter()
    for number in range(EACH):
        for person, chat in chats:
            await chat.says(person, f"Hi {number}")
    await _until(lambda: sum(len(chat.from_bot) for _, chat in chats) >= CHATS * EACH)
    found.rate = CHATS * EACH / (time.perf_counter() - begun)
    found.cpu = (_cpu_seconds(pid) - cpu) / (CHATS * EACH)
    found.in_order = sum(_is_in_order(chat) for _, chat in chats)


def _is_in_order(chat: Chat) -> bool:
    """Whether the answers came in the order of the messages, as far as they say to what they answer."""
    said = [shown.text.removeprefix("heard: ") for shown in chat.from_bot if shown.text.startswith("heard: ")]
    return said == sorted(said)


async def _killed(kind: str, fake: World, folder: Path, found: Measured) -> None:
    chats = _people(fake, LOST_OF)
    for person, chat in chats:
        await chat.says(person, "Hi")
    async with _bot(kind, fake, folder) as process:
        await _until(lambda: sum(bool(chat.from_bot) for _, chat in chats) >= LOST_OF // 3)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with _bot(kind, fake, folder):
        last, chat = _people(fake, 1)[0]
        await chat.says(last, "Hi")
        await _until(lambda: bool(chat.from_bot))
        await asyncio.sleep(5)
    found.answered = sum(bool(chat.from_bot) for _, chat in chats)
    found.twice = sum(len(chat.from_bot) > 1 for _, chat in chats)


def _people(fake: World, count: int) -> list[tuple[Person, Chat]]:
    known = [fake.person(f"P{number}") for number in range(count)]
    return [(person, person.private_chat()) for person in known]


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT):
        while not is_so():
            await asyncio.sleep(0.01)


def _status(pid: int, name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return float(found[1])


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
