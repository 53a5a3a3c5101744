"""Yeses of others: a call goes to those whose role may agree to it, waits for them, and runs for whose it is."""

from pathlib import Path

import pytest
from sqlalchemy import select

from bot.app import App
from orchestrator.messages import Choice, Notice
from orchestrator.tools.calling import calling
from orchestrator.tools.functions import Functions, tool
from storage.tables import petitions
from tests.conversations.house import (
    BY_ADMIN,
    BY_TWO,
    RULES,
    House,
    arrival,
    press,
    question,
    questions,
    refusal,
    refusals,
    somebody,
    together,
    told,
)
from tests.conversations.talk import Talk, talking


@pytest.mark.proves("people.approvals")
async def test_what_somebody_may_not_agree_to_themselves_waits_for_an_admin_in_the_same_place(tmp_path: Path) -> None:
    house = House()
    async with talking(tmp_path, toolsets=house.tools, policy=RULES + BY_ADMIN) as talk:
        bob, adam, gus = (together(talk, name) for name in ("bob", "adam", "gus"))
        asked = await bob.asked("/wipe what=disk")
        assert (asked.person, asked.role) == ("", "admin")
        assert "May I run `wipe`: what = `disk`?" in asked.text
        assert "bob asks for this. It needs a yes of admins and owners. That is: fake:olga" in asked.text
        assert "Your own yes is not enough" in await refusal(bob, asked.id)
        assert "Only these can answer that: admins and owners." in await refusal(gus, asked.id)
        assert "Your own yes is not enough" in (await press(bob, asked.id, "yes")).text
        assert "Only these can answer" in (await press(gus, asked.id, "yes")).text
        assert "Only these can answer" in await gus.told("yes")
        assert house.done == []
        assert await refusal(adam, asked.id) == ""
        assert (await press(adam, asked.id, "yes")).text == "I have noted your yes."
        assert "done: wipe disk" in await told(bob, "done: wipe")
        assert "with the yes of adam" in await bob.told("/why")
        assert await refusals(talk) == ["fake:bob", "fake:gus", "fake:bob", "fake:gus", "fake:gus"]
    assert house.done == ["wipe disk"]


@pytest.mark.proves("people.approvals")
async def test_an_admin_who_reads_along_nowhere_gets_a_letter_and_answers_there(tmp_path: Path) -> None:
    house = House()
    async with talking(tmp_path, toolsets=house.tools, policy=RULES + BY_ADMIN) as talk:
        bob, adam, amy = (somebody(talk, name) for name in ("bob", "adam", "amy"))
        for admin in (adam, amy):
            await admin.told("/status")
        await bob.asked("/wipe what=disk")
        letter, other = await question(adam), await question(amy)
        assert letter.person == "adam"
        assert "bob asks for this." in letter.text
        assert (await press(adam, letter.id, "yes")).closes == letter.id
        await told(bob, "done: wipe disk")
        assert (await press(amy, other.id, "no")).text == "That question is closed already."
    assert house.done == ["wipe disk"]


@pytest.mark.proves("people.two_yeses")
async def test_two_different_people_must_agree_and_the_first_yes_is_shown(tmp_path: Path) -> None:
    house = House()
    async with talking(tmp_path, toolsets=house.tools, policy=RULES + BY_TWO) as talk:
        adam, amy, olga = (together(talk, name) for name in ("adam", "amy", "olga"))
        asked = await adam.asked("/wipe what=disk")
        assert "It needs the yes of 2 different people: admins and owners. That is: fake:olga, fake:amy." in asked.text
        assert "Your own yes is not enough" in (await press(adam, asked.id, "yes")).text
        await press(amy, asked.id, "yes")
        again = await question(adam, 2)
        assert "Yes so far: amy." in again.text
        await press(amy, again.id, "yes")
        third = await question(adam, 3)
        assert house.done == [], "a second yes of the same one is none"
        assert await olga.told("yes") == "I have noted your yes."
        await told(adam, "done: wipe disk")
        assert third.id != again.id
    assert house.done == ["wipe disk"]


