"""The command line: errand chat | serve | plan | tools | sessions | dossier | insights | audit | eval | ..."""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapters.base import ChannelClosed
from bot.logs import set_up_logging
from bot.settings import Settings, environment, read_settings
from orchestrator.errors import BadInput, ErrandError
from orchestrator.words import say
from storage.errors import StorageError

if TYPE_CHECKING:
    from orchestrator.appointing import Appointing
    from orchestrator.cases import Cases

EXPECTED = (ErrandError, StorageError, ChannelClosed)  # errors whose message is a sentence for the operator


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="errand")
@click.option("--database", help="SQLite file or postgresql:// URL (ERRAND_DATABASE).")
@click.option("--servers", help="File of MCP servers (ERRAND_SERVERS).")
@click.pass_context
def errand(context: click.Context, database: str | None, servers: str | None) -> None:
    """A self-hosted assistant: it answers, asks, or plans, and runs real tools."""
    given = {"database": database, "servers": servers}
    context.obj = settings = read_settings(**{name: value for name, value in given.items() if value is not None})
    set_up_logging(settings.log_level, form=settings.log_format)


@errand.command()
@click.pass_obj
def chat(settings: Settings) -> None:
    """Talk in this terminal, and on the web page beside it. Text on standard input works too."""
    run(_chat(settings))


@errand.command()
@click.option("--lines", is_flag=True, help="Serve programs too: JSON lines on standard input and output.")
@click.option("--live/--no-live", default=True, help="Of the lines: write what goes on, not only the end of a turn.")
@click.pass_obj
def serve(settings: Settings, lines: bool, live: bool) -> None:
    """Serve the web page, and what is set up: Telegram, Slack; programs with --lines (docs/lines.md)."""
    run(_serve(settings, lines=lines, live=live))


@errand.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A value for {{NAME}} in the plan.")
@click.pass_obj
def plan(settings: Settings, file: Path, given: tuple[str, ...]) -> None:
    """Run a plan written by hand, without any model. It is JSON or compact notation; risky steps ask first."""
    run(_plan(settings, file, dict(each.partition("=")[::2] for each in given)))


@errand.group(invoke_without_command=True)
@click.pass_context
def tools(context: click.Context) -> None:
    """List the tools, add a server of tools, try one, let changed ones run, call one."""
    if context.invoked_subcommand is None:
        run(_tools(context.obj))


@tools.command("list")
@click.pass_obj
def tools_list(settings: Settings) -> None:
    """List the tools, and how their sources are."""
    run(_tools(settings))


@tools.command("add")
@click.argument("name")
@click.argument("command", nargs=-1)
@click.option("--url", help="Address of a server over HTTP.")
@click.option("--type", "kind", type=click.Choice(["stdio", "http", "sse"]), help="Where it cannot be seen.")
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="A variable of its own; ${env:NAME} keeps keys out.")
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="A header of its requests.")
@click.pass_obj
def tools_add(settings: Settings, /, name: str, command: tuple[str, ...], **given: Any) -> None:
    """Write an MCP server into the file of servers: errand tools add time -- mcp-server-time --local-timezone=UTC."""
    from bot.servers import add, entry_of  # noqa: PLC0415

    add(settings.servers, name, entry_of(command, **given), environment())
    click.echo(f"{name} stands in {settings.servers}; `errand tools test {name}` tries it.")


@tools.command("test")
@click.argument("names", nargs=-1)
@click.pass_obj
def tools_test(settings: Settings, names: tuple[str, ...]) -> None:
    """Connect to the MCP servers, or to these alone. Exits with 1 where one does not answer."""
    run(_tools_test(settings, names))


@tools.command("trust")
@click.argument("name")
@click.pass_obj
def tools_trust(settings: Settings, name: str) -> None:
    """Show which tools of an MCP server are new or have changed, and let all that it has now run."""
    run(_tools_trust(settings, name))


@tools.command("call")
@click.argument("tool")
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...")
@click.pass_obj
def tools_call(settings: Settings, tool: str, arguments: tuple[str, ...]) -> None:
    """Call a tool, without asking: errand tools call time__get_current_time timezone=UTC."""
    run(_tools_call(settings, tool, arguments))


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


@errand.group()
def review() -> None:
    """Work on what could not be served, while the bot does not run. In the chat: /review."""


@review.command("list")
@click.pass_obj
def review_list(settings: Settings) -> None:
    """List the open cases, oldest first."""
    run(_review_list(settings))


@review.command("retry")
@click.argument("turn")
@click.argument("words", nargs=-1)
@click.pass_obj
def review_retry(settings: Settings, turn: str, words: tuple[str, ...]) -> None:
    """Try a case such as t12 again at the next start, perhaps in other words."""
    run(_review(settings, turn, "will be tried again", lambda cases: cases.retry(turn, by=None, words=" ".join(words))))


@review.command("answer")
@click.argument("turn")
@click.argument("text", nargs=-1, required=True)
@click.pass_obj
def review_answer(settings: Settings, turn: str, text: tuple[str, ...]) -> None:
    """Answer a case yourself; it is delivered at the next start."""
    run(_review(settings, turn, "will be answered", lambda cases: cases.answer(turn, " ".join(text), by=None)))


