# SPDX-License-Identifier: Apache-2.0
"""The lab's machines are given what real ones are given."""

from pathlib import Path

import pytest

from tests.lab import config
from tests.lab.errors import LabError
from tests.lab.layout import PORT_NAMES, Layout, Site
from tests.lab.releases import RELEASES
from tests.lab.servers import reached


def test_compute_hosts_have_no_way_to_the_databases():
    """What a nova-compute reads names no database.

    With the API database in it nova-compute would now and then die as it starts.
    """
    site = Site(Layout.of(Path("/lab")), RELEASES["2026.2"], dict.fromkeys(PORT_NAMES, 12000), 1)
    given = config.ini(config.nova(site))
    assert "database" not in given
    assert "mysql" not in given
    assert "database" in config.ini(config.nova_databases(site))


def test_a_server_in_error_is_told_by_its_fault_in_one_line():
    """Nova's details of a fault are a traceback."""
    fault = {"code": 500, "message": "No valid host was found. ", "details": "Traceback …"}
    server = {"id": "4711", "status": "ERROR", "OS-EXT-STS:task_state": None, "fault": fault}

    with pytest.raises(LabError, match=r"^server 4711 is in ERROR: No valid host was found\.$"):
        reached(server, "ACTIVE")
