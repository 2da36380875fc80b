# SPDX-License-Identifier: Apache-2.0
"""The journal of a run that removed node1, and a cloud to put it back into."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from nova_decom.apply.observers import state_before
from nova_decom.model.cloud import Aggregate
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.rows import DatabaseFacts, HostMappingRow
from nova_decom.model.sql import API_DATABASE
from nova_decom.restore.current import CurrentHost
from nova_decom.restore.providers import BARE
from nova_decom.restore.saved import saved_host
from nova_decom.state.journal_reader import Record
from tests.unit import build

RUN = "20261123T041500Z-7f3a"
CLAIM = f"nova-decom {RUN} by ops@jump: old"
CELL_UUID = "uuid-of-cell1"
CLOUD = CloudIdentity.of("https://keystone.example/v3", "RegionOne")
SERVICE_ROW = {
    "id": 3,
    "uuid": build.SERVICE,
    "host": "node1",
    "binary": "nova-compute",
    "disabled": 1,
    "disabled_reason": CLAIM,
    "deleted": 3,
    "deleted_at": "2026-11-23 04:15:30",
}
NODE_ROW = {
    "id": 8,
    "uuid": build.NODE,
    "host": "node1",
    "hypervisor_hostname": "node1",
    "mapped": 0,
    "ratio": 0.1,
    "deleted": 8,
    "deleted_at": "2026-11-23 04:15:30",
}
PCI_ROW = {"id": 21, "compute_node_id": 8, "address": "0000:01:00.0", "deleted": 0}
MAPPING_ROW = {"id": 7, "host": "node1", "cell_id": 2}
MEMBER_ROW = {"id": 31, "host": "node1", "aggregate_id": 5}
CELL_ROWS = {
    "services": [SERVICE_ROW],
    "compute_nodes": [NODE_ROW],
    "pci_devices": [PCI_ROW],
}
BEFORE = build.facts(
    aggregates=(build.aggregate(),),
    agents=(build.agent(),),
    database=build.database(compute_nodes=(build.node_row(mapped=1),)),
)
DONE = (
    ("disable-service", "disable", build.SERVICE),
    ("stop-service", "stop", "node1"),
    ("stop-service", "prove", build.SERVICE),
    ("delete-service", "delete", build.SERVICE),
)
FAST = Aggregate(5, "fast", ("node2",))


def image(cell, table, *rows):
    """Rows that were saved."""
    return {"event": "before-image", "host": "node1", "cell": cell, "table": table, "rows": rows}


def saved_tree(*providers):
    """Resource providers that were saved before nova deleted them."""
    path = f"/resource_providers?in_tree={build.NODE}"
    told = {"event": "before-image", "host": "node1", "cell": None, "database": "placement"}
    return [told | {"table": path, "rows": list(providers)}]


def images(cell=build.CELL, **tables):
    """Rows of several tables that were saved."""
    return [image(cell, table, *rows) for table, rows in tables.items()]


def record(before=BEFORE, done=DONE, saved=None, **header):
    """What the journal holds after a complete removal, unless told otherwise."""
    head = {"command": "remove", "hosts": ["node1"], "cloud": CLOUD.dump()}
    events = [{"event": "header"} | head | header]
    if before is not None:
        # As the journal gives it: plain data.
        events.append({"event": "before", "host": "node1", "facts": plain(state_before(before))})
    for step, action, target in done:
        told = {"step": step, "action": action, "target": target, "detail": "", "rows": None}
        events += [{"event": kind, "host": "node1", **told} for kind in ("started", "done")]
    events += images(**CELL_ROWS) if saved is None else saved
    return Record(RUN, tuple(events))


def plain(value):
    """What JSON makes of it."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value


def past(**what):
    """What such a run took of the host."""
    return saved_host(record(**what), "node1")


TABLES = {
    (build.CELL, "services"): SERVICE_ROW,
    (build.CELL, "compute_nodes"): NODE_ROW,
    (build.CELL, "pci_devices"): PCI_ROW,
    (API_DATABASE, "host_mappings"): MAPPING_ROW,
    (API_DATABASE, "aggregate_hosts"): MEMBER_ROW,
}