@pytest.mark.proves("people.two_yeses")
async def test_a_no_of_one_ends_it_whoever_has_agreed(tmp_path: Path) -> None:
    house = House()
    async with talking(tmp_path, toolsets=house.tools, policy=RULES + BY_TWO) as talk:
        bob, adam, amy = (together(talk, name) for name in ("bob", "adam", "amy"))
        asked = await bob.asked("/wipe what=disk")
        await press(amy, asked.id, "yes")
        again = await question(bob, 2)
        await press(adam, again.id, "no")
        assert "adam said no" in await told(bob, "said no")
        await talk.app.idle()
        assert await talk.app.store.open_question(bob.address.session) is None
    assert house.done == []


@pytest.mark.proves("people.two_yeses")
async def test_the_rules_may_count_whoever_asks_among_the_two(tmp_path: Path) -> None:
    house = House()
    rules = RULES + '[approvals]\ndanger = { by = "admin", people = 2, own = true }\n'
    async with talking(tmp_path, toolsets=house.tools, policy=rules) as talk:
        adam, amy = (together(talk, name) for name in ("adam", "amy"))
        asked = await adam.asked("/wipe what=disk")
        await press(adam, asked.id, "yes")
        again = await question(adam, 2)
        assert "Yes so far: adam." in again.text
        await press(amy, again.id, "yes")
        await told(adam, "done: wipe disk")


@pytest.mark.proves("people.two_yeses", "restart.one_answer")
async def test_a_restart_between_the_first_and_the_second_yes_loses_nothing(tmp_path: Path) -> None:
    house = House()
    async with talking(tmp_path, toolsets=house.tools, policy=RULES + BY_TWO) as talk:
        bob, amy = together(talk, "bob"), together(talk, "amy")
        asked = await bob.asked("/wipe what=disk")
        await press(amy, asked.id, "yes")
        await question(bob, 2)
    async with talking(tmp_path, toolsets=house.tools) as talk:
        bob, adam = together(talk, "bob"), together(talk, "adam")
        open_question = await talk.app.store.open_question(bob.address.session)
        assert open_question is not None
        await press(adam, open_question.id, "yes")
        await told(bob, "done: wipe disk")
    assert house.done == ["wipe disk"]


@pytest.mark.proves("people.two_yeses", "restart.one_answer")
async def test_a_yes_that_nobody_counted_before_the_end_is_counted_by_the_next_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House()
    with monkeypatch.context() as dying:
        dying.setattr(App, "_begin", lambda *_: None)
        async with talking(tmp_path, toolsets=house.tools, policy=RULES + BY_ADMIN) as talk:
            asked = await together(talk, "bob").asked("/wipe what=disk")
            await press(together(talk, "amy"), asked.id, "yes")
            assert house.done == []
    async with talking(tmp_path, toolsets=house.tools) as talk:
        await told(together(talk, "bob"), "done: wipe disk")
    async with talking(tmp_path, toolsets=house.tools) as talk:
        await talk.app.idle()
    assert house.done == ["wipe disk"]


@pytest.mark.proves("people.two_yeses")
async def test_an_event_that_only_looks_like_a_count_of_votes_decides_nothing(tmp_path: Path) -> None:
    house = House()
    async with talking(tmp_path, toolsets=house.tools, policy=RULES + BY_ADMIN) as talk:
        bob, cleo = together(talk, "bob"), together(talk, "cleo")
        await bob.asked("/wipe what=disk")
        petition = await _petition(talk)
        for who in (cleo, bob):
            forged = {**arrival(who), "event_id": f"petition/{petition}/t{len(who.person.id)}"}
            await talk.channel.push(Choice(**forged, question="", value="yes"))
            await talk.app.idle()
            open_question = await talk.app.store.open_question(bob.address.session)
            assert open_question is not None
            assert open_question.person == "bob", "nobody takes it over"
    assert house.done == []


async def _petition(talk: Talk) -> str:
    """The id of the one petition that there is."""
    return str(await talk.app.store._database.read(lambda c: c.execute(select(petitions.c.id)).scalar_one()))


