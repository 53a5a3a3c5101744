"""Slack as a channel: what people do there comes in, once, and what they are to see goes out."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.asked import OpenQuestions
from adapters.base import Shelf
from adapters.hooks import Hooks
from adapters.slack.api import Api
from adapters.slack.arrivals import Arrivals
from adapters.slack.beginnings import Beginnings
from adapters.slack.bolt import listen
from adapters.slack.errors import SlackTrouble, as_delivery_error
from adapters.slack.files import Files
from adapters.slack.finals import Finals, ReadFile
from adapters.slack.http import Listen, listen_on_hooks, listen_on_http
from adapters.slack.inbound import FOREIGN, NAME, Me, Place, decoded, mentioned_in
from adapters.slack.manifest import ABOUT
from adapters.slack.pacing import A_MINUTE, POST, Pacer
from adapters.slack.people import People
from adapters.slack.presses import Presses
from adapters.slack.sending import Sender, is_ours
from adapters.slack.showing import Showing
from adapters.slack.slash import SlashCommand
from adapters.slack.socket import listen_on_socket
from adapters.slack.workspaces import ClientWith, OneWorkspace, Workspaces
from orchestrator.messages import Accept, Address, Attachment, Delivery, Foreign, Live

if TYPE_CHECKING:
    from adapters.slack.installations import Installs  # only who has several workspaces needs its packages

log = logging.getLogger(__name__)

API = "https://slack.com/api/"
FILE_BYTES = 20_000_000  # of a file that is taken
CONNECTIONS = 100
SECONDS = 30  # that one request to Slack may take
CONTEXT = 12_000  # characters of what was said before, about 3,000 tokens; the newest of it is kept


class Slack:
    """An app. Use it as a context manager around everything that may still deliver.

    It has the `token` of one workspace, or keeps `installs` of several. With an `app_token` it listens in Socket Mode,
    with a `signing_secret` at the address `at`. `people` are those who may talk to it: none is every full member, "*"
    everybody. `words` are the names of the core's slash words. `rate` is messages a minute over all channels.
    """

    name = NAME

    def __init__(
        self,
        shelf: Shelf,
        *,
        token: str = "",
        app_token: str = "",
        signing_secret: str = "",
        at: Listen | Hooks | None = None,
        installs: "Installs | None" = None,
        api: str = API,
        people: Collection[str] = (),
        single: bool = False,
        follows: bool = True,
        streams: bool = True,
        words: Collection[str] = (),
        rate: int = A_MINUTE[POST],
        read_file: ReadFile,
    ) -> None:
        self._shelf = shelf
        self._token = token
        self._app_token = app_token
        self._signing_secret = signing_secret
        self._at = at
        self._installs = installs
        self._api_address = api
        self._people = people
        self._single = single
        self._follows = follows
        self._streams = streams
        self._words = words
        self._rate = rate
        self._read_file = read_file
        self._tasks = asyncio.TaskGroup()

    def _workspaces_of(self, client_with: ClientWith) -> Workspaces:
        if self._installs:
            return self._installs.workspaces(self._shelf, client_with)
        return OneWorkspace(self._token, client_with)

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        self._http = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=SECONDS))
        self._workspaces = self._workspaces_of(self._client_with)
        api = Api(self._workspaces, Pacer(posts=self._rate))
        self._sender = Sender(api)
        self._sender.has_streams = self._streams
        address = urlsplit(self._api_address)
        self._files = Files(api, self._http, limit=FILE_BYTES, hosts=[f"{address.scheme}://{address.netloc}"])
        finals = Finals(self._sender, self._files, self._read_file)
        self._questions = OpenQuestions(self._shelf)
        self._showing = Showing(self._sender, finals, self._shelf, self._questions, tasks=self._tasks)
        self._known = People(self._look_up, self._people)
        await self._showing.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._showing.end()
        await self._tasks.__aexit__(None, None, None)
        await self._http.close()

    async def run(self, accept: Accept) -> None:
        """Listen until cancelled. Raises ChannelClosed where Slack does not take a token."""
        app = await self._workspaces.app(self._signing_secret)
        async with asyncio.TaskGroup() as tasks:
            arrivals = Arrivals(
                shelf=self._shelf,
                people=self._known,
                sender=self._sender,
                showing=self._showing,
                accept=accept,
                tasks=tasks,
                single=self._single,
                follows=self._follows,
            )
            beginnings = Beginnings(self._sender, self._shelf, tasks, arrivals=arrivals, single=self._single)
            await beginnings.open()
            slash = SlashCommand(arrivals, beginnings, words=self._words, single=self._single)
            presses = Presses(
                arrivals,
                beginnings,
                shelf=self._shelf,
                questions=self._questions,
                sender=self._sender,
                showing=self._showing,
                tasks=tasks,
            )

            async def shortcut(body: Mapping[str, Any], me: Me) -> None:
                if body.get("callback_id") == ABOUT:
                    await presses.about(body, me)

            listen(
                app,
                event=arrivals.take,
                command=slash.take,
                shortcut=shortcut,
                pressed=presses.pressed,
                filled_in=presses.filled_in,
                seen=self._workspaces.seen,
                told=arrivals.not_taken,
            )
            if self._app_token:
                socket = listen_on_socket(app, self._app_token, api=self._api_address)
                tasks.create_task(socket, name="Slack's socket")
            if self._at:
                requests = (
                    listen_on_http(app, self._at) if isinstance(self._at, Listen) else listen_on_hooks(app, self._at)
                )
                tasks.create_task(requests, name="Slack's requests")

    async def show(self, address: Address, turn: str, part: Live) -> None:
        await self._showing.show(address, turn, part)

    async def deliver(self, delivery: Delivery) -> None:
        await self._showing.deliver(delivery)

    async def fetch(self, attachment: Attachment) -> bytes:
        """The content of a file that was sent to the app. Raises FileRefused, DeliveryError."""
        channel, _, file = attachment.ref.rpartition("/")
        try:
            return await self._files.fetch(attachment.model_copy(update={"ref": file}), channel)
        except SlackTrouble as trouble:
            raise as_delivery_error(trouble) from None

    async def recall(self, foreign: Foreign) -> Sequence[Foreign]:
        """What was said in a thread before the app was called into it. Raises DeliveryError."""
        channel, thread, since, before = foreign.ref.split("/")
        try:
            between = self._sender.said(Place(channel, thread), since=since, before=before, metadata=True)
            messages = [
                each async for each in between if float(since) < float(each["ts"]) < float(before) and not is_ours(each)
            ]
            said = [await self._as_foreign(each, channel) for each in messages]
        except SlackTrouble as trouble:
            raise as_delivery_error(trouble) from None
        return _newest([each for each in said if each.text], CONTEXT)

    async def _as_foreign(self, message: Mapping[str, Any], channel: str) -> Foreign:
        text, user = str(message.get("text", "")), str(message.get("user", ""))
        names = await self._known.names([user, *mentioned_in(text)] if user else mentioned_in(text), channel)
        author = names.get(user) or str(message.get("username") or "")
        return Foreign(kind="context", text=decoded(text, names)[:FOREIGN], author=author)

    def _client_with(self, token: str) -> AsyncWebClient:
        client = AsyncWebClient(token=token or None, base_url=self._api_address, timeout=SECONDS, session=self._http)
        client.retry_handlers.clear()  # a message that may have arrived is looked for, not sent again
        return client

    async def _look_up(self, user: str, channel: str) -> dict[str, Any]:
        return await self._sender.api.call("users.info", channel, user=user, include_locale=True)


def _newest(said: Sequence[Foreign], room: int) -> list[Foreign]:
    """The last of what was said, as much as goes into so many characters."""
    kept: list[Foreign] = []
    for each in reversed(said):
        room -= len(each.text)
        if room < 0 and kept:
            break
        kept.append(each)
    return kept[::-1]
