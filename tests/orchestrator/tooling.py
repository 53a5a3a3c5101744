"""Small tools for the core's tests."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orchestrator.plan import FindTool
from orchestrator.tools.spec import ToolSpec


def spec(
    name: str, *, read_only: bool = True, required: Sequence[str] = (), **properties: Mapping[str, Any]
) -> ToolSpec:
    """A tool of these parameters."""
    return ToolSpec(
        name=name,
        description=f"{name} of the tests",
        parameters={"type": "object", "properties": properties, "required": list(required)},
        source="tests",
        read_only=read_only,
    )


def finder(*tools: ToolSpec) -> FindTool:
    by_name: Callable[[str], ToolSpec | None] = {tool.name: tool for tool in tools}.get
    return by_name
