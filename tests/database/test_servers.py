# SPDX-License-Identifier: Apache-2.0
"""The servers are those that were asked for."""

import pytest

from tests.database.servers.debian import Packages, choose_version
from tests.lab.errors import LabError

PACKAGES = Packages("sid", ("mysql-server-core",), "9.7.4-2", "9.7.")


def test_the_pinned_version_is_taken(capsys):
    """Also where there is a newer one."""
    assert choose_version(PACKAGES, ["9.7.5-1", "9.7.4-2"]) == "9.7.4-2"
    assert capsys.readouterr().err == ""


def test_a_version_that_is_gone(capsys):
    """The newest of its series takes its place, and stderr names both."""
    assert choose_version(PACKAGES, ["9.70.1-1", "9.7.6-1", "9.7.5-1"]) == "9.7.6-1"
    said = capsys.readouterr().err
    assert "9.7.4-2" in said
    assert "9.7.6-1" in said


@pytest.mark.parametrize("available", [[], ["9.8.0-1"]])
def test_a_series_that_is_gone(available):
    """Another series is another server."""
    with pytest.raises(LabError, match=r"nor another 9\.7\.\*"):
        choose_version(PACKAGES, available)


@pytest.mark.database
def test_the_server_is_of_the_version(server):
    """What answers is the server whose name was asked for."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION() AS version, @@bind_address AS address")
        row = cursor.fetchone()
    product, _, series = server.version.name.partition("-")
    assert row["version"].startswith(f"{series}.")
    assert ("MariaDB" in row["version"]) is (product == "mariadb")
    assert row["address"] == "127.0.0.1"
