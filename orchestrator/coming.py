"""What is to come into a conversation by itself: reminders, requests for later, and messages that tools send."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from orchestrator.errors import BadInput
from orchestrator.messages import Address, Attachment, Frozen, Inbound, Message, Person, Saying
from orchestrator.plan import Direct
from orchestrator.tools.calling import Calling, calling
from orchestrator.when import Rule
from orchestrator.words import say
from storage.records import Scheduled
from storage.store import Store

LATE = timedelta(minutes=5)  # what comes later than that was missed
MOST = 100  # that wait for one person


class Coming(Frozen):
    """What is to come, and where. `name` and `teams` are those of whose it is; with a `rule` it comes again, by
    the clock of the `time_zone`."""

    about: Literal["reminder", "request", "message"]
    text: str
    address: Address
    name: str = ""
    teams: tuple[str, ...] = ()
    private: bool = False
    tools: tuple[str, ...] | None = None
    files: tuple[Attachment, ...] = ()
    sender: str = ""
    rule: Rule | None = None
    time_zone: str = "UTC"


class Diary:
    """Where tools write down what is to come, for the person for whom they are called. `rung` is set when something
    new stands in it; `time_zone` is for people who have not said theirs."""

    def __init__(self, store: Store, *, time_zone: str, now: Callable[[], datetime]) -> None:
        self._store = store
        self._time_zone = time_zone
        self.rung = asyncio.Event()
        self.now = now

    async def write(self, coming: Coming, at: datetime, *, key: str) -> int:
        """Write it down, once for a key: its number. Raises BadInput where too much waits already."""
        mine = owner()
        if coming.about != "message" and len(await self.of(mine.channel, mine.person)) >= MOST:
            raise BadInput(say("{limit} reminders wait already. `/reminders cancel 2` makes room.", limit=MOST))
        number = await self._store.schedule(
            Scheduled(
                key=key,
                channel=mine.channel,
                person=mine.person,
                goes_to=coming.address.channel,
                body=coming.model_dump_json(),
                next_at=at,
            )
        )
        self.rung.set()
        return number

    async def of(self, channel: str, person: str) -> list[tuple[Scheduled, Coming]]:
        """The reminders and requests of a person, the next one first."""
        found = await self._store.scheduled(channel, person)
        read = [(each, Coming.model_validate_json(each.body)) for each in found]
        return [(each, coming) for each, coming in read if coming.about != "message"]

    async def zone(self, channel: str, person: str) -> ZoneInfo:
        """The time zone of a person."""
        return ZoneInfo((await self._store.preferences(channel, person)).time_zone or self._time_zone)


def owner() -> Calling:
    """For whom a tool is called. Raises BadInput where that is nobody in a conversation."""
    person = calling()
    if person.address is None:
        raise BadInput(say("This needs a conversation, with a person in it."))
    return person


def arrivals(due: Scheduled, *, now: datetime, catches_up: bool) -> tuple[datetime | None, list[Inbound]]:
    """When it is due again, and what arrives now. What was missed arrives once and says so, or not at all."""
    coming = Coming.model_validate_json(due.body)
    assert due.next_at is not None
    again = coming.rule.next_after(now, ZoneInfo(coming.time_zone)) if coming.rule else None
    is_late = now - due.next_at > LATE and coming.about != "message"
    if is_late and not catches_up:
        return again, []
    return again, _inbounds(due, coming, now=now, is_late=is_late)


def _inbounds(due: Scheduled, coming: Coming, *, now: datetime, is_late: bool) -> list[Inbound]:
    assert due.next_at is not None
    event_id = f"schedule:{due.id}:{due.next_at:%Y%m%dT%H%M%SZ}"
    person = Person(id="" if coming.about == "message" else due.person, name=coming.name, teams=coming.teams)
    said = Saying(
        event_id=event_id,
        address=coming.address,
        person=person,
        sent_at=now,
        about=coming.about,
        text=coming.text,
        files=coming.files,
        sender=coming.sender,
        due=f"{due.next_at.astimezone(ZoneInfo(coming.time_zone)):%Y-%m-%d %H:%M}" if is_late else "",
    )
    if coming.about != "request":
        return [said]
    request = Message(
        event_id=f"{event_id}:request",
        address=coming.address,
        person=person,
        sent_at=now,
        text=coming.text,
        private=coming.private,
        tools=coming.tools,
    )
    return [said, request] if is_late else [request]


def in_own_words(saying: Saying) -> Direct:
    """What is said when it comes, in the language of whom it is for."""
    match saying:
        case Saying(about="request"):
            text = say("I was not there at {due}, so I do this now: {text}", due=saying.due, text=saying.text)
        case Saying(about="reminder", due=""):
            text = say("A reminder: {text}", text=saying.text)
        case Saying(about="reminder"):
            text = say("A late reminder, of {due}: {text}", due=saying.due, text=saying.text)
        case Saying(sender=sender) if sender:
            text = say("From {name}: {text}", name=sender, text=saying.text)
        case _:
            text = saying.text
    return Direct(text, reason=f"a {saying.about} that was due", files=saying.files)
