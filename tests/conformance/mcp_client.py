"""What the official conformance suite of MCP runs as the client: our connections, by the doors that Errand uses.

    python -m tests.conformance.mcp_client URL

It signs in where it has to, and calls every tool with arguments that fit. A tool that asks is answered with nothing,
so with the defaults of its form.
"""

import asyncio
import json
import os
import sys
from typing import Any

import httpx2

from orchestrator.errors import ToolError
from orchestrator.tools.calling import calling_with
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_access import OpenVault
from orchestrator.tools.mcp_config import OAuth, ServerSettings
from orchestrator.tools.spec import ToolResult, ToolSpec

MOST_SIGN_INS = 3
SAMPLES: dict[str, Any] = {
    "string": "x",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}


def settings(url: str, context: dict[str, Any]) -> ServerSettings:
    is_machine = "client-credentials" in os.environ.get("MCP_CONFORMANCE_SCENARIO", "")
    oauth = OAuth(
        client_id=context.get("client_id", ""),
        client_secret=context.get("client_secret", ""),
        private_key=context.get("private_key_pem", ""),
        algorithm=context.get("signing_algorithm", ""),
        grant="client_credentials" if is_machine else "authorization_code",
        client_metadata_url="https://conformance-test.local/client-metadata.json",
    )
    return ServerSettings("it", url=url, transport="http", isolation="shared", oauth=oauth)


class Person:
    """Somebody who signs in wherever they are sent, and agrees to everything."""

    def __init__(self, tools: McpTools) -> None:
        self.tools = tools
        self.sign_ins = 0

    async def sign_in(self) -> None:
        link = await self.tools.begin_sign_in("it")
        while link and self.sign_ins < MOST_SIGN_INS:
            self.sign_ins += 1
            async with httpx2.AsyncClient() as browser:
                response = await browser.get(link, follow_redirects=False)
            link = await self.tools.end_sign_in("it", response.headers["location"])

    async def call(self, tool: str, arguments: dict[str, Any]) -> ToolResult:
        while True:
            try:
                return await self.through(tool, arguments)
            except ToolError as error:
                if "/signin" not in str(error) or self.sign_ins >= MOST_SIGN_INS:
                    raise
                await self.sign_in()

    async def through(self, tool: str, arguments: dict[str, Any]) -> ToolResult:
        with calling_with(can_ask=True):
            result = await self.tools.call(tool, arguments, key="t1/s1", timeout_seconds=30)
        while result.asks:
            given: dict[str, dict[str, Any]] = {each.key: {} for each in result.asks.inquiries}
            with calling_with(can_ask=True, asked=result.asks.model_copy(update={"given": given})):
                result = await self.tools.call(tool, arguments, key="t1/s1", timeout_seconds=30)
        return result


def sample(spec: ToolSpec) -> dict[str, Any]:
    """Arguments that fit: the first of an enum, the default, or a value of the type."""
    return {name: fitting(schema) for name, schema in spec.properties.items()}


def echoed(tools: McpTools) -> dict[str, Any]:
    """A tool's schema as it has come to us, for the tool that looks at what is left of it."""
    known = {spec.name: spec for spec in tools.specs()}
    return {"schema": dict(known["it__json_schema_2020_12_tool"].parameters)}


def fitting(schema: Any) -> Any:
    return schema.get("default", schema["enum"][0] if "enum" in schema else SAMPLES[schema.get("type", "string")])


def wanted_calls(tools: McpTools, context: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The calls that the suite asks for; else one of every tool."""
    if listed := context.get("toolCalls"):
        return [(f"it__{each['name']}", each.get("arguments", {})) for each in listed]
    return [
        (spec.name, echoed(tools) if spec.name == "it__json_schema_echo" else sample(spec)) for spec in tools.specs()
    ]


async def main(url: str) -> None:
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    tools = McpTools([settings(url, context)], vault=OpenVault(), wait_seconds=20)
    person = Person(tools)
    await tools.start()
    try:
        if "/signin" in tools.health()[0].detail:
            try:
                await person.sign_in()
            except ToolError as error:
                print(error, file=sys.stderr)
        print(tools.health()[0], file=sys.stderr)
        for tool, arguments in wanted_calls(tools, context):
            try:
                print(tool, await person.call(tool, arguments), file=sys.stderr)
            except ToolError as error:
                print(tool, repr(error), file=sys.stderr)
    finally:
        await tools.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[-1]))
