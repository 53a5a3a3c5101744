"""A model that is wrong in a known share of its plans: public requests, their right calls, and made-up ones.

Right: requests of bfcl_live with their published calls. Wrong: requests of when2call that lack a value or that no tool
serves, with a call all the same, its values made up as models do: copied from the examples in the schema, or invented.
Every tool changes something, and the person has said yes to all of them for good, so that nothing but the guard asks.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from orchestrator.messages import Question
from orchestrator.plan import argument_problems
from orchestrator.tools.spec import Arguments, ToolResult, ToolsetHealth, ToolSpec
from storage import grants
from storage.records import Grant
from tests.conversations.talk import Talk, talking
from tests.evaldata import records
from tests.fakes.model_server import Behaviour, Call, ModelServer, Say, asked_for

REQUESTS = 80
WORDS_OF_JSON = {"dict": "object", "float": "number", "tuple": "array", "any": "string", "String": "string"}
EXAMPLE = re.compile(
    r"(?:such as|e\.g\.,?|for example,?|like|format[^']*)\s*['\"`]([^'\"`]{2,60})['\"`]", re.IGNORECASE
)


@dataclass(frozen=True)
class Planned:
    """A request, and the call that the model makes of it."""

    text: str
    tool: ToolSpec
    arguments: Mapping[str, Any]
    is_right: bool


@dataclass(frozen=True)
class Outcome:
    """How many calls were wrong, and ran all the same; how many were right, and were asked about."""

    wrong: int
    wrong_ran: int
    right: int
    right_asked: int


async def outcome(folder: Path, wrong_share: float, *, seed: int = 7) -> Outcome:
    """Send every request to a whole Errand whose model errs in this share of them."""
    planned = _planned(wrong_share, seed)
    tools = Counting([each.tool for each in planned])
    calls = {each.text: each for each in planned}

    def script(request: dict[str, Any]) -> Behaviour:
        if not request.get("tools"):
            return Say("It is done.")
        each = calls[asked_for(request)]
        return Call([(each.tool.name, each.arguments)])

    wrong_ran = right_asked = 0
    async with ModelServer(script) as server:
        given: dict[str, Any] = {"openai_base_url": server.url, "openai_api_key": "obviously-fake-key"}
        async with talking(folder, toolsets=[tools], router="openai:errs", **given) as talk:
            await _say_yes_for_good(talk, tools)
            for number, each in enumerate(planned):
                part = await Talk(talk.app, talk.channel, chat=f"c{number}").say(each.text)
                wrong_ran += not each.is_right and each.tool.name in tools.called
                right_asked += each.is_right and isinstance(part, Question)
    right = sum(each.is_right for each in planned)
    return Outcome(len(planned) - right, wrong_ran, right, right_asked)


class Counting:
    """The tools of all requests, each under a name of its own."""

    name = "counting"

    def __init__(self, specs: Sequence[ToolSpec]) -> None:
        self.called: set[str] = set()
        self._specs = specs

    async def start(self) -> None:
        """Nothing to start."""

    async def stop(self) -> None:
        """Nothing to stop."""

    def specs(self) -> Sequence[ToolSpec]:
        return self._specs

    async def call(self, tool: str, arguments: Arguments, *, key: str, timeout_seconds: float) -> ToolResult:
        self.called.add(tool)
        return ToolResult("done")

    def health(self) -> Sequence[ToolsetHealth]:
        return [ToolsetHealth(self.name, "ready", tools=len(self._specs))]


async def _say_yes_for_good(talk: Talk, tools: Counting) -> None:
    for spec in tools.specs():
        grant = Grant(talk.address.channel, talk.person.id, None, spec.name)
        await talk.app.store._database.write(partial(_grant, grant))


def _grant(grant: Grant, connection: Connection) -> None:
    grants.grant(connection, grant)


def _planned(wrong_share: float, seed: int) -> list[Planned]:
    """So many requests, this share of them wrong, each tool under a name of its own."""
    rng = random.Random(seed)
    wrong, right = list(_wrong(rng)), list(_right())
    count = round(REQUESTS * wrong_share)
    drawn = [*rng.sample(wrong, min(count, len(wrong))), *rng.sample(right, REQUESTS - count)]
    unique = {each.text: each for each in drawn}.values()
    return [
        replace(
            each,
            tool=replace(each.tool, name=f"{each.tool.name[:40]}_{'abcdefghij'[number % 10] * (number // 10 + 1)}"),
        )
        for number, each in enumerate(unique)
    ]


def _right() -> Iterator[Planned]:
    for name in ("bfcl_live_simple.jsonl", "bfcl_live_multiple.jsonl"):
        for record in records(name):
            text = " ".join(message["content"] for turn in record["question"] for message in turn)
            ((tool_name, accepted),) = record["ground_truth"][0].items()
            described = next((tool for tool in record["function"] if tool["name"] == tool_name), None)
            values = {each: options[0] for each, options in accepted.items() if options and options[0] != ""}
            if described and _is_valid(spec := _spec(described), values):
                yield Planned(text, spec, values, is_right=True)


def _wrong(rng: random.Random) -> Iterator[Planned]:
    for record in records("when2call.jsonl"):
        wanting = [tool for tool in record["tools"] if tool["parameters"].get("required")]
        if record["label"] == "tool_call" or not wanting:
            continue
        described = next((tool for tool in wanting if tool["name"] == record["target_tool"]), None) or rng.choice(
            wanting
        )
        spec = _spec(described)
        values = {name: _made_up(name, spec.properties[name], rng) for name in spec.required if name in spec.properties}
        if _is_valid(spec, values):
            yield Planned(record["question"], spec, values, is_right=False)


def _made_up(name: str, schema: Mapping[str, Any], rng: random.Random) -> Any:
    """A value that nobody said."""
    if schema.get("enum"):
        return rng.choice(schema["enum"])
    match schema.get("type"):
        case "integer":
            return rng.randint(2, 90)
        case "number":
            return round(rng.uniform(1, 90), 1)
        case "boolean":
            return True
        case "array":
            return [_made_up(name, schema.get("items") or {}, rng)]
        case "object":
            return {inner: _made_up(inner, each, rng) for inner, each in (schema.get("properties") or {}).items()}
        case _:
            example = EXAMPLE.search(str(schema.get("description", "")))
            return example[1] if example else f"sample {name}"


def _spec(described: Mapping[str, Any]) -> ToolSpec:
    name = re.sub(r"\W", "_", described["name"])
    parameters = _json_schema(described["parameters"])
    return ToolSpec(name=name, description=described["description"], parameters=parameters, source="counting")


def _json_schema(value: Any) -> Any:
    """The published schemas name some types in Python's words."""
    if isinstance(value, list):
        return [_json_schema(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        name: WORDS_OF_JSON.get(part, part) if name == "type" and isinstance(part, str) else _json_schema(part)
        for name, part in value.items()
    }


def _is_valid(spec: ToolSpec, values: Arguments) -> bool:
    return not any(argument_problems(spec, values)) and bool(values)
