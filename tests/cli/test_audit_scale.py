# SPDX-License-Identifier: Apache-2.0
"""An audit of a cloud with 20,000 hosts: the same calls and queries as of one with two."""

import logging
import time
from collections.abc import Iterator

import pytest

from nova_decom.cli.context import Context
from nova_decom.clients.mysql.connection import LOG
from nova_decom.verify.audit import audit
from tests.cli.requests_sent import note_requests
from tests.lab import Lab

HOSTS, INSTANCES = 20_000, 200_000
SERVICES = f"""
INSERT INTO services (created_at, host, `binary`, topic, report_count, disabled, deleted,
    forced_down, version, uuid, last_seen_up)
SELECT UTC_TIMESTAMP(), CONCAT('scale', seq), 'nova-compute', 'compute', 1, 0, 0, 0,
    (SELECT MAX(version) FROM services AS known), UUID(), UTC_TIMESTAMP()
FROM seq_1_to_{HOSTS}"""
NODES = f"""
INSERT INTO compute_nodes (created_at, deleted, mapped, uuid, host, hypervisor_hostname,
    vcpus, memory_mb, local_gb, vcpus_used, memory_mb_used, local_gb_used, hypervisor_type,
    hypervisor_version, cpu_info)
SELECT UTC_TIMESTAMP(), 0, 1, UUID(), CONCAT('scale', seq), CONCAT('scale', seq),
    1, 1, 1, 0, 0, 0, 'fake', 1, '{{}}'
FROM seq_1_to_{HOSTS}"""
SERVERS = f"""
INSERT INTO instances (created_at, uuid, host, node, deleted, vm_state, hostname)
SELECT UTC_TIMESTAMP(), UUID(), CONCAT('scale', seq MOD {HOSTS}),
    CONCAT('scale', seq MOD {HOSTS}), 0, 'active', 'x' FROM seq_1_to_{INSTANCES}"""


@pytest.fixture
def rows(lab: Lab) -> Iterator[None]:
    """The rows of many hosts, and none of them afterwards."""
    _run(lab, SERVICES, NODES, SERVERS)
    yield
    tables = ("instances", "compute_nodes", "services")
    _run(lab, *(f"DELETE FROM {table} WHERE host LIKE 'scale%'" for table in tables))


def test_the_calls_of_an_audit_do_not_grow_with_the_hosts(
    app: Context, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    """Six API calls and six queries, whether the cloud has two hosts or 20,000."""
    caplog.set_level(logging.DEBUG, logger=LOG.name)
    LOG.addHandler(caplog.handler)  # the context takes it from the root logger
    small = _calls(app, caplog)
    request.getfixturevalue("rows")

    start = time.monotonic()
    large = _calls(app, caplog)
    seconds = time.monotonic() - start
    LOG.removeHandler(caplog.handler)

    print(f"audit of {HOSTS} hosts, {INSTANCES} instances: {seconds:.0f} s, {large}")
    assert large == small == (6, 6)
    assert seconds < 120


def _calls(app: Context, caplog: pytest.LogCaptureFixture) -> tuple[int, int]:
    """The API calls and the queries of one audit."""
    caplog.clear()
    cloud = app.reading()
    sent = note_requests(cloud)
    audit(cloud.read_for_audit())
    # The handler is at the root logger too, unless the context was made meanwhile.
    statements = {id(record) for record in caplog.records if record.name == LOG.name}
    return len(sent), len(statements)


def _run(lab: Lab, *statements: str) -> None:
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
