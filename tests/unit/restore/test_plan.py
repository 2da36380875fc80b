# SPDX-License-Identifier: Apache-2.0
"""What is to be put back, over what a journal tells and what is there now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.model.cloud import Aggregate
from nova_decom.model.plan import Verdict
from nova_decom.model.rows import AggregateHostRow
from nova_decom.model.sql import API_DATABASE
from nova_decom.restore.plan import plan_restore
from nova_decom.restore.saved import saved_host
from tests.unit import build
from tests.unit.removed import (
    BEFORE,
    CLAIM,
    DONE,
    FAST,
    MAPPING_ROW,
    MEMBER_ROW,
    NODE_ROW,
    PCI_ROW,
    RUN,
    SERVICE_ROW,
    TABLES,
    images,
    past,
    present,
    record,
    rows_of,
    without_databases,
)

CELL = build.CELL
LIVE_SERVICE = SERVICE_ROW | {"deleted": 0}
LIVE_NODE = NODE_ROW | {"deleted": 0}


def inserted(plan):
    """The inserted rows by table."""
    found = {}
    for change in plan.changes:
        for s in change.transaction.writes if change.transaction else ():
            if s.sql.startswith("INSERT"):
                names = s.sql.split("(")[1].split(")")[0].replace("`", "").split(", ")
                row = dict(zip(names, s.params, strict=True))
                found.setdefault(s.sql.split()[2], []).append(row)
    return found


def told(plan):
    """The leftovers in short."""
    return [(x.target, x.detail) for x in plan.leftovers]


def test_a_purged_host_comes_back_alive():
    """As it was before nova soft-deleted it: enabled, mapped, with its devices."""
    plan = plan_restore(past(), present())

    assert inserted(plan) == {
        "host_mappings": [MAPPING_ROW],
        "services": [
            SERVICE_ROW
            | {"deleted": 0, "deleted_at": None, "disabled": 0, "disabled_reason": None}
        ],
        "compute_nodes": [NODE_ROW | {"deleted": 0, "deleted_at": None, "mapped": 1}],
        "pci_devices": [PCI_ROW],
    }
    assert [c.target for c in plan.changes] == [
        f"{API_DATABASE}: host_mappings 7",
        f"{CELL}: services 3, compute_nodes 8, pci_devices 21",
        "5",
    ]
    assert (plan.blocked, plan.leftovers) == ((), ())
    assert "add_host" in plan.changes[2].detail


def test_every_write_is_guarded_by_a_read():
    """No row has the id, and as many live rows are there as the plan saw: none."""
    transaction = plan_restore(past(), present()).changes[1].transaction

    assert [(s.sql.split(" WHERE ")[0], s.rows) for s in transaction.reads] == [
        ("SELECT id FROM services", 0),
        ("SELECT id FROM compute_nodes", 0),
        ("SELECT id FROM pci_devices", 0),
        ("SELECT id, host FROM services", 0),
        ("SELECT id, host FROM compute_nodes", 0),
    ]
    assert all(s.sql.endswith(" FOR UPDATE") for s in transaction.reads)
    assert all(s.rows == 1 for s in transaction.writes)


def test_what_was_foreign_to_the_run_stays():
    """Who disabled the service before, or since, finds it so."""
    already = tuple(d for d in DONE if d[0] != "disable-service")
    foreign = images(services=[SERVICE_ROW | {"disabled_reason": "broken fan"}])

    for what in ({"done": already}, {"saved": foreign}):
        (row,) = inserted(plan_restore(past(**what), present()))["services"]
        assert row["disabled"] == 1


def test_a_service_that_was_disabled_before_is_so_again():
    """Under the reason that it had."""
    was = replace(
        BEFORE, services=(build.service(status="disabled", disabled_reason="old claim"),)
    )

    (row,) = inserted(plan_restore(past(before=was), present()))["services"]

    assert (row["disabled"], row["disabled_reason"]) == (1, "old claim")


def test_rows_that_nova_keeps_are_revived():
    """--rows keep saved nothing: what nova soft-deleted is made live by id."""
    now = present(
        {**rows_of(CELL, "services", SERVICE_ROW), **rows_of(CELL, "compute_nodes", NODE_ROW)}
    )

    change = plan_restore(past(saved=[]), now).changes[1]

    assert [s.text for s in change.transaction.writes] == [
        (
            "UPDATE services SET `deleted` = 0, `deleted_at` = NULL, `disabled` = 0, "
            "`disabled_reason` = NULL WHERE id = 3 AND `host` <=> 'node1' AND `deleted` <=> 3"
        ),
        (
            "UPDATE compute_nodes SET `deleted` = 0, `deleted_at` = NULL, `mapped` = 1 "
            "WHERE id = 8 AND `host` <=> 'node1' AND `deleted` <=> 8"
        ),
    ]
    assert [s.is_image for s in change.transaction.reads] == [True, True, False, False]


def test_rows_that_were_archived_meanwhile_are_named():
    """nova-manage db archive_deleted_rows took them."""
    plan = plan_restore(past(saved=[]), present())

    assert [t for t, _ in told(plan)] == [f"{CELL}: services 3", f"{CELL}: compute_nodes 8"]
    assert all("the run did not save it" in why for _, why in told(plan))


@pytest.mark.parametrize(
    ("table", "row", "why"),
    [
        ("services", LIVE_SERVICE | {"id": 9, "uuid": "new"}, "its place is taken: services 9"),
        ("services", SERVICE_ROW | {"host": "node7"}, "another row has this id now"),
        ("compute_nodes", LIVE_NODE | {"id": 9, "uuid": "x"}, "its place is taken: compute_nodes"),
        ("compute_nodes", NODE_ROW | {"id": 9, "host": "node7"}, "its place is taken"),
        ("pci_devices", PCI_ROW | {"id": 9}, "its place is taken: pci_devices 9"),
    ],
    ids=["live service", "id of another", "live node", "uuid elsewhere", "device"],
)
def test_a_row_whose_place_is_taken_is_refused(table, row, why):
    """And named, with what is there."""
    plan = plan_restore(past(), present(rows_of(CELL, table, row)))

    assert why in dict(told(plan))[f"{CELL}: {table} {TABLES[CELL, table]['id']}"]
    assert table not in inserted(plan)


def test_devices_do_not_come_without_their_node():
    """They would break the foreign key."""
    taken = rows_of(CELL, "compute_nodes", LIVE_NODE | {"id": 9})

    assert "pci_devices" not in inserted(plan_restore(past(), present(taken)))
    there = rows_of(CELL, "compute_nodes", LIVE_NODE)
    assert inserted(plan_restore(past(), present(there)))["pci_devices"] == [PCI_ROW]


def test_a_revived_row_gives_way_to_a_second_life():
    """nova-compute registered anew beside what nova keeps of the old one."""
    rows = rows_of(CELL, "services", SERVICE_ROW, LIVE_SERVICE | {"id": 9, "uuid": "new"})

    plan = plan_restore(past(saved=[]), present(rows))

    assert "lives as another row: services 9" in dict(told(plan))[f"{CELL}: services 3"]


def test_what_is_there_needs_nothing():
    """By this run's restore, or as nova brought it back to life by itself."""
    rows = {
        **rows_of(API_DATABASE, "host_mappings", MAPPING_ROW),
        **rows_of(CELL, "services", LIVE_SERVICE),
        **rows_of(CELL, "compute_nodes", LIVE_NODE),
        **rows_of(CELL, "pci_devices", PCI_ROW),
    }
    now = present(rows, aggregates=(build.aggregate(),))

    plan = plan_restore(past(), now)

    assert (plan.changes, plan.leftovers) == ((), ())


