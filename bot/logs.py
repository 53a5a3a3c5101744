"""Logging: one line a record on standard error, with its fields. Nothing that looks like a key gets out."""

import logging
import re
import sys
from typing import TextIO

SECRET = re.compile(r"\b(?:sk-|xox[abprs]-|xapp-|AIza|gh[pousr]_)[\w-]{8,}|\b\d{6,12}:[\w-]{30,}|Bearer\s+[\w.-]{12,}")
FIELDS = ("session", "turn", "step", "tool", "server", "model", "seconds", "cost_usd", "reason")


class Lines(logging.Formatter):
    """`time LEVEL logger: message field=value ...`, secrets blacked out."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={getattr(record, name)!r}" for name in FIELDS if hasattr(record, name))
        first, *rest = super().format(record).split("\n", 1)
        return SECRET.sub("[secret]", "\n".join([first + fields, *rest]))


class StandardError(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at that moment: a prompt puts something else there, to print above itself."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def set_up_logging(level: str) -> None:
    """Log to standard error. Called once, by the command line."""
    handler = StandardError()
    handler.setFormatter(Lines("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
