"""Where people, restarts and Slack's answers meet at a bad moment."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from storage.errors import StorageBusy
from tests.conversations.slack_talk import errand_on
from tests.conversations.test_slack import echo
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