def test_history_comes_back_as_history():
    """Rows that were soft-deleted long before; one that lives again meanwhile is left alone."""
    old = SERVICE_ROW | {"id": 2, "uuid": "old", "deleted": 2}
    saved = images(services=[SERVICE_ROW, old])

    assert old in inserted(plan_restore(past(saved=saved), present()))["services"]
    alive = rows_of(CELL, "services", old | {"deleted": 0})
    plan = plan_restore(past(saved=saved), present(alive))
    assert "services" not in inserted(plan)
    assert f"{CELL}: services {old['id']}" not in dict(told(plan))


def test_rows_of_the_past_are_not_revived_with_the_host():
    """What was soft-deleted before the run is not the run's."""
    rows = build.database(
        services=(build.service_row(), build.service_row(2, uuid="old", deleted=2)),
        compute_nodes=(build.node_row(), build.node_row(6, uuid="older", deleted=6)),
    )
    neighbour = rows_of(
        CELL, "services", SERVICE_ROW | {"id": 4, "uuid": "other", "host": "NODE1"}
    )

    plan = plan_restore(past(before=replace(BEFORE, database=rows), saved=[]), present(neighbour))

    assert [t for t, _ in told(plan)] == [f"{CELL}: services 3", f"{CELL}: compute_nodes 8"]


