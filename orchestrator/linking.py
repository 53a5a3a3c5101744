"""Linking: accounts in several channels become one person: /link."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from orchestrator import audit
from orchestrator.errors import BadInput
from orchestrator.messages import FINAL, Notice
from orchestrator.people import People
from orchestrator.roles import rights
from orchestrator.sessions import Talk
from orchestrator.slash import Slash, Told
from orchestrator.words import each_way, say, speaking
from storage.changes import leaving, offering_link
from storage.records import Letter, LinkCode
from storage.store import Store

VALID = timedelta(hours=1)
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # nothing that reads like something else
LENGTH = 10  # characters: 8e14 codes, of which each account has one


class Linking:
    """Joins accounts, and takes them apart."""

    def __init__(self, store: Store, people: People, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._people = people
        self._now = now

    def words(self) -> Iterator[Slash]:
        yield Slash("link", self._link, "/link [CODE | remove]", say("joins your accounts in several channels"))

    async def _link(self, talk: Talk, rest: str) -> Told:
        if not talk.inbound.private:
            raise BadInput(say("A code is for you alone: write to me in private."))
        code, _, word = rest.strip().partition(" ")
        if not code:
            return self._offered(talk)
        if code.casefold() == "remove":
            return await self._removed(talk)
        if word.strip().casefold() in each_way("yes"):
            return await self._joined(talk, code)
        return await self._confirming(talk, code)

    def _offered(self, talk: Talk) -> Told:
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        person = talk.inbound.person
        name = person.name or person.id
        kept = LinkCode(_digest(code), talk.arrived.channel, person.id, name, self._now() + VALID)
        text = say(
            "Write `/link {code}` to me from your other account, within the hour. Give it to nobody else: "
            "whoever writes it counts as you.",
            code=code,
        )
        return Told(text, changes=(offering_link(kept),))

    async def _confirming(self, talk: Talk, code: str) -> Told:
        """Who is joined with whom: a code may come from somebody who wants to be taken for this person."""
        known = await self._known(code)
        text = say(
            "This code is of {name} (`{account}`). If that is you, write `/link {code} yes`: then what I keep about "
            "you, what you have allowed and your budgets count for both. If somebody has sent it to you, do not.",
            name=known.name,
            account=f"{known.channel}:{known.person}",
            code=code,
        )
        return Told(text)

    async def _joined(self, talk: Talk, code: str) -> Told:
        known = await self._known(code)
        other = f"{known.channel}:{known.person}"
        mine = f"{talk.arrived.channel}:{talk.inbound.person.id}"
        on_record = audit.of_talk("link", talk, joined=True)
        if not await self._store.join(_digest(code), talk.arrived.channel, talk.inbound.person.id, on_record):
            raise BadInput(say("These accounts are joined already."))
        return Told(_is_joined(other), letters=await self._word_to(known, mine, talk))

    async def _word_to(self, known: LinkCode, mine: str, talk: Talk) -> tuple[Letter, ...]:
        """The same for the other account, where it has written to us alone."""
        address = await self._people.private_address(f"{known.channel}:{known.person}")
        if address is None or address.session == talk.arrived.session:
            return ()
        preferences = await self._store.preferences(known.channel, known.person)
        with speaking(preferences.language or talk.language):
            told = say(
                "Your account `{account}` is joined with this one now. `/link remove` undoes that.", account=mine
            )
        part = FINAL.dump_json(Notice(text=told)).decode()
        return (Letter(address.session, address.channel, address.model_dump_json(), part),)

    async def _removed(self, talk: Talk) -> Told:
        if len(rights().accounts) < 2:
            raise BadInput(say("This account is joined with no other one. `/link` gives you a code for that."))
        change = leaving(talk.arrived.channel, talk.inbound.person.id)
        on_record = audit.of_talk("link", talk, joined=False)
        return Told(say("This account is by itself again."), changes=(change, on_record))

    async def _known(self, code: str) -> LinkCode:
        """Raises BadInput."""
        if known := await self._store.link_code(_digest(code)):
            return known
        raise BadInput(say("This code is not valid, or not any more. Ask for a new one."))


def _is_joined(account: str) -> str:
    return say("Your account `{account}` is joined with this one now. `/link remove` undoes that.", account=account)


def _digest(code: str) -> str:
    """Codes are kept as their hash: who reads the database cannot use them."""
    return hashlib.sha256(code.strip().upper().replace("-", "").encode()).hexdigest()
