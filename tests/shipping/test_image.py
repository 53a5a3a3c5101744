"""The Dockerfile, carried out: what it makes serves without root on a read-only root, and answers."""

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fakes.web_visitor import visitor
from tests.shipping.image import Stage, built, context, debian, done, running, wheels

ROOT = Path(__file__).parents[2]
LOCKS = (ROOT / "requirements" / "build.txt", ROOT / "requirements" / "container.txt")
HEALTHY_SECONDS = 60

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def image() -> Iterator[Stage]:
    """What the Dockerfile makes. It takes a minute, more on a busy disk, and 1.2 GB, which are gone afterwards."""
    if "ERRAND_SHIP" not in os.environ:
        pytest.skip("this takes minutes: `make ship` carries out the Dockerfile")
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        pytest.skip("a Debian root is made by root alone, with mmdebstrap: apt-get install mmdebstrap")
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the image has Python 3.11, and this Python would fetch what is for another")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)  # so that the image's user finds its root
        dockerfile = (ROOT / "Dockerfile").read_text()
        yield built(dockerfile, debian(folder), sent=context(ROOT, folder), fetched=wheels(folder, *LOCKS))


@pytest.mark.proves("ship.image_runs", "ship.health")
async def test_what_the_dockerfile_makes_becomes_healthy_answers_and_ends_when_told(image: Stage) -> None:
    volume = image.root.with_name("volume")
    done("cp", "--archive", str(image.inside("/data")), str(volume))  # as an engine fills a new volume
    port = str(_free_port())
    entry = image.says["ENTRYPOINT"].command + image.says["CMD"].command
    check = running(image, *image.says["HEALTHCHECK"].command, volume=volume, ERRAND_WEB_PORT=port)
    async with _started(running(image, *entry, volume=volume, ERRAND_WEB_PORT=port)) as process:
        async with asyncio.timeout(HEALTHY_SECONDS):
            while await _left(check) != 0:
                assert process.returncode is None
        assert await _answered(port)
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert "Uid:\t10001\t10001\t10001\t10001\n" in status
        assert "CapBnd:\t0000000000000000\n" in status
        process.send_signal(getattr(signal, image.says["STOPSIGNAL"].rest))
        assert await process.wait() == 143
    assert await _left(check) == 1
    assert (volume / "errand.db").stat().st_uid == 10001


@pytest.mark.proves("ship.image_runs")
async def test_nothing_in_the_image_can_be_changed_by_what_runs_in_it(image: Stage, tmp_path: Path) -> None:
    script = "touch /data/a /tmp/b && ! touch /opt/errand/c && ! touch /d && ! command -v pip"
    os.chown(tmp_path, *map(int, image.user.split(":")))
    assert await _left(running(image, "sh", "-c", script, volume=tmp_path)) == 0
    assert not (image.root / "tmp" / "b").exists()


@asynccontextmanager
async def _started(command: list[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _left(command: list[str]) -> int:
    """What a command of a second process in the container leaves with."""
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    return await process.wait()


async def _answered(port: str) -> bool:
    async with visitor(f"http://127.0.0.1:{port}") as ann, ann.looking(uuid.uuid4().hex[:12]) as look:
        await ann.says(look, "Hi")
        return bool(await look.sees("Hello"))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
