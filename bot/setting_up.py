"""`errand init`: asks for a model and tokens, tries each at once, and writes them into one file."""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from pydantic import SecretStr

from bot.doctor import Check, model_check, slack_checks, telegram_checks, tool_checks
from bot.env_file import known, write
from bot.settings import Settings, environment
from bot.sources import mcp_tools
from orchestrator.agno_models import Models
from orchestrator.errors import ErrandError
from orchestrator.providers import Access
from storage.store import open_store

Given = Mapping[str, str]
"""Variables and their values as they go into the file; an empty one takes its line out."""
OUT = "-"


async def set_up(file: Path, settings: Settings) -> None:
    """The whole conversation. Nothing is written before its end. Raises BadInput where it cannot be."""
    has = known(file)
    click.echo(f"These settings go into {file}. Enter keeps what is there, {OUT} takes it out; secrets are not shown.")
    given: dict[str, str] = {}
    for ask, tried in ((_model, _tried_model), (_telegram, _tried_telegram), (_slack, _tried_slack)):
        given |= await _until_well(ask, tried, has, settings)
    await _tell_servers(settings)
    changed = {name: value for name, value in given.items() if value != has.get(name, "")}
    if not changed:
        click.echo("\nNothing is to be changed.")
    elif not has or click.confirm(f"\nChange {', '.join(changed)} in {file}?", default=True):
        write(file, changed)
        click.echo(f"\n{file} is written, for you alone to read. Go on with: errand doctor, errand chat, errand serve.")
    else:
        click.echo(f"{file} is as it was.")


async def _until_well(
    ask: Callable[[Given], Given],
    tried: Callable[[Given, Settings], AsyncIterator[Check]],
    has: Given,
    settings: Settings,
) -> Given:
    """What was answered, once it works or is to be kept all the same."""
    while True:
        given: Given = {}
        well = True
        try:
            given = ask(has)
            if any(given.values()):
                well = await _told(tried(given, settings))
        except ErrandError as error:
            well = False
            click.echo(f"BAD  {error}")
        if well:
            return given
        match click.prompt("What now?", type=click.Choice(["again", "keep", "leave"]), default="again"):
            case "keep":
                return given
            case "leave":
                return {}


async def _told(checks: AsyncIterator[Check]) -> bool:
    """Print what was looked at; whether all is well."""
    well = True
    async for check in checks:
        click.echo(str(check))
        well = well and check.ok
    return well


def _asked(variable: str, words: str, has: Given, *, secret: bool = False) -> str:
    """A value; Enter keeps the one that is there."""
    kept = has.get(variable, "")
    told = f"{words} (Enter: keep it)" if secret and kept else words
    given = click.prompt(told, default=kept, show_default=bool(kept) and not secret, hide_input=secret)
    return "" if given == OUT else str(given).strip()


def _model(has: Given) -> Given:
    click.echo("\nA model, such as openai:gpt-4o-mini or ollama:llama3.2. Without one (Enter) it works by rules.")
    name = _asked("ERRAND_ROUTER", "Model", has)
    if not name:
        return {"ERRAND_ROUTER": ""}
    provider = Access().provider(name)
    key, address = provider.keys[0], provider.addresses[0]
    return {
        "ERRAND_ROUTER": name,
        key: _asked(key, "Its key", has, secret=True),
        address: _asked(address, f"Address of its server, if it is not {provider.home}", has),
    }


async def _tried_model(given: Given, settings: Settings) -> AsyncIterator[Check]:
    models = Models(base_urls=settings.addresses, environ={**environment(), **given})
    try:
        yield await model_check(given["ERRAND_ROUTER"], models.named, settings)
    finally:
        await models.aclose()


def _telegram(has: Given) -> Given:
    click.echo("\nA Telegram bot: @BotFather makes one, and tells its token. Enter: none.")
    return {"ERRAND_TELEGRAM_TOKEN": _asked("ERRAND_TELEGRAM_TOKEN", "Token", has, secret=True)}


def _tried_telegram(given: Given, settings: Settings) -> AsyncIterator[Check]:
    token = SecretStr(given["ERRAND_TELEGRAM_TOKEN"])
    return telegram_checks(settings.model_copy(update={"telegram_token": token}))


def _slack(has: Given) -> Given:
    click.echo("\nA Slack app: `errand init slack` prints what makes one, and where its two tokens are. Enter: none.")
    bot = _asked("ERRAND_SLACK_BOT_TOKEN", "Bot token, xoxb-...", has, secret=True)
    app = _asked("ERRAND_SLACK_APP_TOKEN", "App-level token, xapp-...", has, secret=True) if bot else ""
    return {"ERRAND_SLACK_BOT_TOKEN": bot, "ERRAND_SLACK_APP_TOKEN": app}


def _tried_slack(given: Given, settings: Settings) -> AsyncIterator[Check]:
    bot, app = (SecretStr(given[f"ERRAND_SLACK_{kind}_TOKEN"]) for kind in ("BOT", "APP"))
    return slack_checks(settings.model_copy(update={"slack_bot_token": bot, "slack_app_token": app}))


async def _tell_servers(settings: Settings) -> None:
    """Connect to each MCP server of the file, on a database that is gone afterwards: nothing is trusted by looking."""
    click.echo("\nTools:")
    with TemporaryDirectory() as folder:
        store = await open_store(str(Path(folder) / "errand.db"))
        servers = mcp_tools(settings, store)
        try:
            await servers.start()
            for check in tool_checks(servers.health(), settings):
                click.echo(str(check))
        finally:
            await servers.stop()
            await store.close()