def test_what_sql_purged_of_the_registration_comes_back_by_sql():
    """With its ids; the API is not asked for the same membership."""
    saved = images(API_DATABASE, host_mappings=[MAPPING_ROW], aggregate_hosts=[MEMBER_ROW])

    plan = plan_restore(past(saved=saved, done=()), present())

    (change,) = plan.changes
    assert change.target == f"{API_DATABASE}: host_mappings 7, aggregate_hosts 31"
    assert inserted(plan) == {"host_mappings": [MAPPING_ROW], "aggregate_hosts": [MEMBER_ROW]}


@pytest.mark.parametrize(
    ("table", "row", "left"),
    [
        ("host_mappings", MAPPING_ROW | {"id": 70}, []),
        ("host_mappings", MAPPING_ROW | {"id": 70, "cell_id": 1}, ["mapped to another cell"]),
        ("aggregate_hosts", MEMBER_ROW | {"id": 70}, []),
    ],
)
def test_the_same_registration_under_another_id_is_as_good(table, row, left):
    """discover_hosts or an operator was there before."""
    saved = images(API_DATABASE, host_mappings=[MAPPING_ROW], aggregate_hosts=[MEMBER_ROW])

    plan = plan_restore(past(saved=saved, done=()), present(rows_of(API_DATABASE, table, row)))

    assert table not in inserted(plan)
    assert [any(words in why for words in left) for _, why in told(plan)] == [True] * len(left)


@pytest.mark.parametrize("aggregates", [(), (replace(FAST, name="slow"),)])
def test_an_aggregate_that_is_gone_or_renamed_is_named(aggregates):
    """Its id may be another one's by now."""
    plan = plan_restore(past(), present(aggregates=aggregates))

    (left,) = plan.leftovers
    assert (left.kind, left.target) == ("aggregate", "5")
    assert left.remedy == "openstack aggregate add host AGGREGATE node1"
    assert not [c for c in plan.changes if c.step == "restore-aggregates"]


@pytest.mark.parametrize(
    "done",
    [
        pytest.param((), id="nothing"),
        pytest.param(DONE[:1], id="drained"),
        pytest.param(DONE[:3], id="stopped early"),
    ],
)
def test_memberships_that_the_run_did_not_take_are_not_restored(done):
    """Only nova's delete of the service takes the memberships: a drain takes none."""
    plan = plan_restore(past(done=done, saved=[]), present(aggregates=(FAST,)))

    assert not [c for c in plan.changes if c.step == "restore-aggregates"]
    assert not [x for x in plan.leftovers if x.kind == "aggregate"]


def test_a_purged_membership_of_an_aggregate_that_is_gone_is_named():
    """Its row would break the foreign key."""
    saved = images(API_DATABASE, aggregate_hosts=[MEMBER_ROW])
    was = replace(BEFORE, aggregates=())

    plan = plan_restore(past(before=was, saved=saved, done=()), present(aggregates=()))

    assert told(plan) == [(f"{API_DATABASE}: aggregate_hosts 31", "aggregate 5 is gone")]


