"""Receipts, from the photo or the text to the answer with its chart, in the channels that there are."""

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from adapters.console import Console
from bot.app import build
from bot.settings import read_settings
from orchestrator.errors import SettingsInvalid
from orchestrator.messages import Answer, Attachment
from orchestrator.models import ChatMessage, ModelReply
from tests.conversations.slack_talk import errand_on as errand_in_slack
from tests.conversations.talk import Talk, talking
from tests.conversations.telegram_talk import errand_on
from tests.conversations.test_plans import Models
from tests.fakes.channel import FakeChannel
from tests.fakes.slack import slack
from tests.fakes.telegram import World, telegram
from tests.fakes.vision_server import KEY, VisionServer
from tests.orchestrator.tools.test_receipts import pixels

EXAMPLES = Path(__file__).parents[2] / "examples"
SAMPLES = EXAMPLES / "receipts"
DOCS = EXAMPLES.parent / "docs"
KIOSK = (SAMPLES / "kiosk.txt").read_text()
SOUND = KIOSK.replace("12.40", "11.40")
EXPECTED = {
    "diner.png": ("together 35.00 USD", "−3.50 USD", "Tax 8 %: 2.52 USD", "**Total: 34.02 USD**, as it is printed."),
    "frischmarkt.png": (
        "together 13.84 EUR",
        "−0.75 EUR",
        "Tax 19 % in it: 0.60 EUR",
        "Tax 7 % in it: 0.61 EUR",
        "**Total: 13.09 EUR**, as it is printed.",
    ),
    "hardware.png": (
        "together 39.43 GBP",
        "−2.00 GBP",
        "Tax 20 % in it: 6.24 GBP",
        "**Total: 37.43 GBP**, as it is printed.",
    ),
    "kiosk.txt": (
        "together 11.40 EUR",
        "**Total: 12.40 EUR** is printed, but the lines come to 11.40 EUR: 1.00 EUR less.",
    ),
}
MIMES = {".png": "image/png", ".txt": "text/plain"}
needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="Tesseract is not installed: apt-get install tesseract-ocr"
)
every_sample = pytest.mark.parametrize(
    "sample", [pytest.param(name, marks=needs_tesseract if name.endswith("png") else ()) for name in EXPECTED]
)


class Sending(FakeChannel):
    """A channel on which the samples can be sent, and a file that is neither a picture nor a text."""

    def __init__(self) -> None:
        super().__init__()
        self.files = {"odd.bin": b"\x00\x01", **{name: (SAMPLES / name).read_bytes() for name in EXPECTED}}


def attached(name: str) -> Attachment:
    mime = MIMES.get(Path(name).suffix, "application/octet-stream")
    return Attachment(kind="photo" if mime == "image/png" else "document", name=name, mime=mime, ref=name)


async def receipt(talk: Talk, words: str, *names: str) -> Answer:
    part = await talk.say(words, *map(attached, names))
    assert isinstance(part, Answer), part
    return part


