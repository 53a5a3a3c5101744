"""Somebody else's Slack: npm's local-slack, an independent emulator, with people in front of it.

It listens on every interface of the machine, so that it runs in a network of its own only.
"""

import asyncio
import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.fakes.changes import Changes, T
from tests.fakes.slack.making import QUIET, cache

VERSION = "0.1.8"
PACKAGE = f"local-slack-linux-x64@{VERSION}"
BINARY = "node_modules/local-slack-linux-x64/bin/local-slack"
SECONDS = 90  # what npm may take for its 95 MB; usually three
PORT = 3000
LONGEST_WAIT = 30.0
TOLD = 240  # characters of what went wrong
APP, ANN, TEAM, DIRECT = "U0ERRAND", "U01ANN", "C01TEAM", "D01ANN"
TOKENS = {"slack_bot_token": "xoxb-emulated", "slack_app_token": "xapp-emulated"}
WORKSPACE = {
    "workspace": {"teamId": "T01TEAM"},
    "apps": [
        {
            "appId": "A01ERRAND",
            "botUserId": APP,
            "botName": "errand",
            "botToken": TOKENS["slack_bot_token"],
            "appToken": TOKENS["slack_app_token"],
        }
    ],
    "users": [{"id": ANN, "name": "ann", "real_name": "Ann"}],
    "channels": [
        {"id": TEAM, "name": "team", "members": [ANN, APP]},
        {"id": DIRECT, "name": "ann", "is_im": True, "is_channel": False, "is_private": True, "members": [ANN, APP]},
    ],
}


class NotInstalled(Exception):
    """The emulator is not on this machine, for this reason."""


def installed() -> Path:
    """The emulator's binary, fetched once a machine into the user's cache. Raises NotInstalled."""
    path = cache() / f"local-slack-{VERSION}"
    if not path.exists():
        _install(path)
    return path


def _install(path: Path) -> None:
    """Whole or not at all: another process may do it at the same time."""
    if shutil.which("npm") is None:
        raise NotInstalled("npm not found")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        command = ("npm", "install", "--prefix", folder, *QUIET, PACKAGE)
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise NotInstalled(f"npm took longer than {SECONDS} seconds") from None
        if done.returncode:
            raise NotInstalled(f"npm failed: {done.stderr.strip()[-TOLD:]}")
        (Path(folder) / BINARY).replace(path)


