"""Code of the operator's own: found by the module that a setting names, or refused with the fix."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.own_code import own_embedder, own_functions
from orchestrator.errors import SettingsInvalid
from tests.conversations.talk import talking

MINE = """
from orchestrator.tools.functions import tool

@tool(read_only=True, version="2.1", tags=["warehouse"])
async def stock(product: str) -> int:
    \"\"\"Tell how much of a product is in stock.\"\"\"
    return {"tea": 4}[product]

class Letters:
    async def embed(self, texts):
        return [[text.count(letter) for letter in "abcdefghij"] for text in texts]

embedder = Letters()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with code of one's own, in which the bot is started."""
    for name, text in {
        "mine": MINE,
        "same": "from mine import stock",
        "empty": "x = 1",
        "broken": "1 / 0",
        "taken": MINE.replace("stock", "calculate"),
        "wrong": "from orchestrator.tools.functions import tool\n@tool\ndef untyped(x): ...",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    before, path = set(sys.modules), list(sys.path)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.proves("tools.functions.discovery")
async def test_a_function_of_a_module_that_the_setting_names_is_a_tool(folder: Path) -> None:
    async with talking(folder, toolsets=None, functions="mine, same", embedder="mine:embedder") as talk:
        assert "**: 4" in await talk.answered("/stock tea")
        spec = talk.app.catalog.find("stock")
        assert spec is not None
        assert (spec.version, spec.tags, spec.source) == ("2.1", ("warehouse",), "function")
        assert (await talk.app.catalog.search("what the warehouse has"))[0] == spec


@pytest.mark.proves("tools.functions.discovery")
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("nowhere", "names 'nowhere', which cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
        ("empty", "names 'empty', which has no function with @tool"),
        ("broken", "names 'broken', which cannot be imported: ZeroDivisionError: division by zero"),
        ("wrong", "untyped is no tool: its parameter 'x' needs a name and a type"),
        ("taken", "Two registered functions are named calculate"),
    ],
)
async def test_a_module_that_cannot_be_used_stops_the_start_with_the_reason(
    name: str, problem: str, folder: Path
) -> None:
    with pytest.raises(SettingsInvalid, match=problem):
        async with talking(folder, toolsets=None, functions=name):
            pass


def test_no_setting_brings_nothing_and_what_is_no_embedder_is_refused() -> None:
    assert own_functions("") == []
    assert own_embedder("") is None
    with pytest.raises(SettingsInvalid, match="'mine:stock', which has no `async def embed"):
        own_embedder("mine:stock")
