"""The documentation names what there is: pages, commands, modules, tables, promises, numbers."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from bot.cli import errand
from bot.cluster.line import HOLD_SECONDS, LOST_SECONDS
from bot.cluster.node import TAKE_OVER_SECONDS
from bot.cluster.queue import CONNECTIONS as OF_THE_QUEUE
from bot.cluster.queue import STALLED_SECONDS
from storage.postgresql import CONNECTIONS as OF_THE_STORE
from storage.postgresql import SILENCE
from storage.tables import metadata
from tests.requirements import PROMISES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CALLED = re.compile(r"^(?:\S*/)?errand (.*?)(?:\s#.*|\s{2,}.*)?$")


@pytest.mark.proves("docs.map")
def test_every_page_is_on_the_map() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)", (DOCS / "README.md").read_text()))
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*") if path.suffix in {".md", ".json"}}
    assert sorted(pages - linked - {"README.md"}) == []


@pytest.mark.proves("docs.links")
def test_every_link_into_a_page_leads_to_a_heading_of_it() -> None:
    lost = []
    for page in PAGES:
        for to, part in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text()):
            if part not in _anchors(page.parent / to if to else page):
                lost.append(f"{page.name}: {to}#{part}")
    assert lost == []


def _anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub writes them in addresses."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def command_lines() -> Iterator[tuple[str, str]]:
    """Each call of `errand` in a fenced block, with its page."""
    for page in PAGES:
        for language, block in FENCED.findall(page.read_text()):
            if language in {"", "sh"} and page.parent.name != "reference":
                yield from ((page.name, found[1]) for line in block.splitlines() if (found := CALLED.match(line)))


@pytest.mark.proves("docs.commands")
def test_every_command_line_of_the_documentation_is_one_that_errand_takes() -> None:
    lines = [*command_lines()]
    assert len(lines) > 30
    assert [f"{page}: errand {line}: {why}" for page, line in lines if (why := _problem(shlex.split(line)))] == []


def _problem(words: list[str]) -> str:
    """Why `errand` would not take these words; empty where it would."""
    command: click.Command = errand
    while isinstance(command, click.Group):
        context = click.Context(command, info_name=command.name)
        try:
            _, words, _ = command.make_parser(context).parse_args(words)
        except click.UsageError as refused:
            return refused.format_message()
        if not words:
            return "" if command.invoke_without_command else "a word is missing"
        if words[0] not in command.commands:
            return f"no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    try:
        command.make_context(command.name, words)
    except click.UsageError as refused:
        told = refused.format_message()
        return "" if told.endswith("does not exist.") else told  # a file of the reader's own
    return ""


@pytest.mark.proves("docs.architecture")
def test_the_page_on_architecture_names_modules_and_tables_that_there_are() -> None:
    page = (DOCS / "architecture.md").read_text()
    paths = re.findall(r"`((?:bot|adapters|orchestrator|storage)/[\w/]+\.py)`", page)
    assert len(paths) > 30
    assert [path for path in paths if not (ROOT / path).exists()] == []
    drawn = set(re.findall(r"\b\w+\.py\b", "".join(block for _, block in FENCED.findall(page))))
    known = {path.name for package in ("bot", "adapters", "orchestrator", "storage") for path in _modules(package)}
    assert sorted(drawn - known) == []
    _, _, tables = page.partition("## What is in the database")
    named = [name for row in re.findall(r"^\| (`.*?) \|", tables, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(metadata.tables)


@pytest.mark.proves("docs.architecture")
def test_the_libraries_of_models_and_of_the_queue_are_imported_where_the_page_says() -> None:
    page = (DOCS / "architecture.md").read_text()
    (models, queue) = re.findall(
        r"only `(\S+)` (?:imports the library of models|that of the queue)", page, re.IGNORECASE
    )
    assert _importing("agno") == {models}
    assert {path.rpartition("/")[0] for path in _importing("procrastinate")} == {queue}


def _importing(library: str) -> set[str]:
    imports = re.compile(rf'^\s*(?:from|import) {library}\b|import_module\("{library}\b', re.MULTILINE)
    modules = (path for package in ("bot", "adapters", "orchestrator", "storage") for path in _modules(package))
    return {path.relative_to(ROOT).as_posix() for path in modules if imports.search(path.read_text())}


def _modules(package: str) -> Iterator[Path]:
    return (ROOT / package).rglob("*.py")


@pytest.mark.proves("docs.security")
@pytest.mark.parametrize("name", ["security.md", "telegram.md", "slack.md", "deploy.md"])
def test_what_is_shown_by_a_promise_names_one_that_there_is(name: str) -> None:
    ids = {promise.id for promise in PROMISES}
    areas = {each.partition(".")[0] for each in ids}
    named = re.findall(r"`([a-z_]+(?:\.(?!toml)[a-z_]+)+)`", (DOCS / name).read_text())
    assert [each for each in named if each.partition(".")[0] in areas and each not in ids] == []


@pytest.mark.proves("docs.security")
def test_every_threat_of_the_page_on_security_has_a_proof() -> None:
    _, _, threats = (DOCS / "security.md").read_text().partition("## Threats")
    rows = re.findall(r"^\|(.*)\|$", threats, re.MULTILINE)[2:]
    ids = {promise.id for promise in PROMISES if not promise.gap}
    assert len(rows) > 30
    assert [row for row in rows if not set(re.findall(r"`([^`]+)`", row.split("|")[2])) & ids] == []


@pytest.mark.proves("docs.cluster")
def test_the_numbers_of_the_page_on_several_processes_are_those_of_the_code() -> None:
    page = (DOCS / "cluster.md").read_text()
    seconds = re.findall(r"\| ([\d.]+) s \|$", page, re.MULTILINE)
    silent = SILENCE["tcp_user_timeout"] / 1000
    assert [*map(float, seconds)] == [STALLED_SECONDS, TAKE_OVER_SECONDS, HOLD_SECONDS, LOST_SECONDS, silent]
    store, queue, line = OF_THE_STORE + 1, OF_THE_QUEUE, 2  # the line has a voice and ears
    assert f"up to {store + queue + line} connections: {store} for the store, {queue} for the queue, {line} for" in page
    (services,) = (yaml.safe_load(block)["services"] for language, block in FENCED.findall(page) if language == "yaml")
    assert [_problem(each["command"]) for each in services.values()] == ["", ""]
    assert (
        services.keys() - {"work"} <= yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"].keys()
    )
