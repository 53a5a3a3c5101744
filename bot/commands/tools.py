"""errand tools: what there is to be called."""

import sys
from typing import Any

import click

from bot.commands.root import errand, run
from bot.settings import Settings, environment
from orchestrator.errors import BadInput


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
