"""Every text of the system in every language."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

from orchestrator.words import FOLDER, each_way, known_language, languages, say, speaking

HOME = Path(__file__).parents[2]
FILES = sorted(FOLDER.glob("*.po"))


def texts() -> set[str]:
    """Every text that the code says: the first arguments of say(), mark() and each_way(), written out."""
    return {"English", *(text for package in ("orchestrator", "adapters", "bot") for text in _texts_of(package))}


def _texts_of(package: str) -> Iterator[str]:
    for path in sorted((HOME / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"say", "each_way"}:
                given = node.args[0]
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    yield given.value
                else:
                    assert path.name == "words.py" or isinstance(given, ast.Name), (
                        f"{path.name}:{node.lineno} says what is not written out there"
                    )


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.slow
@pytest.mark.proves("words.complete")
@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_a_language_has_every_text_with_its_values_and_no_other(file: Path) -> None:
    translated = {entry.msgid: entry.msgstr for entry in polib.pofile(str(file)) if entry.msgstr}
    assert sorted(texts() - translated.keys()) == []
    assert sorted(translated.keys() - texts()) == []
    for text, words in translated.items():
        assert placeholders(words) == placeholders(text), text


@pytest.mark.proves("words.complete")
def test_what_is_said_follows_the_language_that_is_spoken() -> None:
    empty = "Your message was empty. Write what you need, or /help."
    assert say(empty) == empty
    with speaking("de-AT"):
        assert say(empty).startswith("Deine Nachricht war leer.")
        with speaking("xx"):
            assert say(empty) == empty
    assert say(empty) == empty


def test_a_language_is_known_by_its_code_or_its_name() -> None:
    assert languages() == {"en": "English", "de": "Deutsch"}
    assert [known_language(name) for name in ("de", "de_AT.UTF-8", "Deutsch", "EN", "tlh")] == [
        "de",
        "de",
        "de",
        "en",
        None,
    ]
    assert each_way("English") == {"english", "deutsch"}
