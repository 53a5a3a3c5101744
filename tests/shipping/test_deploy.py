"""The Dockerfile and the examples of deploy/ are what their tools take, and keep to the rules of a careful operator."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from bot.settings import Settings
from tests.shipping.image import read
from tests.shipping.kubernetes import problems

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VERSION = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)


def said(*command: str, wrong: bool = False) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert bool(ran.returncode) == wrong, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


@pytest.mark.proves("ship.image")
def test_the_dockerfile_is_well_made(tmp_path: Path) -> None:
    hadolint = str(Path(sys.executable).with_name("hadolint"))
    assert said(hadolint, str(ROOT / "Dockerfile")) == ""
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nADD . /\n")
    assert "DL3007" in said(hadolint, str(tmp_path / "Dockerfile"), wrong=True)


@pytest.mark.proves("ship.image")
def test_the_image_is_made_from_locks_alone_runs_without_root_and_holds_no_secret() -> None:
    text = (ROOT / "Dockerfile").read_text()
    steps = read(text)
    assert [each.rest.split()[0] for each in steps if each.word == "FROM"] == ["python:3.11-slim-bookworm"] * 2
    fetching = [line for line in re.findall(r"pip.*? install .*", text) if "--no-index" not in line]
    assert len(fetching) == 2
    assert all("--require-hashes" in line for line in fetching)
    own = steps[[each.word for each in steps].index("FROM", 1) :]
    said_last = {each.word: each for each in own}
    assert said_last["USER"].rest == "10001:10001"
    assert said_last["VOLUME"].rest == "/data"
    assert said_last["ENTRYPOINT"].command + said_last["CMD"].command == ["errand", "serve"]
    assert said_last["HEALTHCHECK"].command == ["errand", "health"]
    assert "ADD" not in said_last
    assert not re.search(r"TOKEN|SECRET|PASSWORD|KEY", text)
    assert "!.env" not in (ROOT / ".dockerignore").read_text()


@pytest.mark.proves("ship.deploy")
def test_compose_takes_its_file_and_nothing_in_it_has_more_rights_than_it_needs() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    assert PyCompose.from_yaml(text).service_names() == ["errand", "postgres"]
    with pytest.raises(ValueError, match="cap_dropp"):
        PyCompose.from_yaml(text.replace("cap_drop", "cap_dropp"))
    compose = yaml.safe_load(text)
    for service in compose["services"].values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service
        assert set(service["secrets"]) <= compose["secrets"].keys()
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    errand = compose["services"]["errand"]
    known = {f"ERRAND_{name.upper()}" for name in Settings.model_fields}
    assert errand["environment"].keys() <= known
    assert known >= {name.upper() for name in errand["secrets"] if name.startswith("errand_")}
    assert all(secret["file"].startswith("secrets/") for secret in compose["secrets"].values())
    assert errand["image"] == f"errand:{_version()}"


@pytest.mark.slow
@pytest.mark.proves("ship.deploy")
def test_kubernetes_takes_its_manifest(request: pytest.FixtureRequest) -> None:
    resources = _resources()
    assert [problem for each in resources for problem in problems(each, request.config)] == []
    wrong = yaml.safe_load(yaml.safe_dump(resources[1]))
    wrong["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]["httpGett"] = {}
    assert any("httpGett" in problem for problem in problems(wrong, request.config))


@pytest.mark.proves("ship.deploy")
def test_the_pod_may_do_nothing_but_its_work() -> None:
    service, errand = _resources()
    pod = errand["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == 10001
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    probes = {kind: container[kind]["httpGet"]["path"] for kind in ("livenessProbe", "readinessProbe")}
    assert probes == {"livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/tmp", "/run/secrets/errand"}
    assert {each["name"] for each in container["env"]} <= {f"ERRAND_{name.upper()}" for name in Settings.model_fields}
    assert service["spec"]["selector"] == errand["spec"]["template"]["metadata"]["labels"]
    assert container["image"] == f"errand:{_version()}"


@pytest.mark.proves("ship.deploy")
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here: install systemd")
def test_systemd_takes_the_unit_and_finds_little_exposed(tmp_path: Path) -> None:
    text = (DEPLOY / "errand.service").read_text()
    unit = tmp_path / "errand.service"
    unit.write_text(text.replace("/opt/errand/bin/errand", "/bin/true"))  # it looks whether the program is there
    assert said("systemd-analyze", "verify", str(unit)) == ""
    judged = said("systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit))
    assert "Overall exposure level for errand.service: 1." in judged
    unit.write_text("[Service]\nExecStart=/bin/true\nProtectSystm=strict\n")
    assert "ProtectSystm" in said("systemd-analyze", "verify", str(unit))


def _resources() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))


def _version() -> str:
    assert VERSION is not None
    return VERSION[1]