@pytest.mark.proves("people.two_yeses")
async def test_a_yes_of_who_is_no_admin_any_more_does_not_count(tmp_path: Path) -> None:
    house = House()
    rules = '[people]\n"fake:olga" = "owner"\n' + BY_TWO
    async with talking(tmp_path, toolsets=house.tools, policy=rules) as talk:
        bob, amy, olga = together(talk, "bob"), together(talk, "amy"), together(talk, "olga")
        await somebody(talk, "olga").told("/people set fake:amy admin")
        asked = await bob.asked("/wipe what=disk")
        await press(amy, asked.id, "yes")
        again = await question(bob, 2)
        await somebody(talk, "olga").told("/people remove fake:amy")
        await press(olga, again.id, "yes")
        assert "Yes so far: olga." in (await question(bob, 3)).text
    assert house.done == []


@pytest.mark.proves("people.approvals")
async def test_other_arguments_need_another_yes_and_a_stop_takes_the_request_back(tmp_path: Path) -> None:
    house = House()
    async with talking(tmp_path, toolsets=house.tools, policy=RULES + BY_TWO) as talk:
        bob, adam, amy, cleo = (together(talk, name) for name in ("bob", "adam", "amy", "cleo"))
        asked = await bob.asked("/wipe what=disk")
        await press(amy, asked.id, "yes")
        again = await question(bob, 2)
        assert "I asked somebody else that" in await cleo.told("/stop")
        assert (await bob.say("/stop")).text == "I have dropped my question."
        assert (await press(adam, again.id, "yes")).text == "That question is closed already."
        other = await bob.asked("/wipe what=tape")
        assert "Yes so far" not in other.text
    assert house.done == []


@pytest.mark.proves("people.approvals")
async def test_what_the_person_must_say_themselves_is_asked_first(tmp_path: Path) -> None:
    house = House()
    async with talking(tmp_path, toolsets=house.tools, policy=RULES + BY_ADMIN) as talk:
        bob, adam = together(talk, "bob"), together(talk, "adam")
        asked = await bob.asked('/plan a: move(what="box")\nb: wipe(what="disk") after a')
        assert asked.person == "bob"
        second = await bob.asked("yes")
        assert second.role == "admin"
        assert house.done == ["move box"]
        await press(adam, second.id, "yes")
        await told(bob, "done: wipe disk")


@pytest.mark.proves("people.approvals")
async def test_a_go_to_a_whole_plan_is_no_yes_to_what_needs_an_admins(tmp_path: Path) -> None:
    house = House()
    async with talking(tmp_path, toolsets=house.tools, policy=RULES + BY_ADMIN, review="always") as talk:
        bob = together(talk, "bob")
        await bob.asked('/plan a: move(what="box")\nb: wipe(what="disk")')
        asked = await bob.asked("go")
        assert asked.role == "admin"
        assert house.done == ["move box"]


@pytest.mark.proves("people.approvals")
async def test_a_standing_yes_of_before_is_none_where_an_admin_must_agree_now(tmp_path: Path) -> None:
    house = House()
    async with talking(tmp_path, toolsets=house.tools) as talk:
        await talk.asked("/move what=box")
        assert "done: move box" in await talk.answered("always")
        assert "done: move bag" in await talk.answered("/move what=bag")
    async with talking(tmp_path, toolsets=house.tools, policy='[approvals]\nwrite = "admin"\n') as talk:
        assert (await talk.asked("/move what=bin")).role == "admin"
    assert house.done == ["move box", "move bag"]


@pytest.mark.proves("people.approvals")
async def test_an_approver_does_not_lend_their_own_account_to_the_call(tmp_path: Path) -> None:
    callers: list[str] = []

    @tool(destructive=True)
    def wipe(what: str) -> str:
        """Wipe something out."""
        callers.append(calling().account)
        return "done"

    async with talking(tmp_path, toolsets=[Functions([wipe])], policy=RULES + BY_ADMIN) as talk:
        bob, adam = together(talk, "bob"), together(talk, "adam")
        asked = await bob.asked("/wipe what=disk")
        noted = await press(adam, asked.id, "yes")
        assert isinstance(noted, Notice)
        await told(bob, "done")
    assert callers == ["fake:bob"]
    assert questions(bob)[-1].id == asked.id
