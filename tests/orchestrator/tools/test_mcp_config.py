"""mcp.json: every way in which people write it, and every way in which it can be wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ServersInvalid
from orchestrator.tools.mcp_config import OAuth, ServerSettings, read_servers

ENVIRON = {"TOKEN": "s3cret", "EMPTY": "", "MCP_INPUT_API_KEY": "from-input"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mcp.json"


def read_one(file: Path, entry: object) -> ServerSettings:
    file.write_text(json.dumps({"mcpServers": {"it": entry}}))
    (server,), problems = read_servers(file, ENVIRON)
    assert problems == []
    return server


# --- The dialects -------------------------------------------------------------------------------------


@pytest.mark.proves("tools.mcp.config_dialects")
def test_a_file_of_claude_desktop(file: Path) -> None:
    file.write_text("""
        {"mcpServers": {
            "time": {"command": "uvx", "args": ["mcp-server-time"], "env": {"TZ": "UTC"}},
            "docs": {"type": "http", "url": "https://example.org/mcp",
                     "headers": {"Authorization": "Bearer ${TOKEN}"}}
        }, "globalShortcut": ""}
    """)
    servers, problems = read_servers(file, ENVIRON)
    assert problems == []
    assert servers == [
        ServerSettings(
            "time", command="uvx", args=("mcp-server-time",), env={"TZ": "UTC"}, place="mcpServers.time", file=str(file)
        ),
        ServerSettings(
            "docs",
            url="https://example.org/mcp",
            headers={"Authorization": "Bearer s3cret"},
            transport="http",
            place="mcpServers.docs",
            file=str(file),
        ),
    ]


@pytest.mark.proves("tools.mcp.config_dialects")
def test_a_file_of_cursor(file: Path) -> None:
    file.write_text("""
        {"mcpServers": {
            "a": {"url": "http://127.0.0.1:8000/mcp", "headers": {"X": "${env:TOKEN}"}},
            "b": {"type": "streamable-http", "url": "http://127.0.0.1:8000/mcp"},
            "c": {"command": "${userHome}/bin/c", "env": {"PORT": 8080, "DEBUG": true, "GONE": null}}
        }}
    """)
    (a, b, c), problems = read_servers(file, ENVIRON)
    assert problems == []
    assert (a.transport, a.headers) == ("http", {"X": "s3cret"})
    assert b.transport == "http"
    assert c.command == f"{Path.home()}/bin/c"
    assert c.env == {"PORT": "8080", "DEBUG": "true"}


@pytest.mark.proves("tools.mcp.config_dialects")
def test_a_file_of_vs_code_with_inputs_comments_and_trailing_commas(file: Path) -> None:
    file.write_text("""\ufeff
        {
            // where keys come from
            "inputs": [{"type": "promptString", "id": "api-key", "password": true},],
            "servers": {
                "a": {"type": "stdio", "command": "a", "env": {"KEY": "${input:api-key}"}, /* not yet:
                      "args": [] */ },
                "b": {"type": "http", "url": "https://example.org//mcp", /* , */ },
            },
        }
    """)
    (a, b), problems = read_servers(file, ENVIRON)
    assert problems == []
    assert a.env == {"KEY": "from-input"}
    assert a.place == "servers.a"
    assert b.url == "https://example.org//mcp", "what looks like a comment inside of text stays"


@pytest.mark.proves("tools.mcp.config_dialects")
@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("${TOKEN}", "s3cret"),
        ("${env:TOKEN}", "s3cret"),
        ("<${TOKEN}${TOKEN}>", "<s3crets3cret>"),
        ("${NONE:-default}", "default"),
        ("${NONE:-}", ""),
        ("${EMPTY:-default}", "default"),
        ("${EMPTY}", ""),
        ("$TOKEN", "$TOKEN"),
        ("${input:api-key}", "from-input"),
    ],
)
def test_variables_are_replaced(file: Path, written: str, read: str) -> None:
    assert read_one(file, {"command": "x", "args": [written]}).args == (read,)


def test_a_variables_value_is_not_replaced_again(file: Path) -> None:
    file.write_text('{"mcpServers": {"a": {"command": "${A}"}}}')
    (server,), _ = read_servers(file, {"A": "${B}", "B": "b"})
    assert server.command == "${B}"


def test_an_env_file_is_read_beside_the_servers_file_and_env_stands_before_it(file: Path) -> None:
    (file.parent / "it.env").write_text("# keys\nA=1\nB='two words'\n")
    server = read_one(file, {"command": "x", "envFile": "it.env", "env": {"A": "mine"}})
    assert server.env == {"A": "mine", "B": "two words"}


def test_a_relative_cwd_begins_at_the_file(file: Path) -> None:
    assert read_one(file, {"command": "x", "cwd": "data"}).cwd == str(file.parent / "data")


@pytest.mark.parametrize(
    ("entry", "seconds"),
    [({}, None), ({"timeout": 20}, 20), ({"timeout": 60000}, 60), ({"timeout_seconds": 1200}, 1200)],
)
def test_a_timeout_is_seconds_or_as_elsewhere_milliseconds(
    file: Path, entry: dict[str, Any], seconds: float | None
) -> None:
    assert read_one(file, {"command": "x", **entry}).timeout_seconds == seconds


def test_a_disabled_server_needs_nothing_else(file: Path) -> None:
    server = read_one(file, {"command": "x", "args": ["${UNSET}"], "disabled": True})
    assert server.disabled


def test_our_own_fields(file: Path) -> None:
    server = read_one(file, {"command": "x", "protocol": "legacy", "allow": ["read_*"], "deny": ["*_all"]})
    assert (server.protocol, server.allow, server.deny) == ("legacy", ("read_*",), ("*_all",))


@pytest.mark.proves("tools.mcp.config_dialects")
def test_sse_and_oauth_as_others_write_them(file: Path) -> None:
    entry = {
        "type": "sse",
        "url": "https://example.org/sse",
        "oauth": {"clientId": "errand", "clientSecret": "${TOKEN}", "scopes": ["read", "write"]},
        "includeTools": ["read_*"],
        "excludeTools": ["*_all"],
        "isolation": "person",
        "concurrency": 2,
    }
    server = read_one(file, entry)
    assert server.transport == "sse"
    assert server.oauth == OAuth(client_id="errand", client_secret="s3cret", scope="read write")
    assert (server.allow, server.deny) == (("read_*",), ("*_all",))
    assert (server.isolation, server.concurrency) == ("person", 2)
    assert server.may_sign_in


@pytest.mark.parametrize(
    ("entry", "may"),
    [
        ({"url": "https://a.example/mcp"}, True),
        ({"url": "https://a.example/mcp", "headers": {"authorization": "Bearer x"}}, False),
        ({"url": "https://a.example/mcp", "oauth": False}, False),
        ({"command": "x"}, False),
    ],
)
def test_people_sign_in_where_the_file_brings_no_key(file: Path, entry: dict[str, Any], may: bool) -> None:
    assert read_one(file, entry).may_sign_in is may


def test_the_files_folder_and_the_person_stand_in_their_places(file: Path) -> None:
    server = read_one(file, {"command": "x", "args": ["${workspaceFolder}/a", "${person}"], "env": {"P": "${person}"}})
    assert server.args == (f"{file.parent}/a", "${person}")
    assert server.for_account("slack:U1").args[1] == "slack-U1"
    assert server.for_account("").env == {"P": "nobody"}


def test_settings_do_not_show_their_secrets() -> None:
    oauth = OAuth(client_secret="s3cret", private_key="s3cret")
    server = ServerSettings("a", args=("--key=s3cret",), env={"K": "s3cret"}, headers={"H": "s3cret"}, oauth=oauth)
    assert "s3cret" not in repr(server)


# --- Files that cannot be used ------------------------------------------------------------------------


@pytest.mark.proves("tools.mcp.config_errors")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"mcpServers": {\n  "time": {"command" "x"}}}',
            "{} line 2, column 22: this is not JSON: Expecting ':' delimiter",
        ),
        ("", "{} line 1, column 1: this is not JSON: Expecting value"),
        ("[1]", '{} must hold {{"mcpServers": {{...}}}}, and holds a list'),
        (
            '{"time": {"command": "x"}}',
            '{} has no "mcpServers": write {{"mcpServers": {{...}}}} around the servers',
        ),
        ('{\n\n"servers": ["x"]}', "{} line 3: servers must hold servers by name, and holds a list"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_stops_with_its_place(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(ServersInvalid) as caught:
        read_servers(file, ENVIRON)
    assert str(caught.value) == message.format(file)


@pytest.mark.proves("tools.mcp.config_errors")
def test_a_file_that_cannot_be_read_says_so(file: Path) -> None:
    with pytest.raises(ServersInvalid, match=r"cannot be read: .*No such file"):
        read_servers(file, ENVIRON)
    file.write_bytes(b"\xff\xfe{}")
    with pytest.raises(ServersInvalid, match="cannot be read: 'utf-8' codec"):
        read_servers(file, ENVIRON)


@pytest.mark.proves("tools.mcp.config_errors")
@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ('"x"', 'line 3: mcpServers.bad is text: write {"command": ..., "args": [...]} or {"url": ...}'),
        ("{}", 'line 3: mcpServers.bad has neither a command nor a url: add "command" or "url"'),
        (
            '{"command": "x", "url": "http://a"}',
            'line 3: mcpServers.bad has both a command and a url: say which one with "type": "stdio" or "http"',
        ),
        ('{\n"command": 7}', 'line 4: mcpServers.bad.command must be text, and is a number: put it in "quotes"'),
        (
            '{"command": "x", "args": [\n"-v",\nnull]}',
            'line 5: mcpServers.bad.args[1] must be text, and is null: put it in "quotes"',
        ),
        (
            '{"command": "x", "args": "-v"}',
            "line 3: mcpServers.bad.args must be a list, and is text: put it in [brackets]",
        ),
        (
            '{"command": "x", "env": ["A=1"]}',
            'line 3: mcpServers.bad.env must be an object, and is a list: write {"NAME": "value"}',
        ),
        (
            '{"command": "x", "env": {"A": "1",\n\n"B": {}}}',
            'line 5: mcpServers.bad.env.B must be text, and is an object: put it in "quotes"',
        ),
        (
            '{"command": "x", "disabled": "no"}',
            "line 3: mcpServers.bad.disabled must be true or false, and is text: write it without quotes",
        ),
        (
            '{"command": "x", "timeout": -1}',
            "line 3: mcpServers.bad.timeout must be more than 0, and is a number: give the time that a call may take",
        ),
        (
            '{"command": "x", "protocol": "new"}',
            "line 3: mcpServers.bad.protocol must be 'auto' or 'legacy', and is text: choose one of these",
        ),
        (
            '{"type": "pigeon", "command": "x"}',
            'line 3: mcpServers.bad.type \'pigeon\' is unknown: use "stdio", "http" or "sse"',
        ),
        (
            '{"type": "http", "command": "x"}',
            'line 3: mcpServers.bad.url is missing: a server of type "http" needs "url"',
        ),
        (
            '{"url": "unix:///tmp/x"}',
            "line 3: mcpServers.bad.url is no web address: begin it with https:// or http://",
        ),
        (
            '{"command": "x", "args": ["a",\n"${UNSET}"]}',
            (
                "line 4: mcpServers.bad.args[1] uses ${UNSET}, which is not set: "
                "set UNSET in the environment, or give a default"
            ),
        ),
        (
            '{"command": "x", "env": {"K": "${input:my-key}"}}',
            (
                "line 3: mcpServers.bad.env.K uses ${input:my-key}, which is not set: "
                "set MCP_INPUT_MY_KEY in the environment, or give a default"
            ),
        ),
        (
            '{"command": "x", "envFile": "/no/such.env"}',
            "line 3: mcpServers.bad.envFile names '/no/such.env', which is not there: create it or take it out",
        ),
    ],
)
def test_a_server_that_is_wrong_is_named_with_its_place_and_the_others_work(
    file: Path, entry: str, problem: str
) -> None:
    file.write_text(f'{{"mcpServers": {{\n"good": {{"command": "x"}},\n"bad": {entry} }} }}')
    servers, problems = read_servers(file, ENVIRON)
    assert [server.name for server in servers] == ["good"]
    assert [str(each) for each in problems] == [f"{file} {problem}"]
    assert problems[0].server == "bad"


@pytest.mark.proves("tools.mcp.config_errors")
@pytest.mark.parametrize(
    ("name", "spelt"), [("", '[""]'), (" ", '[" "]'), ("a\nb", '["a\\nb"]'), ("x" * 65, "." + "x" * 65)]
)
def test_a_name_that_is_none_is_refused(file: Path, name: str, spelt: str) -> None:
    file.write_text(json.dumps({"mcpServers": {name: {"command": "x"}}}))
    servers, (problem,) = read_servers(file, ENVIRON)
    assert servers == []
    assert str(problem) == (
        f"{file} line 1: mcpServers{spelt} is no name for a server: use 1 to 64 letters, digits, - and _"
    )


@pytest.mark.proves("tools.mcp.config_errors")
def test_a_name_in_both_dialects_at_once_is_refused_once(file: Path) -> None:
    file.write_text('{"mcpServers": {"a": {"command": "x"}},\n"servers": {"a": {"command": "y"}}}')
    (server,), (problem,) = read_servers(file, ENVIRON)
    assert server.command == "x"
    assert str(problem) == f"{file} line 2: servers.a is already in mcpServers: give one of them another name"
