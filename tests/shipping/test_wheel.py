"""The wheel and the source package: what they hold, and that they run where there is no checkout."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("adapters", "bot", "orchestrator", "storage")
MOST_MB = 220  # of a first run with a model's client; measured on 2026-11-21: 202
PIP = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}  # its set-up on this machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def said(*command: str | Path, folder: Path, stdin: str = "") -> str:
    ran = subprocess.run(
        [str(each) for each in command],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", **PIP},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def made(kind: str, checkout: Path, folder: Path) -> Path:
    """A package of this kind, of a checkout."""
    said(sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", folder, folder=checkout)
    (package,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return package


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as package:
        return {name: package.read(name) for name in package.namelist()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.mark.proves("ship.wheel")
def test_the_wheel_holds_every_file_of_the_packages_and_no_test(wheel: Path) -> None:
    files = [each for package in PACKAGES for each in (ROOT / package).rglob("*") if each.is_file()]
    here = {str(each.relative_to(ROOT)) for each in files if "__pycache__" not in each.parts}
    held = {name for name in contents(wheel) if ".dist-info/" not in name}
    assert held == here
    assert {"orchestrator/languages/de.po", "adapters/web/static/page.css", "orchestrator/prompts/front.md"} < held
    assert any(name.startswith("storage/migrations/versions/") for name in held)


@pytest.mark.proves("ship.sdist")
def test_the_source_package_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    source = made("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(source) as package:
        package.extractall(tmp_path, filter="data")
    unpacked = tmp_path / source.name.removesuffix(".tar.gz")
    assert {"Dockerfile", "Makefile", "deploy", "requirements", "tests", "mcp.json"} < {
        each.name for each in unpacked.iterdir()
    }
    assert contents(made("wheel", unpacked, tmp_path / "again")) == contents(wheel)


@pytest.mark.proves("ship.wheel")
def test_the_wheel_answers_in_a_fresh_environment_outside_of_the_checkout(wheel: Path, tmp_path: Path) -> None:
    made_here, folder = tmp_path / "venv", tmp_path / "elsewhere"
    folder.mkdir()
    said(sys.executable, "-m", "venv", "--without-pip", made_here, folder=folder)
    pip = (sys.executable, "-m", "pip", "--python", made_here / "bin" / "python", "install", "-q")
    said(*pip, "--require-hashes", "-r", ROOT / "requirements" / "run.txt", folder=folder)
    said(*pip, "--no-deps", "--no-index", wheel, folder=folder)
    errand = made_here / "bin" / "errand"
    played = said(errand, "demo", folder=folder)
    assert "in Tokyo" in played
    assert "30.4" in played
    assert "Hallo" in said(errand, "chat", folder=folder, stdin="/language de\nHallo\n")
    assert (folder / "errand.db").exists()
    size_mb = sum(each.lstat().st_size for each in made_here.rglob("*")) / 1e6
    assert size_mb < MOST_MB
