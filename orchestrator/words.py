"""What the system says, in the language of the person who reads it.

English is the source and stands in the code. Every other language is one PO file in languages/, named by its code;
what a file does not hold stays English.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

SOURCE = "en"
FOLDER = Path(__file__).parent / "languages"

_spoken: ContextVar[str] = ContextVar("spoken", default=SOURCE)


def say(text: str, /, **values: object) -> str:
    """This English text in the language that is spoken now, with its `{values}` filled in.

    `text` is written out at the call, so that a test finds every text that a language must have.
    """
    translated = _translations(_spoken.get()).get(text, text)
    return translated.format(**values) if values else translated


def each_way(text: str) -> frozenset[str]:
    """A text that people type back to us, such as "yes", in every language, in lower case."""
    return frozenset(_translations(language).get(text, text).casefold() for language in languages())


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Say everything in this language inside of it: "de", or "de-AT". One that is not known is English."""
    token = _spoken.set(known_language(language) or SOURCE)
    try:
        yield
    finally:
        _spoken.reset(token)


def known_language(wanted: str) -> str | None:
    """The language of ours that this code or name means: "de", "de_AT.UTF-8" and "Deutsch" are "de"."""
    code = re.split(r"[-_.]", wanted.strip().casefold(), maxsplit=1)[0]
    by_name = {name.casefold(): code for code, name in languages().items()}
    return code if code in languages() else by_name.get(wanted.strip().casefold())


@cache
def languages() -> Mapping[str, str]:
    """Codes and own names of the languages that there are."""
    codes = sorted(path.stem for path in FOLDER.glob("*.po"))
    return {SOURCE: "English", **{code: _translations(code).get("English", code) for code in codes}}


@cache
def _translations(language: str) -> Mapping[str, str]:
    if language == SOURCE:
        return {}
    from polib import pofile  # noqa: PLC0415 - who speaks English need not load it

    entries = pofile(str(FOLDER / f"{language}.po"))
    return {entry.msgid: entry.msgstr for entry in entries if entry.msgstr and not entry.fuzzy}
