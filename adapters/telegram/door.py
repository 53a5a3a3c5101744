"""Who may talk to the bot: people that the settings name, and those who have brought a code. Nobody else."""

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Collection

from telegram import User

from adapters.base import Shelf

VALID_SECONDS = 3_600
MOST_OPEN_CODES = 3
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # nothing that reads like something else
LENGTH = 10  # characters: 8e14 codes, of which three are open
PERSON, CODE = "person/", "code/"  # keys of notes
EVERYBODY = "*"


class Door:
    """Lets people in. `named` are ids and @usernames of the settings; "*" is everybody."""

    def __init__(self, shelf: Shelf, named: Collection[str], *, now: Callable[[], float] = time.time) -> None:
        self._shelf = shelf
        self._named = {each.strip().removeprefix("@").casefold() for each in named if each.strip()}
        self._now = now
        self._inside: set[str] = set()
        self._taking = asyncio.Lock()  # two people with one code: only the first comes in

    async def open(self) -> None:
        """Remember who was let in before."""
        self._inside = {key.removeprefix(PERSON) for key in await self._shelf.notes(PERSON)}

    @property
    def is_nobody_in(self) -> bool:
        """Whether nobody can talk to the bot yet."""
        return not self._inside and not self._named

    def lets_in(self, user: User) -> bool:
        return EVERYBODY in self._named or str(user.id) in self._inside or bool(_names(user) & self._named)

    async def new_code(self) -> str | None:
        """A code that lets one person in, once, within the hour; None where too many are open already."""
        open_codes = [key for key, expires in (await self._shelf.notes(CODE)).items() if float(expires) > self._now()]
        if len(open_codes) >= MOST_OPEN_CODES:
            return None
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        await self._shelf.note({_key(code): str(self._now() + VALID_SECONDS)})
        return code

    async def may_invite(self, user: User) -> bool:
        """Whether this person may let others in: those of the settings, and who came first."""
        first = next(iter(await self._shelf.notes(PERSON)), None)
        return first == f"{PERSON}{user.id}" or bool(_names(user) & self._named)

    async def take(self, code: str, user: User, *, first: Callable[[], Awaitable[None]]) -> bool:
        """Let the person in, if the code is one; it is used up then. While nobody is in, a code is the operator's:
        whoever brings it is made known as the `first`, before anything else."""
        async with self._taking:
            expires = await self._shelf.noted(_key(code))
            if expires is None or float(expires) <= self._now():
                return False
            if self.is_nobody_in:
                await first()
            story = json.dumps({"name": user.full_name, "since": self._now()})
            await self._shelf.note({_key(code): None, f"{PERSON}{user.id}": story})
            self._inside.add(str(user.id))
            return True


def _names(user: User) -> set[str]:
    return {str(user.id), *filter(None, [(user.username or "").casefold()])}


def _key(code: str) -> str:
    """Codes are kept as their hash: who reads the database cannot use them."""
    written = code.strip().upper().replace("-", "")
    return f"{CODE}{hashlib.sha256(written.encode()).hexdigest()}"
