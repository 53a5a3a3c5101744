"""`errand insights`: what people ask for in vain, and a template or a tool made of it."""

import asyncio
from pathlib import Path

from bot.app import build
from bot.settings import Settings
from orchestrator.errors import BadInput
from orchestrator.insights import Insight
from orchestrator.learning import known, numbered, served, starter
from storage.changes import serving
from storage.looking import looking
from storage.store import open_store


async def listed(settings: Settings, *, as_json: bool) -> list[str]:
    """A line for each, the most frequent first."""
    async with looking(settings.database) as store:
        found = await known(store)
    if as_json:
        return [each.model_dump_json(exclude={"ids"}) for each in found]
    head = f"{'':>3}  {'times':>5}  {'people':>6}  {'last':<10}  asked for"
    return [head, *(_row(number, each) for number, each in enumerate(found, 1))] if found else ["Nothing yet."]


async def template(settings: Settings, number: int, name: str, plan: str) -> str:
    """Keep a template for the requests of this number: what to say of it. Raises BadInput, PlanInvalid."""
    async with build(settings) as app:
        made_by = f"console:{settings.person}"
        told = await served(app.store, number, name, plan, find=app.catalog.find, made_by=made_by)
        await app.store.change(*told.changes)
    return told.text


async def begin_tool(settings: Settings, number: int, name: str) -> str:
    """Write the beginning of a tool for the requests of this number: what to say of it. Raises BadInput."""
    store = await open_store(settings.database)
    try:
        insight = numbered(await known(store), number)
        name = name or insight.name
        file = await asyncio.to_thread(_write_new, Path(f"{name}.py"), starter(insight, name))
        await store.change(serving(insight.ids, by=f"tool:{name}"))
    finally:
        await store.close()
    names = ",".join(filter(None, (settings.functions, name)))
    return f"Wrote {file}. Once it does its work, set ERRAND_FUNCTIONS={names} (docs/tools.md)."


def _write_new(file: Path, text: str) -> Path:
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise BadInput(f"There is a file {file} already; choose another name with --name.") from None
    return file


def _row(number: int, insight: Insight) -> str:
    examples = " | ".join(insight.examples)
    return f"{number:>3}  {insight.count:>5}  {insight.people:>6}  {insight.last_seen:%Y-%m-%d}  {examples}"
