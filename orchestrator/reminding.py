"""Reminders in plain words, without a model: "remind me tomorrow at 8:30 to call Ann", /remind /reminders /timezone."""

import re
from collections.abc import Iterator

from orchestrator.audit import of_talk
from orchestrator.coming import Diary
from orchestrator.errors import BadInput
from orchestrator.plan import Plan, Planned, Step
from orchestrator.reminders import listed
from orchestrator.sessions import Talk
from orchestrator.slash import Slash, Told
from orchestrator.slots import read
from orchestrator.tools.catalog import Catalog
from orchestrator.when import read_when
from orchestrator.words import say
from storage.changes import cancelling, preferring

REMIND = re.compile(r"\b(?:remind\s+me|erinnere?\s+mich)\b", re.IGNORECASE)
BRACE = re.compile(r"^mich\s+(.+)\s+erinnern\b", re.IGNORECASE)  # "kannst du mich ... erinnern"
POLITE = re.compile(r"\s*\b(?:please|bitte|(?:can|could|would)\s+you|kannst\s+du|könntest\s+du)\b,?\s*", re.IGNORECASE)
LEAD = re.compile(r"^(?:[\s,.:]|(?:to|that|about|of|at|on|an|ans|am|um|daran|dass)\b)+", re.IGNORECASE)


class Reminding:
    """Plans reminders, lists them and takes them back."""

    def __init__(self, catalog: Catalog, diary: Diary) -> None:
        self._catalog = catalog
        self._diary = diary

    def words(self) -> Iterator[Slash]:
        yield Slash("remind", self._asked, "/remind tomorrow at 8:30 TEXT", say("reminds you of something"))
        yield Slash("reminders", self._reminders, "/reminders [cancel 2]", say("lists what I will remind you of"))
        yield Slash("timezone", self._time_zone, "/timezone Europe/Berlin", say("says by which clock you live"))

    async def meant(self, talk: Talk) -> Planned | None:
        """The plan, where what was said asks for a reminder."""
        text = BRACE.sub(r"erinnere mich \1", POLITE.sub(" ", talk.text).strip())
        hit = REMIND.search(text)
        if hit is None or self._catalog.find("remind") is None:
            return None
        before, after = text[: hit.start()].strip(" ,"), text[hit.end() :]
        zone = await self._diary.zone(talk.arrived.channel, talk.inbound.person.id)
        heard = read_when(before, self._diary.now(), zone)
        if before and not (heard and heard.is_all):
            return None
        return await self._planned(talk, f"{before} {after}")

    async def _asked(self, talk: Talk, rest: str) -> Planned:
        """What /remind stands for: plain words, or text="..." when="..."."""
        given = dict(re.findall(r'\b(text|when)="([^"]*)"', rest))
        return self._plan(given) if given else await self._planned(talk, rest)

    async def _planned(self, talk: Talk, words: str) -> Planned:
        zone = await self._diary.zone(talk.arrived.channel, talk.inbound.person.id)
        heard = read_when(words, self._diary.now(), zone)
        text = LEAD.sub("", heard.rest if heard else " ".join(words.split())).strip(" ,.?!")
        given = {"text": text, "when": heard.words if heard else ""}
        return self._plan({name: value for name, value in given.items() if value})

    def _plan(self, given: dict[str, str]) -> Planned:
        tool = self._catalog.find("remind")
        if tool is None:
            raise BadInput(say("There is no tool for reminders here."))
        missing = tuple(name for name in tool.required if name not in given)
        step = Step(id="s1", tool=tool.name, arguments=given, missing=missing, title=tool.in_words(given))
        plan = Plan.checked([step], self._catalog.find, template="{{s1}}")
        return Planned(plan, reason="a reminder in plain words")

    async def _reminders(self, talk: Talk, rest: str) -> Told:
        """List them, or take some back."""
        channel, person = talk.arrived.channel, talk.inbound.person.id
        word, _, which = rest.strip().partition(" ")
        if not word:
            return Told(await listed(self._diary, channel, person))
        mine = {str(each.id): (each.id, coming.text) for each, coming in await self._diary.of(channel, person)}
        numbers = list(mine) if which.strip().casefold() == "all" else which.split()
        if word != "cancel" or not numbers or not set(numbers) <= mine.keys():
            raise BadInput(say("I know /reminders, and /reminders cancel NUMBER or all, with a number of its list."))
        cancelled = [mine[number] for number in numbers]
        text = say("Cancelled: {what}", what="; ".join(text for _, text in cancelled))
        ids = [number for number, _ in cancelled]
        return Told(text, changes=(cancelling(channel, person, ids), of_talk("cancel", talk, reminders=ids)))

    async def _time_zone(self, talk: Talk, rest: str) -> Told:
        channel, person = talk.arrived.channel, talk.inbound.person.id
        if not rest.strip():
            zone = await self._diary.zone(channel, person)
            return Told(say("Your clock is that of {zone}. `/timezone Europe/Berlin` sets another one.", zone=zone.key))
        found = read("timezone", rest, {})
        if len(found) != 1:
            raise BadInput(say("Which time zone? Name a city of its list, as in /timezone Europe/Berlin."))
        zone_name = str(found[0].value)
        change = preferring(channel, person, time_zone=zone_name)
        return Told(say("From now on your clock is that of {zone}.", zone=zone_name), changes=(change,))
