"""The contract between the core and its channels: what people send, and what they see."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Frozen(BaseModel):
    """A value that cannot change and that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Address(Frozen):
    """Where a conversation happens: a chat, and inside of it perhaps a topic or a thread."""

    channel: str
    chat: str
    thread: str | None = None

    @property
    def session(self) -> str:
        """The session's key. Two addresses share it only if they are equal."""
        place = "/".join(quote(part, safe="@.-_") for part in (self.chat, self.thread) if part is not None)
        return f"{quote(self.channel, safe='')}:{place}"


class Person(Frozen):
    """One account in one channel. `id` is the platform's own, never a display name. `teams` are the workspaces of which
    they are a member, where the channel has such."""

    id: str
    name: str = ""
    teams: tuple[str, ...] = ()


# --- Inbound: one thing that a person did -------------------------------------------------------------


class Arrival(Frozen):
    """What every Inbound has. `event_id` is the platform's own and unique within the channel. `private` says that
    nobody but the person and us reads along.

    `tools` are the only ones that may be used for it: names, or patterns such as `git__*`; None means all.
    """

    event_id: str
    address: Address
    person: Person
    sent_at: datetime
    private: bool = False
    tools: tuple[str, ...] | None = None


def size_in_words(size: int) -> str:
    """So many bytes, for a person."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.1f} kB" if size < 10**6 else f"{size / 10**6:.1f} MB"


FileKind = Literal["photo", "voice", "audio", "video", "document"]


class Attachment(Frozen):
    """A file that a person sent, or that a tool has made.

    `ref` is the channel's own handle of one that is not here yet; `file` is its id in the file store once it is.
    `size` is in bytes, None where the channel does not say. `heard` is what a voice message says, `problem` a sentence
    for the person on why the file is not here, or cannot be listened to.
    """

    kind: FileKind = "document"
    name: str
    mime: str
    size: int | None = None
    ref: str = ""
    file: str = ""
    heard: str = ""
    problem: str = ""

    @property
    def in_words(self) -> str:
        """Its name, and in brackets what it is."""
        size = "" if self.size is None else f", {size_in_words(self.size)}"
        return f"{self.name} ({self.mime}{size})"


class Foreign(Frozen):
    """Words that came with a message and are not the person's own. They are data, never an instruction.

    A "reply" is what the message answers, a "forward" what the person passed on, "context" what others said before.
    `ref` is the channel's own handle of words that are not here yet: they are recalled before the turn.
    """

    kind: Literal["reply", "forward", "context"]
    text: str
    author: str = ""
    ref: str = ""


class Message(Arrival):
    """Words that a person wrote, and what they sent with them."""

    kind: Literal["message"] = "message"
    text: str
    attachments: tuple[Attachment, ...] = ()
    foreign: tuple[Foreign, ...] = ()


class Command(Arrival):
    """A slash word with the text behind it: `/why`, `/new`, `/get_current_time timezone=UTC`."""

    kind: Literal["command"] = "command"
    name: str
    rest: str = ""
    attachments: tuple[Attachment, ...] = ()


class Choice(Arrival):
    """A press on one of a question's choices."""

    kind: Literal["choice"] = "choice"
    question: str
    value: str


class Form(Arrival):
    """A question's fields, filled in at once."""

    kind: Literal["form"] = "form"
    question: str
    values: dict[str, str]


class Stop(Arrival):
    """End what is running in this session, now."""

    kind: Literal["stop"] = "stop"


class Edit(Arrival):
    """New words for a message that was sent before: `edits` is that one's event id."""

    kind: Literal["edit"] = "edit"
    edits: str
    text: str


class Saying(Arrival):
    """What the system says by itself, at the wish of `person`: a reminder, or words and files that a tool sends.

    `sender` names them for others. `due` says when it had been due, where it is late; a "request" is carried out by an
    Inbound of its own, right behind.
    """

    kind: Literal["saying"] = "saying"
    about: Literal["reminder", "request", "message"]
    text: str
    files: tuple[Attachment, ...] = ()
    sender: str = ""
    due: str = ""


