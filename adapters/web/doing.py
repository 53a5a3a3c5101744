"""What people do: messages, answers, stops and ratings become Inbounds, each once."""

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.base import Shelf
from adapters.web.endpoints import HERE, TURN, conversation_in, person_of, route, wants_data
from adapters.web.items import said
from adapters.web.reading import Refused, form_of
from adapters.web.record import Record, address_of, place_of
from adapters.web.rooms import Rooms
from adapters.web.uploads import Uploads
from orchestrator.messages import Accept, Arriving, Choice, Feedback, Form, Inbound, Message, Receipt, Stop
from orchestrator.words import say

EVENT = re.compile(r"[A-Za-z0-9-]{8,64}")

Fields = Mapping[str, Sequence[str]]


class Doing:
    """Endpoints that take something in. `accept` is None while nothing can be."""

    def __init__(self, record: Record, shelf: Shelf, rooms: Rooms, *, uploads: Uploads) -> None:
        self.accept: Accept | None = None
        self._record = record
        self._shelf = shelf
        self._rooms = rooms
        self._uploads = uploads

    def routes(self) -> list[Route]:
        return [
            route(self._record, f"{HERE}/messages", self._message, "POST"),
            route(self._record, f"{HERE}/answers", self._answer, "POST"),
            route(self._record, f"{HERE}/stop", self._stop, "POST"),
            route(self._record, f"{HERE}/feedback", self._feedback, "POST"),
        ]

    async def _message(self, request: Request) -> Response:
        given = await form_of(request)
        refs = list(given.get("file", ()))

        async def message(arrival: Mapping[str, Any]) -> Inbound:
            person = person_of(request)
            return Message(**arrival, text=_one(given, "text"), attachments=await self._uploads.sent(person, refs))

        response = await self._arrives(request, given, message)
        await self._uploads.over(refs)
        return response

    async def _answer(self, request: Request) -> Response:
        given = await form_of(request)
        question, choice = _one(given, "question"), _one(given, "choice")
        values = _values(given)

        async def answer(arrival: Mapping[str, Any]) -> Inbound:
            if choice:
                return Choice(**arrival, question=question, value=choice)
            return Form(**arrival, question=question, values=values)

        if not (choice or any(values.values())):
            raise Refused(say("Please fill this in."))
        return await self._arrives(request, given, answer)

    async def _stop(self, request: Request) -> Response:
        async def stop(arrival: Mapping[str, Any]) -> Inbound:
            return Stop(**arrival)

        return await self._arrives(request, await form_of(request), stop)

    async def _feedback(self, request: Request) -> Response:
        given = await form_of(request)
        turn, rating = _one(given, "turn"), _one(given, "rating")
        if not TURN.fullmatch(turn) or rating not in {"good", "bad"}:
            raise Refused(say("That cannot be rated."))
        arrival = self._arrival(request, given)
        await self._accepted(Feedback.model_validate({**arrival, "turn": turn, "rating": rating}))
        return self._done(request, {})

    async def _arrives(
        self, request: Request, given: Fields, inbound: Callable[[Mapping[str, Any]], Awaitable[Inbound]]
    ) -> Response:
        """Take something in, once, and show it on every page of the conversation."""
        arrival = self._arrival(request, given)
        if await self._shelf.knows(arrival["event_id"]):
            return self._done(request, {"new": False})
        taken = await inbound(arrival)
        receipt = await self._accepted(taken)
        if receipt.turn and receipt.new:
            self._show(taken, receipt.turn)
        return self._done(request, {"new": receipt.new, "turn": receipt.turn})

    def _show(self, taken: Inbound, turn: str) -> None:
        session = taken.address.session
        if item := said(taken, turn):
            self._rooms.show(session, taken.event_id, item)
        if not isinstance(taken, Stop) and not _is_stop(taken):
            self._rooms.begins(session, turn)
        self._rooms.list(place_of(taken.person))

    async def _accepted(self, inbound: Arriving) -> Receipt:
        if self.accept is None:
            raise Refused(say("I am just starting or ending. Your words are kept here, and sent again."), 503)
        return await self.accept(inbound)

    def _arrival(self, request: Request, given: Fields) -> dict[str, Any]:
        person = person_of(request)
        event = _one(given, "event") or secrets.token_hex(16)
        if not EVENT.fullmatch(event):
            raise Refused("'event' must have 8 to 64 letters, digits or dashes.")
        return {
            "event_id": f"{quote(person.id, safe='@.-_')}/{event}",
            "address": address_of(person, conversation_in(request)),
            "person": person,
            "sent_at": datetime.now(UTC),
            "private": True,
        }

    @staticmethod
    def _done(request: Request, told: Mapping[str, Any]) -> Response:
        if wants_data(request):
            return JSONResponse(told)
        return RedirectResponse(f"/c/{conversation_in(request)}", 303)


def _values(given: Fields) -> dict[str, str]:
    """The fields of a question that were filled in; own words stand over a choice."""
    chosen = {name.removeprefix("field."): _one(given, name) for name in given if name.startswith("field.")}
    own = {
        name.removeprefix("own."): words for name in given if name.startswith("own.") and (words := _one(given, name))
    }
    return {name: value for name, value in {**chosen, **own}.items() if value.strip()}


def _is_stop(taken: Inbound) -> bool:
    return isinstance(taken, Message) and taken.text.strip().lower() == "/stop"


def _one(given: Fields, name: str) -> str:
    return next(iter(given.get(name, ())), "")