def without_tesseract(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", str(folder))


# --- Every channel ------------------------------------------------------------------------------------


@every_sample
@pytest.mark.proves("receipts.exact", "receipts.chart", "receipts.difference")
async def test_a_sample_comes_to_the_expected_cent_with_its_chart(tmp_path: Path, sample: str) -> None:
    async with talking(tmp_path, toolsets=None, channel=Sending) as talk:
        part = await receipt(talk, "/receipt", sample)
        assert [each for each in EXPECTED[sample] if each not in part.text] == []
        assert "| Item | Category | Price |" in part.text
        (chart,) = part.files
        assert (chart.kind, chart.name) == ("photo", "spending.png")
        (card, *_) = talk.cards()
        assert card.mode == "graph"


@every_sample
@pytest.mark.proves("receipts.exact")
async def test_at_the_terminal_a_receipt_is_named_by_its_path(tmp_path: Path, sample: str) -> None:
    settings = read_settings(database=str(tmp_path / "errand.db"), servers=str(tmp_path / "none.json"))
    target = io.StringIO()
    async with build(settings) as app:
        source = io.StringIO(f"/receipt {SAMPLES / sample}\n")
        await app.serve([Console("ann", source=source, target=target, where=app.files.path)])
    assert [each for each in EXPECTED[sample] if each not in target.getvalue()] == []
    assert "spending.png (image/png" in target.getvalue()


@pytest.fixture
async def fake() -> AsyncIterator[World]:
    async with telegram() as server:
        yield server
    assert server.problems == []


@pytest.mark.slow
@every_sample
@pytest.mark.proves("receipts.exact", "receipts.chart")
async def test_in_telegram_a_photo_with_the_word_below_it_is_answered_with_a_photo(
    fake: World, tmp_path: Path, sample: str
) -> None:
    mara = fake.person("Mara")
    chat = mara.private_chat()
    data = (SAMPLES / sample).read_bytes()
    async with errand_on(fake, tmp_path, toolsets=None):
        if sample.endswith(".png"):
            await chat.sends_photo(mara, data, caption="/receipt")
        else:
            await chat.says(mara, f"/receipt {data.decode()}")
        await chat.until(lambda chat: any("photo" in shown.wire for shown in chat.from_bot))
        shown = (await chat.shows("Total: ")).text
    assert [each for each in EXPECTED[sample] if each.replace("*", "") not in shown] == []


@pytest.mark.slow
@every_sample
@pytest.mark.proves("receipts.exact", "receipts.chart")
async def test_in_slack_a_photo_with_the_word_beside_it_is_answered_with_a_picture(tmp_path: Path, sample: str) -> None:
    async with slack() as world:
        ann = world.person("Ann")
        data = (SAMPLES / sample).read_bytes()
        async with errand_in_slack(world, tmp_path, toolsets=None):
            if sample.endswith(".png"):
                asked = await ann.uploads(ann.direct(), sample, data, mime="image/png", text="/receipt")
            else:
                asked = await ann.says(ann.direct(), f"/receipt {data.decode()}")
            thread = ann.direct().thread(asked)
            await thread.until(lambda thread: any(shown.files for shown in thread.from_bot))
            shown = "\n".join(each.text for each in thread.from_bot).replace("*", "")
        assert [each for each in EXPECTED[sample] if each.replace("*", "") not in shown] == []
        assert world.problems == []


@pytest.mark.proves("receipts.exact", "language")
async def test_a_german_reads_it_in_german(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=None, language="de") as talk:
        part = await receipt(talk, f"/receipt {KIOSK}")
        assert "| Ballpoint pen | Büro | 2,20 |" in part.text
        assert "**Summe: 12,40 EUR** ist gedruckt, aber die Zeilen ergeben 11,40 EUR: 1,00 EUR weniger." in part.text


@pytest.mark.proves("docs.examples", "receipts.exact")
async def test_the_plan_of_the_examples_is_the_one_behind_the_slash_word(tmp_path: Path) -> None:
    written = (EXAMPLES / "receipt.json").read_text().replace("{{text}}", KIOSK.replace("\n", "\\n"))
    async with talking(tmp_path, toolsets=None) as talk:
        by_hand = await receipt(talk, f"/plan {written}")
        assert by_hand == await receipt(talk, f"/receipt {KIOSK}")


@pytest.mark.slow
@needs_tesseract
@pytest.mark.proves("docs.receipts", "receipts.chart")
async def test_the_page_on_receipts_shows_what_really_comes_back(tmp_path: Path) -> None:
    if "deu" not in subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=True).stdout:
        pytest.skip("Tesseract has no German: apt-get install tesseract-ocr-deu")
    page = (DOCS / "receipts.md").read_text()
    told = re.findall(r"^<!-- (\S+) -->\n```markdown\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    assert len(told) == 2
    async with talking(tmp_path, toolsets=None, channel=Sending) as talk:
        for sample, answer in told:
            part = await receipt(talk, "/receipt", sample)
            assert part.text == answer
            drawn = await talk.app.files.read(part.files[0].file)
            assert sample == "kiosk.txt" or pixels(drawn) == pixels((DOCS / "receipts.png").read_bytes())


# --- What is sent -------------------------------------------------------------------------------------


@pytest.mark.proves("receipts.asks")
async def test_where_nothing_reads_pictures_the_text_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_tesseract(monkeypatch, tmp_path)
    async with talking(tmp_path, toolsets=None, channel=Sending) as talk:
        asked = await talk.say("/receipt", attached("diner.png"))
        assert asked.text == (
            "For **the receipt, as I cannot read pictures here**: "
            "which **text**? The receipt as it is printed, line by line."
        )
    async with talking(tmp_path, toolsets=None, channel=Sending) as talk:
        assert "come to 11.40 EUR" in (await receipt(talk, KIOSK)).text, "also after a restart"


@pytest.mark.proves("receipts.asks")
@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], "Send a photo of the receipt with /receipt below it, or write its text behind /receipt."),
        (["odd.bin"], "Send a photo of the receipt with /receipt below it, or write its text behind /receipt."),
        (["kiosk.txt", "diner.png"], "One receipt at a time, please: send each one by itself."),
    ],
)
async def test_what_is_no_receipt_is_told_with_the_fix(tmp_path: Path, names: list[str], told: str) -> None:
    async with talking(tmp_path, toolsets=None, channel=Sending) as talk:
        assert (await talk.say("/receipt", *map(attached, names))).text == told


