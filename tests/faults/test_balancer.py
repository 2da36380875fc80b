# SPDX-License-Identifier: Apache-2.0
"""A removal whose databases are behind HAProxy, which ends each connection that is idle."""

from tests.chaos.shapes import HOST, make
from tests.faults.real_time import Run, beating
from tests.galera.balancer import IDLE, balancer

#: Seconds between heartbeats, of which two are waited for, and of the settle time.
INTERVAL, SETTLE = IDLE + 0.5, 2 * IDLE


def test_connections_are_lost_in_each_wait_of_a_removal(cloud, tmp_path):
    """It connects again, for each reading and for the transaction; all is done once."""
    make(cloud.site, "stopped by the operator")
    server = cloud.site.server
    with balancer([server], tmp_path) as port, beating(cloud):
        with server.connect("nova_api") as connection, connection.cursor() as cursor:
            cursor.execute(
                "UPDATE cell_mappings SET database_connection = %s WHERE name = 'cell1'",
                (server.url("nova", port=port),),
            )
        lost = connections_lost(server)
        run = Run(
            cloud,
            HOST,
            *("--report-interval", str(INTERVAL), "--settle", str(SETTLE)),
            NOVA_DECOM_API_DB_URL=server.url("nova_api", port=port),
        )
        code, document, stderr = run.end(60)

    assert code == document["exit_code"] == 0, (document, stderr)
    assert document["hosts"][0]["result"] == "removed"
    assert len(cloud.writes) == len(set(cloud.writes))
    assert not [r for r in cloud.truth.rows["nova.services"].values() if r["host"] == HOST]
    # HAProxy has ended connections of the run, those of the settle time among them.
    assert connections_lost(server) - lost >= 2


def connections_lost(server):
    """Connections that ended without a word of the client."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS WHERE Variable_name = 'Aborted_clients'")
        return int(cursor.fetchone()["Value"])
