"""The tool for a contender that takes its tools from MCP servers only."""

from datetime import UTC, datetime

from mcp.server.fastmcp import FastMCP

server = FastMCP("clock")


@server.tool()
def time_in(city: str) -> str:
    """The time in a city."""
    return f"It is {datetime.now(UTC):%H:%M} in {city}."


if __name__ == "__main__":
    server.run()
