# SPDX-License-Identifier: Apache-2.0
"""What must hold of every scenario: the plan comes true, and nobody else is touched."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from nova_decom.cli.context import Context
from nova_decom.cli.given import GivenOptions
from nova_decom.model.host import HostFacts
from nova_decom.plan.planner import make_plan
from tests.cli.run import NovaDecom, Ran
from tests.cli.snapshot import Snapshot
from tests.lab import Lab
from tests.lab.cells import Cell
from tests.lab.computes import Host
from tests.scenarios.calls import placement, rows
from tests.scenarios.states import REFUGE

#: One in each cell. In the first cell, servers that leave a scenario's host land on it, so its
#: records witness that none is hurt.
NEIGHBOURS = (REFUGE, f"{REFUGE}-cell2")
SETTLE = "2"
#: What of a neighbour's compute node and servers nobody but its operator changes.
STEADY = {
    "compute_nodes": "SELECT id, uuid, host, hypervisor_hostname, service_id, deleted, mapped, "
    "created_at, deleted_at, vcpus, memory_mb, local_gb FROM compute_nodes WHERE host = %s",
    "instances": "SELECT * FROM instances WHERE host = %s AND deleted = 0",
}
#: Servers that a new nova-compute of the host could destroy.
EVACUATED = (
    "SELECT m.id FROM migrations m JOIN instances i ON i.uuid = m.instance_uuid AND i.deleted = 0 "
    "WHERE m.source_compute = %s AND m.migration_type = 'evacuation' AND m.status = 'done'"
)
#: The options that say what belongs to the host, and not how it is removed.
OF_VERIFY = ("host_alias", "all_binaries", "keep_agents", "rows")


def bring_to_clean(decom: NovaDecom, host: str, **options: Any) -> Ran:
    """Plan, remove and verify the host; what was promised holds, and a second run does nothing.

    ``options`` are those of ``remove``, by their Python names. What ``remove`` said is returned.
    """
    given = [text for name, value in options.items() for text in _as_typed(name, value)]
    before = witness(decom.lab)
    promised = make_plan(_facts(decom, host, options)).result

    ran = decom.remove(host, "--settle", SETTLE, *given)

    assert ran.code == 0, ran.shown
    assert ran.host["result"] == "removed"
    assert ran.json["changed"] is True
    assert_same(comparable(_facts(decom, host, options)), comparable(promised))
    with ThreadPoolExecutor() as pool:
        # Neither changes anything, so they need not wait for each other.
        verifying = pool.submit(decom, "verify", host, "-f", "json", *_of_verify(options))
        again = decom.remove(host, *given)
    verified = verifying.result()
    assert verified.code == 0, verified.shown
    unmet = [c["name"] for c in verified.host["readd"]["conditions"] if c["met"] != "met"]
    evacuations = ["evacuations"] if rows(decom.lab, "nova", EVACUATED, host) else []
    assert unmet == [*evacuations, "message-queue"], verified.out
    assert (again.code, again.json["changed"], again.host["result"]) == (0, False, "unchanged")
    assert_same(witness(decom.lab), before)
    if options.get("rows") != "keep" and not ran.host["kept"]:
        assert Snapshot(decom.lab).traces_of(host) == set()
    return ran


def refuse(decom: NovaDecom, host: str, *arguments: str) -> Ran:
    """A refusal: exit 4, and no row of the host nor of anybody else has changed."""
    snapshot = Snapshot(decom.lab)
    before = (snapshot.rows_of(host), witness(decom.lab))

    ran = decom.remove(host, *arguments)

    assert ran.code == 4, ran.shown
    assert (ran.host["result"], ran.json["changed"]) == ("refused", False)
    assert_same((snapshot.rows_of(host), witness(decom.lab)), before)
    return ran


def comes_back(lab: Lab, host: str, *, as_new_machine: bool = True) -> None:
    """A machine of the name starts, is mapped, and a server boots on it."""
    if as_new_machine:
        lab.wipe_compute(host)
    lab.start_compute(host)
    lab.delete_servers(*lab.create_servers(1, on=host))


def neighbours(lab: Lab) -> list[Host]:
    """The neighbour in each cell that the lab has."""
    return [host for host in lab.hosts.all() if host.name in NEIGHBOURS]


def witness(lab: Lab) -> dict[str, Any]:
    """Every row that names a neighbour, and what placement tells of it.

    Left out is what a living nova writes by itself (usage, deleted servers), and the generations
    of provider and consumers: placement counts them up when a server that lives there gives up
    what it held elsewhere.
    """
    return {
        f"{neighbour.name}: {what}": seen
        for neighbour in neighbours(lab)
        for what, seen in _witness(lab, neighbour.name, neighbour.cell).items()
    }


def _witness(lab: Lab, neighbour: str, cell: Cell) -> dict[str, Any]:
    found: dict[str, Any] = dict(Snapshot(lab).rows_of(neighbour))
    for table, statement in STEADY.items():
        found[f"{cell.database}.{table}"] = lab.cell_sql(cell.name, statement, neighbour)
    found.pop("placement.resource_providers")
    (provider,) = placement(lab, "GET", f"/resource_providers?name={neighbour}")[
        "resource_providers"
    ]
    path = f"/resource_providers/{provider['uuid']}"
    for part in ("inventories", "allocations", "traits", "aggregates"):
        found[part] = placement(lab, "GET", f"{path}/{part}")[part]
    for held in found["allocations"].values():
        held.pop("consumer_generation")
    provider.pop("generation")
    return found | {"provider": provider}


def comparable(facts: HostFacts) -> HostFacts:
    """The facts without the cell's name, which is read from rows that may be gone."""
    if facts.database is None:
        return facts
    return replace(facts, database=replace(facts.database, cell=None, cells_naming_host=()))


def assert_same(real: object, expected: object) -> None:
    """Equality, with the parts that differ in the message."""
    if real != expected:
        ours, theirs = _parts(real), _parts(expected)
        names = sorted({*ours, *theirs})
        differing = [n for n in names if ours.get(n) != theirs.get(n)]
        told = [f"{n}:\n  real     {ours.get(n)}\n  expected {theirs.get(n)}" for n in differing]
        raise AssertionError("\n".join(told))


def _parts(thing: object) -> dict[str, object]:
    if isinstance(thing, HostFacts):
        return {name: getattr(thing, name) for name in thing.__dataclass_fields__}
    if isinstance(thing, dict):
        return thing
    return {"whole": thing}


def _facts(decom: NovaDecom, host: str, options: dict[str, Any]) -> HostFacts:
    """The facts as the program reads them, in this process."""
    given = GivenOptions()
    for name, value in {**options, "state_dir": str(decom.state_dir)}.items():
        given.put(name, value, 2)
    with _environment(decom.lab.env()):
        return Context(given).reading().facts(host)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    with patch.dict(os.environ, values):
        yield


def _of_verify(options: dict[str, Any]) -> list[str]:
    return [t for name in OF_VERIFY if name in options for t in _as_typed(name, options[name])]


def _as_typed(name: str, value: Any) -> list[str]:
    option = f"--{name.replace('_', '-')}"
    if value is True:
        return [option]
    values = value if isinstance(value, tuple) else (value,)
    return [text for v in values for text in (option, str(v))]
