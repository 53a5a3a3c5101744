"""The channels as tools: messages and files to places that are allowed, once, and not before a yes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.settings import read_settings
from orchestrator.errors import SettingsInvalid
from orchestrator.messages import Address, Answer
from tests.conversations.talk import Talk, talking

TO_BOB = '/send_message to=bob text="dinner is ready"'


def sending(folder: Path, **settings: Any) -> Any:
    return talking(folder, toolsets=None, send_to="bob=fake:2, team=fake:3/9", **settings)


def seen_in(talk: Talk, chat: str) -> Iterator[Answer]:
    """What was shown in a chat."""
    for delivery in talk.channel.shown.values():
        if delivery.address.chat == chat and isinstance(delivery.part, Answer):
            yield delivery.part


@pytest.mark.proves("sending.asks", "sending.allowed", "sending.once")
async def test_a_message_goes_to_an_allowed_place_once_and_after_a_yes(tmp_path: Path) -> None:
    async with sending(tmp_path) as talk:
        assert "May I run" in (await talk.asked(TO_BOB)).text
        assert not [*seen_in(talk, "2")]
        assert "It is on its way to bob." in await talk.answered("yes")
        await talk.channel.until(lambda _: bool([*seen_in(talk, "2")]))
        assert [part.text for part in seen_in(talk, "2")] == ["From ann: dinner is ready"]
    async with sending(tmp_path) as talk:
        await talk.answered("what is 6*7")
        assert not [*seen_in(talk, "2")], "a restart sends nothing again"


@pytest.mark.proves("sending.asks")
async def test_a_no_sends_nothing(tmp_path: Path) -> None:
    async with sending(tmp_path) as talk:
        await talk.asked(TO_BOB)
        await talk.say("no")
        await talk.app.idle()
        assert not [*seen_in(talk, "2")]


@pytest.mark.proves("sending.allowed")
async def test_a_thread_is_a_place_and_this_conversation_always_is_without_asking(tmp_path: Path) -> None:
    async with sending(tmp_path) as talk:
        assert "this conversation" in await talk.answered('/send_message to=here text="half done"')
        await talk.channel.until(lambda _: "half done" in [part.text for part in seen_in(talk, "1")])
        await talk.asked('/send_message to=team text="all done"')
        await talk.answered("yes")
        await talk.channel.until(lambda _: bool([*seen_in(talk, "3")]))
        places = {delivery.address for delivery in talk.channel.shown.values()}
        assert Address(channel="fake", chat="3", thread="9") in places


@pytest.mark.proves("sending.allowed")
async def test_a_place_that_nobody_has_named_is_refused_with_those_that_are(tmp_path: Path) -> None:
    async with sending(tmp_path) as talk:
        part = await talk.say('/send_message to=eve text="the plans"')
        assert "eve" in part.text
        assert "bob" in part.text
        await talk.say("yes")
        await talk.app.idle()
        assert all(delivery.address.chat == "1" for delivery in talk.channel.shown.values())


@pytest.mark.proves("sending.allowed")
@pytest.mark.parametrize("places", ["bob=telegram", "here=fake:2", "=fake:2"])
def test_a_place_that_cannot_be_one_stops_the_start_with_the_fix(places: str) -> None:
    with pytest.raises(SettingsInvalid, match="channel:chat"):
        read_settings(send_to=places)


@pytest.mark.proves("sending.files", "sending.once")
async def test_a_file_that_a_person_sent_goes_on_and_no_other_file_does(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the key")
    async with sending(tmp_path) as talk:
        file_id = await talk.app.files.keep("menu.txt", "text/plain", b"soup")
        await talk.asked(f"/send_file to=bob path={talk.app.files.path(file_id)} text=menu")
        await talk.answered("yes")
        await talk.channel.until(lambda _: bool([*seen_in(talk, "2")]))
        (part,) = seen_in(talk, "2")
        assert (part.text, [file.name for file in part.files]) == ("From ann: menu", ["menu.txt"])
        same_name = tmp_path / file_id
        same_name.write_text("the key")
        for path in (secret, same_name, talk.app.files.path(file_id).parent / ".." / "secret.txt"):
            await talk.asked(f"/send_file to=bob path={path}")
            assert "only files that people have sent me" in (await talk.say("yes")).text
        await talk.app.idle()
        assert len([*seen_in(talk, "2")]) == 1
