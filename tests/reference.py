"""Writes what follows from the code into docs/: `make docs`. A test compares what is there with what it writes."""

import asyncio
import inspect
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel, TypeAdapter

from adapters.web.api.description import document
from bot.cli import errand
from bot.metrics import Metrics
from bot.settings import Settings
from bot.standing import Standing
from orchestrator import messages
from orchestrator.account import Account
from orchestrator.outcomes import Row
from orchestrator.roles import RESERVED
from storage.records import Backlog
from tests.conversations.talk import talking
from tests.conversations.web_talk import api_of_page, page_at

DOCS = Path(__file__).parents[1] / "docs"
MADE = "Made from the code by `make docs`; the tests compare it. [Map of all pages](../README.md)"
OURS = ("errand_", "gen_ai_")
DEFAULTS = {"person": "your login name", "cpus": "all there are"}  # those that each machine has of its own
OWNER = '[people]\n"fake:ann" = "owner"\n'


async def pages() -> dict[str, str]:
    """Each page or file by its path in docs/."""
    with tempfile.TemporaryDirectory() as folder:
        slash, openapi = await slash_page(Path(folder) / "slash"), await openapi_file(Path(folder) / "page")
    return {
        "settings.md": settings_page((DOCS / "settings.md").read_text()),
        "reference/commands.md": commands_page(),
        "reference/slash.md": slash,
        "reference/messages.md": messages_page(),
        "reference/metrics.md": await metrics_page(),
        "reference/openapi.json": openapi,
        "reference/dossier.schema.json": written(Account.model_json_schema(mode="serialization")),
        "reference/routing.schema.json": written(TypeAdapter(Row).json_schema(mode="serialization")),
    }


def written(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def settings_page(page: str) -> str:
    """The page with the table as it is now."""
    rows = [
        f"| `{name}` | `ERRAND_{name.upper()}` | {_default(name)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    head, _, rest = page.partition("|---|---|---|---|\n")
    _, _, tail = rest.partition("\n\n")
    return "\n".join([f"{head}|---|---|---|---|", *rows, "", tail])


def _default(name: str) -> str:
    default = Settings.model_fields[name].default
    return DEFAULTS.get(name) or ("empty" if default in ("", None, {}) else f"`{default}`")


def commands_page() -> str:
    """The command line."""
    parts = ["# The command line", "", MADE, "", *_command(errand, "errand")]
    return "\n".join(parts).rstrip() + "\n"


def _command(command: click.Command, path: str) -> Iterator[str]:
    context = click.Context(command, info_name=path)
    yield f"## {path}"
    yield ""
    yield inspect.cleandoc(command.help or "")
    yield ""
    yield f"```\n{path} {' '.join(command.collect_usage_pieces(context))}\n```"
    yield ""
    records = [param.get_help_record(context) for param in command.params if isinstance(param, click.Option)]
    options = [f"- `{option}`: {what}" for option, what in filter(None, records)]
    yield from [*options, ""] if options else []
    if isinstance(command, click.Group):
        for name, each in sorted(command.commands.items()):
            yield from _command(each, f"{path} {name}")


async def slash_page(folder: Path) -> str:
    """What /help tells an owner, and for whom each word is."""
    folder.mkdir()
    async with talking(folder, policy=OWNER) as talk:
        told = await talk.told("/help")
    head = ["# Slash words", "", MADE, "", "`/TOOL key=value` calls a tool; settings, roles and servers may add words."]
    rows = ["", "| you write | it | for |", "|---|---|---|"]
    for usage, name, what in re.findall(r"^- `(/(\w+)[^`]*)` (.*)$", told, re.MULTILINE):
        rows.append(f"| `{usage.replace('|', chr(92) + '|')}` | {what} | {RESERVED.get(name, 'everybody')} |")
    return "\n".join([*head, *rows]) + "\n"


def messages_page() -> str:
    """The contract between the core and its channels."""
    head = ["# Messages", "", MADE, "", inspect.getdoc(messages) or "", ""]
    head += [
        "A channel makes them and is given them ([A channel of your own](../own_adapter.md)); none takes other fields.",
        "",
    ]
    classes = [each for each in vars(messages).values() if _is_message(each)]
    return "\n".join([*head, *(line for each in classes for line in _message(each))]).rstrip() + "\n"


def _is_message(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, messages.Frozen) and value is not messages.Frozen


def _message(model: type[BaseModel]) -> Iterator[str]:
    base = model.__bases__[0]
    yield f"## {model.__name__}"
    yield ""
    yield inspect.getdoc(model) or ""
    yield ""
    own = {name: kind for name, kind in inspect.get_annotations(model).items() if name in model.model_fields}
    if base is not messages.Frozen:
        yield (
            f"Beside these it has what [{base.__name__}](#{base.__name__.lower()}) has."
            if own
            else f"As {base.__name__}."
        )
        yield ""
    if own:
        yield "| field | what it takes | left out |"
        yield "|---|---|---|"
        for name, kind in own.items():
            field = model.model_fields[name]
            left_out = "not possible" if field.is_required() else f"`{field.default!r}`"
            yield f"| `{name}` | {_in_words(kind)} | {left_out} |"
        yield ""


def _in_words(kind: Any) -> str:
    """A type, for somebody who reads."""
    match get_origin(kind):
        case None:
            return "nothing" if kind in (None, type(None)) else str(kind.__name__)
        case origin if origin is Literal:
            return " or ".join(f"`{each}`" for each in get_args(kind))
        case origin if origin in (Union, UnionType):
            return " or ".join(map(_in_words, get_args(kind)))
        case origin if origin is tuple:
            return f"a list of {_in_words(get_args(kind)[0])}"
        case origin if origin is dict:
            return f"{_in_words(get_args(kind)[1])} by name"
        case _:
            return _in_words(get_args(kind)[0])


async def metrics_page() -> str:
    """What a scrape tells of."""

    async def look() -> Standing:
        return Standing(backlog=Backlog(parcels=0, questions=0, cases=0))

    text, _ = await Metrics().scrape(look, "text/plain")
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text.decode(), re.MULTILINE))
    helps = re.findall(r"^# HELP (\S+) (.*)$", text.decode(), re.MULTILINE)
    rows = [f"| `{name}` | {kinds[name]} | {what} |" for name, what in helps if name.startswith(OURS)]
    head = ["# Metrics", "", MADE, "", "[Telemetry](../telemetry.md) has their labels, and alerts.", ""]
    return "\n".join([*head, "| metric | kind | what it is |", "|---|---|---|", *rows]) + "\n"


async def openapi_file(folder: Path) -> str:
    """The description of the HTTP API, as a server with a token gives it."""
    folder.mkdir()
    async with page_at(folder) as (_, web):
        return written(document(api_of_page(web).operations, need_tokens=True))


def main() -> None:
    (DOCS / "reference").mkdir(exist_ok=True)
    for path, text in asyncio.run(pages()).items():
        (DOCS / path).write_text(text)


if __name__ == "__main__":
    main()
