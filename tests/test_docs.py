"""The documentation cannot lie: plans and commands are run, names are looked for, links are followed."""

import asyncio
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path
from textwrap import indent

import pytest

from adapters.web.api.tokens import Tokens
from bot.settings import Settings
from bot.shelf import StoreShelf
from orchestrator.roles import RESERVED, HouseRules, read_house_rules
from orchestrator.tools.builtin import BUILTIN
from orchestrator.tools.code import Code
from orchestrator.tools.functions import Functions, tool
from tests.conversations.talk import talking
from tests.conversations.web_talk import api_of_page, page_at
from tests.fakes.telegram import Chat, Person, World
from tests.fakes.telegram.faults import Faults

ROOT = Path(__file__).parents[1]
DOCS = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.proves("docs.links")
@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def run(*command: str, folder: Path) -> str:
    """A command as a person calls it; what it says."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.proves("docs.examples")
def test_the_examples_run(tmp_path: Path) -> None:
    said = run(str(ROOT / "examples" / "own_function.py"), folder=tmp_path)
    assert "May I run" in said
    assert "ordered 5 of coffee" in said
    said = run("-m", "bot", "plan", str(ROOT / "examples" / "tax.plan"), folder=tmp_path)
    assert "30.4" in said
    assert "Friday" in said
    said = run("-m", "bot", "plan", str(ROOT / "examples" / "spending.plan"), folder=tmp_path)
    assert "mean 9.42, dearest 12, all with tax 43.45" in said
    assert "2026-12-24 Thursday" in said


@pytest.mark.slow
@pytest.mark.proves("docs.adapter")
@pytest.mark.timeout(120)
async def test_the_channel_of_the_page_on_channels_serves_whoever_may_open_its_socket(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "own_adapter.md").read_text()
    example = ROOT / "examples" / "own_adapter.py"
    (snippet,) = (block for language, block in FENCED.findall(page) if language == "python")
    assert indent(snippet, "    ") in example.read_text()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(example),
        cwd=tmp_path,
        env=environment,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    try:
        async with asyncio.timeout(90):
            while not is_open(tmp_path / "errand.sock"):
                await asyncio.sleep(0.1)
            reader, writer = await asyncio.open_unix_connection(tmp_path / "errand.sock")
            writer.write(b"work\n/compute_tax amount=80 rate_percent=19\n")
            assert await reader.readuntil(b"\n\n") == b"This is work.\n\n"
            assert b"15.2" in await reader.readuntil(b"\n\n")
            writer.close()
            process.send_signal(signal.SIGINT)
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert not (tmp_path / "errand.sock").exists()


def is_open(path: Path) -> bool:
    """Whether somebody listens at this socket, whose file only its owner may open."""
    with socket.socket(socket.AF_UNIX) as trying:
        try:
            trying.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.proves("docs.people")
def test_the_policy_file_of_the_page_is_the_example_and_means_what_the_page_says() -> None:
    page, example = (ROOT / "docs" / "people.md").read_text(), ROOT / "examples" / "policy.toml"
    ((language, shown),) = FENCED.findall(page)
    assert language == "toml"
    assert example.read_text().endswith(f"\n\n{shown}")
    rules = read_house_rules(example)
    assert rules.role(["nobody"], channel="slack", chat="C012OPS", workspaces=()) == "nobody"
    assert rules.role([None], channel="slack", chat="C012OPS", workspaces=("T0PARTNER",)) == "member"
    assert not rules.rights("admin").may_say("budget yes")
    assert set(rules.model_fields_set) == set(HouseRules.model_fields)
    shipped = HouseRules()
    rows = dict(re.findall(r"^\| `(tools|templates)` \| (.*?) \|", page, re.MULTILINE))
    assert rows == {"tools": "`read`", "templates": f"`{shipped.allowed('guest').templates}`"}
    assert all(f"`{word}`" in page for word in RESERVED)


@pytest.mark.proves("docs.telegram")
def test_the_local_telegram_has_what_its_page_names() -> None:
    page = (ROOT / "docs" / "fake_telegram.md").read_text()
    rows = re.findall(r"^\| (?:say|see|do|arrange) \| (.*) \|$", page, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    options = {"reply_to", "quote", "forwarded_from", "mentions"}
    assert [name for name in named - options if not any(hasattr(each, name) for each in (Chat, Person, World))] == []
    assert len(rows) == 4
    assert all(hasattr(Faults, name) for name in ("refuse", "drop", "lose_answer", "hold"))


@pytest.mark.slow
@pytest.mark.proves("docs.plans")
def test_a_plan_file_takes_values_from_the_command_line_and_names_those_that_lack(tmp_path: Path) -> None:
    written = tmp_path / "double.plan"
    written.write_text('a: calculate(expression="{{number}} * 2")')
    assert ": 14" in run("-m", "bot", "plan", "--set", "number=7", str(written), folder=tmp_path)
    assert "open parameter 'number'" in run("-m", "bot", "plan", str(written), folder=tmp_path)


@pytest.mark.slow
@pytest.mark.proves("docs.demo")
def test_the_demonstration_plays_the_whole_flow_and_says_that_it_is_scripted(tmp_path: Path) -> None:
    (tmp_path / "mcp.json").write_text((ROOT / "mcp.json").read_text())
    said = run("-m", "bot", "demo", folder=tmp_path)
    assert "the model is scripted" in said
    assert "I cannot order anything" in said
    assert "30.4" in said


@pytest.mark.proves("docs.plans", "plan.notation")
async def test_the_plans_of_the_documentation_run(tmp_path: Path) -> None:
    @tool(read_only=True)
    def get_current_time(timezone: str) -> str:
        """The time."""
        return f"noon in {timezone}"

    plans = [text for _, text in FENCED.findall((ROOT / "docs" / "plans.md").read_text())]
    assert len(plans) == 2
    async with talking(tmp_path, toolsets=[Functions([*BUILTIN, get_current_time])]) as talk:
        answer = await talk.answered(f"/plan {plans[0]}")
        assert "noon in Asia/Tokyo" in answer
        assert "30.4" in answer
        assert await talk.answered(f"/plan {plans[1]}") == "Twice the tax: 30.4"


@pytest.mark.proves("docs.plans", "code.step")
async def test_the_plan_of_the_page_on_code_runs_and_the_page_has_the_limits_as_they_are(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "code_steps.md").read_text()
    ((_, plan),) = FENCED.findall(page)
    async with talking(tmp_path, toolsets=[Functions(BUILTIN), Code()]) as talk:
        answer = await talk.answered(f"/plan {plan}")
    assert "rounded 15" in answer
    assert '["Friday", "Thursday"]' in answer
    rows = dict(re.findall(r"\| `(\w+)` \| ([\d,]+) \|", page))
    assert rows == {name: f"{Settings.model_fields[name].default:,.0f}" for name in rows}
    assert {name for name in Settings.model_fields if name.startswith("code_")} < rows.keys()


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
@pytest.mark.proves("docs.api")
async def test_the_commands_of_the_page_on_the_api_work_and_its_table_has_every_operation(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    blocks = [block for kind, block in FENCED.findall(page) if kind == "sh"]
    async with page_at(tmp_path, toolsets=None, web_token="a-token-of-some-length") as (app, web):
        api = api_of_page(web)
        listed = re.findall(r"^\| `([A-Z]+ /[^`]+)` \|", page, re.MULTILINE)
        assert sorted(listed) == sorted(f"{each.method} {each.path}" for each in api.operations)
        token = await Tokens(StoreShelf(app.store, "api")).add("docs", "docs")
        known = blocks[0][: blocks[0].index("curl")].replace("http://127.0.0.1:8700", web.address)
        assert blocks[0].startswith(known.replace(web.address, "http://127.0.0.1:8700"))
        known = known.replace("errand_...", token)
        said = []
        for block in (blocks[0][blocks[0].index("curl") :], *blocks[1:]):
            shell = await asyncio.create_subprocess_exec(
                "bash", "-c", f"{known}\n{block}", cwd=tmp_path, stdout=asyncio.subprocess.PIPE
            )
            if "curl -sSN" in block:
                while not api._rooms.pages:
                    await asyncio.sleep(0.01)
                api.close()  # it would go on for as long as somebody listens
            said.append((await shell.communicate())[0].decode())
    first, asks, answered, stream, uploaded, ready = said
    assert '"id":"t1","session":"first","state":"ended"' in first
    assert '"id":"q2"' in asks
    assert '"name":"s1.rate_percent"' in asks
    assert "15.2" in answered
    assert "id: t1.0\nevent: part\ndata: " in stream
    assert re.fullmatch(r'{"file":"[0-9a-f]+"}', uploaded)
    assert '"ready":true' in ready