@dataclass
class LocalSlack:
    """The emulator while it runs: what it tells its own pages is kept as it comes."""

    page: aiohttp.ClientWebSocketResponse
    http: aiohttp.ClientSession
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    views: list[dict[str, Any]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)  # in the form that is open, by block
    log: list[dict[str, Any]] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)

    async def connected(self) -> None:
        """Returns once the app is there."""
        await self.until(lambda: next((each for each in self.log if "connected" in each["summary"]), None), "the app")

    async def says(self, channel: str, text: str, *, thread: str | None = None) -> str:
        """Ann says something; its ts."""
        told = await self._tells("message", channel=channel, text=text, thread_ts=thread)
        return str(told["message"]["ts"])

    async def runs(self, channel: str, command: str) -> None:
        """A slash command."""
        name, _, text = command.partition(" ")
        await self._tells("command", channel=channel, command=name, text=text)

    async def presses(self, message: dict[str, Any], label: str) -> None:
        """A button of a message."""
        button = next(each for each in buttons(message) if each["text"]["text"].startswith(label))
        await self._tells("interact", channel=message["channel"], messageTs=message["ts"], action=button)

    async def deletes(self, channel: str, ts: str) -> None:
        await self._tells("delete-message", channel=channel, ts=ts)

    async def submits(self, values: dict[str, dict[str, Any]]) -> None:
        """The form that is open, with these values by block."""
        filled = {block: {"value": value} for block, value in values.items()}
        await self.page.send_json({"t": "view_submit", "user": ANN, "values": filled})

    async def shows(self, thread: str, words: str) -> dict[str, Any]:
        """A message of the app with these words, in a thread."""

        def found() -> dict[str, Any] | None:
            return next((each for each in self.thread(thread) if words in words_of(each)), None)

        return await self.until(found, words)

    def thread(self, ts: str) -> list[dict[str, Any]]:
        """What the app has said to everybody in a thread."""
        return [each for each in self.messages.values() if each.get("thread_ts") == ts and is_public(each)]

    @property
    def begun(self) -> list[dict[str, Any]]:
        """Messages of the app that are in no thread."""
        return [each for each in self.messages.values() if not each.get("thread_ts") and is_public(each)]

    @property
    def whispers(self) -> list[str]:
        """What the app has said to Ann alone."""
        return [words_of(each) for each in self.messages.values() if each.get("ephemeral_to") == ANN]

    @property
    def trouble(self) -> list[str]:
        """What the emulator had to say about calls, but for those of methods that it does not know."""
        return [each["summary"] for each in self.log if each["direction"] == "internal"]

    def calls(self, method: str) -> int:
        """How often the app has called this."""
        return sum(each["kind"] == "web_api" and each["summary"] == method for each in self.log)

    async def until(self, seen: Callable[[], T | None], words: str) -> T:
        """What `seen` returns once it is not None. Raises AssertionError with all that can be seen."""
        return await self.changes.until(
            seen,
            seconds=LONGEST_WAIT,
            failing=lambda: f"not seen: {words}\n{json.dumps([*self.messages.values(), *self.log[-40:]], indent=1)}",
        )

    async def listen(self) -> None:
        """Keep what comes."""
        async for frame in self.page:
            told = frame.json()
            match told["t"]:
                case "message" | "message_update":
                    self.messages[told["message"]["ts"]] = told["message"]
                case "view":
                    self.views = told["stack"]
                case "view_errors":
                    self.errors = told["errors"]
                case "log":
                    self.log.append(told["entry"])
            self.changes.tell()

    async def _tells(self, what: str, **given: Any) -> dict[str, Any]:
        body = {"user": ANN, **{name: value for name, value in given.items() if value is not None}}
        async with self.http.post(f"/_control/{what}", json=body) as answer:
            told: dict[str, Any] = await answer.json()
        assert told["ok"], told
        return told


def is_public(message: dict[str, Any]) -> bool:
    """Whether the app has said it to everybody."""
    return message["user"] == APP and not message.get("ephemeral_to")


def words_of(message: dict[str, Any]) -> str:
    """What a message says: its text is what notifications show, and is cut."""
    written = [block["text"] for block in message.get("blocks") or () if block["type"] == "markdown"]
    return "\n".join(written) or str(message["text"])


def buttons(message: dict[str, Any]) -> Sequence[dict[str, Any]]:
    """What can be pressed below a message."""
    rows = [block for block in message.get("blocks") or () if block["type"] == "actions"]
    return [each for row in rows for each in row["elements"] if each["type"] == "button"]


@asynccontextmanager
async def local_slack(binary: Path, folder: Path) -> AsyncIterator[LocalSlack]:
    """The emulator with its files in this folder. Raises AssertionError outside of a network of its own."""
    assert _is_alone(), "the emulator would listen where others can reach it"
    config = folder / "workspace.json"
    config.write_text(json.dumps(WORKSPACE))
    where = ("--port", str(PORT), "--base-host", "127.0.0.1", "--files-dir", str(folder / "emulated"))
    process = await asyncio.create_subprocess_exec(
        binary, "--config", str(config), *where, stdout=asyncio.subprocess.PIPE, cwd=folder
    )
    try:
        await _is_up(process)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{PORT}") as http, http.ws_connect("/ui") as page:
            emulator = LocalSlack(page, http)
            listening = asyncio.ensure_future(emulator.listen())
            try:
                yield emulator
            finally:
                await page.close()
                await listening
    finally:
        process.kill()
        await process.wait()


async def _is_up(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(LONGEST_WAIT):
        while line := await process.stdout.readline():
            if b"Control API" in line:
                return
    raise AssertionError("the emulator did not start")


def _is_alone() -> bool:
    """Whether there is no network but the loopback."""
    net = Path("/proc/net")
    newer = net / "if_inet6"
    addresses = newer.read_text().splitlines() if newer.exists() else []
    routes = (net / "route").read_text().splitlines()[1:]
    return not routes and all(address.endswith(" lo") for address in addresses)
