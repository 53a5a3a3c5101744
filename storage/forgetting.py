"""Forgetting a person: one rule for each table, so that nothing of them is left in any.

Conversations that were theirs alone go as a whole. In those that they share with others, the turns that are theirs, or
that name them, lose their words. What others wrote without naming them stays, as it is theirs.

A table of your own needs a rule in `RULES`; a test fails until it has one. Where `channel` and `person` say whose a row
is, `of_person` is all; where a column names somebody, `naming`; `keeps` says that a table holds nothing of anybody.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, delete, func, or_, select, true, update

from storage import aliases, audit, erasing, identities
from storage.aliases import person_name
from storage.erasing import FORGOTTEN, Counts
from storage.tables import (
    accounts,
    appointments,
    budget_requests,
    cases,
    channel_notes,
    declined,
    erasures,
    grants,
    inbox,
    link_codes,
    memories,
    outbox,
    people,
    plans,
    ratings,
    reservations,
    schedules,
    sessions,
    spending,
    step_results,
    templates,
    turn_of_event,
    turns,
    undelivered,
    unfinished,
    votes,
)

Who = Callable[[str], tuple[str, str]]
"""The id and the name of the person of an event (JSON); empty where it has none."""

# For which somebody is not forgotten as a part of theirs is not shown, or a turn has not ended: it may never do so.
PATIENCE = timedelta(hours=1)
LONGEST_TURN = timedelta(days=1)
TELLING = 5  # characters of an id that stands nowhere by chance; a shorter one counts as a whole text of JSON only
SHORTEST_NAME = 3


@dataclass(frozen=True, slots=True)
class Whom:
    """A person, and where they are. `alone` are the sessions that were theirs alone and `addresses` those of these
    (JSON values), `gone` all turns there; `blanked` are the turns elsewhere that lose their words. `names` are what
    they are called."""

    channel: str
    person: str
    names: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    addresses: tuple[Any, ...] = ()
    gone: frozenset[str] = frozenset()
    blanked: frozenset[str] = frozenset()

    @property
    def account(self) -> str:
        return person_name(self.channel, self.person)

    def is_meant(self, text: str) -> bool:
        """Whether a text has their id."""
        ids = [self.account, self.person] if len(self.person) >= TELLING else [self.account]
        return _has_one(text, ids) or re.search(rf'"{re.escape(self.person)}\\?"', text) is not None

    def is_called(self, text: str) -> bool:
        """Whether a text has their id or one of their names."""
        return self.is_meant(text) or _has_one(text, self.names)

    def perhaps_in(self, column: Column[Any]) -> ColumnElement[bool]:
        """What the database can see of that: where it says no, neither their id nor a name of theirs is there."""
        return or_(*(column.contains(each, autoescape=True) for each in (self.person, *self.names)))


Rule = Callable[[Connection, Whom], Counts]
"""Take away, or make unreadable, what is kept of a person: how many rows that concerns, by table."""


class UnderWay(Exception):
    """Something of theirs is being worked on, or is still on its way to them."""


def forget(connection: Connection, channel: str, person: str, who: Who, *, waits: bool) -> tuple[Counts, list[str]]:
    """Forget a person, with all accounts that are joined with this one: how many rows that concerned, by table, and the
    files that nobody needs any more. With `waits` it raises UnderWay, and its transaction is to be given up then."""
    counts, files = Counts(), set[str]()
    for account in identities.accounts_of(connection, channel, person):
        if waits and _at_work(connection, Whom(*account), who):
            raise UnderWay  # as mostly: without looking through all texts
        whom = find(connection, *account, who)
        if waits and (_at_work(connection, whom, who) or _on_its_way(connection, whom)):
            raise UnderWay
        some, unused = _forget(connection, whom)
        counts += some
        files.update(unused)
    return counts, sorted(files)


def _forget(connection: Connection, whom: Whom) -> tuple[Counts, list[str]]:
    files = erasing.files_of(connection, (*whom.gone, *whom.blanked))
    files.update(*(erasing.FILE.findall(body) for _, body in _coming(connection, whom)))
    counts = Counts()
    for rule in RULES.values():
        counts.update(rule(connection, whom))
    return +counts, erasing.unused(connection, files)


def _at_work(connection: Connection, whom: Whom, who: Who) -> bool:
    """Whether something of theirs is being worked on. On PostgreSQL it may have come while it was looked for them."""
    begun = select(turn_of_event, inbox.c.payload).where(unfinished, inbox.c.channel == whom.channel)
    begun = begun.where(inbox.c.received_at > datetime.now(UTC) - LONGEST_TURN)
    theirs = whom.gone | whom.blanked
    return any(turn in theirs or who(payload)[0] == whom.person for turn, payload in connection.execute(begun))


def _on_its_way(connection: Connection, whom: Whom) -> bool:
    """Whether something is still to be shown to them, or of them."""
    waiting = select(outbox.c.turn, outbox.c.session).join(turns, turns.c.turn == outbox.c.turn)
    waiting = waiting.where(undelivered, turns.c.finished_at > datetime.now(UTC) - PATIENCE)
    theirs = whom.gone | whom.blanked
    return any(turn in theirs or session in whom.alone for turn, session in connection.execute(waiting))


# --- whom and where -----------------------------------------------------------------------------------


def find(connection: Connection, channel: str, person: str, who: Who) -> Whom:
    """Where somebody is."""
    here = select(turn_of_event, inbox.c.session, inbox.c.payload).join(turns, isouter=True)
    here = here.where(inbox.c.channel == channel)
    own = [(*row, *who(row[2])) for row in connection.execute(here.where(turns.c.person == person))]
    rest = [(*row, *who(row[2])) for row in connection.execute(here.where(turns.c.turn.is_(None)))]
    own += [row for row in rest if row[3] == person]  # an event without a turn knows itself whose it is
    mine = {session for _, session, *_ in own}
    shared = {session for _, session, _, whose, _ in rest if session in mine and whose not in {"", person}}
    others = turns.c.session.in_(mine) & turns.c.person.not_in(["", person])
    shared.update(connection.execute(select(turns.c.session).where(others)).scalars())
    alone = mine - shared
    addresses = connection.execute(select(sessions.c.address).where(sessions.c.session.in_(alone))).scalars()
    gone = connection.execute(select(turn_of_event).where(inbox.c.session.in_(alone))).scalars()
    whom = Whom(
        channel,
        person,
        names=tuple(sorted({name for *_, name in own if len(name) >= SHORTEST_NAME})),
        alone=tuple(sorted(alone)),
        addresses=tuple(map(json.loads, addresses)),
        gone=frozenset(gone),
    )
    theirs = {turn for turn, *_ in own} | {*_sent(connection, whom)} | {*_naming(connection, whom, shared)}
    theirs |= {*_told_of(connection, theirs | whom.gone)}
    return replace(whom, blanked=frozenset(theirs - whom.gone))


def _sent(connection: Connection, whom: Whom) -> Iterator[str]:
    """The turns of what came at their wish, also into conversations of others."""
    for number, _ in _coming(connection, whom):
        came = inbox.c.event_id.startswith(f"schedule:{number}:")
        yield from connection.execute(select(turn_of_event).where(came)).scalars()


def _coming(connection: Connection, whom: Whom) -> Iterator[tuple[int, str]]:
    """What they have scheduled: the number and the body."""
    own = schedules.c.channel == whom.channel, schedules.c.person == whom.person
    rows = connection.execute(select(schedules.c.id, schedules.c.body).where(*own))
    yield from ((number, body) for number, body in rows)


def _naming(connection: Connection, whom: Whom, shared: Collection[str]) -> Iterator[str]:
    """The turns elsewhere that have their id, or a name of theirs where they share the conversation."""
    for found, column in _texts():
        for turn, session, text in connection.execute(found.where(whom.perhaps_in(column))):
            if session not in whom.alone and (whom.is_called(text) if session in shared else whom.is_meant(text)):
                yield turn


def _texts() -> Iterator[tuple[Select[Any], Column[Any]]]:
    """Every text of a turn, with the turn and its session."""
    yield select(turn_of_event, inbox.c.session, inbox.c.payload), inbox.c.payload
    for column in (turns.c.request, turns.c.answer, turns.c.dossier):
        yield select(turns.c.turn, turns.c.session, column), column
    yield select(outbox.c.turn, outbox.c.session, outbox.c.payload), outbox.c.payload
    yield select(plans.c.turn, plans.c.session, plans.c.body), plans.c.body
    results = select(plans.c.turn, plans.c.session, step_results.c.body).join_from(plans, step_results)
    yield results, step_results.c.body


def _told_of(connection: Connection, theirs: Collection[str]) -> Iterator[str]:
    """The commands that told somebody of one of these turns, such as a reviewer."""
    commands = select(turns.c.turn, turns.c.request, turns.c.answer).where(turns.c.outcome == "command")
    for turn, request, answer in connection.execute(commands):
        if any(named in theirs for named in re.findall(r"\bt\d+\b", f"{request} {answer}")):
            yield turn


def _has_one(text: str, words: Collection[str]) -> bool:
    """Whether one of these stands in a text as a word of its own."""
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for word in words)


# --- rules --------------------------------------------------------------------------------------------


def of_person(table: Table) -> Rule:
    """A rule for a table whose `channel` and `person` say whose a row is."""
    return lambda c, whom: _delete(c, table, (table.c.channel == whom.channel) & (table.c.person == whom.person))


def of_session(table: Table) -> Rule:
    """A rule for a table whose rows go with a session that was somebody's alone."""
    return lambda c, whom: _delete(c, table, table.c.session.in_(whom.alone))


