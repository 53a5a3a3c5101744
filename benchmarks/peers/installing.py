"""An environment of its own for each contender, outside of the checkout: ERRAND_PEERS, or the user's cache."""

import os
import re
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

from benchmarks.peers.contenders import ROOT, Contender

TOOLS_OF_VENV = {"pip", "setuptools", "wheel"}


def folder_of(contender: Contender) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(os.environ.get("ERRAND_PEERS", cache / "errand-peers")) / re.sub(r"\W+", "-", contender.name.lower())


def installed(contender: Contender) -> Path:
    """Its interpreter. What is there is used again; Errand's own code is always that of the checkout.

    Raises subprocess.CalledProcessError where pip cannot install it.
    """
    folder = folder_of(contender)
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        _pip(python, *contender.requirements)
        (folder / "complete").touch()
    elif contender.requirements[0].startswith(str(ROOT)):
        _pip(python, "--force-reinstall", "--no-deps", str(ROOT))
    return python


def _pip(python: Path, *arguments: str) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--no-warn-script-location"]
    subprocess.run([python, "-m", "pip", "install", *options, *arguments], check=True, stdout=sys.stderr)


def versions(contender: Contender) -> str:
    """The versions of what was asked for by name."""
    known = {each.name.lower(): each.version for each in _packages(contender)}
    names = ["errand"] if contender.requirements[0].startswith(str(ROOT)) else _names(contender)
    return ", ".join(f"{name} {known[name]}" for name in names if name in known)


def package_count(contender: Contender) -> int:
    return len(_packages(contender))


def megabytes(contender: Contender) -> float:
    """Size on disk of all that was installed, compiled code too, without the tools that every environment has."""
    return sum(_size(each) for each in _packages(contender)) / 2**20


def _names(contender: Contender) -> list[str]:
    return [match[0].lower() for each in contender.requirements if (match := re.match(r"[\w-]+", each))]


def _packages(contender: Contender) -> list[Distribution]:
    site = [str(path) for path in folder_of(contender).glob("lib/python*/site-packages")]
    return [each for each in distributions(path=site) if each.name not in TOOLS_OF_VENV]


def _size(package: Distribution) -> int:
    """Its files are all in its record, the compiled ones as well."""
    paths = (Path(str(package.locate_file(file))) for file in package.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file())
