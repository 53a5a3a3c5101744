"""The HTTP API as the settings want it, and the past that programs may ask for."""

import asyncio
from collections.abc import Sequence

from pydantic import BaseModel

from adapters.web.api.archive import Alone, Known
from adapters.web.api.channel import Api
from adapters.web.api.contract import Ready
from adapters.web.record import Shown
from bot.app import App
from bot.on_web import StoreRecord, shown_of, stretch_of, visitors_of
from bot.settings import Settings, redaction_of
from bot.shelf import StoreShelf
from orchestrator.account import Account, account_of
from orchestrator.card import card_of
from orchestrator.messages import Address, Person, PlanCard
from orchestrator.redaction import Redaction
from orchestrator.roles import shut_out
from orchestrator.sessions import Run
from storage.records import TurnRecord

MISSED_PARTS = 100  # of a conversation, for a stream that begins
READY_SECONDS = 3.0  # that the database has to answer


def api_of(settings: Settings, app: App) -> Api:
    """The API of the settings. Raises SettingsInvalid."""
    archive = StoreArchive(app, language=settings.language, redaction=redaction_of(settings))
    shelf = StoreShelf(app.store, Api.name)
    return Api(archive, shelf, visitors_of(settings), upload_bytes=settings.web_upload_mb * 10**6)


class StoreArchive(StoreRecord):
    """The Archive over the store."""

    dossier_model: type[BaseModel] = Account

    def __init__(self, app: App, *, language: str, redaction: Redaction) -> None:
        super().__init__(app, language=language, channel=Api.name)
        self._redaction = redaction

    async def refusal(self, person: Person, word: str) -> str:
        here = Address(channel=self._channel, chat=person.id)
        theirs = await self._app.people.rights_at(here, person)
        return theirs.why_not(word) if theirs.are_any else shut_out()

    async def taken(self, person: Person, event_id: str) -> Known | None:
        event = await self._store.event(self._channel, event_id)
        return Known(event.turn, self.id_of(event.session, person)) if event else None

    async def turn(self, person: Person, turn: str) -> Alone | None:
        found = await self._store.talk_of(self.place_of(person), turn)
        if found is None:
            return None
        session, talk = found
        return Alone(self.id_of(session, person), stretch_of(talk, has_earlier=False))

    async def dossier(self, person: Person, turn: str) -> Account | None:
        session = await self._store.session_of(self.place_of(person), turn)
        record: TurnRecord | None = await self._store.turn(turn) if session else None
        return await account_of(self._store, record, self._redaction) if record else None

    async def plan(self, person: Person, plan: str) -> tuple[Known, PlanCard] | None:
        stored = await self._store.plan(plan)
        if stored is None or not await self._store.session_of(self.place_of(person), stored.turn):
            return None
        card = card_of(Run.from_stored(stored, await self._store.steps(plan)))
        return Known(stored.turn, self.id_of(stored.session, person)), card

    async def asking(self, person: Person, question: str) -> str | None:
        session = await self._store.asked_in(self.place_of(person), question)
        return self.id_of(session, person) if session else None

    async def shown_after(self, address: Address, part: str | None) -> Sequence[Shown]:
        parcels = await self._store.shown_after(address.session, part, last=MISSED_PARTS)
        return [shown_of(each) for each in parcels]

    async def ready(self) -> Ready:
        try:
            async with asyncio.timeout(READY_SECONDS):
                standing = await self._app.standing()
        except TimeoutError:
            return Ready(ready=False, database=False, channels=self._app.channels, down=())
        answers = standing.backlog is not None
        down = tuple(name for name, is_there in standing.sources.items() if not is_there)
        return Ready(ready=answers, database=answers, channels=self._app.channels, down=down)
