"""Files that tools make: kept, passed on to later steps, and delivered with the answer."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.app import App
from orchestrator.messages import Answer, Attachment
from orchestrator.models import ChatMessage, ModelReply, Scripted, ToolCall
from orchestrator.tools.functions import Functions, Registered, tool
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_config import ServerSettings
from orchestrator.tools.spec import LARGEST_FILE, File, ToolSpec
from tests.conversations.talk import Talk, outgoing, talking

PNG = b"\x89PNG and so on"


@tool(read_only=True)
def plot(title: str) -> File:
    """Draw a chart."""
    return File(f"{title}.png", "image/png", PNG + title.encode())


@tool(read_only=True)
def measure(path: Path) -> int:
    """Tell how large a file is."""
    return path.stat().st_size


async def answer(talk: Talk, text: str) -> Answer:
    part = await talk.say(text)
    assert isinstance(part, Answer), part
    return part


async def contents(app: App, files: Sequence[Attachment]) -> list[bytes]:
    return [await app.files.read(file.file) for file in files]


@pytest.mark.proves("files.made")
async def test_a_file_that_a_function_makes_comes_with_the_answer(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=[Functions([plot])]) as talk:
        part = await answer(talk, "/plot title=sales")
        (file,) = part.files
        assert (file.kind, file.name, file.mime, file.size) == ("photo", "sales.png", "image/png", 19)
        assert await contents(talk.app, part.files) == [PNG + b"sales"]
        assert "[image image/png, 19 bytes]" in part.text
        assert str(tmp_path) not in part.text, "people get the file, not its place"
        assert talk.app.files.path(file.file).parent == tmp_path / "errand-files"


@pytest.mark.proves("files.made")
async def test_a_path_that_a_function_returns_is_copied_at_once(tmp_path: Path) -> None:
    @tool(read_only=True)
    def table() -> list[str | Path]:
        """Export."""
        made = tmp_path / "export.csv"
        made.write_text("a,b\n")
        return ["All of it:", made, made]

    async with talking(tmp_path, toolsets=[Functions([table])]) as talk:
        part = await answer(talk, "/table")
        (tmp_path / "export.csv").unlink()
        assert [(file.kind, file.name, file.mime) for file in part.files] == [("document", "export.csv", "text/csv")]
        assert await contents(talk.app, part.files) == [b"a,b\n"]
        assert "All of it:" in part.text


@pytest.mark.proves("files.made")
@pytest.mark.parametrize("name", ["gone.pdf", "large.bin", "huge"])
async def test_a_file_that_cannot_be_taken_is_named_with_the_reason(tmp_path: Path, name: str) -> None:
    with (tmp_path / "large.bin").open("wb") as large:
        large.truncate(LARGEST_FILE + 10**6)

    @tool(read_only=True)
    def hand_over(name: str) -> Path | File:
        """Hand over."""
        return File("huge", "x/y", b"0" * (LARGEST_FILE + 1)) if name == "huge" else tmp_path / name

    async with talking(tmp_path, toolsets=[Functions([hand_over])]) as talk:
        part = await answer(talk, f"/hand_over name={name}")
        assert part.files == ()
        assert name in part.text
        assert ("No such file" if name == "gone.pdf" else "a tool may hand over 50 MB") in part.text


@pytest.mark.proves("files.made")
async def test_a_picture_of_a_server_comes_with_the_answer(tmp_path: Path) -> None:
    server = ServerSettings(
        name="fake", command=sys.executable, args=("-m", "tests.fakes.mcp_server"), file=str(tmp_path / "mcp.json")
    )
    async with talking(tmp_path, toolsets=[McpTools([server], wait_seconds=20)]) as talk:
        part = await answer(talk, "/fake__picture")
        assert [(file.kind, file.name) for file in part.files] == [("photo", "image.png")]
        assert await contents(talk.app, part.files) == [bytes(3000)]
        assert "a cat\n[image image/png, 3.0 kB]" in part.text


@pytest.mark.proves("files.passed_on")
@pytest.mark.parametrize("reference", ["${a.files.0}", "${a}", "step:a"])
async def test_a_later_step_is_given_the_path_of_a_file(tmp_path: Path, reference: str) -> None:
    async with talking(tmp_path, toolsets=[Functions([plot, measure])]) as talk:
        part = await answer(talk, f'/plan a: plot(title="x")\nb: measure(path="{reference}")')
        assert part.text.endswith(": 15"), "measured"
        assert [file.name for file in part.files] == ["x.png"]


@pytest.mark.proves("files.passed_on")
async def test_a_file_survives_the_question_between_two_steps(tmp_path: Path) -> None:
    sent, mail = outgoing()
    async with talking(tmp_path, toolsets=[Functions([plot]), mail]) as talk:
        await talk.asked('/plan a: plot(title="x")\nb: send(text="${a.files.0}")')
    async with talking(tmp_path, toolsets=[Functions([plot]), mail]) as talk:
        part = await answer(talk, "yes")
        assert [file.name for file in part.files] == ["x.png"]
        assert [Path(path).read_bytes() for path in sent] == [PNG + b"x"]


@pytest.mark.proves("files.made")
async def test_more_files_than_an_answer_takes_are_counted_and_the_same_one_is_there_once(tmp_path: Path) -> None:
    @tool(read_only=True)
    def pages(count: int) -> list[File]:
        """Print pages."""
        return [File(f"page {number}.txt", "text/plain", b"") for number in range(count)]

    async with talking(tmp_path, toolsets=[Functions([pages])]) as talk:
        part = await answer(talk, "/plan a: pages(count=12)\nb: pages(count=2)")
        assert [file.name for file in part.files] == [f"page {number}.txt" for number in range(10)]
        assert part.text.endswith("There are 12 files; these are the first 10.")


def drawing(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
    """A model that leaves the drawing to a worker, and a worker that draws."""
    if any(tool.name == "ask" for tool in tools):
        plan = 'w: @general(task="draw sales", tools=["plot"])\nm: measure(path="${w.files.0}")'
        return ModelReply("", "scripted", (ToolCall("c", "plan", {"steps": plan}),))
    if tools and messages[-1].role != "tool":
        return ModelReply("", "scripted", (ToolCall("c", "plot", {"title": "sales"}),))
    assert "errand-files" in messages[-1].text or not tools, "a worker must know where it is"
    return ModelReply("Here it is.", "scripted")


@pytest.mark.proves("files.made", "files.passed_on")
async def test_a_workers_file_comes_with_the_answer_too(tmp_path: Path) -> None:
    own: list[Registered] = [plot, measure]
    model = Scripted(drawing)
    async with talking(
        tmp_path, toolsets=[Functions(own)], model=lambda _: model, router="scripted:x", verbosity="full"
    ) as talk:
        part = await answer(talk, "draw me the sales")
        assert [file.name for file in part.files] == ["sales.png"], "also below a footer"
        assert "Here it is." in part.text
