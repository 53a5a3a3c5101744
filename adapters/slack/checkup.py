"""What is to be looked at before a Slack app is put to work: its tokens, what it may do, how it hears of things."""

from collections.abc import AsyncIterator

from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.errors import FAILURES, TOKEN, SlackTrouble, answer_to, trouble_of
from adapters.slack.manifest import EVENT_TYPES, SCOPES

Finding = tuple[str, bool, str]
"""What was looked at, whether it is well, and a sentence that names the fix where it is not."""

PLACE = "api.slack.com/apps"


async def checkup(token: str, *, app_token: str, signing_secret: str, api: str, people: str) -> AsyncIterator[Finding]:
    """The findings on an app, live."""
    web = AsyncWebClient(token=token, base_url=api, timeout=10)
    web.retry_handlers.clear()
    try:
        async for finding in _token_findings(web):
            yield finding
    except SlackTrouble as trouble:
        if trouble.code in TOKEN:
            yield "bot token", False, f"Slack: {trouble}. Take it anew from {PLACE}, OAuth & Permissions."
        else:
            yield "server", False, f"{api} does not answer: {trouble}. Check the network, and slack_api."
            return
    if app_token:
        yield await _socket_finding(web, app_token)
    if signing_secret:
        yield "requests", True, "signed ones are taken in HTTP mode; `errand init slack` prints the address to enter"
    if not (app_token or signing_secret):
        yield "requests", False, "nothing comes in: set slack_app_token (Socket Mode) or slack_signing_secret (HTTP)"
    events = ", ".join(EVENT_TYPES)
    yield "events", True, f"Slack tells nobody which are on; `errand init slack` prints the manifest with all: {events}"
    yield "people", True, _who(people)


async def _token_findings(web: AsyncWebClient) -> AsyncIterator[Finding]:
    try:
        response = await web.auth_test()
    except FAILURES as error:
        raise trouble_of(error) from None
    yield "bot token", True, f"it is @{response.get('user')}'s in {response.get('team')}"
    granted = {scope.strip() for scope in str(response.headers.get("x-oauth-scopes", "")).split(",")}
    if missing := [scope for scope in SCOPES if scope not in granted]:
        yield (
            "scopes",
            False,
            f"missing: {', '.join(missing)}. Add them at {PLACE}, OAuth & Permissions, and reinstall.",
        )
    else:
        yield "scopes", True, "all that are needed"


async def _socket_finding(web: AsyncWebClient, app_token: str) -> Finding:
    try:
        await answer_to(web.apps_connections_open(app_token=app_token))
    except SlackTrouble as trouble:
        fix = f"Make one with connections:write at {PLACE}, Basic Information, and turn Socket Mode on."
        return "app token", False, f"Slack: {trouble}. {fix}"
    return "app token", True, "Socket Mode can be used"


def _who(people: str) -> str:
    named = [each.strip() for each in people.split(",") if each.strip()]
    if "*" in named:
        return "everybody may talk to it, also guests and people of other workspaces"
    return f"{len(named)} named people may talk to it" if named else "full members of the workspace may talk to it"
