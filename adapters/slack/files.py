"""Files: those of people are fetched from Slack alone, with its token; those of tools are put into the thread."""

from collections.abc import Collection
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp

from adapters.base import FileRefused
from adapters.slack.api import Api
from adapters.slack.errors import SlackTrouble
from adapters.slack.inbound import Place
from adapters.slack.pacing import POST
from orchestrator.messages import Attachment
from orchestrator.words import say

SLACK_HOSTS = ("slack.com", "slack-files.com", "slack-edge.com")  # and what lies below them
MOST_REDIRECTS = 3
PART = 65_536  # bytes read at once


class Files:
    """Brings files in and out. `limit` is bytes of one that comes in, `hosts` further ones that are Slack,
    such as http://127.0.0.1:8082."""

    def __init__(self, api: Api, http: aiohttp.ClientSession, *, limit: int, hosts: Collection[str] = ()) -> None:
        self._api = api
        self._http = http
        self._limit = limit
        self._hosts = frozenset(hosts)

    async def fetch(self, attachment: Attachment, channel: str) -> bytes:
        """The content of a file that was sent in a channel. Raises FileRefused, SlackTrouble."""
        if attachment.size and attachment.size > self._limit:
            raise self._too_large(attachment, attachment.size)
        try:
            told = await self._api.call("files.info", channel, file=attachment.ref)
        except SlackTrouble as trouble:
            if trouble.code in {"file_not_found", "file_deleted", "access_denied"}:
                raise FileRefused(say("I could not take {name}: it was deleted.", name=attachment.name)) from None
            if trouble.code == "missing_scope":
                raise _unreadable(attachment) from None
            raise
        file: dict[str, Any] = told.get("file") or {}
        address = file.get("url_private_download") or file.get("url_private")
        if not address:
            raise FileRefused(say("I could not take {name}: Slack does not give it out.", name=attachment.name))
        return await self._downloaded(str(address), attachment, token=await self._api.token_for(channel))

    async def send(self, place: Place, content: bytes, *, name: str) -> None:
        """Put a file into a thread. Raises SlackTrouble."""
        given = await self._api.call("files.getUploadURLExternal", place.channel, filename=name, length=len(content))
        await self._put(str(given["upload_url"]), content)
        await self._api.pacer.turn(POST, place.channel)
        await self._api.call(
            "files.completeUploadExternal",
            place.channel,
            files=[{"id": str(given["file_id"]), "title": name}],
            channel_id=place.channel,
            thread_ts=place.thread,
        )

    async def _put(self, address: str, content: bytes) -> None:
        if not self._is_slack(address):
            raise SlackTrouble("an upload would leave Slack", detail=urlsplit(address).hostname or "")
        try:
            async with self._http.post(address, data=content) as answer:
                if answer.status != 200:
                    raise SlackTrouble(f"the upload was answered with {answer.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SlackTrouble("the upload broke", detail=type(error).__name__) from None

    async def _downloaded(self, address: str, attachment: Attachment, *, token: str) -> bytes:
        for _ in range(MOST_REDIRECTS + 1):
            if not self._is_slack(address):  # wherever it leads, the token and the request stay within Slack
                break
            try:
                async with self._http.get(
                    address, headers={"Authorization": f"Bearer {token}"}, allow_redirects=False
                ) as answer:
                    if answer.status in {301, 302, 303, 307, 308}:
                        address = urljoin(address, answer.headers.get("Location", ""))
                        continue
                    return await self._content(answer, attachment)
            except (aiohttp.ClientError, TimeoutError) as error:
                raise SlackTrouble("a download broke", detail=type(error).__name__) from None
        raise FileRefused(say("I could not take {name}: its link leads out of Slack.", name=attachment.name))

    async def _content(self, answer: aiohttp.ClientResponse, attachment: Attachment) -> bytes:
        if answer.status >= 500 or answer.status == 429:
            raise SlackTrouble(f"a download was answered with {answer.status}")
        is_page = answer.content_type == "text/html" and attachment.mime != "text/html"
        if answer.status != 200 or is_page:  # Slack shows its sign-in page to whom it does not let in
            raise _unreadable(attachment)
        content = bytearray()
        async for part in answer.content.iter_chunked(PART):
            content += part
            if len(content) > self._limit:
                raise self._too_large(attachment, len(content))
        return bytes(content)

    def _too_large(self, attachment: Attachment, size: int) -> FileRefused:
        return FileRefused(
            say(
                "I could not take {name}: it has {size} MB, and I can take {limit} MB here.",
                name=attachment.name,
                size=round(size / 1e6),
                limit=self._limit // 10**6,
            )
        )

    def _is_slack(self, address: str) -> bool:
        parts = urlsplit(address)
        host = (parts.hostname or "").casefold()
        if f"{parts.scheme}://{parts.netloc}" in self._hosts:
            return True
        return parts.scheme == "https" and any(host == known or host.endswith(f".{known}") for known in SLACK_HOSTS)


def _unreadable(attachment: Attachment) -> FileRefused:
    return FileRefused(
        say("I could not take {name}: I may not read files here (scope files:read).", name=attachment.name)
    )
