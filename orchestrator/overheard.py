"""Model calls that a tool makes: they belong to the record of the turn in which the tool runs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from orchestrator.chains import Note
from storage.records import ModelCall

log = logging.getLogger(__name__)

_hears: ContextVar[Note | None] = ContextVar("hears", default=None)


@contextmanager
def hearing(note: Note) -> Iterator[None]:
    """Inside of it, this note hears of the calls that tools make."""
    token = _hears.set(note)
    try:
        yield
    finally:
        _hears.reset(token)


def overheard(call: ModelCall) -> None:
    """Put a call down where it belongs. One of a step that was begun ahead of its plan is only logged."""
    if note := _hears.get():
        note(call)
    else:
        log.info("a tool called a model", extra={"model": call.model, "seconds": call.seconds, "reason": call.error})
