"""Changes of what is kept beside the turns: each is written together with the end of the turn that made it, or not."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from storage import (
    audit,
    budgets,
    cases,
    declined,
    erasures,
    grants,
    identities,
    people,
    petitions,
    schedules,
    templates,
)
from storage.records import AuditEntry, BudgetRequest, Change, LinkCode, Petition


def revoking(ids: Sequence[int]) -> Change:
    """Take these standing yeses back."""
    return lambda connection: grants.revoke(connection, ids)


def preferring(channel: str, person: str, **changed: str) -> Change:
    """Write down a person's `language`, `verbosity` or `time_zone` from now on."""
    return lambda connection: people.prefer(connection, channel, person, changed)


def remembering(channel: str, person: str, text: str) -> Change:
    """Keep one more thing about a person in mind."""
    return lambda connection: people.remember(connection, channel, person, text)


def forgetting(memories: Sequence[int]) -> Change:
    """Forget these memories."""
    return lambda connection: people.forget(connection, memories)


def keeping_template(name: str, body: str, *, made_by: str) -> Change:
    """Write a template, over an older one of its name."""
    return lambda connection: templates.keep(connection, name, body, made_by)


def forgetting_template(name: str) -> Change:
    """Take a template away."""
    return lambda connection: templates.forget(connection, name)


def cancelling(channel: str, person: str, ids: Sequence[int]) -> Change:
    """Let these of a person's schedules not come any more."""
    return lambda connection: schedules.cancel(connection, channel, person, ids)


def asking_admins(request: BudgetRequest) -> Change:
    """Write down that the admins are asked for more of a budget."""
    return lambda connection: budgets.ask(connection, request)


def answering_request(request: BudgetRequest, *, others: Collection[str], admin: str, agreed: bool) -> Change:
    """Write down what an admin said to it, and so to the `others` for the same budget."""
    return lambda connection: budgets.answer(connection, request, others=others, admin=admin, agreed=agreed)


def entering_case(turn: str, why: str) -> Change:
    """Let a person look at this turn; one that is a case already stays as it is."""
    return lambda connection: cases.enter(connection, turn, why)


def settling_case(turn: str, session: str, *, served: bool) -> Change:
    """A case that was given back to this session is closed, or open again."""
    return lambda connection: cases.settle(connection, turn, session, served=served)


def closing_case(turn: str) -> Change:
    """Nobody needs to look at this turn any more, if somebody had to."""

    def change(connection: Connection) -> None:
        cases.close(connection, turn, None)

    return change


def auditing(entry: AuditEntry) -> Change:
    """Write this down for good."""
    return lambda connection: audit.add(connection, entry)


def declining(channel: str, person: str, text: str, *, reason: str) -> Change:
    """Write down that nothing here could serve this request."""
    return lambda connection: declined.add(connection, channel, person, text, reason)


def serving(ids: Sequence[int], *, by: str) -> Change:
    """Write down that there is something for these requests now."""
    return lambda connection: declined.serve(connection, ids, by)


def asking_to_forget(channel: str, person: str) -> Change:
    """Write down that somebody wants to be forgotten: Store.forget does it."""
    return lambda connection: erasures.ask(connection, channel, person)


def petitioning(petition: Petition) -> Change:
    """Write down that a step waits for the yes of others."""
    return lambda connection: petitions.ask(connection, petition)


def offering_link(code: LinkCode) -> Change:
    """Keep a code for joining accounts, in place of older ones of its account."""
    return lambda connection: identities.offer(connection, code)


def leaving(channel: str, person: str) -> Change:
    """Let this account be somebody of their own again."""
    return lambda connection: identities.leave(connection, channel, person)