Among = Callable[[Whom], ColumnElement[bool]]
"""The rows of a table that can be about a person."""


def naming(table: Table, *columns: Column[Any], among: Among = lambda _: true()) -> Rule:
    """A rule for a table whose rows go where one of these columns, as a text or in JSON, names somebody."""
    keys = table.primary_key.columns

    def rule(connection: Connection, whom: Whom) -> Counts:
        counts = Counts()
        for row in connection.execute(select(*keys, *columns).where(among(whom))).all():
            if any(whom.is_meant(f'"{text}"') or _has_one(text, whom.alone) for text in row[len(keys) :] if text):
                this = (column == value for column, value in zip(keys, row[: len(keys)], strict=False))
                counts[table.name] += connection.execute(delete(table).where(*this)).rowcount
        return counts

    return rule


def keeps(connection: Connection, whom: Whom) -> Counts:
    """The rule for a table that holds nothing of anybody."""
    return Counts()


def with_turns(connection: Connection, whom: Whom) -> Counts:
    """The rule for a table whose rows hang on turns: they go, or lose their words, with those."""
    return Counts()


def _turns(connection: Connection, whom: Whom) -> Counts:
    """Turns with all that hangs on them. Their ids are given to nothing else, so ratings of others may stay.

    Summaries of what is blanked go last: one that is being kept just now is waited for, as it holds its turns.
    """
    counts = Counts(summaries=erasing.drop_summaries(connection, whom.gone))
    counts += erasing.erase(connection, whom.gone) + erasing.blank(connection, whom.blanked)
    return counts + Counts(summaries=erasing.drop_summaries(connection, whom.blanked))


