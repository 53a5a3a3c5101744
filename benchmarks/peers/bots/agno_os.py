"""agno's AgentOS with its Telegram interface, as the first example of its manual has it."""

import os
from datetime import UTC, datetime

import telebot.asyncio_helper
from agno.agent import Agent
from agno.db.sqlite import SqliteDb
from agno.models.openai.like import OpenAILike
from agno.os import AgentOS
from agno.os.interfaces.telegram import Telegram

telebot.asyncio_helper.API_URL = f"{os.environ['TELEGRAM_API']}/bot{{0}}/{{1}}"  # the interface has no setting for it


def time_in(city: str) -> str:
    """The time in a city."""
    return f"It is {datetime.now(UTC):%H:%M} in {city}."


agent = Agent(
    name="Telegram Bot",
    model=OpenAILike(id="bench", base_url=os.environ["OPENAI_BASE_URL"], api_key=os.environ["OPENAI_API_KEY"]),
    db=SqliteDb(db_file=os.environ["DATABASE"]),
    tools=[time_in] if os.environ.get("WITH_TOOL") else [],
    instructions=["You are a helpful assistant on Telegram.", "Keep responses concise and friendly."],
    add_history_to_context=True,
    num_history_runs=3,
    add_datetime_to_context=True,
    markdown=True,
    telemetry=False,
)
served = AgentOS(agents=[agent], interfaces=[Telegram(agent=agent)], telemetry=False)
app = served.get_app()

if __name__ == "__main__":
    served.serve(app=app, host="127.0.0.1", port=int(os.environ["PORT"]))
