"""Search over tools, by examples and on public catalogues."""

from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.retrieval import found, prompts, public
from orchestrator.tools.builtin import BUILTIN
from orchestrator.tools.search import Index, words_of
from orchestrator.tools.spec import ToolSpec
from tests.orchestrator.tooling import spec


def names(index: Index, query: str, k: int = 10) -> list[str]:
    return [found.name for found, _ in index.top(query, k)]


def test_names_are_taken_apart_into_words_and_plurals_become_singular() -> None:
    assert words_of("getCurrentTimes_for HTTPServer2") == ["get", "current", "time", "for", "http", "server2"]
    assert words_of("this status class is gas") == ["this", "status", "class", "is", "gas"]


@pytest.mark.proves("tools.search.bm25")
@pytest.mark.parametrize(
    ("query", "tool"),
    [
        ("What is 15% of 80? Please calculate", "calculate"),
        ("how many days are there between Christmas and Easter dates", "days_between"),
        ("which day of the week is it", "weekday"),
        ("VAT on 120 euros", "compute_tax"),
        ("take 10 percent off the price", "apply_discount"),
        ("merge these two receipts", "merge_items"),
        ("only the items of the category drinks", "filter_items_by_category"),
        ("statistics: mean and total by category", "compute_item_statistics"),
    ],
)
def test_the_built_in_functions_are_found_by_what_people_say(query: str, tool: str) -> None:
    assert tool in names(Index([function.spec for function in BUILTIN]), query, 2)


def test_a_word_counts_once_and_words_that_join_others_not_at_all() -> None:
    index = Index([spec("mail_send", text={"description": "what you would like to say to the person"}), spec("mail")])
    assert index.top("mail mail mail", 2) == index.top("mail", 2)
    assert index.top("what would you like to do for the", 2)[0][0].name == "mail_send", "`like` is a word like others"
    assert index.top("what would you do for the", 2) == []


@given(st.text(max_size=60), st.integers(0, 12))
def test_any_text_can_be_searched_for(query: str, k: int) -> None:
    specs = [function.spec for function in BUILTIN]
    found = Index(specs).top(query, k)
    scores = [score for _, score in found]
    assert len(found) <= k
    assert all(score > 0 for score in scores)
    assert scores == sorted(scores, reverse=True)


def test_a_schema_need_not_be_an_object_with_words() -> None:
    odd = ToolSpec("odd", "", {"properties": {"anything": True, "colour": {"type": "string"}}}, "")
    assert names(Index([odd, ToolSpec("", "", {}, "")]), "colour") == ["odd"]
    assert Index([]).top("colour", 10) == []


@pytest.mark.proves("tools.search.bm25")
async def test_recall_on_the_catalogue_of_livemcp() -> None:
    catalog, tasks = public("livemcp")
    assert mean(await found(catalog, tasks)) >= 0.42  # 43.8 % measured, 527 tools, 44 tasks, 2026-11


@pytest.mark.slow
@pytest.mark.proves("tools.search.bm25")
async def test_completeness_on_the_catalogue_of_seal() -> None:
    catalog, tasks = public("seal")
    shares = await found(catalog, tasks)
    assert mean(share == 1 for share in shares) >= 0.69  # 79.7 % measured, 4,076 tools, 690 tasks, 2026-11


@pytest.mark.proves("tools.fitting")
@pytest.mark.parametrize("name", ["livemcp", "seal"])
async def test_the_schemas_of_every_prompt_on_public_catalogues_take_at_most_4000_tokens(name: str) -> None:
    catalog, tasks = public(name)
    _, _, tokens = await prompts(catalog, tasks[:100])
    assert max(tokens) <= 4_000
