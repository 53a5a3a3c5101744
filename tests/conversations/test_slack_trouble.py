"""What goes wrong in Slack, or between Slack and us: one visible answer, and nothing lost."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.base import ChannelClosed
from orchestrator.models import ModelReply
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import File
from storage.errors import StorageBusy
from tests.conversations.slack_talk import errand_on, pressed
from tests.conversations.test_approvals import Office
from tests.conversations.test_plans import Models
from tests.conversations.test_slack import answers, echo
from tests.conversations.test_telegram import busy
from tests.conversations.test_while_busy import Work
from tests.fakes.slack import PICTURE, Limits, Person, Slack, slack


@pytest.fixture
async def fake() -> AsyncIterator[Slack]:
    async with slack(limits=Limits(ack_seconds=0.5, retry_seconds=(0.0, 0.2, 0.2))) as server:
        yield server
    assert [each for each in server.problems if "acknowledge" not in each] == []


@pytest.fixture
def ann(fake: Slack) -> Person:
    return fake.person("Ann")


# --- events that come again, or come to nobody


@pytest.mark.proves("slack.once")
@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_the_same_event_three_times_and_after_a_restart_is_answered_once(tmp_path: Path, http: bool) -> None:
    async with slack(mode="http" if http else "socket") as fake:
        ann = fake.person("Ann")
        async with errand_on(fake, tmp_path, http=http, model=echo(), router="one") as app:
            asked = await ann.says(ann.direct(), "Hello")
            thread = ann.direct().thread(asked)
            await thread.shows("heard: Hello")
            first = next(each for each in fake.sent if each.kind == "events_api")
            for _ in range(3):
                fake.redeliver(first.event_id)
            await fake.until(lambda: first.acked and len(fake.acks) >= 4, words="acks")
            await app.idle()
        async with errand_on(fake, tmp_path, http=http, model=echo(), router="one") as app:
            acks = len(fake.acks)
            fake.redeliver(first.event_id)
            await fake.until(lambda: len(fake.acks) > acks, words="an ack")
            await app.idle()
        assert answers(thread) == ["heard: Hello"]
        assert fake.problems == []


@pytest.mark.proves("slack.acknowledged_after_commit")
@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_what_could_not_be_stored_is_not_acknowledged_and_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, http: bool
) -> None:
    limits = Limits(ack_seconds=0.5, retry_seconds=(0.0, 0.2, 0.2))
    async with slack(limits=limits, mode="http" if http else "socket") as fake:
        ann = fake.person("Ann")
        async with errand_on(fake, tmp_path, http=http, model=echo(), router="one") as app:
            refusals = busy(app.store, monkeypatch, times=2)
            asked = await ann.says(ann.direct(), "Hello")
            await ann.direct().thread(asked).shows("heard: Hello")
            assert refusals == []
            told = next(each for each in fake.sent if each.kind == "events_api")
            assert told.attempts >= 3
        assert len(ann.direct().from_bot) == 1


@pytest.mark.proves("slack.acknowledged_after_commit")
async def test_a_press_that_could_not_be_stored_is_told_to_have_failed(
    fake: Slack, ann: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office()
    async with errand_on(fake, tmp_path, toolsets=office.tools) as app:
        asked = await ann.says(ann.direct(), "/send text=one")
        thread = ann.direct().thread(asked)
        question = await thread.shows("May I run")
        busy(app.store, monkeypatch, times=1)
        acted = await ann.presses(question, "yes")
        await thread.shows(str(StorageBusy()))
        await acted.failed()
        await pressed(ann, question, "yes")
        await thread.shows("done: send one")
    assert office.done == ["send one"]


@pytest.mark.proves("slack.socket")
@pytest.mark.parametrize("trouble", ["warning", "refresh_requested", "too_many_websockets", "breaks", "silence"])
async def test_a_socket_that_ends_in_the_middle_of_a_turn_loses_nothing(
    fake: Slack, ann: Person, tmp_path: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.slack.socket.PING_SECONDS", 0.2)
    work = Work()
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        asked = await ann.says(ann.direct(), "/look what=Rome")
        await work.next_begun()
        match trouble:
            case "breaks":
                await fake.sockets.breaks()
            case "silence":
                fake.sockets.silence()
            case reason:
                await fake.sockets.disconnect(reason)
        second = await ann.says(ann.direct(), "/look what=Oslo")
        work.may_end.set()
        await ann.direct().thread(asked).shows("done: look Rome")
        await ann.direct().thread(second).shows("done: look Oslo")
    assert len(ann.direct().from_bot) == 2


@pytest.mark.proves("slack.http")
async def test_requests_that_are_not_signed_well_are_refused(tmp_path: Path) -> None:
    async with slack(mode="http", limits=Limits(retry_seconds=(0.0, 0.1, 0.1))) as fake:
        ann = fake.person("Ann")
        async with errand_on(fake, tmp_path, http=True, model=echo(), router="one") as app:
            fake.http.bad_signature(times=1)
            asked = await ann.says(ann.direct(), "Hello")
            await ann.direct().thread(asked).shows("heard: Hello")
            fake.http.old_timestamp(times=1)
            again = await ann.says(ann.direct(), "Hello again")
            await ann.direct().thread(again).shows("heard: Hello again")
            async with aiohttp.ClientSession() as forger, forger.post(fake.http.url, json={"type": "event"}) as answer:
                assert answer.status == 401
            await app.idle()
        assert [answer.status for answer in fake.http.answers].count(401) == 2
        assert len(ann.direct().from_bot) == 2


# --- calls that fail


METHODS = ["chat.postMessage", "chat.update", "chat.startStream", "chat.appendStream", "chat.stopStream", "users.info"]
SHOWN = ["agents.sessions.setStatus", "assistant.threads.setStatus"]


@pytest.mark.slow
@pytest.mark.proves("slack.floods")
@pytest.mark.parametrize("method", [*METHODS, *SHOWN])
async def test_a_429_on_any_method_delays_and_loses_nothing(
    fake: Slack, ann: Person, tmp_path: Path, method: str
) -> None:
    work = Work()
    fake.faults.limit(method, seconds=1, times=2)
    async with errand_on(fake, tmp_path, toolsets=work.tools) as app:
        asked = await ann.says(ann.direct(), '/plan a: look(what="Rome")\nb: look(what="Oslo")')
        thread = ann.direct().thread(asked)
        await work.next_begun()
        await asyncio.sleep(0.8)  # so that there is a picture
        work.may_end.set()
        await thread.shows("done: look Oslo")
        await app.idle()
    assert len(thread.from_bot) == 1


@pytest.mark.proves("slack.unclear")
@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update", "chat.stopStream", "chat.startStream"])
async def test_an_answer_of_which_nobody_knows_whether_it_arrived_is_looked_for(
    fake: Slack, ann: Person, tmp_path: Path, method: str
) -> None:
    work = Work()
    fault = fake.faults.lose_answer(method)
    async with errand_on(fake, tmp_path, toolsets=work.tools) as app:
        asked = await ann.says(ann.direct(), '/plan a: look(what="Rome")\nb: look(what="Oslo")')
        thread = ann.direct().thread(asked)
        if method != "chat.postMessage":
            await fake.until(lambda: bool(thread.from_bot), words="a picture")
        work.may_end.set()
        await thread.shows("done: look Oslo")
        await app.idle()
        await fake.until(lambda: not any(each.is_streaming for each in thread.from_bot), words="the end of streams")
    assert [text.count("done: look Oslo") for text in answers(thread) if "done" in text] == [1]
    assert fault.reached.is_set() or method == "chat.update"


@pytest.mark.slow
@pytest.mark.proves("slack.unclear")
@pytest.mark.parametrize("status", [500, 503])
async def test_a_server_that_is_not_well_is_asked_again(fake: Slack, ann: Person, tmp_path: Path, status: int) -> None:
    fake.faults.fail("chat.postMessage", status=status, times=2)
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        asked = await ann.says(ann.direct(), "Hello")
        await ann.direct().thread(asked).shows("heard: Hello")
    assert answers(ann.direct()) == ["heard: Hello"]


@pytest.mark.proves("slack.killed")
async def test_an_answer_that_another_process_has_sent_is_not_sent_again(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    hold = fake.faults.hold("chat.postMessage")
    async with errand_on(fake, tmp_path, model=echo(), router="one", drain_seconds=0.1):
        asked = await ann.says(ann.direct(), "Hello")
        thread = ann.direct().thread(asked)
        await asyncio.wait_for(hold.reached.wait(), 20)
    assert answers(thread) == ["heard: Hello"], "it is there, and nobody was told"
    async with errand_on(fake, tmp_path, model=echo(), router="one") as app:
        await app.idle()
        async with asyncio.timeout(20):
            while await app.store.undelivered():
                await asyncio.sleep(0.02)
    hold.release()
    assert answers(thread) == ["heard: Hello"]


@pytest.mark.slow
@pytest.mark.proves("slack.killed")
async def test_a_stream_that_a_dead_process_has_left_becomes_the_answer(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    work = Work()
    async with errand_on(fake, tmp_path, toolsets=work.tools, drain_seconds=0.1):
        asked = await ann.says(ann.direct(), '/plan a: look(what="Rome")\nb: look(what="Oslo")')
        thread = ann.direct().thread(asked)
        shown = await thread.shows("look (Rome)")
        await asyncio.sleep(0.3)
    assert shown.is_streaming
    work.may_end.set()
    async with errand_on(fake, tmp_path, toolsets=work.tools):
        await thread.shows("done: look Oslo")
    assert [each.ts for each in thread.from_bot] == [shown.ts]
    assert not shown.is_streaming


@pytest.mark.proves("slack.form_refused")
async def test_a_form_that_slack_refuses_goes_out_as_plain_text(fake: Slack, ann: Person, tmp_path: Path) -> None:
    fake.faults.refuse("chat.postMessage", "invalid_blocks")
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        asked = await ann.says(ann.direct(), "Hello **you**")
        await ann.direct().thread(asked).shows("heard: Hello **you**")
    assert len(ann.direct().from_bot) == 1


@pytest.mark.slow
@pytest.mark.proves("slack.token")
@pytest.mark.parametrize("error", ["token_revoked", "missing_scope"])
async def test_an_answer_waits_for_a_token_that_is_mended(
    fake: Slack, ann: Person, tmp_path: Path, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    fake.faults.refuse("chat.postMessage", error, times=2, needed="chat:write")
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        asked = await ann.says(ann.direct(), "Hello")
        await ann.direct().thread(asked).shows("heard: Hello")
    reasons = [str(getattr(record, "reason", "")) for record in caplog.records]
    assert any("api.slack.com/apps" in reason for reason in reasons)


@pytest.mark.slow
@pytest.mark.proves("slack.token")
@pytest.mark.parametrize("which", ["bot", "app"])
async def test_a_token_that_slack_does_not_take_ends_it_with_the_fix(fake: Slack, tmp_path: Path, which: str) -> None:
    wrong: dict[str, Any] = {"slack_bot_token": "xoxb-wrong"} if which == "bot" else {"slack_app_token": "xapp-wrong"}
    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(20), errand_on(fake, tmp_path, model=echo(), router="one", **wrong):
            await asyncio.sleep(5)
    found = raised.value.split(ChannelClosed)[0]
    assert found is not None
    assert f"slack_{which}_token" in repr(found.exceptions)


@pytest.mark.proves("slack.gone")
async def test_an_answer_to_where_the_app_is_not_any_more_holds_nothing_up(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    work = Work()
    team = fake.channel("team", ann)
    async with errand_on(fake, tmp_path, toolsets=work.tools) as app:
        await ann.mentions(team, "/look what=Rome")
        await work.next_begun()
        await ann.removes_bot(team)
        work.may_end.set()
        await app.idle()
        asked = await ann.says(ann.direct(), "/look what=Oslo")
        await ann.direct().thread(asked).shows("done: look Oslo")


@pytest.mark.slow
@pytest.mark.proves("slack.secrets")
async def test_no_token_is_in_any_log_whatever_goes_wrong(
    fake: Slack, ann: Person, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.slack.socket.PING_SECONDS", 0.2)
    caplog.set_level(logging.INFO)
    for method in ("chat.postMessage", "users.info", "agents.sessions.setStatus"):
        fake.faults.drop(method)
        fake.faults.fail(method)
    async with errand_on(fake, tmp_path, model=echo(), router="one"):
        await fake.sockets.breaks()
        asked = await ann.says(ann.direct(), "Hello")
        await ann.direct().thread(asked).shows("heard: Hello")
    written = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    for secret in (fake.bot_token, fake.app_token, fake.signing_secret):
        assert secret not in written


# --- long answers and files


@pytest.mark.slow
@pytest.mark.proves("slack.split")
async def test_a_long_answer_comes_whole_in_messages_that_slack_takes(fake: Slack, ann: Person, tmp_path: Path) -> None:
    text = "\n\n".join(f"Part {number}: {'word ' * 150}" for number in range(60))
    models = Models(one=lambda messages: ModelReply(text, ""))
    async with errand_on(fake, tmp_path, model=models, router="one") as app:
        asked = await ann.says(ann.direct(), "Tell me")
        thread = ann.direct().thread(asked)
        await thread.shows("Part 59:")
        await app.idle()
    whole = "\n".join(answers(thread))
    assert [number for number in range(60) if f"Part {number}:" not in whole] == []
    assert len(thread.from_bot) > 3


@pytest.mark.slow
@pytest.mark.proves("slack.split")
async def test_a_long_answer_that_was_cut_off_in_the_middle_goes_on_there(
    fake: Slack, ann: Person, tmp_path: Path
) -> None:
    text = "\n\n".join(f"Part {number}: {'word ' * 150}" for number in range(40))
    models = Models(one=lambda messages: ModelReply(text, ""))
    fault = fake.faults.drop("chat.postMessage", contains="Part 30:", times=99)
    async with errand_on(fake, tmp_path, model=models, router="one", drain_seconds=0.1):
        asked = await ann.says(ann.direct(), "Tell me")
        thread = ann.direct().thread(asked)
        await asyncio.wait_for(fault.reached.wait(), 20)
    fault.times, sent = 0, len(thread.from_bot)
    async with errand_on(fake, tmp_path, model=models, router="one") as app:
        await thread.shows("Part 39:")
        await app.idle()
    whole = "\n".join(answers(thread))
    assert [whole.count(f"Part {number}:") for number in range(40)] == [1] * 40
    assert sent < len(thread.from_bot)


def office() -> list[Functions]:
    @tool(read_only=True)
    def chart(title: str) -> File:
        """Draw."""
        return File("chart.png", "image/png", PICTURE)

    @tool(read_only=True)
    def count(path: str) -> str:
        """Count bytes of a file."""
        return f"{len(Path(path).read_bytes())} bytes"

    return [Functions([chart, count])]


@pytest.mark.proves("slack.files")
async def test_files_go_both_ways(fake: Slack, ann: Person, tmp_path: Path) -> None:
    async with errand_on(fake, tmp_path, toolsets=office()):
        asked = await ann.uploads(ann.direct(), "notes.txt", b"we meet at nine", mime="text/plain", text="/count")
        await ann.direct().thread(asked).shows("15 bytes")
        asked = await ann.says(ann.direct(), "/chart title=Rain")
        thread = ann.direct().thread(asked)
        await thread.until(lambda thread: any(each.files for each in thread.from_bot))
    assert not fake.problems


@pytest.mark.proves("slack.files")
async def test_a_file_that_was_perhaps_put_there_is_put_there_once(fake: Slack, ann: Person, tmp_path: Path) -> None:
    fake.faults.lose_answer("files.completeUploadExternal")
    async with errand_on(fake, tmp_path, toolsets=office()) as app:
        asked = await ann.says(ann.direct(), "/chart title=Rain")
        thread = ann.direct().thread(asked)
        await thread.until(lambda thread: any(each.files for each in thread.from_bot))
        await app.idle()
        async with asyncio.timeout(20):
            while await app.store.undelivered():
                await asyncio.sleep(0.02)
    assert len([each for each in thread.from_bot if each.files]) == 1
    assert len(thread.from_bot) == 2


@pytest.mark.proves("slack.files_refused")
async def test_a_file_that_cannot_be_taken_is_named_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.slack.channel.FILE_BYTES", 1_000_000)
    scopes = {"app_mentions:read", "chat:write", "im:history", "users:read", "im:write"}
    async with slack(scopes=scopes) as fake:
        ann = fake.person("Ann")
        async with errand_on(fake, tmp_path, toolsets=office()):
            asked = await ann.uploads(ann.direct(), "big.bin", b"x" * 1_100_000)
            await ann.direct().thread(asked).shows("big.bin: it has 1 MB, and I can take 1 MB here.")
            asked = await ann.uploads(ann.direct(), "small.bin", b"x")
            await ann.direct().thread(asked).shows("small.bin")


@pytest.mark.proves("slack.files_inside")
@pytest.mark.parametrize("leads_to", ["http://169.254.169.254/latest", "https://slack.com.evil.example/x", "file:///x"])
async def test_a_link_of_a_file_never_leads_out_of_slack(
    fake: Slack, ann: Person, tmp_path: Path, leads_to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[Any] = []
    async with errand_on(fake, tmp_path, toolsets=office()):
        from adapters.slack.files import Files

        downloaded = Files._downloaded

        async def elsewhere(self: Files, address: str, *rest: Any, **more: Any) -> bytes:
            reached.append(address)
            return await downloaded(self, leads_to, *rest, **more)

        monkeypatch.setattr(Files, "_downloaded", elsewhere)
        asked = await ann.uploads(ann.direct(), "notes.txt", b"we meet", mime="text/plain")
        await ann.direct().thread(asked).shows("its link leads out of Slack")
    assert reached
