"""Errand and an emulator of Slack, alone in a network: `python -m tests.conversations.second_opinion BINARY FOLDER`.

Prints what was seen as JSON.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.app import App
from orchestrator.models import ChatMessage, ModelReply
from tests.conversations.slack_talk import Serving, errand_at
from tests.conversations.test_plans import Models, calls
from tests.conversations.test_while_busy import Work
from tests.fakes.local_slack import APP, DIRECT, PORT, TEAM, TOKENS, LocalSlack, buttons, local_slack, words_of

PLAN = '/plan a: look(what="Rome {0}")\nb: look(what="Oslo {0}")'
FIELDS = {"text": "Which room?", "choices": ["Blue", "Red"]}, {"text": "For how many?"}
UNKNOWN_THERE = ("chat.startStream", "assistant.threads.setStatus", "agents.sessions.setStatus")


def model(messages: Sequence[ChatMessage]) -> ModelReply:
    """Asks about rooms, and says what it was told."""
    words = messages[-1].text
    if words.startswith("Book"):
        return calls(("ask", {"questions": [dict(each) for each in FIELDS]}))
    return ModelReply(f"heard: {words}", "")


class Conversations:
    """What Ann does, and what she sees of it."""

    def __init__(self, slack: LocalSlack, app: App, work: Work) -> None:
        self._slack = slack
        self._app = app
        self._work = work

    async def all(self) -> dict[str, Any]:
        return {
            "mention": await self._answered(TEAM, f"<@{APP}> hello"),
            "direct": await self._answered(DIRECT, "Hello"),
            "slash word": await self._slash_word(),
            "slash question": await self._slash_question(),
            "form": await self._form(),
            "plans": [await self._plan(number) for number in range(2)],
            "taken back": await self._taken_back(),
            "approval": await self._approval(),
            "done": self._work.done,
            "calls": {method: self._slack.calls(method) for method in UNKNOWN_THERE},
            "trouble": self._slack.trouble,
        }

    async def _answered(self, channel: str, text: str) -> list[str]:
        asked = await self._slack.says(channel, text)
        await self._slack.shows(asked, "heard:")
        return await self._said(asked)

    async def _slash_word(self) -> list[str]:
        """What only the one who gave the slash word sees."""
        await self._slack.runs(TEAM, "/errand why")
        return await self._slack.until(lambda: self._slack.whispers or None, "a whisper")

    async def _slash_question(self) -> list[str]:
        await self._slack.runs(TEAM, "/errand what is up")
        (first,) = await self._slack.until(lambda: self._slack.begun or None, "a conversation that begins")
        await self._slack.shows(first["ts"], "heard:")
        return [words_of(first), *await self._said(first["ts"])]

    async def _form(self) -> dict[str, Any]:
        asked = await self._slack.says(TEAM, f"<@{APP}> Book a room")
        question = await self._slack.shows(asked, "Which room?")
        await self._slack.presses(question, "Answer")
        await self._slack.until(lambda: self._slack.views or None, "a form")
        await self._slack.submits({"t1": {"value": "12"}})
        errors = await self._slack.until(lambda: self._slack.errors or None, "errors in the form")
        await self._slack.submits({"c0": {"selected_option": {"value": "1"}}, "t1": {"value": "12"}})
        await self._slack.shows(asked, "heard:")
        await self._slack.until(lambda: None if self._slack.views else True, "a closed form")
        return {"errors": errors, "said": await self._said(asked)}

    async def _plan(self, number: int) -> dict[str, Any]:
        """What is shown while a plan runs, and in the end."""
        asked = await self._slack.says(DIRECT, PLAN.format(number))
        shown = await self._slack.shows(asked, f"look (Rome {number})")
        running = words_of(shown)
        self._work.may_end.set()
        await self._slack.shows(asked, f"done: look Oslo {number}")
        self._work.may_end.clear()
        return {"running": running, "done": await self._said(asked)}

    async def _taken_back(self) -> list[str]:
        """A message that is deleted while it is worked on."""
        asked = await self._slack.says(DIRECT, "/look what=Paris")
        while await self._work.next_begun() != "look Paris":
            pass
        await self._slack.deletes(DIRECT, asked)
        await self._slack.shows(asked, "Stopped.")
        return await self._said(asked)

    async def _approval(self) -> dict[str, Any]:
        """What comes of a button that is pressed twice, and of its card."""
        self._work.may_end.set()
        asked = await self._slack.says(TEAM, f"<@{APP}> /send text=one")
        question = await self._slack.shows(asked, "May I run")
        await self._slack.presses(question, "yes")
        await self._slack.presses(question, "yes")
        await self._slack.shows(asked, "done: send one")
        card = await self._slack.until(lambda: self._frozen(question["ts"]), "a card without buttons")
        await self._slack.until(lambda: self._slack.whispers[1:] or None, "an old button that says so")
        return {"said": await self._said(asked), "card": card, "again": self._slack.whispers[1:]}

    def _frozen(self, ts: str) -> list[str] | None:
        """The notes below a card that has no buttons any more."""
        message = self._slack.messages[ts]
        if buttons(message):
            return None
        return [note["elements"][0]["text"] for note in message["blocks"] if note["type"] == "context"]

    async def _said(self, thread: str) -> list[str]:
        """Everything that the app has said in a thread, once it has nothing to do any more."""
        await self._app.idle()
        return [words_of(each) for each in self._slack.thread(thread)]


async def main(binary: Path, folder: Path) -> dict[str, Any]:
    work = Work()
    async with local_slack(binary, folder) as slack:

        async def listens(serving: Serving) -> None:
            await slack.connected()

        api = f"http://127.0.0.1:{PORT}/api/"
        given: dict[str, Any] = {"slack_api": api, "router": "one", **TOKENS}
        async with errand_at(folder, listens=listens, toolsets=work.tools, model=Models(one=model), **given) as app:
            return await Conversations(slack, app, work).all()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))))
