"""`errand` itself, and how its commands run."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import click

from bot.logs import set_up_logging
from bot.settings import read_settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="errand")
@click.option("--database", help="SQLite file or postgresql:// URL (ERRAND_DATABASE).")
@click.option("--servers", help="File of MCP servers (ERRAND_SERVERS).")
@click.pass_context
def errand(context: click.Context, database: str | None, servers: str | None) -> None:
    """A self-hosted assistant: it answers, asks, or plans, and runs real tools."""
    given = {"database": database, "servers": servers}
    context.obj = settings = read_settings(**{name: value for name, value in given.items() if value is not None})
    set_up_logging(settings.log_level, form=settings.log_format)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a command to its end. SIGTERM ends it as Ctrl-C does: what runs may finish, within the drain time."""

    async def until_told() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await main

    try:
        asyncio.run(until_told())
    except asyncio.CancelledError:
        sys.exit(143)
    except KeyboardInterrupt:
        sys.exit(130)
