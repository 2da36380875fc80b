# SPDX-License-Identifier: Apache-2.0
"""Hosts that somebody removed, or half removed, by SQL."""

import pytest

from tests.cli.run import NovaDecom
from tests.cli.snapshot import Snapshot
from tests.lab import Lab
from tests.lab.waiting import wait_until
from tests.scenarios import calls, states
from tests.scenarios.clean import bring_to_clean, comes_back
from tests.scenarios.registry import scenario


@scenario(
    "C17",
    state="both rows deleted by SQL, as the guides say; the host was in an aggregate",
    by_hand="counts as finished; provider, host mapping and membership stay, and the API can "
    "take the host out of the aggregate no more (404)",
    does="deletes the provider by its API, then the rows of the API database in one transaction",
    result="clean; a new machine of the name gets servers",
)
def test_both_rows_deleted(lab: Lab, decom: NovaDecom, host: str) -> None:
    """What two DELETE statements leave behind is found by name and goes."""
    states.in_aggregate(lab, host)
    states.removed_by_sql(lab, host)

    ran = bring_to_clean(decom, host)

    assert ran.changes("done") == [
        "stop-service stop",
        "delete-providers delete",
        "purge-registration delete",
    ]
    comes_back(lab, host)


@scenario(
    "C17",
    hosts=("c17-alive",),
    state="both rows deleted by SQL, and nobody stopped nova-compute",
    by_hand="the compute node comes back within a minute, without a service",
    does="stops nova-compute first, then as above",
)
def test_both_rows_deleted_under_a_living_nova_compute(
    lab: Lab, decom: NovaDecom, host: str
) -> None:
    """A host is not removed while nova-compute runs on it, whatever the rows say."""
    states.disabled(lab, host)
    states.service_removed_by_sql(lab, host)
    states.compute_node_removed_by_sql(lab, host)

    bring_to_clean(decom, host)

    assert not lab.compute_running(host)


@scenario(
    "C15",
    state="services row deleted, compute_nodes row live: the API hides it",
    by_hand="the second DELETE works here, and leaves provider, mapping and membership",
    does="finds the row by SQL, deletes provider, rows and registration",
)
def test_compute_node_without_service(lab: Lab, decom: NovaDecom, host: str) -> None:
    """A ghost that no API shows goes as a whole."""
    states.in_aggregate(lab, host)
    lab.stop_compute(host)
    states.service_removed_by_sql(lab, host)

    ran = bring_to_clean(decom, host)

    assert ran.changes("done") == [
        "stop-service stop",
        "delete-providers delete",
        "purge-rows delete",
        "purge-registration delete",
    ]


@scenario(
    "C16",
    state="compute_nodes row deleted, service stays, in an aggregate: the API answers 500",
    by_hand="deletes the service too; the membership can then never be undone by the API",
    does="removes the aggregate rows in one transaction, then deletes the service by the API",
)
def test_service_without_compute_node(lab: Lab, decom: NovaDecom, host: str) -> None:
    """The delete that nova can not do any more is made possible again."""
    states.in_aggregate(lab, host)
    states.stopped(lab, host)
    states.compute_node_removed_by_sql(lab, host)
    with pytest.raises(AssertionError, match="500"):
        states.deleted_by_api(lab, host)

    ran = bring_to_clean(decom, host)

    assert "repair-registration delete" in ran.changes("done")
    assert "delete-service delete" in ran.changes("done")


@scenario(
    "C16",
    hosts=("c16-alive",),
    state="the same, and nova-compute still runs",
    by_hand="the row comes back at the next look of nova-compute at its resources",
    does="stops it first, then as above",
)
def test_living_service_without_compute_node(lab: Lab, decom: NovaDecom, host: str) -> None:
    """A compute node that was deleted under a living nova-compute is no obstacle."""
    states.in_aggregate(lab, host)
    states.compute_node_removed_by_sql(lab, host)

    ran = bring_to_clean(decom, host)

    assert "stop-service stop" in ran.changes("done")
    assert not lab.compute_running(host)


@scenario(
    "C18",
    state="two generations of one name: an old one soft-deleted, the present one live",
    by_hand="by name takes the history too, whether it is wanted or not",
    does="with --rows keep: soft-deletes the live rows as nova does; history stays as it is",
)
def test_history_is_kept_when_asked(
    lab: Lab, decom: NovaDecom, host: str, snapshot: Snapshot
) -> None:
    """With --rows keep each generation stays as a soft-deleted row of its own."""
    lab.stop_compute(host)
    states.deleted_by_api(lab, host)
    lab.wipe_compute(host)
    lab.start_compute(host)
    history = "SELECT * FROM compute_nodes WHERE host = %s AND deleted <> 0"
    before = calls.rows(lab, "nova", history, host)

    bring_to_clean(decom, host, rows="keep")

    after = calls.rows(lab, "nova", history, host)
    assert len(before) == 1
    assert len(after) == 2
    assert before[0] in after
    assert snapshot.hosts_in("services").count(host) == 2
    bring_to_clean(decom, host)
    assert host not in snapshot.hosts_in("services")


@scenario(
    "C19",
    state="rows hidden by an old guide (`deleted = 1`), the host registered again since",
    by_hand="a second `deleted = 1` fails on a unique key (1062)",
    does="deletes the live service by the API, then every generation by id",
)
def test_odd_soft_delete(lab: Lab, decom: NovaDecom, host: str, snapshot: Snapshot) -> None:
    """A row that says deleted = 1 is one more generation."""
    states.hidden_by_sql(lab, host)
    # Before 2023.1 a host has no identity of its own: its new compute node meets the provider of
    # the old one, and gets none.
    lab.start_compute(host, wait=False)
    wait_until(
        lambda: snapshot.hosts_in("services").count(host) == 2 and bool(calls.nodes(lab, host)),
        timeout=120,
        what=f"{host} to register",
    )

    bring_to_clean(decom, host)

    assert host not in snapshot.hosts_in("services")


@scenario(
    "C23",
    state="deleted by the API of a nova with bug 2085135: soft-deleted row, still mapped",
    by_hand="nothing: the row is hidden; the host comes back and is not discovered",
    does="resets the flag (--rows keep), or deletes the row",
    result="clean; discover_hosts finds the host again",
)
def test_mapped_flag(lab: Lab, decom: NovaDecom, host: str) -> None:
    """With --rows keep the soft-deleted row loses its flag, and the machine is discovered."""
    lab.stop_compute(host)
    states.deleted_by_api(lab, host)
    states.still_mapped(lab, host)

    bring_to_clean(decom, host, rows="keep")

    flag = "SELECT deleted = id, mapped FROM compute_nodes WHERE host = %s"
    assert calls.rows(lab, "nova", flag, host) == [(1, 0)]
    comes_back(lab, host, as_new_machine=False)


@scenario(
    "C14",
    state="compute_nodes.service_id NULL, and nova-conductor on the same host",
    by_hand="`service_id = (select id from services where host = ...)` finds nothing, or ends "
    "with ERROR 1242",
    does="finds the row by host, deletes by id; the conductor's row stays",
)
def test_service_id_null(lab: Lab, decom: NovaDecom, host: str, snapshot: Snapshot) -> None:
    """A compute node that no service owns by id is the host's all the same."""
    states.stopped(lab, host)
    states.conductor_beside(lab, host)
    states.service_id_forgotten(lab, host)

    ran = bring_to_clean(decom, host)

    assert [k["binary"] for k in ran.host["kept"]] == ["nova-conductor"]
    assert snapshot.hosts_in("services").count(host) == 1
    assert host not in snapshot.hosts_in("compute_nodes")
