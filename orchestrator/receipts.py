"""The slash word /receipt: a picture or a text of a receipt becomes a plan that needs no model."""

import asyncio
import mimetypes
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from orchestrator.attached import Seen, seen
from orchestrator.errors import BadInput
from orchestrator.messages import Attachment
from orchestrator.notation import parse_steps
from orchestrator.plan import Planned
from orchestrator.sessions import Talk
from orchestrator.slash import Slash
from orchestrator.templates import Template
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.receipts.money import amounts_in
from orchestrator.tools.receipts.reading import TOTAL
from orchestrator.words import say
from storage.files import FileStore

REST = """
receipt: line_item_parser(text="{{text}}")
sorted: expense_categorizer(items=${receipt.items})
statistics: compute_item_statistics(items=${sorted})
discount: apply_discount(amount=${statistics.total}, fixed=${receipt.discount})
check: check_total(amount=${discount.total}, tax=${receipt.tax_on_top}, printed=${receipt.total})
chart: spending_chart(categories=${statistics.categories}, currency=${receipt.currency})
report: receipt_report(receipt=${receipt}, items=${sorted}, statistics=${statistics}, check=${check})
"""
PICTURE = 'scan: receipt_ocr(path="{{path}}")' + REST.replace('"{{text}}"', "${scan}")
ANSWER = "{{report}}"
CALLED = re.compile(
    r"\b(?:receipts?|kassenbons?|kassenzettel|quittung(?:en)?|belege?|bons?|rechnung(?:en)?)\b", re.IGNORECASE
)
LEAST_PRICES = 3  # lines with a price that a text must have to be taken for a receipt by itself
AT_THE_MACHINE = "console"  # the one channel whose person may name any file: they can read it anyway


class Receipts:
    """Plans what becomes of a receipt."""

    def __init__(self, catalog: Catalog, files: FileStore) -> None:
        self._catalog = catalog
        self._files = files

    def words(self) -> Iterator[Slash]:
        yield Slash(
            "receipt",
            self._asked,
            "/receipt [TEXT]",
            say("adds up a receipt: its photo with this below it, or its text"),
        )

    def meant(self, talk: Talk) -> Planned | None:
        """The plan, where what was said is a receipt: a file that is called one, or a text that reads like one."""
        if self._catalog.find("line_item_parser") is None:
            return None
        if CALLED.search(talk.text) and (receipt := self._of_files(talk.attached)):
            return receipt
        lines = [line.strip() for line in talk.text.splitlines()]
        prices = sum(any(amounts_in(line)) for line in lines)
        return self._of_text(talk.text) if prices >= LEAST_PRICES and any(map(TOTAL.match, lines)) else None

    async def _asked(self, talk: Talk, rest: str) -> Planned:
        """What /receipt stands for. Raises BadInput where there is no receipt with it."""
        attached = talk.attached
        if talk.inbound.address.channel == AT_THE_MACHINE and await asyncio.to_thread(_is_file, rest):
            attached = await self._kept(Path(rest))
        elif rest.strip():
            return self._of_text(rest)
        if len(attached) > 1:
            raise BadInput(say("One receipt at a time, please: send each one by itself."))
        if receipt := self._of_files(attached):
            return receipt
        raise BadInput(say("Send a photo of the receipt with /receipt below it, or write its text behind /receipt."))

    def _of_files(self, attached: Sequence[Seen]) -> Planned | None:
        """The plan for the first file that is a picture or a text."""
        for each in attached:
            if each.text:
                return self._of_text(each.text)
            if each.path and each.file.mime.startswith("image/"):
                return self._of_picture(each.path)
        return None

    def _of_text(self, text: str) -> Planned:
        return self._filled(REST, {"text": text}, reason="the text of a receipt")

    def _of_picture(self, path: str) -> Planned:
        """Where nothing reads pictures, the plan waits for the text."""
        if self._catalog.find("receipt_ocr"):
            return self._filled(PICTURE, {"path": path}, reason="a picture of a receipt")
        return self._filled(REST, {}, reason="a picture of a receipt, and nothing here reads pictures")

    def _filled(self, steps: str, given: Mapping[str, str], *, reason: str) -> Planned:
        titles = _titles() if given else {**_titles(), "receipt": say("the receipt, as I cannot read pictures here")}
        titled = tuple(step.model_copy(update={"title": titles[step.id]}) for step in parse_steps(steps))
        return Planned(Template(steps=titled, answer=ANSWER).filled(given, self._catalog.find), reason=reason)

    async def _kept(self, path: Path) -> tuple[Seen, ...]:
        """A file of this machine, kept as if it had been sent."""
        mime = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        file_id = await self._files.keep(path.name, mime, await asyncio.to_thread(path.read_bytes))
        return await seen([Attachment(name=path.name, mime=mime, file=file_id)], self._files, images=False)


def _is_file(words: str) -> bool:
    try:
        return Path(words).is_file()
    except (OSError, ValueError):  # a text may be too long for a path, or have a zero in it
        return False


def _titles() -> Mapping[str, str]:
    return {
        "scan": say("read the picture"),
        "receipt": say("find the lines"),
        "sorted": say("sort them into categories"),
        "statistics": say("add them up"),
        "discount": say("take off what was taken off"),
        "check": say("compare with the printed total"),
        "chart": say("draw a chart"),
        "report": say("write the report"),
    }
