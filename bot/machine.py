"""What the doctor looks at before anything of ours is opened: versions, files, disk, clock, where traces go."""

import os
import platform
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import httpx2
from pydantic import SecretStr

from bot.settings import CONFIG_FILE, Settings, files_folder, secrets_folder
from bot.telemetry import headers_of

SECONDS = 5.0  # that a server elsewhere may take
LEAST_FREE_MB = 500
MOST_SECONDS_OFF = 60  # Slack refuses what is signed 300 seconds off, and a reminder is late long before

Finding = tuple[str, bool, str]
"""What was looked at, whether it is well, and a sentence that names the fix where it is not."""


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    yield "version", True, f"Errand {_version()}, Python {platform.python_version()}, {platform.system()}"
    for finding in (*_open_files(settings), _disk(settings)):
        yield finding
    async with httpx2.AsyncClient(timeout=SECONDS) as http:
        if place := _whose_clock(settings):
            yield await _clock(place, http)
        if settings.otlp_endpoint:
            yield await _collector(settings, http)


def _version() -> str:
    try:
        return version("errand")
    except PackageNotFoundError:
        return "of a checkout"


def _open_files(settings: Settings) -> Iterator[Finding]:
    """Files with secrets that others on this machine can read."""
    secret_names = [name for name, value in settings if isinstance(value, SecretStr)]
    files = [Path(".env"), files_folder(settings).with_name("errand.key")]
    if Path(CONFIG_FILE).exists() and any(name in Path(CONFIG_FILE).read_text() for name in secret_names):
        files.append(Path(CONFIG_FILE))
    here = [file for file in files if file.exists()]
    for file in here:
        if os.name == "posix" and file.stat().st_mode & 0o077:
            yield "secrets", False, f"others on this machine can read {file}: chmod 600 {file}"
            return
    folder = secrets_folder()
    told = ", ".join(str(each) for each in (*here, *([folder] if folder else [])))
    yield "secrets", True, f"in {told}, for its owner alone" if told else "no file holds any"


def _disk(settings: Settings) -> Finding:
    folder = files_folder(settings).resolve()
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free_mb = shutil.disk_usage(there).free // 10**6
    told = f"{free_mb:,} MB are free at {there}"
    if free_mb < LEAST_FREE_MB:
        return "disk", False, f"{told}: make room, or let days pass away with keep_turns_days and keep_files_days"
    if not os.access(there, os.W_OK):
        return "disk", False, f"{there} cannot be written by this user: change its owner, or the setting database"
    return "disk", True, told


def _whose_clock(settings: Settings) -> str:
    """Whom to ask for the time: a server that is talked to anyway."""
    if settings.slack_bot_token:
        return settings.slack_api
    return settings.telegram_api if settings.telegram_token else ""


async def _clock(place: str, http: httpx2.AsyncClient) -> Finding:
    try:
        answer = await http.head(place)
        seconds = (datetime.now(UTC) - parsedate_to_datetime(answer.headers["date"])).total_seconds()
    except (httpx2.HTTPError, KeyError, ValueError) as error:
        return "clock", True, f"{place} does not tell the time ({error!r}): it was not compared"
    if abs(seconds) > MOST_SECONDS_OFF:
        return "clock", False, f"{seconds:+.0f} s against {place}: let NTP set it (timedatectl set-ntp true)"
    return "clock", True, f"within {MOST_SECONDS_OFF} s of {place}"


async def _collector(settings: Settings, http: httpx2.AsyncClient) -> Finding:
    """An export of nothing is valid, and tells whether the collector would take one."""
    base = settings.otlp_endpoint.rstrip("/").removesuffix("/v1/traces")
    headers = {**(headers_of(settings) or {}), "content-type": "application/x-protobuf"}
    try:
        answer = await http.post(f"{base}/v1/traces", content=b"", headers=headers)
        answer.raise_for_status()
    except httpx2.HTTPError as error:
        return "traces", False, f"{base} does not take them: {error}. Check otlp_endpoint and otlp_headers."
    return "traces", True, f"{base} takes them"
