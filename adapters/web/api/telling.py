"""The past and the present as the contract has them."""

from collections.abc import Iterable

from adapters.web.api.archive import Alone
from adapters.web.api.contract import AnswerPart, Conversation, File, Part, Said, Session, Turn
from adapters.web.api.operations import ROOT
from adapters.web.record import Listed, Shown, Spoken, Stretch
from orchestrator.messages import Answer, Choice, Command, Edit, Form, Inbound, Message, Saying, Stop


def session(listed: Listed) -> Session:
    """A conversation in the list."""
    return Session(id=listed.id, title=listed.title, last_at=listed.last_at, asks=listed.asks)


def conversation(name: str, stretch: Stretch) -> Conversation:
    """A piece of a conversation, turn by turn."""
    turns = {each.turn for each in stretch.spoken}
    return Conversation(
        id=name,
        question=stretch.question,
        busy=stretch.is_busy,
        earlier=stretch.has_earlier,
        turns=tuple(_turn(each, name, stretch) for each in stretch.spoken),
        letters=_parts(each for each in stretch.shown if each.turn not in turns),
    )


def turn(alone: Alone) -> Turn:
    """A turn by itself."""
    return _turn(alone.stretch.spoken[0], alone.conversation, alone.stretch)


def part(shown: Shown) -> Part:
    """A final part; files of an answer are told by where they can be had."""
    told = shown.part
    if not isinstance(told, Answer):
        return Part(id=shown.id, turn=shown.turn, part=told)
    files = tuple(
        File(kind=each.kind, name=each.name, mime=each.mime, size=each.size, path=f"{ROOT}/files/{shown.id}/{number}")
        for number, each in enumerate(told.files)
    )
    return Part(id=shown.id, turn=shown.turn, part=AnswerPart(text=told.text, files=files, closes=told.closes))


def _turn(spoken: Spoken, name: str, stretch: Stretch) -> Turn:
    return Turn(
        id=spoken.turn,
        session=name,
        state="ended" if spoken.is_done else "working",
        said=Said(kind=spoken.inbound.kind, text=_words_of(spoken.inbound)),
        plan=stretch.cards.get(spoken.turn),
        parts=_parts(each for each in stretch.shown if each.turn == spoken.turn),
    )


def _parts(shown: Iterable[Shown]) -> tuple[Part, ...]:
    return tuple(map(part, shown))


def _words_of(inbound: Inbound) -> str:
    match inbound:
        case Message(text=text) | Edit(text=text) | Saying(text=text) | Choice(value=text):
            return text
        case Command(name=name, rest=rest):
            return f"/{name} {rest}".rstrip()
        case Form(values=values):
            return "\n".join(f"{name}: {value}" for name, value in values.items())
        case Stop():
            return "/stop"
