"""A LangChain agent on LangGraph behind python-telegram-bot: its memory in SQLite, a chat's messages in order."""

import asyncio
import os
from datetime import UTC, datetime

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters


def time_in(city: str) -> str:
    """The time in a city."""
    return f"It is {datetime.now(UTC):%H:%M} in {city}."


async def answer(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message
    assert context.chat_data is not None
    chat = update.message.chat_id
    async with context.chat_data.setdefault("turn", asyncio.Lock()):
        result = await context.bot_data["agent"].ainvoke(
            {"messages": [{"role": "user", "content": update.message.text}]}, {"configurable": {"thread_id": str(chat)}}
        )
        await update.message.reply_text(result["messages"][-1].content)


async def prepare(application: Application) -> None:
    saver = application.bot_data["saver"] = AsyncSqliteSaver.from_conn_string(os.environ["DATABASE"])
    tools = [time_in] if os.environ.get("WITH_TOOL") else []
    application.bot_data["agent"] = create_agent(
        ChatOpenAI(model="bench"),
        tools,
        system_prompt="You are a helpful assistant.",
        checkpointer=await saver.__aenter__(),
    )


def main() -> None:
    builder = Application.builder().token(os.environ["TELEGRAM_TOKEN"]).base_url(f"{os.environ['TELEGRAM_API']}/bot")
    builder = builder.concurrent_updates(True).pool_timeout(60)  # noqa: FBT003 - the builder's own form
    application = builder.post_init(prepare).build()
    application.add_handler(MessageHandler(filters.TEXT, answer))
    application.run_polling()


if __name__ == "__main__":
    main()
