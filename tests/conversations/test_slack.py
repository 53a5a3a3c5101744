"""Errand in Slack, as people see it: through the real Bolt client, against a local Slack."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from orchestrator.models import ChatMessage, ModelReply
from orchestrator.tools.functions import Functions, tool
from tests.conversations.slack_talk import errand_on, pressed
from tests.conversations.test_approvals import Office
from tests.conversations.test_plans import Models, calls
from tests.conversations.test_while_busy import Work
from tests.fakes.slack import Chat, Limits, Person, Slack, slack


@pytest.fixture
async def fake() -> AsyncIterator[Slack]:
    async with slack() as server:
        yield server
    assert server.problems == []


@pytest.fixture
def ann(fake: Slack) -> Person:
    return fake.person("Ann")


@pytest.fixture
def ben(fake: Slack) -> Person:
    return fake.person("Ben")


@pytest.fixture
def team(fake: Slack, ann: Person, ben: Person) -> Chat:
    """A channel with both of them, and the app."""
    return fake.channel("team", ann, ben)


def echo() -> Models:
    return Models(one=lambda messages: ModelReply(f"heard: {messages[-1].text}", ""))


def asks(*fields: Mapping[str, object]) -> Models:
    """A model that asks for these, and then says what it was told."""

    def model(messages: Sequence[ChatMessage]) -> ModelReply:
        if messages[-1].text.startswith("Book"):
            return calls(("ask", {"questions": [dict(field) for field in fields]}))
        return ModelReply(f"heard: {messages[-1].text}", "")

    return Models(one=model)


def answers(chat: Chat) -> list[str]:
    """What the app said, without its buttons."""
    return [shown.text.split("\n[")[0] for shown in chat.from_bot]


# --- answers


@pytest.mark.proves("slack.answer")
async def test_a_message_is_answered_once_in_its_thread(
    fake: Slack, ann: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.slack.pictures.QUICK", 30.0)  # on a busy machine an answer is not at once
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        asked = await ann.says(ann.direct(), "Hello")
        await ann.direct().thread(asked).shows("heard: Hello")
    assert answers(ann.direct()) == ["heard: Hello"]
    assert [call.method for call in fake.log if call.method.startswith("chat.")] == ["chat.postMessage"]


@pytest.mark.proves("slack.answer")
async def test_a_mention_is_two_events_and_one_answer(fake: Slack, ann: Person, team: Chat, tmp_path: Path) -> None:
    async with errand_on(fake, tmp_path, model=echo(), router="one") as app:
        asked = await ann.mentions(team, "hello https://a.example & <here>")
        await team.thread(asked).shows("heard: hello https://a.example & ")
        await app.idle()
    assert len(team.from_bot) == 1
    assert fake.acks[0].kind == fake.acks[1].kind == "events_api"


@pytest.mark.proves("slack.threads")
async def test_all_direct_messages_are_one_conversation_where_that_is_wanted(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    models = Models(one=lambda messages: ModelReply(f"{len(messages)} known", ""))
    async with errand_on(fake, tmp_path, model=models, router="one", slack_direct="one") as app:
        await ann.says(ann.direct(), "One")
        first = await ann.direct().shows("known")
        await ann.says(ann.direct(), "Two")
        await ann.direct().until(lambda chat: len(chat.from_bot) == 2)
        assert [each.session for each in await app.store.sessions()] == [f"slack:{ann.direct().id}"]
    assert first.thread_ts is None
    assert [message.text for message in models.asked[1][1]].count("One") == 1


@pytest.mark.proves("slack.threads")
async def test_two_threads_of_one_person_and_two_people_in_one_thread_are_not_mixed_up(
    fake: Slack, ann: Person, ben: Person, team: Chat, tmp_path: Path
) -> None:
    models = Models(one=lambda messages: ModelReply(f"heard: {messages[-1].text}", ""))
    async with errand_on(fake, tmp_path, model=models, router="one") as app:
        one, two = await ann.mentions(team, "about cats"), await ann.mentions(team, "about dogs")
        for asked in (one, two):
            await team.thread(asked).shows("heard")
        await ben.says(team.thread(one), "and what of mice?")
        await team.thread(one).shows("heard: and what of mice?")
        await app.idle()
    seen = "\n".join(message.text for message in models.asked[-1][1])
    assert "about cats" in seen
    assert "dogs" not in seen
    assert answers(team.thread(two)) == ["heard: about dogs"]


# --- pictures of what runs


@pytest.mark.proves("slack.stream")
async def test_a_plan_runs_in_a_stream_whose_stop_button_stops_it(fake: Slack, ann: Person, tmp_path: Path) -> None:
    work = Work()
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        asked = await ann.says(ann.direct(), '/plan a: look(what="Rome")\nb: look(what="Oslo")')
        thread = ann.direct().thread(asked)
        await work.next_begun()
        shown = await thread.shows("look (Rome)")
        assert shown.is_streaming
        await fake.until(lambda: thread.stoppable, words="a stop button")
        await ann.presses_stop(thread)
        await thread.shows("Stopped.")
        await fake.until(lambda: thread.session == "active", words="an active session")
    assert [each.text for each in thread.from_bot] == ["Stopped."], "the stream has become the answer"
    assert work.done == []


@pytest.mark.proves("slack.stream")
async def test_a_stream_shows_its_tasks_and_becomes_the_answer(fake: Slack, ann: Person, tmp_path: Path) -> None:
    work = Work()
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        asked = await ann.says(ann.direct(), '/plan a: look(what="Rome")\nb: look(what="Oslo")')
        thread = ann.direct().thread(asked)
        shown = await thread.shows("look (Rome)")
        assert shown.stream
        assert {task["status"] for task in shown.stream.tasks.values()} == {"in_progress"}
        assert thread.session == "processing"
        work.may_end.set()
        await thread.shows("done: look Oslo")
        await fake.until(lambda: thread.session == "active" and not thread.status, words="rest")
    assert len(thread.from_bot) == 1
    assert not shown.is_streaming
    assert "✓ look (Rome)" in shown.text


class Growing:
    """A model whose answer grows while one looks."""

    name = "one"

    def __init__(self) -> None:
        self.may_end = asyncio.Event()

    async def reply(self, messages: Sequence[ChatMessage], *, on_text: object = None, **more: object) -> ModelReply:
        assert callable(on_text)
        await on_text("Here is a first line.\nAnd **a")
        await self.may_end.wait()
        return ModelReply("Here is a first line.\nAnd **a second**.", "")


@pytest.mark.proves("slack.stream")
async def test_an_answer_grows_and_ends_without_being_written_anew(fake: Slack, ann: Person, tmp_path: Path) -> None:
    model = Growing()
    async with errand_on(fake, tmp_path, model=lambda name: model, router="one"):
        asked = await ann.says(ann.direct(), "Hello")
        thread = ann.direct().thread(asked)
        shown = await thread.shows("Here is a first line.")
        assert "**" not in shown.text, "what is half written is not shown"
        model.may_end.set()
        await thread.shows("And **a second**.")
    assert not shown.is_streaming
    assert [fake.calls[f"chat.{each}"] for each in ("startStream", "stopStream", "update", "postMessage")] == [
        1,
        1,
        0,
        0,
    ]
    assert shown.buttons == ["Good answer", "Bad answer"]


@pytest.mark.proves("slack.stream_trouble")
async def test_a_stream_that_slack_has_ended_goes_on_in_the_same_message(tmp_path: Path) -> None:
    work = Work()
    async with slack(limits=Limits(stream_seconds=0.5)) as fake:
        ann = fake.person("Ann")
        async with errand_on(fake, tmp_path, toolsets=work.tools):
            asked = await ann.says(ann.direct(), '/plan a: look(what="Rome")\nb: look(what="Oslo") after a')
            thread = ann.direct().thread(asked)
            shown = await thread.shows("look (Rome)")
            await asyncio.sleep(0.6)  # the stream's age is all that counts
            work.may_end.set()
            await thread.shows("done: look Oslo")
        assert [each.ts for each in thread.from_bot] == [shown.ts]
        assert not shown.is_streaming
        assert fake.problems == []


@pytest.mark.slow
@pytest.mark.proves("slack.stream_trouble")
async def test_a_workspace_without_streams_and_sessions_is_asked_once_and_sees_edits(tmp_path: Path) -> None:
    work = Work()
    async with slack(lacking=("streams", "agents", "assistant")) as fake:
        ann = fake.person("Ann")
        async with errand_on(fake, tmp_path, toolsets=work.tools):
            for number in range(2):
                asked = await ann.says(ann.direct(), f'/plan a: look(what="Rome {number}")\nb: look(what="Oslo")')
                thread = ann.direct().thread(asked)
                await thread.shows(f"look (Rome {number})")
                work.may_end.set()
                await thread.shows("done: look Oslo")
                work.may_end.clear()
                assert len(thread.from_bot) == 1
        assert fake.calls["chat.startStream"] == 1
        assert fake.calls["agents.sessions.setStatus"] == 1
        assert fake.problems == []


@pytest.mark.slow
@pytest.mark.proves("slack.channel_picture")
async def test_in_a_channel_one_message_shows_the_plan_and_becomes_the_answer(
    fake: Slack, ann: Person, team: Chat, tmp_path: Path
) -> None:
    work = Work()
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        asked = await ann.mentions(team, '/plan a: look(what="Rome")\nb: look(what="Oslo")')
        thread = team.thread(asked)
        shown = await thread.shows("◐ look (Rome)")
        work.may_end.set()
        await thread.shows("done: look Rome")
    assert [each.ts for each in thread.from_bot] == [shown.ts]
    assert fake.calls["chat.startStream"] == 0, "only one person would see it live"


# --- questions


@pytest.mark.proves("slack.buttons")
async def test_an_approval_is_a_press_and_the_card_says_who_decided(fake: Slack, ann: Person, tmp_path: Path) -> None:
    office = Office()
    async with errand_on(fake, tmp_path, toolsets=office.tools):
        asked = await ann.says(ann.direct(), "/send text=one")
        thread = ann.direct().thread(asked)
        question = await thread.shows("May I run")
        styles = [each.get("style") for block in question.blocks for each in block.get("elements", ())]
        assert styles[:2] == ["primary", "danger"]
        await fake.until(lambda: thread.session == "suspended", words="a suspended session")
        await pressed(ann, question, "yes")
        await thread.shows("done: send one")
        await fake.until(lambda: "✓ yes (@Ann)" in question.text, words="a frozen card")
        assert question.buttons == []
        await fake.until(lambda: thread.session == "active", words="an active session")
    assert office.done == ["send one"]


@pytest.mark.proves("slack.buttons")
async def test_who_is_quicker_than_slack_is_with_us_leaves_a_closed_card_too(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    office = Office()
    hold = fake.faults.hold("chat.postMessage")
    async with errand_on(fake, tmp_path, toolsets=office.tools):
        asked = await ann.says(ann.direct(), "/send text=one")
        thread = ann.direct().thread(asked)
        question = await thread.shows("May I run")
        await pressed(ann, question, "yes")
        hold.release()
        await thread.shows("done: send one")
        await fake.until(lambda: "✓ yes (@Ann)" in question.text, words="a frozen card")


@pytest.mark.proves("slack.buttons")
async def test_an_old_button_says_that_it_is_over(fake: Slack, ann: Person, tmp_path: Path) -> None:
    office = Office()
    async with errand_on(fake, tmp_path, toolsets=office.tools):
        asked = await ann.says(ann.direct(), "/send text=one")
        thread = ann.direct().thread(asked)
        question = await thread.shows("May I run")
        action = question.blocks[-1]["elements"][0]["action_id"]
        await pressed(ann, question, "no")
        await thread.shows("you said no")
        await ann.presses_action(question, action)
        await ann.direct().shows("That question is closed already.")
    assert office.done == []


@pytest.mark.proves("slack.buttons_after_restart")
async def test_a_press_counts_also_in_another_process(fake: Slack, ann: Person, tmp_path: Path) -> None:
    office = Office()
    async with errand_on(fake, tmp_path, toolsets=office.tools):
        asked = await ann.says(ann.direct(), "/send text=one")
        thread = ann.direct().thread(asked)
        question = await thread.shows("May I run")
    async with errand_on(fake, tmp_path, toolsets=office.tools):
        await pressed(ann, question, "yes")
        await thread.shows("done: send one")
    assert office.done == ["send one"]


@pytest.mark.proves("slack.only_the_asked")
async def test_only_the_one_who_was_asked_may_press_or_fill_in(
    fake: Slack, ann: Person, ben: Person, team: Chat, tmp_path: Path
) -> None:
    office = Office()
    async with errand_on(fake, tmp_path, toolsets=office.tools):
        asked = await ann.mentions(team, "/send text=one")
        thread = team.thread(asked)
        question = await thread.shows("May I run")
        await pressed(ben, question, "yes")
        await thread.shows_to(ben, "I asked somebody else that; only they can answer it.")
        assert office.done == []
        await pressed(ann, question, "yes")
        await thread.shows("done: send one")
    assert office.done == ["send one"]


@pytest.mark.proves("slack.only_the_asked")
async def test_another_ones_yes_in_words_is_no_answer(
    fake: Slack, ann: Person, ben: Person, team: Chat, tmp_path: Path
) -> None:
    office = Office()
    async with errand_on(fake, tmp_path, toolsets=office.tools) as app:
        asked = await ann.mentions(team, "/send text=one")
        thread = team.thread(asked)
        await thread.shows("May I run")
        await ben.says(thread, "yes")
        await thread.until(lambda thread: len(thread.from_bot) == 2)
        await app.idle()
    assert office.done == []


@pytest.mark.proves("slack.form")
async def test_several_questions_are_a_dialog_that_says_what_is_missing(
    fake: Slack, ann: Person, ben: Person, team: Chat, tmp_path: Path
) -> None:
    fields = {"text": "Which room?", "choices": ["Blue", "Red"]}, {"text": "For how many?"}
    async with errand_on(fake, tmp_path, model=asks(*fields), router="one"):
        asked = await ann.mentions(team, "Book a room")
        thread = team.thread(asked)
        question = await thread.shows("Which room?")
        await pressed(ben, question, "Answer")
        await thread.shows_to(ben, "I asked somebody else that")
        await pressed(ann, question, "Answer")
        await ann.shows_modal("Your answer")
        refused = await (await ann.submits({"For how many?": "12"})).acked()
        await fake.until(lambda: refused.errors, words="errors in the dialog")
        assert refused.errors == {"In your own words": "Please choose one, or write something."}
        await ann.submits({"Which room?": ["Red"], "For how many?": "12"})
        await thread.shows("heard:")
        await fake.until(lambda: "✓ Red, 12 (@Ann)" in question.text, words="a frozen card")
    assert "Red" in answers(thread)[-1]
    assert "12" in answers(thread)[-1]


@pytest.mark.proves("slack.form")
async def test_a_dialog_that_comes_too_late_is_asked_for_again(fake: Slack, ann: Person, tmp_path: Path) -> None:
    fields = {"text": "Which room?", "choices": ["Blue", "Red"]}, {"text": "For how many?"}
    async with errand_on(fake, tmp_path, model=asks(*fields), router="one"):
        asked = await ann.says(ann.direct(), "Book a room")
        thread = ann.direct().thread(asked)
        question = await thread.shows("Which room?")
        fake.faults.refuse("views.open", "expired_trigger_id")
        await pressed(ann, question, "Answer")
        await thread.shows("Please press it once more.")
        await pressed(ann, question, "Answer")
        await ann.shows_modal("Your answer")


@pytest.mark.proves("slack.form")
async def test_many_choices_are_a_menu(fake: Slack, ann: Person, tmp_path: Path) -> None:
    field = {"text": "Which day?", "choices": [f"Day {number}" for number in range(8)]}
    async with errand_on(fake, tmp_path, model=asks(field), router="one"):
        asked = await ann.says(ann.direct(), "Book a room")
        thread = ann.direct().thread(asked)
        question = await thread.shows("Which day?")
        await ann.chooses(question, "Day 6")
        await thread.shows("heard:")
    assert "Day 6" in answers(thread)[-1]


@pytest.mark.proves("slack.follow")
async def test_an_answer_in_words_needs_no_mention_of_the_one_who_was_asked(
    fake: Slack, ann: Person, ben: Person, team: Chat, tmp_path: Path
) -> None:
    @tool(read_only=True)
    def time(city: str, zone: str) -> str:
        """What time it is."""
        return f"12:00 in {city} ({zone})"

    async with errand_on(fake, tmp_path, toolsets=[Functions([time])]) as app:
        began = await ben.says(team, "who knows the time?")  # a thread of others
        thread = team.thread(began)
        await ann.mentions(thread, "/time city=Rome")
        question = await thread.shows("which **zone**?")
        await ben.says(thread, "CEST I think")
        await ann.says(thread, "CET")
        await thread.shows("12:00 in Rome (CET)")
        await app.idle()
        await fake.until(lambda: "[" not in question.text, words="a closed card")
    assert len(thread.from_bot) == 2


@pytest.mark.proves("slack.follow")
async def test_a_thread_that_began_with_the_app_goes_on_without_mentions_but_not_for_others(
    fake: Slack, ann: Person, ben: Person, team: Chat, tmp_path: Path
) -> None:
    async with errand_on(fake, tmp_path, model=echo(), router="one") as app:
        await ann.says(team, "nothing for you")
        asked = await ann.mentions(team, "Hello")
        thread = team.thread(asked)
        await thread.shows("heard: Hello")
        await ben.says(thread, f"<@{ann.id}> what do you think?")
        await ben.says(thread, "and you?")
        await thread.shows("heard: and you?")
        await app.idle()
    assert answers(team) == ["heard: Hello", "heard: and you?"]


@pytest.mark.proves("slack.follow")
async def test_threads_are_not_followed_where_that_is_not_wanted(
    fake: Slack, ann: Person, team: Chat, tmp_path: Path
) -> None:
    async with errand_on(fake, tmp_path, model=echo(), router="one", slack_follow=False) as app:
        asked = await ann.mentions(team, "Hello")
        await team.thread(asked).shows("heard: Hello")
        await ann.says(team.thread(asked), "and now?")
        await ann.mentions(team.thread(asked), "still there?")
        await team.thread(asked).shows("heard: still there?")
        await app.idle()
    assert len(team.from_bot) == 2


@pytest.mark.proves("slack.context")
async def test_what_was_said_in_a_thread_before_comes_with_the_first_mention_and_only_the_news_with_the_next(
    fake: Slack, ann: Person, ben: Person, team: Chat, tmp_path: Path
) -> None:
    models = echo()
    async with errand_on(fake, tmp_path, model=models, router="one"):
        began = await ben.says(team, "we meet at nine")
        thread = team.thread(began)
        await ann.says(thread, f"<@{ben.id}> or ten?")
        await ann.mentions(thread, "sum it up")
        await thread.shows("heard: sum it up")
        prompt = models.asked[0][1][-1].text
        assert '<said-before-by-others by="Ben">\nwe meet at nine\n' in prompt
        assert '<said-before-by-others by="Ann">\n@Ben or ten?\n' in prompt
        await ben.says(thread, "eleven")
        await ann.mentions(thread, "and now?")
        await thread.shows("heard: and now?")
    again = models.asked[1][1][-1].text
    assert "eleven" in again
    assert "we meet at nine" not in again


# --- slash words and shortcuts


@pytest.mark.proves("slack.slash")
async def test_a_slash_word_answers_its_person_alone_about_their_conversation_here(
    fake: Slack, ann: Person, ben: Person, team: Chat, tmp_path: Path
) -> None:
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        asked = await ann.mentions(team, "Hello")
        await team.thread(asked).shows("heard: Hello")
        await (await ann.runs(team, "/errand why")).acked()
        await team.shows_to(ann, "“Hello”")
        await ben.runs(team, "/errand why")
        await team.shows_to(ben, "There is nothing to explain yet.")
    assert len([each for each in team.from_bot if each.ephemeral_for is None]) == 1


@pytest.mark.proves("slack.slash")
async def test_a_question_by_slash_word_begins_a_thread_and_stop_ends_it(
    fake: Slack, ann: Person, team: Chat, tmp_path: Path
) -> None:
    work = Work()
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        await (await ann.runs(team, "/errand ask /look what=Rome")).acked()
        await work.next_begun()
        (first,) = team.from_bot
        assert "Ann asks:" in first.text
        await ann.runs(team, "/errand stop")
        await team.thread(first).shows("Stopped.")
    assert work.done == []


@pytest.mark.proves("slack.slash")
@pytest.mark.parametrize("question", ["new ideas for lunch?", "why is the sky blue?", "stop words in German?"])
async def test_a_question_that_begins_like_a_slash_word_is_a_question(
    fake: Slack, ann: Person, team: Chat, tmp_path: Path, question: str
) -> None:
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await (await ann.runs(team, f"/errand {question}")).acked()
        await team.until(lambda team: any(f"heard: {question}" in each.text for each in team.from_bot))


@pytest.mark.proves("slack.slash")
async def test_where_the_app_is_not_its_person_is_told_how_to_invite_it(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    closed = fake.channel("closed", ann, bot=False, private=True)
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        acted = await ann.runs(closed, "/errand what is up?")
        await acted.responded("/invite")


@pytest.mark.proves("slack.slash")
async def test_a_slash_word_that_was_acknowledged_survives_a_kill(
    fake: Slack, ann: Person, team: Chat, tmp_path: Path
) -> None:
    hold = fake.faults.drop("chat.postMessage", times=100)
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await (await ann.runs(team, "/errand ask Hello")).acked()
        await asyncio.wait_for(hold.reached.wait(), 20)
    hold.times = 0
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await team.until(lambda team: any("heard: Hello" in each.text for each in team.from_bot))
    assert len(team.from_bot) == 2


@pytest.mark.proves("slack.shortcut")
async def test_a_message_is_asked_about_in_private(
    fake: Slack, ann: Person, ben: Person, team: Chat, tmp_path: Path
) -> None:
    models = echo()
    async with errand_on(fake, tmp_path, model=models, router="one"):
        said = await ben.says(team, "we meet at nine")
        await ann.uses_shortcut(said, "errand_ask_about")
        await ann.shows_modal("Ask about this")
        await ann.submits({"What do you want to know, or to be done?": "When?"})
        await ann.direct().until(lambda chat: len(chat.from_bot) == 2)
        assert '<forwarded by="Ben">\nwe meet at nine\n' in models.asked[0][1][-1].text
    assert team.from_bot == []


# --- what people do to messages


@pytest.mark.proves("slack.edits")
async def test_an_edit_gives_a_waiting_turn_the_new_words_and_an_unfolded_link_is_none(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    work = Work()
    async with errand_on(fake, tmp_path, toolsets=work.tools) as app:
        first = await ann.says(ann.direct(), "/look what=Rome", unfurls=True)
        thread = ann.direct().thread(first)
        await work.next_begun()
        second = await ann.says(thread, "/look what=Oslo")
        await fake.until(lambda: len(fake.acks) >= 3, words="acks")
        await ann.edits(second, "/look what=Paris")
        await fake.until(lambda: len(fake.acks) >= 4, words="the edit's ack")
        work.may_end.set()
        await thread.shows("done: look Paris")
        await app.idle()
    assert work.done == ["look Rome", "look Paris"]


@pytest.mark.proves("slack.edits")
async def test_a_message_that_is_taken_back_while_it_is_worked_on_stops(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    work = Work()
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        asked = await ann.says(ann.direct(), "/look what=Rome")
        await work.next_begun()
        await ann.deletes(asked)
        await ann.direct().thread(asked).shows("Stopped.")
    assert work.done == []


@pytest.mark.proves("slack.others_ignored")
async def test_other_bots_its_own_words_and_notes_of_slack_are_not_answered(
    fake: Slack, ann: Person, team: Chat, tmp_path: Path
) -> None:
    async with errand_on(fake, tmp_path, model=echo(), router="one") as app:
        await fake.other_bot("Deploy").says(team, f"<@{fake.bot_user}> deployed")
        asked = await ann.mentions(team, "Hello")
        await team.thread(asked).shows("heard: Hello")
        await fake.person("Cleo").joins(team)
        await app.idle()
        assert len(await app.store.sessions()) == 1
    assert len(team.from_bot) == 1


@pytest.mark.proves("slack.people")
async def test_strangers_and_who_is_not_named_are_told_so_once(
    fake: Slack, ann: Person, ben: Person, tmp_path: Path
) -> None:
    sara = fake.person("Sara", stranger=True)
    team = fake.channel("shared", ann, ben, sara)
    async with errand_on(fake, tmp_path, model=echo(), router="one", slack_people=ann.id) as app:
        for person in (sara, ben, ben):
            await person.mentions(team, "Hello")
        await team.shows_to(sara, "I may not talk to you.")
        await team.shows_to(ben, f"your id is {ben.id}")
        asked = await ann.mentions(team, "Hello")
        await team.thread(asked).shows("heard: Hello")
        await app.idle()
    assert answers(team) == ["heard: Hello"]


@pytest.mark.proves("slack.people")
async def test_members_come_in_without_being_named_and_strangers_do_not(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    sara = fake.person("Sara", stranger=True)
    team = fake.channel("shared", ann, sara)
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await sara.mentions(team, "Hello")
        await team.shows_to(sara, "I may not talk to you.")
        asked = await ann.mentions(team, "Hello")
        await team.thread(asked).shows("heard: Hello")


@pytest.mark.proves("slack.agent_view")
async def test_who_opens_the_conversation_sees_what_can_be_asked(fake: Slack, ann: Person, tmp_path: Path) -> None:
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        chat = await ann.opens_agent()
        await chat.until(lambda chat: bool(chat.prompts))
        await ann.chooses_prompt(chat, "What can you do?")
        await chat.until(lambda chat: any("Write what you need" in each.text for each in chat.from_bot))


@pytest.mark.proves("slack.feedback")
async def test_feedback_is_kept_with_the_turn(fake: Slack, ann: Person, tmp_path: Path) -> None:
    async with errand_on(fake, tmp_path, model=echo(), router="one") as app:
        asked = await ann.says(ann.direct(), "Hello")
        answer = await ann.direct().thread(asked).shows("heard: Hello")
        await pressed(ann, answer, "Bad answer")
        (turn,) = await app.store.recent_turns(last=1)
        (rated,) = await app.store.rated(turn.turn)
    assert (rated.person, rated.rating) == (ann.id, "bad")
