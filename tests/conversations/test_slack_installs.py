"""Several workspaces install the Slack app: each is answered with its own token, also by a later process."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conversations.slack_talk import errand_on, free_port
from tests.conversations.test_slack import answers, echo
from tests.fakes.slack import Person, Slack, slack
from tests.fakes.slack.people import Team

pytestmark = pytest.mark.filterwarnings("ignore:.*BasicAuth:DeprecationWarning")  # slack_sdk's, of aiohttp


@pytest.fixture
async def fake() -> AsyncIterator[Slack]:
    async with slack(mode="http") as server:
        yield server
    assert server.problems == []


def installing(fake: Slack, folder: Path) -> dict[str, Any]:
    """The settings of an app that workspaces install."""
    port = free_port()
    return {
        "http": True,
        "port": port,
        "model": echo(),
        "router": "one",
        "slack_client_id": fake.client_id,
        "slack_client_secret": fake.client_secret,
        "slack_public_url": f"http://127.0.0.1:{port}",
        "slack_installs": f"sqlite:///{folder / 'installs.db'}",
    }


async def installs(fake: Slack, team: Team, by: Person, *, at: str, state: str = "") -> str:
    """Somebody goes the whole way in a browser; the page that they see in the end."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get(f"{at}/slack/install") as page:
            text = await page.text()
            cookies = {"Cookie": page.headers["Set-Cookie"].split(";")[0]}
        found = re.search(r"state=([\w-]+)", text)
        assert found is not None, text
        code = fake.authorizes(team, by)
        query = {"code": code, "state": state or found[1]}
        async with browser.get(f"{at}/slack/oauth_redirect", params=query, headers=cookies) as page:
            return await page.text()


@pytest.mark.proves("slack.installs")
async def test_two_workspaces_are_answered_each_with_its_own_token_also_after_a_restart(
    fake: Slack, tmp_path: Path
) -> None:
    given = installing(fake, tmp_path)
    globex = fake.workspace("Globex")
    hank = fake.person("Hank", team=globex)
    ann = fake.person("Ann")
    async with errand_on(fake, tmp_path, **given):
        for team, by in ((globex, hank), (fake.team, ann)):
            assert "Thank" in await installs(fake, team, by, at=given["slack_public_url"])
        for person in (ann, hank):
            asked = await person.says(person.direct(), "Hello")
            await person.direct().thread(asked).shows("heard: Hello")
    async with errand_on(fake, tmp_path, **given):
        for person in (ann, hank):
            asked = await person.says(person.direct(), "Hello again")
            await person.direct().thread(asked).shows("heard: Hello again")
            assert answers(person.direct()) == ["heard: Hello", "heard: Hello again"]


@pytest.mark.proves("slack.installs")
async def test_an_organisation_that_has_it_everywhere_is_answered(fake: Slack, tmp_path: Path) -> None:
    given = installing(fake, tmp_path)
    team = fake.workspace("Initech", enterprise="E0FAKE", org_wide=True)
    milton = fake.person("Milton", team=team)
    async with errand_on(fake, tmp_path, **given):
        assert "Thank" in await installs(fake, team, milton, at=given["slack_public_url"])
        asked = await milton.says(milton.direct(), "Hello")
        await milton.direct().thread(asked).shows("heard: Hello")
        await milton.runs(milton.direct(), "/errand why")
        await milton.direct().shows("“Hello”")


@pytest.mark.proves("slack.installs")
async def test_an_install_that_somebody_else_began_is_refused(fake: Slack, tmp_path: Path) -> None:
    given = installing(fake, tmp_path)
    globex = fake.workspace("Globex")
    hank = fake.person("Hank", team=globex)
    async with errand_on(fake, tmp_path, **given):
        page = await installs(fake, globex, hank, at=given["slack_public_url"], state="somebody-elses")
    assert "Thank" not in page
    assert globex.install is None
