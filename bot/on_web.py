"""The web page as the settings want it, and the past that it shows."""

import asyncio
import os
import sys
import webbrowser
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.hooks import Hooks
from adapters.web.api.channel import Api
from adapters.web.channel import Web
from adapters.web.console.section import Section
from adapters.web.endpoints import person_of, route
from adapters.web.reading import Refused
from adapters.web.record import Hit, Listed, Record, Shown, Spoken, Stretch, conversation_of, place_of
from adapters.web.visitors import LOOPBACK, SHORTEST_TOKEN, Network, Visitors
from bot.app import App
from bot.on_console import StoreConsole, log_tail
from bot.settings import Settings
from bot.shelf import StoreShelf, content
from orchestrator.card import card_of
from orchestrator.errors import SettingsInvalid
from orchestrator.messages import FINAL, INBOUND, Address, Attachment, Message, Person, PlanCard
from orchestrator.sessions import Run
from storage.records import Parcel, Talk

SHOWN_TURNS = 30  # of a conversation, at first
FOUND_TURNS = 50
OURS = ("bot", "adapters", "orchestrator", "storage")  # loggers
OPEN_TO_OTHERS = (
    "web_host is {host!r}, which others can reach. Set web_token ({shortest} characters or more) for yourself, or "
    "web_proxy_header with web_trusted_proxies for people whom a proxy signs in; or take web_host=127.0.0.1."
)


@asynccontextmanager
async def web_of(
    settings: Settings, app: App, *, api: Api | None = None, hooks: Hooks | None = None
) -> AsyncIterator[Web]:
    """The page of the settings, listening, with the API and the hooks of platforms beside it.

    Raises SettingsInvalid, ChannelClosed.
    """
    record, log = StoreRecord(app, language=settings.language), log_tail(settings)
    console = StoreConsole(app, settings)
    section = Section(console, record, log)
    web = Web(
        record,
        StoreShelf(app.store, Web.name),
        visitors_of(settings),
        host=settings.web_host,
        port=settings.web_port,
        further=picks_port(settings),
        upload_bytes=settings.web_upload_mb * 10**6,
        language=settings.language,
        api=api,
        hooks=hooks,
        sections=[*section.routes(), *metrics_of(app, record, console)],
        links=section.links,
    )
    async with web:
        with log.listening(OURS):
            yield web


def metrics_of(app: App, record: Record, console: StoreConsole) -> list[Route]:
    """/metrics for those who may open the console, where the settings want metrics."""
    metrics = app.telemetry.metrics
    if metrics is None:
        return []

    async def scraped(request: Request) -> Response:
        if why := await console.refusal(person_of(request), "overview"):
            raise Refused(why, 403)
        return await metrics.respond(request, app.standing)

    return [route(record, "/metrics", scraped)]


def picks_port(settings: Settings) -> bool:
    """Whether another port will do as well: nobody has asked for this one."""
    return "web_port" not in settings.model_fields_set


def visitors_of(settings: Settings) -> Visitors:
    """Who may come in. Raises SettingsInvalid where that would be anybody from anywhere."""
    token = settings.web_token.get_secret_value() if isinstance(settings.web_token, SecretStr) else ""
    if token and len(token) < SHORTEST_TOKEN:
        raise SettingsInvalid(f"web_token is too short: take {SHORTEST_TOKEN} characters or more.")
    proxies = _networks(settings.web_trusted_proxies)
    if settings.web_proxy_header and not proxies:
        raise SettingsInvalid(
            "web_proxy_header needs web_trusted_proxies: the addresses that it is believed from, such as 10.0.0.2."
        )
    if settings.web_host not in LOOPBACK and not (token or settings.web_proxy_header):
        raise SettingsInvalid(OPEN_TO_OTHERS.format(host=settings.web_host, shortest=SHORTEST_TOKEN))
    return Visitors(
        owner=Person(id=settings.person or "local", name=settings.person),
        token=token,
        header=settings.web_proxy_header,
        proxies=proxies,
        names=frozenset(name.strip().lower() for name in settings.web_names.split(",") if name.strip()),
    )


