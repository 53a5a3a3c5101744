"""Secrets are struck out by what they look like, by the name they stand under, and where they are known."""

import pytest

from orchestrator.redaction import BY_SHAPE, HIDDEN, Redaction, secrets_in


@pytest.mark.proves("dossier.no_secrets")
@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijklmnop1234",
        "ghp_abcdefghijklmnopqrst",
        "xoxb-1234567890-abcdefgh",
        "AKIAABCDEFGHIJKLMNOP",
        "123456789:AAabcdefghijklmnopqrstuvwxyz0123456",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghij",
    ],
)
def test_what_looks_like_a_key_is_struck_out_of_any_text(secret: str) -> None:
    assert BY_SHAPE.value({"deep": [f"I use {secret}, always"]}) == {"deep": [f"I use {HIDDEN}, always"]}


@pytest.mark.proves("dossier.no_secrets")
def test_what_stands_once_under_a_secrets_name_is_struck_out_everywhere() -> None:
    value = {"arguments": {"password": "open sesame", "user": "ann"}, "title": "log in (open sesame, ann)"}
    assert BY_SHAPE.value(value) == {
        "arguments": {"password": HIDDEN, "user": "ann"},
        "title": f"log in ({HIDDEN}, ann)",
    }
    assert BY_SHAPE.value("postgresql://me:pass@host and api_key=abcdef12") == (
        f"postgresql://{HIDDEN}@host and api_key={HIDDEN}"
    )


@pytest.mark.proves("dossier.no_secrets")
def test_the_keys_of_the_environment_are_known() -> None:
    known = Redaction(secrets_in({"WEATHER_API_KEY": "plain words", "HOME": "/home/ann"}))
    assert known.value("plain words from /home/ann") == f"{HIDDEN} from /home/ann"


def test_ordinary_words_and_figures_stay() -> None:
    value = {"input_tokens": 1200, "text": "the key to my token collection is 12345678", "pinned": "yes", "key": "one"}
    assert BY_SHAPE.value(value) == value
