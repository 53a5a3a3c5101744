"""Reminders and requests for later: in plain words, by the person's own clock, once, over any restart."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.coming import Coming
from orchestrator.messages import Answer
from storage.records import Scheduled
from tests.conversations.program import serving
from tests.conversations.talk import Talk, talking
from tests.conversations.test_plans import Models, calls
from tests.conversations.test_while_busy import Work
from tests.databases import PostgresServer

SATURDAY = datetime(2026, 11, 21, 9, 32, tzinfo=UTC)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = SATURDAY

    def __call__(self) -> datetime:
        return self.now

    def move(self, talk: Talk, **by: float) -> None:
        self.now += timedelta(**by)
        talk.app.look_at_the_clock()


def reminding(folder: Path, clock: Clock, **settings: Any) -> Any:
    return talking(folder, toolsets=None, now=clock, time_zone="Europe/Berlin", **settings)


async def shown(talk: Talk, count: int) -> list[str]:
    """The last of so many final parts, once there are so many."""
    await talk.channel.until(lambda channel: len(channel.shown) >= count)
    await talk.app.idle()
    return [delivery.part.text for delivery in talk.channel.shown.values()]


@pytest.mark.proves("reminders.plain_words")
async def test_a_reminder_in_plain_words_needs_no_model_and_comes_when_it_is_due(tmp_path: Path) -> None:
    clock = Clock()
    async with reminding(tmp_path, clock) as talk:
        said = await talk.answered("remind me tomorrow at 8:30 to call Ann")
        assert said == "I will remind you on Sunday, 2026-11-22, 08:30 (Europe/Berlin): call Ann (number 1)"
        clock.move(talk, hours=21)
        assert "1: call Ann (Sunday, 2026-11-22, 08:30)" in await talk.told("/reminders")
        clock.move(talk, hours=1)
        assert (await shown(talk, 3))[2] == "A reminder: call Ann"
        assert "Nothing waits" in await talk.told("/reminders")


@pytest.mark.proves("reminders.plain_words")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("please remind me in 20 minutes about the tea", "Saturday, 2026-11-21, 10:52 (Europe/Berlin): the tea"),
        ("/remind every weekday at 9 stand-up", "every weekday at 09:00 (Europe/Berlin), first on Monday"),
        ("every Monday at 7pm remind me to run", "every Monday at 19:00 (Europe/Berlin), first on Monday, 2026-11-23"),
        ("Erinnere mich morgen um 8:30 daran, Anna anzurufen", "Sunday, 2026-11-22, 08:30 (Europe/Berlin): Anna anz"),
        ("kannst du mich jeden Werktag um 9 ans Stand-up erinnern?", "every weekday at 09:00 (Europe/Berlin)"),
        ("erinner mich bitte in 20 Minuten an den Tee", "Saturday, 2026-11-21, 10:52 (Europe/Berlin): den Tee"),
    ],
)
async def test_plain_words_in_both_languages_are_understood(tmp_path: Path, words: str, told: str) -> None:
    async with reminding(tmp_path, Clock()) as talk:
        part = await talk.say(words)
        assert told in part.text


@pytest.mark.proves("reminders.plain_words")
async def test_a_german_is_reminded_in_german(tmp_path: Path) -> None:
    clock = Clock()
    async with reminding(tmp_path, clock, language="de") as talk:
        said = await talk.answered("erinnere mich jeden Werktag um 9 an das Stand-up")
        assert said.startswith("Ich erinnere dich jeden Werktag um 09:00 (Europe/Berlin), zuerst am Montag, 2026-11-23")
        clock.move(talk, days=2)
        assert (await shown(talk, 2))[1].startswith("Eine verspätete Erinnerung, von 2026-11-23 09:00: das Stand-up")


@pytest.mark.proves("reminders.clock")
async def test_a_person_lives_by_their_own_clock(tmp_path: Path) -> None:
    async with reminding(tmp_path, Clock()) as talk:
        assert "that of Europe/Berlin" in await talk.told("/timezone")
        assert "From now on your clock is that of Asia/Tokyo" in await talk.told("/timezone Tokyo")
        assert "Which time zone?" in await talk.told("/timezone nowhere")
        assert "Sunday, 2026-11-22, 08:30 (Asia/Tokyo)" in await talk.answered("remind me tomorrow at 8:30 to call Ann")
        assert "(Europe/Berlin)" in await talk.as_person("bob").answered("remind me tomorrow at 8:30 to call Ann")


@pytest.mark.proves("reminders.again")
async def test_what_comes_again_comes_each_time_until_it_is_cancelled(tmp_path: Path) -> None:
    clock = Clock()
    async with reminding(tmp_path, clock) as talk:
        await talk.answered("remind me every day at 11 to stretch")
        for count, hours in ((2, 1), (3, 24), (4, 24)):
            clock.move(talk, hours=hours)
            assert (await shown(talk, count))[-1] == "A late reminder, of 2026-11-21 11:00: stretch" or count > 2
        assert "1: stretch (Tuesday, 2026-11-24, 11:00, every day at 11:00 (Europe/Berlin))" in await talk.told(
            "/reminders"
        )
        assert await talk.told("/reminders cancel 1") == "Cancelled: stretch"
        clock.move(talk, days=7)
        assert "Nothing waits" in await talk.told("/reminders")
        assert len(talk.channel.shown) == 7


@pytest.mark.proves("reminders.asks")
async def test_a_time_that_cannot_be_read_is_asked_for(tmp_path: Path) -> None:
    async with reminding(tmp_path, Clock()) as talk:
        asked = await talk.asked("remind me to call Ann")
        assert "when" in asked.text
        again = await talk.asked("one of these days")
        assert "I cannot read “one of these days” as a time to come." in again.text
        assert "tomorrow at 8:30" in again.text
        assert "Sunday, 2026-11-22, 08:30 (Europe/Berlin): call Ann" in await talk.answered("tomorrow at 8:30")


@pytest.mark.proves("reminders.later", "reminders.again")
async def test_a_request_for_later_runs_then_and_still_asks_what_it_must(tmp_path: Path) -> None:
    clock = Clock()
    async with reminding(tmp_path, clock, send_to="bob=fake:2") as talk:
        said = await talk.answered('/do_later request="what is 6*7" when="in 20 minutes"')
        assert "I will do that on Saturday, 2026-11-21, 10:52 (Europe/Berlin): what is 6*7" in said
        await talk.answered('/do_later request="/send_message to=bob text=hello" when="in 30 minutes"')
        clock.move(talk, minutes=20)
        assert "42" in (await shown(talk, 3))[2]
        clock.move(talk, minutes=10)
        assert "May I run" in (await shown(talk, 4))[3]


@pytest.mark.proves("reminders.private")
async def test_nobody_sees_or_cancels_the_reminders_of_another_in_the_same_chat(tmp_path: Path) -> None:
    async with reminding(tmp_path, Clock()) as talk:
        await talk.answered("remind me tomorrow at 8:30 to call Ann")
        bob = talk.as_person("bob")
        assert "Nothing waits" in await bob.told("/reminders")
        assert "with a number of its list" in await bob.told("/reminders cancel 1")
        assert "There is no reminder 1" in (await bob.say("/cancel_reminder number=1")).text
        assert "1: call Ann" in await talk.answered("/tool reminders")
        assert "Cancelled: call Ann" in await talk.answered("/cancel_reminder number=1")


@pytest.mark.proves("reminders.missed")
async def test_what_was_missed_comes_once_and_says_so(tmp_path: Path) -> None:
    clock = Clock()
    async with reminding(tmp_path, clock) as talk:
        await talk.answered("remind me every day at 11 to stretch")
        await talk.answered('/do_later request="what is 6*7" when="tomorrow at 8"')
    clock.now += timedelta(days=5)
    async with reminding(tmp_path, clock) as talk:
        late = await shown(talk, 3)
        assert late[:2] == [
            "A late reminder, of 2026-11-21 11:00: stretch",
            "I was not there at 2026-11-22 08:00, so I do this now: what is 6*7",
        ]
        assert "42" in late[2]
        assert "1: stretch (Thursday, 2026-11-26, 11:00" in await talk.told("/reminders")


@pytest.mark.proves("reminders.missed")
async def test_what_was_missed_can_be_left_out(tmp_path: Path) -> None:
    clock = Clock()
    async with reminding(tmp_path, clock) as talk:
        await talk.answered("remind me every day at 11 to stretch")
        await talk.answered("remind me in 20 minutes to eat")
    clock.now += timedelta(days=5)
    async with reminding(tmp_path, clock, missed_reminders="skip") as talk:
        await talk.answered("remind me in 1 minute to run")
        clock.move(talk, minutes=1)
        texts = await shown(talk, 2)
    assert not any("stretch" in text or "eat" in text for text in texts)


DEATHS = [("come_due", "before", "1"), ("come_due", "after", "1"), ("finish", "before", "2"), ("finish", "after", "2")]


async def killed_over_a_reminder(folder: Path, dies_at: tuple[str, str, str], database: str | None = None) -> list[Any]:
    """Every showing of a reminder by a process that is killed over it, and by the next one."""
    async with serving(folder, *dies_at, database=database) as first:
        first.send("event-1", "remind me in 1 second to breathe")
        await first.death()
    async with serving(folder, database=database) as second:
        shown = [*first.deliveries, *second.deliveries]
        while not any("A reminder: breathe" in each["part"]["text"] for each in shown):
            shown.append(await second.delivery())
        second.send("event-2", "/reminders")
        assert "Nothing waits" in (await second.delivery())["part"]["text"]
        await second.end_of_input()
    return [each for each in first.deliveries + second.deliveries if "A reminder" in each["part"]["text"]]


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.faults
@pytest.mark.proves("reminders.once")
@pytest.mark.parametrize("dies_at", DEATHS, ids="-".join)
async def test_a_process_that_is_killed_over_a_reminder_leaves_it_to_the_next_one(
    tmp_path: Path, dies_at: tuple[str, str, str]
) -> None:
    shown = await killed_over_a_reminder(tmp_path, dies_at)
    assert len({each["delivery"] for each in shown}) == 1


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.faults
@pytest.mark.proves("reminders.once")
async def test_on_postgresql_a_reminder_comes_once_too(tmp_path: Path, postgres_server: PostgresServer) -> None:
    with postgres_server.database() as database:
        shown = await killed_over_a_reminder(tmp_path, DEATHS[1], database)
    assert len({each["delivery"] for each in shown}) == 1


@pytest.mark.proves("reminders.plain_words")
async def test_a_model_sets_a_reminder_without_a_yes_and_lists_it(tmp_path: Path) -> None:
    clock = Clock()
    models = Models(one=lambda _: calls(("remind", {"text": "call Ann", "when": "tomorrow at 8:30"})))
    async with reminding(tmp_path, clock, model=models, router="one") as talk:
        part = await talk.say("tomorrow at 8:30 I must call Ann, do not let me forget it")
        assert isinstance(part, Answer), part
        assert "1: call Ann (Sunday, 2026-11-22, 08:30)" in await talk.told("/reminders")


@pytest.mark.proves("reminders.later")
async def test_a_request_that_is_due_does_not_end_what_somebody_is_waiting_for(tmp_path: Path) -> None:
    work, clock = Work(), Clock()
    async with talking(tmp_path, toolsets=work.tools, while_busy="interrupt", now=clock) as talk:
        first = await talk.send("/look what=one")
        await work.next_begun()
        for number, (about, chat) in enumerate((("request", "1"), ("reminder", "2"))):
            coming = Coming(about=about, text="hello you", address=talk.channel.address(chat))
            body, at = coming.model_dump_json(), clock.now + timedelta(seconds=number)
            await talk.app.store.schedule(
                Scheduled(key=f"t0/s{number}", channel="fake", person="ann", goes_to="fake", body=body, next_at=at)
            )
        clock.move(talk, seconds=2)
        await talk.channel.until(lambda channel: bool(channel.shown))  # in the other chat, after the request has come
        work.may_end.set()
        assert (await talk.outcome(first)).text
        await talk.channel.until(lambda channel: len(channel.shown) == 3)
    assert work.done == ["look one"]
