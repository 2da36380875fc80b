# SPDX-License-Identifier: Apache-2.0
"""Settings: what holds, of what was given and what stands in clouds.yaml."""

from __future__ import annotations

import getpass
import os
from dataclasses import fields
from pathlib import Path

import pytest

from nova_decom.cli.options import DEFAULTS, OPTIONS
from nova_decom.cli.settings import (
    Settings,
    clouds_files,
    expanded,
    operator,
    resolve,
    state_dir,
)
from nova_decom.errors import ConfigurationError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.request import Rows, StopWith


def test_without_anything_given_the_defaults_hold():
    """Every option has one."""
    settings = resolve({}, {})

    assert settings.values == DEFAULTS
    assert (settings.settle, settings.rows, settings.stop_with) == (60.0, None, "ssh")


def test_what_is_given_wins_over_the_section_and_that_over_the_default():
    """The order that the documentation promises."""
    settings = resolve({"settle": 1.0}, {"settle": "2", "timeout": "3"})

    assert (settings.settle, settings.timeout, settings.jobs) == (1.0, 3.0, 4)


def test_clouds_yaml_is_looked_for_where_the_sdk_looks(monkeypatch, tmp_path):
    """In the directory of work, of the user and of the machine; or in the file that is named."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("OS_CLIENT_CONFIG_FILE", raising=False)

    assert clouds_files() == [
        Path("clouds.yaml"),
        tmp_path / ".config" / "openstack" / "clouds.yaml",
        Path("/etc/openstack/clouds.yaml"),
    ]
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", "/here")
    assert clouds_files() == [Path("/here")]


@pytest.mark.parametrize(
    ("command", "reason"),
    [("remove", "decommissioned"), ("drain", "maintenance"), ("enable", "end of maintenance")],
)
def test_each_command_has_a_reason_of_its_own(command, reason):
    """A drain is no removal; the reason that is given counts for all."""
    assert resolve({}, {}).reason_of(command) == reason
    assert reason in resolve({}, {}).request("R", 10.0, command).claim
    assert resolve({"reason": "disk"}, {}).reason_of(command) == "disk"


def test_each_option_is_a_setting_and_nothing_else_is():
    """The type checker sees every one."""
    assert {field.name for field in fields(Settings)} == set(OPTIONS)
    with pytest.raises(AttributeError, match="setle"):
        _ = resolve({}, {}).setle


@pytest.mark.parametrize(
    ("name", "told", "expected"),
    [
        ("settle", "30", 30.0),
        ("settle", 30, 30.0),
        ("report_interval", "5.5", 5.5),
        ("verbose", "2", 2),
        ("skip_guard", "last-host", ("last-host",)),
        ("skip_guard", ["last-host", "ironic"], ("last-host", "ironic")),
        ("host_alias", "node1.internal", ("node1.internal",)),
        ("host_alias", ["a", "b"], ("a", "b")),
        ("keep_agents", "True", True),
        ("cell_db_url", None, ()),
        ("dry_run", "True", True),
        ("dry_run", True, True),
        ("offline", "no", False),
        ("yes", "on", True),
        ("detailed_exitcode", "False", False),
        ("state_dir", "~/state", "~/state"),
        ("rows", "keep", "keep"),
        ("reason", None, None),
    ],
)
def test_values_of_the_section_are_as_their_options_would_give_them(name, told, expected):
    """The SDK hands numbers and booleans of YAML over as text."""
    assert getattr(resolve({}, {name: told}), name) == expected


@pytest.mark.parametrize(
    "section",
    [
        {"setle": "30"},
        {"settle": "soon"},
        {"settle": [1]},
        {"settle": "-1"},
        {"timeout": "0"},
        {"timeout": "nan"},
        {"settle": "nan"},
        {"report_interval": "0"},
        {"max_host": "3"},
        {"max_hosts": "0"},
        {"verbose": "many"},
        {"rows": "burn"},
        {"stop_with": "prayer"},
        {"on_failure": "cry"},
        {"format": "xml"},
        {"color": "purple"},
        {"skip_guard": "host-known"},
        {"skip_guard": ["last-host", "last_host"]},
        {"timeout": "inf"},
        {"max_hosts": [3]},
        {"servers": ["live"]},
        {"offline": "perhaps"},
    ],
    ids=str,
)
def test_a_section_that_makes_no_sense_is_refused(section):
    """It is named, with the key; an option with that value would be refused as well."""
    (key,) = section

    with pytest.raises(ConfigurationError, match=key) as raised:
        resolve({}, section)

    assert raised.value.remedy


def test_a_key_with_a_typing_error_is_corrected():
    """The nearest option is named."""
    with pytest.raises(ConfigurationError, match="unknown key 'setle'") as raised:
        resolve({}, {"setle": "3"})

    assert raised.value.remedy == "did you mean settle?"


def test_stopping_by_a_command_needs_the_command():
    """Otherwise nobody would stop anything."""
    for nothing in (None, "", "  ", "fence '{host}"):
        with pytest.raises(ConfigurationError, match="--stop-with command needs a command"):
            resolve({"stop_with": "command", "stop_command": nothing}, {})

    assert resolve({"stop_with": "command"}, {"stop_command": "x {host}"}).stop_command


@pytest.mark.parametrize("reason", ["rack 7 \U0001f525", "\U00020000"])
def test_a_reason_that_nova_cannot_store_is_refused(reason):
    """Nova would answer each disabling with HTTP 500; three bytes of UTF-8 are stored."""
    for given, section in (({"reason": reason}, {}), ({}, {"reason": reason})):
        with pytest.raises(ConfigurationError, match="cannot store") as raised:
            resolve(given, section)
        assert raised.value.exit_code == ExitCode.USAGE

    assert resolve({"reason": "机架七 \uffff"}, {}).reason == "机架七 \uffff"


def test_the_request_holds_what_decides_about_the_changes(monkeypatch):
    """With the claim that tells who disabled the service, when and why."""
    monkeypatch.setenv("SUDO_USER", "ops")
    given = {
        "reason": "rack 7",
        "stop_with": "none",
        "rows": "keep",
        "offline": True,
        "all_binaries": True,
        "keep_agents": True,
        "host_alias": ("node1.internal",),
        "absent_ok": True,
        "skip_guard": ("ironic",),
    }

    request = resolve(given, {}).request("RUN", 5.0)

    assert request.claim.startswith("nova-decom RUN by ops@")
    assert request.claim.endswith(": rack 7")
    assert (request.stop_with, request.rows) == (StopWith.NONE, Rows.KEEP)
    assert request.offline
    assert request.all_binaries
    assert request.keep_agents
    assert request.aliases == {"node1.internal"}
    assert request.absent_ok
    assert request.skip_guards == {"ironic"}
    assert request.silence == 10.0


def test_the_journal_is_told_what_differs_from_the_defaults_and_no_secret():
    """A URL has a password: it is told only that it was given."""
    url = "mysql+pymysql://nova:secret@db/nova_api"
    window = {"batch": 2, "until": "04:30"}
    settings = resolve(
        {"api_db_url": url, "cell_db_url": (url,), "skip_guard": ("ironic",)} | window, {}
    )

    assert settings.for_journal() == {
        **window,
        "api_db_url": "(given)",
        "cell_db_url": "(given)",
        "skip_guard": ["ironic"],
    }


@pytest.mark.usefixtures("clean_environment")
class TestStateDir:
    """Where journals are kept."""

    def test_as_told(self, tmp_path):
        """A tilde is the home directory."""
        assert state_dir(resolve({"state_dir": "~/state"}, {})) == tmp_path / "state"

    def test_as_systemd_says(self, monkeypatch):
        """The first of several."""
        monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")

        assert state_dir(resolve({}, {})) == Path("/var/lib/a")

    def test_of_root(self, monkeypatch):
        """A place of the system."""
        monkeypatch.setattr(os, "geteuid", lambda: 0)

        assert state_dir(resolve({}, {})) == Path("/var/lib/nova-decom")

    def test_of_a_user(self, monkeypatch, tmp_path):
        """The place of the user's state."""
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))

        assert state_dir(resolve({}, {})) == tmp_path / "xdg" / "nova-decom"


