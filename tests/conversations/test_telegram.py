"""Errand in Telegram, as people see it: through the real client, against a local server of the Bot API."""

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.base import ChannelClosed
from adapters.telegram.webhook import SECRET_HEADER
from bot.app import build
from bot.channels import channels_of
from bot.settings import read_settings
from orchestrator.models import ModelReply
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import File
from storage.errors import StorageBusy
from storage.records import Arrived
from storage.store import Store
from tests.conversations.telegram_talk import answers_to, drafted, errand_on, pressed
from tests.conversations.test_approvals import Office
from tests.conversations.test_approvals import plan as hand
from tests.conversations.test_plans import Models
from tests.conversations.test_while_busy import Work
from tests.fakes.telegram import PICTURE, TOKEN, Chat, Person, World, telegram
from tests.fakes.telegram.asking import make_topic
from tests.fakes.telegram.state import BOT_ID


@pytest.fixture
async def fake() -> AsyncIterator[World]:
    async with telegram(private_topics=True) as server:
        yield server
    assert server.problems == []


@pytest.fixture
def mara(fake: World) -> Person:
    return fake.person("Mara")


@pytest.fixture
def chat(mara: Person) -> Chat:
    """Mara's private chat with the bot."""
    return mara.private_chat()


def echo() -> Models:
    return Models(one=lambda messages: ModelReply(f"heard: {messages[-1].text}", ""))


def busy(store: Store, monkeypatch: pytest.MonkeyPatch, *, times: int) -> list[StorageBusy]:
    """Let the store refuse the next messages; the refusals that are left."""
    remember, refusals = store.remember, [StorageBusy() for _ in range(times)]

    async def busy_at_first(**given: Any) -> Arrived | None:
        if refusals:
            raise refusals.pop()
        return await remember(**given)

    monkeypatch.setattr(store, "remember", busy_at_first)
    return refusals


def clock() -> Functions:
    """`time(city)`, whose choices are known."""

    @tool(read_only=True)
    def time(city: str, zone: str) -> str:
        """What time it is."""
        return f"12:00 in {city} ({zone})"

    return Functions([time])


# --- answers


