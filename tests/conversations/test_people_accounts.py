"""Accounts: several can be one person, of their own will; what is somebody's stays theirs."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.messages import Attachment
from orchestrator.models import ModelReply
from storage.records import Allowance, Amount
from tests.conversations.house import BY_TWO, RULES, House, press, question, somebody, together, told
from tests.conversations.talk import Talk, talking
from tests.conversations.test_plans import Models

SLACK = "fake:ann-at-work"


async def joined(talk: Talk) -> tuple[Talk, Talk]:
    """Ann with two accounts."""
    ann, work = somebody(talk, "ann"), somebody(talk, "ann-at-work")
    code = code_in(await ann.told("/link"))
    assert "This code is of ann (`fake:ann`)" in await work.told(f"/link {code}")
    assert "`fake:ann` is joined with this one now" in await work.told(f"/link {code} yes")
    return ann, work


def code_in(text: str) -> str:
    found = re.search(r"/link ([A-Z0-9]{10})`", text)
    assert found
    return found[1]


@pytest.mark.proves("people.joined")
async def test_memories_preferences_and_yeses_of_joined_accounts_count_for_both(tmp_path: Path) -> None:
    house = House()
    async with talking(tmp_path, toolsets=house.tools) as talk:
        await somebody(talk, "ann").told("/memory add I live in Rome")
        await somebody(talk, "ann-at-work").told("/memory add My desk is by the window")
        await somebody(talk, "ann").told("/language de")
        ann, work = somebody(talk, "ann"), somebody(talk, "ann-at-work")
        code = code_in(await ann.told("/link"))
        await work.told(f"/link {code} yes")
        await told(ann, "ist jetzt mit diesem verbunden")
        assert "Rome" in await work.told("/memory")
        assert "desk" in await ann.told("/memory")
        await work.told("/verbose quiet")
        assert (await talk.app.store.preferences("fake", "ann")).verbosity == "quiet"
        await ann.asked("/move what=box")
        await ann.answered("immer")
        assert "done: move bag" in await work.answered("/move what=bag")
        await work.told("/link remove")
        assert "Rome" not in await work.told("/memory")
        assert "desk" not in await ann.told("/memory")
        await work.asked("/move what=bin")


@pytest.mark.proves("people.joined")
async def test_a_code_joins_once_within_the_hour_in_private_and_not_with_itself(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        ann, bob = somebody(talk, "ann"), somebody(talk, "bob")
        assert "in private" in await together(talk, "ann").told("/link")
        old = code_in(await ann.told("/link"))
        code = code_in(await ann.told("/link"))
        assert "not valid" in await bob.told(f"/link {old}"), "a new code takes the place of the older one"
        assert "joined already" in await ann.told(f"/link {code} yes")
        await bob.told(f"/link {code.lower()[:5]}-{code.lower()[5:]} yes")
        assert "not valid" in await somebody(talk, "eve").told(f"/link {code} yes")
        assert "joined with no other" in await somebody(talk, "eve").told("/link remove")
        assert code not in json.dumps([row.details for row in await talk.app.store.audited()])
    long_ago = datetime.now(UTC) - timedelta(minutes=61)
    async with talking(tmp_path, now=lambda: long_ago) as talk:
        code = code_in(await somebody(talk, "cleo").told("/link"))
        assert "not valid" in await somebody(talk, "dan").told(f"/link {code} yes")


@pytest.mark.proves("people.joined_roles")
async def test_joining_raises_nobody_who_was_given_no_role(tmp_path: Path) -> None:
    rules = '[people]\n"fake:olga" = "owner"\n'
    async with talking(tmp_path, policy=rules) as talk:
        olga, mallory = somebody(talk, "olga"), somebody(talk, "mallory")
        code = code_in(await olga.told("/link"))
        await mallory.told(f"/link {code} yes")
        assert "/people is for admins" in await mallory.told("/people")
        await olga.told("/people set fake:mallory member")
        assert "owner" in await mallory.told("/people"), "both were given a role now: the higher one counts"
        assert "Nobody gives more than they have" in await mallory.told("/people set fake:mallory owner")
        await mallory.told("/link remove")
        assert "/people is for admins" in await mallory.told("/people")


@pytest.mark.proves("people.two_yeses", "people.joined")
async def test_two_accounts_of_one_person_are_not_two_people(tmp_path: Path) -> None:
    house = House()
    async with talking(tmp_path, toolsets=house.tools, policy=RULES + BY_TWO) as talk:
        code = code_in(await somebody(talk, "adam").told("/link"))
        await somebody(talk, "amy").told(f"/link {code} yes")
        bob, adam, amy = (together(talk, name) for name in ("bob", "adam", "amy"))
        asked = await bob.asked("/wipe what=disk")
        await press(adam, asked.id, "yes")
        again = await question(bob, 2)
        await press(amy, again.id, "yes")
        assert "Yes so far: amy." in (await question(bob, 3)).text
        assert "Your own yes" in (await press(adam, (await amy.asked("/wipe what=tape")).id, "yes")).text
    assert house.done == []


@pytest.mark.proves("people.joined")
async def test_joined_accounts_spend_one_budget_and_leaving_gives_no_new_one(tmp_path: Path) -> None:
    rules = "person day 1000 tokens"
    models = Models(one=lambda _: ModelReply("hello", ""))
    async with talking(tmp_path, model=models, router="one", budgets=rules) as talk:
        for person, tokens in (("ann", 300), ("ann-at-work", 400)):
            await talk.app.store.reserve(person, Amount(tokens), [today(f"person:fake:{person}")])
            await talk.app.store.settle(person, None)
        ann, work = await joined(talk)
        assert "700 of 1,000 tokens" in await ann.told("/budget")
        assert "700 of 1,000 tokens" in await work.told("/budget")
        await work.told("/link remove")
        assert "700 of 1,000 tokens" in await work.told("/budget")


def today(scope: str) -> Allowance:
    return Allowance(scope, f"{datetime.now(UTC):%Y-%m-%d}", tokens=1_000)


@pytest.mark.proves("people.joined")
async def test_a_rule_for_one_account_holds_for_its_person(tmp_path: Path) -> None:
    async with talking(tmp_path, budgets=f"person day 9 tokens, person:{SLACK} day 7 tokens") as talk:
        ann, work = await joined(talk)
        assert "of 7 tokens" in await ann.told("/budget")
        assert "of 7 tokens" in await work.told("/budget")


# --- nothing crosses people or sessions


@pytest.mark.proves("people.isolated")
async def test_nobody_reads_what_belongs_to_somebody_else(tmp_path: Path) -> None:
    heard = list[str]()

    def model(messages: Any) -> ModelReply:
        heard.append("\n".join(message.text for message in messages))
        return ModelReply(f"heard {messages[-1].text}", "")

    async with talking(tmp_path, toolsets=None, model=Models(one=model), router="one") as talk:
        ann, eve = somebody(talk, "ann"), somebody(talk, "eve")
        await ann.told("/memory add my safe opens with 4711")
        await ann.answered("the secret word is heron")
        await ann.say('/remind text="fetch the heron" when="tomorrow at 8"')
        await eve.answered("what did ann say?")
        assert "heron" not in heard[-1]
        assert "4711" not in heard[-1]
        assert "I keep nothing about you" in await eve.told("/memory")
        assert "Nothing waits" in await eve.told("/reminders")
        assert "with a number of its list" in await eve.told("/reminders cancel 1")
        assert "There is no reminder 1" in (await eve.say("/cancel_reminder number=1")).text
        turn = (await talk.app.store.recent_turns(last=9))[0].turn
        assert "I know no turn" in await eve.told(f"/why {turn}")
        assert "That turn had no plan" in await eve.told(f"/save mine {turn}")
        assert "There is nothing that I may do" in await eve.told("/allow")
        assert "No model was called for you" not in await ann.told("/usage")


@pytest.mark.proves("people.isolated")
async def test_an_answer_in_one_conversation_is_none_to_a_question_in_another(tmp_path: Path) -> None:
    house = House()
    async with talking(tmp_path, toolsets=house.tools) as talk:
        ann, eve = somebody(talk, "ann"), somebody(talk, "eve")
        asked = await ann.asked("/move what=box")
        assert (await press(eve, asked.id, "yes")).text == "That question is closed already."
        there = Talk(talk.app, talk.channel, chat="with ann", person="eve")
        assert "I asked somebody else that" in (await press(there, asked.id, "yes")).text
        assert "I asked somebody else that" in await there.told("/stop")
        await there.told("/new")
        open_question = await talk.app.store.open_question(ann.address.session)
        assert open_question is not None, "a fresh start of another one takes no question away"
        assert "done: move box" in (await press(ann, asked.id, "yes")).text
    assert house.done == ["move box"]


@pytest.mark.proves("people.isolated")
async def test_a_template_shows_its_makers_values_to_nobody_and_is_theirs_to_change(tmp_path: Path) -> None:
    house = House()
    async with talking(tmp_path, toolsets=house.tools) as talk:
        ann, eve = somebody(talk, "ann"), somebody(talk, "eve")
        await ann.answered('/look what="my diary"')
        await ann.told("/save diary")
        assert "my diary" not in await eve.told("/templates")
        assert "somebody else's template" in await eve.told("/templates forget diary")


@pytest.mark.proves("people.isolated")
async def test_a_file_of_one_conversation_cannot_be_sent_from_another_by_a_guessed_name(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    async with talking(tmp_path, toolsets=None, files=str(folder)) as talk:
        ann, eve = somebody(talk, "ann"), somebody(talk, "eve")
        talk.channel.files["ref"] = b"my diary"
        await ann.say("keep this", Attachment(name="diary.txt", mime="text/plain", ref="ref"))
        for path in (folder, folder / "diary.txt", folder / ("0" * 32 + "-diary.txt"), tmp_path / "errand.db"):
            refused = await eve.say(f'/send_file to="here" path="{path}"')
            assert "I send only files that people have sent me" in refused.text