@pytest.mark.parametrize(
    ("was", "now", "action"),
    [
        ("enabled", CLAIM, "enable"),
        ("disabled", CLAIM, "disable"),
        ("enabled", "broken fan", None),
        ("enabled", "nova-decom 20261123T041500Z-ffff by x@y: old", None),
    ],
)
def test_a_service_that_was_only_disabled_is_as_it_was(was, now, action):
    """A run that got no further; what somebody else wrote since stays."""
    service = build.service(status=was, disabled_reason="older" if was == "disabled" else None)
    facts = build.facts(service=build.service(status="disabled", disabled_reason=now))
    only_disabled = past(before=build.facts(service=service), done=DONE[:1], saved=[])

    plan = plan_restore(only_disabled, present(facts=facts))

    assert [c.action for c in plan.changes] == ([action] if action else [])


def test_without_databases_only_what_the_api_can_do_is_done():
    """The rows are named, and the way to bring them back; the host is not mapped."""
    plan = plan_restore(past(), without_databases())

    assert [c.step for c in plan.changes] == ["restore-aggregates"]
    assert len(plan.leftovers) == 3
    assert all("not one of the databases given" in why for _, why in told(plan))
    assert f"{RUN}.sql" in plan.leftovers[0].remedy
    assert any("discover_hosts" in thing for thing in plan.to_do)


def test_without_the_api_database_the_host_is_left_to_discover_hosts():
    """It looks only at compute nodes that are not mapped."""
    columns = {key: frozenset(TABLES[key]) for key in TABLES if key[0] == CELL}
    facts = build.absent(database=build.database(host_mapping=None))

    plan = plan_restore(past(), present(cells={}, columns=columns, facts=facts))

    assert inserted(plan)["compute_nodes"][0]["mapped"] == 0


def test_a_run_without_databases_saved_no_rows():
    """What nova soft-deleted then has no ids in the journal."""
    plan = plan_restore(past(before=replace(BEFORE, database=None), saved=[]), present())

    (left,) = plan.leftovers
    assert (left.kind, left.target) == ("rows", "node1")
    assert not [c for c in plan.changes if c.transaction]


def test_a_host_that_was_not_mapped_gets_no_mapping():
    """It had none before."""
    was = replace(BEFORE, database=build.database(host_mapping=None))

    assert "host_mappings" not in inserted(plan_restore(past(before=was), present()))


@pytest.mark.parametrize(
    ("what", "guard"),
    [
        ({"cells": {"other": 2}}, "same-cloud"),
        ({"cell_names": frozenset({"cell9"})}, "same-cloud"),
        ({"columns": {key: frozenset() for key in TABLES}}, "insert-rights"),
    ],
    ids=["cell of another uuid", "cell of another name", "no INSERT"],
)
def test_what_forbids_to_begin(what, guard):
    """Another cloud, or half of the rights: nothing is begun."""
    (blocked,) = plan_restore(past(), present(**what)).blocked

    assert (blocked.guard, blocked.verdict) == (guard, Verdict.BLOCKED)
    assert blocked.remedy


def test_a_journal_that_cannot_be_relied_on_forbids_to_begin():
    """A row of it may be missing, or somebody else's."""
    (blocked,) = plan_restore(past(), present(), "line 2 cannot be read").blocked

    assert blocked.message == f"the journal of run {RUN}: line 2 cannot be read"


def test_a_column_that_is_gone_is_named():
    """After an upgrade; a row without it would be another row."""
    columns = {key: frozenset(row) for key, row in TABLES.items()}
    columns[CELL, "compute_nodes"] -= {"ratio"}

    plan = plan_restore(past(), present(columns=columns))

    assert "no columns ratio any more" in dict(told(plan))[f"{CELL}: compute_nodes 8"]


def test_other_binaries_come_back_too():
    """--all-binaries took them; whoever starts them is told."""
    conductor = build.conductor(state="down")
    row = SERVICE_ROW | {"id": 5, "uuid": build.CONDUCTOR, "binary": "nova-conductor"}
    was = build.facts(other_services=(conductor,), database=build.WITH_CONDUCTOR)
    done = (("delete-service", "delete", build.CONDUCTOR),)

    plan = plan_restore(past(before=was, done=done, saved=images(services=[row])), present())

    assert [r["id"] for r in inserted(plan)["services"]] == [5]
    assert "start nova-conductor on node1" in plan.to_do