@pytest.mark.usefixtures("clean_environment")
def test_a_tilde_is_the_home_directory_of_whom_it_names(tmp_path):
    """A user that there is not is told, and is no bug."""
    assert expanded("~/nova.conf") == tmp_path / "nova.conf"
    assert expanded("/etc/nova.conf") == Path("/etc/nova.conf")
    with pytest.raises(ConfigurationError, match="~no-such-user/") as raised:
        expanded("~no-such-user/nova.conf")

    assert raised.value.remedy == "give a path that exists"


@pytest.mark.parametrize(("sudo", "user"), [("ops", "ops"), ("", "carla")])
def test_the_operator_is_who_called_sudo(monkeypatch, sudo, user):
    """Root is nobody's name."""
    monkeypatch.setenv("SUDO_USER", sudo)
    monkeypatch.setenv("LOGNAME", "carla")

    assert operator().startswith(f"{user}@")


@pytest.mark.parametrize("failure", [KeyError, OSError])
def test_an_operator_without_a_name_has_a_number(monkeypatch, failure):
    """A container may have no entry for its user."""

    def nobody():
        raise failure

    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(getpass, "getuser", nobody)

    assert operator().startswith(f"uid {os.getuid()}@")


WAYS = [
    ({"servers": "evacuate"}, "give --offline as well"),
    ({"servers": "live", "offline": True}, "--servers evacuate"),
    ({"servers": "cold", "offline": True}, "--servers evacuate"),
    ({"servers": "stop", "offline": True}, "--servers evacuate"),
]


