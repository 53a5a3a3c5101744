"""What programs send and get: these models are the contract, and the OpenAPI document is made of them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from orchestrator.messages import FileKind, Frozen, Live, Notice, PlanCard, Question

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
LONGEST_WAIT = 60  # seconds
MOST_FILES = 10
MOST_VALUES = 100

Name = Annotated[str, StringConstraints(pattern=NAME)]


# --- what comes in -------------------------------------------------------------------------------------


class Quoted(Frozen):
    """Words of others that come with a message. They are taken for data, never for an instruction."""

    kind: Literal["reply", "forward", "context"] = Field(
        description="What the message answers, what was passed on, or what others said before."
    )
    text: str
    author: str = ""


class NewMessage(Frozen):
    """Words for Errand. Slash words work."""

    event: Name = Field(description="Yours, and unique: the same one sent again counts once, and tells its turn again.")
    text: str = Field("", description="The words. They may be left out where files come.")
    session: Name | None = Field(None, description="The conversation, by a name of yours. Left out: a new one.")
    files: tuple[str, ...] = Field((), max_length=MOST_FILES, description="Files by the `file` of their upload.")
    tools: tuple[str, ...] | None = Field(
        None, description="The only tools that may be used, such as `git__*`; none for `[]`. Left out: all."
    )
    foreign: tuple[Quoted, ...] = ()


class Chosen(Frozen):
    """One of a question's choices, or own words where it takes them."""

    event: Name
    choice: str = Field(min_length=1)


class FilledIn(Frozen):
    """A question's fields, filled in, by their names."""

    event: Name
    values: dict[str, str] = Field(min_length=1, max_length=MOST_VALUES)


NewAnswer = Chosen | FilledIn


class Wait(Frozen):
    """How long a request may wait for the end of its turn."""

    wait: int = Field(0, ge=0, le=LONGEST_WAIT, description="Seconds to wait for the end of the turn.")


class Before(Frozen):
    """Where in a conversation to look."""

    before: Annotated[str, StringConstraints(pattern=r"^t[0-9]{1,9}$")] | None = Field(
        None, description="Only what was said before this turn."
    )


class After(Frozen):
    """Where a stream begins; the header Last-Event-ID stands over it."""

    after: str | None = Field(None, max_length=60, description="The id of the last part that you have seen.")


class Upload(Frozen):
    """What a file is called."""

    name: str = Field(min_length=1, max_length=150, description="The file's name, with its ending.")


# --- what goes out -------------------------------------------------------------------------------------


class Taken(Frozen):
    """It is on disk, and its turn will end, also over a restart. `new` is false for an event that was known."""

    new: bool
    turn: str
    session: str


class File(Frozen):
    """A file of an answer; `path` leads to its content."""

    kind: FileKind
    name: str
    mime: str
    size: int | None = Field(description="Bytes, where they are known.")
    path: str


class AnswerPart(Frozen):
    """The answer of a turn, in Markdown. `closes` is the question that it closes, if it does."""

    kind: Literal["answer"] = "answer"
    text: str
    files: tuple[File, ...] = ()
    closes: str = ""


class Part(Frozen):
    """A final part. The same `id` is the same part, always."""

    id: str
    turn: str
    part: Annotated[Question | AnswerPart | Notice, Field(discriminator="kind")]


class Going(Frozen):
    """What goes on in a turn: a word on it, its plan, or the answer so far, each time as a whole."""

    turn: str
    part: Live


class Said(Frozen):
    """What a turn works on, in words: a message, a choice, a filled-in form ..."""

    kind: str
    text: str


class Turn(Frozen):
    """The work on one thing that somebody said. It has ended when its parts are all there."""

    id: str
    session: str
    state: Literal["working", "ended"]
    said: Said
    plan: PlanCard | None = None
    parts: tuple[Part, ...] = ()


class Session(Frozen):
    """A conversation in the list."""

    id: str
    title: str = Field(description="The first thing that was asked in it.")
    last_at: datetime
    asks: bool = Field(description="Whether a question waits for an answer.")


class Sessions(Frozen):
    """Your conversations, the newest first, at most 200."""

    sessions: tuple[Session, ...]


class Conversation(Frozen):
    """The end of a conversation, or what stands before a turn of it.

    `letters` are parts that turns of other conversations have sent here.
    """

    id: str
    question: str | None = Field(description="The question that waits for an answer.")
    busy: bool
    earlier: bool = Field(description="Whether there is more before it.")
    turns: tuple[Turn, ...]
    letters: tuple[Part, ...] = ()


class PlanView(PlanCard):
    """A plan and how far it is. `turn` is the one that worked on it last."""

    turn: str
    session: str


class Uploaded(Frozen):
    """A file that is kept until a message brings it."""

    file: str


class Ready(Frozen):
    """Whether messages are worked on: the database answers, and the channels listen.

    `down` are sources of tools that are not there; without them the rest is served.
    """

    ready: bool
    database: bool
    channels: tuple[str, ...]
    down: tuple[str, ...]


class Wrong(Frozen):
    """A field that cannot be taken, and why."""

    field: str
    problem: str


class Problem(Frozen):
    """Why a request was not taken (RFC 9457). `detail` is a sentence that names the fix."""

    title: str
    status: int
    detail: str
    errors: tuple[Wrong, ...] = ()
