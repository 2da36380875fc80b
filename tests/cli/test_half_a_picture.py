# SPDX-License-Identifier: Apache-2.0
"""A real nova that shows less than there is: short pages with hidden entries, a token's rights."""

from collections.abc import Callable, Iterator

import pytest

from nova_decom.cli.context import Context
from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom
from tests.cli.snapshot import Snapshot
from tests.lab import Lab
from tests.lab.control_plane import ControlPlane
from tests.scenarios import calls, states

GHOST = """
INSERT INTO compute_nodes (created_at, deleted, mapped, uuid, host, hypervisor_hostname,
    vcpus, memory_mb, local_gb, vcpus_used, memory_mb_used, local_gb_used, hypervisor_type,
    hypervisor_version, cpu_info)
VALUES (UTC_TIMESTAMP(), 0, 1, UUID(), 'paged-ghost', 'paged-ghost', 1, 1, 1, 0, 0, 0, 'fake', 1,
    '{}')"""


def _run(lab: Lab, statement: str) -> None:
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def ghost(lab: Lab) -> Iterator[None]:
    """A compute node without a service, which nova hides after it has counted it."""
    _run(lab, GHOST)
    yield
    _run(lab, "DELETE FROM compute_nodes WHERE host = 'paged-ghost'")


@pytest.fixture
def short_pages(lab: Lab) -> Iterator[Callable[[int], None]]:
    """Sets ``[api] max_limit``, and the default again afterwards."""
    path = lab.layout.etc / "nova" / "nova.conf"
    before = path.read_text()
    apis = ControlPlane(lab.site, lab.processes)

    def restart(text: str) -> None:
        lab.processes.stop("nova")
        path.write_text(text)
        apis.start_apis(["nova"])
        apis.wait_apis(["nova"])

    yield lambda limit: restart(f"{before}\n[api]\nmax_limit = {limit}\n")
    restart(before)


@pytest.fixture
def policy(lab: Lab) -> Iterator[Callable[[str], None]]:
    """Takes one right from everybody; nova and placement read the file at the next request."""
    paths = {name: lab.layout.etc / name / "policy.yaml" for name in ("nova", "placement")}

    def restore() -> None:
        for path in paths.values():
            path.unlink(missing_ok=True)

    def take(right: str) -> None:
        restore()
        service = right.partition(":")[0]
        paths[service if service in paths else "nova"].write_text(f'"{right}": "!"\n')

    restore()
    yield take
    restore()


@pytest.mark.usefixtures("ghost")
def test_a_ghost_hides_no_compute_node_behind_it(
    app: Context, hosts: Hosts, short_pages: Callable[[int], None]
) -> None:
    """Nova ends its paging at a page that is short because of what it hides."""
    hosts.start("paged1")
    whole = app.reading().clients.compute.compute_nodes()
    assert {"node1", "node2", "paged1"} <= {node.host for node in whole}

    for limit in (2, 3):
        short_pages(limit)
        assert app.reading().clients.compute.compute_nodes() == whole


@pytest.mark.parametrize(
    "right",
    ["os_compute_api:os-extended-server-attributes", "os_compute_api:os-migrations:index:host"],
)
def test_a_token_that_may_not_see_hosts_changes_nothing(
    lab: Lab,
    decom: NovaDecom,
    hosts: Hosts,
    snapshot: Snapshot,
    policy: Callable[[str], None],
    right: str,
) -> None:
    """The host has servers, which nova shows without their host: that is no empty host."""
    hosts.start("rights1")
    for status in ("ACTIVE", "VERIFY_RESIZE"):
        lab.create_servers(1, on="rights1", status=status)
    before = snapshot.rows_of("rights1")
    policy(right)

    ran, checked = decom.remove("rights1"), decom("doctor")

    assert ran.code == checked.code == 69, (ran, checked)
    assert right in ran.shown
    assert right in checked.shown
    assert snapshot.rows_of("rights1") == before
    assert lab.compute_running("rights1")


def test_a_token_that_may_not_change_changes_nothing(
    lab: Lab,
    decom: NovaDecom,
    hosts: Hosts,
    snapshot: Snapshot,
    policy: Callable[[str], None],
) -> None:
    """Each right that the plan needs is asked for by a request about no object."""
    hosts.start("rights2")
    states.orphan_allocation(lab, calls.node_uuid(lab, "rights2"))
    before = snapshot.rows_of("rights2")
    for right in (
        "os_compute_api:os-services:update",
        "os_compute_api:os-services:delete",
        "placement:allocations:update",
    ):
        policy(right)
        ran = decom.remove("rights2")
        assert ran.code == 69, ran
        assert right in ran.json["error"]["message"]
    checked = decom("doctor")
    assert (checked.code, right in checked.out) == (69, True), checked
    assert snapshot.rows_of("rights2") == before
    assert calls.service(lab, "rights2")["status"] == "enabled"
    assert lab.compute_running("rights2")