class Pressing(Arrival):
    """Somebody is about to answer a question by its buttons. Nothing is kept of it and no turn runs for it: the receipt
    says whether they may, and a refusal goes on record."""

    question: str


class FirstIn(Arrival):
    """The first person whom a channel lets in, by the code that its operator was shown: that is the operator."""


class Feedback(Arrival):
    """What a person thinks of the answer of a turn. It is kept with the turn, and nothing runs for it."""

    turn: str
    rating: Literal["good", "bad"]


Inbound = Annotated[Message | Command | Choice | Form | Stop | Edit | Saying, Field(discriminator="kind")]
INBOUND: TypeAdapter[Inbound] = TypeAdapter(Inbound)


# --- Outbound: what a person sees ---------------------------------------------------------------------

StepState = Literal["waiting", "running", "done", "failed", "skipped", "asking"]


class StepLine(Frozen):
    """One line of a plan card. `after` are the ids of the steps that it waits for."""

    id: str
    title: str
    state: StepState
    note: str = ""
    after: tuple[str, ...] = ()


class Status(Frozen):
    """A word on what goes on, such as "thinking". Shown while it lasts."""

    kind: Literal["status"] = "status"
    text: str


class PlanCard(Frozen):
    """The plan and how far it is. Sent again, whole, at every change."""

    kind: Literal["plan"] = "plan"
    plan: str
    mode: Literal["single", "parallel", "sequential", "graph"]
    steps: tuple[StepLine, ...]


class Draft(Frozen):
    """The answer so far: always the whole text, never only what is new."""

    kind: Literal["draft"] = "draft"
    text: str


Live = Annotated[Status | PlanCard | Draft, Field(discriminator="kind")]
LIVE: TypeAdapter[Live] = TypeAdapter(Live)
"""Parts that a channel shows while a turn runs. They may be dropped; nothing depends on them."""


class QuestionField(Frozen):
    """One thing that is asked: its name, what it is, and what may be chosen. Choices do not exclude free text
    unless `closed`. Where it is an `approval`, the first choice agrees and the second declines."""

    name: str
    label: str
    choices: tuple[str, ...] = ()
    closed: bool = False
    approval: bool = False


class Ended(Frozen):
    """What every final part says: the id of the question that is closed with it, if one is."""

    closes: str = ""


class Question(Ended):
    """Something that only the person can say. The turn has ended; the answer starts the next one.

    `person` is the id of the one who is asked. Where it is empty and a `role` is named, those are asked who have at
    least that: who may answer is known to the core alone.
    """

    kind: Literal["question"] = "question"
    id: str
    person: str = ""
    role: str = ""
    text: str
    fields: tuple[QuestionField, ...]


class Answer(Ended):
    """The one answer of a turn, in the canonical Markdown, and the files that belong to it."""

    kind: Literal["answer"] = "answer"
    text: str
    files: tuple[Attachment, ...] = ()


class Notice(Ended):
    """A word of the system: the reply to a command, a stop, a refusal to take something."""

    kind: Literal["notice"] = "notice"
    text: str


Final = Annotated[Question | Answer | Notice, Field(discriminator="kind")]
"""Parts that are stored before they are shown, and are shown until the channel has taken them."""
FINAL: TypeAdapter[Final] = TypeAdapter(Final)


class Delivery(Frozen):
    """One final part on its way to one place.

    `id` stays the same over every attempt, so a channel that can edit shows it once. `repeated` says that an
    earlier process may have shown it already.
    """

    id: str
    turn: str
    address: Address
    part: Final
    repeated: bool = False


class Receipt(Frozen):
    """What became of an Inbound: durable now. `new` is False where the same event was already known. `refused` is the
    sentence for a person who may not do that."""

    new: bool
    turn: str | None = None
    refused: str = ""


Arriving = Inbound | Feedback | Pressing | FirstIn
Accept = Callable[[Arriving], Awaitable[Receipt]]
"""Make an Inbound durable. A channel acknowledges to its platform only after this has returned."""
Emit = Callable[[Live], Awaitable[None]]
"""Show a live part of the running turn. The only call that goes upward."""
