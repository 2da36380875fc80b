# SPDX-License-Identifier: Apache-2.0
"""A whole removal whose lock at the lock service is lost in the middle."""

from nova_decom.exit_codes import ExitCode
from tests.chaos.shapes import HOST
from tests.database.test_lock_service import end_connection, pytestmark  # noqa: F401 - a mark
from tests.faults.proxy import Rule
from tests.faults.test_removal import WRITES


def test_a_lost_lock_ends_the_run_before_anything_is_deleted(cloud):
    """What was done before can be taken back; the same command does the rest."""
    server = cloud.site.server
    lock = ("--lock-url", server.url("nova").replace("mysql+pymysql", "mysql"))

    def lost(exchange):
        end_connection(server, HOST)
        exchange.answer(exchange.forward())

    cloud.proxy.play(Rule(WRITES["disable"], lost))

    ended = cloud.remove(*lock)

    assert ended.code == ExitCode.UNAVAILABLE, ended.output
    error = ended.output["hosts"][0]["error"]["message"]
    assert "the lock service of --lock-url cannot be used" in error
    assert len(cloud.writes) == 2  # the claim, its release
    assert cloud.remove(*lock).code == ExitCode.SUCCESS
