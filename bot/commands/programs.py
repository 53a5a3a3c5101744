"""errand token: which programs are let in at the HTTP API."""

import click

from bot.commands.root import errand, run
from bot.settings import Settings


@errand.group()
def token() -> None:
    """Let programs in at the HTTP API (docs/api.md). Errand must not be running on the database."""


@token.command("add")
@click.argument("name")
@click.option("--person", default="", help="Whose requests it makes. Without: a person of that name.")
@click.pass_obj
def token_add(settings: Settings, name: str, person: str) -> None:
    """Make a token for the program NAME, and print it once."""
    run(_token_add(settings, name, person))


@token.command("list")
@click.pass_obj
def token_list(settings: Settings) -> None:
    """List the tokens by their names: what they are, nobody can tell."""
    run(_token_list(settings))


@token.command("remove")
@click.argument("name")
@click.pass_obj
def token_remove(settings: Settings, name: str) -> None:
    """Let the program NAME in no more."""
    run(_token_remove(settings, name))


async def _token_add(settings: Settings, name: str, person: str) -> None:
    from bot.tokens import added  # noqa: PLC0415

    click.echo(await added(settings, name, person))


async def _token_list(settings: Settings) -> None:
    from bot.tokens import listed  # noqa: PLC0415

    for line in await listed(settings):
        click.echo(line)


async def _token_remove(settings: Settings, name: str) -> None:
    from bot.tokens import removed  # noqa: PLC0415

    await removed(settings, name)
    click.echo(f"{name} is not let in any more.")
