# SPDX-License-Identifier: Apache-2.0
"""The unit of nova-compute over ssh, by a program ``ssh`` that answers as a host would."""

from __future__ import annotations

import pytest

from nova_decom.clients.host import ssh
from nova_decom.clients.host.ssh import COMMAND_TIMEOUT, Remote, WritableRemote

GRACEFUL_SHUTDOWN = 180


@pytest.fixture
def host(monkeypatch, tmp_path):
    """Make a host whose unit is in this state; the file has the commands that were sent."""

    def make(state):
        sent = tmp_path / "sent"
        program = tmp_path / "ssh"
        program.write_text(
            f'#!/bin/sh\nfor word in "$@"; do last=$word; done\necho "$last" >> {sent}\n'
            f"echo unit nova-compute.service {state}\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return sent

    return make


@pytest.mark.parametrize(
    ("state", "is_off"),
    [
        ("active enabled", False),
        ("deactivating disabled", False),
        ("activating disabled", False),
        ("reloading disabled", False),
        ("inactive enabled", False),
        ("inactive disabled", True),
        ("failed masked", True),
    ],
)
def test_a_unit_is_off_when_nothing_of_it_runs_or_comes_back(host, state, is_off):
    """While it is ending it still runs."""
    host(state)

    assert Remote().unit("node1").is_off is is_off


@pytest.mark.parametrize("state", ["active enabled", "deactivating disabled"])
def test_nova_compute_is_asked_to_stop_and_never_killed(host, state):
    """systemctl sends the signal that the unit names, and waits; so it does a second time."""
    sent = host(state)

    WritableRemote().stop("node1")

    _, stop = [text for text in sent.read_text().split("sh -c ") if text]
    assert "systemctl disable --now nova-compute.service" in stop
    assert "kill" not in sent.read_text().lower()
    assert "--force" not in stop


def test_the_command_may_take_longer_than_nova_compute_does_to_stop():
    """From nova 33.0.0: three minutes."""
    assert GRACEFUL_SHUTDOWN < COMMAND_TIMEOUT
    assert "kill" not in ssh._FIND_UNIT
