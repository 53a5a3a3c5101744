"""`errand init`, as somebody at a terminal goes through it."""

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.env_file import known, write
from orchestrator.errors import BadInput
from tests.adapters.person import ENTER, Person
from tests.fakes.model_server import ModelServer, Say
from tests.fakes.slack import slack
from tests.fakes.telegram import TOKEN, telegram

pytestmark = pytest.mark.proves("ship.init")


@asynccontextmanager
async def at_init(file: Path, **environment: str) -> AsyncIterator[Person]:
    """Somebody who has called `errand init`."""
    given = {"ERRAND_SERVERS": "mcp.json", **environment}
    async with Person.at_a_terminal("-m", "bot", "init", "--file", str(file), **given) as person:
        yield person


async def answer(person: Person, question: str, *answers: str, times: int = 1) -> None:
    """Type the answers, each once the question stands there."""
    for number, each in enumerate(answers, start=times):
        await person.sees(question, times=number)
        person.type(f"{each}{ENTER}")


@pytest.mark.slow
async def test_a_model_and_tokens_are_asked_for_tried_and_written_for_the_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    async with ModelServer(lambda request: Say("OK")) as model, telegram() as fake, slack() as other:
        async with at_init(file, ERRAND_TELEGRAM_API=fake.url, ERRAND_SLACK_API=other.api_url) as person:
            address = model.url
            await answer(person, "Model:", "openai:small")
            await answer(person, "Its key:", "sk-of-mine")
            await answer(person, "Address of its server", address)
            await person.sees("ok   model: openai:small: answered 'OK'")
            await answer(person, "Token:", "1:WRONG")
            await person.sees("BAD  telegram: token: Telegram does not know it.")
            await answer(person, "What now?", "again")
            await answer(person, "Token:", TOKEN, times=2)
            await person.sees("ok   telegram: token: it is @errand_bot's")
            await answer(person, "Bot token, xoxb-...:", other.bot_token)
            await answer(person, "App-level token, xapp-...:", other.app_token)
            await person.sees("ok   slack: app token")
            await person.sees("ok   tools: time: ready, 2 tools")
            await person.sees("is written, for you alone to read")
            assert await person.leaves() == 0
            assert all(secret not in person.seen for secret in ("sk-of-mine", TOKEN, other.bot_token, other.app_token))
        assert model.keys == ["sk-of-mine"]
    assert known(file) == {
        "ERRAND_ROUTER": "openai:small",
        "OPENAI_API_KEY": "sk-of-mine",
        "OPENAI_BASE_URL": address,
        "ERRAND_TELEGRAM_TOKEN": TOKEN,
        "ERRAND_SLACK_BOT_TOKEN": other.bot_token,
        "ERRAND_SLACK_APP_TOKEN": other.app_token,
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.slow
async def test_a_second_time_everything_is_kept_by_enter_and_nothing_changes_without_a_yes(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# mine\nERRAND_LANGUAGE=de\n")
    async with telegram() as fake:
        write(file, {"ERRAND_TELEGRAM_TOKEN": TOKEN})
        before = file.read_text()
        for token, sure, after in (("", "", before), ("-", "n", before), ("-", "y", "# mine\nERRAND_LANGUAGE=de\n")):
            async with at_init(file, ERRAND_TELEGRAM_API=fake.url, ERRAND_SERVERS="none.json") as person:
                await answer(person, "Model:", "")
                await answer(person, "Token (Enter: keep it)", token)
                await answer(person, "Bot token, xoxb-...:", "")
                if sure:
                    await answer(person, "Change ERRAND_TELEGRAM_TOKEN in", sure)
                else:
                    await person.sees("Nothing is to be changed.")
                assert await person.leaves() == 0
            assert file.read_text() == after


@pytest.mark.slow
async def test_what_does_not_work_can_be_left_out_and_a_name_that_is_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    async with at_init(file, ERRAND_SERVERS="none.json") as person:
        await answer(person, "Model:", "gpt-4o")
        await person.sees("'gpt-4o' names no model")
        await answer(person, "What now?", "leave")
        await answer(person, "Token:", "")
        await answer(person, "Bot token, xoxb-...:", "")
        await person.sees("Nothing is to be changed.")
        assert await person.leaves() == 0
    assert not file.exists()


def test_the_file_keeps_its_other_lines_quotes_what_needs_it_and_refuses_what_no_line_can_hold(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# mine\nexport A=1\nB=2")
    write(file, {"A": "words with $HOME and #", "C": "x"})
    assert file.read_text() == "# mine\nB=2\nA='words with $HOME and #'\nC=x\n"
    assert known(file) == {"A": "words with $HOME and #", "B": "2", "C": "x"}
    with pytest.raises(BadInput, match="paste it again"):
        write(file, {"A": "two\nlines"})
    with pytest.raises(BadInput, match="--file"):
        write(tmp_path / "none" / ".env", {"A": "1"})
