"""Yeses: once, in one conversation, or for good; to whole plans, which can be changed before anything runs."""

import json
from pathlib import Path

import pytest

from orchestrator.messages import Question
from orchestrator.tools.functions import Functions, IdempotencyKey, tool
from tests.conversations.talk import Talk, talking
from tests.conversations.test_plans import Models
from tests.conversations.test_plans import plan as planned


class Office:
    """`look(what)`, which changes nothing, `send(text)`, which does, `erase(what)`, which destroys, and `buy(what)`."""

    def __init__(self) -> None:
        self.done: list[str] = []

        @tool(read_only=True)
        def look(what: str) -> str:
            """Look something up."""
            return self._did(f"look {what}")

        @tool
        def send(text: str) -> str:
            """Send."""
            return self._did(f"send {text}")

        @tool(destructive=True)
        def erase(what: str) -> str:
            """Erase for good."""
            return self._did(f"erase {what}")

        @tool(read_only=True, cost_usd=0.05)
        def search(what: str) -> str:
            """Search where it costs."""
            return self._did(f"search {what}")

        self.tools = [Functions([look, send, erase, search])]

    def _did(self, what: str) -> str:
        self.done.append(what)
        return f"done: {what}"


def plan(*lines: str) -> str:
    return "/plan " + "\n".join(lines)


SEVERAL = plan('a: look(what="x")', 'b: send(text="one")', 'c: send(text="two")', 'd: send(text="${a}")')


# --- standing yeses


@pytest.mark.proves("approval.session")
async def test_a_yes_for_the_conversation_holds_there_and_nowhere_else_over_a_restart(tmp_path: Path) -> None:
    office = Office()
    async with talking(tmp_path, toolsets=office.tools) as talk:
        assert "yes, in this conversation" in (await talk.asked("/send text=one")).fields[0].choices
        await talk.answered("yes, in this conversation")
    async with talking(tmp_path, toolsets=office.tools) as talk:
        await talk.answered("/send text=two")
        elsewhere = Talk(talk.app, talk.channel, chat="2")
        assert isinstance(await elsewhere.say("/send text=three"), Question)
        assert isinstance(await talk.as_person("bob").say("/send text=four"), Question), "it is ann's yes alone"
    assert office.done == ["send one", "send two"]


@pytest.mark.proves("approval.always", "approval.revoked")
async def test_a_yes_for_good_holds_everywhere_until_it_is_taken_back(tmp_path: Path) -> None:
    office = Office()
    async with talking(tmp_path, toolsets=office.tools) as talk:
        assert "nothing that I may do without asking" in await talk.told("/allow")
        await talk.asked("/send text=one")
        await talk.answered("always")
        elsewhere = Talk(talk.app, talk.channel, chat="2")
        await elsewhere.answered("/send text=two")
        assert [step["granted"] for step in (await _facts(talk, "t4"))["steps"]] == [True]
        assert "by a standing yes" in await elsewhere.told("/why t4")
        assert "1. `send`, everywhere" in await talk.told("/allow")
        assert "/allow revoke 2" in await talk.told("/allow revoke 7")
        assert "I ask again before: send" in await talk.told("/allow revoke 1")
        assert isinstance(await elsewhere.say("/send text=three"), Question)
    assert office.done == ["send one", "send two"]


@pytest.mark.proves("approval.destructive")
async def test_a_destructive_tool_wants_a_yes_each_time(tmp_path: Path) -> None:
    office = Office()
    async with talking(tmp_path, toolsets=office.tools) as talk:
        question = await talk.asked("/erase what=all")
        assert question.fields[0].choices == ("yes", "no")
        await talk.say("always")
        assert office.done == [], "that was no yes"
        await talk.answered("yes")
        assert isinstance(await talk.say("/erase what=more"), Question)
    assert office.done == ["erase all"]


@pytest.mark.proves("approval.cost")
async def test_a_call_that_costs_asks_unless_the_setting_lets_it_pass(tmp_path: Path) -> None:
    office = Office()
    async with talking(tmp_path, toolsets=office.tools) as talk:
        assert "It costs about $0.05." in (await talk.asked("/search what=x")).text
    async with talking(tmp_path / "other", toolsets=office.tools, free_cost_usd=0.1) as talk:
        await talk.answered("/search what=x")
    assert office.done == ["search x"]


@pytest.mark.proves("approval.threshold")
async def test_a_doubted_step_asks_by_the_threshold_of_the_settings(tmp_path: Path) -> None:
    office = Office()
    doubted = plan('a: look(what="x") sure 0.5')
    async with talking(tmp_path, toolsets=office.tools) as talk:
        assert "I am not sure that you mean this." in (await talk.asked(doubted)).text
        (threshold,) = (await _facts(talk, "t1"))["thresholds"]
        assert (threshold["limit"], threshold["value"]) == (0.6, 0.5)
    async with talking(tmp_path / "other", toolsets=office.tools, sure_enough=0.4) as talk:
        await talk.answered(doubted)