def test_what_nobody_can_put_back_is_named():
    """Providers, allocations, agents: what becomes of them, and what to type."""
    done = (
        *DONE,
        ("clear-allocations", "release", "consumer-1"),
        ("delete-agents", "delete", build.AGENT),
        ("some-later-step", "x", "y"),
    )

    to_do = " | ".join(plan_restore(past(done=done), present()).to_do)

    assert "systemctl enable --now nova-compute" in to_do
    assert f"resource provider {build.NODE} (node1) is made again" in to_do
    assert "nova-manage placement sync_aggregates" in to_do
    assert "allocations of consumer-1 were released" in to_do
    assert "neutron-openvswitch-agent on node1 registers again" in to_do


def test_less_is_to_be_done_when_the_host_is_up():
    """It has made its provider, and its agent has come back."""
    facts = build.facts(agents=(build.agent(),))
    done = (*DONE, ("delete-agents", "delete", build.AGENT))

    assert plan_restore(past(done=done), present(facts=facts)).to_do == ()


def test_a_run_that_did_not_look_at_the_host_took_nothing():
    """It was refused, or killed before."""
    assert saved_host(record(before=None), "node1") is None


def test_rows_of_tables_that_we_do_not_know_are_left():
    """A later version of the program may save more."""
    assert past(saved=images(shadow=[{"id": 1}]), done=()).rows == ()


def test_a_host_in_no_aggregate_has_none_to_mirror():
    """Nothing is said of what does not concern it."""
    was = replace(BEFORE, aggregates=())

    plan = plan_restore(past(before=was), present(aggregates=(Aggregate(1, "x"),)))

    assert not [t for t in plan.to_do if "aggregates" in t]


def test_memberships_of_the_database_are_no_memberships_of_the_api():
    """Facts of the run keep both; only those that nova told are asked back from nova."""
    was = replace(
        BEFORE,
        aggregates=(),
        database=build.database(aggregate_hosts=(AggregateHostRow(31, 5),)),
    )

    assert past(before=was).aggregates == ()


EVACUATION = {
    "id": 41,
    "uuid": "of the evacuation",
    "source_compute": "node1",
    "status": "done",
    "updated_at": "2026-11-23T04:15:00",
}
CLOSED = EVACUATION | {"status": "completed", "updated_at": "2026-11-24T04:15:00"}


@pytest.mark.parametrize(
    ("saved", "now", "writes"),
    [
        (EVACUATION, [CLOSED], 1),
        (EVACUATION, [CLOSED | {"status": "error"}], 0),
        (EVACUATION, [EVACUATION], 0),
        (CLOSED, [CLOSED], 0),
        (EVACUATION, [], 0),
        (EVACUATION, [CLOSED | {"source_compute": "node2"}], 0),
    ],
    ids=["closed", "changed since", "open", "was closed", "archived", "another row"],
)
def test_evacuations_that_the_run_closed_are_opened_again(saved, now, writes):
    """By primary key, if the row still is as the run left it; no row is inserted."""
    columns = {key: frozenset(row) for key, row in TABLES.items()}
    columns[CELL, "migrations"] = frozenset()
    there = present(rows_of(CELL, "migrations", *now), columns=columns)

    plan = plan_restore(past(done=(), saved=images(migrations=[saved])), there)

    transactions = [c.transaction for c in plan.changes if c.transaction is not None]
    assert len(transactions) == writes
    for transaction in transactions:
        image, write = transaction.statements
        assert image.sql == "SELECT * FROM migrations WHERE id IN (%s) FOR UPDATE"
        assert "`status` = 'done'" in write.text
        assert write.text.endswith(
            "WHERE id = 41 AND `source_compute` <=> 'node1' AND `status` <=> 'completed'"
        )
