# SPDX-License-Identifier: Apache-2.0
"""The answers of nova's API, and one way to send a change.

Raw calls with pinned microversions: the SDK's own list of hypervisors asks at 2.88, at which
nova calls every compute host for its uptime (nova 34.0.0 api/openstack/compute/hypervisors.py:98).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nova_decom.clients.openstack.api import Api
from nova_decom.model.api_call import AGGREGATES, SERVICES, ApiCall
from nova_decom.model.cloud import (
    Aggregate,
    ComputeNode,
    ComputeService,
    Migration,
    Server,
    ServerGroup,
)

#: Microversions of what is only read. Server groups have one policy from 2.64.
HYPERVISORS, SERVERS, MIGRATIONS, GROUPS = "2.53", "2.53", "2.59", "2.64"
PAGE = "1000"
#: So many of the newest migrations hold those in progress of any host that is being emptied.
NEWEST = "300"
#: The statuses of migrations that are not over; the API filters by one status at a time.
ACTIVE_MIGRATIONS = (
    "accepted",
    "pre-migrating",
    "queued",
    "preparing",
    "migrating",
    "running",
    "post-migrating",
    "finished",
    "confirming",
    "reverting",
)


class Compute:
    """Nova's API."""

    def __init__(self, api: Api) -> None:
        """Use this connection."""
        self._api = api

    def newest_microversion(self) -> str | None:
        """The newest compute microversion of the cloud; None when it has none."""
        return self._api.newest("compute")

    def services(self, host: str | None = None) -> tuple[ComputeService, ...]:
        """All services of the cloud, or those of exactly one host."""
        params = {} if host is None else {"host": host}
        body = self._api.get("compute", "/os-services", SERVICES, **params)
        found = (_service(entry) for entry in body["services"])
        return tuple(s for s in found if host in {None, s.host})

    def compute_nodes(self) -> tuple[ComputeNode, ...]:
        """All compute nodes whose service lives; nova hides the others here."""
        entries = self._api.pages(
            "compute", "/os-hypervisors/detail", ("hypervisors", "id"), HYPERVISORS, limit=PAGE
        )
        return tuple(
            ComputeNode(
                uuid=entry["id"],
                host=entry["service"]["host"],
                hypervisor_hostname=entry["hypervisor_hostname"],
                hypervisor_type=entry.get("hypervisor_type") or "",
            )
            for entry in entries
        )

    def servers(self, **filters: str) -> tuple[Server, ...]:
        """All servers of the cloud; SOFT_DELETED ones too.

        ``soft_deleted`` is the only filter that shows both kinds.
        """
        params = {"all_tenants": "True", "soft_deleted": "True", "limit": PAGE} | filters
        entries = self._api.pages(
            "compute", "/servers/detail", ("servers", "id"), SERVERS, **params
        )
        return tuple(_server(entry) for entry in entries)

    def servers_of(self, hosts: Iterable[str]) -> tuple[Server, ...]:
        """The servers of exactly these hosts, by one call for each.

        A token that is not an admin's loses the filter without a word (nova 34.0.0
        api/openstack/compute/servers.py:1600), so the host is compared again here.
        """
        return tuple(s for host in hosts for s in self.servers(host=host) if s.host == host)

    def migrations(self) -> tuple[Migration, ...]:
        """All migrations of the cloud that are not over, by one call for each such status."""
        found = [m for status in ACTIVE_MIGRATIONS for m in self._migrations(status=status)]
        return tuple({m.id: m for m in found}.values())

    def migrations_of(self, hosts: Iterable[str]) -> tuple[Migration, ...]:
        """Migrations to or from exactly these hosts, over or not, by one call for each."""
        found = [
            m
            for host in hosts
            for m in self._migrations(host=host)
            if host in {m.source, m.destination}
        ]
        return tuple({m.id: m for m in found}.values())

    def _migrations(self, **filters: str) -> tuple[Migration, ...]:
        entries = self._api.pages(
            "compute", "/os-migrations", ("migrations", "uuid"), MIGRATIONS, limit=PAGE, **filters
        )
        return tuple(_migration(e) for e in entries)

    def newest_migrations(self, host: str) -> tuple[Migration, ...]:
        """The newest migrations to or from exactly this host, over or not, in one call.

        Nova sorts by creation, the newest first (nova 34.0.0 db/main/api.py, migration_get_all).
        """
        params = {"host": host, "limit": NEWEST}
        body = self._api.get("compute", "/os-migrations", MIGRATIONS, **params)
        found = (_migration(entry) for entry in body["migrations"])
        return tuple(m for m in found if host in {m.source, m.destination})

    def server_groups(self) -> tuple[ServerGroup, ...]:
        """The server groups of all projects, members that were deleted left out by nova."""
        found: list[ServerGroup] = []
        while True:
            params = {"all_projects": "True", "limit": PAGE, "offset": str(len(found))}
            entries = self._api.get("compute", "/os-server-groups", GROUPS, **params)
            page = entries["server_groups"]
            found += [_group(entry) for entry in page]
            if len(page) < int(PAGE):
                return tuple(found)

    def server(self, server: str) -> Server | None:
        """A server, its host "" if it is on none; None when nova has no such server."""
        body = self._api.find("compute", f"/servers/{server}", SERVERS)
        return None if body is None else _server(body["server"])

    def aggregates(self) -> tuple[Aggregate, ...]:
        """All host aggregates with their members."""
        body = self._api.get("compute", "/os-aggregates", AGGREGATES)
        return tuple(
            Aggregate(a["id"], a["name"], tuple(a["hosts"]), tuple(sorted(a["metadata"].items())))
            for a in body["aggregates"]
        )

    def send(self, call: ApiCall) -> str | None:
        """Send one request that changes something; its request id."""
        return self._api.send(call)


def _service(entry: Mapping[str, Any]) -> ComputeService:
    identity = entry.get("id")
    return ComputeService(
        id=None if identity is None else str(identity),
        binary=entry["binary"],
        host=entry["host"],
        zone=entry.get("zone"),
        status=entry["status"],
        state=entry.get("state"),
        forced_down=bool(entry.get("forced_down")),
        disabled_reason=entry.get("disabled_reason"),
        updated_at=entry.get("updated_at"),
    )


def _server(entry: Mapping[str, Any]) -> Server:
    return Server(
        id=entry["id"],
        name=entry["name"],
        host=entry.get("OS-EXT-SRV-ATTR:host") or "",
        status=entry["status"],
        task_state=entry.get("OS-EXT-STS:task_state"),
        locked=bool(entry.get("locked")),
        extra_specs=tuple(sorted((entry["flavor"].get("extra_specs") or {}).items())),
    )


def _group(entry: Mapping[str, Any]) -> ServerGroup:
    # Before 2.64 a list of one policy.
    policy = entry.get("policy") or next(iter(entry.get("policies") or []), "")
    return ServerGroup(entry["name"], policy, tuple(entry["members"]))


def _migration(entry: Mapping[str, Any]) -> Migration:
    return Migration(
        id=entry["id"],
        uuid=entry.get("uuid") or "",
        server=entry["instance_uuid"],
        status=entry["status"],
        type=entry.get("migration_type") or "unknown",
        source=entry["source_compute"],
        destination=entry["dest_compute"],
        created_at=entry.get("created_at"),
    )
