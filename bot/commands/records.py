"""errand sessions | dossier | insights | replay | eval | soak: what is on record, and how well it went."""

import json
import sys

import click

from bot.commands.root import errand, run
from bot.settings import Settings


@errand.command()
@click.pass_obj
def sessions(settings: Settings) -> None:
    """List the conversations on record."""
    run(_sessions(settings))


@errand.command()
@click.argument("turn", required=False)
@click.option("--last", is_flag=True, help="The newest turn of all conversations.")
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON, instead of the text of /why.")
@click.pass_obj
def dossier(settings: Settings, turn: str | None, last: bool, as_json: bool) -> None:
    """Tell what was decided in a turn such as t12, and why."""
    if last == bool(turn):
        raise click.UsageError("Name one turn, such as t12, or say --last.")
    run(_dossier(settings, turn, as_json=as_json))


@errand.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def insights(context: click.Context, as_json: bool) -> None:
    """List what people ask for in vain, and make a template or a tool of it."""
    if context.invoked_subcommand is None:
        run(_insights(context.obj, as_json=as_json))


@insights.command("template")
@click.argument("number", type=int)
@click.argument("name")
@click.argument("plan")
@click.pass_obj
def insights_template(settings: Settings, number: int, name: str, plan: str) -> None:
    """Serve what has this NUMBER by a template: its NAME, and its PLAN with {{parameters}}, one step a line."""
    run(_insights_template(settings, number, name, plan))


@insights.command("tool")
@click.argument("number", type=int)
@click.option("--name", default="", help="What the tool is called. Without: after the words of the requests.")
@click.pass_obj
def insights_tool(settings: Settings, number: int, name: str) -> None:
    """Begin a tool for what has this NUMBER: writes NAME.py in this folder."""
    run(_insights_tool(settings, number, name))


@errand.command()
@click.argument("turns", nargs=-1)
@click.option("--planner", required=True, help='The chain that decides again, such as "openai:gpt-4o-mini".')
@click.option("--last", type=click.IntRange(min=1), help="The newest turns of all conversations, so many.")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
@click.pass_obj
def replay(settings: Settings, turns: tuple[str, ...], planner: str, last: int | None, as_json: bool) -> None:
    """Let another chain decide stored turns again, and compare. No tool runs, nothing is stored, nobody is told."""
    if bool(turns) == bool(last):
        raise click.UsageError("Name turns, such as t12 t15, or say --last 20.")
    run(_replay(settings, turns, planner=planner, last=last, as_json=as_json))


@errand.group(name="eval")
def evaluate() -> None:
    """Tell how well something did, by what is on record."""


@evaluate.command("routing")
@click.option(
    "--last", default=1_000, type=click.IntRange(min=1), help="The newest turns of all conversations, so many."
)
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
@click.pass_obj
def eval_routing(settings: Settings, last: int, as_json: bool) -> None:
    """Tell what became of simple and complex requests with each chain, and which threshold looks wrong."""
    run(_eval_routing(settings, last=last, as_json=as_json))


@errand.command()
@click.option("--turns", default=50, type=click.IntRange(min=1), help="Requests to play; questions add turns.")
@click.option("--live", is_flag=True, help="Play them with the configured chains; else the model is scripted.")
@click.option("--least", default=0.6, type=click.FloatRange(0, 1), help="Exit with 1 below this adherence.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def soak(settings: Settings, turns: int, live: bool, least: float, as_json: bool) -> None:
    """Play many mixed requests in a database of its own, and report where plans were not kept."""
    run(_soak(settings, turns, live=live, least=least, as_json=as_json))


async def _sessions(settings: Settings) -> None:
    from storage.looking import looking  # noqa: PLC0415

    async with looking(settings.database) as store:
        for each in await store.sessions():
            last = f"{each.last_at:%Y-%m-%d %H:%M}" if each.last_at else "never"
            asking = ", a question is open" if each.open_question else ""
            turns = "1 turn" if each.turns == 1 else f"{each.turns} turns"
            click.echo(f"{each.session}: {turns}, last {last}{asking}")


async def _dossier(settings: Settings, turn: str | None, *, as_json: bool) -> None:
    from bot.dossiers import account  # noqa: PLC0415
    from orchestrator.telling import tell  # noqa: PLC0415

    found = await account(settings, turn)
    click.echo(found.model_dump_json(indent=2) if as_json else tell(found))


async def _insights(settings: Settings, *, as_json: bool) -> None:
    from bot.insights import listed  # noqa: PLC0415

    for line in await listed(settings, as_json=as_json):
        click.echo(line)


async def _insights_template(settings: Settings, number: int, name: str, plan: str) -> None:
    from bot.insights import template  # noqa: PLC0415

    click.echo(await template(settings, number, name, plan))


async def _insights_tool(settings: Settings, number: int, name: str) -> None:
    from bot.insights import begin_tool  # noqa: PLC0415

    click.echo(await begin_tool(settings, number, name))


async def _replay(settings: Settings, turns: tuple[str, ...], *, planner: str, last: int | None, as_json: bool) -> None:
    from bot.app import build  # noqa: PLC0415
    from bot.chains import models_of  # noqa: PLC0415
    from bot.dossiers import turn_named  # noqa: PLC0415
    from bot.replay import as_data, replayed, told  # noqa: PLC0415

    async with build(settings, patient=True) as app, models_of(settings) as model:
        named = [await turn_named(app.store, each) for each in turns]
        records = await app.store.recent_turns(last=last) if last else named
        outcomes = await replayed(app, settings, records, chain=planner, model=model)
    click.echo(as_data(planner, outcomes) if as_json else told(planner, outcomes))


async def _eval_routing(settings: Settings, *, last: int, as_json: bool) -> None:
    from bot.evaluating import as_data, routing, told  # noqa: PLC0415

    turns = await routing(settings, last=last)
    click.echo(as_data(turns) if as_json else told(turns))


async def _soak(settings: Settings, requests: int, *, live: bool, least: float, as_json: bool) -> None:
    from bot.soak import soak  # noqa: PLC0415

    report = await soak(settings, requests=requests, live=live)
    click.echo(json.dumps(report.as_json(), indent=2) if as_json else report.as_text())
    if report.adherence < least:
        sys.exit(1)