@pytest.mark.proves("telegram.answer")
async def test_a_message_is_answered_once_and_typing_ends_before_the_answer(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await chat.says(mara, "Hello")
        await chat.shows("heard: Hello")
    assert [shown.text for shown in chat.from_bot] == ["heard: Hello"]
    assert not fake.problems


@pytest.mark.proves("telegram.draft")
async def test_an_answer_grows_in_a_draft_with_a_stop_button_that_stops_it(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    work = Work()
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        await chat.says(mara, "/look what=Rome")
        await work.next_begun()
        assert "look (Rome)" in await drafted(chat, "◐")
        await mara.presses_stop(chat)
        await chat.shows("Stopped.")
    assert chat.draft is None
    assert work.done == []


@pytest.mark.proves("telegram.stop")
async def test_a_typed_stop_ends_what_runs(fake: World, mara: Person, chat: Chat, tmp_path: Path) -> None:
    work = Work()
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        await chat.says(mara, "/look what=Rome")
        await work.next_begun()
        await chat.says(mara, "/stop")
        await chat.shows("Stopped.")


@pytest.mark.slow
@pytest.mark.proves("telegram.group_picture")
async def test_in_a_group_one_message_shows_the_plan_and_becomes_the_answer(fake: World, tmp_path: Path) -> None:
    work = Work()
    mara = fake.person("Mara")
    group = fake.group("Team", mara)
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        asked = await group.says(mara, '/plan@errand_bot a: look(what="Rome")\nb: look(what="Oslo")')
        await work.next_begun()
        card = await group.shows("◐ look (Rome)")
        assert answers_to(card) == asked.id
        work.may_end.set()
        await group.shows("done: look Rome")
    assert "done: look Rome" in card.text, "the same message"
    assert "◐" in card.revisions[0].text


# --- questions


@pytest.mark.proves("telegram.buttons")
async def test_an_approval_is_a_press_and_the_buttons_close(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    office = Office()
    async with errand_on(fake, tmp_path, toolsets=office.tools):
        await chat.says(mara, "/send text=one")
        question = await chat.shows("May I run")
        styles = [button.get("style") for row in question.keys for button in row]
        assert styles[:2] == ["success", "danger"]
        assert await pressed(mara, question, "yes") == ""
        await chat.shows("done: send one")
        await fake.until(lambda: question.buttons == [["✓ yes"]], words="closed buttons")
        assert "closed already" in await pressed(mara, question, "yes")
    assert office.done == ["send one"]


@pytest.mark.proves("telegram.buttons_after_restart")
async def test_a_press_counts_also_in_another_process(fake: World, mara: Person, chat: Chat, tmp_path: Path) -> None:
    office = Office()
    async with errand_on(fake, tmp_path, toolsets=office.tools):
        await chat.says(mara, "/send text=one")
        question = await chat.shows("May I run")
    async with errand_on(fake, tmp_path, toolsets=office.tools):
        await pressed(mara, question, "yes")
        await chat.shows("done: send one")
    assert office.done == ["send one"]


@pytest.mark.proves("telegram.right_person")
async def test_only_the_one_who_was_asked_may_press(fake: World, tmp_path: Path) -> None:
    office = Office()
    mara, tom = fake.person("Mara"), fake.person("Tom")
    group = fake.group("Team", mara, tom)
    async with errand_on(fake, tmp_path, toolsets=office.tools):
        await group.says(mara, "/send@errand_bot text=one")
        question = await group.shows("May I run")
        assert "somebody else" in await pressed(tom, question, "yes")
        assert office.done == []
        await pressed(mara, question, "no")
        await group.shows("you said no")
    assert office.done == []


@pytest.mark.proves("telegram.text_answer")
async def test_an_answer_in_words_closes_the_buttons_too(fake: World, mara: Person, chat: Chat, tmp_path: Path) -> None:
    office = Office()
    async with errand_on(fake, tmp_path, toolsets=office.tools):
        await chat.says(mara, "/send text=one")
        question = await chat.shows("May I run")
        await chat.says(mara, "yes please")
        await chat.shows("done: send one")
        await fake.until(lambda: not question.buttons, words="no buttons")


@pytest.mark.proves("telegram.force_reply")
async def test_in_a_group_a_question_opens_the_keyboard_and_a_reply_answers_it(fake: World, tmp_path: Path) -> None:
    mara = fake.person("Mara")
    group = fake.group("Team", mara)
    async with errand_on(fake, tmp_path, toolsets=[clock()]):
        asked = await group.says(mara, "/time@errand_bot city=Rome")
        question = await group.shows("which **zone**".replace("**", ""))
        assert answers_to(question) == asked.id
        assert fake.log[-1].parameters["reply_markup"]["force_reply"]
        await group.says(mara, "not for the bot")
        await group.says(mara, "CET", reply_to=question)
        await group.shows("12:00 in Rome (CET)")


@pytest.mark.slow
@pytest.mark.proves("telegram.form")
async def test_several_questions_are_picked_one_by_one_and_sent_together(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    office = Office()
    async with errand_on(fake, tmp_path, toolsets=office.tools, questions_before_review=9):
        await chat.says(mara, hand('a: send(text="one")', 'b: send(text="two")'))
        question = await chat.shows("I need to know a few things")
        await pressed(mara, question, "1: yes")
        await fake.until(lambda: "✓ 1: yes" in str(question.buttons), words="a mark on what was picked")
        assert office.done == []
        await pressed(mara, question, "2: no")
        await chat.shows("done: send one")
    assert office.done == ["send one"]


@pytest.mark.slow
@pytest.mark.proves("telegram.form")
async def test_a_pick_that_is_quicker_than_the_answer_to_the_question_is_kept(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    office = Office()
    held = fake.faults.hold("sendMessage", contains="I need to know")
    async with errand_on(fake, tmp_path, toolsets=office.tools, questions_before_review=9) as app:
        await chat.says(mara, hand('a: send(text="one")', 'b: send(text="two")'))
        question = await chat.shows("I need to know a few things")
        await pressed(mara, question, "1: yes")
        await fake.until(lambda: "✓ 1: yes" in str(question.buttons), words="a mark on what was picked")
        held.release()
        await app.idle()
        await pressed(mara, question, "2: no")
        await chat.shows("done: send one")
    assert office.done == ["send one"]


@pytest.mark.slow
@pytest.mark.proves("telegram.plan_edit")
async def test_a_plan_is_shown_changed_in_words_and_agreed_to_by_a_press(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    office = Office()
    async with errand_on(fake, tmp_path, toolsets=office.tools, review="always"):
        await chat.says(mara, hand('a: look(what="x")', 'b: send(text="two")'))
        await chat.shows("This is my plan:")
        first = await chat.says(mara, "2.text=other words")
        changed = await chat.shows("other words", after=first)
        await pressed(mara, changed, "go")
        await chat.shows("done: send other words")


# --- who, where, for whom


@pytest.mark.proves("telegram.gate")
async def test_in_a_group_only_what_is_for_the_bot_is_taken(fake: World, tmp_path: Path) -> None:
    fake.privacy = False  # the bot hears everything, and must leave most of it alone
    mara, tom = fake.person("Mara"), fake.person("Tom")
    group = fake.group("Team", mara, tom)
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await group.says(tom, "just talking")
        await group.says(mara, "/why@other_bot")
        await group.says(mara, "@errand_bot, hello 👋 there")
        answer = await group.shows("heard: hello 👋 there")
        await group.says(tom, "and you?", reply_to=answer)
        await group.shows("heard: and you?")
    assert len(group.from_bot) == 2


@pytest.mark.proves("telegram.context")
async def test_what_others_said_before_is_shown_to_the_model_only_where_that_is_allowed(
    fake: World, tmp_path: Path
) -> None:
    fake.privacy = False
    mara, tom = fake.person("Mara"), fake.person("Tom")
    group = fake.group("Team", mara, tom)
    async with errand_on(fake, tmp_path / "a", model=echo(), router="one"):
        await group.says(tom, "we meet at nine")
        await group.says(mara, "@errand_bot when?")
        await group.shows("heard: when?")
        assert "nine" not in group.from_bot[-1].text
    async with errand_on(fake, tmp_path / "b", model=echo(), router="one", telegram_context=5):
        await group.says(tom, "we meet at ten")
        await group.says(mara, "@errand_bot and now?")
        answer = await group.shows("heard: and now?")
    assert '<said-before-by-others by="Tom">\nwe meet at ten' in answer.text


@pytest.mark.proves("telegram.topics")
async def test_each_topic_is_a_conversation_of_its_own(fake: World, tmp_path: Path) -> None:
    mara = fake.person("Mara")
    forum = fake.group("Team", mara, topics=True)
    models = Models(one=lambda messages: ModelReply(f"I heard {len(messages)} messages", ""))
    async with errand_on(fake, tmp_path, model=models, router="one"):
        trips, bills = forum.topic("Trips", by=mara), forum.topic("Bills", by=mara)
        await trips.says(mara, "@errand_bot one")
        await trips.shows("I heard 2 messages")
        await bills.says(mara, "@errand_bot two")
        await bills.shows("I heard 2 messages")
        await trips.says(mara, "@errand_bot three")
        await trips.shows("I heard 4 messages")


@pytest.mark.proves("telegram.titles")
async def test_a_private_topic_without_a_name_is_named_after_what_was_said_first(fake: World, tmp_path: Path) -> None:
    mara = fake.person("Mara")
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        topic = mara.private_chat().topic("New chat", by=mara, implicit=True)
        await topic.says(mara, "Plan my trip to Rome")
        await topic.shows("heard: Plan my trip")
        await fake.until(lambda: topic.room.topics[topic.thread or 0].name == "Plan my trip to Rome", words="a title")


@pytest.mark.slow
@pytest.mark.proves("telegram.door")
async def test_nobody_comes_in_without_a_code_that_is_used_up_by_one(
    fake: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mara, tom = fake.person("Mara"), fake.person("Tom")
    async with errand_on(fake, tmp_path, model=echo(), router="one", telegram_people=""):
        code = capsys.readouterr().err.rpartition("start=")[2].split()[0]
        await tom.private_chat().says(tom, "hello")
        await tom.private_chat().shows("I do not know you yet")
        await tom.private_chat().says(tom, "hello again")
        await mara.private_chat().says(mara, f"/start {code}")
        await mara.private_chat().shows("Welcome, Mara")
        await tom.private_chat().says(tom, f"/start {code}")
        await tom.private_chat().shows("not valid")
        await mara.private_chat().says(mara, "/invite")
        link = (await mara.private_chat().shows("This lets one person in")).text
        await tom.private_chat().says(tom, f"/start {link.rpartition('=')[2]}")
        await tom.private_chat().shows("Welcome, Tom")
        await tom.private_chat().says(tom, "/invite")
        await tom.private_chat().shows("Only the one who runs me")
    async with errand_on(fake, tmp_path, model=echo(), router="one", telegram_people=""):
        await mara.private_chat().says(mara, "still there?")
        await mara.private_chat().shows("heard: still there?")
    assert "heard: hello" not in tom.private_chat().transcript()


# --- what comes with a message


@pytest.mark.proves("telegram.edited")
async def test_an_edited_message_gives_its_turn_the_new_words(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    work = Work()
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        sent = await chat.says(mara, "/look what=Rme")
        await work.next_begun()
        await mara.edits(sent, "/look what=Rome")
        assert await work.next_begun() == "look Rome"
        work.may_end.set()
        await chat.shows("done: look Rome")
    assert work.done == ["look Rome"]


@pytest.mark.proves("telegram.foreign")
async def test_quotes_and_forwarded_words_are_marked_as_those_of_others(fake: World, tmp_path: Path) -> None:
    mara, tom = fake.person("Mara"), fake.person("Tom")
    chat = mara.private_chat()
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await chat.says(mara, "Bonjour à tous", forwarded_from=tom)
        answer = await chat.shows("<forwarded")
        assert answer.text == 'heard: <forwarded by="Tom">\nBonjour à tous\n</forwarded>'
        await chat.says(mara, "translate this", reply_to=answer, quote="Bonjour")
        quoted = await chat.shows("translate this")
    assert '<replied-to by="you">\nBonjour\n</replied-to>' in quoted.text


@pytest.mark.proves("telegram.gathered")
async def test_a_long_text_that_the_app_has_cut_is_one_message(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    models = Models(one=lambda messages: ModelReply(f"{len(messages[-1].text)} characters", ""))
    async with errand_on(fake, tmp_path, model=models, router="one"):
        await chat.says(mara, "a" * 4000)
        await chat.says(mara, "b" * 4000)
        await chat.says(mara, "the end")
        await chat.shows(f"{4000 + 1 + 4000 + 1 + 7} characters")
    assert len(chat.from_bot) == 1


@pytest.mark.proves("telegram.gathered")
async def test_parts_that_a_dead_process_was_waiting_with_are_taken_by_the_next_one(
    mara: Person, fake: World, chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Models(one=lambda messages: ModelReply(f"{len(messages[-1].text)} characters", ""))
    with monkeypatch.context() as patience:
        patience.setattr("adapters.telegram.gathering.SETTLE", 60)
        async with errand_on(fake, tmp_path, model=models, router="one"):
            await chat.says(mara, "a" * 4000)
            await chat.says(mara, "b" * 4000)
            await fake.until(lambda: not fake.updates.pending, words="confirmed updates")
    async with errand_on(fake, tmp_path, model=models, router="one"):
        await chat.shows("8001 characters")
    assert len(chat.from_bot) == 1


@pytest.mark.proves("telegram.gathered")
async def test_a_message_in_parts_that_cannot_be_stored_yet_is_tried_again(
    mara: Person, fake: World, chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Models(one=lambda messages: ModelReply(f"{len(messages[-1].text)} characters", ""))
    monkeypatch.setattr("adapters.telegram.gathering.SETTLE", 0.1)
    async with errand_on(fake, tmp_path, model=models, router="one") as app:
        busy(app.store, monkeypatch, times=2)
        await chat.says(mara, "a" * 4000)
        await chat.shows("4000 characters")
    assert len(chat.from_bot) == 1


# --- trouble


@pytest.mark.proves("telegram.once")
async def test_the_same_update_twice_out_of_order_and_after_a_restart_is_answered_once(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await chat.says(mara, "one")
        await chat.says(mara, "two")
        await chat.shows("heard: two")
        await fake.until(lambda: not fake.updates.pending, words="confirmed updates")
        for update in (2, 1):
            fake.redeliver(update)
        await chat.says(mara, "three")
        await chat.shows("heard: three")
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        for update in (1, 2):
            fake.redeliver(update)
        await chat.says(mara, "four")
        await chat.shows("heard: four")
    assert sorted(shown.text for shown in chat.from_bot) == [
        "heard: four",
        "heard: one",
        "heard: three",
        "heard: two",
    ]


@pytest.mark.proves("telegram.retry_after")
async def test_a_flood_answer_is_waited_out_and_the_answer_arrives(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    fake.faults.refuse("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1)
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await chat.says(mara, "Hello")
        await chat.shows("heard: Hello")
    assert len(chat.from_bot) == 1
    assert fake.calls["sendMessage"] == 2


@pytest.mark.slow
@pytest.mark.proves("telegram.server_error")
async def test_a_server_error_is_tried_again_without_a_mark(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    fake.faults.refuse("sendMessage", 502, "Bad Gateway", times=2)
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await chat.says(mara, "Hello")
        await chat.shows("heard: Hello")
    assert [shown.text for shown in chat.from_bot] == ["heard: Hello"]


@pytest.mark.slow
@pytest.mark.proves("telegram.lost_answer")
async def test_an_answer_of_which_nobody_knows_whether_it_arrived_is_looked_for_before_it_is_sent_again(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    fake.faults.lose_answer("sendMessage")
    async with errand_on(fake, tmp_path, model=echo(), router="one") as app:
        await chat.says(mara, "Hello")
        await chat.shows("heard: Hello")
        await app.idle()
        assert [shown.text for shown in chat.from_bot] == ["heard: Hello"]
        fake.faults.drop("sendMessage")
        await chat.says(mara, "Hello again")
        await chat.shows("heard: Hello again")
    assert chat.from_bot[-1].text == "(you may have seen this already)\nheard: Hello again", "it was not found"


@pytest.mark.slow
@pytest.mark.proves("telegram.lost_answer", "telegram.long")
async def test_a_long_answer_that_was_cut_off_in_the_middle_is_whole_in_the_end(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    words = " ".join(f"word{number}" for number in range(1_500))
    fake.faults.drop("sendMessage", contains="word900")
    async with errand_on(fake, tmp_path, model=Models(one=lambda _: ModelReply(words, "")), router="one") as app:
        await chat.says(mara, "a lot")
        await chat.shows("word1499")
        await app.idle()
    told = " ".join(shown.text for shown in chat.from_bot).replace("(you may have seen this already)", "")
    assert told.split() == words.split()


@pytest.mark.proves("telegram.lost_answer", "telegram.rich")
async def test_a_rich_answer_that_may_have_arrived_is_looked_for_too(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    rows = "\n".join(f"| row {number} | {'words ' * 20} |" for number in range(60))
    models = Models(one=lambda _: ModelReply(f"| a | b |\n|---|---|\n{rows}", ""))
    fake.faults.lose_answer("sendRichMessage")
    async with errand_on(fake, tmp_path, model=models, router="one") as app:
        await chat.says(mara, "a table")
        await chat.shows("row 59")
        await app.idle()
    assert len(chat.from_bot) == 1


@pytest.mark.proves("telegram.formatting_refused")
async def test_a_text_whose_formatting_is_refused_arrives_without_it(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    fake.faults.refuse("sendMessage", 400, "Bad Request: can't parse entities: unsupported")
    models = Models(one=lambda _: ModelReply("**bold** words", ""))
    async with errand_on(fake, tmp_path, model=models, router="one"):
        await chat.says(mara, "Hello")
        shown = await chat.shows("bold words")
    assert shown.entities == []


@pytest.mark.proves("telegram.blocked")
async def test_a_bot_that_is_blocked_says_nothing_more_until_it_is_let_in_again(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    work = Work()
    async with errand_on(fake, tmp_path, toolsets=work.tools) as app:
        await chat.says(mara, "/look what=Rome")
        await work.next_begun()
        mara.blocks_the_bot()
        work.may_end.set()
        await app.idle()
        sent = fake.calls["sendMessage"]
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        assert fake.calls["sendMessage"] == sent, "a chat that is gone is left alone"
    mara.unblocks_the_bot()
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        await fake.until(lambda: not fake.updates.pending, words="the news")
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        await chat.shows("done: look Rome")
    assert len(chat.from_bot) == 1


@pytest.mark.proves("telegram.migrated")
async def test_a_group_that_moves_takes_its_conversation_along(fake: World, tmp_path: Path) -> None:
    mara = fake.person("Mara")
    group = fake.group("Team", mara)
    models = Models(one=lambda messages: ModelReply(f"I heard {len(messages)} messages", ""))
    async with errand_on(fake, tmp_path, model=models, router="one"):
        await group.says(mara, "@errand_bot one")
        await group.shows("I heard 2 messages")
        new = group.migrates()
        await new.says(mara, "@errand_bot two")
        await new.shows("I heard 4 messages")
    async with errand_on(fake, tmp_path, model=models, router="one"):
        await new.says(mara, "@errand_bot three")
        await new.shows("I heard 6 messages")


@pytest.mark.proves("telegram.old_server")
async def test_an_older_server_gets_tables_as_text_and_is_not_asked_twice(tmp_path: Path) -> None:
    async with telegram(api_version="10.0") as fake:
        mara = fake.person("Mara")
        chat = mara.private_chat()
        models = Models(one=lambda _: ModelReply("| a | b |\n|---|---|\n| 1 | 2 |", ""))
        async with errand_on(fake, tmp_path, model=models, router="one"):
            for _ in range(2):
                sent = await chat.says(mara, "a table")
                shown = await chat.shows("a │ b", after=sent)
                assert shown.entities[0]["type"] == "pre"
        assert fake.calls["sendRichMessage"] == 1


@pytest.mark.proves("telegram.rich")
async def test_a_table_is_a_rich_message_where_telegram_has_them(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    models = Models(one=lambda _: ModelReply("| a | b |\n|---|---|\n| 1 | `<2>` |", ""))
    async with errand_on(fake, tmp_path, model=models, router="one"):
        await chat.says(mara, "a table")
        shown = await chat.shows("<2>")
    assert "<code>&lt;2&gt;</code>" in shown.html


@pytest.mark.proves("telegram.conflict")
async def test_another_poll_of_the_same_bot_is_waited_out(
    fake: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.telegram.polling.CONFLICT_PAUSE", 0.01)
    fake.faults.refuse("getUpdates", 409, "Conflict: terminated by other getUpdates request", times=3)
    mara = fake.person("Mara")
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await mara.private_chat().says(mara, "Hello")
        await mara.private_chat().shows("heard: Hello")


@pytest.mark.slow
@pytest.mark.proves("telegram.long")
async def test_a_long_answer_comes_in_pieces_that_telegram_takes(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    words = "\n\n".join(f"**{number}** {'word ' * 50}" for number in range(60))
    models = Models(one=lambda _: ModelReply(words, ""))
    async with errand_on(fake, tmp_path, model=models, router="one"):
        await chat.says(mara, "a lot")
        await chat.shows("59 word")
    told = " ".join(shown.text for shown in chat.from_bot)
    assert told.split() == words.replace("*", "").split()
    assert len(chat.from_bot) == 4


@pytest.mark.proves("telegram.menu")
async def test_the_menu_is_there_for_each_kind_of_chat_and_language(fake: World, tmp_path: Path) -> None:
    async with errand_on(fake, tmp_path):
        pass
    menus = {(json.loads(scope)["type"], language): menu for (scope, language), menu in fake.commands.items()}
    scopes = ("all_private_chats", "all_group_chats")
    assert set(menus) == {(scope, language) for scope in scopes for language in ("", "de")}
    assert "why" in [each["command"] for each in menus["all_group_chats", ""]]
    assert menus["all_private_chats", ""] != menus["all_private_chats", "de"]


# --- files


@pytest.mark.slow
@pytest.mark.proves("telegram.files")
async def test_files_go_both_ways(fake: World, mara: Person, chat: Chat, tmp_path: Path) -> None:
    @tool(read_only=True)
    def chart(title: str) -> list[File]:
        """Draw."""
        return [File("chart.png", "image/png", PICTURE), File("data.csv", "text/csv", b"a,b")]

    async with errand_on(fake, tmp_path, toolsets=[Functions([chart])]):
        await chat.says(mara, "/chart title=Rain")
        await chat.until(lambda chat: {"photo", "document"} <= {name for shown in chat.from_bot for name in shown.wire})
    async with errand_on(fake, tmp_path / "2", model=echo(), router="one"):
        await chat.sends_document(mara, "notes.txt", b"the words inside", mime="text/plain", caption="sum it up")
        assert "the words inside" in (await chat.shows("heard: sum it up")).text
        await chat.sends_voice(mara)
        await chat.shows("I cannot listen to voice messages here")
        await chat.sends_document(mara, "film.mp4", b"x" * 20_000_001)
        await chat.shows("I could not take film.mp4: it has 20 MB, and I can take 20 MB here.")


@pytest.mark.proves("telegram.gathered")
async def test_an_album_is_one_message_also_where_only_its_first_picture_is_for_the_bot(
    fake: World, tmp_path: Path
) -> None:
    fake.privacy = False
    mara = fake.person("Mara")
    group = fake.group("Team", mara)
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await group.sends_album(mara, PICTURE, PICTURE, caption="@errand_bot what are these?")
        answer = await group.shows("heard: what are these?")
    assert answer.text.count("<file ") == 2
    assert len(group.from_bot) == 1


# --- webhook


async def posted(client: aiohttp.ClientSession, url: str, update: dict[str, Any], secret: str) -> int:
    async with client.post(url, json=update, headers={SECRET_HEADER: secret}) as response:
        return response.status


@pytest.mark.proves("telegram.webhook")
async def test_a_webhook_takes_only_what_has_its_secret_and_says_yes_after_the_commit(
    fake: World, mara: Person, chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/telegram"
    webhook: dict[str, Any] = {
        "telegram_webhook_url": url,
        "telegram_webhook_secret": "fake-secret",
        "telegram_webhook_listen": f"127.0.0.1:{port}",
    }
    async with (
        errand_on(fake, tmp_path, model=echo(), router="one", **webhook) as app,
        aiohttp.ClientSession() as client,
    ):
        refusals = busy(app.store, monkeypatch, times=1)
        await chat.says(mara, "Hello")  # what is not durable comes again
        await chat.shows("heard: Hello")
        assert refusals == []
        update = fake.updates.every[fake.last_update_id]
        assert await posted(client, url, update, "wrong") == 403
        assert await posted(client, url, update, "fake-secret") == 200, "known already"
        await app.idle()
        async with client.post(
            url, data=io.BytesIO(b"x" * 2_000_000), headers={SECRET_HEADER: "fake-secret"}
        ) as response:
            assert response.status == 413
        async with client.post(url, data=b"{", headers={SECRET_HEADER: "fake-secret"}) as response:
            assert response.status == 400
    told, answer = [shown.text for shown in chat.from_bot]
    assert "I cannot take your message just now, and keep trying." in told
    assert answer == "heard: Hello"


@pytest.mark.slow
@pytest.mark.proves("telegram.token_secret")
async def test_the_token_is_in_no_log_whatever_goes_wrong(
    fake: World, mara: Person, chat: Chat, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    fake.faults.drop("*")
    fake.faults.refuse("*", 502, "Bad Gateway")
    fake.faults.lose_answer("sendMessage")
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await chat.says(mara, "Hello")
        await chat.shows("heard: Hello")
    assert TOKEN not in caplog.text
    assert TOKEN.partition(":")[2] not in "".join(str(record.__dict__) for record in caplog.records)


@pytest.mark.proves("telegram.token_unknown")
async def test_a_token_that_telegram_does_not_know_ends_it_with_the_fix(fake: World, tmp_path: Path) -> None:
    settings = read_settings(
        database=str(tmp_path / "errand.db"),
        servers=str(tmp_path / "none.json"),
        telegram_token="1:FAKE-AND-UNKNOWN",
        telegram_api=fake.url,
    )
    async with build(settings) as app, channels_of(settings, app, lines=False, live=True) as channels:
        with pytest.raises(ExceptionGroup) as ended:
            await app.serve(channels)
    told = ended.value.subgroup(ChannelClosed)
    assert told
    assert "BotFather" in repr(told)


@pytest.mark.proves("telegram.typing")
async def test_typing_shows_work_and_nothing_follows_the_answer(fake: World, tmp_path: Path) -> None:
    work = Work()
    mara = fake.person("Mara")
    group = fake.group("Team", mara)
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        await group.says(mara, "/look@errand_bot what=Rome")
        await work.next_begun()
        await fake.until(lambda: group.typing, words="typing")
        work.may_end.set()
        await group.shows("done: look Rome")
        await asyncio.sleep(1.2)
    assert not group.typing_after_last_message


@pytest.mark.proves("telegram.topic_gone")
async def test_where_a_topic_is_gone_the_answer_goes_to_the_chat(fake: World, tmp_path: Path) -> None:
    work = Work()
    mara = fake.person("Mara")
    forum = fake.group("Team", mara, topics=True)
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        trips = forum.topic("Trips", by=mara)
        await trips.says(mara, "/look@errand_bot what=Rome")
        await work.next_begun()
        trips.vanishes()
        work.may_end.set()
        await forum.shows("done: look Rome")


@pytest.mark.proves("telegram.picture_cheap")
async def test_a_picture_that_telegram_refuses_harms_no_answer(
    fake: World, mara: Person, chat: Chat, tmp_path: Path
) -> None:
    work = Work()
    refusal = fake.faults.refuse("sendMessageDraft", 400, "Bad Request: DRAFT_INVALID", times=99)
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        await chat.says(mara, "/look what=Rome")
        await work.next_begun()
        await asyncio.wait_for(refusal.reached.wait(), 20)
        work.may_end.set()
        await chat.shows("done: look Rome")
    assert fake.calls["sendMessageDraft"] <= 3


@pytest.mark.slow
@pytest.mark.proves("telegram.group_killed")
async def test_a_picture_that_a_dead_process_has_left_in_a_group_becomes_the_answer(
    fake: World, tmp_path: Path
) -> None:
    work = Work()
    mara = fake.person("Mara")
    group = fake.group("Team", mara)
    async with errand_on(fake, tmp_path, toolsets=work.tools, drain_seconds=0):
        await group.says(mara, "/look@errand_bot what=Rome")
        await work.next_begun()
        picture = await group.shows("◐ look (Rome)")
    work.may_end.set()
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        await group.shows("done: look Rome")
    assert "done: look Rome" in picture.text
    assert group.from_bot == [picture]


@pytest.mark.proves("telegram.files")
async def test_a_picture_that_telegram_cannot_show_goes_out_as_a_document(
    mara: Person, fake: World, chat: Chat, tmp_path: Path
) -> None:
    @tool(read_only=True)
    def chart(title: str) -> File:
        """Draw."""
        return File("chart.png", "image/png", b"no picture")

    async with errand_on(fake, tmp_path, toolsets=[Functions([chart])]):
        await chat.says(mara, "/chart title=Rain")
        await chat.until(lambda chat: "document" in chat.from_bot[-1].wire if chat.from_bot else False)


@pytest.mark.proves("telegram.gate", "telegram.topics")
async def test_what_is_said_in_a_topic_that_the_bot_has_made_is_not_all_for_it(fake: World, tmp_path: Path) -> None:
    fake.privacy = False
    mara = fake.person("Mara")
    forum = fake.group("Team", mara, topics=True)
    made = make_topic(fake, forum.room, "Trips", by=BOT_ID)
    trips = forum.topic_named(made.name)
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await trips.says(mara, "just talking")
        await trips.says(mara, "@errand_bot hello")
        await trips.shows("heard: hello")
    assert [shown.text for shown in trips.from_bot if shown.text] == ["heard: hello"]


@pytest.mark.proves("telegram.files")
async def test_a_file_that_was_deleted_meanwhile_holds_no_answer_back(
    mara: Person, fake: World, chat: Chat, tmp_path: Path
) -> None:
    @tool(read_only=True)
    def chart(title: str) -> File:
        """Draw."""
        return File("chart.png", "image/png", PICTURE)

    hold = fake.faults.hold("sendMessage")
    async with errand_on(fake, tmp_path, toolsets=[Functions([chart])]) as app:
        await chat.says(mara, "/chart title=Rain")
        await asyncio.wait_for(hold.reached.wait(), 20)
        (kept,) = (tmp_path / "files").glob("*chart.png")
        kept.unlink()
        hold.release()
        await chat.shows("chart.png is not there any more.")
        await app.idle()
        assert await app.store.undelivered() == []
