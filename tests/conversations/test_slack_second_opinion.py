"""Errand on an emulator of Slack that others have written: where it misreads Slack, our own fake may have as well."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.local_slack import ANN, NotInstalled, installed

ROOT = Path(__file__).parents[2]
ALONE = ("unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child")  # nothing outlives its end
LOOPBACK = ("sh", "-c", 'ip link set lo up && exec "$@"', "sh")
SECONDS = 120  # everything waits; it takes about 12 on a busy machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.proves("slack.second_opinion")]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Ann has seen in a network that holds Errand and the emulator alone."""
    _needs_a_network_of_its_own()
    try:
        binary = installed()
    except NotInstalled as reason:
        pytest.skip(f"the emulator of Slack is not here: {reason}")
    program = (sys.executable, "-m", "tests.conversations.second_opinion", binary, tmp_path_factory.mktemp("emulated"))
    done = subprocess.run([*ALONE, *LOOPBACK, *program], cwd=ROOT, capture_output=True, timeout=SECONDS, check=False)
    if done.returncode:
        pytest.fail(done.stderr.decode(), pytrace=False)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _needs_a_network_of_its_own() -> None:
    missing = [each for each in (ALONE[0], "ip") if shutil.which(each) is None]
    if missing:
        pytest.skip(f"no network of one's own here: {' and '.join(missing)} not found")
    done = subprocess.run([*ALONE, *LOOPBACK, "ip", "link"], capture_output=True, text=True, timeout=10, check=False)
    if done.returncode:
        pytest.skip(f"no network of one's own here: {done.stderr.strip()}")


def test_a_mention_and_a_direct_message_are_answered_once_in_their_threads(seen: dict[str, Any]) -> None:
    assert seen["mention"] == ["heard: hello"]
    assert seen["direct"] == ["heard: Hello"]


def test_a_slash_word_answers_its_person_alone_and_a_question_begins_a_thread(seen: dict[str, Any]) -> None:
    (told,) = seen["slash word"]
    assert "“hello”" in told
    assert seen["slash question"] == ["ann asks:\n\n> what is up", "heard: what is up"]


def test_a_form_says_what_is_missing_and_its_values_arrive(seen: dict[str, Any]) -> None:
    assert seen["form"]["errors"] == {"t0": "Please choose one, or write something."}
    question, answer = seen["form"]["said"]
    assert "Which room?" in question
    assert answer.startswith("heard:")
    assert "Red" in answer
    assert "12" in answer


def test_a_yes_by_button_runs_the_tool_once_and_leaves_no_buttons(seen: dict[str, Any]) -> None:
    assert [each for each in seen["done"] if each.startswith("send")] == ["send one"]
    question, answer = seen["approval"]["said"]
    assert "May I run" in question
    assert "done: send one" in answer
    assert seen["approval"]["card"] == [f"✓ yes (<@{ANN}>)"]
    assert seen["approval"]["again"] == ["That question is closed already."]


def test_without_streams_one_message_is_edited_and_they_are_asked_for_once(seen: dict[str, Any]) -> None:
    for number, plan in enumerate(seen["plans"]):
        assert f"◐ look (Rome {number})" in plan["running"]
        (answer,) = plan["done"]
        assert f"done: look Oslo {number}" in answer
    assert set(seen["calls"].values()) == {1}


def test_who_deletes_a_message_stops_it(seen: dict[str, Any]) -> None:
    assert seen["taken back"] == ["Stopped."]
    assert "look Paris" not in seen["done"]


def test_the_emulator_has_nothing_to_say_against_any_call(seen: dict[str, Any]) -> None:
    assert seen["trouble"] == []