@review.command("close")
@click.argument("turn")
@click.pass_obj
def review_close(settings: Settings, turn: str) -> None:
    """Close a case; nobody is told anything more."""
    run(_review(settings, turn, "is closed", lambda cases: cases.close(turn, by=None)))


@errand.group()
def people() -> None:
    """Say who has which role, while the bot does not run. In the chat: /people."""


@people.command("list")
@click.pass_obj
def people_list(settings: Settings) -> None:
    """List everybody who was given a role."""
    run(_people(settings, lambda appointing: appointing.listed()))


@people.command("set")
@click.argument("account")
@click.argument("role")
@click.pass_obj
def people_set(settings: Settings, account: str, role: str) -> None:
    """Give an account such as telegram:42 a role: owner, admin, member, guest, or nobody."""
    run(_people(settings, lambda appointing: appointing.appoint(account, role)))


@people.command("remove")
@click.argument("account")
@click.pass_obj
def people_remove(settings: Settings, account: str) -> None:
    """Take the role of an account away again."""
    run(_people(settings, lambda appointing: appointing.dismiss(account)))


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
def demo() -> None:
    """Watch the whole flow, played with a scripted model in a database of its own."""
    from bot.demo import play  # noqa: PLC0415 - no other command needs it

    run(play())


@errand.command()
@click.option("--turns", default=50, type=click.IntRange(min=1), help="Requests to play; questions add turns.")
@click.option("--live", is_flag=True, help="Play them with the configured chains; else the model is scripted.")
@click.option("--least", default=0.6, type=click.FloatRange(0, 1), help="Exit with 1 below this adherence.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def soak(settings: Settings, turns: int, live: bool, least: float, as_json: bool) -> None:
    """Play many mixed requests in a database of its own, and report where plans were not kept."""
    run(_soak(settings, turns, live=live, least=least, as_json=as_json))


# The commands import what they need when they run: `errand --help` must not load the MCP client.


async def _chat(settings: Settings, *, first: str | None = None) -> None:
    from adapters.console import Console  # noqa: PLC0415
    from bot.app import build  # noqa: PLC0415
    from bot.channels import page_of  # noqa: PLC0415
    from bot.wiring import about_models  # noqa: PLC0415

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
        await app.serve([console], beside=[page] if page else [])


async def _serve(settings: Settings, *, lines: bool, live: bool) -> None:
    from bot.app import build  # noqa: PLC0415
    from bot.channels import channels_of, page_of  # noqa: PLC0415

    async with (
        build(settings) as app,
        channels_of(settings, app, lines=lines, live=live) as channels,
        page_of(settings, app) as page,
        asyncio.TaskGroup() as tasks,
    ):
        if page:
            click.echo(f"The page is at {page.address}", err=True)
            tasks.create_task(_open_browser(page.address))
        pages = [page] if page else []
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


async def _tools(settings: Settings) -> None:
    from bot.app import build  # noqa: PLC0415

    async with build(settings, patient=True) as app:
        for tool in app.catalog.specs():
            wants = ", ".join(f"{name}{'' if name in tool.required else '?'}" for name in tool.properties)
            effect = "" if tool.read_only else "  [asks first]"
            click.echo(f"{tool.name}({wants}){effect}\n    {tool.description.strip().splitlines()[0]}")
        for health in app.catalog.health():
            click.echo(f"-- {health.name}: {health.state}, {health.tools} tools. {health.detail}".rstrip())


async def _tools_test(settings: Settings, names: tuple[str, ...]) -> None:
    from bot.sources import mcp_tools  # noqa: PLC0415
    from storage.store import open_store  # noqa: PLC0415

    store = await open_store(settings.database)
    servers = mcp_tools(settings, store, only=names)
    try:
        await servers.start()
        found = servers.health()
    finally:
        await servers.stop()
        await store.close()
    for health in found:
        click.echo(f"{health.name}: {health.state}, {health.tools} tools. {health.detail}")
    missing = sorted(set(names) - {health.name for health in found})
    if missing:
        click.echo(f"{settings.servers} has no server {', '.join(missing)}.")
    if missing or any(health.state not in {"ready", "disabled", "sign in"} for health in found):
        sys.exit(1)


async def _tools_trust(settings: Settings, name: str) -> None:
    from bot.sources import mcp_tools  # noqa: PLC0415
    from orchestrator.audit import entry  # noqa: PLC0415
    from orchestrator.tools.pins import KeptPins  # noqa: PLC0415
    from storage.store import open_store  # noqa: PLC0415

    store = await open_store(settings.database)
    servers = mcp_tools(settings, store, only=[name])
    try:
        await servers.start()
        held, definitions = servers.held().get(name, ()), servers.definitions().get(name, ())
        told = [f"{health.name}: {health.state}. {health.detail}" for health in servers.health()]
        if definitions:
            let_in = entry(
                "trust", channel="console", person=settings.person, server=name, tools=[each.tool for each in held]
            )
            await KeptPins(store).trust(name, definitions, changes=[let_in])
    finally:
        await servers.stop()
        await store.close()
    if not definitions:
        raise BadInput("\n".join(told) or f"{settings.servers} has no server {name!r}.")
    for each in held:
        click.echo("\n    ".join([f"{each.tool!a}: {each.why}", *each.differences()]))
    click.echo(f"{name}: {len(definitions)} tools may run, {len(held)} of them since now.")


async def _tools_call(settings: Settings, name: str, given: tuple[str, ...]) -> None:
    from bot.app import build  # noqa: PLC0415
    from orchestrator.plan import argument_problems  # noqa: PLC0415
    from orchestrator.slots import coerce  # noqa: PLC0415

    async with build(settings, patient=True) as app:
        tool = app.catalog.find(name)
        if tool is None:
            raise BadInput(f"There is no tool {name!r}; `errand tools` lists them.")
        pairs = (each.partition("=") for each in given)
        arguments = {key: coerce(value, tool.properties.get(key, {})) for key, _, value in pairs}
        if problems := list(argument_problems(tool, arguments)):
            raise BadInput("; ".join(problems))
        result = await app.catalog.call(tool.name, arguments, key="cli/call", timeout_seconds=settings.tool_seconds)
    click.echo(result.text)
    if result.is_error:
        sys.exit(1)


async def _sessions(settings: Settings) -> None:
    from storage.store import open_store  # noqa: PLC0415

    store = await open_store(settings.database)
    try:
        for each in await store.sessions():
            last = f"{each.last_at:%Y-%m-%d %H:%M}" if each.last_at else "never"
            asking = ", a question is open" if each.open_question else ""
            turns = "1 turn" if each.turns == 1 else f"{each.turns} turns"
            click.echo(f"{each.session}: {turns}, last {last}{asking}")
    finally:
        await store.close()


async def _dossier(settings: Settings, turn: str | None, *, as_json: bool) -> None:
    from bot.dossiers import account  # noqa: PLC0415
    from orchestrator.telling import tell  # noqa: PLC0415

    found = await account(settings, turn)
    click.echo(found.model_dump_json(indent=2) if as_json else tell(found))


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


async def _replay(settings: Settings, turns: tuple[str, ...], *, planner: str, last: int | None, as_json: bool) -> None:
    from bot.app import build  # noqa: PLC0415
    from bot.dossiers import turn_named  # noqa: PLC0415
    from bot.replay import as_data, replayed, told  # noqa: PLC0415
    from bot.wiring import models_of  # noqa: PLC0415

    async with build(settings, patient=True) as app, models_of(settings) as model:
        named = [await turn_named(app.store, each) for each in turns]
        records = await app.store.recent_turns(last=last) if last else named
        outcomes = await replayed(app, settings, records, chain=planner, model=model)
    click.echo(as_data(planner, outcomes) if as_json else told(planner, outcomes))


async def _eval_routing(settings: Settings, *, last: int, as_json: bool) -> None:
    from bot.evaluating import as_data, routing, told  # noqa: PLC0415

    turns = await routing(settings, last=last)
    click.echo(as_data(turns) if as_json else told(turns))


async def _review_list(settings: Settings) -> None:
    from bot.reviewing import on_cases  # noqa: PLC0415
    from orchestrator.cases import listed  # noqa: PLC0415

    click.echo(listed(await on_cases(settings, lambda cases: cases.open())))


async def _review(settings: Settings, turn: str, what: str, work: "Callable[[Cases], Awaitable[None]]") -> None:
    from bot.reviewing import on_cases  # noqa: PLC0415

    await on_cases(settings, work)
    click.echo(f"{turn} {what}.")


async def _people(settings: Settings, work: "Callable[[Appointing], Awaitable[str]]") -> None:
    from bot.appointing import on_roles  # noqa: PLC0415

    click.echo(await on_roles(settings, work))


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


async def _soak(settings: Settings, requests: int, *, live: bool, least: float, as_json: bool) -> None:
    from bot.soak import soak  # noqa: PLC0415

    report = await soak(settings, requests=requests, live=live)
    click.echo(json.dumps(report.as_json(), indent=2) if as_json else report.as_text())
    if report.adherence < least:
        sys.exit(1)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a command to its end. SIGTERM ends it as Ctrl-C does: what runs may finish, within the drain time."""

    async def until_told() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await main

    try:
        asyncio.run(until_told())
    except asyncio.CancelledError:
        sys.exit(143)
    except KeyboardInterrupt:
        sys.exit(130)


def main() -> None:
    """The `errand` command: errors that a person can mend are told in a sentence, without a traceback."""
    try:
        errand()
    except EXPECTED as error:
        sys.exit(f"errand: {error}")
    except ExceptionGroup as group:
        expected, rest = group.split(EXPECTED)
        if expected is None or rest is not None:
            raise
        sys.exit("\n".join(f"errand: {error}" for error in expected.exceptions))
