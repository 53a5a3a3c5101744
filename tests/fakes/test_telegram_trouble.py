"""The local Telegram: floods, ordered trouble, older versions, files, and the check of every call and answer."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from telegram import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    CopyTextButton,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    LinkPreviewOptions,
    Message,
    MessageEntity,
    ReactionTypeEmoji,
    ReplyKeyboardMarkup,
    ReplyParameters,
)
from telegram.error import BadRequest, EndPointNotFound, NetworkError, RetryAfter

from adapters.telegram.errors import seconds_of
from tests.fakes.telegram import PICTURE, TOKEN, FloodLimits, Limits, VirtualClock, World, schema, telegram
from tests.fakes.telegram.client import client, connected

RETRY_AFTER = pytest.mark.filterwarnings("ignore:Deprecated since version v22.2")  # it will be a timedelta


async def seconds_to_wait(call: Any) -> int:
    with pytest.raises(RetryAfter) as error:
        await call
    return int(seconds_of(error.value))


@RETRY_AFTER
@pytest.mark.proves("telegram_fake.floods")
async def test_a_chat_takes_a_short_burst_and_then_one_message_a_second() -> None:
    clock = VirtualClock()
    async with connected(clock=clock) as (bot, world):
        mara, tom = world.person("Mara"), world.person("Tom")
        mara.private_chat()
        tom.private_chat()
        for number in range(5):
            await bot.send_message(mara.id, str(number))
        assert await seconds_to_wait(bot.send_message(mara.id, "too fast")) == 1
        await bot.send_message(tom.id, "another chat")
        await bot.send_chat_action(mara.id, "typing")
        clock.advance(1)
        await bot.send_message(mara.id, "in time")
        assert (world.statuses[429], world.floods.refused, world.calls["sendMessage"]) == (1, {"sendMessage": 1}, 8)


@RETRY_AFTER
@pytest.mark.proves("telegram_fake.floods")
async def test_a_group_takes_twenty_messages_and_then_one_every_three_seconds() -> None:
    clock = VirtualClock()
    async with connected(clock=clock) as (bot, world):
        group = world.group("Team", world.person("Mara"))
        for _ in range(29):
            await bot.send_message(group.id, "x")
            clock.advance(1)
        assert await seconds_to_wait(bot.send_message(group.id, "too many")) == 1
        clock.advance(1)
        await bot.send_message(group.id, "in time")
        clock.advance(1)
        assert await seconds_to_wait(bot.send_message(group.id, "too many")) == 2


@RETRY_AFTER
@pytest.mark.proves("telegram_fake.floods")
async def test_all_chats_together_take_thirty_messages_a_second() -> None:
    async with connected(clock=VirtualClock()) as (bot, world):
        people = [world.person(f"P{number}") for number in range(31)]
        for person in people:
            person.private_chat()
        for person in people[:30]:
            await bot.send_message(person.id, "x")
        assert await seconds_to_wait(bot.send_message(people[30].id, "x")) == 1


@RETRY_AFTER
@pytest.mark.proves("telegram_fake.floods")
async def test_drafts_have_a_bucket_of_their_own_and_limits_can_be_widened_or_lifted() -> None:
    for flood, passed in ((FloodLimits(), 8), (FloodLimits().scaled(2), 16), (None, 40)):
        async with connected(clock=VirtualClock(), flood=flood) as (bot, world):
            mara = world.person("Mara")
            mara.private_chat()
            for number in range(40):
                if number == passed:
                    assert await seconds_to_wait(bot.send_message_draft(mara.id, 1, "x")) == 1
                    break
                await bot.send_message_draft(mara.id, 1, "x")
            await bot.send_message(mara.id, "the answer")


@pytest.mark.proves("telegram_fake.faults")
async def test_an_ordered_refusal_is_given_as_often_as_ordered() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        world.faults.refuse("sendMessage", 502, "Bad Gateway", times=2, contains="never mind")
        await bot.send_message(mara.id, "something else")
        for _ in range(2):
            with pytest.raises(NetworkError, match="Bad Gateway"):
                await bot.send_message(mara.id, "never mind")
        await bot.send_message(mara.id, "never mind")
        assert chat.transcript() == "Errand: something else\nErrand: never mind"


@pytest.mark.proves("telegram_fake.faults")
async def test_a_lost_answer_means_that_the_work_was_done_and_a_dropped_connection_that_it_was_not() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        world.faults.lose_answer("sendMessage")
        world.faults.drop("sendMessage")
        for text in ("done", "not done"):
            with pytest.raises(NetworkError):
                await bot.send_message(mara.id, text)
        assert chat.transcript() == "Errand: done"
        logged = [(each.parameters["text"], each.status) for each in world.log if each.method == "sendMessage"]
        assert logged == [("done", 200), ("not done", 0)]


@pytest.mark.proves("telegram_fake.faults")
async def test_a_held_answer_comes_when_it_is_released() -> None:
    async with connected() as (bot, world), asyncio.timeout(20):
        mara = world.person("Mara")
        chat = mara.private_chat()
        slow = world.faults.hold("sendMessage")
        sending = asyncio.ensure_future(bot.send_message(mara.id, "on its way"))
        await chat.shows("on its way")
        assert not sending.done()
        slow.release()
        await sending


@pytest.mark.proves("telegram_fake.versions")
async def test_an_older_server_has_no_rich_messages_and_no_stop() -> None:
    async with connected(api_version="10.0") as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        rich = {"chat_id": mara.id, "rich_message": {"html": "<p>x</p>"}}
        for method, more in (("sendRichMessage", {}), ("sendRichMessageDraft", {"draft_id": 1})):
            with pytest.raises(EndPointNotFound):
                await bot.do_api_request(method, {**rich, **more})
        await bot.send_message_draft(mara.id, 1, "x", api_kwargs={"can_stop": True})
        assert chat.draft
        assert not chat.draft.can_stop
        sent = await bot.send_message(mara.id, "x")
        edit = {"chat_id": mara.id, "message_id": sent.message_id, "rich_message": {"html": "<p>x</p>"}}
        assert (await called(world, "editMessageText", edit))["description"] == "Bad Request: message text is empty"


@pytest.mark.proves("telegram_fake.files")
async def test_files_go_both_ways_with_the_limits_of_the_server() -> None:
    async with connected(limits=Limits(upload=1000, photo=500, download=100)) as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        await chat.sends_document(mara, "notes.txt", b"words", mime="text/plain", caption="see /this")
        await chat.sends_photo(mara)
        await chat.sends_voice(mara)
        await chat.sends_document(mara, "large.bin", b"x" * 101)
        document, photo, voice, large = [each.message for each in await bot.get_updates() if each.message]
        assert document.document
        assert (document.document.file_name, document.document.mime_type) == ("notes.txt", "text/plain")
        assert await (await document.document.get_file()).download_as_bytearray() == b"words"
        assert await (await photo.photo[-1].get_file()).download_as_bytearray() == PICTURE
        assert voice.voice
        assert large.document
        with pytest.raises(BadRequest, match="File is too big"):
            await large.document.get_file()
        back = await bot.send_document(mara.id, b"x" * 1000, filename="all.bin", caption="here")
        assert back.document
        assert (await bot.send_document(mara.id, back.document.file_id)).document
        with pytest.raises(NetworkError, match="Request Entity Too Large"):
            await bot.send_document(mara.id, b"x" * 1001)
        with pytest.raises(BadRequest, match="File is too big"):
            await bot.send_photo(mara.id, PICTURE + b"x" * 500)


@pytest.mark.proves("telegram_fake.files")
async def test_music_and_films_arrive_as_such() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        await chat.sends_audio(mara, "song.mp3", b"ID3", caption="listen")
        film = await chat.sends_video(mara, "film.mp4", b"film")
        song, other = [each.message for each in await bot.get_updates() if each.message]
        assert song.audio
        assert (song.audio.file_name, song.caption) == ("song.mp3", "listen")
        assert other.video
        assert (film.file or {})["video"]["file_id"] == other.video.file_id
        assert chat.transcript() == "Mara: <audio: song.mp3>\n  listen\nMara: <video: film.mp4>"


@pytest.mark.proves("telegram_fake.files")
async def test_an_album_is_several_messages_of_one_group() -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        chat = mara.private_chat()
        await chat.sends_album(mara, PICTURE, PICTURE, caption="two")
        got = [each.message for each in await bot.get_updates() if each.message]
        assert [(each.caption, bool(each.photo)) for each in got] == [("two", True), (None, True)]
        assert len({each.media_group_id for each in got}) == 1
        media = [InputMediaPhoto(PICTURE, caption="one"), InputMediaPhoto(PICTURE)]
        sent = await bot.send_media_group(mara.id, media)
        assert [each.caption for each in sent] == ["one", None]
        assert chat.transcript().splitlines()[-3:] == ["Errand: <photo>", "  one", "Errand: <photo>"]


CORRECT_CALLS: dict[str, Any] = {
    "markup": lambda bot, chat: bot.send_message(
        chat,
        "x",
        entities=[MessageEntity("bold", 0, 1)],
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        disable_notification=True,
        reply_markup=InlineKeyboardMarkup(
            [
                [InlineKeyboardButton("a", callback_data="b", api_kwargs={"style": "primary"})],
                [
                    InlineKeyboardButton("c", copy_text=CopyTextButton("d")),
                    InlineKeyboardButton("e", url="https://e.example"),
                ],
            ]
        ),
    ),
    "keyboard": lambda bot, chat: bot.send_message(chat, "x", reply_markup=ReplyKeyboardMarkup([["a"]])),
    "force reply": lambda bot, chat: bot.send_message(chat, "x", reply_markup=ForceReply(input_field_placeholder="y")),
    "reply": lambda bot, chat: bot.send_message(
        chat, "x", reply_parameters=ReplyParameters(1, allow_sending_without_reply=True)
    ),
    "draft": lambda bot, chat: bot.send_message_draft(
        chat, 5, "x", entities=[MessageEntity("bold", 0, 1)], api_kwargs={"can_stop": True, "keep_on_stop": True}
    ),
    "action": lambda bot, chat: bot.send_chat_action(chat, "typing"),
    "reaction": lambda bot, chat: bot.set_message_reaction(chat, 1, [ReactionTypeEmoji("👀")], is_big=True),
    "document": lambda bot, chat: bot.send_document(
        chat, b"x", filename="a.txt", caption="y", caption_entities=[MessageEntity("bold", 0, 1)], thumbnail=PICTURE
    ),
    "photo": lambda bot, chat: bot.send_photo(chat, PICTURE, has_spoiler=True),
    "voice": lambda bot, chat: bot.send_voice(chat, b"OggS", duration=3),
    "audio": lambda bot, chat: bot.send_audio(chat, b"ID3", filename="a.mp3", title="y", performer="z"),
    "album": lambda bot, chat: bot.send_media_group(
        chat, [InputMediaDocument(b"x", filename="a.txt"), InputMediaDocument(b"y", filename="b.txt")]
    ),
    "commands": lambda bot, chat: bot.set_my_commands(
        [BotCommand("why", "What was decided")], scope=BotCommandScopeAllPrivateChats(), language_code="de"
    ),
    "chat": lambda bot, chat: bot.get_chat(chat),
    "member": lambda bot, chat: bot.get_chat_member(chat, chat),
    "webhook info": lambda bot, chat: bot.get_webhook_info(),
    "delete webhook": lambda bot, chat: bot.delete_webhook(drop_pending_updates=True),
    "updates": lambda bot, chat: bot.get_updates(allowed_updates=["message", "stopped_message_generation"]),
    "rich": lambda bot, chat: bot.do_api_request(
        "sendRichMessage",
        {
            "chat_id": chat,
            "rich_message": {"blocks": [{"type": "paragraph", "text": ["a", {"type": "bold", "text": "b"}]}]},
        },
        return_type=Message,
    ),
}


@pytest.mark.proves("telegram_fake.validator")
@pytest.mark.parametrize("call", CORRECT_CALLS.values(), ids=CORRECT_CALLS)
async def test_a_correct_call_is_no_problem(call: Any) -> None:
    async with connected() as (bot, world):
        mara = world.person("Mara")
        await mara.private_chat().says(mara, "Hi")
        assert await call(bot, mara.id) is not None


WRONG_CALLS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"nope": 1}, "sendMessage.nope: unknown"),
    "missing": ({"text": None}, "sendMessage.text: missing"),
    "a number": ({"message_thread_id": "five"}, "sendMessage.message_thread_id: 'five' is not JSON"),
    "a boolean": ({"protect_content": "True"}, "sendMessage.protect_content: 'True' is not JSON"),
    "a list": ({"entities": {"type": "bold"}}, 'sendMessage.entities: {"type": "bold"} is no list'),
    "deep": (
        {"reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "b", "callback": "c"}]]}},
        "sendMessage.reply_markup.inline_keyboard[0][0].callback: unknown",
    ),
    "deep and missing": (
        {"reply_markup": {"inline_keyboard": [[{"callback_data": "b"}]]}},
        "sendMessage.reply_markup.inline_keyboard[0][0].text: missing",
    ),
    "deep and typed": (
        {"link_preview_options": {"is_disabled": "yes"}},
        'sendMessage.link_preview_options.is_disabled: "yes" is no bool',
    ),
}


@pytest.mark.proves("telegram_fake.validator")
@pytest.mark.parametrize("way", ["form", "json", "query"])
@pytest.mark.parametrize(("given", "problem"), WRONG_CALLS.values(), ids=WRONG_CALLS)
async def test_what_a_call_may_not_hold_is_written_down(given: dict[str, Any], problem: str, way: str) -> None:
    async with telegram() as world:
        mara = world.person("Mara")
        mara.private_chat()
        every = {"chat_id": mara.id, "text": "x"} | given
        await called(world, "SENDMESSAGE", {name: value for name, value in every.items() if value is not None}, way=way)
        assert world.problems == [problem]


async def called(world: World, method: str, given: dict[str, Any], *, way: str = "json") -> dict[str, Any]:
    text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    ways: dict[str, dict[str, Any]] = {"json": {"json": given}, "form": {"data": text}, "query": {"params": text}}
    async with httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"{world.api_url}{TOKEN}/{method}", **ways[way])
        return dict(answer.json()) | {"status": answer.status_code}


@pytest.mark.proves("telegram_fake.validator")
async def test_what_is_not_imitated_and_what_there_is_not_are_both_not_found() -> None:
    async with telegram() as world:
        for method, problems in (("sendNothing", []), ("sendDice", ["sendDice: not imitated"])):
            answer = await called(world, method, {"chat_id": 1})
            assert (answer["status"], answer["description"]) == (404, "Not Found: method not found")
            assert world.problems == problems
        async with client(world) as bot:
            mara = world.person("Mara")
            mara.private_chat()
            with pytest.raises(BadRequest, match="Unsupported parse_mode"):
                await bot.send_message(mara.id, "*x*", parse_mode="MarkdownV2")
        assert world.problems[-1] == "parse_mode is not imitated here: send entities"


@pytest.mark.proves("telegram_fake.validator")
async def test_an_update_of_our_own_that_is_not_right_is_written_down() -> None:
    async with telegram() as world:
        world.announce("message", {"message_id": 1})
        assert "update.message.chat: missing" in world.problems


@RETRY_AFTER
@pytest.mark.proves("telegram_fake.floods")
async def test_an_album_costs_as_much_as_its_items() -> None:
    async with connected(clock=VirtualClock()) as (bot, world):
        mara = world.person("Mara")
        mara.private_chat()
        await bot.send_media_group(mara.id, [InputMediaPhoto(PICTURE)] * 5)
        assert await seconds_to_wait(bot.send_message(mara.id, "too fast")) == 1


@pytest.mark.proves("telegram_fake.refusals")
async def test_a_wrong_token_is_unauthorized() -> None:
    async with telegram() as world, httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"{world.api_url}123:WRONG/getMe")
        assert (answer.status_code, answer.json()["description"]) == (401, "Unauthorized")
        assert (await http.get(f"{world.file_url}{TOKEN}/nowhere")).status_code == 404


@pytest.mark.proves("telegram_fake.validator")
def test_what_the_server_tells_is_checked_by_the_same_schema() -> None:
    sent = schema.METHODS["sendmessage"]
    chat = {"id": 1, "type": "private"}
    assert schema.answer_problems(sent, {"message_id": 1, "date": 0, "chat": chat}) == []
    assert schema.answer_problems(sent, {"message_id": 1, "date": 0, "chat": chat, "words": ""}) == [
        "answer of sendMessage.words: unknown"
    ]
    assert "dates after 9999" in schema.answer_problems(sent, {"message_id": 1, "date": 10**15, "chat": chat})[0]
    assert "update.message.chat: missing" in schema.update_problems({"update_id": 1, "message": {"message_id": 1}})
