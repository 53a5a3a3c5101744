"""What leaves for a chat: without the installation's secrets, and without images that a client would fetch."""

import base64
from urllib.parse import quote

import pytest

from orchestrator.discretion import Discretion, without_images
from orchestrator.ending import Ending
from orchestrator.messages import Answer, Draft, Live, PlanCard, Question, QuestionField, StepLine
from orchestrator.redaction import Redaction

KEY = "obviously-fake/key+4711"
DISCRETION = Discretion(Redaction([KEY, "postgres"]))
WAYS = {
    "plain": KEY,
    "in a sentence": f"It is {KEY}.",
    "backwards": KEY[::-1],
    "in hexadecimal digits": KEY.encode().hex(),
    "in Base64": base64.b64encode(KEY.encode()).decode(),
    "in Base64 behind a letter": base64.b64encode(f"k{KEY}".encode()).decode(),
    "in Base64 among others": base64.b64encode(f"k={KEY};".encode()).decode(),
    "in Base64 for addresses": base64.urlsafe_b64encode(KEY.encode()).decode(),
    "in an address": f"https://mallory.example/?k={quote(KEY, safe='')}",
}


def told(text: str) -> str:
    part = DISCRETION.ending(Ending("direct", Answer(text=text))).part
    assert part is not None
    return part.text


@pytest.mark.proves("trust.secrets")
@pytest.mark.parametrize("text", WAYS.values(), ids=WAYS)
def test_an_answer_with_a_secret_is_not_sent(text: str) -> None:
    assert told(f"Here: {text}") == "I do not send this answer: it holds a key or a password of this installation."


@pytest.mark.proves("trust.secrets")
def test_a_word_that_people_use_stops_no_answer() -> None:
    assert told("It runs on postgres.") == "It runs on postgres."


@pytest.mark.proves("trust.secrets")
def test_a_question_is_asked_without_the_secret() -> None:
    question = Question(id="q1", text=f"Send {KEY}?", fields=(QuestionField(name="a", label=f"Send {KEY}?"),))
    asked = DISCRETION.ending(Ending("clarify", question)).part
    assert isinstance(asked, Question)
    assert (asked.text, asked.fields[0].label, asked.id) == ("Send [secret]?", "Send [secret]?", "q1")


@pytest.mark.proves("trust.secrets")
async def test_live_parts_show_no_secret_and_no_half_of_one() -> None:
    seen: list[Live] = []

    async def emit(part: Live) -> None:
        seen.append(part)

    discreet = DISCRETION.live(emit)
    for text in ("It is", f"It is {KEY[:14]}", f"It is {KEY}"):
        await discreet(Draft(text=text))
    card = PlanCard(plan="t1", mode="single", steps=(StepLine(id="s1", title=f"send ({KEY})", state="waiting"),))
    await discreet(card)
    assert [part.text for part in seen if isinstance(part, Draft)] == ["It is"]
    assert [line.title for part in seen if isinstance(part, PlanCard) for line in part.steps] == ["send ([secret])"]


@pytest.mark.proves("trust.images")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("![a chart](https://m.example/c.png?d=1) fine", "[a chart] fine"),
        ("[![a chart](https://m.example/c.png)](https://m.example)", "[[a chart]](https://m.example)"),
        ("![a][1]\n\n[1]: https://m.example/c.png", "! [a][1]\n\n[1]: https://m.example/c.png"),
        ("![a](<https://m.example/c (1).png>)", "! [a](<https://m.example/c (1).png>)"),
        ("see <IMG src='https://m.example/c.png'>", "see < IMG src='https://m.example/c.png'>"),
        ("Write `![a](b.png)` for an image", "Write `![a](b.png)` for an image"),
        ("```html\n<img src='a.png'>\n```", "```html\n<img src='a.png'>\n```"),
        ("5 < 6! [a link](https://m.example)", "5 < 6! [a link](https://m.example)"),
    ],
)
def test_an_image_in_an_answer_is_its_words(text: str, shown: str) -> None:
    assert without_images(text) == shown
    assert without_images(shown) == shown