@pytest.mark.proves("receipts.asks")
async def test_a_text_without_prices_is_told_with_the_fix(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=None) as talk:
        part = await receipt(talk, "/receipt nothing that was bought")
        assert "I found no line with a price in this. Send a sharper photo, or the text: /receipt TEXT" in part.text


@pytest.mark.proves("receipts.pictures")
async def test_only_at_the_terminal_a_path_names_a_file(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=None) as talk:
        assert "I found no line with a price" in (await receipt(talk, f"/receipt {SAMPLES / 'kiosk.txt'}")).text


@needs_tesseract
@pytest.mark.proves("receipts.pictures")
async def test_no_other_picture_of_the_machine_is_read(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=None, channel=Sending) as talk:
        part = await receipt(talk, f"/receipt_ocr path={SAMPLES / 'diner.png'}")
        assert "I read only pictures that were sent to me." in part.text
        part = await receipt(talk, "/receipt_ocr", "odd.bin")
        assert "I read pictures such as JPEG, PNG and WebP, and this is none." in part.text


@pytest.mark.proves("receipts.meant")
@pytest.mark.parametrize(
    ("words", "names"), [(KIOSK, []), ("the receipt of today", ["kiosk.txt"]), ("Kassenbon", ["kiosk.txt"])]
)
async def test_without_a_model_a_receipt_is_known_by_its_looks_or_its_name(
    tmp_path: Path, words: str, names: list[str]
) -> None:
    async with talking(tmp_path, toolsets=None, channel=Sending) as talk:
        assert "come to 11.40 EUR" in (await receipt(talk, words, *names)).text


@pytest.mark.proves("receipts.meant")
async def test_a_picture_alone_is_answered_with_the_word_for_receipts(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=None, channel=Sending) as talk:
        part = await receipt(talk, "", "diner.png")
        assert part.text.startswith("I have diner.png. Send it with a tool's name below it, such as `/receipt`.")


# --- Azure --------------------------------------------------------------------------------------------


def azure(server: VisionServer, **more: Any) -> dict[str, Any]:
    return {"azure_vision_endpoint": server.url, "azure_vision_key": KEY, **more}


@pytest.mark.proves("receipts.pictures", "receipts.exact")
@pytest.mark.parametrize("turned", [0.0, -2.5, 3.0])
async def test_azure_reads_pictures_where_it_is_configured(tmp_path: Path, turned: float) -> None:
    async with (
        VisionServer(SOUND, turned=turned) as server,
        talking(tmp_path, toolsets=None, channel=Sending, **azure(server)) as talk,
    ):
        part = await receipt(talk, "/receipt", "diner.png")
        assert "**Total: 11.40 EUR**, as it is printed." in part.text
        assert server.pictures == [(SAMPLES / "diner.png").read_bytes()]


