"""Checks everything that a running Errand needs, live, and names the fix for what is wrong."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from adapters.base import ChannelClosed
from bot.app import App
from bot.settings import Settings
from bot.shelf import slash_words
from bot.wiring import MakeModel, proxy_of
from orchestrator.budgets import LOW_PERCENT
from orchestrator.errors import ModelError, SettingsInvalid
from orchestrator.models import ChatMessage
from orchestrator.roles import POWERS

if TYPE_CHECKING:
    from orchestrator.proxy import Proxy


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `detail` names the fix where it is not ok."""

    name: str
    ok: bool
    detail: str


async def checks(settings: Settings, app: App, model: MakeModel) -> AsyncIterator[Check]:
    """Database, tools, channels, models, in this order."""
    sessions = await app.store.sessions()
    yield Check("database", ok=True, detail=f"{app.store.url}, {len(sessions)} sessions")
    async for check in _policy_checks(settings, app):
        yield check
    for check in _tool_checks(settings, app):
        yield check
    async for check in _telegram_checks(settings):
        yield check
    async for check in _slack_checks(settings):
        yield check
    for check in _page_check(settings):
        yield check
    async for check in _model_checks(settings, model):
        yield check
    if proxy := proxy_of(settings):
        yield await _proxy_check(proxy)


def _tool_checks(settings: Settings, app: App) -> Iterator[Check]:
    if not settings.servers.exists():
        yield Check("servers", ok=True, detail=f"no file {settings.servers}: only the built-in functions")
    for health in app.catalog.health():
        healthy = health.state in {"ready", "disabled", "sign in"}
        yield Check(
            f"tools: {health.name}", ok=healthy, detail=f"{health.state}, {health.tools} tools. {health.detail}"
        )
    if name := settings.transcription:
        known = app.catalog.find(name) is not None
        detail = f"voice messages go to {name}" if known else f"there is no tool {name!r}; `errand tools` lists them"
        yield Check("transcription", ok=known, detail=detail)
    reads = "read, by `receipt_ocr`" if app.catalog.find("receipt_ocr") else "not read: apt-get install tesseract-ocr"
    yield Check("pictures of receipts", ok=True, detail=reads)


async def _model_checks(settings: Settings, model: MakeModel) -> AsyncIterator[Check]:
    chains = f"{settings.local},{settings.router},{settings.planner},{settings.worker},{settings.synthesizer}"
    names = [name.strip() for name in chains.split(",") if name.strip()]
    if not names:
        yield Check("models", ok=True, detail='none. To add one: ERRAND_ROUTER="openai:MODEL" and OPENAI_API_KEY')
    for name in dict.fromkeys(names):
        yield await _model_check(name, model, settings)


async def _policy_checks(settings: Settings, app: App) -> AsyncIterator[Check]:
    """Who has which role, and what in the policy file means nothing here."""
    rules = app.people.rules
    where = str(settings.policy_file) if settings.policy_file.exists() else f"no file {settings.policy_file}"
    given = Counter((await app.people.given()).values())
    counted = ", ".join(f"{count} {role}" for role, count in given.items()) or "nobody was given a role"
    yield Check("people", ok=True, detail=f"{where}: {counted}. {rules.in_words}")
    words = {word for word, _ in slash_words(settings, app)}
    if unknown := sorted(word for word in rules.reserved if word not in words | POWERS.keys()):
        yield Check("people: commands", ok=False, detail=f"there is no command {unknown[0]!r} to be reserved")
    tools = [tool.name for tool in app.catalog.specs()]
    if unused := [pattern for pattern in rules.tools if not any(fnmatchcase(name, pattern) for name in tools)]:
        yield Check("people: tools", ok=False, detail=f"no tool is called {unused[0]!r}; `errand tools` lists them")


async def _telegram_checks(settings: Settings) -> AsyncIterator[Check]:
    if settings.telegram_token is None:
        return
    from adapters.telegram.checkup import checkup  # noqa: PLC0415 - only who uses it needs its packages

    everybody = "*" in settings.telegram_people.split(",")
    findings = checkup(
        settings.telegram_token.get_secret_value(),
        api=settings.telegram_api.rstrip("/"),
        webhook=settings.telegram_webhook_url,
        everybody=everybody,
    )
    async for name, ok, detail in findings:
        yield Check(f"telegram: {name}", ok=ok, detail=detail)


async def _slack_checks(settings: Settings) -> AsyncIterator[Check]:
    if settings.slack_bot_token is None:
        return
    from adapters.slack.checkup import checkup  # noqa: PLC0415 - only who uses it needs its packages

    findings = checkup(
        settings.slack_bot_token.get_secret_value(),
        app_token=settings.slack_app_token.get_secret_value() if settings.slack_app_token else "",
        signing_secret=settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else "",
        api=f"{settings.slack_api.rstrip('/')}/",
        people=settings.slack_people,
    )
    async for name, ok, detail in findings:
        yield Check(f"slack: {name}", ok=ok, detail=detail)


async def _proxy_check(proxy: "Proxy") -> Check:
    try:
        percent = (await proxy.budget()).percent
    except ModelError as error:
        return Check(f"budget at {proxy.name}", ok=False, detail=f"{error}. Check its address and its key.")
    return Check(f"budget at {proxy.name}", ok=percent is None or percent < LOW_PERCENT, detail=await proxy.told())


def _page_check(settings: Settings) -> Iterator[Check]:
    if not settings.web:
        return
    from adapters.web.server import bound  # noqa: PLC0415 - only who uses it needs its packages
    from bot.on_web import picks_port, visitors_of  # noqa: PLC0415

    try:
        visitors = visitors_of(settings)
        with bound(settings.web_host, settings.web_port, further=picks_port(settings)) as listening:
            host, port = listening.getsockname()[:2]
    except (SettingsInvalid, ChannelClosed) as wrong:
        yield Check("page", ok=False, detail=str(wrong))
        return
    ways = [
        *(["whoever knows web_token"] if visitors.token else []),
        *([f"whom {settings.web_trusted_proxies} names in {visitors.header}"] if visitors.header else []),
    ]
    who = " and ".join(ways) or "whoever reaches it on this machine"
    yield Check("page", ok=True, detail=f"can be at {host}:{port}; {who} may come in")


async def _model_check(name: str, model: MakeModel, settings: Settings) -> Check:
    try:
        asked = ChatMessage("user", "Reply with the word OK.")
        reply = await model(name).reply([asked], timeout_seconds=settings.first_model_seconds)
    except ModelError as error:
        return Check(f"model: {name}", ok=False, detail=f"{error} Check its name, its key and its address.")
    return Check(f"model: {name}", ok=True, detail=f"answered {reply.text[:40]!r}")
