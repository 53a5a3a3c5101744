"""Logging: one line a record on standard error, with its fields. Nothing that looks like a key gets out."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

from orchestrator.watching import known_ids

SECRET = re.compile(r"\b(?:sk-|xox[abprs]-|xapp-|AIza|gh[pousr]_)[\w-]{8,}|\b\d{6,12}:[\w-]{30,}|Bearer\s+[\w.-]{12,}")
FIELDS = ("session", "turn", "step", "tool", "server", "model", "seconds", "cost_usd", "reason")
EVERY_RECORD_HAS = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


class Lines(logging.Formatter):
    """`time LEVEL logger: message field=value ...`, secrets blacked out."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={getattr(record, name)!r}" for name in FIELDS if hasattr(record, name))
        first, *rest = super().format(record).split("\n", 1)
        return SECRET.sub("[secret]", "\n".join([first + fields, *rest]))


class JsonLines(logging.Formatter):
    """One JSON object a record: time, level, logger, message, the ids of the turn in which it was written, its fields,
    and the traceback of an error. Secrets blacked out."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {name: value for name, value in vars(record).items() if name not in EVERY_RECORD_HAS}
        error = {"error": self.formatException(record.exc_info)} if record.exc_info else {}
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **known_ids(),
            **fields,
            **error,
        }
        return SECRET.sub("[secret]", json.dumps(line, ensure_ascii=False, default=str))


class StandardError(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at that moment: a prompt puts something else there, to print above itself."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def set_up_logging(level: str, *, form: Literal["text", "json"] = "text") -> None:
    """Log to standard error. Called once, by the command line."""
    handler = StandardError()
    handler.setLevel(level)  # the page's log may want more of our loggers
    text = Lines("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(text if form == "text" else JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
