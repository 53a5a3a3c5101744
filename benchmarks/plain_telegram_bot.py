"""What people write first: python-telegram-bot as its manual shows it, one handler that answers."""

import sys

from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters


async def answer(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    if update.message:
        await update.message.reply_text(f"heard: {update.message.text}")


def main(token: str, api: str) -> None:
    application = (
        Application.builder()
        .token(token)
        .base_url(f"{api}/bot")
        .concurrent_updates(True)  # noqa: FBT003 - the builder's own form
        .pool_timeout(60)
        .build()
    )
    application.add_handler(MessageHandler(filters.TEXT, answer))
    application.run_polling()


main(*sys.argv[1:])
