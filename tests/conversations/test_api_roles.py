"""Roles over the HTTP API: programs have those of their people, also where they only read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.app import App
from bot.appointing import on_roles
from bot.privacy import forget
from bot.settings import read_settings
from tests.conversations.house import BY_ADMIN, RULES, House
from tests.conversations.test_api import text_of
from tests.conversations.test_api_safety import PAGE_TOKEN, operations_of, token_of, tried
from tests.conversations.web_talk import page_at
from tests.fakes.api_program import LONGEST_WAIT, Program, program

API_RULES = RULES.replace("fake:", "api:")


@asynccontextmanager
async def programs(
    folder: Path, *names: str, policy: str = API_RULES, **given: Any
) -> AsyncIterator[tuple[App, Sequence[Program]]]:
    """A program of each of these people, at an Errand with house rules."""
    file = folder / "policy.toml"
    file.write_text(policy)
    async with (
        page_at(folder, web_token=PAGE_TOKEN, policy_file=file, **given) as (app, web),
        AsyncExitStack() as sessions,
    ):
        tokens = [await token_of(app, name) for name in names]
        yield app, [await sessions.enter_async_context(program(web.address, token)) for token in tokens]


async def told(who: Program, text: str) -> str:
    """The words of what comes back."""
    return text_of(await who.says(text, wait=LONGEST_WAIT))


async def letter(who: Program) -> dict[str, Any]:
    """The question that another conversation has sent to this person."""
    async with asyncio.timeout(LONGEST_WAIT), who.following() as stream:
        question: dict[str, Any] = await stream.until("question")
        return question


async def refused(app: App) -> list[str]:
    """Who was refused something, in the order of the record."""
    return [row.person for row in await app.store.audited(kinds=["refusal"])]


@pytest.mark.proves("api.roles")
async def test_the_person_of_a_token_has_the_role_of_their_account(tmp_path: Path) -> None:
    house = House()
    async with programs(tmp_path, "gus", "bob", "adam", toolsets=house.tools) as (_, (gus, bob, adam)):
        assert "done: look it" in await told(gus, "/look what=it")
        assert "it is for members and above" in await told(gus, "/move what=it")
        assert "May I run `move`" in await told(bob, "/move what=it")
        assert "/people is for admins and owners" in await told(bob, "/people")
        assert "(`api:adam`), in the policy file" in await told(adam, "/people")
    settings = read_settings(
        database=str(tmp_path / "errand.db"), policy_file=tmp_path / "policy.toml", servers=str(tmp_path / "none.json")
    )
    assert await on_roles(settings, lambda appointing: appointing.appoint("api:bob", "guest")) == "guest"
    async with programs(tmp_path, "bob", toolsets=house.tools) as (_, (bob,)):
        assert "it is for members and above" in await told(bob, "/move what=it")
    assert house.done == ["look it"]


@pytest.mark.proves("api.roles")
async def test_who_is_nobody_gets_nothing_by_any_route_not_even_what_was_theirs(tmp_path: Path) -> None:
    house = House()
    names = {"session": "first", "turn": "t1", "plan": "t1", "question": "q1", "part": "t1.0", "number": "0"}
    async with programs(tmp_path, "nick", policy="", toolsets=house.tools) as (_, (nick,)):
        assert "May I run `move`" in await told(nick, "/move what=it")
    async with programs(tmp_path, "nick", toolsets=house.tools) as (app, (nick,)):
        for operation in operations_of(app, tmp_path):
            status, problem = await tried(nick, operation, names)
            assert (status, problem["detail"]) == (403, "You may not talk to me here. Ask the one who runs me.")
        assert (await nick.asks("GET", "/openapi.json"))[0] == 200
        assert (await app.store.sessions())[0].turns == 1
    assert house.done == []


@pytest.mark.proves("api.roles")
async def test_dossiers_are_for_those_who_may_say_why(tmp_path: Path) -> None:
    policy = f'{API_RULES}[roles.admin]\ncommands = ["why"]\n'
    async with programs(tmp_path, "bob", "adam", policy=policy) as (_, (bob, adam)):
        turns = [await each.says("/help", wait=LONGEST_WAIT) for each in (bob, adam)]
        status, problem, _ = await bob.asks("GET", f"/turns/{turns[0]['id']}/dossier")
        assert (status, problem["detail"]) == (403, "/why is for admins and owners.")
        assert (await adam.gets(f"/turns/{turns[1]['id']}/dossier"))["turn"] == turns[1]["id"]


@pytest.mark.proves("api.roles", "api.approval", "people.approvals")
@pytest.mark.parametrize("by", ["choice", "values"])
async def test_what_needs_the_yes_of_an_admin_gets_it_by_the_admins_own_program_alone(tmp_path: Path, by: str) -> None:
    house = House()
    everybody = ("bob", "adam", "gus")
    async with programs(tmp_path, *everybody, policy=API_RULES + BY_ADMIN, toolsets=house.tools) as (app, people):
        bob, adam, gus = people
        for each in (adam, gus):
            await each.says("/help", wait=LONGEST_WAIT)
        asked = (await bob.says("/wipe what=disk", wait=LONGEST_WAIT))["parts"][0]["part"]
        sent = await letter(adam)
        assert sent["id"] != asked["id"]
        assert [each["part"]["id"] for each in (await adam.gets("/sessions/first"))["letters"]] == [sent["id"]]
        (field,) = sent["fields"]
        yes: dict[str, Any] = {"choice": "yes"} if by == "choice" else {"values": {field["name"]: "yes"}}
        path = "/questions/{}/answers"
        status, problem, _ = await bob.asks("POST", path.format(asked["id"]), {"event": "mine", **yes})
        assert (status, problem["detail"][:37]) == (403, "Your own yes is not enough here: admi")
        for who, question in ((bob, sent), (gus, sent), (gus, asked), (adam, asked)):
            assert (await who.asks("POST", path.format(question["id"]), {"event": "x", **yes}))[0] == 404
        assert "Your own yes is not enough" in await told(bob, "yes")
        assert (await refused(app), house.done) == (["bob", "bob"], [])
        assert text_of(await adam.answers(sent["id"], **yes)) == "I have noted your yes."
        async with bob.following() as stream:
            assert "done: wipe disk" in (await stream.until("answer"))["text"]
        assert text_of(await adam.answers(sent["id"], **yes)) == "That question is closed already."
    assert house.done == ["wipe disk"]


@pytest.mark.proves("api.roles", "api.once", "people.later")
async def test_a_role_that_is_gone_agrees_to_nothing_and_an_answer_that_counted_is_told_again(tmp_path: Path) -> None:
    house = House()
    given: dict[str, Any] = {"policy": API_RULES + BY_ADMIN, "toolsets": house.tools}
    async with programs(tmp_path, "bob", "adam", "amy", **given) as (_, (bob, adam, amy)):
        for each in (adam, amy):
            await each.says("/help", wait=LONGEST_WAIT)
        await bob.says("/wipe what=disk", wait=LONGEST_WAIT)
        sent = [(await letter(each))["id"] for each in (adam, amy)]
    given["policy"] = given["policy"].replace('"api:adam" = "admin"', '"api:adam" = "member"')
    async with programs(tmp_path, "adam", "amy", "bob", **given) as (_, (adam, amy, bob)):
        body = {"event": "one", "choice": "yes"}
        status, problem, _ = await adam.asks("POST", f"/questions/{sent[0]}/answers", body)
        assert (status, problem["detail"][:26]) == (403, "Only these can answer that")
        assert house.done == []
        first = await amy.answers(sent[1], event="one", choice="yes")
        async with bob.following() as stream:
            assert "done: wipe disk" in (await stream.until("answer"))["text"]
        assert (await amy.answers(sent[1], event="one", choice="yes"))["id"] == first["id"]
    assert house.done == ["wipe disk"]


@pytest.mark.proves("api.tokens", "forget.everything")
async def test_the_tokens_of_who_is_forgotten_let_nobody_in_and_those_of_others_stay(tmp_path: Path) -> None:
    async with programs(tmp_path, "ann", "bob") as (_, both):
        kept = [each.headers for each in both]
        for each in both:
            await each.says("/help", wait=LONGEST_WAIT)
    settings = read_settings(database=str(tmp_path / "errand.db"), files=str(tmp_path / "files"))
    for channel in ("telegram", "api"):
        await forget(settings, channel, "ann")
        async with programs(tmp_path, "cy") as (_, (somebody,)):
            statuses = [(await somebody.asks("GET", "/sessions", headers=headers))[0] for headers in kept]
            assert statuses == [401 if channel == "api" else 200, 200]
