# SPDX-License-Identifier: Apache-2.0
"""Every command in every state in which it cannot begin: a message, an exit code, no traceback."""

from __future__ import annotations

import json
import socket
from typing import NamedTuple

import pytest

from nova_decom.cli import context
from nova_decom.cli.commands import cli
from nova_decom.cli.main import run
from nova_decom.clients.openstack.api import Api
from nova_decom.clock import Clock
from tests.envelope import validate
from tests.unit.cli.test_restore import keep
from tests.unit.removed import RUN, record

#: Commands that ask the cloud, that change it, that read the state directory, that read nothing.
ASKING = {
    "--dry-run": [],
    "list": [],
    "plan": ["node1"],
    "verify": ["node1"],
    "audit": [],
    "doctor": ["node1"],
}
CHANGING = {
    "remove": ["node1", "--yes"],
    "drain": ["node1", "--yes"],
    "enable": ["node1"],
    "restore": [RUN, "--yes"],
}
LOCAL = {"runs": [RUN], "report": [RUN, "--html", "page.html"]}
ALONE = {"steps": [], "completion": ["bash"], "explain": ["4"], "help": ["steps"], "version": []}
COMMANDS = ASKING | CHANGING | LOCAL | ALONE

AUTH = "{auth_url: %s, username: u, password: secret, project_name: p}"
HERE = {"NOVA_DECOM_OS_CLOUD": "lab"}


def clouds(url="http://127.0.0.1:9/v3", section="{}", **entry):
    """A clouds.yaml with one cloud; nothing answers at its address."""
    keys = {"region_name": "R", "auth": AUTH % url} | entry
    listed = ", ".join(f"{key}: {value}" for key, value in keys.items())
    return f"clouds: {{lab: {{{listed}}}}}\nnova-decom: {section}\n"


class Way(NamedTuple):
    """A state in which commands cannot begin, and the exit code of each kind of command."""

    clouds: str | bytes | None
    says: str
    asking: int = 2
    changing: int = 2
    local: int = 0
    alone: int = 0
    environment: dict[str, str] = {}  # noqa: RUF012 - never written


#: The whole file makes no sense, so its section may be lost too.
BROKEN = {"local": 2, "environment": HERE}
WAYS = {
    "no clouds.yaml": Way(None, "OS_AUTH_URL is not set"),
    "no cloud of that name": Way(
        clouds(), "no cloud 'lap'", environment={"NOVA_DECOM_OS_CLOUD": "lap"}
    ),
    "no cloud named of two": Way(
        clouds().replace("}}\n", "}, other: {}}\n", 1), "no cloud is named"
    ),
    "a syntax error": Way("clouds: [\n  a: b: c\n", "line 2, column 7: not valid YAML", **BROKEN),
    "no UTF-8": Way(b"clouds: \xff\n", "not valid YAML", **BROKEN),
    "a directory": Way("", "Is a directory", **BROKEN),
    "a list": Way("- a\n", "not a valid mapping", **BROKEN),
    "a key that YAML takes for a boolean": Way(
        clouds(section="{yes: true}"), "nova-decom: YAML reads a key as True", **BROKEN
    ),
    "a list of clouds": Way("clouds: [lab]\n", "clouds: must be a mapping", **BROKEN),
    "a cloud that is a word": Way("clouds: {lab: x}\n", "clouds, lab: must be", **BROKEN),
    "auth that is a word": Way("clouds: {lab: {auth: x}}\n", "lab, auth: must be", **BROKEN),
    "a section that is a word": Way(clouds(section="x"), "nova-decom: must be", **BROKEN),
    "a section that is a list": Way(clouds(section="[x]"), "nova-decom: must be", **BROKEN),
    "an unknown key": Way(clouds(section="{setle: 3}"), "did you mean settle?", **BROKEN),
    "a bad value": Way(clouds(section="{settle: soon}"), "settle: must be", **BROKEN),
    "a contradiction": Way(
        clouds(section="{servers: live, offline: true}"), "--servers live needs", **BROKEN
    ),
    "no auth": Way("clouds: {lab: {region_name: R}}\n", "auth_url", environment=HERE),
    "no such plugin": Way(clouds(auth_type="nosuch"), "nosuch", environment=HERE),
    "no URL": Way(clouds("nowhere"), "is not a URL", environment=HERE),
    "no port": Way(clouds("'http://a:99999999/v3'"), "is not a URL", environment=HERE),
    "no address": Way(clouds("'http://[::1/v3'"), "is not a URL", environment=HERE),
    "no CA file": Way(
        clouds("https://127.0.0.1:9/v3", cacert="/no/ca"), "no file /no/ca", environment=HERE
    ),
    "nothing listens": Way(clouds(), "127.0.0.1:9", 69, 69, environment=HERE),
    "no such host": Way(
        clouds("http://nowhere.invalid/v3"), "nowhere.invalid", 69, 69, environment=HERE
    ),
    "no nova.conf": Way(
        clouds(), "nova.conf", environment=HERE | {"NOVA_DECOM_NOVA_CONF": "no.nova.conf"}
    ),
    "a nova.conf of nonsense": Way(
        clouds(), "nova.conf", environment=HERE | {"NOVA_DECOM_NOVA_CONF": "clouds.yaml"}
    ),
    "no database URL": Way(
        clouds(), "database URL", environment=HERE | {"NOVA_DECOM_API_DB_URL": "secret"}
    ),
    "no directory for the log": Way(
        clouds(), "--log-file", environment=HERE | {"NOVA_DECOM_LOG_FILE": "no/log"}
    ),
    "a state directory that is a file": Way(
        clouds(), "", 69, 2, 4, environment=HERE | {"NOVA_DECOM_STATE_DIR": "afile"}
    ),
    "a state directory of nobody": Way(
        clouds(), "~no-such", 2, 2, 2, environment=HERE | {"NOVA_DECOM_STATE_DIR": "~no-such/x"}
    ),
    "a bad number": Way(
        clouds(), "'many'", 2, 2, 2, 2, environment=HERE | {"NOVA_DECOM_VERBOSE": "many"}
    ),
    "a bad choice": Way(
        clouds(), "'pink'", 2, 2, 2, 2, environment=HERE | {"NOVA_DECOM_COLOR": "pink"}
    ),
}


