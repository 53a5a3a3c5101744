"""Files in a talk: fetched before a turn is worked on, told to models as data, and made by tools."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from orchestrator.messages import Attachment, Message
from orchestrator.plan import Plan, StepResult
from orchestrator.repair import repaired
from orchestrator.tools.spec import ToolFile
from orchestrator.words import say
from storage.files import FileStore

SHOWN = 8_000  # characters of a text file that a model sees, about 2,000 tokens
MOST_SENT = 10  # files of one answer
TEXT_TYPES = ("application/json", "application/xml", "application/yaml", "application/x-yaml")
TEXT_ENDINGS = {".csv", ".json", ".log", ".md", ".py", ".toml", ".txt", ".xml", ".yaml", ".yml"}


async def kept(store: FileStore, attachment: Attachment, content: bytes) -> Attachment:
    """A file that has come, written down; a text file with the beginning of its words. Raises StorageError."""
    path = await store.keep(attachment.name, content)
    words = _words(attachment, content)
    return attachment.model_copy(update={"file": str(path), "size": len(content), "text": words})


async def kept_from_tool(store: FileStore, file: ToolFile) -> Attachment:
    """A file that a tool has made, written down. Raises StorageError."""
    path = await store.keep(file.name, file.content)
    kind = "photo" if file.mime.startswith("image/") else "document"
    fields = {"kind": kind, "name": file.name, "mime": file.mime, "size": len(file.content), "file": str(path)}
    return Attachment.model_validate(fields)


def files_of(plan: Plan, results: Mapping[str, StepResult]) -> tuple[Attachment, ...]:
    """What the steps that are done have made, in the plan's order, each file once."""
    done = (results[step.id] for step in plan.steps if results[step.id].status == "done")
    made = (file for result in done for file in result.files)
    return tuple({file.file: file for file in made}.values())[:MOST_SENT]


def problems_of(message: Message) -> str:
    """A line for each file that has not come, and why; empty where all have."""
    return "\n".join(
        say("I could not take {name}: {reason}.", name=each.name, reason=each.problem)
        for each in message.attachments
        if each.problem
    )


def told(files: Iterable[Attachment]) -> str:
    """Files as lines for a result's text: whoever reads on finds them there."""
    return "\n".join(f"[file {each.name}, {each.mime}, {each.size} bytes: {each.file}]" for each in files)


def _words(attachment: Attachment, content: bytes) -> str:
    is_text = attachment.mime.startswith("text/") or attachment.mime in TEXT_TYPES
    if not (is_text or Path(attachment.name).suffix.casefold() in TEXT_ENDINGS):
        return ""
    try:
        text = repaired(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return ""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n[cut: the beginning, {SHOWN} of {len(text)} characters]"
