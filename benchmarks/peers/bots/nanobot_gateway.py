"""nanobot's own gateway; only the address of Telegram is another, for which it has no setting."""

import os

from nanobot.cli.commands import app
from telegram.ext import Application, ApplicationBuilder


def builder() -> ApplicationBuilder:
    return ApplicationBuilder().base_url(f"{os.environ['TELEGRAM_API']}/bot")


Application.builder = staticmethod(builder)

if __name__ == "__main__":
    app()
