"""What is kept of people and their talks: memories, templates, preferences, and old talk summed up."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.messages import Draft, Notice, Question
from orchestrator.models import ChatMessage, ModelReply
from storage.changes import keeping_template
from storage.errors import StorageBusy
from storage.records import Conclusion, Parcel
from tests.conversations.talk import Talk, outgoing, talking
from tests.conversations.test_plans import Models, Weather, plan


def echo_model(**scripts: object) -> Models:
    return Models(one=lambda messages: ModelReply(f"heard {messages[-1].text}", ""))


# --- memories


@pytest.mark.proves("memory.kept")
async def test_memories_are_listed_reach_the_model_and_are_forgotten_by_number(tmp_path: Path) -> None:
    models = echo_model()
    async with talking(tmp_path, model=models, router="one") as talk:
        assert "I keep nothing about you" in await talk.told("/memory")
        await talk.told("/memory add I live in Rome")
        await talk.told("/memory add My cat is called Tom")
    async with talking(tmp_path, model=models, router="one") as talk:
        assert await talk.told("/memory") == (
            "1. I live in Rome\n2. My cat is called Tom\n`/memory forget 1` makes me forget one."
        )
        await talk.answered("hello you there")
        assert "<kept-in-mind>\n- I live in Rome\n" in models.asked[-1][1][0].text
        assert await talk.told("/memory forget 1") == "Forgotten: I live in Rome"
        assert "there are 1" in await talk.told("/memory forget 2")
        await talk.told("/memory forget all")
        assert "I keep nothing about you" in await talk.told("/memory")


@pytest.mark.proves("memory.private")
async def test_memories_of_one_person_are_nobody_elses_in_the_same_chat(tmp_path: Path) -> None:
    models = echo_model()
    async with talking(tmp_path, model=models, router="one") as talk:
        await talk.told("/memory add I live in Rome")
        bob = talk.as_person("bob")
        assert "I keep nothing about you" in await bob.told("/memory")
        await bob.answered("hello you there")
        assert "Rome" not in models.asked[-1][1][0].text


@pytest.mark.proves("memory.bounded")
@pytest.mark.parametrize("rest", ["add", "add " + "x" * 301, "colour"])
async def test_what_cannot_be_kept_is_told_with_the_fix(tmp_path: Path, rest: str) -> None:
    async with talking(tmp_path) as talk:
        told = await talk.told(f"/memory {rest}")
        assert "/memory add" in told or "at most 300" in told


# --- templates


@pytest.mark.proves("template.saved")
async def test_a_good_turn_becomes_a_template_with_its_values_as_defaults(tmp_path: Path) -> None:
    weather = Weather()
    models = Models(one=lambda _: plan('a: weather(place="Rome")', "b: almanac(place=${a})", answer="{{b}}"))
    async with talking(tmp_path, toolsets=[weather.functions], model=models, router="one") as talk:
        await talk.answered("how will it be in Rome?")
        assert await talk.told("/save forecast") == "Saved, for everybody here. Run it with: /run forecast place=Rome"
    async with talking(tmp_path, toolsets=[weather.functions]) as talk:
        assert await talk.answered("/run forecast") == "mostly dry in sunny in Rome"
        assert await talk.answered("/run forecast place=Oslo") == "mostly dry in sunny in Oslo"
        assert "- `/run forecast place=Rome`" in await talk.told("/templates")
        assert "Forgotten: forecast" in await talk.told("/templates forget forecast")
        assert "There is no template 'forecast'; there are: none." in await talk.told("/run forecast")


@pytest.mark.proves("template.saved")
async def test_the_parameters_can_be_chosen(tmp_path: Path) -> None:
    written = 'a: weather(place="Rome")\nb: almanac(place="Rome")'
    async with talking(tmp_path, toolsets=[Weather().functions]) as talk:
        await talk.answered(f"/plan {written}")
        assert (
            await talk.told("/save both")
            == "Saved, for everybody here. Run it with: /run both a_place=Rome b_place=Rome"
        )
        assert (
            await talk.told("/save one t1 city=a.place") == "Saved, for everybody here. Run it with: /run one city=Rome"
        )
        assert "sunny in Oslo" in await talk.answered("/run one city=Oslo")
        assert "no parameter 'town'; there are: city" in await talk.told("/run one town=Oslo")
        assert "'c.place' is no argument of that plan; there are: a.place, b.place" in await talk.told(
            "/save two t1 city=c.place"
        )


@pytest.mark.proves("template.asks")
async def test_what_a_template_needs_and_nobody_said_is_asked_for_and_a_risky_step_asks_for_itself(
    tmp_path: Path,
) -> None:
    sent, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools]) as talk:
        body = '{"steps": [{"id": "a", "tool": "send", "arguments": {"text": "{{words}}"}}]}'
        await talk.app.store.change(keeping_template("greet", body, made_by="fake:ann"))
        assert "/run greet words=..." in await talk.told("/templates")
        assert "which **text**?" in (await talk.asked("/run greet")).text
        assert "May I run `send`: text = `hello`?" in (await talk.asked("hello")).text
        await talk.answered("yes")
    assert sent == ["hello"]


@pytest.mark.proves("template.checked")
async def test_a_template_is_checked_against_todays_tools(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        body = '{"steps": [{"id": "a", "tool": "gone", "arguments": {}}]}'
        await talk.app.store.change(keeping_template("old", body, made_by="fake:ann"))
        assert "'gone', which does not exist" in await talk.told("/run old")
        assert "That turn had no plan" in await talk.told("/save x")
        assert "small letters" in await talk.told("/save X!")
        assert "open parameter 'city'" in await talk.told('/plan a: gone(place="{{city}}")')


# --- how people want to be spoken to


@pytest.mark.proves("verbosity")
async def test_how_much_is_shown_is_each_persons_own_choice(tmp_path: Path) -> None:
    models = Models(one=lambda _: plan('a: weather(place="Rome")', answer="{{a}}"))
    async with talking(tmp_path, toolsets=[Weather().functions], model=models, router="one") as talk:
        await talk.told("/verbose quiet")
        turn = await talk.send("weather in Rome")
        await talk.outcome(turn)
        assert all(isinstance(part, Draft) for each, part in talk.channel.live if each == turn)
        await talk.told("/verbose full")
        full = await talk.answered("weather in Rome")
        assert full.endswith("*the model planned steps that build on each other; used: weather*")
        assert "used:" not in await talk.as_person("bob").answered("weather in Rome")
        assert "quiet, normal, full" in await talk.told("/verbose loud")


@pytest.mark.proves("language")
async def test_a_person_is_spoken_to_in_the_language_of_their_choice(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools]) as talk:
        assert await talk.told("/language deutsch") == "Ab jetzt spreche ich Deutsch."
        assert "Darf ich `send` ausführen: text = `hallo`?" in (await talk.asked("/send text=hallo")).text
        assert "sent it" in await talk.answered("ja")
        assert "hier ist keine Frage offen" in await talk.told("/status")
    async with talking(tmp_path, toolsets=[tools]) as talk:
        question = await talk.asked("/send text=hallo")
        assert question.fields[0].choices == ("ja", "nein", "ja, in diesem Gespräch", "immer")
        await talk.answered("immer")
        assert "`send`, überall" in await talk.told("/allow")
        assert isinstance(await talk.as_person("bob").say("/send text=x"), Question)
        assert await talk.as_person("bob").told("/language klingon") == "I speak: English (en), Deutsch (de)."
    assert sent == ["hallo", "hallo"]


@pytest.mark.proves("language")
async def test_the_language_of_the_house_is_a_setting(tmp_path: Path) -> None:
    async with talking(tmp_path, language="de") as talk:
        part = await talk.say("/nothing")
        assert isinstance(part, Notice)
        assert "Den Befehl /nothing kenne ich nicht." in part.text


# --- long talks


class Listener:
    """A model that answers, and one that sums up."""

    def __init__(self) -> None:
        self.models = Models(one=self._answer)
        self.summaries = 0

    def asked(self, instructions: str, *, place: int) -> list[str]:
        """The message at this place of every call with these instructions."""
        mine = (messages for _, messages, _ in self.models.asked if messages[0].text.startswith(instructions))
        return [messages[place].text for messages in mine]

    def _answer(self, messages: Sequence[ChatMessage]) -> ModelReply:
        if messages[0].text.startswith("You keep the memory"):
            self.summaries += 1
            return ModelReply(f"summary {self.summaries}", "")
        return ModelReply("I see.", "")


@pytest.mark.proves("summary.made")
async def test_what_leaves_the_history_is_summed_up_once_and_shown_to_the_model(tmp_path: Path) -> None:
    listener = Listener()
    async with talking(tmp_path, model=listener.models, router="one", history_messages=4) as talk:
        for number in range(5):
            await talk.answered(f"this is thing {number}")
            await talk.app.idle()
        assert listener.summaries == 4
        summed_up = [
            messages[1].text for name, messages, _ in listener.models.asked if "keep the memory" in messages[0].text
        ]
        assert "thing 0" in summed_up[0]
        assert "Summary so far:\nsummary 1" in summed_up[1]
        assert "thing 0" not in summed_up[1], "no turn is summed up twice"
    async with talking(tmp_path, model=listener.models, router="one", history_messages=4) as talk:
        await talk.answered("and now?")
        system = [messages[0].text for _, messages, _ in listener.models.asked if "You are Errand" in messages[0].text][
            -1
        ]
        assert "<said-before>\nsummary 4\n</said-before>" in system
        await talk.told("/new")
        await talk.answered("and now again?")
        assert "<said-before>\n" not in listener.models.asked[-1][1][0].text


@pytest.mark.proves("summary.never_in_the_way")
async def test_a_summary_that_fails_harms_no_answer(tmp_path: Path) -> None:
    def script(messages: Sequence[ChatMessage]) -> ModelReply:
        from orchestrator.errors import ModelRefused

        if messages[0].text.startswith("You keep the memory"):
            raise ModelRefused("no")
        return ModelReply("I see.", "")

    async with talking(tmp_path, model=Models(one=script), router="one", history_messages=2) as talk:
        for number in range(4):
            assert await talk.answered(f"this is thing {number}") == "I see."


async def test_a_short_talk_is_not_summed_up(tmp_path: Path) -> None:
    listener = Listener()
    async with talking(tmp_path, model=listener.models, router="one") as talk:
        for number in range(4):
            await talk.answered(f"this is thing {number}")
        await talk.app.idle()
    assert listener.summaries == 0


async def test_help_names_every_word(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        told = await talk.told("/help")
        for word in (
            "/why",
            "/plan",
            "/allow",
            "/memory",
            "/verbose",
            "/language",
            "/save",
            "/run",
            "/templates",
            "/new",
        ):
            assert f"`{word}" in told


# --- what belongs to one


@pytest.mark.proves("template.made_by")
async def test_a_template_is_its_makers_to_change_and_shows_the_makers_values_to_nobody_else(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools]) as talk:
        await talk.asked("/send text='the secret is 4711'")
        await talk.answered("yes")
        await talk.told("/save pay")
        bob = Talk(talk.app, talk.channel, chat="2", person="bob")
        assert await bob.told("/templates") == "- `/run pay text=...`"
        assert "which **text**?" in (await bob.asked("/run pay")).text
        await bob.say("no")
        await bob.asked("/send text=other")
        await bob.answered("yes")
        for words in ("/save pay", "/templates forget pay"):
            assert "somebody else's template" in await bob.told(words)
        assert "4711" in (await talk.asked("/run pay")).text
        await talk.say("no")
    assert sent == ["the secret is 4711", "other"]


@pytest.mark.proves("memory.kept", "command.once")
async def test_a_command_changes_things_once_also_where_the_database_refuses_the_end_of_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talking(tmp_path) as talk:
        finish, refusals = talk.app.store.finish, [StorageBusy()]

        async def once_busy(*conclusions: Conclusion) -> list[Parcel]:
            if refusals:
                raise refusals.pop()
            return await finish(*conclusions)

        monkeypatch.setattr(talk.app.store, "finish", once_busy)
        await talk.told("/memory add one")
        assert (await talk.told("/memory")).startswith("1. one\n`/memory forget")


@pytest.mark.proves("guard.grounding")
async def test_what_is_kept_in_mind_may_fill_an_argument(tmp_path: Path) -> None:
    _, tools = outgoing()
    models = Models(one=lambda _: plan('a: send(text="anna@rome.example")'))
    async with talking(tmp_path, toolsets=[tools], model=models, router="one") as talk:
        await talk.told("/memory add my sister's address is anna@rome.example")
        assert "May I run `send`: text = `anna@rome.example`?" in (await talk.asked("write to my sister")).text
