"""The tutorial, carried out: its file is saved, its commands run, its words are said, all without the network."""

import asyncio
import io
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from adapters.console import Console
from bot.app import build
from bot.channels import channels_of
from bot.settings import read_settings
from tests.bot.command import errand
from tests.fakes.model_server import Behaviour, Call, ModelServer, Say
from tests.fakes.telegram import TOKEN, telegram

pytestmark = pytest.mark.timeout(180)  # each starts some processes

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "tutorial.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
CHATS = [block for kind, block in BLOCKS if kind == "chat"]


@pytest.fixture
async def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that one is in, after the second step's file was saved and written into mcp.json."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")  # mcp-server-time
    (server,) = (block for kind, block in BLOCKS if kind == "python")
    (tmp_path / "shelf.py").write_text(server)
    shutil.copy(ROOT / "mcp.json", tmp_path)
    assert "shelf stands in mcp.json" in await command("tools add")
    return tmp_path


async def command(name: str) -> str:
    """What the command of the page that begins so says, with this Python in place of the checkout's."""
    (line,) = (each for each in COMMANDS if each.startswith(f".venv/bin/errand {name}"))
    done = await errand(Path.cwd(), *line.replace(".venv/bin/python", sys.executable).split()[1:])
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def chat(words: str) -> str:
    """What `errand chat` answers to these lines. It waits for its servers, as people do without knowing."""
    screen = io.StringIO()
    async with build(read_settings(), patient=True) as app:
        await app.serve([Console("ann", source=io.StringIO(words), target=screen)])
    return screen.getvalue()


def plans(request: dict[str, Any]) -> Behaviour:
    """A model that wants both tools, and then answers from the results."""
    if not request.get("tools"):
        return Say("There are 4 tea, and 5 coffee are ordered.")
    return Call([("shelf__stock", {"product": "tea"}), ("shelf__order", {"product": "coffee", "count": 5})])


@asynccontextmanager
async def exported(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The variables of the third step, with a local server behind them."""
    async with ModelServer(plans) as server:
        variables = dict(re.findall(r'^export (\w+)="?([^"]*)"?$', "\n".join(COMMANDS), re.MULTILINE))
        assert variables.keys() == {"OPENAI_API_KEY", "ERRAND_ROUTER", "ERRAND_TELEGRAM_TOKEN"}
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("ERRAND_ROUTER", variables["ERRAND_ROUTER"])
        monkeypatch.setenv("ERRAND_OPENAI_BASE_URL", server.url)
        yield


@pytest.mark.slow
@pytest.mark.proves("docs.tutorial")
async def test_without_a_model_the_words_of_the_page_find_the_tools(checkout: Path) -> None:
    first = await chat(CHATS[0])
    assert "Asia/Tokyo" in first
    assert "fits the words" in first
    second = await chat(CHATS[1])
    assert "which **product**?" in second
    assert "stock (tea)**: 4" in second
    assert "May I run `shelf__order`" in second
    assert "ordered 5 of coffee" in second


@pytest.mark.slow
@pytest.mark.proves("docs.tutorial")
async def test_with_a_model_the_same_is_asked_in_plain_words(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "shelf: ready, 2 tools" in await command("tools test")
    assert await command("tools call") == "4\n"
    async with exported(monkeypatch):
        assert "openai:gpt-4o-mini" in await command("doctor")
        told = await chat(CHATS[2])
    assert "May I run `shelf__order`: product = `coffee`, count = `5`" in told
    assert "There are 4 tea, and 5 coffee are ordered." in told


@pytest.mark.slow
@pytest.mark.proves("docs.tutorial")
async def test_on_telegram_the_link_lets_one_in_who_asks_and_agrees(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with telegram() as fake, exported(monkeypatch):
        settings = read_settings(telegram_token=TOKEN, telegram_api=fake.url, web=False, drain_seconds=1.0)
        async with (
            build(settings, patient=True) as app,
            channels_of(settings, app, lines=False, live=True) as channels,
        ):
            serving = asyncio.ensure_future(app.serve(channels))
            try:
                async with asyncio.timeout(20):
                    while not fake.updates.is_held:
                        await asyncio.sleep(0.01)
                mara = fake.person("Mara")
                with_bot = mara.private_chat()
                await with_bot.says(mara, f"/start {_code(capsys.readouterr().err)}")
                await with_bot.shows("")
                await with_bot.says(mara, CHATS[2].splitlines()[0])
                asked = await with_bot.shows("May I run")
                yes = next(label for row in asked.buttons for label in row if "yes" in label)
                await mara.presses(asked, yes)
                await with_bot.shows("There are 4 tea, and 5 coffee are ordered.")
            finally:
                serving.cancel()
                with suppress(asyncio.CancelledError):
                    await serving


def _code(said: str) -> str:
    """The code in the line that the page shows."""
    (shape,) = re.findall(r"`(Telegram: nobody .*?)`", PAGE)
    found = re.search(re.escape(shape).replace("your_bot", r"\w+").replace(r"\.\.\.", r"(\S+)"), said)
    assert found, said
    return found[1]


@pytest.mark.proves("docs.tutorial")
def test_each_command_of_the_page_is_one_that_there_is() -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    made = [line.split()[1] for line in COMMANDS if line.startswith("make ")]
    assert made == ["run", "run", "telegram"]
    assert set(made) <= set(targets)
    known = (".venv/bin/errand init", ".venv/bin/errand doctor", ".venv/bin/errand tools ", "export ", "make ")
    assert [line for line in COMMANDS if not line.startswith(known)] == []
