"""Which parameters of a tool take a file."""

import pytest

from orchestrator.tools.paths import file_parameters, in_place
from orchestrator.tools.spec import ToolSpec

TEXT = {"type": "string"}


def spec(**properties: dict[str, str]) -> ToolSpec:
    return ToolSpec("t", "", {"type": "object", "properties": properties, "required": list(properties)}, "test")


@pytest.mark.proves("files.without_model")
def test_a_parameter_that_speaks_of_a_file_takes_one_and_one_for_a_result_does_not() -> None:
    tool = spec(
        filePath=TEXT,
        image=TEXT,
        width={"type": "integer"},
        output_path=TEXT,
        files={"type": "array"},
        source={"type": "string", "format": "path"},
    )
    assert file_parameters(tool) == ["filePath", "image", "source"]


@pytest.mark.proves("files.without_model")
def test_files_go_where_they_are_missing_in_their_order() -> None:
    tool = spec(first_file=TEXT, title=TEXT, second_file=TEXT)
    assert in_place(tool, ["title", "second_file"], ["/a", "/b"]) == {"second_file": "/a"}
    assert in_place(tool, tool.required, ["/a", "/b"]) == {"first_file": "/a", "second_file": "/b"}
    assert in_place(tool, tool.required, []) == {}
