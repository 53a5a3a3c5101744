"""Buttons of a question that is not for everybody, in Telegram and in Slack: who may not press them is told so, it goes
on record, and the buttons stay for those who may."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import App
from tests.conversations import slack_talk, telegram_talk
from tests.conversations.house import BY_TWO, House
from tests.conversations.test_approvals import Office
from tests.fakes.slack import Slack, slack
from tests.fakes.telegram import World, telegram


@pytest.fixture
async def chats() -> AsyncIterator[World]:
    async with telegram() as server:
        yield server
    assert server.problems == []


@pytest.fixture
async def work() -> AsyncIterator[Slack]:
    async with slack() as server:
        yield server
    assert server.problems == []


async def refused(app: App) -> list[tuple[str, str]]:
    """Who was refused, and what."""
    return [(row.person, json.loads(row.details)["why"]) for row in await app.store.audited(kinds=["refusal"])]


def admins(*accounts: str) -> str:
    return "\n".join(["[people]", *(f'"{each}" = "admin"' for each in accounts), "", BY_TWO])


@pytest.mark.proves("people.presses")
async def test_in_telegram_another_ones_button_is_refused_and_the_refusal_recorded(
    chats: World, tmp_path: Path
) -> None:
    office = Office()
    mara, tom = chats.person("Mara"), chats.person("Tom")
    group = chats.group("Team", mara, tom)
    async with telegram_talk.errand_on(chats, tmp_path, toolsets=office.tools) as app:
        await group.says(mara, "@errand_bot /send text=one")
        asked = await group.shows("May I run")
        assert "only they can answer" in await telegram_talk.pressed(tom, asked, "yes")
        assert await refused(app) == [(str(tom.id), "press")]
        assert office.done == []
        await telegram_talk.pressed(mara, asked, "yes")
        await group.shows("done: send one")
    assert office.done == ["send one"]


@pytest.mark.proves("people.presses", "slack.only_the_asked")
async def test_in_slack_another_ones_button_is_refused_and_the_refusal_recorded(work: Slack, tmp_path: Path) -> None:
    office = Office()
    ann, ben = work.person("Ann"), work.person("Ben")
    team = work.channel("team", ann, ben)
    async with slack_talk.errand_on(work, tmp_path, toolsets=office.tools) as app:
        thread = team.thread(await ann.mentions(team, "/send text=one"))
        asked = await thread.shows("May I run")
        await slack_talk.pressed(ben, asked, "yes")
        await thread.shows_to(ben, "I asked somebody else that")
        assert await refused(app) == [(ben.id, "press")]
        await slack_talk.pressed(ann, asked, "yes")
        await thread.shows("done: send one")
    assert office.done == ["send one"]


@pytest.mark.slow
@pytest.mark.proves("people.presses", "people.two_yeses")
async def test_in_telegram_two_admins_agree_by_buttons_one_of_them_in_a_letter(chats: World, tmp_path: Path) -> None:
    house = House()
    mara, tom, ada, zoe = (chats.person(name) for name in ("Mara", "Tom", "Ada", "Zoe"))
    group = chats.group("Team", mara, tom, ada)
    (tmp_path / "policy.toml").write_text(admins(f"telegram:{ada.id}", f"telegram:{zoe.id}"))
    async with telegram_talk.errand_on(chats, tmp_path, toolsets=house.tools) as app:
        await zoe.private_chat().says(zoe, "/status")
        await zoe.private_chat().shows("turns so far")
        await group.says(mara, "@errand_bot /wipe what=disk")
        asked = await group.shows("Mara asks for this.")
        for person in (tom, mara):
            assert await telegram_talk.pressed(person, asked, "yes")
        assert asked.buttons == [["yes", "no"]], "they stay for those who may"
        letter = await zoe.private_chat().shows("Mara asks for this.")
        assert await telegram_talk.pressed(ada, asked, "yes") == ""
        await group.shows("Yes so far: Ada.")
        assert house.done == []
        await telegram_talk.pressed(zoe, letter, "yes")
        await group.shows("done: wipe disk")
        assert [who for who, _ in await refused(app)] == [str(tom.id), str(mara.id)]
    assert house.done == ["wipe disk"]


@pytest.mark.proves("people.presses", "people.two_yeses")
async def test_in_slack_two_admins_agree_by_buttons_one_of_them_in_a_letter(work: Slack, tmp_path: Path) -> None:
    house = House()
    ann, ben, ada, zoe = (work.person(name) for name in ("Ann", "Ben", "Ada", "Zoe"))
    team = work.channel("team", ann, ben, ada)
    (tmp_path / "policy.toml").write_text(admins(f"slack:{ada.id}", f"slack:{zoe.id}"))
    async with slack_talk.errand_on(work, tmp_path, toolsets=house.tools) as app:
        own = zoe.direct().thread(await zoe.says(zoe.direct(), "/status"))
        await own.shows("turns so far")
        thread = team.thread(await ann.mentions(team, "/wipe what=disk"))
        asked = await thread.shows("Ann asks for this.")
        await slack_talk.pressed(ben, asked, "yes")
        await thread.shows_to(ben, "Only these can answer that")
        await slack_talk.pressed(ann, asked, "yes")
        await thread.shows_to(ann, "Your own yes is not enough")
        letter = await own.shows("Ann asks for this.")
        await slack_talk.pressed(ada, asked, "yes")
        await thread.shows("Yes so far: Ada.")
        assert house.done == []
        await slack_talk.pressed(zoe, letter, "yes")
        await thread.shows("done: wipe disk")
        assert [who for who, _ in await refused(app)] == [ben.id, ann.id]
    assert house.done == ["wipe disk"]


@pytest.mark.proves("people.places")
async def test_in_slack_a_role_can_be_that_of_a_workspace(work: Slack, tmp_path: Path) -> None:
    house = House()
    ann = work.person("Ann")
    (tmp_path / "policy.toml").write_text(f'[workspaces]\n"slack:{work.team_id}" = "guest"\n')
    async with slack_talk.errand_on(work, tmp_path, toolsets=house.tools):
        thread = ann.direct().thread(await ann.says(ann.direct(), "/move what=it"))
        await thread.shows("it is for members and above")
        await ann.says(thread, "/look what=it")
        await thread.shows("done: look it")
    assert house.done == ["look it"]
