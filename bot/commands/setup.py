"""errand init | doctor | health: setting up, and checking that all is well."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from bot.commands.root import errand, run
from bot.settings import Settings


@errand.group(invoke_without_command=True)
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), default=".env", help="Where to: .env here.")
@click.pass_context
def init(context: click.Context, file: Path) -> None:
    """Ask for a model and tokens, try each at once, and write them into one file. Can be repeated."""
    if context.invoked_subcommand is None:
        from bot.setting_up import set_up  # noqa: PLC0415

        run(set_up(file, context.obj))


@init.command()
@click.option("--name", default="Errand", help="What the app is called.")
@click.option("--url", default="", metavar="HTTPS://...", help="Public address, for HTTP mode. Without: Socket Mode.")
@click.option("--installs", is_flag=True, help="Several workspaces install it. Needs --url.")
def slack(name: str, url: str, installs: bool) -> None:
    """Print the manifest of a Slack app, and what to do with it."""
    from bot.init_slack import told  # noqa: PLC0415

    if installs and not url:
        raise click.UsageError("--installs needs --url: people install the app there.")
    manifest, steps = told(name=name, url=url, installs=installs)
    click.echo(manifest)
    click.echo(steps, err=True)


@errand.command()
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each check: name, ok, detail.")
@click.pass_obj
def doctor(settings: Settings, *, as_json: bool) -> None:
    """Check the machine, database, tools, channels and models, live. Exits with 1 where something is wrong."""
    run(_doctor(settings, as_json=as_json))


@errand.command()
@click.pass_obj
def health(settings: Settings) -> None:
    """Ask the page of a running `errand serve` how it is, as health checks do. Exits with 1 where it is not well."""
    from bot.health import health as asked  # noqa: PLC0415

    click.echo(asked(settings))


async def _doctor(settings: Settings, *, as_json: bool) -> None:
    from bot.doctor import examined  # noqa: PLC0415

    well = True
    async for check in examined(settings):
        click.echo(json.dumps(asdict(check)) if as_json else str(check))
        well = well and check.ok
    if not well:
        sys.exit(1)
