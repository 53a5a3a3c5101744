"""Who somebody is here: what an account may do where it speaks, who may do something, and where to reach them."""

from collections.abc import Callable, Collection

from pydantic import ValidationError

from orchestrator.messages import INBOUND, Address, Arrival, Inbound, Person
from orchestrator.roles import HouseRules, Rights, Role, role_named
from orchestrator.words import say
from storage.store import Store

MOST_NAMED = 3  # of those who can help
FIRST = "the door"  # who has made the first person the owner


class People:
    """Reads the house rules, and behind them what the database knows. The accounts `at_home` are those of whoever runs
    this: owners, unless somebody says otherwise."""

    def __init__(self, store: Store, rules: HouseRules, *, at_home: Collection[str] = ()) -> None:
        self._store = store
        self.rules = rules
        self._at_home: dict[str, Role] = dict.fromkeys(at_home, "owner")

    async def rights_of(self, arrival: Arrival) -> Rights:
        """What the person of this may do, there and now."""
        return await self.rights_at(arrival.address, arrival.person)

    async def rights_at(self, address: Address, person: Person) -> Rights:
        """What somebody may do at this address now."""
        known = await self._store.known_as(address.channel, person.id)
        accounts = [f"{each.channel}:{each.person}" for each in known]
        role = self.rules.role(
            [self._given(account, each.role) for account, each in zip(accounts, known, strict=True)],
            channel=address.channel,
            chat=address.chat,
            workspaces=person.teams,
        )
        return self.rules.rights(role, accounts=accounts, identity=known[0].identity)

    async def given(self) -> dict[str, Role]:
        """The roles that accounts were given, by the file or else by somebody."""
        appointed = await self._store.appointments()
        return {**{f"{each.channel}:{each.person}": role_named(each.role) for each in appointed}, **self.rules.people}

    def _given(self, account: str, appointed: str | None) -> str | None:
        """The role that an account was given: by the file, else by somebody, else by where it is."""
        return self.rules.people.get(account) or appointed or self._at_home.get(account)

    async def those_who(self, may: Callable[[Rights], bool]) -> list[str]:
        """The accounts whose role was given to them, and is one that may do this."""
        return [account for account, role in (await self.given()).items() if may(self.rules.rights(role))]

    async def who_can_help(self) -> str:
        """Whom to ask for a role, in a sentence."""
        admins = await self.those_who(lambda rights: rights.may_say("people"))
        names = ", ".join([await self.name_of(each) for each in admins[:MOST_NAMED]])
        return say("Ask {names}.", names=names) if names else say("Ask the one who runs me.")

    async def name_of(self, account: str) -> str:
        """What somebody is called, where they have said something; else the account."""
        event = await self._last(account, lambda inbound: bool(inbound.person.name))
        return event.person.name if event else account

    async def private_address(self, account: str) -> Address | None:
        """Where somebody has last written to us with nobody reading along."""
        event = await self._last(account, lambda inbound: inbound.private)
        return event.address if event else None

    async def _last(self, account: str, fits: Callable[[Inbound], bool]) -> Inbound | None:
        channel, _, person = account.partition(":")
        for event in await self._store.events_of(channel, person):
            try:
                inbound = INBOUND.validate_json(event)
            except ValidationError:  # of another version
                continue
            if fits(inbound):
                return inbound
        return None
