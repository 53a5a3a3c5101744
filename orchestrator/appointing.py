"""Appointing: who has which role, given and taken back: /people, and `errand people`."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from orchestrator import audit
from orchestrator.errors import BadInput, NotAllowed
from orchestrator.messages import FirstIn
from orchestrator.people import FIRST, People
from orchestrator.roles import OPERATOR, ROLES, Rights, Role, rights, role_named
from orchestrator.sessions import Talk
from orchestrator.slash import Slash, Told
from orchestrator.words import say
from storage.records import Appointment, Change
from storage.store import Store

USAGE = "/people [set telegram:42 admin | remove telegram:42]"


class Appointing:
    """Gives roles. The file stands above what is given here."""

    def __init__(self, store: Store, people: People) -> None:
        self._store = store
        self._people = people

    def words(self) -> Iterator[Slash]:
        yield Slash("people", self._word, USAGE, say("says who has which role, and gives them"))

    # --- what is done. `theirs` are the rights of whoever does it, `turn` is where; the operator has all, and none.

    async def appoint(self, account: str, role: str, *, theirs: Rights = OPERATOR, turn: str = "") -> Role:
        """Give an account a role: that role. Raises BadInput, NotAllowed."""
        new = role_named(role)
        was = await self._may_change(account, new, theirs)
        channel, _, person = account.partition(":")
        by = theirs.accounts[0] if theirs.accounts else "the operator"
        given = Appointment(channel, person, new, by)
        on_record = _on_record(account, was=was, now=new, turn=turn)
        keeping = self._keeping(is_lost=was == "owner" != new)
        if not await self._store.appoint(given, on_record, keeping=keeping):
            raise _last_owner()
        return new

    async def dismiss(self, account: str, *, theirs: Rights = OPERATOR, turn: str = "") -> Role:
        """Take the role of an account away: the one that it has then. Raises BadInput, NotAllowed."""
        new = self._people.rules.role_without(account)
        was = await self._may_change(account, new, theirs)
        if account not in await self._people.given():
            raise BadInput(say("{account} was given no role.", account=account))
        channel, _, person = account.partition(":")
        on_record = _on_record(account, was=was, now=new, turn=turn)
        keeping = self._keeping(is_lost=was == "owner")
        if not await self._store.dismiss(channel, person, on_record, keeping=keeping):
            raise _last_owner()
        return new

    async def first_in(self, first: FirstIn) -> None:
        """Make the first person whom a channel lets in the owner, where there is none."""
        if self._people.rules.names_an_owner:
            return
        channel, person = first.address.channel, first.person.id
        given = Appointment(channel, person, "owner", FIRST)
        await self._store.appoint_first(given, _on_record(f"{channel}:{person}", was="member", now="owner"))

    async def listed(self) -> str:
        """Everybody who was given a role, the highest first."""
        given = await self._people.given()
        lines = [
            f"- {role}: {await self._people.name_of(account)} (`{account}`){self._where(account)}"
            for account, role in sorted(given.items(), key=lambda each: (-ROLES.index(each[1]), each[0]))
        ]
        told = say("Whoever is not here has the role of their group, workspace or channel.")
        return "\n".join([*lines, told])

    async def _may_change(self, account: str, new: Role, theirs: Rights) -> Role:
        """The role that an account has now. Raises BadInput, NotAllowed where it cannot be changed like that."""
        if not all(account.partition(":")):
            raise BadInput(
                say("{name!r} is no account: write its channel and its id, such as telegram:42.", name=account)
            )
        if account in self._people.rules.people:
            raise BadInput(say("The role of {account} stands in the policy file: change it there.", account=account))
        was = (await self._people.given()).get(account) or self._people.rules.role_without(account)
        if not theirs.may_appoint(was, new, own=account in theirs.accounts):
            raise NotAllowed(say("Nobody gives more than they have, or takes from one who has as much."))
        return was

    def _keeping(self, *, is_lost: bool) -> str | None:
        """The role with which somebody must be left, where an owner's is lost."""
        return "owner" if is_lost and not self._people.rules.names_an_owner else None

    def _where(self, account: str) -> str:
        return f", {say('in the policy file')}" if account in self._people.rules.people else ""

    # --- the slash word

    async def _word(self, talk: Talk, rest: str) -> Told:
        if not talk.inbound.private:
            raise BadInput(say("That is about other people: please ask me where nobody reads along."))
        word, *names = rest.split()[:4] or [""]
        way = self._ways(talk).get((word, len(names)))
        if word and way is None:
            raise BadInput(say("Write it as {usage}", usage=USAGE))
        return Told(await way(*names) if way else await self.listed())

    def _ways(self, talk: Talk) -> dict[tuple[str, int], Callable[..., Awaitable[str]]]:
        turn = talk.arrived.turn
        return {("set", 2): partial(self._set, turn), ("remove", 1): partial(self._remove, turn)}

    async def _set(self, turn: str, account: str, role: str) -> str:
        new = await self.appoint(account, role, theirs=rights(), turn=turn)
        return say("{account} is {role} from the next message on.", account=account, role=new)

    async def _remove(self, turn: str, account: str) -> str:
        new = await self.dismiss(account, theirs=rights(), turn=turn)
        return say("{account} is {role} from the next message on.", account=account, role=new)


def _on_record(account: str, *, was: Role, now: Role, turn: str = "") -> Change:
    """Whose role has changed; who did it is known by the turn."""
    channel, _, person = account.partition(":")
    return audit.entry("role", channel=channel, person=person, turn=turn, was=was, now=now)


def _last_owner() -> BadInput:
    return BadInput(say("That is the last owner: make somebody else owner first."))