def _schedules(connection: Connection, whom: Whom) -> Counts:
    """What they wanted to come, and what was to come to them."""
    to_them = [
        number
        for number, body in connection.execute(select(schedules.c.id, schedules.c.body))
        if json.loads(body).get("address") in whom.addresses
    ]
    own = (schedules.c.channel == whom.channel) & (schedules.c.person == whom.person)
    return _delete(connection, schedules, own | schedules.c.id.in_(to_them))


def _budget_requests(connection: Connection, whom: Whom) -> Counts:
    """Requests of theirs go; of those that they answered it stays known that somebody did."""
    by_them = update(budget_requests).where(budget_requests.c.answered_by == whom.account)
    answered = connection.execute(by_them.values(answered_by=FORGOTTEN)).rowcount
    columns = budget_requests.c.scope, budget_requests.c.person, budget_requests.c.address
    return Counts(budget_requests=answered) + naming(budget_requests, *columns)(connection, whom)


def _cases(connection: Connection, whom: Whom) -> Counts:
    """Those of others that they look at are nobody's again. Their own go with their turns."""
    claimed = update(cases).where(cases.c.claimed_by == whom.account)
    return Counts(cases=connection.execute(claimed.values(claimed_by=None)).rowcount)


def _templates(connection: Connection, whom: Whom) -> Counts:
    return _delete(connection, templates, templates.c.made_by == whom.account)


