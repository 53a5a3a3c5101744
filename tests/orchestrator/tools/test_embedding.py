"""Search by meaning: fused with that by words, and no condition for it."""

import asyncio
from collections.abc import Sequence

import pytest

from orchestrator.tools.catalog import Catalog
from orchestrator.tools.functions import Functions, Registered, tool

SUBJECTS = {"mail": ("letter", "mail", "post"), "weather": ("weather", "rain", "umbrella"), "money": ("tax", "price")}


class Subjects:
    """An embedder that knows three subjects. `asked` are the texts that it was given."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        self.asked += texts
        return [[float(any(word in text for word in words)) for words in SUBJECTS.values()] for text in texts]


class Broken(Subjects):
    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        raise RuntimeError("out of memory")


def function(name: str, about: str) -> Registered:
    def run() -> str:
        return name

    run.__name__, run.__doc__ = name, about
    return tool(read_only=True)(run)


TOOLS = [
    function("forecast", "Tell about rain and sunshine."),
    function("send", "Send a letter by post."),
    function("vat", "Compute the tax of a price."),
    function("umbrella_stock", "How many are left in the shop."),
]


async def found(catalog: Catalog, capability: str) -> list[str]:
    return [spec.name for spec in await catalog.search(capability)]


@pytest.mark.proves("tools.search.fusion")
async def test_what_is_near_in_meaning_is_found_without_a_common_word() -> None:
    assert "forecast" not in await found(Catalog([Functions(TOOLS)]), "do I need an umbrella")
    by_both = await found(Catalog([Functions(TOOLS)], embedder=Subjects()), "do I need an umbrella")
    assert by_both[:2] == ["umbrella_stock", "forecast"], "the one that both orders name, and then that of the meaning"


@pytest.mark.proves("tools.search.fusion")
async def test_each_tool_is_embedded_once() -> None:
    embedder = Subjects()
    catalog = Catalog([Functions(TOOLS)], embedder=embedder)
    for _ in range(3):
        await catalog.search("rain")
    assert len(embedder.asked) == len(TOOLS) + 3


@pytest.mark.proves("tools.search.fusion")
async def test_an_embedder_that_fails_or_hangs_leaves_the_search_to_words(caplog: pytest.LogCaptureFixture) -> None:
    assert await found(Catalog([Functions(TOOLS)], embedder=Broken()), "an umbrella") == ["umbrella_stock"]
    assert "searched by words alone" in caplog.text

    class Hanging(Subjects):
        async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
            await asyncio.Event().wait()
            raise AssertionError

    async with asyncio.timeout(20):
        catalog = Catalog([Functions(TOOLS)], embedder=Hanging(), embed_seconds=0.01)
        assert await found(catalog, "an umbrella") == ["umbrella_stock"]
