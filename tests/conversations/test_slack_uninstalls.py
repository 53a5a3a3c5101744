"""Workspaces that have installed the Slack app, while Slack is not well, and when they uninstall it."""

from pathlib import Path

import pytest

from adapters.slack.installations import Installs
from tests.conversations.slack_talk import errand_on
from tests.conversations.test_slack_installs import installing, installs
from tests.fakes.slack import slack
from tests.fakes.slack.state import CLIENT_ID, CLIENT_SECRET

pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")  # slack_sdk uses it


@pytest.mark.proves("slack.installs")
async def test_each_workspace_that_installs_it_is_answered_there_until_it_uninstalls_it(tmp_path: Path) -> None:
    async with slack(mode="http") as world:
        globex = world.workspace("Globex")
        bob = world.person("Bob", team=globex)
        given = installing(world, tmp_path)
        async with errand_on(world, tmp_path, **given):
            assert "Thank you" in await installs(world, globex, bob, at=given["slack_public_url"])
            asked = await bob.says(bob.direct(), "Hello")
            await bob.direct().thread(asked).shows("heard: Hello")
            world.uninstalls(globex)
            await world.until(lambda: world.sent[-1].acked, words="an ack")
        kept = Installs(given["slack_installs"], client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
        assert await kept.async_find_bot(enterprise_id=None, team_id=globex.id) is None
        assert await kept.async_find_installation(enterprise_id=None, team_id=globex.id) is None
        kept.close()
        assert world.problems == []


@pytest.mark.proves("slack.installs")
async def test_nothing_is_lost_while_slack_cannot_say_whose_token_it_is(tmp_path: Path) -> None:
    async with slack(mode="http") as world:
        globex = world.workspace("Globex")
        bob = world.person("Bob", team=globex)
        given = installing(world, tmp_path)
        async with errand_on(world, tmp_path, **given):
            await installs(world, globex, bob, at=given["slack_public_url"])
            world.faults.fail("auth.test", times=99)
            asked = await bob.says(bob.direct(), "Hello")
            await bob.direct().thread(asked).shows("heard: Hello")
        assert world.problems == []
