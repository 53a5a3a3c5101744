"""Workers from a file: chosen by their record, replaced where they fail, and missed where they are offline."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.chains import Chains
from bot.settings import read_settings
from bot.wiring import roster_of
from orchestrator.errors import ModelUnreachable, SettingsInvalid
from orchestrator.models import ChatMessage, Model, ModelReply, Script, Scripted, ToolCall
from orchestrator.roster import Worker, read_workers
from orchestrator.tools.functions import Functions, IdempotencyKey, tool
from orchestrator.tools.spec import ToolSpec
from tests.conversations.talk import Talk, outgoing, talking

PLAN = '/plan w: @research(task="find the price of tea", tools=["price"])'
WORKERS = """
[{0}]
capabilities = ["research"]
chain = "scripted:{0}"

[{1}]
capabilities = ["research"]
chain = "scripted:{1}"
"""


class Shop:
    """`price(seller)`, with the keys under which it was called."""

    def __init__(self) -> None:
        self.keys: list[str] = []

        @tool(read_only=True)
        def price(seller: str, key: IdempotencyKey) -> str:
            """The price of tea."""
            self.keys.append(key)
            return f"3 EUR at {seller}"

        self.functions = Functions([price])


def says(text: str) -> Script:
    return lambda messages, tools: ModelReply(text, "scripted")


def gone(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
    raise ModelUnreachable


def calls_once_and_is_gone(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
    if messages[-1].role == "tool":
        raise ModelUnreachable
    return ModelReply("", "scripted", (ToolCall("c", "price", {"seller": "Ann"}),))


def sums_up_what_was_heard(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
    heard = [message.text for message in messages if message.role == "tool"]
    return ModelReply(f"Ann, as was heard {len(heard)} time", "scripted")


class Models:
    """Scripts by their names, and who was asked."""

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self.scripts = dict(scripts)
        self.asked: list[str] = []
        self.systems: list[str] = []

    def __call__(self, name: str) -> Model:
        def script(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
            self.asked.append(name.removeprefix("scripted:"))
            self.systems.append(messages[0].text)
            return self.scripts[name.removeprefix("scripted:")](messages, tools)

        return Scripted(script, name=name)


@asynccontextmanager
async def working(
    folder: Path, workers: str, models: Callable[[str], Model], *toolsets: Functions, **settings: Any
) -> AsyncIterator[Talk]:
    """An Errand with these workers."""
    (folder / "workers.toml").write_text(workers)
    given = {"workers": folder / "workers.toml", "model_retries": 0, **settings}
    async with talking(folder, toolsets=toolsets, model=models, **given) as talk:
        yield talk


@pytest.mark.proves("workers.another_tries")
async def test_what_one_worker_fails_at_another_goes_on_with_and_no_call_is_made_twice(tmp_path: Path) -> None:
    shop = Shop()
    models = Models({"anna": calls_once_and_is_gone, "berta": sums_up_what_was_heard})
    async with working(tmp_path, WORKERS.format("anna", "berta"), models, shop.functions) as talk:
        assert (await talk.answered(PLAN)).endswith("Ann, as was heard 1 time")
        why = await talk.told("/why t1")
    assert models.asked == ["anna", "anna", "berta"]
    assert shop.keys == ["t1/w/1.1"]
    assert "w was given to anna: nobody has 10 runs yet" in why
    assert "w was given to berta: nobody has 10 runs yet" in why
    assert "anna: 10 (0 + 0 + 0 + 10), 0 runs, success 0% to 100%" in why


@pytest.mark.proves("workers.another_tries")
async def test_no_more_than_three_workers_try(tmp_path: Path) -> None:
    models = Models(dict.fromkeys("abcdef", gone))
    workers = WORKERS.format("a", "b") + WORKERS.format("c", "d") + WORKERS.format("e", "f")
    async with working(tmp_path, workers, models, Shop().functions) as talk:
        assert "no model answered" in await talk.answered(PLAN)
    assert sorted(models.asked) == ["a", "b", "c"]


@pytest.mark.proves("workers.offline")
async def test_a_pool_that_cannot_be_reached_is_said_to_be_offline_at_once(tmp_path: Path) -> None:
    told: list[str] = []

    def router(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
        told.extend(each.description for each in tools if each.name == "plan")
        return ModelReply("I see.", "scripted")

    models = Models({"rack": gone, "router": router})
    workers = '[rack]\npool = "infra"\ncapabilities = ["deploy"]\nchain = "scripted:rack"\nspecialisations = ["web"]'
    async with working(tmp_path, workers, models, router="scripted:router") as talk:
        await talk.say("hello there, what is up?")
        for _ in range(3):
            assert "no model answered" in await talk.answered('/plan w: @deploy(task="roll it out")')
        assert "the infra workers are offline" in await talk.answered('/plan w: @deploy(task="roll it out")')
        assert "worker `rack` (infra): offline" in await talk.told("/status")
        await talk.say("roll it out, please")
    assert models.asked.count("rack") == 3
    assert "@deploy: best at web" in told[0]
    assert "@deploy: the infra workers are offline; do not plan with them" in told[-1]


@pytest.mark.proves("workers.by_record")
async def test_the_record_decides_over_restarts_and_recent_work_in_a_conversation_counts(tmp_path: Path) -> None:
    models = Models({"good": says("tea, 3 EUR"), "bad": gone})
    workers = WORKERS.format("bad", "good")
    async with working(tmp_path, workers, models, Shop().functions) as talk:
        for _ in range(13):
            await talk.answered(PLAN)
    async with working(tmp_path, workers, models, Shop().functions) as talk:
        models.asked.clear()
        await talk.answered(PLAN)
        why = await talk.told("/why t14")
        elsewhere = Talk(talk.app, talk.channel, chat="2")
        await elsewhere.answered(PLAN)
        anew = await elsewhere.told("/why")
    assert models.asked == ["good", "good"]
    assert "did well here lately (30)" in why
    assert "of 13 runs (40)" in why
    assert "did well here lately" not in anew


@pytest.mark.proves("workers.roster")
async def test_a_worker_has_instructions_a_chain_and_tools_of_its_own(tmp_path: Path) -> None:
    models = Models({"anna": says("never asked"), "berta": says("tea, 3 EUR")})
    workers = WORKERS.format("anna", "berta").replace("[berta]", '[berta]\ninstructions = "Be brief."\ntools = ["pr*"]')
    workers = workers.replace("[anna]", '[anna]\ntools = ["search__*"]')
    async with working(tmp_path, workers, models, Shop().functions) as talk:
        assert (await talk.answered(PLAN)).endswith("tea, 3 EUR")
        assert "nobody does that work" in await talk.told('/plan w: @cook(task="x")')
        assert "which does not exist" in await talk.told('/plan {"steps": [{"id": "w", "tool": "@research"}]}')
    assert models.systems[0].endswith("Be brief.")


@pytest.mark.proves("workers.roster")
async def test_after_a_question_the_same_worker_goes_on(tmp_path: Path) -> None:
    sent, functions = outgoing()

    def sends(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
        if messages[-1].role == "tool":
            return ModelReply("sent", "scripted")
        return ModelReply("", "scripted", (ToolCall("c", "send", {"text": "hello"}),))

    models = Models({"anna": sends, "berta": sends})
    async with working(tmp_path, WORKERS.format("anna", "berta"), models, functions) as talk:
        await talk.asked('/plan w: @research(task="send hello", tools=["send"])')
        await talk.answered("yes")
        assert "given to anna: it had begun this" in await talk.told("/why")
    assert (sent, models.asked) == (["hello"], ["anna", "anna"])


@pytest.mark.proves("workers.roster")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[anna]\ncapabilites = ["x"]', "[anna] capabilites: Extra inputs"),
        ("[anna]\nat_once = 0", "[anna] at_once: Input should be greater"),
        ("anna = 1", "anna must be a table"),
        ("[anna", "cannot be read"),
    ],
)
def test_a_file_of_workers_that_cannot_be_used_names_the_place(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "workers.toml").write_text(text)
    nobody = Chains(None, None, None, None)
    with pytest.raises(SettingsInvalid, match=r"workers\.toml") as raised:
        roster_of(read_settings(workers=tmp_path / "workers.toml"), nobody, lambda name: Scripted(gone, name=name))
    assert problem in str(raised.value)


@pytest.mark.proves("workers.roster")
def test_the_file_on_the_page_about_workers_can_be_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "workers.md").read_text()
    (tmp_path / "workers.toml").write_text(page.partition("```toml")[2].partition("```")[0])
    hands = read_workers(tmp_path / "workers.toml", lambda worker: None)
    assert [hand.worker.name for hand in hands] == ["anna", "rack"]
    assert {*Worker.model_fields} - {"name"} == {name for hand in hands for name in hand.worker.model_fields_set} - {
        "name"
    }
