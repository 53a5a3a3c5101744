"""Slack's own types as JSON Schema: what a call may hold, at any depth.

They are made from the npm packages @slack/web-api and @slack/types, once a machine, into the user's cache. Where node
or the network is missing nothing is checked against them, and `why_not` says so.
"""

import functools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

PACKAGES = ("@slack/web-api@8.2.0", "@slack/types@3.2.0", "ts-json-schema-generator@2.4.0")
GROUPS = "agents apps assistant auth bots chat conversations files oauth reactions team users views".split()
SECONDS = 50  # what npm and the generator may take; usually ten
LONGEST = 240  # characters of a problem
OPEN = ("Block", "Chunk")  # the general kinds, which any type would fit

Wire = Mapping[str, Any]


class NotValidated(Exception):
    """There are no schemas on this machine, for this reason."""


class Schemas:
    """Knows what each method takes."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = {name: _closed(each) for name, each in definitions.items()}
        self._names = {name.lower(): name for name in definitions}
        self._blocks = _by_type(self._definitions, "KnownBlock")
        self._chunks = _by_type(self._definitions, "AnyChunk")

    def problems(self, method: str, given: Wire) -> list[str]:
        """What is wrong with the parameters of a call."""
        name = self._names.get(method.replace(".", "").lower() + "arguments")
        if name is None:
            return []
        inner = list(self._inner(given))
        return inner or [f"{method}: {each}" for each in self._told(name, given)]

    def _inner(self, given: Wire) -> Iterator[str]:
        """Of blocks and chunks one by one, because that tells best where it is wrong."""
        blocks = [*(given.get("blocks") or ()), *((given.get("view") or {}).get("blocks") or ())]
        chunks = list(given.get("chunks") or ())
        for kinds, values in ((self._blocks, blocks), (self._chunks, chunks)):
            for value in values:
                name = kinds.get(value.get("type", ""))
                told = self._told(name, value) if name else [f"unknown type {value.get('type')!r}"]
                yield from (f"{value.get('type')}: {each}" for each in told)

    def _told(self, name: str, value: Any) -> list[str]:
        error = best_match(self._validator(name).iter_errors(value))
        if error is None:
            return []
        where = "/".join(map(str, error.absolute_path))
        return [f"{where or name}: {error.message}"[:LONGEST]]

    @functools.cache  # noqa: B019 - one for the process
    def _validator(self, name: str) -> Draft7Validator:
        return Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": self._definitions})


@functools.cache
def schemas() -> Schemas:
    """Of this machine, made where they are not there yet. Raises NotValidated."""
    path = cache_path()
    if not path.exists():
        _make(path)
    return Schemas(json.loads(path.read_text())["definitions"])


@functools.cache
def why_not() -> str:
    """Why nothing is checked against the schemas; empty where it is."""
    try:
        schemas()
    except NotValidated as reason:
        return str(reason)
    return ""


def cache_path() -> Path:
    """By the versions, outside of any checkout."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    versions = "-".join(each.rsplit("@", 1)[1] for each in PACKAGES)
    return home / "errand-tests" / f"slack-schemas-{versions}.json"


def _make(path: Path) -> None:
    missing = [each for each in ("node", "npm") if shutil.which(each) is None]
    if missing:
        raise NotValidated(f"{' and '.join(missing)} not found")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        _run(folder, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0", *PACKAGES)
        types = f"node_modules/@slack/web-api/dist/types/request/{{{','.join(GROUPS)}}}.d.ts"
        options = ("--path", types, "--type", "*", "--no-type-check", "--out", "schemas.json")
        _run(folder, "node", "node_modules/ts-json-schema-generator/bin/ts-json-schema-generator.js", *options)
        (Path(folder) / "schemas.json").replace(path)


def _run(folder: str, *command: str) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NotValidated(f"{command[0]} took longer than {SECONDS} seconds") from None
    if done.returncode:
        raise NotValidated(f"{command[0]} failed: {done.stderr.strip()[-LONGEST:]}")


def _closed(definition: Any) -> Any:
    """Without the alternatives that let every type through."""
    if isinstance(definition, list):
        return [_closed(each) for each in definition]
    if not isinstance(definition, dict):
        return definition
    closed = {name: _closed(each) for name, each in definition.items()}
    if "anyOf" in closed:
        general = [f"#/definitions/{each}" for each in OPEN]
        closed["anyOf"] = [each for each in closed["anyOf"] if each.get("$ref") not in general]
    return closed


def _by_type(definitions: Mapping[str, Any], union: str) -> dict[str, str]:
    """Which definition each `type` has."""
    names = [each["$ref"].removeprefix("#/definitions/") for each in definitions[union]["anyOf"]]
    found = {}
    for name in names:
        for shape in definitions[name].get("anyOf", [definitions[name]]):
            found[shape["properties"]["type"]["const"]] = name
    return found
