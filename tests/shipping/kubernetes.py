"""Kubernetes' own schemas: out of a package that is fetched once and not installed (16,944 files)."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

PACKAGE = "kubernetes-validate==1.37.0"
SCHEMAS = "kubernetes_validate/kubernetes-json-schema/v1.37.0-local-strict"
FETCHING_SECONDS = 120


def problems(resource: Mapping[str, Any], config: pytest.Config) -> Iterator[str]:
    """What is wrong with a resource, in Kubernetes' own terms."""
    group, _, version = resource["apiVersion"].rpartition("/")
    name = "-".join(filter(None, (resource["kind"].lower(), group, version)))
    with ZipFile(_package(config)) as package:

        def schema(uri: str) -> Resource[Any]:
            file = uri.rpartition("/")[2]
            return DRAFT202012.create_resource(json.loads(package.read(f"{SCHEMAS}/{file}")))

        registry: Registry[Any] = Registry(retrieve=schema)  # type: ignore[call-arg]
        checked = Draft202012Validator({"$ref": f"{name}.json"}, registry=registry)
        yield from (f"{error.json_path}: {error.message}" for error in checked.iter_errors(resource))


def _package(config: pytest.Config) -> Path:
    """The package, in pytest's cache. Skips where it cannot be fetched, except in CI."""
    assert config.cache is not None
    folder = config.cache.mkdir("kubernetes")
    with (folder / "lock").open("w") as lock:  # the workers of pytest-xdist come all at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not list(folder.glob("*.whl")):
            _fetch(folder)
    return next(folder.glob("*.whl"))


def _fetch(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=FETCHING_SECONDS, check=False)
    if done.returncode and not os.environ.get("CI"):
        pytest.skip(f"{PACKAGE} cannot be fetched: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr
