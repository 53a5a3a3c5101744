"""errand chat | serve | plan | demo: talking to people."""

import asyncio
import gc
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from bot.commands.root import errand, run
from bot.settings import Settings
from orchestrator.words import say


@errand.command()
@click.pass_obj
def chat(settings: Settings) -> None:
    """Talk in this terminal, and on the web page beside it. Text on standard input works too."""
    run(_chat(settings))


@errand.command()
@click.option("--lines", is_flag=True, help="Serve programs too: JSON lines on standard input and output.")
@click.option("--live/--no-live", default=True, help="Of the lines: write what goes on, not only the end of a turn.")
@click.option("--cluster", is_flag=True, help="As one of several processes on one PostgreSQL (docs/cluster.md).")
@click.option("--only", type=click.Choice(["channels", "work"]), help="Of a cluster: do only this part.")
@click.pass_obj
def serve(settings: Settings, lines: bool, live: bool, cluster: bool, only: str | None) -> None:
    """Serve the web page, and what is set up: Telegram, Slack; programs with --lines (docs/lines.md)."""
    if only and not cluster:
        raise click.UsageError("--only is for a cluster: errand serve --cluster --only work")
    if cluster:
        from bot.cluster.serving import serve_part  # noqa: PLC0415 - its packages are an extra

        run(serve_part(settings, only=only, lines=lines, live=live))
    else:
        run(_serve(settings, lines=lines, live=live))


@errand.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A value for {{NAME}} in the plan.")
@click.pass_obj
def plan(settings: Settings, file: Path, given: tuple[str, ...]) -> None:
    """Run a plan written by hand, without any model. It is JSON or compact notation; risky steps ask first."""
    run(_plan(settings, file, dict(each.partition("=")[::2] for each in given)))


@errand.command()
def demo() -> None:
    """Watch the whole flow, played with a scripted model in a database of its own."""
    from bot.demo import play  # noqa: PLC0415 - no other command needs it

    run(play())


async def _chat(settings: Settings, *, first: str | None = None) -> None:
    from adapters.console import Console  # noqa: PLC0415
    from bot.app import build  # noqa: PLC0415
    from bot.chains import about_models  # noqa: PLC0415
    from bot.channels import page_of  # noqa: PLC0415

    watched = sys.stdin.isatty() and sys.stdout.isatty()
    shows = settings if watched and first is None else settings.model_copy(update={"web": False})
    async with (
        build(settings, patient=first is not None) as app,
        page_of(shows, app) as page,
        asyncio.TaskGroup() as tasks,
    ):
        about = about_models(settings)
        if page:
            about = f"{about} {say('The page is at {address}.', address=page.address)}"
            tasks.create_task(_open_browser(page.address))
        console = Console(settings.person, about=about, first=first, where=app.files.path)
        await app.serve([console], beside=page.channels if page else ())


async def _serve(settings: Settings, *, lines: bool, live: bool) -> None:
    from adapters.hooks import Hooks  # noqa: PLC0415
    from bot.app import build  # noqa: PLC0415
    from bot.channels import channels_of, page_of  # noqa: PLC0415

    hooks = Hooks()
    async with (
        build(settings) as app,
        channels_of(settings, app, lines=lines, live=live, hooks=hooks) as channels,
        page_of(settings, app, hooks) as page,
        asyncio.TaskGroup() as tasks,
    ):
        if page:
            click.echo(f"The page is at {page.address}", err=True)
            tasks.create_task(_open_browser(page.address))
        pages = page.channels if page else ()
        gc.freeze()  # what is there now stays, and need not be looked through again
        await app.serve(channels or pages, beside=pages if channels else ())


async def _open_browser(address: str) -> None:
    """Open the page where somebody sits at a screen."""
    from bot.on_web import open_browser, opens_browser  # noqa: PLC0415

    if opens_browser():
        await open_browser(address)


async def _plan(settings: Settings, file: Path, given: Mapping[str, str]) -> None:
    from orchestrator.notation import read_plan  # noqa: PLC0415

    text = await asyncio.to_thread(file.read_text, encoding="utf-8")
    for name, value in given.items():
        text = text.replace(f"{{{{{name}}}}}", json.dumps(value)[1:-1])  # it stands inside of a JSON text
    steps, template = read_plan(text)
    written = {"steps": [step.model_dump(mode="json") for step in steps], "template": template}
    await _chat(settings, first=f"/plan {json.dumps(written)}")
