# SPDX-License-Identifier: Apache-2.0
"""A server that begins sessions otherwise than by default: each read is new, each write kept."""

import pymysql
import pytest

from nova_decom.clients.mysql.url import target
from tests.database.conftest import Images

pytestmark = pytest.mark.database


@pytest.fixture(params=["init_connect", "autocommit", "transaction_read_only"])
def setting(request, nova):
    """A global setting that new sessions begin with; nova.cell's own was there before."""
    values = {"init_connect": "SET autocommit=0", "autocommit": 0, "transaction_read_only": 1}
    with nova.server.connect() as connection, connection.cursor() as cursor:
        name = request.param
        if not cursor.execute("SHOW GLOBAL VARIABLES WHERE Variable_name = %s", (name,)):
            name = "tx_read_only"  # MariaDB before 11.1
        cursor.execute(f"SELECT @@GLOBAL.{name} AS value")
        before = cursor.fetchone()["value"]
        cursor.execute(f"SET GLOBAL {name} = %s", (values[request.param],))
        try:
            yield name
        finally:
            cursor.execute(f"SET GLOBAL {name} = %s", (before,))


def begins_otherwise(nova, setting):
    """So that the tests test something: a session of nova's has the setting."""
    place = target(nova.server.url("nova"))
    arguments = place.arguments | {"autocommit": None}
    with pymysql.connect(**arguments) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT @@{'autocommit' if setting == 'init_connect' else setting}")
        return cursor.fetchone() == (1 if setting.endswith("read_only") else 0,)


def test_every_read_sees_what_was_committed(nova, setting):
    """A heartbeat that goes on is seen to, by one connection that polls."""
    assert begins_otherwise(nova, setting)
    nova.cell.service("node1", uuid="uuid-1", report_count=7)
    reading = nova.reading()
    assert reading.report_counts(["node1"], ["uuid-1"]) == {"uuid-1": 7}
    nova.cell.query("UPDATE nova.services SET report_count = 8")
    assert reading.report_counts(["node1"], ["uuid-1"]) == {"uuid-1": 8}


def test_a_purge_is_committed(nova, setting):
    """What another session sees afterwards is that the rows are gone."""
    assert begins_otherwise(nova, setting)
    nova.cell.host("node1")
    nova.writing().run(nova.purge("node1"), Images())
    assert nova.cell.rows("services") == nova.cell.rows("compute_nodes") == []
