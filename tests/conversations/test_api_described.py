"""The OpenAPI document says what is so: every route is in it, and a fuzzer finds no fault and no difference."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from orchestrator.tools.functions import Functions
from tests.conversations.talk import outgoing
from tests.conversations.test_api_safety import PAGE_TOKEN, draw, hers, token_of
from tests.conversations.web_talk import api_of_page, page_at
from tests.fakes.api_program import program

SEED = "20261121"
EXAMPLES = "15"  # of each operation and phase


@pytest.mark.proves("api.described")
async def test_every_route_is_described_and_everything_described_is_there(tmp_path: Path) -> None:
    async with page_at(tmp_path, web_token=PAGE_TOKEN) as (_, web), program(web.address) as nobody:
        described: dict[str, Any] = await nobody.gets("/openapi.json")
        routes = {each.path for each in api_of_page(web).routes() if isinstance(each, Route)}
        assert {*described["paths"]} == routes - {"/readyz", "/api/{rest:path}"}
        for path, methods in described["paths"].items():
            for method, operation in methods.items():
                assert operation["summary"].endswith("."), path
                assert "503" in operation["responses"] or operation["security"] == [], path
                status, told, _ = await nobody.asks("PATCH", path.removeprefix("/api/v1"))
                assert (status, method.upper() in told["detail"]) == (405, True)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.proves("api.described")
async def test_a_fuzzer_finds_no_fault_and_no_difference_from_the_description(tmp_path: Path) -> None:
    _, tools = outgoing()
    async with page_at(tmp_path, web_token=PAGE_TOKEN, toolsets=[tools, Functions([draw])]) as (app, web):
        token = await token_of(app, "ann")
        async with program(web.address, token) as ann:
            assert (await hers(ann))["question"] == "q2", "the examples of the description are there"
        api_of_page(web).close()  # from now on streams end behind what they have to tell, and nobody waits
        fuzzer = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("schemathesis"),
            *("run", f"{web.address}/api/v1/openapi.json", "--header", f"Authorization: Bearer {token}"),
            *("--checks", "all", "--seed", SEED, "--max-examples", EXAMPLES, "--request-timeout", "20"),
            *("--generation-deterministic",),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await fuzzer.communicate()
        assert fuzzer.returncode == 0, said.decode()[-5_000:]
        assert "11 selected / 11 total" in said.decode()
