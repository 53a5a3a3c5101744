"""errand init | doctor | health: setting up, and checking that all is well."""

import sys

import click

from bot.commands.root import errand, run
from bot.settings import Settings


@errand.group()
def init() -> None:
    """Set something up."""


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
@click.pass_obj
def doctor(settings: Settings) -> None:
    """Check database, tools and models, live. Exits with 1 where something is wrong."""
    run(_doctor(settings))


@errand.command()
@click.pass_obj
def health(settings: Settings) -> None:
    """Ask the page of a running `errand serve` how it is, as health checks do. Exits with 1 where it is not well."""
    from bot.health import health as asked  # noqa: PLC0415

    click.echo(asked(settings))


async def _doctor(settings: Settings) -> None:
    from bot.app import build  # noqa: PLC0415
    from bot.doctor import checks  # noqa: PLC0415
    from bot.wiring import models_of  # noqa: PLC0415

    well = True
    async with build(settings, patient=True) as app, models_of(settings) as model:
        async for check in checks(settings, app, model):
            click.echo(f"{'ok ' if check.ok else 'BAD'}  {check.name}: {check.detail}")
            well = well and check.ok
    if not well:
        sys.exit(1)