# --- reviews


@pytest.mark.proves("review.many_questions")
async def test_a_plan_with_many_questions_is_shown_as_a_whole_before_anything_runs(tmp_path: Path) -> None:
    office = Office()
    async with talking(tmp_path, toolsets=office.tools) as talk:
        question = await talk.asked(SEVERAL)
        assert "This is my plan:" in question.text
        assert "2. `send` text = `one` *(may change something)*" in question.text
        assert office.done == []
        assert "1. look (x): to come" in await talk.told("/plan")
        asked = await talk.asked("go")
        assert "text = `done: look x`" in asked.text, "what was not known then asks for itself"
        assert sorted(office.done) == ["look x", "send one", "send two"]
        await talk.answered("yes")
    assert office.done[-1] == "send done: look x"


@pytest.mark.proves("review.declined")
async def test_a_no_to_a_plan_runs_nothing_of_it(tmp_path: Path) -> None:
    office = Office()
    async with talking(tmp_path, toolsets=office.tools) as talk:
        await talk.asked(SEVERAL)
        assert "you said no" in await talk.answered("no")
    assert office.done == []


@pytest.mark.proves("review.edited")
async def test_a_plan_is_changed_in_words_and_survives_a_restart_in_between(tmp_path: Path) -> None:
    office = Office()
    async with talking(tmp_path, toolsets=office.tools, review="always") as talk:
        await talk.asked(plan('a: look(what="x")', 'b: send(text="one")', 'c: send(text="two")'))
        changed = await talk.asked("2.text=another; drop 3")
        assert "`send` text = `another`" in changed.text
        assert "two" not in changed.text
    async with talking(tmp_path, toolsets=office.tools, review="always") as talk:
        moved = await talk.asked("move 2 before 1")
        assert moved.text.index("send") < moved.text.index("look")
        versions = await talk.app.store.plan_versions("t1")
        assert [each.why for each in versions] == [
            "planned",
            "you changed text of 2; you dropped 3",
            "you moved 2 before 1",
        ]
        await talk.answered("go")
    assert office.done == ["send another", "look x"]


@pytest.mark.proves("review.edited")
@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ("drop 1", "“send (${a})” needs the result of “look (x)”: drop both, or neither"),
        ("drop 1 and 2", "Nothing would be left of the plan"),
        ("drop 7", "There is no step 7; the plan has 2."),
        ("move 2 before 1", "needs the result of “look (x)”"),
        ("2.colour=red", "there is no argument 'colour', only 'text'"),
    ],
)
async def test_a_change_that_cannot_be_is_refused_with_the_reason_and_the_plan_stays(
    tmp_path: Path, edit: str, told: str
) -> None:
    office = Office()
    async with talking(tmp_path, toolsets=office.tools, review="always") as talk:
        await talk.asked(plan('a: look(what="x")', "b: send(text=${a})"))
        assert told.replace("${a}", "‹a›") in await talk.told(edit)
        assert "1. look (x)" in await talk.told("/plan")
    assert office.done == []


@pytest.mark.proves("review.edited", "approval.asked")
async def test_words_that_were_changed_are_asked_for_anew(tmp_path: Path) -> None:
    office = Office()
    async with talking(tmp_path, toolsets=office.tools) as talk:
        await talk.asked(plan('a: look(what="x")', 'b: send(text="one")'))
        assert "Step 1 has run already." in await talk.told("drop 1")
        assert "text = `two`" in (await talk.asked("set 2 text = two")).text
        await talk.answered("yes")
    assert office.done == ["look x", "send two"]


@pytest.mark.proves("review.confidence")
async def test_a_plan_that_is_doubted_says_how_sure_it_is(tmp_path: Path) -> None:
    from tests.conversations.test_plans import Models
    from tests.conversations.test_plans import plan as planned

    models = Models(one=lambda _: planned('a: look(what="x") sure 0.7'))
    async with talking(tmp_path, toolsets=Office().tools, model=models, router="one", review="always") as talk:
        assert "I am only 70 % sure of it." in (await talk.asked("look at x")).text


# --- who, and which


@pytest.mark.proves("approval.person")
async def test_only_the_one_who_was_asked_may_agree_or_change(tmp_path: Path) -> None:
    office = Office()
    async with talking(tmp_path, toolsets=office.tools) as talk:
        await talk.asked("/send text=one")
        for words in ("yes", "always", "1.text=two"):
            assert "I asked somebody else that" in await talk.as_person("bob").told(words)
        await talk.answered("yes")
    assert office.done == ["send one"]