@pytest.mark.parametrize(("given", "cure"), WAYS)
def test_ways_that_contradict_the_state_of_the_host_are_refused(given, cure):
    """A living host is not evacuated, and from a dead one nothing migrates."""
    with pytest.raises(ConfigurationError) as raised:
        resolve(given, {})

    assert cure in raised.value.remedy


@pytest.mark.parametrize(
    ("command", "given", "servers", "evacuates"),
    [
        ("remove", {}, "refuse", False),
        ("plan", {}, "refuse", False),
        ("drain", {}, "auto", False),
        ("drain", {"servers": "cold"}, "cold", False),
        ("drain", {"offline": True}, "auto", True),
        ("remove", {"servers": "evacuate", "offline": True}, "evacuate", True),
        ("drain", {"servers": "stop"}, "stop", False),
        ("enable", {"servers": "auto"}, "refuse", False),
        ("remove", {"offline": True}, "refuse", False),
    ],
)
def test_a_removal_moves_servers_only_when_told_how(command, given, servers, evacuates):
    """To drain is to move them."""
    asked = resolve(given, {}).request("RUN", 10.0, command)

    assert (asked.servers, asked.evacuates) == (servers, evacuates)


@pytest.mark.parametrize(
    ("command", "given", "may"),
    [
        ("drain", {}, True),
        ("drain", {"offline": True}, True),
        ("remove", {"offline": True}, True),
        ("plan", {"offline": True}, True),
        ("list", {}, False),
    ],
)
def test_partial_is_for_a_drain_and_for_a_dead_host(command, given, may):
    """Of other commands it is none of their business: it may be in clouds.yaml."""
    asked = resolve({"partial": True} | given, {}).request("RUN", 10.0, command)

    assert (asked.partial, asked.may_be_partial) == (may, may)


@pytest.mark.parametrize("command", ["remove", "plan"])
def test_the_removal_of_a_running_host_is_not_partial(command):
    """It would leave servers on a host without nova-compute."""
    with pytest.raises(ConfigurationError, match="--partial leaves servers") as raised:
        resolve({"partial": True}, {}).request("RUN", 10.0, command)

    assert raised.value.exit_code == ExitCode.USAGE
    assert "drain HOST --partial" in raised.value.remedy


@pytest.mark.parametrize(
    ("given", "seconds"), [({}, 3600), ({"timeout": 600.0, "settle": 60.0}, 6060)]
)
def test_a_claim_holds_longer_than_all_waits_of_a_host(given, seconds):
    """An hour at least: whoever comes after a dead run has to wait for it."""
    assert resolve(given, {}).validity == seconds


@pytest.mark.parametrize("command", ["remove", "plan"])
def test_a_removal_does_not_stop_servers_and_leave_them(command):
    """The remedy is the command that does."""
    with pytest.raises(ConfigurationError) as raised:
        resolve({"servers": "stop"}, {}).request("RUN", 10.0, command)

    assert "drain HOST --servers stop" in raised.value.remedy
