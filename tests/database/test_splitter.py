# SPDX-License-Identifier: Apache-2.0
"""A proxy that sends reads to a replica, and the replica stands still."""

import contextlib
import time

import pymysql
import pytest
from pymysql.cursors import DictCursor

from nova_decom.clients.mysql.url import target
from nova_decom.errors import UnavailableError
from tests.database.conftest import Images, one_cell
from tests.database.server import PASSWORD, Server
from tests.database.servers.versions import VERSIONS
from tests.database.splitter import OPTIONS, replicate, splitter

pytestmark = pytest.mark.database

COUNT = "SELECT report_count AS n FROM services WHERE host = 'node1'"
READ_ONLY = "SHOW VARIABLES WHERE Variable_name = 'read_only'"


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """The writer and its replica, on the version that has a splitter in Debian."""
    with contextlib.ExitStack() as stack:
        made = []
        for number in ("1", "2"):
            directory = tmp_path_factory.mktemp(f"server{number}")
            options = (*OPTIONS, f"--server-id={number}")
            server = Server(directory, *options, version=VERSIONS["mysql-9.7"])
            stack.callback(server.stop)
            server.start()
            made.append(server)
        replicate(*made)
        yield tuple(made)


@pytest.fixture
def behind(servers, tmp_path):
    """Nova's databases on the writer, and the port of the router."""
    with splitter(servers, tmp_path) as port, one_cell(servers[0]) as nova:
        nova.cell.host("node1")
        _until(lambda: _asked(port, COUNT) == {"n": 42} and _is_split(servers, port))
        yield nova, port


def test_a_replica_that_stands_still(servers, behind):
    """Reads through the proxy are old; so nothing is read or written there, and it says why."""
    writer, replica = servers
    nova, port = behind
    for sql in ("STOP REPLICA SQL_THREAD", "SET GLOBAL read_only = ON"):
        with replica.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql)
    nova.cell.query("UPDATE nova.services SET report_count = 43 WHERE host = 'node1'")
    # What a program meets that believes SHOW VARIABLES, or its first SELECT.
    assert _asked(port, COUNT) == {"n": 42}
    assert _asked(port, READ_ONLY)["Value"] == "OFF"

    url = writer.url("nova", port=port, ssl_disabled="false")
    transaction = nova.purge("node1")
    for use in (
        lambda: nova.reader(target(url)).rows(COUNT),
        lambda: nova.writer(target(url)).run(transaction, Images()),
    ):
        with pytest.raises(UnavailableError, match="a replica may be behind") as caught:
            use()
        for server in servers:
            assert f":{server.port} (server_id " in str(caught.value)
        assert "past the proxy" in caught.value.remedy
    assert nova.cell.ids("services")


def _is_split(servers, port):
    return _asked(port, "SELECT @@port AS port") == {"port": servers[1].port}


def _asked(port, sql):
    """One row, as any client gets it through the router."""
    try:
        with (
            pymysql.connect(
                host="127.0.0.1", port=port, user="nova", password=PASSWORD, database="nova",
                autocommit=True, cursorclass=DictCursor, ssl={"check_hostname": False},
            ) as connection,
            connection.cursor() as cursor,
        ):  # fmt: skip
            cursor.execute(sql)
            return cursor.fetchone()
    except pymysql.OperationalError:
        return None


def _until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
