"""`errand people`, and what `errand doctor` says about the policy file."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import errand
from orchestrator.errors import BadInput, SettingsInvalid


def ran(folder: Path, *words: str, policy: str = "", exit_code: int = 0) -> str:
    file = folder / "policy.toml"
    if policy:
        file.write_text(policy)
    settings = {"ERRAND_POLICY_FILE": str(file), "ERRAND_SERVERS": str(folder / "none.json")}
    result = CliRunner().invoke(errand, ["--database", str(folder / "errand.db"), *words], env=settings)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == exit_code, result.output
    return result.output


@pytest.mark.proves("people.command")
def test_the_operator_gives_roles_and_takes_them_back(tmp_path: Path) -> None:
    file = '[people]\n"telegram:4711" = "owner"\n'
    assert ran(tmp_path, "people", "set", "slack:U1", "admin", policy=file) == "admin\n"
    assert ran(tmp_path, "people", "list").splitlines()[:2] == [
        "- owner: telegram:4711 (`telegram:4711`), in the policy file",
        "- admin: slack:U1 (`slack:U1`)",
    ]
    assert ran(tmp_path, "people", "remove", "slack:U1") == "member\n"
    with pytest.raises(BadInput, match="was given no role"):
        ran(tmp_path, "people", "remove", "slack:U1")
    with pytest.raises(BadInput, match="change it there"):
        ran(tmp_path, "people", "set", "telegram:4711", "guest")


@pytest.mark.proves("people.command", "people.appointed")
def test_the_operator_cannot_take_the_last_owner_away_either(tmp_path: Path) -> None:
    ran(tmp_path, "people", "set", "slack:U1", "owner")
    with pytest.raises(BadInput, match="last owner"):
        ran(tmp_path, "people", "remove", "slack:U1")


@pytest.mark.proves("people.file")
def test_doctor_sums_the_policy_up_and_names_what_means_nothing(tmp_path: Path) -> None:
    file = '[people]\n"telegram:4711" = "owner"\n[approvals]\ndanger = { by = "admin", people = 2 }\n'
    told = ran(tmp_path, "doctor", policy=file)
    assert "policy.toml: 1 owner. " in told
    assert "guest: read tools; danger asks 2 admin" in told
    wrong = file + '[roles.member]\ncommands = ["memry"]\n[tools]\n"shell__*" = "danger"\n'
    told = ran(tmp_path, "doctor", policy=wrong, exit_code=1)
    assert "BAD  people: commands: there is no command 'memry' to be reserved" in told
    assert "BAD  people: tools: no tool is called 'shell__*'" in told


@pytest.mark.proves("people.file")
def test_a_policy_file_that_is_wrong_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"docs/people\.md"):
        ran(tmp_path, "doctor", policy="[persons]\n")
