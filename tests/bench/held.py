# SPDX-License-Identifier: Apache-2.0
"""Which locks a removal's transactions hold, and who would have to wait for them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nova_decom.model.request import Rows
from nova_decom.model.sql import API_DATABASE, Transaction
from tests.bench.fill import PREFIX, STATES, Sizes, name
from tests.bench.locks import locked_rows_of_others, locks_of, waits
from tests.bench.removal import keep_nothing, transactions, undone
from tests.bench.table import markdown, say
from tests.database.conftest import Nova

SERVER = (
    "INSERT INTO instances (uuid, host, node, deleted, cleaned) "
    "VALUES ('landing', '{0}', '{0}', 0, 0)"
)
SERVICE = (
    "INSERT INTO services (host, `binary`, topic, report_count, deleted) "
    "VALUES ('{0}', 'nova-compute', 'compute', 0, 0)"
)
NODE = (
    "INSERT INTO compute_nodes (host, hypervisor_hostname, vcpus, memory_mb, local_gb, "
    "vcpus_used, memory_mb_used, local_gb_used, hypervisor_type, hypervisor_version, cpu_info, "
    "deleted) VALUES ('{0}', '{0} 2', 1, 1, 1, 0, 0, 0, 'QEMU', 1, '', 0)"
)
MAPPING = (
    "INSERT INTO nova_api.host_mappings (cell_id, host) "
    "SELECT id, '{0}' FROM nova_api.cell_mappings WHERE name = 'cell1'"
)
MEMBER = (
    "INSERT INTO nova_api.aggregate_hosts (host, aggregate_id) "
    "SELECT '{0}', MAX(id) FROM nova_api.aggregates"
)
#: What another session may want meanwhile. Of a name, "before" and "after" are the hosts beside
#: the one that is removed, "between" are new names directly beside it.
ATTEMPTS: Mapping[str, str] = {
    "heartbeat of the host before": "UPDATE services SET report_count = 1 WHERE id = {n} - 1",
    "heartbeat of the host after": "UPDATE services SET report_count = 1 WHERE id = {n} + 1",
    "resource report of the host before": (
        "UPDATE compute_nodes SET vcpus_used = 1 WHERE id = {n} - 1"
    ),
    "resource report of the host after": (
        "UPDATE compute_nodes SET vcpus_used = 1 WHERE id = {n} + 1"
    ),
    "a server lands on the host before, where none was deleted yet": SERVER.format("{before}"),
    "a server lands on the host after": SERVER.format("{after}"),
    "the first server lands on a new host whose name is directly after": SERVER.format(
        "{host}-new"
    ),
    "a server lands on a host farther away": SERVER.format("{far}"),
    "the first server of the host before is deleted": (
        "UPDATE instances SET deleted = id WHERE id = {server_before}"
    ),
    "a server of the host after is deleted": (
        "UPDATE instances SET deleted = id WHERE id = {server_after}"
    ),
    "a migration from the host before to the host after": (
        "INSERT INTO migrations (source_compute, dest_compute, status, deleted) "
        "VALUES ('{before}', '{after}', 'queued', 0)"
    ),
    "a new host whose name is directly before: service": SERVICE.format("{before}-new"),
    "a new host whose name is directly after: service": SERVICE.format("{host}-new"),
    "a new host farther away: service": SERVICE.format("{far}-new"),
    "a new host whose name is directly before: compute node": NODE.format("{before}-new"),
    "a new host whose name is directly after: compute node": NODE.format("{host}-new"),
    "a new host farther away: compute node": NODE.format("{far}-new"),
    "a new PCI device of the host before": (
        "INSERT INTO pci_devices (compute_node_id, address, product_id, vendor_id, dev_type, "
        "label, status, deleted) VALUES ({n} - 1, '0000:99:00.0', '1', '1', 't', 'l', 'a', 0)"
    ),
    "a new PCI device of the host after": (
        "INSERT INTO pci_devices (compute_node_id, address, product_id, vendor_id, dev_type, "
        "label, status, deleted) VALUES ({n} + 1, '0000:99:00.0', '1', '1', 't', 'l', 'a', 0)"
    ),
    "a new host whose name is directly before: host mapping": MAPPING.format("{before}-new"),
    "a new host whose name is directly after: host mapping": MAPPING.format("{host}-new"),
    "a new host farther away: host mapping": MAPPING.format("{far}-new"),
    "the host before joins an aggregate": MEMBER.format("{before}"),
    "the host after joins an aggregate": MEMBER.format("{after}"),
    "a server lands on the host itself": SERVER.format("{host}"),
    "nova-compute of the host itself registers": SERVICE.format("{host}"),
}


def show(nova: Nova, sizes: Sizes) -> list[str]:
    """Print the locks of hosts in each state, and who waits; the locks that may not be."""
    ghosts = [sizes.ghosts(state)[0] for state in STATES]
    held, problems = all_locks(nova, ghosts)
    markdown("Locks of a removal", ("table", "index", "lock", "record"), held)
    say(
        "\nFor IX on a table only ALTER TABLE and LOCK TABLES wait.\n"
        "A gap is what lies between two neighbours of an index. It is locked up to the record "
        "that the table names, of the host itself or of another: nothing can be put in there, by "
        "INSERT or by UPDATE of an indexed column. Nobody is kept from the records themselves."
    )
    seen = [at_commit(nova, ghost) for ghost in ghosts]
    rows = [
        (what, *("waits" if what in s.waiting else "at once" for s in seen)) for what in ATTEMPTS
    ]
    markdown(
        "What others can do before the COMMIT of a removal; the host was", ("", *STATES), rows
    )
    return problems + [problem for s in seen for problem in s.problems]


def all_locks(nova: Nova, hosts: Sequence[str]) -> tuple[list[tuple[str, ...]], list[str]]:
    """The locks of all transactions, each kind once, and which are on records of other hosts."""
    kinds: set[tuple[str, ...]] = set()
    problems = []
    for transaction in _all(nova, hosts):
        for lock in locks_of(nova.server, _database(transaction), transaction):
            kinds.add((lock.table, lock.index, lock.kind, lock.whose(transaction.host)))
            if lock.is_foreign(transaction.host):
                problems.append(f"a lock of the removal of {transaction.host}: {lock}")
    return sorted(kinds), problems


@dataclass
class AtCommit:
    """Who waits, of ``ATTEMPTS``, and which rows of others are locked."""

    waiting: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def at_commit(nova: Nova, host: str) -> AtCommit:
    """What others see while each transaction of the host's removal stands before its COMMIT."""
    seen = AtCommit()
    attempts = _attempts(nova, host)

    def look(transaction: Transaction) -> None:
        database = _database(transaction)
        locked = locked_rows_of_others(nova.server, database, host)
        seen.problems.extend(f"the removal of {host} locks {rows}" for rows in locked)
        trying = attempts.items()
        seen.waiting |= {what for what, sql in trying if waits(nova.server, "nova", sql)}

    with undone(nova, look) as databases:
        for transaction in transactions(databases.facts([host]), host):
            databases.run(transaction, keep_nothing)
    return seen


def _attempts(nova: Nova, host: str) -> dict[str, str]:
    """For the hosts beside this one; their numbers are the ids of service and compute node."""
    number = int(host.removeprefix(PREFIX))
    before, after, far = (name(number + step) for step in (-1, 1, 10))
    a_server = "SELECT MIN(id) AS id FROM nova.instances WHERE host = %s AND deleted = 0"
    ids = [nova.cell.query(a_server, beside)[0]["id"] for beside in (before, after)]
    words = {
        "host": host,
        "before": before,
        "after": after,
        "far": far,
        "n": number,
        "server_before": ids[0],
        "server_after": ids[1],
    }
    return {what: sql.format(**words) for what, sql in ATTEMPTS.items()}


def _all(nova: Nova, hosts: Sequence[str]) -> Iterator[Transaction]:
    with undone(nova) as databases:
        found = databases.facts(hosts)
    for rows in (Rows.PURGE, Rows.KEEP):
        for host in hosts:
            yield from transactions(found, host, rows)


def _database(transaction: Transaction) -> str:
    return "nova_api" if transaction.cell == API_DATABASE else "nova"
