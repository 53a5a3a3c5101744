"""Conversations that go on in another database, or out of a backup, as if nothing had happened."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.base import DeliveryError
from orchestrator.messages import Attachment, Delivery
from orchestrator.tools.builtin import BUILTIN
from orchestrator.tools.functions import Functions, tool
from storage.backups import back_up, restore
from storage.moving import move
from storage.store import open_store
from tests.conversations.talk import Talk, talking
from tests.conversations.test_approvals import Office, plan
from tests.conversations.test_budgets import hello
from tests.conversations.test_plans import Models
from tests.databases import PostgresServer
from tests.fakes.channel import FakeChannel

REPORT = Attachment(name="report.csv", mime="text/csv", ref="r1")

Bring = Callable[[Path, str, str], Awaitable[Any]]


@pytest.fixture(params=["to postgresql", "to sqlite"])
def databases(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer) -> Iterator[list[str]]:
    """Where it begins, and where it goes on."""
    with postgres_server.database() as url:
        both = [f"sqlite:///{tmp_path}/errand.db", url]
        yield both if request.param == "to postgresql" else both[::-1]


async def moved(folder: Path, source: str, target: str) -> None:
    await move(source, target)


async def brought_back(folder: Path, source: str, target: str) -> None:
    await back_up(source, folder / "errand-files", folder / "backup.tar.gz", made_by="1")
    Path(folder, "errand-files").rename(folder / "gone")
    await restore(folder / "backup.tar.gz", target, folder / "errand-files")


class HardOfHearing(FakeChannel):
    """Takes nothing for the chat 7."""

    async def deliver(self, delivery: Delivery) -> None:
        if delivery.address.chat == "7":
            raise DeliveryError("nobody is there", gone=True)
        await super().deliver(delivery)


def errand(folder: Path, database: str, office: Office, channel: Callable[[], FakeChannel]) -> Any:
    @tool(read_only=True)
    def convert(amount: float, currency: str) -> str:
        """Convert an amount into a currency."""
        office.done.append(f"convert {amount} {currency}")
        return f"{amount} {currency}"

    return talking(
        folder,
        toolsets=[*office.tools, Functions([*BUILTIN, convert])],
        model=Models(one=hello),
        channel=channel,
        database=database,
        files=str(folder / "errand-files"),
        router="one",
        budgets="person day 50000 tokens",
    )


def somewhere(talk: Talk, chat: str) -> Talk:
    return Talk(talk.app, talk.channel, chat=chat)


@pytest.mark.slow
@pytest.mark.proves("storage.migrate_question", "storage.backup_restores", "storage.migrate_goes_on")
@pytest.mark.parametrize("bring", [moved, brought_back])
async def test_what_waits_in_one_database_goes_on_in_the_other(
    tmp_path: Path, databases: list[str], bring: Bring
) -> None:
    before, after = databases
    office = Office()
    async with errand(tmp_path, before, office, HardOfHearing) as talk:
        talk.channel.files = {"r1": b"a,b\n1,2\n"}
        await talk.asked(plan('a: look(what="x")', 'b: send(text="${a}")', 'c: look(what="${b}")'))
        assert "amount" in (await somewhere(talk, "2").asked("/convert currency=EUR")).text
        await somewhere(talk, "3").answered("remind me tomorrow at 8:30 to call Ann")
        assert await somewhere(talk, "4").answered("Hello there") == "Hello."
        await somewhere(talk, "5").asked("/send text=one")
        await somewhere(talk, "5").answered("always")
        await somewhere(talk, "6").say("Look at this", REPORT)
        spent = await somewhere(talk, "4").told("/budget")
        late = await somewhere(talk, "7").send("/help")
        await talk.app.idle()
    assert office.done == ["look x", "send one"]

    await bring(tmp_path, before, after)

    async with errand(tmp_path, after, office, FakeChannel) as talk:
        assert "/stop" in (await talk.outcome(late)).text, "what nobody had got is delivered now"
        assert "300 of 50,000 tokens" in spent
        assert await somewhere(talk, "4").told("/budget") == spent
        await talk.answered("yes")
        assert office.done == ["look x", "send one", "send done: look x", "look done: send done: look x"]
        await somewhere(talk, "2").answered("12")
        assert office.done[4:] == ["convert 12.0 EUR"]
        assert "call Ann" in await somewhere(talk, "3").told("/reminders")
        assert "1. `send`, everywhere" in await somewhere(talk, "5").told("/allow")
        found = await talk.app.store.find("fake:6", "look", last=5)
        assert [each.session for each in found] == ["fake:6"]
        (kept,) = Path(tmp_path, "errand-files").iterdir()
        assert (kept.name[-10:], await talk.app.files.read(kept.name)) == ("report.csv", b"a,b\n1,2\n")
        check = await talk.app.store.verify_audit()
        assert check.broken_at is None
        assert check.rows > 5
    old = await open_store(before)
    assert len(await old.unanswered(asked_before=datetime.now(UTC))) == 2, "the database that was left is as it was"
    await old.close()