def present(rows=None, **what):
    """A cloud in which nothing is left of the host."""
    known = {
        "facts": build.absent(),
        "rows": {key: tuple(found) for key, found in (rows or {}).items()},
        "columns": {key: frozenset(row) for key, row in TABLES.items()},
        "aggregates": (FAST,),
        "cells": {CELL_UUID: 2},
        "cell_names": frozenset({build.CELL}),
        "cloud": CLOUD,
    }
    return CurrentHost(**known | what)


def rows_of(place, table, *rows):
    """Rows of one table, as ``present`` takes them."""
    return {(place, table): rows}


def without_databases(**what):
    """The same, when no database is given."""
    nothing = {"columns": {}, "cells": {}, "cell_names": frozenset()}
    return present(facts=build.absent(database=None), **nothing | what)


@dataclass
class FakeRestoringCloud:
    """Rows in memory behind our own protocol; each write is noted, and may fail or do nothing."""

    now: CurrentHost = field(default_factory=present)
    writes: list[str] = field(default_factory=list)
    failures: dict[int, Exception] = field(default_factory=dict)
    ignores: bool = False

    def present(self, _past):
        """As it is now."""
        return self.now

    def run(self, transaction):
        """The inserts of one transaction."""
        self._write(f"run {transaction.cell}")
        for statement in transaction.writes:
            self._do(transaction.cell, statement)

    def send(self, call):
        """Membership of an aggregate, or the state of a service."""
        match call.path.split("/")[1:]:
            case ["os-aggregates", aggregate, "action"]:
                return self._add(aggregate, call.body["add_host"]["host"])
            case ["resource_providers"]:
                return self._create(call.body)
            case ["resource_providers", uuid, part]:
                return self._set_part(uuid, part, call.body)
            case ["os-services", service]:
                return self._set(service, call.body["status"], call.body.get("disabled_reason"))
        raise AssertionError(f"not a request of a restore: {call}")

    def _add(self, aggregate, host):
        self._write(f"add {host} to {aggregate}")
        if not self.ignores:
            (found,) = [a for a in self.now.aggregates if str(a.id) == aggregate]
            more = replace(found, hosts=(*found.hosts, host))
            self.now = replace(self.now, aggregates=(more,))
        return "req-1"

    def _create(self, body):
        self._write(f"create {body['name']}")
        parent = body.get("parent_provider_uuid")
        assert parent is None or parent in self.now.providers
        root = self.now.providers[parent]["root_provider_uuid"] if parent else body["uuid"]
        known = {"parent_provider_uuid": parent, "root_provider_uuid": root}
        self._keep(body["uuid"], body | known | BARE)
        return "req-3"

    def _set_part(self, uuid, part, body):
        self._write(f"{part} of {uuid}")
        now = self.now.providers[uuid]
        assert body["resource_provider_generation"] == now["generation"]
        self._keep(uuid, now | {part: body[part], "generation": now["generation"] + 1})
        return "req-4"

    def _keep(self, uuid, provider):
        if not self.ignores:
            self.now = replace(self.now, providers={**self.now.providers, uuid: provider})

    def _set(self, service, status, reason):
        self._write(f"{status} {service} {reason}")
        facts = self.now.facts
        found = replace(facts.service, status=status, disabled_reason=reason)
        self.now = replace(self.now, facts=replace(facts, services=(found,)))
        return "req-2"

    def _do(self, cell, statement):
        if self.ignores:
            return
        table = statement.sql.split()[2]
        assert statement.sql.startswith("INSERT")
        names = statement.sql.split("(")[1].split(")")[0].replace("`", "").split(", ")
        row = dict(zip(names, statement.params, strict=True))
        rows = {**self.now.rows, (cell, table): (*self.now.of(cell, table), row)}
        self.now = replace(self.now, rows=rows)
        if table == "host_mappings":
            database = DatabaseFacts(host_mapping=HostMappingRow(7, CELL_UUID))
            self.now = replace(self.now, facts=replace(self.now.facts, database=database))

    def _write(self, what):
        self.writes.append(what)
        if failure := self.failures.get(len(self.writes)):
            raise failure
