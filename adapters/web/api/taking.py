"""What programs send: messages, answers, stops and files. Each event counts once."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from adapters.web.api.archive import NAME, Archive
from adapters.web.api.contract import Chosen, NewAnswer, NewMessage, Taken, Turn, Upload, Uploaded, Wait
from adapters.web.api.operations import ROOT, Operation, asked, data, given, kind, media_of, nothing_of
from adapters.web.api.telling import turn
from adapters.web.endpoints import person_of
from adapters.web.events import PACE_SECONDS
from adapters.web.files import UPLOAD_SECONDS
from adapters.web.reading import Refused, body_of
from adapters.web.record import address_of
from adapters.web.rooms import Rooms
from adapters.web.uploads import Uploads
from orchestrator.messages import (
    Accept,
    Address,
    Arriving,
    Attachment,
    Choice,
    Foreign,
    Form,
    Inbound,
    Message,
    Person,
    Pressing,
    Receipt,
    Stop,
)

LOOK_SECONDS = 1.0  # between two looks at a turn that is waited for: a stop ends without a word
MESSAGE = TypeAdapter(NewMessage)
ANSWER: TypeAdapter[Chosen | Any] = TypeAdapter(NewAnswer)
TAKEN = {200: kind(Turn), 202: kind(Taken)}


class Taking:
    """Operations that take something in. `accept` is None while nothing can be."""

    def __init__(self, archive: Archive, rooms: Rooms, uploads: Uploads, *, upload_bytes: int) -> None:
        self.accept: Accept | None = None
        self._archive = archive
        self._rooms = rooms
        self._uploads = uploads
        self._upload_bytes = upload_bytes

    def operations(self) -> Sequence[Operation]:
        return [
            Operation(
                "POST",
                "/messages",
                "sendMessage",
                "Say something. 202 once it is on disk; 200 where its turn has ended within `wait`.",
                self._message,
                TAKEN,
                problems=(404, 408, 413, 415, 422, 503),
                body=kind(NewMessage),
                query=Wait,
            ),
            Operation(
                "POST",
                "/questions/{question}/answers",
                "answerQuestion",
                "Answer a question of a turn: a choice, own words, or its fields. An approval is such a question.",
                self._answer,
                TAKEN,
                problems=(404, 408, 413, 415, 422, 503),
                body=kind(NewAnswer),
                query=Wait,
            ),
            Operation(
                "POST",
                "/sessions/{session}/stop",
                "stopSession",
                "End what runs in a conversation, now. The turns that it ends say so.",
                self._stop,
                {202: kind(Taken)},
                problems=(404, 503),
            ),
            Operation(
                "POST",
                "/files",
                "uploadFile",
                "Bring a file, as it is, with its media type. A message takes it along by `file`.",
                self._upload,
                {201: kind(Uploaded)},
                problems=(408, 413, 415, 422, 503),
                body="application/octet-stream",
                query=Upload,
            ),
        ]

    async def _message(self, request: Request) -> Response:
        wait, new, person = asked(request, Wait), await given(request, MESSAGE), person_of(request)
        address = address_of(person, new.session or secrets.token_hex(6), channel=NAME)

        async def message(arrival: Mapping[str, Any]) -> Inbound:
            return Message(
                **arrival,
                tools=new.tools,
                text=new.text,
                attachments=await self._brought(person, new.files),
                foreign=tuple(Foreign(**each.model_dump()) for each in new.foreign),
            )

        taken = await self._taken(_arrival(person, address, new.event), message)
        await self._uploads.over(new.files)
        return await self._waited(person, taken, wait.wait)

    async def _answer(self, request: Request) -> Response:
        wait, new, person = asked(request, Wait), await given(request, ANSWER), person_of(request)
        question: str = request.path_params["question"]
        session = await self._archive.asking(person, question)
        if session is None:
            raise nothing_of("question")

        async def answer(arrival: Mapping[str, Any]) -> Inbound:
            if isinstance(new, Chosen):
                return Choice(**arrival, question=question, value=new.choice)
            return Form(**arrival, question=question, values=new.values)

        arrival = _arrival(person, address_of(person, session, channel=NAME), new.event)
        await self._check_press(Pressing(**arrival, question=question))
        return await self._waited(person, await self._taken(arrival, answer), wait.wait)

    async def _stop(self, request: Request) -> Response:
        person, session = person_of(request), request.path_params["session"]
        address = address_of(person, session, channel=NAME)
        if not (await self._archive.stretch(address)).spoken:
            raise nothing_of("conversation")

        async def stop(arrival: Mapping[str, Any]) -> Inbound:
            return Stop(**arrival)

        return data(await self._taken(_arrival(person, address, secrets.token_hex(16)), stop), 202)

    async def _upload(self, request: Request) -> Response:
        name, mime = asked(request, Upload).name, media_of(request)
        if not mime:
            raise Refused("Say what the file is, as Content-Type: application/octet-stream will do.", 415)
        body = await body_of(request, most=self._upload_bytes, seconds=UPLOAD_SECONDS)
        return data(Uploaded(file=await self._uploads.take(person_of(request), name, mime, body)), 201)

    async def _brought(self, person: Person, files: Sequence[str]) -> tuple[Attachment, ...]:
        try:
            return await self._uploads.sent(person, files)
        except Refused as unknown:
            raise Refused(str(unknown), 404) from None

    async def _check_press(self, press: Pressing) -> None:
        """Raises Refused where this person may not answer that; what was answered before is told again."""
        if await self._archive.taken(press.person, press.event_id) is None:
            refused = (await self._accepted(press)).refused
            if refused:
                raise Refused(refused, 403)

    async def _accepted(self, arriving: Arriving) -> Receipt:
        if self.accept is None:
            raise Refused("I am just starting or ending.", 503)
        return await self.accept(arriving)

    async def _taken(
        self, arrival: Mapping[str, Any], inbound: Callable[[Mapping[str, Any]], Awaitable[Inbound]]
    ) -> Taken:
        """Take something in, once; what had come before is told as it was."""
        person, event_id = arrival["person"], arrival["event_id"]
        known, new = await self._archive.taken(person, event_id), False
        if known is None:
            new = (await self._accepted(await inbound(arrival))).new
            known = await self._archive.taken(person, event_id)
        assert known is not None
        return Taken(new=new, turn=known.turn, session=known.conversation)

    async def _waited(self, person: Person, taken: Taken, seconds: int) -> Response:
        """The turn, if it ends in time; else only that it was taken."""
        if seconds and (ended := await self._ended(person, taken, seconds)):
            return data(ended)
        return data(taken, 202, {"Location": f"{ROOT}/turns/{taken.turn}"})

    async def _ended(self, person: Person, taken: Taken, seconds: int) -> Turn | None:
        session = address_of(person, taken.session, channel=NAME).session
        try:
            async with asyncio.timeout(seconds):
                with self._rooms.looking(session) as page:
                    while not (found := await self._archive.turn(person, taken.turn)) or not found.is_done:
                        if (await page.news(within=LOOK_SECONDS)).ended:
                            return None
                        await asyncio.sleep(PACE_SECONDS)
                    return turn(found)
        except TimeoutError:
            return None


def _arrival(person: Person, address: Address, event: str) -> Mapping[str, Any]:
    return {
        "event_id": f"{quote(person.id, safe='@.-_')}/{event}",
        "address": address,
        "person": person,
        "sent_at": datetime.now(UTC),
        "private": True,
    }
