"""The slash command: what follows it is one of the core's slash words, or a question that begins a conversation."""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.slack.arrivals import Arrivals
from adapters.slack.beginnings import Beginning, Beginnings
from adapters.slack.inbound import Me, Place, decoded
from adapters.slack.showing import CORNER, Reader
from orchestrator.messages import Command, Person, Stop
from orchestrator.words import speaking

ASK = "ask"
ALONE = {"help", "new", "status", "stop", "tools", "usage", "why"}  # words of the core that take nothing behind them
TURN = re.compile(r"t\d+")  # but for `why t12`
RUNNING = {"plan", "run"}  # words that may ask something and bring files, which nobody can be shown alone


class SlashCommand:
    """Takes slash commands. `words` are the names of the core's slash words."""

    def __init__(self, arrivals: Arrivals, beginnings: Beginnings, *, words: Collection[str], single: bool) -> None:
        self._arrivals = arrivals
        self._beginnings = beginnings
        self._words = frozenset(words)
        self._single = single

    async def take(self, body: Mapping[str, Any], me: Me) -> None:
        """Make it durable. Raises StorageError, SlackTrouble."""
        channel, user = str(body["channel_id"]), str(body["user_id"])
        person = await self._arrivals.person(user, channel, me)
        with speaking(person.language):
            if not await self._arrivals.may_come_in(person, channel):
                return
        text = decoded(str(body.get("text", "")), {}).strip()
        name, rest = _read(text)
        event = str(body["trigger_id"])
        known = person.as_person
        who = known if known.name else known.model_copy(update={"name": str(body.get("user_name", ""))})
        if name == "stop":
            place = await self._place(channel, user)
            stop = Stop(event_id=f"s{event}", address=place.address, person=who, sent_at=datetime.now(UTC))
            await self._arrivals.accepted(stop)
        elif name in self._words and not (name in RUNNING and rest):
            response_url = str(body.get("response_url", ""))
            await self._carry_out(Place(channel), who, name=name, rest=rest, event=event, response_url=response_url)
        else:
            asked = rest if name == ASK else f"/{name} {rest}" if name in RUNNING else text
            beginning = Beginning(
                event,
                user,
                who.name,
                asked,
                channel=channel,
                response_url=str(body.get("response_url", "")),
                language=person.language,
                teams=who.teams,
            )
            await self._beginnings.take(beginning)

    async def _carry_out(
        self, where: Place, who: Person, *, name: str, rest: str, event: str, response_url: str
    ) -> None:
        """A slash word is about the conversation of its person in this channel, and its answer is theirs alone."""
        place = await self._place(where.channel, who.id)
        command = Command(
            event_id=f"s{event}",
            address=place.address,
            person=who,
            sent_at=datetime.now(UTC),
            private=place.is_private,
            name=name,
            rest=rest,
        )
        await self._arrivals.accepted(command, private=Reader(who.id, response_url))

    async def _place(self, channel: str, user: str) -> Place:
        known = await self._arrivals.latest(channel, user)
        if known:
            return known
        return Place(channel, None if self._single and channel.startswith("D") else f"{CORNER}{user}")


def _read(text: str) -> tuple[str, str]:
    """What follows the slash command: a word and the rest. `new ideas for lunch` is a question, and starts nothing
    over."""
    first, _, rest = text.partition(" ")
    name, rest = first.removeprefix("/").casefold(), rest.strip()
    if not text or (name == ASK and not rest):
        return "help", ""
    if name in ALONE and rest and not TURN.fullmatch(rest):
        return ASK, text
    return name, rest
