# SPDX-License-Identifier: Apache-2.0
"""The rows of hosts, kept, and put back after a removal: their next removal can be measured.

Only for hosts whose nova-compute is stopped and that have no servers.
"""

from collections.abc import Sequence

from tests.lab import Lab

KEPT = "bench"
PROVIDERS = "SELECT id FROM placement.resource_providers WHERE name IN ({})"
#: Table -> which of its rows are a host's; parents before children.
TABLES = {
    "nova.services": "host IN ({})",
    "nova.compute_nodes": "host IN ({})",
    "nova_api.host_mappings": "host IN ({})",
    "placement.resource_providers": "name IN ({})",
    "placement.inventories": f"resource_provider_id IN ({PROVIDERS})",
    "placement.resource_provider_traits": f"resource_provider_id IN ({PROVIDERS})",
}


class Photograph:
    def __init__(self, lab: Lab, hosts: Sequence[str]) -> None:
        """Keep the rows as they are now."""
        self._lab = lab
        self._hosts = tuple(hosts)
        self._run(f"DROP DATABASE IF EXISTS {KEPT}", f"CREATE DATABASE {KEPT}")
        for table, rows in TABLES.items():
            self._run(f"CREATE TABLE {_kept(table)} AS SELECT * FROM {table} WHERE {rows}")

    def put_back(self) -> None:
        """Exactly the kept rows, whatever was left of them."""
        gone = [f"DELETE FROM {table} WHERE {rows}" for table, rows in TABLES.items()]
        back = [f"INSERT INTO {table} SELECT * FROM {_kept(table)}" for table in TABLES]
        self._run("SET FOREIGN_KEY_CHECKS = 0", *reversed(gone), *back)

    def _run(self, *statements: str) -> None:
        marks = ", ".join(["%s"] * len(self._hosts))
        with self._lab.sql("nova") as connection, connection.cursor() as cursor:
            for statement in statements:
                needs = "{}" in statement
                cursor.execute(statement.format(marks), self._hosts if needs else None)


def _kept(table: str) -> str:
    return f"{KEPT}.{table.replace('.', '_')}"
