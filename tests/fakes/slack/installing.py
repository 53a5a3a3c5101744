"""The app itself: OAuth, its manifest, and the links of Socket Mode."""

from tests.fakes.slack.calls import Asked, serves
from tests.fakes.slack.people import Install, Team, User, Wire
from tests.fakes.slack.refusals import Refused
from tests.fakes.slack.state import APP_ID, CLIENT_ID, CLIENT_SECRET, State

SECTIONS = ("display_information", "features", "oauth_config", "settings", "_metadata", "functions")


@serves("oauth.v2.access")
def access(state: State, asked: Asked) -> Wire:
    if asked["client_id"] != CLIENT_ID:
        raise Refused("invalid_client_id")
    if asked["client_secret"] != CLIENT_SECRET:
        raise Refused("bad_client_secret")
    if asked["code"] not in state.codes:
        raise Refused("invalid_code")
    team, by = state.codes.pop(asked["code"])
    found = install(state, team)
    org_wide = found.team_id is None
    return {
        "access_token": found.bot_token,
        "token_type": "bot",
        "scope": ",".join(sorted(found.scopes)),
        "bot_user_id": found.bot.id,
        "app_id": APP_ID,
        "team": None if org_wide else {"name": team.name, "id": team.id},
        "enterprise": {"name": "Enterprise", "id": team.enterprise_id} if team.enterprise_id else None,
        "is_enterprise_install": org_wide,
        "authed_user": {"id": by},
    }


@serves("apps.manifest.validate")
def validate_manifest(state: State, asked: Asked) -> Wire:
    manifest = asked["manifest"]
    if not isinstance(manifest, dict):
        raise Refused("invalid_manifest", errors=[{"message": "no JSON object", "pointer": "/"}])
    errors = [{"message": "Unknown property", "pointer": f"/{each}"} for each in manifest if each not in SECTIONS]
    if not (manifest.get("display_information") or {}).get("name"):
        errors.append({"message": "Missing required property", "pointer": "/display_information/name"})
    if errors:
        raise Refused("invalid_manifest", errors=errors)
    return {}


def install(state: State, team: Team, *, org_wide: bool = False, name: str = "") -> Install:
    """The app is in this workspace from now on."""
    before = team.install
    bot = before.bot if before else User(state.new_id("U"), name, team.id, is_bot=True, bot_id=state.new_id("B"))
    if not bot.name:
        bot.name = next(each.bot.name for each in state.installs.values())
    state.users[bot.id] = bot
    org = org_wide or (before is not None and before.team_id is None)
    token = f"xoxb-{team.id}-{next(state.numbers)}-fake"
    team.install = Install(bot, token, state.scopes, None if org else team.id, team.enterprise_id)
    state.installs[token] = team.install
    for room in state.rooms.values():
        if room.team_id == team.id and room.kind == "im" and before is None:
            room.members.append(bot.id)
    return team.install


def allowed(state: State, team: Team, by: str) -> str:
    """Somebody has allowed the app in; the code that says so, for one use."""
    code = f"code-{next(state.numbers)}"
    state.codes[code] = (team, by)
    return code
