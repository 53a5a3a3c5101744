"""Checks everything that a running Errand needs, live, and names the fix for what is wrong."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from adapters.base import ChannelClosed
from bot.app import App, build
from bot.chains import MakeModel, models_of
from bot.health import health
from bot.machine import findings
from bot.settings import Settings
from bot.shelf import slash_words
from bot.wiring import proxy_of
from orchestrator.budgets import LOW_PERCENT
from orchestrator.errors import ModelError, SettingsInvalid
from orchestrator.models import ChatMessage
from orchestrator.roles import POWERS
from orchestrator.tools.spec import ToolsetHealth
from storage.errors import StorageError, StorageTaken
from storage.migrations import KNOWN

if TYPE_CHECKING:
    from orchestrator.proxy import Proxy


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `detail` names the fix where it is not ok."""

    name: str
    ok: bool
    detail: str

    def __str__(self) -> str:
        return f"{'ok ' if self.ok else 'BAD'}  {self.name}: {self.detail}"


async def examined(settings: Settings) -> AsyncIterator[Check]:
    """Everything, as far as it can be looked at: a database that another Errand has open, or that does not open, keeps
    the rest from nobody."""
    async for name, ok, detail in findings(settings):
        yield Check(name, ok, detail)
    async with AsyncExitStack() as opened:
        model = await opened.enter_async_context(models_of(settings))
        try:
            app = await opened.enter_async_context(build(settings, patient=True))
        except StorageTaken as taken:
            yield Check("database", ok=True, detail=f"in use, so what is in it was not looked at. {taken}")
        except StorageError as error:
            yield Check("database", ok=False, detail=str(error))
        else:
            async for check in _inner_checks(settings, app):
                yield check
        async for check in _outer_checks(settings, model):
            yield check


async def checks(settings: Settings, app: App, model: MakeModel) -> AsyncIterator[Check]:
    """Database, tools, channels, models, in this order."""
    async for check in _inner_checks(settings, app):
        yield check
    async for check in _outer_checks(settings, model):
        yield check


async def _inner_checks(settings: Settings, app: App) -> AsyncIterator[Check]:
    sessions = await app.store.sessions()
    yield Check("database", ok=True, detail=f"{app.store.url}, schema {KNOWN[-1]}, {len(sessions)} sessions")
    async for check in _policy_checks(settings, app):
        yield check
    for check in tool_checks(app.catalog.health(), settings):
        yield check
    for check in _reading_checks(settings, app):
        yield check


async def _outer_checks(settings: Settings, model: MakeModel) -> AsyncIterator[Check]:
    async for check in telegram_checks(settings):
        yield check
    async for check in slack_checks(settings):
        yield check
    for check in _page_check(settings):
        yield check
    async for check in _model_checks(settings, model):
        yield check
    if proxy := proxy_of(settings):
        yield await _proxy_check(proxy)


def tool_checks(sources: Iterable[ToolsetHealth], settings: Settings) -> Iterator[Check]:
    if not settings.servers.exists():
        yield Check("servers", ok=True, detail=f"no file {settings.servers}: only the built-in functions")
    for source in sources:
        healthy = source.state in {"ready", "disabled", "sign in"}
        yield Check(
            f"tools: {source.name}", ok=healthy, detail=f"{source.state}, {source.tools} tools. {source.detail}"
        )


def _reading_checks(settings: Settings, app: App) -> Iterator[Check]:
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
        yield await model_check(name, model, settings)


async def _policy_checks(settings: Settings, app: App) -> AsyncIterator[Check]:
    """Who has which role, and what in the policy file means nothing here."""
    rules = app.people.rules
    where = str(settings.policy_file) if settings.policy_file.exists() else f"no file {settings.policy_file}"
    given = Counter((await app.people.given()).values())
    counted = ", ".join(f"{count} {role}" for role, count in given.items()) or "nobody was given a role"
    yield Check("people", ok=True, detail=f"{where}: {counted}. {rules.in_words}")
    words = {word for word, _ in slash_words(app)}
    if unknown := sorted(word for word in rules.reserved if word not in words | POWERS.keys()):
        yield Check("people: commands", ok=False, detail=f"there is no command {unknown[0]!r} to be reserved")
    tools = [tool.name for tool in app.catalog.specs()]
    if unused := [pattern for pattern in rules.tools if not any(fnmatchcase(name, pattern) for name in tools)]:
        yield Check("people: tools", ok=False, detail=f"no tool is called {unused[0]!r}; `errand tools` lists them")


async def telegram_checks(settings: Settings) -> AsyncIterator[Check]:
    if settings.telegram_token is None:
        return
    try:
        from adapters.telegram.checkup import checkup  # noqa: PLC0415 - only who uses it needs its packages
    except ImportError as missing:
        yield _missing("telegram", missing)
        return

    everybody = "*" in settings.telegram_people.split(",")
    findings = checkup(
        settings.telegram_token.get_secret_value(),
        api=settings.telegram_api.rstrip("/"),
        webhook=settings.telegram_webhook_url,
        everybody=everybody,
    )
    async for name, ok, detail in findings:
        yield Check(f"telegram: {name}", ok=ok, detail=detail)


async def slack_checks(settings: Settings) -> AsyncIterator[Check]:
    if settings.slack_bot_token is None:
        return
    try:
        from adapters.slack.checkup import checkup  # noqa: PLC0415 - only who uses it needs its packages
    except ImportError as missing:
        yield _missing("slack", missing)
        return

    findings = checkup(
        settings.slack_bot_token.get_secret_value(),
        app_token=settings.slack_app_token.get_secret_value() if settings.slack_app_token else "",
        signing_secret=settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else "",
        api=f"{settings.slack_api.rstrip('/')}/",
        people=settings.slack_people,
    )
    async for name, ok, detail in findings:
        yield Check(f"slack: {name}", ok=ok, detail=detail)


def _missing(extra: str, missing: ImportError) -> Check:
    return Check(
        extra, ok=False, detail=f"it needs a package: pip install '.[{extra}]' in Errand's folder ({missing.name})"
    )


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
    except SettingsInvalid as wrong:
        yield Check("page", ok=False, detail=str(wrong))
        return
    except ChannelClosed as taken:
        yield _answering_check(settings, taken)
        return
    ways = [
        *(["whoever knows web_token"] if visitors.token else []),
        *([f"whom {settings.web_trusted_proxies} names in {visitors.header}"] if visitors.header else []),
    ]
    who = " and ".join(ways) or "whoever reaches it on this machine"
    yield Check("page", ok=True, detail=f"can be at {host}:{port}; {who} may come in")


def _answering_check(settings: Settings, taken: ChannelClosed) -> Check:
    """Of a page whose port is taken: perhaps by the Errand that is looked at."""
    try:
        said = health(settings)
    except (SettingsInvalid, ChannelClosed):
        return Check("page", ok=False, detail=str(taken))
    return Check("page", ok=True, detail=f"{said}: it answers at port {settings.web_port}")


async def model_check(name: str, model: MakeModel, settings: Settings) -> Check:
    try:
        asked = ChatMessage("user", "Reply with the word OK.")
        reply = await model(name).reply([asked], timeout_seconds=settings.first_model_seconds)
    except (ModelError, SettingsInvalid) as error:
        return Check(f"model: {name}", ok=False, detail=f"{error} Check its name, its key and its address.")
    return Check(f"model: {name}", ok=True, detail=f"answered {reply.text[:40]!r}")