def _networks(text: str) -> Sequence[Network]:
    try:
        return [ip_network(each.strip(), strict=False) for each in text.split(",") if each.strip()]
    except ValueError as error:
        raise SettingsInvalid(f"web_trusted_proxies: {error}; write addresses such as 10.0.0.2, 10.1.0.0/16.") from None


def opens_browser() -> bool:
    """Whether somebody sits at this terminal, and has a screen for a browser."""
    has_display = sys.platform in {"darwin", "win32"} or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    return sys.stdin.isatty() and sys.stdout.isatty() and has_display and "SSH_CONNECTION" not in os.environ


async def open_browser(address: str) -> None:
    """Open the page, if a browser with a window can be found."""

    def opened() -> None:
        try:
            browser = webbrowser.get()
        except webbrowser.Error:
            return
        if not isinstance(browser, webbrowser.GenericBrowser) or isinstance(browser, webbrowser.BackgroundBrowser):
            browser.open(address)  # what is left out would take this terminal

    await asyncio.to_thread(opened)


class StoreRecord:
    """The Record of a channel over the store. `language` is that of people who have not chosen one."""

    def __init__(self, app: App, *, language: str, channel: str = Web.name) -> None:
        self._app = app
        self._store = app.store
        self._language = language
        self._channel = channel

    async def language(self, person: Person) -> str:
        return (await self._store.preferences(self._channel, person.id)).language or self._language

    async def conversations(self, person: Person) -> Sequence[Listed]:
        listed = await self._store.conversations(self.place_of(person))
        return [
            Listed(
                self.id_of(each.session, person),
                each.title or await self._first_words(each.session),
                each.last_at,
                each.open_question,
            )
            for each in listed
        ]

    async def stretch(self, address: Address, *, before: str | None = None, since: str | None = None) -> Stretch:
        talk = await self._store.talk(address.session, last=SHOWN_TURNS, before=before, since=since)
        first = talk.said[0].turn if talk.said else None
        earlier = await self._store.talk(address.session, last=1, before=first) if first else None
        return stretch_of(talk, has_earlier=earlier is not None and bool(earlier.said))

    async def find(self, person: Person, words: str) -> Sequence[Hit]:
        found = await self._store.find(self.place_of(person), words, last=FOUND_TURNS)
        return [
            Hit(self.id_of(each.session, person), each.turn, each.request, each.answer, each.finished_at)
            for each in found
        ]

    async def shown(self, person: Person, delivery: str) -> Shown | None:
        parcel = await self._store.parcel(self.place_of(person), delivery)
        return shown_of(parcel) if parcel else None

    async def _first_words(self, session: str) -> str:
        """What a conversation began with, where nothing of it was answered yet."""
        talk = await self._store.talk(session, last=1)
        said = [INBOUND.validate_json(each.payload) for each in talk.said]
        return next((each.text for each in said if isinstance(each, Message)), "")

    async def content(self, file: Attachment) -> bytes | None:
        return await content(self._app, file)

    async def keep(self, name: str, mime: str, data: bytes) -> str:
        return await self._app.files.keep(name, mime, data)

    def place_of(self, person: Person) -> str:
        """What the keys of all sessions of this person begin with."""
        return place_of(person, channel=self._channel)

    def id_of(self, session: str, person: Person) -> str:
        """The conversation of a session's key: ids have no letters that a key would write otherwise."""
        thread = session.removeprefix(self.place_of(person)).removeprefix("/")
        return conversation_of(Address(channel=self._channel, chat=person.id, thread=thread or None))


def stretch_of(talk: Talk, *, has_earlier: bool) -> Stretch:
    """What the store knows of a part of a conversation."""
    return Stretch(
        spoken=tuple(Spoken(each.turn, INBOUND.validate_json(each.payload), each.done) for each in talk.said),
        shown=tuple(map(shown_of, talk.shown)),
        cards=_cards(talk),
        question=talk.question,
        is_busy=talk.is_busy,
        has_earlier=has_earlier,
    )


def shown_of(parcel: Parcel) -> Shown:
    """A part as it was shown."""
    return Shown(parcel.id, parcel.turn, FINAL.validate_json(parcel.payload))


def _cards(talk: Talk) -> Mapping[str, PlanCard]:
    """The plan that each turn worked on last."""
    return {each.turn: card_of(Run.from_stored(each, talk.steps[each.id])) for each in talk.plans}
