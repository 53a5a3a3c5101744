"""The review queue: turns that nobody could serve wait there for a person, and come back to where they were asked."""

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.audit import entry
from orchestrator.ending import Ending
from orchestrator.errors import BadInput
from orchestrator.messages import INBOUND, Answer, Arrival, Inbound, Message, Question
from orchestrator.people import People
from orchestrator.scene import Scene
from orchestrator.sessions import Talk
from orchestrator.slash import Slash, Told
from orchestrator.telling import shortened
from orchestrator.words import say
from storage.changes import closing_case, entering_case, settling_case
from storage.records import Arrived, Case, Change, GivenBack
from storage.store import Store

USAGE = "/review [t12 | claim t12 | retry t12 | edit t12 WORDS | answer t12 TEXT | close t12]"
GIVEN_BACK = re.compile(r"review/(?P<turn>t\d+)/\d+")
MOST_LISTED = 20

Begin = Callable[[Arrived, Inbound], None]
"""Let a turn begin that nobody in the channel has sent."""


class Cases:
    """What is open, and what reviewers do with it. A question is a case once nobody has answered it for so long."""

    def __init__(
        self,
        store: Store,
        people: People,
        *,
        unanswered_after: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._people = people
        self._unanswered_after = unanswered_after
        self._now = now
        self._begin: Begin | None = None

    def begin_with(self, begin: Begin) -> None:
        """From now on what is given back begins at once; else the next process takes it up."""
        self._begin = begin

    def words(self) -> Iterator[Slash]:
        yield Slash("review", self._review, USAGE, say("shows what I could not serve"))

    async def promise(self) -> str:
        """What becomes of a request that could not be served, for the person who made it."""
        if await self._people.those_who(lambda rights: rights.may_say("review")):
            return say("A person will look at it, and the answer comes here.")
        return say("I have kept it for the person who runs me; an answer would come here.")

    # --- what is open

    async def open(self) -> list[Case]:
        """Every open case, oldest first. Questions enter and leave when somebody looks."""
        limit = self._now() - self._unanswered_after
        asked = {_turn_of(each.id) for each in await self._store.unanswered(asked_before=limit)}
        await self._store.change(*(entering_case(turn, "unanswered") for turn in asked))
        known = await self._store.open_cases()
        answered = [case.turn for case in known if case.why == "unanswered" and case.turn not in asked]
        await self._store.change(*map(closing_case, answered))
        return [case for case in known if case.turn not in answered]

    async def case(self, turn: str) -> Case:
        """One case. Raises BadInput."""
        if found := await self._store.case(turn):
            return found
        raise BadInput(say("There is no case {turn!r}. `/review` lists the open ones.", turn=turn))

    # --- what reviewers do. `by` None is the operator, to whom nobody's claim is a limit.

    async def claim(self, turn: str, *, by: str) -> None:
        """Raises BadInput where it is not open."""
        if not await self._store.claim_case(turn, by, changes=[_audited(turn, by, "claim")]):
            raise await self._refused(turn)

    async def retry(self, turn: str, *, by: str | None, words: str = "") -> None:
        """Let its session work on it again, perhaps in other words. Raises BadInput."""
        case = await self.case(turn)
        inbound = _as_message(case, words) if words or case.words else INBOUND.validate_json(case.payload)
        await self._give_back(case, inbound, by=by, words=words)

    async def answer(self, turn: str, text: str, *, by: str | None) -> None:
        """Send a reviewer's own answer. Raises BadInput."""
        case = await self.case(turn)
        plain = _as_message(case).model_copy(update={"attachments": (), "foreign": ()})  # one may be what killed it
        await self._give_back(case, plain, by=by, answer=text)

    async def close(self, turn: str, *, by: str | None) -> None:
        """Nothing more is to be done. Raises BadInput."""
        if not await self._store.close_case(turn, by, changes=[_audited(turn, by, "close")]):
            raise await self._refused(turn)

    async def _give_back(
        self, case: Case, inbound: Inbound, *, by: str | None, words: str = "", answer: str | None = None
    ) -> None:
        tries = case.tries + 1
        event = inbound.model_copy(update={"event_id": f"review/{case.turn}/{tries}"})
        payload = INBOUND.dump_json(event).decode()
        given = GivenBack(by, event.event_id, payload, tries, words=words, answer=answer)
        did = "answer" if answer is not None else "edit" if words else "retry"
        arrived = await self._store.give_back(case.turn, given, changes=[_audited(case.turn, by, did)])
        if arrived is None:
            raise await self._refused(case.turn)
        if self._begin:
            self._begin(arrived, event)

    async def _refused(self, turn: str) -> BadInput:
        """Why a case cannot be worked on."""
        case = await self.case(turn)
        if case.state == "open":
            return BadInput(say("{who} has claimed {turn}; `/review claim {turn}` makes it yours.", **_named(case)))
        if case.state == "returned":
            return BadInput(say("{turn} is on its way already.", turn=turn))
        return BadInput(say("{turn} is closed already.", turn=turn))

    # --- in the session that a case came from

    async def behind(self, arrived: Arrived) -> Case | None:
        """The case that this event gives back to its session."""
        match = GIVEN_BACK.fullmatch(arrived.event_id)
        case = await self._store.case(match["turn"]) if match else None
        return case if case and (case.session, case.state) == (arrived.session, "returned") else None

    def settled(self, case: Case, scene: Scene) -> Ending | None:
        """How the turn of a case ends that needs no new work: a reviewer's answer, or its question once more."""
        talk = scene.talk
        mine = talk.question if talk.question and _turn_of(talk.question.id) == case.turn else None
        if case.answer is not None:
            told = say("A person answers: {answer}", answer=case.answer)
            return Ending("reviewed", Answer(text=told), drop_question=mine is not None)
        if case.why != "unanswered" or case.words:
            return None
        if mine is None:
            return Ending("command")
        again = Question.model_validate_json(mine.payload).model_copy(update={"id": scene.question_id})
        return Ending("clarify", again, plan=mine.plan)

    # --- slash words

    async def _review(self, talk: Talk, rest: str) -> Told:
        channel, person = talk.arrived.channel, talk.inbound.person.id
        if not talk.inbound.private:
            raise BadInput(say("Those are other people's words: please ask me that where nobody reads along."))
        word, _, more = rest.strip().partition(" ")
        acts = self.acts(f"{channel}:{person}")
        if word in acts:
            turn, _, text = more.strip().partition(" ")
            return Told(await acts[word](turn, text.strip()))
        return Told(_whole(await self.case(word)) if word else listed(await self.open()))

    async def _all_for(self, by: str) -> list[str]:
        """Every request that is nobody else's. Forgotten questions are none, and many at once a nuisance."""
        mine = (case for case in await self.open() if case.claimed_by in {None, by})
        return [case.turn for case in mine if case.why != "unanswered"]

    def acts(self, by: str) -> dict[str, Callable[[str, str], Awaitable[str]]]:
        """What a reviewer can do, by its word: with a turn, and the text behind it. Each says what it did. Raises
        BadInput."""

        async def claim(turn: str, _: str) -> str:
            await self.claim(turn, by=by)
            return say("{turn} is yours.", turn=turn)

        async def retry(turn: str, _: str) -> str:
            turns = await self._all_for(by) if turn == "all" else [turn]
            for each in turns:
                await self.retry(each, by=by)
            return say("I try again: {turns}.", turns=", ".join(turns) or "-")

        async def edit(turn: str, text: str) -> str:
            await self.retry(turn, by=by, words=_needed(text))
            return say("I try {turn} again in your words.", turn=turn)

        async def answer(turn: str, text: str) -> str:
            await self.answer(turn, _needed(text), by=by)
            return say("Your answer to {turn} is on its way.", turn=turn)

        async def close(turn: str, _: str) -> str:
            await self.close(turn, by=by)
            return say("{turn} is closed; nobody is told anything more.", turn=turn)

        return {"claim": claim, "retry": retry, "edit": edit, "answer": answer, "close": close}


def reviewed(ending: Ending, arrived: Arrived) -> Ending:
    """The ending with what it changes in the review queue. Whom a failed retry concerns has been told before."""
    if given_back := GIVEN_BACK.fullmatch(arrived.event_id):
        settling = settling_case(given_back["turn"], arrived.session, served=not ending.case)
        return replace(ending, part=None if ending.case else ending.part, changes=(*ending.changes, settling), case="")
    entering = (entering_case(arrived.turn, ending.case),) if ending.case else ()
    return replace(ending, changes=(*ending.changes, *entering))


def with_request(ending: Ending, case: Case | None) -> Ending:
    """The ending of a case under the words that it is about: they may be of another day."""
    if case is None or ending.part is None:
        return ending
    asked = say("You asked: “{request}”", request=shortened(case.words or case.request))
    return ending.saying(f"{asked}\n\n{ending.part.text}")


def listed(cases: list[Case]) -> str:
    """The open cases, a line each."""
    if not cases:
        return say("The review queue is empty.")
    more = len(cases) - MOST_LISTED
    lines = [f"- `{case.turn}` {_in_words(case)}: “{shortened(case.words or case.request)}”" for case in cases]
    rest = [say("and {count} more", count=more)] if more > 0 else []
    return "\n".join([*lines[:MOST_LISTED], *rest])


def _whole(case: Case) -> str:
    words = [say("in the words of a reviewer: {words}", words=case.words)] if case.words else []
    return "\n".join([f"`{case.turn}` {_in_words(case)}, {case.state}", "", case.request, *words])


def _in_words(case: Case) -> str:
    """Whose it is, why a person must look at it, and since when."""
    why = {
        "unserved": say("nobody of my tiers could serve it"),
        "broken": say("it broke on my side"),
        "died": say("processes died over it"),
        "unanswered": say("my question was not answered"),
    }[case.why]
    claimed = say("claimed by {who}", who=case.claimed_by) if case.claimed_by else ""
    since = f"{case.entered_at:%Y-%m-%d %H:%M} UTC"
    return ", ".join(filter(None, (f"{case.channel}:{case.person}", why, since, claimed)))


def _audited(turn: str, by: str | None, did: str) -> Change:
    """The row of the audit for what a reviewer, or the operator, does with a case."""
    channel, _, person = (by or "").partition(":")
    return entry("review", channel=channel, person=person, turn=turn, did=did)


def _named(case: Case) -> dict[str, str]:
    return {"who": case.claimed_by or "", "turn": case.turn}


def _needed(text: str) -> str:
    if not text:
        raise BadInput(say("Write it as {usage}", usage=USAGE))
    return text


def _turn_of(question: str) -> str:
    """The turn that ended with a question: Scene.question_id is made of its number."""
    return f"t{question.removeprefix('q')}"


def _as_message(case: Case, words: str = "") -> Message:
    """What was asked as a message, in these words or those of an earlier edit."""
    asked = INBOUND.validate_json(case.payload)
    arrival = {name: getattr(asked, name) for name in Arrival.model_fields}
    files = {name: getattr(asked, name) for name in ("attachments", "foreign") if hasattr(asked, name)}
    return Message(**arrival, **files, text=words or case.words or case.request)
