"""What people write first: python-telegram-bot and OpenAI's client, one model call a message, no memory."""

import json
import os
from datetime import UTC, datetime
from typing import Any

from openai import AsyncOpenAI
from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters

client = AsyncOpenAI()
TIME_IN: Any = {
    "type": "function",
    "function": {
        "name": "time_in",
        "description": "The time in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TOOLS: Any = {"tools": [TIME_IN]} if os.environ.get("WITH_TOOL") else {}


def time_in(city: str) -> str:
    return f"It is {datetime.now(UTC):%H:%M} in {city}."


async def reply_to(words: str) -> str:
    """The loop of every tutorial: call the model, run its tools, until it answers."""
    messages: list[Any] = [{"role": "user", "content": words}]
    while True:
        reply = await client.chat.completions.create(model="bench", messages=messages, **TOOLS)
        message = reply.choices[0].message
        if not message.tool_calls:
            return message.content or ""
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls:
            assert call.type == "function"
            said = time_in(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": said})


async def answer(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message
    assert update.message.text
    await update.message.reply_text(await reply_to(update.message.text))


def main() -> None:
    builder = Application.builder().token(os.environ["TELEGRAM_TOKEN"]).base_url(f"{os.environ['TELEGRAM_API']}/bot")
    builder = builder.concurrent_updates(True).pool_timeout(60)  # noqa: FBT003 - the builder's own form
    application = builder.build()
    application.add_handler(MessageHandler(filters.TEXT, answer))
    application.run_polling()


if __name__ == "__main__":
    main()
