"""The local Telegram: people, groups, topics, and what a bot hears of them."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Message, MessageEntity
from telegram.error import BadRequest, ChatMigrated, Forbidden

from tests.fakes.telegram.client import connected

ROOT = Path(__file__).parents[2]


async def heard(bot: object) -> list[str]:
    """The words of the messages that the bot got since it last asked."""
    updates = await bot.get_updates()  # type: ignore[attr-defined]
    if updates:
        await bot.get_updates(offset=updates[-1].update_id + 1)  # type: ignore[attr-defined]
    return [each.message.text for each in updates if each.message and each.message.text]


@pytest.mark.proves("telegram_fake.privacy")
async def test_in_a_group_a_private_bot_hears_what_is_meant_for_it() -> None:
    async with connected() as (bot, world):
        mara, tom = world.person("Mara"), world.person("Tom")
        group = world.group("Team", mara, tom)
        ours = await bot.send_message(group.id, "Hello all")
        shown = group.messages[-1]
        assert shown.id == ours.message_id
        said = await group.says(mara, "among us")
        for text in ("@errand_bot hi", "/go", "/go@errand_bot now", "/go@other_bot now", "@somebody hi"):
            await group.says(tom, text)
        await group.says(tom, "an answer", reply_to=shown)
        await group.says(tom, "to somebody else", reply_to=said)
        assert await heard(bot) == ["@errand_bot hi", "/go", "/go@errand_bot now", "an answer"]
        group.makes_admin()
        await group.says(mara, "all is heard")
        assert await heard(bot) == ["all is heard"]
        assert (await bot.get_me()).can_read_all_group_messages is False
    async with connected(privacy=False) as (bot, world):
        mara = world.person("Mara")
        await world.group("Team", mara).says(mara, "among us")
        assert await heard(bot) == ["among us"]


@pytest.mark.proves("telegram_fake.people")
async def test_what_people_write_is_marked_in_utf_16_units() -> None:
    async with connected() as (bot, world):
        mara, tom = world.person("Mara"), world.person("Tom")
        chat = mara.private_chat()
        await chat.says(mara, "😀 /go @errand_bot with Tom", mentions=tom, forwarded_from=tom)
        message = (await bot.get_updates())[0].message
        assert message
        assert list(message.parse_entities().values()) == ["/go", "@errand_bot", "Tom"]
        assert message.entities[2].user
        assert message.entities[2].user.id == tom.id
        assert message.forward_origin
        assert message.parse_entities([MessageEntity.BOT_COMMAND]) == {message.entities[0]: "/go"}


@pytest.mark.proves("telegram_fake.people")
async def test_replies_quotes_edits_and_reactions_arrive() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        await bot.get_updates(allowed_updates=["message", "edited_message", "message_reaction"])
        await bot.send_message(mara.id, "one 😀 two")
        said = await chat.says(mara, "why?", reply_to=chat.messages[0], quote="two")
        await mara.edits(said, "why not?")
        await mara.reacts(chat.messages[0], "👍")
        await bot.set_message_reaction(mara.id, said.id, "👀")
        asked, edited, reaction = await bot.get_updates()
        assert asked.message
        assert asked.message.quote
        assert (asked.message.quote.text, asked.message.quote.position) == ("two", 7)
        assert edited.edited_message
        assert (edited.edited_message.text, asked.message.text) == ("why not?", "why?")
        assert reaction.message_reaction
        assert chat.transcript() == 'Errand: one 😀 two\n  (👍)\nMara (to "two"): why not?\n  (👀)'


@pytest.mark.proves("telegram_fake.people")
async def test_a_person_who_blocked_the_bot_cannot_be_written_to() -> None:
    async with connected() as (bot, world):
        mara, tom = world.person("Mara"), world.person("Tom")
        with pytest.raises(Forbidden, match="can't initiate conversation"):
            await bot.send_message(tom.id, "Hi")
        mara.private_chat()
        mara.blocks_the_bot()
        with pytest.raises(Forbidden, match="bot was blocked by the user"):
            await bot.send_message(mara.id, "Hi")
        mara.unblocks_the_bot()
        await bot.send_message(mara.id, "Hi")
        blocked, unblocked = [each.my_chat_member for each in await bot.get_updates()]
        assert blocked
        assert unblocked
        assert (blocked.new_chat_member.status, unblocked.new_chat_member.status) == ("kicked", "member")
        mara.leaves_telegram()
        with pytest.raises(Forbidden, match="user is deactivated"):
            await bot.send_message(mara.id, "Hi")


@pytest.mark.proves("telegram_fake.people")
async def test_a_bot_is_added_to_a_group_kicked_and_leaves_by_itself() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        group = world.group("Team", mara)
        assert (await bot.get_chat_member(group.id, mara.id)).status == "creator"
        group.kicks_the_bot()
        with pytest.raises(Forbidden, match="bot was kicked from the group chat"):
            await bot.send_message(group.id, "Hi")
        group.adds_the_bot()
        await bot.leave_chat(group.id)
        with pytest.raises(Forbidden, match="bot is not a member of the group chat"):
            await bot.send_message(group.id, "Hi")
        told = [each.my_chat_member for each in await bot.get_updates() if each.my_chat_member]
        assert [each.new_chat_member.status for each in told] == ["member", "kicked", "member", "left"]
        assert group.transcript() == "* Mara added Errand\n* Mara removed Errand\n* Mara added Errand"


@pytest.mark.proves("telegram_fake.people")
async def test_a_group_that_moves_is_found_at_its_new_id() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        group = world.group("Team", mara)
        moved = group.migrates()
        with pytest.raises(ChatMigrated) as error:
            await bot.send_message(group.id, "Hi")
        assert error.value.new_chat_id == moved.id
        await bot.send_message(moved.id, "Here")
        assert moved.transcript() == "* Mara made the group a supergroup\nErrand: Here"
        told = [each.message for each in await bot.get_updates() if each.message][-2:]
        ways = [(each.migrate_to_chat_id, each.migrate_from_chat_id) for each in told]
        assert ways == [(moved.id, None), (None, group.id)]


@pytest.mark.proves("telegram_fake.topics")
async def test_topics_keep_their_messages_apart() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        group = world.group("Team", mara, topics=True)
        trips, food = group.topic("Trips"), group.topic("Food")
        await trips.says(mara, "/go")
        message = (await bot.get_updates())[-1].message
        assert message
        assert (message.message_thread_id, message.is_topic_message) == (trips.thread, True)
        assert message.reply_to_message
        assert message.reply_to_message.forum_topic_created
        await bot.send_message(group.id, "there", message_thread_id=trips.thread)
        await bot.send_message(group.id, "general")
        assert (await trips.shows("there")).thread == trips.thread
        assert food.from_bot == []
        assert trips.transcript() == "* Mara made the topic 'Trips'\nMara: /go\nErrand: there"
        assert group.transcript().splitlines()[-2:] == ["#Trips Errand: there", "Errand: general"]
        for thread in (1, 999):
            with pytest.raises(BadRequest, match="Message thread not found"):
                await bot.send_message(group.id, "x", message_thread_id=thread)
        trips.vanishes()
        with pytest.raises(BadRequest, match="Message thread not found"):
            await bot.send_message(group.id, "x", message_thread_id=trips.thread)


@pytest.mark.proves("telegram_fake.topics")
async def test_a_bot_makes_and_names_topics_where_it_may() -> None:
    async with connected(private_topics=True) as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        assert (await bot.get_me()).has_topics_enabled
        made = await bot.create_forum_topic(chat.id, "New chat")
        await bot.edit_forum_topic(chat.id, made.message_thread_id, name="Tokyo")
        topic = chat.topic_named("Tokyo")
        await topic.says(mara, "Hi")
        message = (await bot.get_updates())[-1].message
        assert isinstance(message, Message)
        assert message.message_thread_id == made.message_thread_id
        with pytest.raises(BadRequest, match="Topic_not_modified"):
            await bot.edit_forum_topic(chat.id, made.message_thread_id, name="Tokyo")
        assert topic.transcript().splitlines()[-2:] == ["* Errand renamed the topic to 'Tokyo'", "Mara: Hi"]
        group = world.group("Team", mara, topics=True)
        with pytest.raises(BadRequest, match="Not enough rights to create a topic"):
            await bot.create_forum_topic(group.id, "Mine")
        group.makes_admin()
        await bot.create_forum_topic(group.id, "Mine")


@pytest.mark.proves("telegram_fake.people")
async def test_waiting_for_what_does_not_come_tells_what_came() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        await bot.send_message(mara.id, "something else")
        with pytest.raises(AssertionError, match=r"nothing with 'this' in:\nErrand: something else"):
            await chat.shows("this", seconds=0.01)


@pytest.mark.proves("telegram_fake.people")
async def test_commands_are_kept_by_scope_and_language() -> None:
    async with connected() as (bot, _world):
        await bot.set_my_commands([("why", "What was decided")])
        await bot.set_my_commands([("why", "Was entschieden wurde")], language_code="de")
        assert [each.description for each in await bot.get_my_commands()] == ["What was decided"]
        assert [each.description for each in await bot.get_my_commands(language_code="de")] == ["Was entschieden wurde"]
        await bot.delete_my_commands()
        assert await bot.get_my_commands() == ()
        with pytest.raises(BadRequest, match="Bot_command_invalid"):
            await bot.set_my_commands([("Why?", "x")])


@pytest.mark.proves("telegram_fake.people")
async def test_a_long_text_arrives_in_pieces() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        await mara.private_chat().pastes(mara, "x" * 5000)
        assert [len(text) for text in await heard(bot)] == [4096, 904]


@pytest.mark.slow
@pytest.mark.proves("telegram_fake.prompt")
def test_a_bot_can_be_tried_in_a_terminal() -> None:
    command = [sys.executable, "-u", "-m", "tests.fakes.telegram"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdin
        assert server.stdout
        _, address, _, token = server.stdout.readline().split()
        server.stdin.write("Hello\n")
        server.stdin.flush()
        said = asyncio.run(answered(address, token))
        assert said == "Hello"
        assert [server.stdout.readline() for _ in range(2)] == ["Errand: Hello yourself\n", "  [Yes]\n"]
        server.stdin.write(":press No\n:press Yes\n:show\n:quit\n")
        server.stdin.flush()
        assert server.stdout.read() == (
            "(no button 'No' among [['Yes']])\nYou: Hello\nErrand: Hello yourself\n  [Yes]\n"
        )
    assert server.returncode == 0


async def answered(address: str, token: str) -> str | None:
    """What a person said to the bot, which answers."""
    async with Bot(token, base_url=f"{address}/bot", base_file_url=f"{address}/file/bot") as bot:
        message = (await bot.get_updates(timeout=10))[0].message
        assert message
        key = InlineKeyboardButton("Yes", callback_data="y")
        await message.reply_text("Hello yourself", reply_markup=InlineKeyboardMarkup([[key]]))
        return message.text
