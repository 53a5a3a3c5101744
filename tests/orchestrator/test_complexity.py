"""How complex a request is: by its words alone, in two languages, and as well as public requests say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.complexity import measured
from orchestrator.complexity import Complexity, kinds_in, things_in

EVERYTHING = Complexity()


@pytest.mark.proves("complexity.honest")
@pytest.mark.parametrize(
    ("text", "things"),
    [
        ("", 1),
        ("Hi", 1),
        ("What time is it in Tokyo?", 1),
        ("Convert 5 km to miles and then tell me the time in Paris", 2),
        ("Find apples, oranges and pears", 1),
        ("Please send 'find it, buy it, sell it, keep it' to Ann", 1),
        ("Find a flight to Rome, book a room, rent a car and send it all to Ann.", 4),
        (
            "First, I need the plot of it. Then, I'd love a recipe. After that, a joke for Ann.",
            3,
        ),
        ("Wie spät ist es in Tokio?", 1),
        ("Kannst du bitte ein Hotel in Rom buchen, einen Tisch reservieren und mir das Wetter schicken?", 3),
        (
            "Such mir Flüge, vergleiche die Preise, buche den besten und trag ihn ein. Außerdem brauche ich Geld",
            5,
        ),
        ("My list:\n- milk for Monday\n- bread\n* butter\n2. cheese", 4),
    ],
)
def test_what_a_request_asks_for_is_counted_by_its_list_or_its_verbs(text: str, things: int) -> None:
    assert things_in(text) == things


@pytest.mark.proves("complexity.honest")
@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Could you do some market research on heat pumps?", ["research"]),
        ("Recherchiere bitte, welche Wärmepumpen leise sind", ["research"]),
        ("What did the latest research say?", []),
        ("Write a script that sorts my invoices", ["code generation"]),
        ("Kannst du ein kleines Skript dafür schreiben?", ["code generation"]),
        ("Create a QR code for my website", []),
        ("Write a letter to my bank", []),
        ("Please review the architecture of our shop", ["architecture review"]),
        ("Ich möchte die Systemarchitektur begutachten", ["architecture review"]),
        ("Tell me about Gothic architecture", []),
    ],
)
def test_kinds_of_complex_work_are_known_by_what_is_to_be_done(text: str, kinds: list[str]) -> None:
    assert kinds_in(text) == kinds


@pytest.mark.proves("complexity.honest")
def test_the_judgement_names_every_reason() -> None:
    strict = Complexity(things=1, characters=20, further=("tender",))
    judgement = strict.judged("Research the tenders and buy one", files=2)
    assert judgement.reasons == {
        "work": "it asks for research",
        "complex_work": "it is about tender",
        "simple_things": "it asks for 2 things, more than 1",
        "simple_characters": "it has 32 characters, more than 20",
        "files": "files came with it",
    }
    assert not judgement.is_simple
    assert strict.judged("Buy one").is_simple


@pytest.mark.proves("complexity.honest")
@given(st.text(), st.text())
def test_more_words_on_a_further_line_never_make_a_request_simpler(text: str, more: str) -> None:
    if not EVERYTHING.judged(text).is_simple:
        assert not EVERYTHING.judged(f"{text}\n{more}").is_simple


@pytest.mark.proves("complexity.honest")
def test_on_public_requests_it_is_as_good_as_the_page_says() -> None:
    held_out = measured("held out")
    assert held_out.found > 0.6
    assert held_out.mistaken < 0.08
