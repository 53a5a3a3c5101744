"""Chains: who is asked, in which order, and who rests."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from orchestrator.chains import Chain, Member, chain_from
from orchestrator.errors import ModelBusy, ModelError, ModelRefused, NoModelAnswered, SettingsInvalid
from orchestrator.models import ChatMessage, Model, ModelReply, OnCalls, OnText, Scripted, ToolCall
from orchestrator.retries import Retries
from orchestrator.tools.spec import ToolSpec
from storage.records import ModelCall

HELLO = [ChatMessage("user", "hello")]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def model(name: str, *, broken: list[str] | None = None) -> Scripted:
    """A model that answers with its name, as long as its name is not on the list of the broken."""

    def script(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
        if broken and name in broken:
            raise ModelBusy(f"{name} is busy")
        return ModelReply(f"I am {name}", model=name)

    return Scripted(script, name=name)


def chain(*models: Model, clock: Clock | None = None, retries: int = 0, pause_seconds: float = 0.001) -> Chain:
    members = [Member(each, timeout_seconds=1.0) for each in models]
    return Chain(
        "router",
        members,
        retries=Retries(retries, pause_seconds),
        clock=clock or Clock(),
        failures_to_rest=3,
        rest_seconds=30,
    )


async def ask(asked: Chain, notes: list[ModelCall] | None = None) -> str:
    return (await asked.reply(HELLO, note=(notes if notes is not None else []).append)).text


@pytest.mark.proves("chain.order")
async def test_the_first_answers_and_the_next_only_where_it_fails() -> None:
    broken: list[str] = []
    first, second = model("first", broken=broken), model("second")
    asked, notes = chain(first, second), list[ModelCall]()
    assert await ask(asked, notes) == "I am first"
    broken.append("first")
    assert await ask(asked, notes) == "I am second"
    assert [(note.model, note.error) for note in notes] == [
        ("first", None),
        ("first", "first is busy"),
        ("second", None),
    ]


@pytest.mark.proves("chain.order")
async def test_when_all_fail_every_attempt_is_told() -> None:
    asked = chain(model("a", broken=["a"]), model("b", broken=["b"]))
    with pytest.raises(NoModelAnswered) as failed:
        await ask(asked)
    assert [attempt.model for attempt in failed.value.attempts] == ["a", "b"]


@pytest.mark.proves("chain.breaker")
async def test_a_model_that_fails_three_times_rests_and_is_then_tried_once() -> None:
    clock, broken = Clock(), ["first"]
    first, second = model("first", broken=broken), model("second")
    asked = chain(first, second, clock=clock)
    for _ in range(5):
        assert await ask(asked) == "I am second"
    assert first.calls == 3, "it rests"
    clock.now = 31
    assert await ask(asked) == "I am second"
    assert first.calls == 4, "one try"
    clock.now = 40
    await ask(asked)
    assert first.calls == 4, "and it rests again"
    clock.now, broken[:] = 80, []
    assert await ask(asked) == "I am first"
    assert await ask(asked) == "I am first"


async def test_where_all_rest_one_is_asked_all_the_same() -> None:
    broken = ["only"]
    only = model("only", broken=broken)
    asked = chain(only)
    for _ in range(4):
        with pytest.raises(NoModelAnswered):
            await ask(asked)
    broken.clear()
    assert await ask(asked) == "I am only"


@pytest.mark.proves("chain.retries")
async def test_trouble_that_may_pass_is_tried_again_before_the_next_model_is_asked() -> None:
    first, second = model("first", broken=["first"]), model("second")
    notes: list[ModelCall] = []
    assert await ask(chain(first, second, retries=2), notes) == "I am second"
    assert [note.model for note in notes] == ["first", "first", "first", "second"]


@pytest.mark.proves("chain.retries")
async def test_a_refusal_is_not_tried_again() -> None:
    def refuse(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
        raise ModelRefused("no such model")

    first = Scripted(refuse, name="first")
    assert await ask(chain(first, model("second"), retries=2)) == "I am second"
    assert first.calls == 1


@pytest.mark.proves("chain.retries")
async def test_a_pause_that_would_take_longer_than_the_model_has_is_not_made() -> None:
    first = model("first", broken=["first"])
    assert await ask(chain(first, model("second"), retries=2, pause_seconds=60)) == "I am second"
    assert first.calls == 1


@pytest.mark.proves("chain.order")
async def test_a_model_that_calls_a_tool_where_there_is_none_has_not_answered() -> None:
    calls = Scripted(lambda *_: ModelReply("", "first", (ToolCall("c", "ask", {}),)), name="first")
    assert await ask(chain(calls, model("second"))) == "I am second"


@pytest.mark.proves("chain.void_text")
async def test_text_of_a_model_that_fails_halfway_is_taken_back() -> None:
    class Stutters:
        name = "stutters"

        async def reply(
            self,
            messages: Sequence[ChatMessage],
            *,
            tools: Sequence[ToolSpec] = (),
            schema: Mapping[str, Any] | None = None,
            on_text: OnText | None = None,
            on_calls: OnCalls | None = None,
            timeout_seconds: float,
        ) -> ModelReply:
            assert on_text is not None
            await on_text("I am half")
            raise ModelError("it broke off")

    seen: list[str] = []

    async def show(text: str) -> None:
        seen.append(text)

    notes: list[ModelCall] = []
    await chain(Stutters(), model("second")).reply(HELLO, on_text=show, note=notes.append)
    assert seen == ["I am half", "", "I", "I am", "I am second"]


@pytest.mark.proves("chain.options")
def test_a_member_may_have_a_time_of_its_own() -> None:
    made = chain_from("router", "a:one?seconds=5&temperature=0, b:two", model)
    assert made is not None
    assert [member.timeout_seconds for member in made.members] == [5, 15]


@pytest.mark.proves("chain.options")
@pytest.mark.parametrize(
    ("entry", "named"), [("a:one?seconds=soon", "'seconds' must be a number, not 'soon'"), ("a:one?top=1", "'top'")]
)
def test_an_option_that_cannot_be_read_is_named(entry: str, named: str) -> None:
    with pytest.raises(SettingsInvalid, match=named):
        chain_from("router", entry, model)


def test_a_chain_is_read_from_its_setting() -> None:
    made = chain_from("router", " a:one , b:two/three ", model)
    assert made is not None
    assert [(member.model.name, member.timeout_seconds) for member in made.members] == [
        ("a:one", 30),
        ("b:two/three", 15),
    ]
    assert chain_from("router", " , ", model) is None
