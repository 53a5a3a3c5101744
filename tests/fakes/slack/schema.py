"""Slack's own types: what a call of the app and an event of ours may hold, at any depth.

Where node or the network is missing nothing is checked against them, and `why_not` says so.
"""

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError

from tests.fakes.slack.making import NotValidated, definitions

LONGEST = 240  # characters of a problem
OPEN = ("Block", "Chunk")  # the general kinds, which any type would fit

INSIDE = (
    "message:",
    "previous_message:",
    "root:",
)  # the types take a message in an event for an event, which it is not

Wire = Mapping[str, Any]


@functools.cache
def schemas() -> "Schemas":
    """Of this machine, made where they are not there yet. Raises NotValidated."""
    return Schemas(definitions())


@functools.cache
def why_not() -> str:
    """Why nothing is checked against the types; empty where it is."""
    try:
        schemas()
    except NotValidated as reason:
        return str(reason)
    return ""


NEWER_SCOPES = ("assistant:write",)  # that a manifest may name, though @slack/web-api 8.2.0 does not know them there


class Schemas:
    """Knows what each method takes and what each event tells."""

    def __init__(self, made: Mapping[str, Mapping[str, Any]]) -> None:
        self._events = _Types({name: _tolerant(each) for name, each in made["events"].items()})
        self._kinds = self._events.by_type("SlackEvent", also="subtype")
        names = sorted({str(kind) for kind, _ in self._kinds})
        self._calls = _Types({name: _closed(each, names) for name, each in made["calls"].items()})
        self._methods = {name.lower(): name for name in made["calls"]}
        self._blocks = self._calls.by_type("KnownBlock")
        self._chunks = self._calls.by_type("AnyChunk")

    def problems(self, method: str, given: Wire) -> list[str]:
        """What is wrong with the parameters of a call."""
        name = self._methods.get(method.replace(".", "").lower() + "arguments")
        if name is None:
            return []
        return self.block_problems(given) or self._calls.told(name, _bare(given))

    def block_problems(self, given: Wire) -> list[str]:
        """What is wrong with its blocks and chunks, one by one, because that tells best where it is wrong."""
        return list(self._inner(given))

    def event_problems(self, event: Wire) -> list[str]:
        """What is missing in an event of ours, or of the wrong kind."""
        kind = (event["type"], event.get("subtype"))
        name = self._kinds.get(kind) or self._kinds.get((event["type"], None))
        told = self._events.told(name, event) if name else [f"unknown event {kind}"]
        return [each for each in told if not each.startswith(INSIDE)]

    def _inner(self, given: Wire) -> Iterator[str]:
        blocks = [*(given.get("blocks") or ()), *((given.get("view") or {}).get("blocks") or ())]
        for kinds, values in ((self._blocks, blocks), (self._chunks, given.get("chunks") or ())):
            for value in values:
                name = kinds.get((value.get("type"), None))
                told = self._calls.told(name, value) if name else ["unknown type"]
                yield from (f"{value.get('type')}: {each}" for each in told)


def _bare(given: Wire) -> Wire:
    """Without the blocks and chunks, which have been looked at already, and take long."""
    bare = {name: [] if name in ("blocks", "chunks") else value for name, value in given.items()}
    return bare | ({"view": {**bare["view"], "blocks": []}} if isinstance(given.get("view"), dict) else {})


class _Types:
    """Definitions that refer to each other."""

    def __init__(self, made: Mapping[str, Any]) -> None:
        self._made = made
        self._validators: dict[str, Draft7Validator] = {}

    def told(self, name: str, value: Any) -> list[str]:
        """What is wrong with a value of this type."""
        if name not in self._validators:
            schema = {"$ref": f"#/definitions/{name}", "definitions": self._made}
            self._validators[name] = Draft7Validator(schema)
        errors = self._validators[name].iter_errors(value)
        return [_words(_nearest(each)) for each in errors]

    def by_type(self, union: str, *, also: str = "") -> dict[tuple[Any, Any], str]:
        """Which definition each `type` has; `also` names another field that tells one from another."""
        names = [each["$ref"].removeprefix("#/definitions/") for each in self._made[union]["anyOf"]]
        return dict(pair for name in names for pair in self._keys(name, also))

    def _keys(self, name: str, also: str) -> Iterator[tuple[tuple[Any, Any], str]]:
        definition = self._made[name]
        if "$ref" in definition:
            yield from self._keys(definition["$ref"].removeprefix("#/definitions/"), also)
            return
        for shape in definition.get("anyOf", [definition]):
            if "$ref" in shape:
                yield from self._keys(shape["$ref"].removeprefix("#/definitions/"), also)
            else:
                fields = shape["properties"]
                yield (fields["type"]["const"], fields.get(also, {}).get("const")), name


def _nearest(error: ValidationError) -> ValidationError:
    """Of several alternatives the one that fits best tells what is wrong."""
    if not error.context:
        return error
    tries: dict[Any, list[ValidationError]] = defaultdict(list)
    for each in error.context:
        tries[each.relative_schema_path[0]].append(each)
    return _nearest(min(tries.values(), key=_distance)[0])


def _distance(errors: list[ValidationError]) -> tuple[bool, int]:
    """How far an alternative is from what was meant: one of another `type` was not meant."""
    return any(list(each.absolute_path)[-1:] == ["type"] for each in errors), len(errors)


def _words(error: ValidationError) -> str:
    where = "/".join(map(str, error.absolute_path))
    return f"{where}: {error.message}"[:LONGEST] if where else error.message[:LONGEST]


def _closed(definition: Any, events: Sequence[str]) -> Any:
    """Without the alternatives that let every type through, and with the events that a manifest may name: the types
    of calls lag behind those of events."""
    if isinstance(definition, list):
        return [_closed(each, events) for each in definition]
    if not isinstance(definition, dict):
        return definition
    closed = {name: _closed(each, events) for name, each in definition.items()}
    if "app_home_opened" in closed.get("enum", ()):
        closed["enum"] = sorted({*closed["enum"], *events})
    if "app_mentions:read" in closed.get("enum", ()):
        closed["enum"] = sorted({*closed["enum"], *NEWER_SCOPES})
    if "anyOf" in closed:
        general = [f"#/definitions/{each}" for each in OPEN]
        closed["anyOf"] = [each for each in closed["anyOf"] if each.get("$ref") not in general]
    return closed


def _tolerant(definition: Any) -> Any:
    """Events tell more than their types say."""
    if isinstance(definition, list):
        return [_tolerant(each) for each in definition]
    if not isinstance(definition, dict):
        return definition
    return {name: _tolerant(each) for name, each in definition.items() if name != "additionalProperties"}