def _grants(connection: Connection, whom: Whom) -> Counts:
    own = (grants.c.channel == whom.channel) & (grants.c.person == whom.person)
    return _delete(connection, grants, own | grants.c.session.in_(whom.alone))


def _accounts(connection: Connection, whom: Whom) -> Counts:
    """The others that it was joined with stay joined, under a name of theirs."""
    count = select(func.count()).select_from(accounts)
    before = connection.execute(count).scalar_one()
    identities.leave(connection, whom.channel, whom.person)
    return Counts(accounts=before - connection.execute(count).scalar_one())


def _appointments(connection: Connection, whom: Whom) -> Counts:
    """Of the roles that they gave to others it stays known that somebody did."""
    given = update(appointments).where(appointments.c.by == whom.account).values(by=FORGOTTEN)
    others = connection.execute(given).rowcount
    return Counts(appointments=others) + of_person(appointments)(connection, whom)


def _declined(connection: Connection, whom: Whom) -> Counts:
    return _delete(connection, declined, declined.c.person.in_(_aliases_of(connection, whom)))


def _audit(connection: Connection, whom: Whom) -> Counts:
    """Nothing is changed there: these are the rows that nobody can read as theirs any more."""
    return Counts(audit=audit.concerning(connection, _aliases_of(connection, whom)))


def _aliases(connection: Connection, whom: Whom) -> Counts:
    return Counts(aliases=aliases.forget(connection, _aliases_of(connection, whom)))


def _aliases_of(connection: Connection, whom: Whom) -> list[str]:
    people_known = aliases.known(connection, "person", [whom.account])
    return [*people_known, *aliases.known(connection, "session", whom.alone)]


def _delete(connection: Connection, table: Table, which: ColumnElement[bool]) -> Counts:
    return Counts({table.name: connection.execute(delete(table).where(which)).rowcount})


RULES: dict[str, Rule] = {  # in this order: what others need to be found stays until they are gone
    "accounts": _accounts,
    "link_codes": of_person(link_codes),
    "appointments": _appointments,
    "people": of_person(people),
    "memories": of_person(memories),
    "grants": _grants,
    "templates": _templates,
    "schedules": _schedules,
    "ratings": of_person(ratings),
    "channel_notes": naming(
        channel_notes,
        channel_notes.c.key,
        channel_notes.c.value,
        among=lambda whom: channel_notes.c.channel == whom.channel,  # the same id elsewhere is somebody else
    ),
    "spending": naming(spending, spending.c.scope),
    "reservations": naming(reservations, reservations.c.scope),
    "budget_requests": _budget_requests,
    "declined": _declined,
    "audit": _audit,
    "aliases": _aliases,
    "cases": _cases,
    "votes": of_person(votes),
    "outbox": of_session(outbox),
    "turns": _turns,
    **dict.fromkeys(
        (
            "inbox",
            "questions",
            "plans",
            "plan_versions",
            "step_results",
            "model_calls",
            "work",
            "summaries",
            "petitions",
        ),
        with_turns,
    ),
    "sessions": of_session(sessions),
    "erasures": of_person(erasures),
    **dict.fromkeys(("durations", "pins"), keeps),
}
