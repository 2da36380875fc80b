# SPDX-License-Identifier: Apache-2.0
"""Locks at a database server, as ``--lock-url mysql://`` has them."""

import socket

import pytest

from nova_decom.clients.lock_service import lock_name, shared_locks
from nova_decom.errors import BusyError, UnavailableError

#: tooz calls PyMySQL as older releases had it; a run writes such warnings to its log.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def url(server):
    """The server as a lock service."""
    return server.url("nova").replace("mysql+pymysql", "mysql")


def end_connection(server, host):
    """End the connection of the host's lock, as a server does when it is idle for too long."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT IS_USED_LOCK(%s) AS id", lock_name(host).decode())
        cursor.execute(f"KILL {cursor.fetchone()['id']}")


def test_two_runs_exclude_each_other_host_by_host(url):
    """Names that differ in case, and long ones, are different hosts."""
    hosts = ["node1", "n" * 255]
    with shared_locks(url, hosts) as ours, shared_locks(url, [*hosts, "NODE1"]) as theirs:
        for host in hosts:
            ours.check(host)
            with pytest.raises(BusyError, match="is held by another run"):
                theirs.check(host)
        theirs.check("NODE1")
    with shared_locks(url, hosts) as locks:
        locks.check("node1")


def test_a_lock_whose_connection_has_ended_is_noticed(server, url):
    """The server gives it to the next one."""
    with shared_locks(url, ["node1"]) as locks:
        locks.check("node1")
        end_connection(server, "node1")
        with shared_locks(url, ["node1"]) as others:
            others.check("node1")
            with pytest.raises(UnavailableError, match="cannot be used"):
                locks.check("node1")


def test_a_server_that_takes_connections_and_never_answers_ends_the_run():
    """Before anything is read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"mysql://nova:secret@127.0.0.1:{listener.getsockname()[1]}/nova"
        with (
            pytest.raises(UnavailableError, match="no answer within 1 s") as error,
            shared_locks(url, ["node1"], seconds=1.0),
        ):
            pytest.fail("it was taken")
    assert "secret" not in f"{error.value} {error.value.remedy}"
