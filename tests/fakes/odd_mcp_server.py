"""An MCP server by hand, in the protocol of 2025-11-25: it says what it is told to, also what no proper server says.

    python -m tests.fakes.odd_mcp_server '{"pages": [[tool, ...], ...], "answers": {tool: result}}'

An answer {"error": {...}} goes out as a JSON-RPC error. `grown` replaces the pages after the first call, and this is
announced. `prompts` and `resources` are listed, `said` and `contents` are what they hold, by name and address. Where
ERRAND_TEST_CALLS names a file, every call is written down there.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

NO_SUCH_METHOD = {"error": {"code": -32601, "message": "Method not found"}}


def say(message: dict[str, Any]) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def page_of(pages: list[Any], cursor: str) -> dict[str, Any]:
    number = int(cursor)
    more = {"nextCursor": str(number + 1)} if number + 1 < len(pages) else {}
    return {"tools": pages[number], **more}


def write_down(call: dict[str, Any]) -> None:
    if file := os.environ.get("ERRAND_TEST_CALLS"):
        with Path(file).open("a") as calls:
            calls.write(json.dumps({"tool": call["name"], "arguments": call.get("arguments", {})}) + "\n")


def answer(script: dict[str, Any], method: str, params: dict[str, Any]) -> dict[str, Any]:
    match method:
        case "initialize":
            more: dict[str, Any] = {name: {} for name in ("prompts", "resources") if name in script}
            return {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {"listChanged": True}, **more},
                "serverInfo": {"name": "odd", "version": "1"},
            }
        case "tools/list":
            return page_of(script["pages"], params.get("cursor", "0"))
        case "prompts/list" | "resources/list":
            kind = method.partition("/")[0]
            return {kind: script[kind]}
        case "prompts/get":
            said = {"type": "text", "text": script["said"][params["name"]]}
            return {"messages": [{"role": "user", "content": said}]}
        case "resources/read":
            return {"contents": [{"uri": params["uri"], "text": script["contents"][params["uri"]]}]}
        case "tools/call":
            write_down(params)
            result: dict[str, Any] = script["answers"][params["name"]]
            return result
        case _:
            return NO_SUCH_METHOD


def main() -> None:
    script = json.loads(sys.argv[1])
    print("Welcome! This line is no JSON, and on the wrong stream.", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        result = answer(script, request["method"], request.get("params", {}))
        say({"id": request["id"], **(result if "error" in result else {"result": result})})
        if request["method"] == "tools/call" and "grown" in script:
            script["pages"] = script.pop("grown")
            say({"method": "notifications/tools/list_changed"})


if __name__ == "__main__":
    main()
