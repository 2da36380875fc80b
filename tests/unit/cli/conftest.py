# SPDX-License-Identifier: Apache-2.0
"""A cloud with one compute host, which answers over HTTP as a real one does."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from nova_decom.cli import context
from nova_decom.clients.openstack.api import Api
from nova_decom.clock import Clock
from tests.chaos.story import clouds_yaml
from tests.faults.openstack import OpenStack, State
from tests.faults.serve import serving

SERVICE = {
    "uuid": "0b7d4d1c-0f5e-4a4e-9a0e-5f3c2b1a0d9e",
    "host": "node3",
    "binary": "nova-compute",
    "disabled": 0,
    "disabled_reason": None,
    "forced_down": 0,
    "updated_at": "2026-11-29 08:00:00",
}


class Rows:
    """A connection to the database of nova with one compute host; other tables are empty."""

    def __init__(self):
        self._found = []

    @contextmanager
    def cursor(self):
        """The cursor."""
        yield self

    def execute(self, sql, _params=None):
        """Find the rows."""
        self._found = [SERVICE] if "FROM nova.services WHERE" in sql else []

    def fetchall(self):
        """The rows found."""
        return self._found


@pytest.fixture(scope="module")
def openstack(tmp_path_factory):
    """A cloud with the host node3."""
    state = State(tmp_path_factory.mktemp("cloud") / "cloud.json")
    state.write()
    served = OpenStack(Rows(), state.path)
    with serving(served) as port:
        served.base = f"http://127.0.0.1:{port}"
        yield served


@pytest.fixture
def cloud(openstack, clean_environment, monkeypatch):
    """The cloud with its clouds.yaml, and no pause between attempts."""
    impatient = Clock(sleep=lambda _seconds: None)
    monkeypatch.setattr(
        context, "Api", lambda connection, request, _clock: Api(connection, request, impatient)
    )
    monkeypatch.setenv("NOVA_DECOM_OS_CLOUD", "scripted")
    (clean_environment / "clouds.yaml").write_text(clouds_yaml(openstack.base))
    return openstack
