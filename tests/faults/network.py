"""A second host for the tests: a network namespace of this machine, on a cable that can be pulled."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

HERE, THERE = "10.213.7.1", "10.213.7.2"


@dataclass(frozen=True, slots=True)
class Host:
    """Another host. `here` is this one's address on the cable between the two."""

    name: str
    here: str

    @property
    def command(self) -> tuple[str, ...]:
        """Goes before a command that is to run there."""
        return "ip", "netns", "exec", self.name

    def pull_the_cable(self) -> None:
        """Nobody is told that the connections are gone."""
        _ip("link", "set", self.name, "down")

    def plug_it_in(self) -> None:
        _ip("link", "set", self.name, "up")


@contextmanager
def another_host() -> Iterator[Host]:
    name = f"errand{os.getpid() % 100_000}"  # an interface's name has at most 15 characters
    host = Host(name, HERE)
    try:
        _ip("netns", "add", name)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this system lets nobody make a network namespace, which takes root and iproute2: {error}")
    try:
        _ip("link", "add", name, "type", "veth", "peer", "name", "cable", "netns", name)
        _ip("address", "add", f"{HERE}/30", "dev", name)
        _ip("link", "set", name, "up")
        _ip("-n", name, "address", "add", f"{THERE}/30", "dev", "cable")
        _ip("-n", name, "link", "set", "cable", "up")
        _ip("-n", name, "link", "set", "lo", "up")
        yield host
    finally:
        _ip("link", "delete", name)  # both ends: whoever still runs there keeps the namespace alive
        _ip("netns", "delete", name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)
