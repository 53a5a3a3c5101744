"""errand audit | forget | export: what is kept of people."""

import sys
from datetime import datetime

import click

from bot.commands.root import errand, run
from bot.settings import Settings
from orchestrator.errors import BadInput


@errand.group(invoke_without_command=True)
@click.option("--kind", "kinds", multiple=True, help="Only rows of this kind, such as approval; may come again.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def audit(context: click.Context, kinds: tuple[str, ...], as_json: bool) -> None:
    """Tell who decided, allowed, changed or took away what."""
    if context.invoked_subcommand is None:
        run(_audit(context.obj, kinds, as_json=as_json))


@audit.command("verify")
@click.option("--head", default="", help="The head that an earlier run told: is it still part of the audit?")
@click.pass_obj
def audit_verify(settings: Settings, head: str) -> None:
    """Check that no row was changed, put in or left out. Exits with 1 where one was."""
    run(_audit_verify(settings, head))


@errand.command()
@click.argument("channel")
@click.argument("person")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@click.pass_obj
def forget(settings: Settings, channel: str, person: str, yes: bool) -> None:
    """Delete all that is kept of a person, such as telegram 4711. Errand must not be running on the database."""
    run(_forget(settings, channel, person, yes=yes))


@errand.command()
@click.option("--person", default="", metavar="CHANNEL:ID", help="Only what is kept of this person.")
@click.option("--since", type=click.DateTime(), help="Only turns and rows of the audit from then on, in UTC.")
@click.pass_obj
def export(settings: Settings, person: str, since: datetime | None) -> None:
    """Print sessions, turns with their dossiers, and the audit as JSON lines (docs/privacy.md)."""
    run(_export(settings, person, since))


async def _forget(settings: Settings, channel: str, person: str, *, yes: bool) -> None:
    from bot.privacy import forget, found  # noqa: PLC0415
    from orchestrator.forgetting import receipt  # noqa: PLC0415

    counts = await found(settings, channel, person)
    if not counts:
        raise BadInput(f"Nothing is kept of {channel}:{person}. `errand export` names the people that are known.")
    if not yes:
        click.confirm(f"{receipt(counts)}\nDelete all of this? Nobody can bring it back.", abort=True)
    click.echo(f"Deleted, or without words now:\n{receipt(await forget(settings, channel, person))}")


async def _export(settings: Settings, person: str, since: datetime | None) -> None:
    from bot.privacy import exported  # noqa: PLC0415

    async for line in exported(settings, person, since):
        click.echo(line)


async def _audit(settings: Settings, kinds: tuple[str, ...], *, as_json: bool) -> None:
    from bot.auditing import audited  # noqa: PLC0415

    async for line in audited(settings, kinds, as_json=as_json):
        click.echo(line)


async def _audit_verify(settings: Settings, head: str) -> None:
    from bot.auditing import verified  # noqa: PLC0415

    well, told = await verified(settings, head)
    click.echo(told)
    if not well:
        sys.exit(1)
