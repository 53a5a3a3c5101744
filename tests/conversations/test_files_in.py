"""Files that people send: fetched once, shown to the model as data, and told about where something is wrong."""

import asyncio
from pathlib import Path

import pytest

from adapters.base import DeliveryError, FileRefused
from bot.app import App
from orchestrator.messages import INBOUND, Answer, Attachment, Message, Notice
from tests.conversations.talk import talking
from tests.conversations.test_while_busy import Work, edit, leaving
from tests.fakes.channel import FakeChannel

pytestmark = pytest.mark.usefixtures("way")

REPORT = Attachment(name="report.csv", mime="text/csv", ref="r1")
PHOTO = Attachment(kind="photo", name="photo.jpg", mime="image/jpeg", size=999, ref="p1")
TOO_LARGE = "report.csv has 34 MB; I can take 20 MB. Send a smaller one, or a link."


def holding(files: dict[str, bytes | list[bytes | Exception]]) -> FakeChannel:
    channel = FakeChannel()
    channel.files = files
    return channel


async def stored(app: App, event_id: str) -> Message:
    inbound = INBOUND.validate_json(await app.store.payload("fake", event_id) or "")
    assert isinstance(inbound, Message)
    return inbound


@pytest.mark.proves("files.fetched_once")
async def test_a_file_is_fetched_kept_and_noted_before_its_turn(tmp_path: Path) -> None:
    async with talking(tmp_path, channel=lambda: holding({"r1": b"a,b\n1,2\n"})) as talk:
        message = talk.channel.message("Hi", event_id="e1", files=[REPORT])
        receipt = await talk.channel.push(message)
        await talk.outcome(receipt.turn or "")
        (file,) = (await stored(talk.app, "e1")).attachments
        assert (file.name, file.size, file.ref, file.problem) == ("report.csv", 8, "r1", "")
        assert await talk.app.files.read(file.file) == b"a,b\n1,2\n"
        assert talk.channel.fetched == ["r1"]


@pytest.mark.proves("files.fetched_once", "input.text_repaired")
async def test_a_name_that_cannot_be_stored_is_repaired_and_loses_its_folders(tmp_path: Path) -> None:
    odd = Attachment(name="../C:\\tmp\\half \ud83d\0.csv", mime="text/csv", ref="r1")
    async with talking(tmp_path, channel=lambda: holding({"r1": b"a"})) as talk:
        receipt = await talk.channel.push(talk.channel.message("Hi", event_id="e1", files=[odd]))
        await talk.outcome(receipt.turn or "")
        (file,) = (await stored(talk.app, "e1")).attachments
        assert file.name == "half \ufffd\ufffd.csv"


@pytest.mark.proves("files.fetched_once")
async def test_trouble_that_passes_is_met_with_further_tries(tmp_path: Path) -> None:
    busy = DeliveryError("busy", retry_after_seconds=0.001)
    async with talking(tmp_path, channel=lambda: holding({"r1": [busy, busy, b"a"]})) as talk:
        part = await talk.say("Hi", REPORT)
        assert isinstance(part, Answer)
        assert "report.csv" not in part.text
        assert talk.channel.fetched == ["r1"] * 3


@pytest.mark.slow
@pytest.mark.proves("files.not_fetched")
@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (FileRefused(TOO_LARGE), TOO_LARGE),
        (DeliveryError("gone", gone=True), "I could not get report.csv. Please send it again."),
        (RuntimeError("a bug"), "I could not get report.csv. Please send it again."),
    ],
    ids=["refused", "gone", "broken"],
)
async def test_a_file_that_does_not_come_is_named_and_alone_it_is_the_answer(
    tmp_path: Path, raised: Exception, told: str
) -> None:
    files: dict[str, bytes | list[bytes | Exception]] = {"r1": [raised, raised], "p1": b"jpeg"}
    async with talking(tmp_path, channel=lambda: holding(files)) as talk:
        part = await talk.say("Hi", REPORT, PHOTO)
        assert isinstance(part, Answer), "the turn goes on"
        assert part.text.endswith(f"\n\n{told}")
        assert await talk.say("", REPORT) == Notice(text=told)


@pytest.mark.proves("files.not_fetched")
async def test_a_channel_that_takes_its_time_is_not_waited_for(tmp_path: Path) -> None:
    late = DeliveryError("later", retry_after_seconds=60)
    async with talking(tmp_path, channel=lambda: holding({"r1": [late]}), fetch_seconds=0.01) as talk:
        assert await talk.say("", REPORT) == Notice(text="I could not get report.csv. Please send it again.")


class Deaf(FakeChannel):
    """A channel without files."""

    fetch = None  # type: ignore[assignment]


@pytest.mark.proves("files.not_fetched")
async def test_a_channel_without_files_says_what_to_do(tmp_path: Path) -> None:
    async with talking(tmp_path, channel=Deaf) as talk:
        told = "I cannot take files here. Please paste what matters of report.csv."
        assert await talk.say("", REPORT) == Notice(text=told)


@pytest.mark.proves("files.not_fetched")
async def test_the_problem_is_told_in_the_persons_language(tmp_path: Path) -> None:
    gone = DeliveryError("gone", gone=True)
    async with talking(tmp_path, channel=lambda: holding({"r1": [gone]}), language="de") as talk:
        assert await talk.say("", REPORT) == Notice(
            text="Ich konnte report.csv nicht holen. Bitte schick sie noch einmal."
        )


@pytest.mark.proves("files.fetched_once", "files.not_fetched")
async def test_a_restart_between_fetch_and_answer_fetches_nothing_again(tmp_path: Path) -> None:
    work = Work()
    async with leaving(tmp_path, work, drain_seconds=0) as (talk, serving):
        talk.channel.files = {"r1": [FileRefused(TOO_LARGE)], "p1": b"jpeg"}
        turn = await talk.send("/look what=one", REPORT, PHOTO)
        await work.next_begun()
        serving.cancel()
        await asyncio.wait({serving}, timeout=5)
        assert talk.channel.fetched == ["r1", "p1"]
    work.may_end.set()
    async with talking(tmp_path, toolsets=work.tools) as talk:
        part = await talk.outcome(turn)
        assert part.text.endswith(f"done: look one\n\n{TOO_LARGE}")
        assert talk.channel.fetched == []


@pytest.mark.proves("files.fetched_once")
async def test_an_edit_of_the_words_leaves_the_files_as_they_are(tmp_path: Path) -> None:
    work = Work()
    async with talking(tmp_path, toolsets=work.tools, channel=lambda: holding({"r1": [b"a"]})) as talk:
        message = talk.channel.message("/look what=one", event_id="m1", files=[REPORT])
        receipt = await talk.channel.push(message)
        await work.next_begun()
        await edit(talk, "m1", "/look what=two")
        assert await work.next_begun() == "look two"
        work.may_end.set()
        assert "done: look two" in (await talk.outcome(receipt.turn or "")).text
        assert talk.channel.fetched == ["r1"]
