"""Where people, restarts and Slack's answers meet at a bad moment."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import pytest

from adapters.base import FileRefused
from adapters.slack.files import Files
from orchestrator.messages import Attachment
from orchestrator.tools.functions import Functions, tool
from storage.errors import StorageBusy
from tests.conversations.slack_talk import errand_on, pressed
from tests.conversations.test_approvals import Office
from tests.conversations.test_slack import answers, echo
from tests.conversations.test_slack_trouble import office
from tests.conversations.test_while_busy import Work
from tests.fakes.slack import Chat, Person, Slack, slack


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


# --- slash words


@pytest.mark.proves("slack.slash")
async def test_a_database_that_is_busy_when_a_conversation_has_begun_ends_nothing(
    fake: Slack, ann: Person, team: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with errand_on(fake, tmp_path, model=echo(), router="one") as app:
        note, refusals = app.store.note, [StorageBusy()]

        async def busy_at_first(channel: str, written: Mapping[str, str | None]) -> None:
            if refusals and any(key.startswith("begin/") and value is None for key, value in written.items()):
                raise refusals.pop()
            await note(channel, written)

        monkeypatch.setattr(app.store, "note", busy_at_first)
        await (await ann.runs(team, "/errand ask Hello")).acked()
        await team.until(lambda team: any("heard: Hello" in each.text for each in team.from_bot))
        asked = await ann.mentions(team, "Still there?")
        await team.thread(asked).shows("heard: Still there?")
    assert refusals == []
    assert len(team.from_bot) == 3, "it is begun once"


@pytest.mark.slow
@pytest.mark.proves("slack.slash")
async def test_a_plan_by_slash_word_runs_in_a_thread_where_it_can_ask_and_bring_files(
    fake: Slack, ann: Person, team: Chat, tmp_path: Path
) -> None:
    desk = Office()
    async with errand_on(fake, tmp_path, toolsets=[*desk.tools, *office()]):
        await (await ann.runs(team, '/errand plan a: send(text="one")')).acked()
        question = await team.shows("May I run")
        await pressed(ann, question, "yes")
        await team.shows("done: send one")
        await (await ann.runs(team, '/errand plan a: chart(title="Rain")')).acked()
        await team.until(lambda team: any(each.files for each in team.from_bot))


@pytest.mark.proves("slack.slash")
async def test_a_slash_word_is_answered_also_where_the_app_is_not(fake: Slack, ann: Person, tmp_path: Path) -> None:
    closed = fake.channel("closed", ann, bot=False, private=True)
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        acted = await ann.runs(closed, "/errand help")
        shown = await acted.responded("Write what you need")
    assert shown.ephemeral_for == ann.id


@pytest.mark.proves("slack.gone")
@pytest.mark.parametrize("error", ["thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked"])
async def test_a_thread_that_takes_no_answer_any_more_holds_nothing_up(
    fake: Slack, ann: Person, team: Chat, tmp_path: Path, error: str
) -> None:
    fault = fake.faults.refuse("chat.postMessage", error, times=99, contains="heard: Hello")
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        asked = await ann.mentions(team, "Hello")
        await asyncio.wait_for(fault.reached.wait(), 20)
        await ann.says(team.thread(asked), "Again")
        await team.thread(asked).shows("heard: Again")
    assert fault.times == 98


@pytest.mark.slow
@pytest.mark.proves("slack.slash")
async def test_a_slash_word_that_is_told_to_have_failed_is_not_carried_out_all_the_same(
    fake: Slack, ann: Person, team: Chat, tmp_path: Path
) -> None:
    slow = fake.faults.slow("users.info", 3.2)
    async with errand_on(fake, tmp_path, model=echo(), router="one") as app:
        acted = await ann.runs(team, "/errand hello")
        await team.shows_to(ann, "Something went wrong on my side.")
        await acted.failed()
        await app.idle()
        assert slow.reached.is_set()
        assert await app.store.sessions() == []
    assert [problem for problem in fake.problems if "acknowledge" not in problem] == []
    fake.problems.clear()


@pytest.mark.proves("slack.shortcut")
@pytest.mark.parametrize("text", ["こんにちは" * 600, '"\n' * 1_700, "short"], ids=["japanese", "quotes", "short"])
async def test_a_message_of_any_length_and_script_can_be_asked_about(
    fake: Slack, ann: Person, team: Chat, tmp_path: Path, text: str
) -> None:
    models = echo()
    async with errand_on(fake, tmp_path, model=models, router="one"):
        said = await ann.says(team, text)
        await ann.uses_shortcut(said, "errand_ask_about")
        await ann.shows_modal("Ask about this")
        await ann.submits({"What do you want to know, or to be done?": "What is it?"})
        await ann.direct().until(lambda chat: len(chat.from_bot) == 2)
    assert text[:1_000].strip() in models.asked[0][1][-1].text


@pytest.mark.proves("slack.threads")
async def test_a_slash_word_is_about_the_one_long_conversation_again_once_it_went_on(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    direct = ann.direct()
    async with errand_on(fake, tmp_path, model=echo(), router="one", slack_direct="one"):
        first = await ann.says(direct, "One")
        await direct.shows("heard: One")
        await ann.says(direct.thread(first), "Aside")
        await direct.thread(first).shows("heard: Aside")
        await ann.says(direct, "Two")
        await direct.shows("heard: Two")
        await ann.runs(direct, "/errand why")
        await direct.shows("“Two”")


# --- who may


@pytest.mark.proves("slack.people")
async def test_somebody_of_another_workspace_stays_a_stranger_where_a_channel_is_shared(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    sara = fake.person("Sara", stranger=True)
    sara.user.is_stranger = False  # as Slack has it of all with whom a channel is shared
    team = fake.channel("shared", ann, sara)
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await sara.mentions(team, "Hello")
        await team.shows_to(sara, "I may not talk to you.")
        asked = await ann.mentions(team, "Hello")
        await team.thread(asked).shows("heard: Hello")
    assert answers(team) == ["heard: Hello"]


@pytest.mark.proves("slack.people")
async def test_where_nobody_knows_who_somebody_is_only_who_is_named_comes_in(tmp_path: Path) -> None:
    scopes = {"app_mentions:read", "chat:write", "channels:history", "im:history"}
    async with slack(scopes=scopes) as fake:
        ann, ben = fake.person("Ann"), fake.person("Ben")
        team = fake.channel("team", ann, ben)
        async with errand_on(fake, tmp_path, model=echo(), router="one"):
            await ann.mentions(team, "Hello")
            await team.shows_to(ann, "I may not talk to you.")
        async with errand_on(fake, tmp_path, model=echo(), router="one", slack_people=ben.id):
            asked = await ben.mentions(team, "Hello")
            await team.thread(asked).shows("heard: Hello")
    assert answers(team) == ["heard: Hello"]


# --- questions


@pytest.mark.proves("slack.follow")
async def test_the_next_question_in_a_thread_of_others_needs_no_mention_either(
    fake: Slack, ann: Person, ben: Person, team: Chat, tmp_path: Path
) -> None:
    @tool
    def book(city: str, day: str) -> str:
        """Book."""
        return f"booked {city} on {day}"

    async with errand_on(fake, tmp_path, toolsets=[Functions([book])]) as app:
        thread = team.thread(await ben.says(team, "who books?"))
        await ann.mentions(thread, "/book city=Rome")
        await thread.shows("which **day**?")
        await ann.says(thread, "Monday")
        await thread.shows("May I run")
        await app.idle()
        await ann.says(thread, "yes")
        await thread.shows("booked Rome on Monday")


@pytest.mark.proves("slack.buttons_after_restart")
async def test_a_session_that_waited_for_an_answer_is_active_after_it_in_another_process_too(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    desk = Office()
    async with errand_on(fake, tmp_path, toolsets=desk.tools):
        thread = ann.direct().thread(await ann.says(ann.direct(), "/send text=one"))
        question = await thread.shows("May I run")
        await fake.until(lambda: thread.session == "suspended", words="a suspended session")
    async with errand_on(fake, tmp_path, toolsets=desk.tools):
        await pressed(ann, question, "yes")
        await thread.shows("done: send one")
        await fake.until(lambda: thread.session == "active", words="an active session")


# --- pictures, and the answers that take their place


@pytest.mark.slow
@pytest.mark.proves("slack.form_refused")
async def test_a_long_answer_whose_form_is_refused_takes_the_place_of_its_picture_all_the_same(
    fake: Slack, ann: Person, team: Chat, tmp_path: Path
) -> None:
    may_end = asyncio.Event()

    @tool(read_only=True)
    async def look(what: str) -> str:
        """Look something up."""
        await may_end.wait()
        return "word " * 1_500

    fake.faults.refuse("chat.update", "invalid_blocks", contains="word word")
    async with errand_on(fake, tmp_path, toolsets=[Functions([look])]):
        thread = team.thread(await ann.mentions(team, '/plan a: look(what="Rome")'))
        await thread.shows("look (Rome)")
        may_end.set()
        await thread.shows("word word")
        await thread.until(lambda thread: len(thread.from_bot) == 1)


@pytest.mark.proves("slack.stream_trouble")
async def test_a_picture_that_begins_after_the_answer_goes_away(
    fake: Slack, ann: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.running.LAST_WAIT", 0.2)
    work = Work()
    late = fake.faults.hold("chat.startStream")
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        thread = ann.direct().thread(await ann.says(ann.direct(), '/plan a: look(what="Rome")\nb: look(what="Oslo")'))
        await asyncio.wait_for(late.reached.wait(), 20)
        work.may_end.set()
        await thread.shows("done: look Oslo")
        late.release()
        await thread.until(lambda thread: len(thread.from_bot) == 1)
    assert "done: look Oslo" in answers(thread)[0]


@pytest.mark.proves("slack.killed")
async def test_what_a_dead_process_has_left_is_shown_once_and_nothing_is_kept_of_it(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    work = Work()
    async with errand_on(fake, tmp_path, toolsets=work.tools, drain_seconds=0.1):
        thread = ann.direct().thread(await ann.says(ann.direct(), '/plan a: look(what="Rome")\nb: look(what="Oslo")'))
        shown = await thread.shows("look (Rome)")
    work.may_end.set()
    async with errand_on(fake, tmp_path, toolsets=work.tools) as app:
        await thread.shows("done: look Oslo")
        await fake.until(lambda: thread.session == "active", words="an active session")
        await app.idle()
        assert await app.store.notes("slack", "live/") == {}
    assert [each.ts for each in thread.from_bot] == [shown.ts]


@pytest.mark.proves("slack.files_refused")
async def test_a_file_that_the_workspace_does_not_want_holds_nothing_up(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    fake.faults.refuse("files.getUploadURLExternal", "file_uploads_disabled", times=99)
    async with errand_on(fake, tmp_path, toolsets=office()):
        thread = ann.direct().thread(await ann.says(ann.direct(), "/chart title=Rain"))
        await thread.shows("Slack does not take chart.png: file_uploads_disabled.")
        await ann.says(thread, "/tools")
        await thread.shows("`count(path)`")


@pytest.mark.proves("slack.files_inside")
async def test_the_token_never_goes_to_slack_over_a_way_that_others_can_read() -> None:
    async with aiohttp.ClientSession() as http:
        files = Files(NoApi(), http, limit=10, hosts=["https://slack.com"])  # type: ignore[arg-type]
        with pytest.raises(FileRefused, match="leads out of Slack"):
            await files.fetch(Attachment(name="a.txt", mime="text/plain", ref="F1"), "C1")


class NoApi:
    """Knows one file, whose address is not secure."""

    async def call(self, method: str, where: str, **given: object) -> dict[str, object]:
        return {"file": {"url_private": "http://slack.com/files/a.txt"}}

    async def token_for(self, channel: str) -> str:
        return "xoxb-secret"