@needs_tesseract
@pytest.mark.proves("receipts.pictures", "receipts.difference")
@pytest.mark.parametrize(("text", "status"), [("", 429), ("", 200), (KIOSK, 200)], ids=["busy", "blank", "misread"])
async def test_what_azure_does_not_read_well_tesseract_reads(tmp_path: Path, text: str, status: int) -> None:
    async with (
        VisionServer(text, status=status) as server,
        talking(tmp_path, toolsets=None, channel=Sending, **azure(server)) as talk,
    ):
        assert EXPECTED["diner.png"][-1] in (await receipt(talk, "/receipt", "diner.png")).text


@pytest.mark.proves("receipts.pictures", "receipts.asks")
@pytest.mark.parametrize("key", [KEY, "wrong"])
async def test_a_picture_that_nobody_reads_is_told_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    without_tesseract(monkeypatch, tmp_path)
    async with (
        VisionServer("") as server,
        talking(tmp_path, toolsets=None, channel=Sending, **azure(server) | {"azure_vision_key": key}) as talk,
    ):
        part = await receipt(talk, "/receipt", "diner.png")
        assert "I could read no words in the picture. Send a sharper photo, or the text: /receipt TEXT" in part.text
        assert "key" not in part.text


@pytest.mark.proves("receipts.pictures")
async def test_azure_without_its_key_stops_the_start(tmp_path: Path) -> None:
    settings = read_settings(database=str(tmp_path / "e.db"), azure_vision_endpoint="https://x.example")
    with pytest.raises(SettingsInvalid, match="azure_vision_endpoint needs azure_vision_key"):
        async with build(settings):
            pass


# --- A small model ------------------------------------------------------------------------------------


def saying(text: str) -> Callable[[Sequence[ChatMessage]], ModelReply]:
    return lambda messages: ModelReply(text, "small")


@pytest.mark.proves("receipts.categories")
async def test_a_small_model_sorts_the_goods_and_its_call_is_on_record(tmp_path: Path) -> None:
    models = Models(small=saying('{"categories": ["travel", "drinks", "office", "no such thing"]}'))
    async with talking(tmp_path, toolsets=None, model=models, worker="small") as talk:
        part = await receipt(talk, f"/receipt {KIOSK}")
        assert "| Newspaper | travel | 2.80 |" in part.text
        assert "| Ballpoint pen | office | 2.20 |" in part.text, "what is no category is told by the words"
        ((_, messages, _),) = models.asked
        assert '["Newspaper", "Water 0.5 l", "Notebook A5", "Ballpoint pen"]' in messages[-1].text
        (call,) = await talk.app.store.model_calls("t1")
        assert (call.component, call.model, call.error) == ("worker", "small", None)


@pytest.mark.proves("receipts.categories")
@pytest.mark.parametrize("said", ['{"categories": ["travel"]}', "I would say travel", "{}"])
async def test_where_the_model_is_of_no_use_the_rules_sort(tmp_path: Path, said: str) -> None:
    async with talking(tmp_path, toolsets=None, model=Models(small=saying(said)), worker="small") as talk:
        assert "| Newspaper | office | 2.80 |" in (await receipt(talk, f"/receipt {KIOSK}")).text


# --- Tesseract that does not do ------------------------------------------------------------------------


@pytest.mark.proves("receipts.pictures")
@pytest.mark.parametrize(("program", "seconds"), [("sys.exit('out of ink')", 60.0), ("time.sleep(60)", 1.0)])
async def test_a_tesseract_that_fails_or_hangs_is_ended_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, seconds: float
) -> None:
    fake, noted = tmp_path / "tesseract", tmp_path / "pid"
    begins = f"import os, sys, time\nopen({str(noted)!r}, 'w').write(str(os.getpid()))"
    fake.write_text(f"#!{sys.executable}\n{begins}\n{program}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    settings: dict[str, Any] = {"tool_seconds": seconds, "step_retries": 0}
    async with talking(tmp_path, toolsets=None, channel=Sending, **settings) as talk:
        part = await receipt(talk, "/receipt", "diner.png")
        assert "did not work" in part.text
        assert "out of ink" not in part.text
        with pytest.raises(ProcessLookupError):
            os.kill(int(noted.read_text()), 0)
