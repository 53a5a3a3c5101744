"""Carries out a Dockerfile without a container engine: its stages are Debian roots, its steps run inside of them.

What this is not: the base image. Its stand-in is Debian bookworm with Debian's own Python 3.11, found as `python`.
And its builder has no network: what it installs was fetched before, by the same locks, as this machine's pip does it.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SECONDS = 300  # that one step may take
WHEELS = "/mnt"  # where a step finds what was fetched
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": WHEELS}


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its word, its `--options`, and the rest."""

    word: str
    options: Mapping[str, str]
    rest: str

    @property
    def command(self) -> list[str]:
        """The exec form. Raises ValueError for the shell form."""
        listed: list[str] = json.loads(self.rest.removeprefix("CMD "))
        return listed


@dataclass
class Stage:
    """A root that a FROM began, and what holds in it."""

    root: Path
    name: str
    variables: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    folder: str = "/"
    user: str = "0:0"
    says: dict[str, Instruction] = field(default_factory=dict)

    def inside(self, path: str) -> Path:
        """A path of this stage, from outside."""
        return self.root / self.folder.lstrip("/") / path if not path.startswith("/") else self.root / path.lstrip("/")

    def filled(self, text: str) -> str:
        return Template(text).substitute(self.variables)

    def copy(self, source: Path, target: str) -> None:
        """What COPY does: the contents of a folder, or a file."""
        place = self.inside(target)
        if source.is_dir():
            shutil.copytree(source, place, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy2(source, place)

    def command(self, *words: str, **variables: str) -> list[str]:
        """The command line that runs these words in here, as root, where `root` itself is ready."""
        given = [f"{name}={value}" for name, value in {**self.variables, **variables}.items()]
        return ["chroot", str(self.root), "env", "-i", "-C", self.folder, *given, *words]


def read(dockerfile: str) -> list[Instruction]:
    """The instructions in their order."""
    bare = "\n".join(line for line in dockerfile.splitlines() if not line.lstrip().startswith("#"))
    lines = [line.strip() for line in bare.replace("\\\n", " ").splitlines() if line.strip()]
    return [_instruction(*line.split(maxsplit=1)) for line in lines]


def debian(folder: Path) -> Path:
    """A Debian root with a `python`, as the base image has one."""
    root = folder / "debian"
    lean = [f"--dpkgopt=path-exclude=/usr/share/{kind}/*" for kind in ("doc", "man", "locale")]
    done("mmdebstrap", "--quiet", "--variant=minbase", "--include=python3-venv", *lean, "bookworm", str(root))
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    return root


def wheels(folder: Path, *locks: Path) -> Path:
    """What the locks name, fetched and checked against their hashes."""
    fetched = folder / "wheels"
    for lock in locks:
        download = ("-m", "pip", "download", "-q", "--require-hashes", "-d", str(fetched), "-r", str(lock))
        done(sys.executable, *download)
    return fetched


def context(checkout: Path, folder: Path) -> Path:
    """What .dockerignore lets through: it names what does not stay outside."""
    sent = folder / "context"
    sent.mkdir()
    for line in (checkout / ".dockerignore").read_text().splitlines():
        source = checkout / line.removeprefix("!")
        if line.startswith("!") and source.is_dir():
            shutil.copytree(source, sent / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif line.startswith("!"):
            shutil.copy2(source, sent)
    return sent


def built(dockerfile: str, base: Path, *, sent: Path, fetched: Path) -> Stage:
    """The last stage of a Dockerfile, made in folders beside `base`."""
    stages: list[Stage] = []
    for instruction in read(dockerfile):
        if instruction.word == "FROM":
            root = base.parent / f"stage{len(stages)}"
            done("cp", "--archive", str(base), str(root))
            stages.append(Stage(root, instruction.rest.partition(" AS ")[2]))
        else:
            _carry_out(instruction, stages, sent, fetched)
    return stages[-1]


def done(*command: str) -> str:
    """What a command says. Raises AssertionError with it, where it fails."""
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ran.returncode == 0, f"{command}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}"
    return ran.stdout


def running(stage: Stage, *words: str, volume: Path, **variables: str) -> list[str]:
    """The command line of a container: the stage's user without any capability, its root read-only, a volume at /data
    and an empty /tmp."""
    root = stage.root
    mounts = (
        f"mount --bind {root} {root}; mount --options remount,bind,ro {root}",
        f"mount --bind {volume} {root}/data; mount --types tmpfs tmpfs {root}/tmp",
        f"mount --types proc proc {root}/proc; mount --bind /dev {root}/dev",
    )
    user, group = stage.user.split(":")
    unprivileged = ("--reuid", user, "--regid", group, "--clear-groups", "--no-new-privs", "--bounding-set=-all")
    return [*_apart(*mounts), *stage.command("setpriv", *unprivileged, *words, **variables)]


def _carry_out(instruction: Instruction, stages: Sequence[Stage], sent: Path, fetched: Path) -> None:
    stage = stages[-1]
    match instruction.word:
        case "ENV" | "ARG":
            pairs = re.findall(r"(\w+)=(\S+)", instruction.rest)
            stage.variables |= {name: stage.filled(value) for name, value in pairs}
        case "WORKDIR":
            stage.folder = instruction.rest
            stage.inside(".").mkdir(parents=True, exist_ok=True)
        case "USER":
            stage.user = instruction.rest
        case "COPY":
            source, target = stage.filled(instruction.rest).split()
            other = next((each for each in stages if each.name == instruction.options.get("from")), None)
            stage.copy(other.inside(source) if other else sent / source, target)
        case "RUN":
            mounted = _apart(f"mount --bind {fetched} {stage.root}{WHEELS}", network=False)
            done(*mounted, *stage.command("sh", "-c", instruction.rest, **OFFLINE))
        case word:
            stage.says[word] = instruction


def _apart(*mounts: str, network: bool = True) -> list[str]:
    """The beginning of a command line whose mounts, and network, nobody else has."""
    own = ["--mount"] if network else ["--mount", "--net"]
    return ["unshare", *own, "sh", "-ec", f'{"; ".join(mounts)}; exec "$@"', "sh"]


def _instruction(word: str, rest: str) -> Instruction:
    options = re.match(r"(?:--\S+\s+)*", rest)
    assert options is not None
    pairs = [each.removeprefix("--").partition("=") for each in options[0].split()]
    return Instruction(word.upper(), {name: value for name, _, value in pairs}, rest[options.end() :])
