"""Whoever is forgotten is in no table any more, on both databases."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from orchestrator.forgetting import whose
from storage import changes
from storage.forgetting import PATIENCE, RULES
from storage.records import (
    Allowance,
    Amount,
    Appointment,
    AuditEntry,
    BudgetRequest,
    Event,
    Grant,
    LinkCode,
    ModelCall,
    OpenQuestion,
    Petition,
    Rating,
    Scheduled,
    StoredPlan,
    StoredStep,
    Summary,
    Vote,
    Work,
)
from storage.store import Store
from storage.tables import metadata
from tests.storage.samples import NOW, conclusion

ANN, NAME = "774411223", "Ann Leewards"
CANARY = "zanzibar"
FILE = f"{'0' * 32}-{CANARY}.pdf"
LATER = datetime.now(UTC) + timedelta(days=1)


def event(person: str, words: str = CANARY, *, name: str = "") -> str:
    return json.dumps({"person": {"id": person, "name": name}, "text": words})


async def said(store: Store, chat: str, person: str, *, words: str = CANARY, name: str = "") -> str:
    """A turn of somebody that has asked, with everything that may hang on one; its name."""
    session = f"telegram:{chat}"
    address = json.dumps({"channel": "telegram", "chat": chat})
    arrived = await store.remember(
        channel="telegram",
        event_id=f"{chat} {person} {words} {await store.outcome_counts()}",
        session=session,
        address=address,
        payload=event(person, words, name=name),
    )
    assert arrived is not None
    turn = arrived.turn
    body, file = json.dumps({"plan": words, "approved_by": person}), FILE if words == CANARY else ""
    await store.save_plan(
        StoredPlan(turn, session, turn, body),
        why="planned",
        steps=[StoredStep("s1", "done", f'"{words} {file}"')],
    )
    await store.keep_work(Work(turn, "s1", "general", "general", True, 1.0, NOW))
    done = conclusion(
        turn,
        session=session,
        shown=(json.dumps({"text": words, "closes": ""}),),
        question=OpenQuestion(turn.replace("t", "q"), session, person, turn, f'"{words}"', NOW),
        model_calls=(ModelCall("router", "m", 1.0, error=words), ModelCall("router", "m", 1.0, cost_usd=0.1)),
    )
    record = replace(done.record, person=person, request=words, answer=f"{words}!", dossier=json.dumps({"w": words}))
    case = changes.entering_case(turn, "unserved")
    parcels = await store.finish(replace(done, record=record, channel="telegram", address=address, changes=(case,)))
    for parcel in parcels:
        await store.delivered(parcel.id)
    await store.keep_summary(Summary(session, turn, words), before="", of=[turn], turn=turn, calls=())
    return turn


async def settle_down(store: Store, person: str, turn: str) -> None:
    """Everything that is kept about a person beside their turns, of which this is one."""
    session = f"telegram:{person}"
    schedule = Scheduled(f"{person}/1", "telegram", person, "telegram", json.dumps({"text": CANARY}), NOW)
    await store.schedule(schedule)
    request = BudgetRequest(f"b{person}", f"person:telegram:{person}", "2026-11", 1, 1, person, "{}", NOW)
    await store.rate(turn, Rating("telegram", person, "good", NOW))
    notes = {f"person:{person}": "1", f"live:{session}": CANARY, f"question:{turn}": f'"{person}"'}
    await store.note("telegram", notes)
    await store.claim_case(turn, f"telegram:{person}")
    await store.change(
        changes.preferring("telegram", person, language="de"),
        changes.remembering("telegram", person, f"{CANARY} is mine"),
        changes.keeping_template(f"of_{person}", CANARY, made_by=f"telegram:{person}"),
        changes.declining("telegram", person, CANARY, reason="no tool"),
        changes.auditing(AuditEntry("approval", "{}", "telegram", person, session, turn, sealed=CANARY)),
        changes.asking_admins(request),
        changes.asking_to_forget("telegram", person),
    )
    await belong(store, person, turn)
    plan = StoredPlan(turn, session, turn, "{}")
    await store.save_plan(plan, given=[Grant("telegram", person, session, "send")])
    allowance = Allowance(f"person:telegram:{person}", "2026-11")
    assert await store.reserve(f"r{turn}", Amount(1, 1), [allowance]) is None


async def belong(store: Store, person: str, turn: str) -> None:
    """Their place among people: a role, another account of theirs, and a yes to what somebody has asked for."""
    session = f"telegram:{person}"
    await store.appoint(Appointment("telegram", person, "member", f"telegram:{person}"), keeping=None)
    codes = [LinkCode(f"{of}{person}", of, person, NAME, LATER) for of in ("web", "telegram")]
    await store.change(changes.offering_link(codes[0]))
    assert await store.join(f"web{person}", "telegram", person)
    petition = Petition(f"p{turn}", turn, session, event(person), NOW)
    await store.change(changes.offering_link(codes[1]), changes.petitioning(petition))
    goes_on = Event("telegram", f"petition/{turn}", session, "{}", event(person))
    assert await store.vote(Vote(f"p{turn}", "telegram", person, agreed=True, payload="{}", given_at=NOW), goes_on)


async def dump(store: Store) -> dict[str, str]:
    """Every table as text."""

    def read(connection: Connection) -> Iterator[tuple[str, str]]:
        for table in metadata.sorted_tables:
            yield table.name, "\n".join(str(tuple(row)) for row in connection.execute(text(f'SELECT * FROM "{table}"')))

    return await store._database.read(lambda connection: dict(read(connection)))


async def forget(store: Store, person: str = ANN, *, waits: bool = False) -> dict[str, int] | None:
    counts = await store.forget("telegram", person, whose, waits=waits, changes=lambda counts: ())
    return None if counts is None else dict(counts)


@pytest.mark.proves("forget.rules")
def test_every_table_has_a_rule_on_what_becomes_of_it_when_somebody_is_forgotten() -> None:
    assert sorted(RULES) == sorted(metadata.tables)


@pytest.mark.proves("forget.everything")
async def test_a_forgotten_person_is_in_no_table_by_id_by_name_or_by_words(store: Store) -> None:
    first = await said(store, ANN, ANN, name=NAME)
    await said(store, "-100", ANN, name=NAME)
    await said(store, "-100", "88", words=f"what {NAME} says")
    await said(store, "-200", "88", words="hello <@774411223>!")
    kept = await said(store, "-100", "88", words="something of mine")
    await settle_down(store, ANN, first)
    full = await dump(store)
    unnamed = {table for table, rows in full.items() if not any(word in rows for word in (ANN, NAME, CANARY))}
    assert unnamed == {"audit", "durations", "pins", "work"}  # all others have something of theirs
    counts = await store.forgettable("telegram", ANN, whose)
    assert counts["turns"] == 4
    assert await forget(store) == dict(counts)
    left = await dump(store)
    erasure = left.pop("erasures")
    assert [table for table, rows in left.items() if any(word in rows for word in (ANN, NAME, CANARY))] == []
    assert (await store.to_be_cleaned()).popitem()[1] == [FILE]
    assert NAME not in erasure
    mine = await store.turn(kept)
    assert mine is not None
    assert (mine.request, mine.person) == ("something of mine", "88")
    assert await store.steps(kept) != []
    assert [turn.turn for turn in await store.history("telegram:-100", last=10)] == [kept]
    assert await store.asked_to_be_forgotten() == []


@pytest.mark.proves("forget.everything")
async def test_whoever_is_forgotten_is_so_under_all_of_their_accounts(store: Store) -> None:
    await said(store, "44", "44", words="under the other account")
    await store.change(changes.offering_link(LinkCode("code", "telegram", "44", "", LATER)))
    assert await store.join("code", "telegram", ANN)
    await said(store, ANN, ANN)
    counts = await forget(store)
    assert counts is not None
    assert counts["turns"] == counts["accounts"] == 2
    left = await dump(store)
    assert [table for table, rows in left.items() if any(word in rows for word in (ANN, "'44'", "other account"))] == []


@pytest.mark.proves("forget.everything")
async def test_what_others_have_is_left_as_it_was(store: Store) -> None:
    await settle_down(store, "88", await said(store, "88", "88", words="mine"))
    before = await dump(store)
    await settle_down(store, ANN, await said(store, ANN, ANN))
    await forget(store)
    after = await dump(store)
    anonymous = {"audit", "durations", "erasures"}  # they have grown, and say nothing about anybody
    assert {table for table, rows in after.items() if rows != before[table]} <= anonymous


@pytest.mark.proves("forget.everything")
async def test_the_costs_of_a_shared_conversation_stay_without_the_words(store: Store) -> None:
    turn = await said(store, "-100", ANN)
    await said(store, "-100", "88", words="mine")
    await forget(store)
    calls = await store.model_calls(turn)
    assert [(call.cost_usd, call.error) for call in calls] == [(None, "forgotten"), (0.1, None)]
    record = await store.turn(turn)
    assert record is not None
    assert (record.person, record.request, record.answer, record.outcome) == ("", "", "", "forgotten")


@pytest.mark.proves("forget.everything")
async def test_a_file_that_somebody_else_has_too_stays(store: Store) -> None:
    await said(store, ANN, ANN)
    await said(store, "88", "88", words=f"mine {FILE}")
    await forget(store)
    assert (await store.to_be_cleaned()).popitem()[1] == []


@pytest.mark.proves("forget.everything")
async def test_what_they_sent_into_conversations_of_others_goes_with_them(store: Store) -> None:
    await said(store, "88", "88", words="mine")
    schedule = Scheduled("k", "telegram", ANN, "telegram", "{}", NOW)
    due = replace(schedule, id=await store.schedule(schedule))
    came = Event("telegram", f"schedule:{due.id}:1", "telegram:88", "{}", event("", "from somebody: quokka"))
    (arrived,) = await store.come_due(due, None, [came])
    await store.finish(conclusion(arrived.turn, session="telegram:88", shown=('"quokka"',)))
    await forget(store)
    assert "quokka" not in str(await dump(store))


@pytest.mark.proves("forget.everything")
async def test_what_a_channel_notes_of_their_conversations_goes_with_these(store: Store) -> None:
    await said(store, "D0ABCDEF", ANN)
    await said(store, "C0GENERAL", "88", words="mine")
    await store.note("telegram", {"live:telegram:D0ABCDEF": "1", "live:telegram:C0GENERAL": "2"})
    await forget(store)
    assert await store.notes("telegram", "live:") == {"live:telegram:C0GENERAL": "2"}


@pytest.mark.proves("forget.everything")
async def test_what_another_channel_notes_of_somebody_of_the_same_id_stays(store: Store) -> None:
    await said(store, ANN, ANN)
    note = {f"token/{'0' * 64}": json.dumps({"name": "ci", "person": ANN})}
    for channel in ("telegram", "api"):
        await store.note(channel, note)
    await forget(store)
    assert (await store.notes("telegram", ""), await store.notes("api", "")) == ({}, note)


@pytest.mark.proves("forget.everything")
async def test_what_a_reviewer_was_told_of_their_turns_goes_with_these(store: Store) -> None:
    turn = await said(store, ANN, ANN)
    listed = await store.remember(
        channel="telegram", event_id="r", session="telegram:88", address="{}", payload=event("88", f"/review {turn}")
    )
    assert listed is not None
    done = conclusion(listed.turn, session="telegram:88", outcome="command")
    told = replace(done.record, person="88", request=f"/review {turn}", answer=CANARY)
    await store.finish(replace(done, record=told))
    await forget(store)
    assert CANARY not in str({**await dump(store), "erasures": ""})


@pytest.mark.proves("forget.waits")
async def test_nobody_is_forgotten_while_something_of_theirs_is_under_way(store: Store) -> None:
    arrived = await store.remember(
        channel="telegram", event_id="1", session=f"telegram:{ANN}", address="{}", payload=event(ANN)
    )
    assert arrived is not None
    await store.change(changes.asking_to_forget("telegram", ANN))
    assert await forget(store, waits=True) is None
    done = conclusion(arrived.turn, session=arrived.session, at=datetime.now(UTC))
    (parcel,) = await store.finish(replace(done, record=replace(done.record, person=ANN)))
    assert await forget(store, waits=True) is None
    assert await store.asked_to_be_forgotten() == [("telegram", ANN)]
    await store.delivered(parcel.id)
    assert await forget(store, waits=True) is not None
    assert await forget(store, waits=True) is None, "by now another process has done it"
    assert await said(store, ANN, ANN)  # they may come back, as somebody new


@pytest.mark.proves("forget.waits")
async def test_a_part_that_no_channel_takes_does_not_keep_them_for_ever(store: Store) -> None:
    session = f"telegram:{ANN}"
    arrived = await store.remember(channel="telegram", event_id="1", session=session, address="{}", payload=event(ANN))
    assert arrived is not None
    done = conclusion(arrived.turn, session=session, at=datetime.now(UTC) - PATIENCE)
    assert await store.finish(replace(done, record=replace(done.record, person=ANN)))
    await store.change(changes.asking_to_forget("telegram", ANN))
    assert await forget(store, waits=True) is not None
    assert await store.undelivered() == []


@pytest.mark.proves("retention.turns")
async def test_turns_go_when_their_time_is_over_and_what_waits_stays(store: Store) -> None:
    old = await said(store, "88", "88")
    await store.close_case(old, None)
    assert await store.remove_turns(LATER) == {}  # its question is open
    answer = await store.remember(channel="telegram", event_id="2", session="telegram:88", address="{}", payload="{}")
    assert answer is not None
    done = conclusion(answer.turn, session="telegram:88", closes=old.replace("t", "q"), at=datetime.now(UTC))
    (parcel,) = await store.finish(done)
    assert await store.remove_turns(NOW + timedelta(days=1)) != {}
    assert await store.turn(old) is None
    assert await store.turn(answer.turn) is not None
    assert await store.remove_turns(LATER) == {}  # it is not delivered yet
    await store.delivered(parcel.id)
    assert (await store.remove_turns(LATER))["sessions"] == 1
    assert await store.sessions() == []
    assert CANARY not in str({**await dump(store), "erasures": ""})
    assert sorted(name for names in (await store.to_be_cleaned()).values() for name in names) == [FILE]


@pytest.mark.proves("retention.turns")
async def test_an_open_case_stays_until_it_is_closed(store: Store) -> None:
    turn = await said(store, "88", "88")
    await store._database.write(lambda c: c.execute(text("UPDATE questions SET closed_at = asked_at")).rowcount)
    assert await store.remove_turns(LATER) == {}
    await store.close_case(turn, None)
    assert await store.remove_turns(LATER) != {}


@pytest.mark.proves("forget.waits")
async def test_a_session_that_was_forgotten_may_begin_anew_also_where_another_process_forgot_it(store: Store) -> None:
    await said(store, ANN, ANN)
    await forget(store)
    arrived = await store.remember(
        channel="telegram", event_id="new", session=f"telegram:{ANN}", address="{}", payload=event(ANN)
    )
    assert arrived is not None
