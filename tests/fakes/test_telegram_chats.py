"""The local Telegram: messages both ways, edits, presses, drafts, and what people see of it."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from telegram import (
    Bot,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    MessageEntity,
    ReplyParameters,
)
from telegram.error import BadRequest

from tests.fakes.telegram import PICTURE, VirtualClock
from tests.fakes.telegram.client import connected
from tests.fakes.telegram.entities import accepted

KEYS = InlineKeyboardMarkup(
    [[InlineKeyboardButton("Tokyo", callback_data="1"), InlineKeyboardButton("Lima", url="https://lima.example")]]
)


async def refused(call: object) -> str:
    """What the server says to this call."""
    with pytest.raises(BadRequest) as error:
        await call  # type: ignore[misc]
    return error.value.message


@pytest.mark.proves("telegram_fake.messages")
async def test_a_bot_answers_and_a_person_sees_it() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara", language="en")
        chat = mara.private_chat()
        asked = await chat.says(mara, "Hello")
        update = (await bot.get_updates())[0]
        assert update.message
        assert update.message.from_user
        assert (update.message.text, update.message.from_user.language_code) == ("Hello", "en")
        await update.message.reply_text("Where\nto?", reply_markup=KEYS, do_quote=True)
        shown = await chat.shows("Where")
        assert (shown.buttons, shown.wire["reply_to_message"]["message_id"]) == ([["Tokyo", "Lima"]], asked.id)
        assert chat.transcript() == 'Mara: Hello\nErrand (to "Hello"): Where\n  to?\n  [Tokyo] [Lima]'


@pytest.mark.proves("telegram_fake.presses")
async def test_a_press_is_answered_once_and_in_time() -> None:
    clock = VirtualClock()
    async with connected(clock=clock) as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        sent = await bot.send_message(mara.id, "Where?", reply_markup=KEYS)
        with pytest.raises(AssertionError, match="no button 'Lima'"):
            await mara.presses(await chat.shows("Where?"), "Lima")
        press = await mara.presses(await chat.shows("Where?"), "Tokyo")
        query = (await bot.get_updates())[0].callback_query
        assert query
        assert query.message
        assert (query.data, query.message.message_id) == ("1", sent.message_id)
        await query.answer("noted")
        assert await press.answered() == "noted"
        too_late = "Query is too old and response timeout expired or query id is invalid"
        assert (await refused(query.answer())).lower() == too_late.lower()
        await mara.presses(chat.from_bot[0], "Tokyo")
        clock.advance(60)
        late = (await bot.get_updates(offset=2))[0].callback_query
        assert late
        assert (await refused(late.answer())).lower() == too_late.lower()


@pytest.mark.proves("telegram_fake.presses")
async def test_a_press_on_what_is_gone_tells_no_more_than_its_number() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        sent = await bot.send_message(mara.id, "Where?", reply_markup=KEYS)
        shown = await chat.shows("Where?")
        await sent.delete()
        await mara.presses_data(shown, "1")
        query = (await bot.get_updates())[0].callback_query
        assert query
        assert query.message
        assert (query.message.message_id, query.message.is_accessible) == (sent.message_id, False)


@pytest.mark.proves("telegram_fake.messages")
async def test_edits_show_their_last_state_and_only_real_ones_are_taken() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        theirs = await chat.says(mara, "Hi")
        sent = await bot.send_message(mara.id, "one", reply_markup=KEYS)
        await sent.edit_text("two")
        shown = await chat.shows("two")
        assert (shown.edits, shown.buttons, shown.texts) == (1, [], ["one", "two"])
        assert "Message is not modified" in await refused(sent.edit_text("two"))
        assert await refused(bot.edit_message_text("x", mara.id, 99)) == "Message to edit not found"
        assert await refused(bot.edit_message_text("x", mara.id, theirs.id)) == "Message can't be edited"
        await sent.edit_reply_markup(KEYS)
        await sent.delete()
        assert await refused(sent.delete()) == "Message to delete not found"
        assert chat.transcript() == "Mara: Hi"


@pytest.mark.proves("telegram_fake.drafts")
async def test_a_draft_is_shown_until_its_message_comes_or_half_a_minute_has_passed() -> None:
    clock = VirtualClock()
    async with connected(clock=clock) as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        for text in ("", "It", "It is"):
            await bot.send_message_draft(mara.id, 7, text)
        assert (await chat.shows_draft("It is")).texts == ["", "It", "It is"]
        clock.advance(31)
        assert chat.draft is None
        await bot.send_message_draft(mara.id, 7, "It is two")
        assert chat.draft
        await bot.send_message(mara.id, "It is two.")
        assert chat.draft is None
        assert chat.transcript() == "Errand: It is two."
        group = world.group("Team", mara)
        assert await refused(bot.send_message_draft(group.id, 7, "x")) == "Drafts are shown in private chats only"
        assert await refused(bot.send_message_draft(mara.id, 0, "x")) == "Draft_id must be non-zero"


@pytest.mark.proves("telegram_fake.drafts")
async def test_stop_ends_a_draft_and_tells_the_bot_that_asked_for_it() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        await bot.get_updates(allowed_updates=["message", "stopped_message_generation"])
        await bot.send_message_draft(mara.id, 7, "A long")
        with pytest.raises(AssertionError, match="no Stop button"):
            await mara.presses_stop(chat)
        await bot.send_message_draft(mara.id, 7, "A long way", api_kwargs={"can_stop": True})
        await mara.presses_stop(chat)
        stopped = (await bot.get_updates())[0].api_kwargs["stopped_message_generation"]
        assert (stopped["draft_id"], stopped["chat"]["id"]) == (7, mara.id)
        await bot.send_message_draft(mara.id, 7, "A long way to", api_kwargs={"can_stop": True})
        assert chat.draft is None


@pytest.mark.proves("telegram_fake.drafts")
async def test_a_draft_that_is_kept_on_stop_stays_as_it_was() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        stoppable = {"can_stop": True, "keep_on_stop": True}
        await bot.send_message_draft(mara.id, 7, "A long way", api_kwargs=stoppable)
        await mara.presses_stop(chat)
        await bot.send_message_draft(mara.id, 7, "A long way to", api_kwargs=stoppable)
        assert chat.draft
        assert chat.draft.text == "A long way"
        await bot.send_message(mara.id, "A long way")
        assert chat.draft is None


@pytest.mark.proves("telegram_fake.refusals")
async def test_what_is_old_or_written_by_others_is_not_deleted() -> None:
    clock = VirtualClock()
    async with connected(clock=clock) as (bot, world):
        mara = world.person("Mara")
        group = world.group("Team", mara)
        theirs = await group.says(mara, "/go")
        assert await refused(bot.delete_message(group.id, theirs.id)) == "Message can't be deleted"
        ours = await bot.send_message(group.id, "Hi")
        clock.advance(48 * 3600 + 1)
        assert await refused(ours.delete()) == "Message can't be deleted"
        group.makes_admin()
        await bot.delete_message(group.id, (await group.says(mara, "/go")).id)


@pytest.mark.proves("telegram_fake.refusals")
async def test_a_file_has_no_text_to_edit() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        mara.private_chat()
        sent = await bot.send_document(mara.id, b"x")
        assert await refused(sent.edit_text("y")) == "There is no text in the message to edit"


@pytest.mark.proves("telegram_fake.messages")
async def test_typing_is_seen_with_its_time_and_whether_it_outlived_the_answer() -> None:
    clock = VirtualClock()
    async with connected(clock=clock) as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        await bot.send_chat_action(mara.id, "typing")
        assert [(each.action, each.at) for each in chat.typing] == [("typing", clock())]
        await bot.send_message(mara.id, "done")
        assert not chat.typing_after_last_message
        clock.advance(1)
        await bot.send_chat_action(mara.id, "typing")
        assert chat.typing_after_last_message
        assert await refused(bot.send_chat_action(mara.id, "dancing")) == "Wrong parameter action in request"


REFUSALS = [
    (lambda bot, chat: bot.send_message(chat, " "), "Message text is empty"),
    (lambda bot, chat: bot.send_message(chat, "x" * 4097), "Message is too long"),
    (lambda bot, chat: bot.send_message(chat, "x" * 32769), "Text is too long"),
    (lambda bot, chat: bot.send_message(99, "x"), "Chat not found"),
    (lambda bot, chat: bot.send_message(0, "x"), "Chat_id is empty"),
    (lambda bot, chat: bot.send_message(chat, "x", message_thread_id=5), "Message thread not found"),
    (
        lambda bot, chat: bot.send_message(chat, "x", reply_parameters=ReplyParameters(9)),
        "Message to be replied not found",
    ),
    (lambda bot, chat: bot.send_message(chat, "x", reply_markup=keys("d" * 65)), "Button_data_invalid"),
    (lambda bot, chat: bot.send_message(chat, "x", reply_markup=keys(*"abcdefghi")), "Reply markup is too long"),
    (
        lambda bot, chat: bot.send_message(chat, "x", reply_markup=button(url="https://x.example", callback_data="x")),
        "Button_type_invalid",
    ),
    (
        lambda bot, chat: bot.send_message(chat, "x", reply_markup=button()),
        "Text buttons are not allowed in the inline keyboard",
    ),
    (
        lambda bot, chat: bot.send_message(chat, "x", reply_markup=button(url="x")),
        "Inline keyboard button url 'x' is invalid: wrong http url",
    ),
    (
        lambda bot, chat: bot.send_message(chat, "x", reply_parameters=ReplyParameters(1, quote="not there")),
        "Quote_text_invalid",
    ),
    (lambda bot, chat: bot.send_media_group(chat, [InputMediaPhoto(PICTURE)]), "An album has 2 to 10 items"),
    (lambda bot, chat: bot.send_document(chat, b"x", caption="x" * 1025), "Message caption is too long"),
    (lambda bot, chat: bot.send_document(chat, "nowhere"), "Wrong file identifier/http url specified"),
    (lambda bot, chat: bot.send_photo(chat, b"no picture"), "Image_process_failed"),
    (lambda bot, chat: bot.set_message_reaction(chat, 1, "✅"), "Reaction_invalid"),
    (lambda bot, chat: bot.get_file("nowhere"), "Wrong file_id or the file is temporarily unavailable"),
]


def keys(*data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data=each) for each in data]])


def button(**actions: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton("x", **actions)]])  # type: ignore[arg-type]


@pytest.mark.proves("telegram_fake.refusals")
@pytest.mark.parametrize(("call", "words"), REFUSALS, ids=[words for _, words in REFUSALS])
async def test_what_telegram_refuses_is_refused_in_its_words(call: object, words: str) -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        await mara.private_chat().says(mara, "Hi")
        assert (await refused(call(bot, mara.id))).capitalize() == words  # type: ignore[operator]


@pytest.mark.proves("telegram_fake.messages")
async def test_a_reply_to_what_is_gone_can_be_sent_all_the_same() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        said = await chat.says(mara, "one two three")
        await bot.send_message(
            mara.id, "quoted", reply_parameters=ReplyParameters(said.id, quote="two"), reply_markup=ForceReply()
        )
        quoting = await chat.shows("quoted")
        assert (quoting.reply_to, (quoting.markup or {})["force_reply"]) == (said.id, True)
        await mara.deletes(said)
        loose = ReplyParameters(said.id, allow_sending_without_reply=True)
        await bot.send_message(mara.id, "loose", reply_parameters=loose)
        assert chat.transcript() == 'Errand (to "two"): quoted\nErrand: loose'


@pytest.mark.proves("telegram_fake.entities")
async def test_entities_are_in_utf_16_units_and_checked_as_such() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        mara.private_chat()
        sent = await bot.send_message(mara.id, "  😀 bold /go ", entities=[MessageEntity("bold", 5, 4)])
        assert sent.text == "😀 bold /go"
        assert [(each.type, each.offset, each.length) for each in sent.entities] == [
            ("bold", 3, 4),
            ("bot_command", 8, 3),
        ]
        assert sent.parse_entity(sent.entities[0]) == "bold"
        assert "middle of a utf-16 symbol" in await send_marked(bot, mara.id, 3, 4)
        assert "ends in a middle of a utf-16 symbol" in await send_marked(bot, mara.id, 0, 3)
        assert "ends after the end of the text" in await send_marked(bot, mara.id, 0, 99)
        assert "incorrect offset -1" in await send_marked(bot, mara.id, -1, 2)


async def send_marked(bot: Bot, chat: int, offset: int, length: int) -> str:
    return await refused(bot.send_message(chat, "  😀 bold", entities=[MessageEntity("bold", offset, length)]))


PLACES = st.tuples(st.integers(0, 8), st.integers(1, 4))
MARKS = st.lists(st.tuples(st.sampled_from(["bold", "italic", "code", "text_link"]), PLACES), max_size=5)


@pytest.mark.proves("telegram_fake.entities")
@given(st.sampled_from(["abcdefghijkl", " b  e g i @k ", "  ab\n\n cdef  "]), MARKS)
@example("abcdefghijkl", [("bold", (0, 4)), ("italic", (2, 4))])
def test_entities_that_are_shown_lie_beside_or_inside_each_other(
    text: str, marks: list[tuple[str, tuple[int, int]]]
) -> None:
    given_ones = [{"type": kind, "offset": offset, "length": length} for kind, (offset, length) in marks]
    shown, taken = accepted(text, given_ones)
    assert shown == text.strip()
    for one, other in itertools.combinations(taken, 2):
        first, end = one["offset"], one["offset"] + one["length"]
        apart = other["offset"] >= end
        inside = other["offset"] >= first and other["offset"] + other["length"] <= end
        assert apart or (inside and one["type"] != "code")
    assert all(0 <= each["offset"] < each["offset"] + each["length"] <= len(shown) for each in taken)
