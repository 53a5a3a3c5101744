"""Tokens: each lets one program in as one person. Only their hashes are kept."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request

from adapters.base import Shelf
from adapters.web.visitors import Visitors
from orchestrator.messages import Person

NOTE = "token/"  # keys of notes; behind it the hash
PREFIX = "errand_"  # by which people, and those who look for lost secrets, know what it is
LONGEST = 200  # characters that are looked at


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is known: its name, whose requests it makes, since when."""

    name: str
    person: str
    made_at: datetime


class Tokens:
    """The tokens on the shelf of the channel."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def add(self, name: str, person: str) -> str:
        """A new token, which nobody can be told again. Raises StorageError."""
        token = f"{PREFIX}{secrets.token_urlsafe(32)}"  # 256 bits: a plain hash of that cannot be searched
        known = {"name": name, "person": person, "made_at": datetime.now(UTC).isoformat()}
        await self._shelf.note({_key(token): json.dumps(known)})
        return token

    async def listed(self) -> Sequence[Token]:
        """All of them, oldest first. Raises StorageError."""
        return [_read(note) for note in (await self._shelf.notes(NOTE)).values()]

    async def remove(self, name: str) -> bool:
        """Let the token of this name in no more: False where there is none. Raises StorageError."""
        named = [key for key, note in (await self._shelf.notes(NOTE)).items() if _read(note).name == name]
        await self._shelf.note(dict.fromkeys(named))
        return bool(named)

    async def person(self, token: str) -> Person | None:
        """Whose token this is. Raises StorageError."""
        note = await self._shelf.noted(_key(token)) if len(token) <= LONGEST else None
        return Person(id=_read(note).person) if note else None


class Callers:
    """Tells whose a request is: a token's, or everybody's where the page is open to all of this machine."""

    def __init__(self, tokens: Tokens, visitors: Visitors) -> None:
        self._tokens = tokens
        self._visitors = visitors

    @property
    def need_tokens(self) -> bool:
        return not self._visitors.is_open

    async def of(self, request: Request) -> Person | None:
        """The person; None where no token, or an unknown one, came. Raises StorageError."""
        shown = request.headers.get("authorization")
        if shown is None:
            return None if self.need_tokens else self._visitors.owner
        kind, _, token = shown.partition(" ")
        return await self._tokens.person(token.strip()) if kind.lower() == "bearer" else None


def _key(token: str) -> str:
    return f"{NOTE}{hashlib.sha256(token.encode()).hexdigest()}"


def _read(note: str) -> Token:
    known = json.loads(note)
    return Token(known["name"], known["person"], datetime.fromisoformat(known["made_at"]))
