"""`errand init slack`: the manifest of the app, and what is to be done with it."""

import json

SOCKET = """
1. Open https://api.slack.com/apps, Create New App, From a manifest, and paste the JSON above.
2. Install it to your workspace. OAuth & Permissions shows the bot token: ERRAND_SLACK_BOT_TOKEN=xoxb-...
3. Basic Information, App-Level Tokens: make one with connections:write. ERRAND_SLACK_APP_TOKEN=xapp-...
4. Write both into .env, then `errand doctor` and `errand serve`. In a channel: /invite @{name}"""
HTTP = """
1. Let {url} lead to the port of `slack_listen` (127.0.0.1:3000), and start `errand serve` with the secret of step 3.
2. Open https://api.slack.com/apps, Create New App, From a manifest, and paste the JSON above.
3. Basic Information shows the signing secret: ERRAND_SLACK_SIGNING_SECRET=...
{last}"""
ONE = """4. Install it to your workspace. OAuth & Permissions shows the bot token: ERRAND_SLACK_BOT_TOKEN=xoxb-...
5. Write both into .env, then `errand doctor` and `errand serve`. In a channel: /invite @{name}"""
SEVERAL = """4. Basic Information shows client id and secret:
   ERRAND_SLACK_CLIENT_ID=..., ERRAND_SLACK_CLIENT_SECRET=..., and ERRAND_SLACK_PUBLIC_URL={url}
5. Write all into .env, then `errand serve`. Each workspace installs it at {url}/slack/install"""


def told(*, name: str, url: str, installs: bool) -> tuple[str, str]:
    """The manifest as JSON, and the steps."""
    from adapters.slack.manifest import manifest  # noqa: PLC0415 - it needs no package of Slack's

    whole = json.dumps(manifest(name=name, public=url, installs=installs), indent=2)
    if not url:
        return whole, SOCKET.format(name=name)
    public = url.rstrip("/")
    last = SEVERAL.format(url=public) if installs else ONE.format(name=name)
    return whole, HTTP.format(url=public, last=last)