@pytest.mark.proves("approval.person")
async def test_a_press_of_somebody_else_is_no_answer_to_what_a_model_asked(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from orchestrator.messages import Choice, Person
    from tests.conversations.test_plans import Models, calls

    models = Models(one=lambda _: calls(("ask", {"questions": [{"text": "Which one?", "choices": ["a", "b"]}]})))
    async with talking(tmp_path, model=models, router="one") as talk:
        question = await talk.asked("do it")
        bob, now = Person(id="bob"), datetime.now(UTC)
        press = Choice(event_id="p1", address=talk.address, person=bob, sent_at=now, question=question.id, value="a")
        receipt = await talk.channel.push(press)
        assert receipt.turn is not None
        assert "I asked somebody else that" in (await talk.outcome(receipt.turn)).text
        assert "a question of mine is open" in await talk.told("/status")


@pytest.mark.proves("clarify.stays_open")
async def test_words_that_could_not_be_worked_on_close_no_question_of_a_model(tmp_path: Path) -> None:
    from tests.conversations.test_plans import Models, calls

    models = Models(one=lambda _: calls(("ask", {"questions": [{"text": "Which one?"}]})))
    async with talking(tmp_path, model=models, router="one", message_characters=30) as talk:
        await talk.asked("do it")
        await talk.say("   ")
        await talk.say("x" * 40)
        assert "a question of mine is open" in await talk.told("/status")


async def _facts(talk: Talk, turn: str) -> dict[str, list[dict[str, object]]]:
    record = await talk.app.store.turn(turn)
    assert record is not None
    facts: dict[str, list[dict[str, object]]] = json.loads(record.dossier)
    return facts


@pytest.mark.proves("approval.always")
async def test_a_yes_for_good_holds_for_the_steps_behind_it_in_the_same_plan(tmp_path: Path) -> None:
    office = Office()
    async with talking(tmp_path, toolsets=office.tools) as talk:
        await talk.asked(plan('a: send(text="one")', 'b: send(text="${a}")'))
        await talk.answered("always")
    assert office.done == ["send one", "send done: send one"]


@pytest.mark.proves("review.seen")
async def test_a_go_agrees_to_nothing_that_the_list_did_not_show_to_its_end(tmp_path: Path) -> None:
    office = Office()
    words = "x" * 300 + "the end"
    async with talking(tmp_path, toolsets=office.tools, review="always") as talk:
        assert "the end" not in (await talk.asked(plan(f'a: send(text="{words}")'))).text
        assert "the end" in (await talk.asked("go")).text
        assert office.done == []
        await talk.answered("yes")
    assert office.done == [f"send {words}"]


@pytest.mark.proves("approval.cost")
async def test_a_fallback_that_costs_is_not_tried_without_a_yes(tmp_path: Path) -> None:
    office = Office()

    @tool(read_only=True)
    def broken(what: str) -> str:
        """Fail."""
        raise ValueError("broken")

    async with talking(tmp_path, toolsets=[*office.tools, Functions([broken])]) as talk:
        assert "broken" in await talk.answered(plan('a: broken(what="x") or search'))
    assert office.done == []


@pytest.mark.proves("review.always")
async def test_where_every_plan_is_reviewed_a_new_one_after_a_failure_is_too(tmp_path: Path) -> None:
    office = Office()

    @tool(read_only=True)
    def broken(what: str) -> str:
        """Fail."""
        raise ValueError("broken")

    plans = [planned('a: broken(what="x")'), planned('b: look(what="x")', answer="{{b}}")]
    tools = [*office.tools, Functions([broken])]
    models = Models(one=lambda _: plans.pop(0))
    async with talking(tmp_path, toolsets=tools, model=models, router="one", review="always") as talk:
        await talk.asked("look at x")
        assert "`look` what = `x`" in (await talk.asked("go")).text
        assert office.done == []
        assert await talk.answered("go") == "done: look x"


@pytest.mark.proves("plan.continued")
async def test_no_step_gets_the_key_of_another_one_over_several_new_plans(tmp_path: Path) -> None:
    keys: list[tuple[str, str]] = []

    @tool
    def send(text: str, key: IdempotencyKey) -> str:
        """Send."""
        keys.append((key, text))
        if text != "three":
            raise ValueError("no")
        return "ok"

    plans = [planned(f'b: send(text="{text}")') for text in ("one", "two", "three")]
    models = Models(one=lambda _: plans.pop(0))
    async with talking(tmp_path, toolsets=[Functions([send])], model=models, router="one", replans=3) as talk:
        await talk.asked("send one two three")
        await talk.asked("yes")
        await talk.asked("yes")
        await talk.answered("yes")
    assert [text for _, text in keys] == ["one", "two", "three"]
    assert len(set(dict(keys))) == 3
