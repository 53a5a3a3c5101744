"""Receipts: a picture or a text becomes goods, categories, sums, a check of the total, a report and a chart."""

from collections.abc import Sequence
from pathlib import Path

from orchestrator.tools.functions import Registered
from orchestrator.tools.receipts.categories import Sort, categorizer
from orchestrator.tools.receipts.chart import spending_chart
from orchestrator.tools.receipts.ocr import Reader, ocr
from orchestrator.tools.receipts.reading import line_item_parser
from orchestrator.tools.receipts.report import check_total, receipt_report


def receipt_tools(readers: Sequence[Reader], folder: Path, *, sort: Sort | None = None) -> list[Registered]:
    """The tools of receipts. Without a reader of pictures there is none for pictures; `sort` is a model's."""
    pictures = [ocr(readers, folder)] if readers else []
    return [*pictures, line_item_parser, categorizer(sort), check_total, spending_chart, receipt_report]
