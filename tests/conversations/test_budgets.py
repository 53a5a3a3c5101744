"""Budgets, as people and their admins meet them: warned, thrifty, stopped, raised."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.base import DeliveryError
from orchestrator.limits import Limits, Payer
from orchestrator.messages import Choice, Delivery, Question
from orchestrator.models import ChatMessage, ModelReply, ToolCall, Usage
from orchestrator.tools.builtin import BUILTIN
from orchestrator.tools.functions import Functions
from storage.errors import StorageBusy
from storage.records import Amount
from tests.conversations.program import serving
from tests.conversations.talk import Talk, talking
from tests.conversations.telegram_talk import errand_on, pressed
from tests.conversations.test_plans import Models
from tests.conversations.test_with_a_model import PLAN
from tests.fakes.channel import FakeChannel
from tests.fakes.model_server import Behaviour, Call, Fail, Hang, ModelServer, Say, asked_for
from tests.fakes.telegram import telegram

NOW = datetime.now(UTC)


def hello(messages: Sequence[ChatMessage]) -> ModelReply:
    return ModelReply("Hello.", "one", usage=Usage(90, 10))


def served(server: ModelServer, **more: Any) -> dict[str, Any]:
    given = {"router": "openai:gpt-4o-mini", "openai_base_url": server.url, "openai_api_key": "obviously-fake-key"}
    return {**given, "model_retries": 0, **more}


def limits(talk: Talk, rules: str) -> Any:
    return Limits.read(rules).holding_for(Payer("fake", talk.person.id, "1"), datetime.now(UTC))


async def press(talk: Talk, question: str, value: str) -> str:
    choice = Choice(
        event_id=uuid.uuid4().hex,
        address=talk.address,
        person=talk.person,
        sent_at=datetime.now(UTC),
        private=talk.private,
        question=question,
        value=value,
    )
    receipt = await talk.channel.push(choice)
    return (await talk.outcome(receipt.turn or "")).text


def admins(*accounts: str) -> str:
    """A policy file in which these are admins."""
    return "\n".join(["[people]", *(f'"{each}" = "admin"' for each in accounts)])


def admin_of(talk: Talk, person: str = "boss") -> Talk:
    """Somebody else, in a chat of their own."""
    return Talk(talk.app, talk.channel, chat=f"with {person}", person=person)


async def question_for(talk: Talk, admin: Talk) -> Question:
    """The question that is shown to an admin."""

    def shown(channel: FakeChannel) -> list[Question]:
        return [
            each.part
            for each in channel.shown.values()
            if isinstance(each.part, Question) and each.address == admin.address
        ]

    await talk.channel.until(lambda channel: bool(shown(channel)))
    return shown(talk.channel)[-1]


@pytest.mark.proves("budget.stops")
async def test_a_person_whose_budget_is_spent_is_told_and_no_model_is_asked(tmp_path: Path) -> None:
    models = Models(one=hello)
    rules = "person day 5000 tokens"
    async with talking(tmp_path, model=models, router="one", budgets=rules, budget_output_tokens=10) as talk:
        await talk.answered("Hi")
        (day,) = await talk.app.store.spent(limits(talk, rules))
        assert (day.tokens, day.held_tokens) == (100, 0)
        await talk.app.store.settle("r", None)
        await talk.app.store.reserve("r", Amount(4_900), limits(talk, rules))
        told = await talk.told("Hi again")
        assert "your budget for today has no room for another model call (100 of 5,000 tokens)" in told
        assert "It begins anew at midnight UTC." in told
        assert "stopped: a budget was spent" in await talk.told("/why")
        assert len(models.asked) == 1
        assert await talk.as_person("ben").answered("Hi") == "Hello."
        assert "- your budget for today: 100 of 5,000 tokens (2 %)" in await talk.told("/budget")


@pytest.mark.proves("budget.stops")
async def test_a_budget_that_is_spent_in_the_middle_of_a_plan_is_told_below_what_was_done(tmp_path: Path) -> None:
    def planned(messages: Sequence[ChatMessage]) -> ModelReply:
        calls = [ToolCall(str(number), "calculate", {"expression": f"{number} * 2"}) for number in (3, 4)]
        return ModelReply("", "one", tuple(calls), usage=Usage(19_000, 900))

    given: dict[str, Any] = {"router": "one", "budgets": "person day 20000 tokens"}
    async with talking(tmp_path, toolsets=[Functions(BUILTIN)], model=Models(one=planned), **given) as talk:
        answer = await talk.answered("3 * 2 and 4 * 2")
        assert "6" in answer
        assert "8" in answer
        assert "I stop here: your budget for today has no room for another model call (19,900 of 20,000" in answer


@pytest.mark.proves("budget.warned")
async def test_at_80_percent_a_person_is_told_once(tmp_path: Path) -> None:
    rules = "person day 10000 tokens, team month 100000 tokens"
    async with talking(tmp_path, model=Models(one=hello), router="one", budgets=rules) as talk:
        (mine, _) = limits(talk, rules)
        await talk.app.store.reserve("r", Amount(7_950), [mine])
        await talk.app.store.settle("r", None)
        assert "80 % of your budget for today is used up." in await talk.answered("Hi")
        assert await talk.answered("Hi") == "Hello."


@pytest.mark.proves("budget.cheaper")
async def test_from_90_percent_on_simple_requests_go_to_the_cheap_chain(tmp_path: Path) -> None:
    models = Models(one=hello, small=hello)
    rules = "person day 20000 tokens"
    async with talking(tmp_path, model=models, router="one", cheap="small", budgets=rules) as talk:
        await talk.answered("Hi")
        await talk.app.store.reserve("r", Amount(18_000), limits(talk, rules))
        await talk.app.store.settle("r", None)
        await talk.answered("Hi")
        await talk.as_person("ben").answered("Hi")
        assert models.names() == ["one", "small", "one"]
        assert "thrifty: little is left of a budget" in await talk.told("/why t2")
        await talk.say("A long request. " * 30)
        assert models.names()[-1] == "one"


@pytest.mark.proves("budget.cheaper")
async def test_where_one_model_is_too_dear_for_what_is_left_a_cheaper_one_answers(tmp_path: Path) -> None:
    rules = "person day 0.005 usd"
    async with ModelServer(lambda _: Say("Hello")) as server:
        chain = served(server, router="openai:gpt-4o, openai:gpt-4o-mini", budgets=rules)
        async with talking(tmp_path, **chain) as talk:
            assert await talk.answered("Hi") == "Hello "
            assert [request["model"] for request in server.requests] == ["gpt-4o-mini"]


@pytest.mark.proves("budget.raised")
async def test_an_admin_allows_more_by_a_button_and_the_person_hears_of_it(tmp_path: Path) -> None:
    rules = "person day 5000 tokens"
    given: dict[str, Any] = {"router": "one", "budgets": rules, "policy": admins("fake:boss", "fake:chief")}
    async with talking(tmp_path, model=Models(one=hello), **given) as talk:
        boss, chief = admin_of(talk), admin_of(talk, "chief")
        for admin in (boss, chief):
            await admin.told("/status")
        await talk.app.store.reserve("r", Amount(4_900), limits(talk, rules))
        await talk.app.store.settle("r", None)
        assert "I have asked an admin for more" in await talk.told("Hi")
        asked = await question_for(talk, boss)
        assert "ann cannot go on: the budget of fake:ann for today" in asked.text
        assert asked.fields[0].choices == ("allow more", "no")
        also = await question_for(talk, chief)
        assert (asked.id, also.id) == ("b3-1", "b3-2"), "channels know a question by its id"
        assert "I have asked an admin for more" in await talk.told("Hi"), "and only once"
        assert "`b3`: ann asks for 2,500 tokens more" in await boss.told("/budget")
        assert "only they can answer" in await press(talk, asked.id, "allow more")
        assert await press(boss, asked.id, "allow more") == "Allowed: 2,500 tokens more."
        await talk.channel.until(
            lambda channel: any("Please send your request again" in each.part.text for each in channel.shown.values())
        )
        assert await talk.answered("Hi") == "Hello."
        assert await press(chief, also.id, "no") == "That question is closed already."
        (day,) = await talk.app.store.spent(limits(talk, rules))
        assert day.more_tokens == 2_500


@pytest.mark.proves("budget.raised")
async def test_an_admin_who_says_no_leaves_it_as_it_is_also_in_words_and_after_a_restart(tmp_path: Path) -> None:
    rules = "person month 1000 tokens"
    given: dict[str, Any] = {"router": "one", "budgets": rules, "policy": admins("fake:boss")}
    async with talking(tmp_path, model=Models(one=hello), **given) as talk:
        assert "An admin can allow more with `/budget yes b1`" in await talk.told("Hi")
        assert "only they can answer" in await talk.told("/budget yes b1")
    async with talking(tmp_path, model=Models(one=hello), **given) as talk:
        boss = admin_of(talk)
        assert "Write `/budget yes b1` or `/budget no b1`" in await boss.told("/budget perhaps b1")
        assert await boss.told("/budget no b1") == "Then it stays as it is."
        assert "that are open" in await boss.told("/budget yes b77")
        await talk.channel.until(lambda channel: any("no to more" in each.part.text for each in channel.shown.values()))


@pytest.mark.proves("budget.pace")
async def test_a_person_sends_so_many_messages_a_minute_and_others_are_not_held_up(tmp_path: Path) -> None:
    models = Models(one=hello)
    async with talking(tmp_path, model=models, router="one", messages_a_minute=2) as talk:
        assert [await talk.answered("Hi") for _ in range(2)] == ["Hello.", "Hello."]
        assert "You may send me 2 messages a minute" in await talk.told("Hi")
        assert await talk.as_person("ben").answered("Hi") == "Hello."
        assert "turns so far" in await talk.told("/status")
        assert len(models.asked) == 3


@pytest.mark.proves("budget.quota")
async def test_a_provider_whose_quota_is_used_up_is_not_asked_again_but_the_next_one(tmp_path: Path) -> None:
    def script(request: dict[str, Any]) -> Behaviour:
        return Fail(429, code="insufficient_quota") if request["model"] == "first" else Say("the second is here")

    async with ModelServer(script) as server:
        chain = served(server, router="openai:first, openai:second", model_retries=3)
        async with talking(tmp_path, **chain) as talk:
            assert "the second is here" in await talk.answered("Hi")
            assert [request["model"] for request in server.requests] == ["first", "second"]
            assert "its quota is used up" in await talk.told("/why")


@pytest.mark.proves("budget.told", "prices.reported")
async def test_usage_tells_days_months_people_and_what_two_models_saved(tmp_path: Path) -> None:
    def script(request: dict[str, Any]) -> Behaviour:
        if request["model"] == "gpt-4o":
            return Call([("plan", {"steps": PLAN})])
        if not request.get("tools"):
            return Say("It worked.")
        return Call([("plan", {"goal": "tax"})]) if "tax" in asked_for(request) else Say("Hello")

    async with ModelServer(script) as server:
        given = served(server, planner="openai:gpt-4o", policy=admins("fake:boss"), budgets="team month 100 usd")
        async with talking(tmp_path, toolsets=[Functions(BUILTIN)], **given) as talk:
            boss = admin_of(talk)
            await talk.answered("What is 19 % tax on 80, and the double of it?")
            await boss.answered("Hi")
            paid = sum(
                _price(request["model"], *used) for request, used in zip(server.requests, server.tokens, strict=True)
            )
            mine = await talk.told("/usage")
            assert f"| {datetime.now(UTC):%Y-%m-%d} | 3 |" in mine
            assert f"| {datetime.now(UTC):%Y-%m} | 3 |" in mine
            assert "Asking openai:gpt-4o each time would have cost" in mine
            assert "fake:boss" not in mine
            everybody = await boss.told("/usage")
            assert "| fake:ann | 3 |" in everybody
            assert "| fake:boss | 1 |" in everybody
            boss.private = False
            assert "fake:ann" not in await boss.told("/usage"), "others read along"
            (team,) = await talk.app.store.spent(limits(talk, "team month 100 usd"))
            used = await talk.app.store.used_by([NOW.replace(day=1, hour=0)])
            assert sum(each.usage.cost_usd for each in used) == pytest.approx(paid, rel=0.01)
            assert team.micro_usd == pytest.approx(paid * 1e6, abs=server.calls), "rounded up at each call"


def _price(model: str, asked: int, said: int) -> float:
    """As OpenAI publishes it, read 2026-11."""
    a_million = {"gpt-4o": (2.50, 10.00), "gpt-4o-mini": (0.15, 0.60)}[model]
    return (asked * a_million[0] + said * a_million[1]) / 1_000_000


@pytest.mark.proves("budget.unknown")
@pytest.mark.parametrize(("setting", "counted"), [({}, 0), ({"unknown_price_usd": 2.0}, 200)])
async def test_money_that_nobody_knows_counts_as_the_setting_says(
    tmp_path: Path, setting: dict[str, Any], counted: int
) -> None:
    rules = "person day 5 usd, person day 90000 tokens"
    async with talking(tmp_path, model=Models(one=hello), router="one", budgets=rules, **setting) as talk:
        await talk.answered("Hi")
        (day,) = await talk.app.store.spent(limits(talk, rules))
        assert (day.tokens, day.micro_usd) == (100, counted)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.proves("budget.settled")
@pytest.mark.parametrize(("dies_at", "calls"), [(("reserve", "after", "1"), 1), (("settle", "before", "1"), 2)])
async def test_a_process_killed_between_reserving_and_settling_leaves_nothing_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: tuple[str, str, str], calls: int
) -> None:
    async with ModelServer(lambda _: Say("Hello")) as server:
        for name, value in served(server, budgets="team day 90000 tokens").items():
            monkeypatch.setenv(f"ERRAND_{name.upper()}", str(value))
        async with serving(tmp_path, *dies_at) as first:
            first.send("event-1", "Hi")
            await first.death()
        async with serving(tmp_path) as second:
            second.send("event-1", "Hi")
            await second.end_of_input()
        assert [each["part"]["text"] for each in second.deliveries] == ["Hello "]
        assert server.calls == calls
        for name in ("ROUTER", "MODEL_RETRIES"):
            monkeypatch.delenv(f"ERRAND_{name}")
        async with talking(tmp_path) as talk:
            (day,) = await talk.app.store.spent(limits(talk, "team day 90000 tokens"))
        assert day.held_tokens == 0
        assert day.tokens > sum(server.tokens[0]) + 1_000, "the lost call counts as it was reserved"


class Deaf(FakeChannel):
    """A channel that cannot reach the admin for a while."""

    deaf = True

    async def deliver(self, delivery: Delivery) -> None:
        if self.deaf and isinstance(delivery.part, Question):
            raise DeliveryError("nobody there", retry_after_seconds=0.001)
        await super().deliver(delivery)


@pytest.mark.proves("budget.raised")
async def test_an_admin_who_cannot_be_reached_holds_up_nobody(tmp_path: Path) -> None:
    given: dict[str, Any] = {"router": "one", "budgets": "person day 10 tokens", "policy": admins("fake:boss")}
    async with talking(tmp_path, model=Models(one=hello), channel=Deaf, **given) as talk:
        boss = admin_of(talk)
        await boss.told("/status")
        assert "I have asked an admin" in await talk.told("Hi")
        assert "turns so far" in await talk.told("/status")
        assert isinstance(talk.channel, Deaf)
        talk.channel.deaf = False
        assert (await question_for(talk, boss)).id == "b2-1"


@pytest.mark.proves("budget.settled")
async def test_a_call_that_is_stopped_counts_as_what_went_in(tmp_path: Path) -> None:
    rules = "person day 90000 tokens"
    asked = asyncio.Event()

    def script(request: dict[str, Any]) -> Behaviour:
        asked.set()
        return Hang()

    async with ModelServer(script) as server, talking(tmp_path, **served(server, budgets=rules)) as talk:
        turn = await talk.send("Hi")
        await asyncio.wait_for(asked.wait(), 20)
        await talk.send("/stop")
        await talk.outcome(turn)
        await talk.app.idle()
        (day,) = await talk.app.store.spent(limits(talk, rules))
        assert day.held_tokens == 0
        assert 0 < day.tokens < 3_000


@pytest.mark.proves("budget.settled")
async def test_a_call_that_cannot_be_settled_is_answered_and_stays_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*given: Any, **more: Any) -> None:
        raise StorageBusy

    rules = "person day 90000 tokens"
    async with talking(tmp_path, model=Models(one=hello), router="one", budgets=rules) as talk:
        monkeypatch.setattr(talk.app.store, "settle", busy)
        assert await talk.answered("Hi") == "Hello."
        (day,) = await talk.app.store.spent(limits(talk, rules))
        assert day.held_tokens > 1_000


@pytest.mark.proves("budget.settled")
async def test_a_call_that_its_provider_refused_counts_nothing(tmp_path: Path) -> None:
    rules = "person day 90000 tokens"
    async with ModelServer(lambda _: Fail(503)) as server, talking(tmp_path, **served(server, budgets=rules)) as talk:
        await talk.say("Hi there, what is up?")
        assert server.calls == 1
        (day,) = await talk.app.store.spent(limits(talk, rules))
        assert (day.tokens, day.held_tokens) == (0, 0)


@pytest.mark.slow
@pytest.mark.proves("budget.raised")
async def test_in_telegram_an_admin_presses_a_button_in_their_own_chat(tmp_path: Path) -> None:
    async with telegram() as fake:
        ann, boss, chief = (fake.person(name) for name in ("Ann", "Boss", "Chief"))
        (tmp_path / "policy.toml").write_text(admins(f"telegram:{boss.id}", f"telegram:{chief.id}"))
        given: dict[str, Any] = {"router": "one", "budgets": "person day 10 tokens"}
        async with errand_on(fake, tmp_path, model=Models(one=hello), **given):
            for admin in (boss, chief):
                await admin.private_chat().says(admin, "/status")
                await admin.private_chat().shows("turns so far")
            await ann.private_chat().says(ann, "Hi")
            await ann.private_chat().shows("I have asked an admin for more")
            asked = await boss.private_chat().shows("Ann cannot go on")
            also = await chief.private_chat().shows("Ann cannot go on")
            assert await pressed(boss, asked, "allow more") == ""
            await boss.private_chat().shows("Allowed: 5 tokens more.")
            await ann.private_chat().shows("An admin has allowed you 5 tokens more.")
            await fake.until(lambda: asked.buttons == [["✓ allow more"]], words="closed buttons")
            await pressed(chief, also, "no")
            await chief.private_chat().shows("That question is closed already.")
        assert fake.problems == []
