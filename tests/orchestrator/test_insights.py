"""Requests that nothing could serve are grouped by what they are about."""

import random
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest

from orchestrator.insights import insights, stems, without_names
from storage.records import Declined

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)

WISHES = {  # 40 requests about 8 things, in two languages
    "flight": """book a flight to Rome
book me a flight to Paris for tomorrow
can you book flights from Berlin to Oslo?
I want to book a cheap flight to Lisbon
please book the earliest flight to New York on Monday
booking a flight for two to Athens""",
    "hotel": """book a hotel in Rome
find me a hotel room in Paris for two nights
book a hotel room near the station
I need a hotel in Vienna
which hotel room in Oslo is free?""",
    "song": """sing a song about the sea
sing me a song
can you sing a song for my daughter?
sing the song of yesterday again
sing a happy song""",
    "heizung": """stell die Heizung auf 21 Grad
kannst du die Heizung höher stellen?
mach die Heizung aus
die Heizung bitte auf 18 Grad stellen
Heizung im Bad auf 23 Grad""",
    "pizza": """order a pizza
order me a pizza with mushrooms
can you order two pizzas to the office?
please order pizza for the team
I would like to order a pizza margherita""",
    "translate": """translate this letter into French
translate the letter to Spanish please
can you translate my letter into German?
translate a letter""",
    "zug": """welche Verspätung hat mein Zug nach Köln?
hat der Zug nach Hamburg Verspätung?
Verspätung vom Zug um 8:12
wie viel Verspätung hat der ICE Zug 512?
hat mein Zug heute Verspätung""",
    "lottery": """what are the lottery numbers?
tell me the lottery numbers of Saturday
lottery numbers please
which lottery numbers won last week?
did my lottery numbers win?""",
}


def declined(texts: list[str]) -> list[Declined]:
    return [
        Declined(number, NOW + timedelta(minutes=number), "fake", f"person-{number % 3}", text, "no tool")
        for number, text in enumerate(texts, 1)
    ]


@pytest.mark.proves("insights.groups")
def test_requests_about_the_same_are_one_group_and_others_are_not() -> None:
    about = {text: topic for topic, texts in WISHES.items() for text in texts.splitlines()}
    rows = declined(list(about))
    topic = {row.id: about[row.text] for row in rows}
    found = insights(rows)
    together = {frozenset(pair) for group in found for pair in combinations(group.ids, 2)}
    same = {frozenset(pair) for pair in combinations(topic, 2) if topic[pair[0]] == topic[pair[1]]}
    assert len(together & same) / len(together) >= 0.95  # hardly ever are two things one
    assert len(together & same) / len(same) >= 0.8


@pytest.mark.proves("insights.groups")
def test_the_groups_do_not_depend_on_the_order_of_the_requests() -> None:
    texts = [text for texts in WISHES.values() for text in texts.splitlines()]

    def groups(order: list[str]) -> set[frozenset[str]]:
        rows = {row.id: row.text for row in declined(order)}
        return {frozenset(rows[each] for each in group.ids) for group in insights(declined(order))}

    shuffled = random.Random(8).sample(texts, len(texts))
    assert groups(shuffled) == groups(texts)


@pytest.mark.proves("insights.groups")
def test_a_group_tells_how_often_by_how_many_when_last_and_with_which_words() -> None:
    rows = declined(["order a pizza", "Order me a pizza!", "order a pizza with ham", "sing a song", "order a pizza"])
    pizza, song = insights(rows)
    assert (pizza.count, pizza.people, pizza.name) == (4, 3, "order_pizza")
    assert pizza.last_seen == NOW + timedelta(minutes=5)
    assert pizza.examples == ("order a pizza", "order a pizza with ham")
    assert pizza.reasons == ("no tool",)
    assert (song.count, song.name) == (1, "sing_song")
    assert insights([]) == []
    (odd,) = insights(declined(["??? 42"]))
    assert (odd.count, odd.name) == (1, "wish")


def test_words_lose_their_endings_in_both_languages() -> None:
    assert stems("booking flights") == stems("books a flight")
    assert stems("die Heizung stellen") == stems("Heizungen stellt")


@pytest.mark.proves("insights.no_names")
def test_addresses_handles_and_numbers_are_struck_out_of_what_is_kept() -> None:
    said = without_names("call  @annlee or +49 170 1234567,\nor mail ann.lee@example.org about 12 pizzas")
    assert said == "call [handle] or [number], or mail [address] about 12 pizzas"
    assert len(without_names("a" * 1000)) == 300
