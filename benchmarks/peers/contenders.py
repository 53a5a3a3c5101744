"""Who is measured: what each needs from PyPI, how it is started, and what it is told as its manual says."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.telegram import TOKEN

ROOT = Path(__file__).parents[2]
BOTS = Path(__file__).parent / "bots"
KEY = "obviously-fake-key"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contender runs: its interpreter, a folder and a port of its own, and whom it talks to."""

    python: str
    folder: Path
    has_tool: bool = False
    port: int = 0
    telegram: str = ""
    model: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """What every contender is told; HOME, so that none finds anything of this machine's user."""
        return {
            "HOME": str(self.folder),
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": self.model,
            "TELEGRAM_TOKEN": TOKEN,
            "TELEGRAM_API": self.telegram,
            "DATABASE": str(self.folder / "bot.db"),
            "PORT": str(self.port),
            "WITH_TOOL": "1" if self.has_tool else "",
        }


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start it. With a `webhook` it takes updates there, once its port is open."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    webhook: str = ""


@dataclass(frozen=True, slots=True)
class Contender:
    """One bot. The first of the `requirements` gives the version that is told."""

    name: str
    requirements: Sequence[str]
    launch: Callable[[Place], Launch]
    remark: str = ""


def _script(name: str) -> Callable[[Place], Launch]:
    return lambda place: Launch([place.python, str(BOTS / f"{name}.py")])


def _errand(place: Place) -> Launch:
    settings = {
        "ERRAND_DATABASE": str(place.folder / "errand.db"),
        "ERRAND_ROUTER": "openai:bench",
        "ERRAND_OPENAI_BASE_URL": place.model,
        "ERRAND_OPENAI_API_KEY": KEY,
        "ERRAND_TELEGRAM_TOKEN": TOKEN,
        "ERRAND_TELEGRAM_API": place.telegram,
        "ERRAND_TELEGRAM_PEOPLE": "*",
        "ERRAND_TELEGRAM_RATE": "100000",
        "ERRAND_WEB_PORT": str(place.port),
    }
    tool = {"ERRAND_FUNCTIONS": "errand_tools"} if place.has_tool else {}
    return Launch([place.python, str(BOTS / "errand_serve.py"), "serve"], settings | tool)


def _agno(place: Place) -> Launch:
    environment = {"APP_ENV": "development", "AGNO_TELEMETRY": "false"}  # in development it asks for no secret
    webhook = f"http://127.0.0.1:{place.port}/telegram/webhook"
    return Launch([place.python, str(BOTS / "agno_os.py")], environment, webhook)


def _nanobot(place: Place) -> Launch:
    clock = {"clock": {"command": place.python, "args": [str(BOTS / "time_server.py")]}}
    config = {
        "agents": {"defaults": {"model": "bench", "provider": "custom"}},
        "providers": {"custom": {"apiKey": KEY, "apiBase": place.model}},
        "channels": {
            "telegram": {"enabled": True, "token": TOKEN, "allowFrom": ["*"]},
            "websocket": {"enabled": False},
        },
        "tools": {"mcpServers": clock if place.has_tool else {}},
    }
    file = place.folder / "config.json"
    file.write_text(json.dumps(config))
    options = [
        "--foreground",
        "--config",
        str(file),
        "--workspace",
        str(place.folder / "workspace"),
        "--port",
        str(place.port),
    ]
    return Launch([place.python, str(BOTS / "nanobot_gateway.py"), "gateway", *options])


ERRAND = Contender(
    "Errand",
    (f"{ROOT}[telegram,openai]",),
    _errand,
    "its own limits, those of Telegram, are lifted: nobody else keeps to them",
)
PLAIN = Contender("plain python-telegram-bot", ("python-telegram-bot", "openai"), _script("plain"))
CONTENDERS = (
    ERRAND,
    PLAIN,
    Contender(
        "python-telegram-bot + langgraph",
        (
            "langgraph",
            "langchain",
            "langchain-openai",
            "langgraph-checkpoint-sqlite",
            "aiosqlite",
            "python-telegram-bot",
        ),
        _script("langgraph_agent"),
        "a lock a chat, which no manual tells, keeps its answers in order",
    ),
    Contender(
        "agno AgentOS",
        ("agno[telegram]", "openai", "fastapi", "uvicorn", "sqlalchemy", "python-multipart"),
        _agno,
        "by webhook, which is all that it has; streams by editing, its default",
    ),
    Contender(
        "nanobot",
        ("nanobot-ai", "python-telegram-bot[socks,webhooks]>=22.6,<23", "socksio", "python-socks[asyncio]"),
        _nanobot,
        "waits 0.2 s for messages that belong together, and joins those that come while it is at work",
    ),
)