@pytest.fixture
def state(clean_environment, monkeypatch):
    """Bring about a state, beside the journal of a run; no wait between attempts takes time."""
    impatient = Clock(sleep=lambda _seconds: None)
    monkeypatch.setattr(
        context, "Api", lambda connection, request, _clock: Api(connection, request, impatient)
    )
    resolve = socket.getaddrinfo

    def resolved(host, *arguments, **options):
        if host == "nowhere.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    keep(clean_environment / "state", record())
    (clean_environment / "afile").touch()

    def begin(way):
        path = clean_environment / "clouds.yaml"
        if way.clouds == "":
            path.mkdir()
        elif isinstance(way.clouds, bytes):
            path.write_bytes(way.clouds)
        elif way.clouds is not None:
            path.write_text(way.clouds)
        for name, value in way.environment.items():
            monkeypatch.setenv(name, value)

    yield begin
    assert not list(clean_environment.rglob("bug-*")), "a bug was reported"


def test_every_command_is_tried():
    """A new one is to be put into the table; init only adds a section where none is."""
    assert {*COMMANDS, "init"} == {*cli.commands, "--dry-run"}


def code_of(way, command):
    """The exit code of a command in a state."""
    kinds = ((ASKING, way.asking), (CHANGING, way.changing), (LOCAL, way.local))
    return next((code for names, code in kinds if command in names), way.alone)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_command_that_cannot_begin_says_why(capsys, state, way, command):
    """In one document, with the exit code for it."""
    state(way)
    code = code_of(way, command)

    assert run([command, *COMMANDS[command], "-f", "json"]) == code

    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    assert "secret" not in shown.out + shown.err
    if code:
        document = json.loads(shown.out)
        validate(document)
        assert (document["exit_code"], document["changed"]) == (code, False)
        assert way.says in json.dumps(document)


@pytest.mark.parametrize("command", ["doctor", "remove"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_people_are_told_on_stderr(capsys, state, way, command):
    """In a line or two; on stdout, doctor has a line for each check."""
    state(way)

    code = run([command, *COMMANDS[command]])

    shown = capsys.readouterr()
    assert code == code_of(way, command)
    assert way.says in (shown.out if (command, code) == ("doctor", 69) else shown.err)
    assert "secret" not in shown.out + shown.err


@pytest.mark.parametrize("command", CHANGING)
def test_what_cannot_be_written_down_is_not_begun(capsys, state, command):
    """The state directory is checked before the cloud is asked."""
    state(WAYS["a state directory that is a file"])

    run([command, *CHANGING[command]])

    assert "state directory afile: File exists" in capsys.readouterr().err
