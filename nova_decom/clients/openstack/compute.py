# SPDX-License-Identifier: Apache-2.0
"""The answers of nova's API, and one way to send a change.

Raw calls with pinned microversions: the SDK's own list of hypervisors asks at 2.88, at which
nova calls every compute host for its uptime (nova 34.0.0 api/openstack/compute/hypervisors.py:98).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nova_decom.clients.openstack.api import Api
from nova_decom.clients.openstack.listing import PAGE, Entry, Paging, read_list
from nova_decom.errors import MissingRightError
from nova_decom.model.api_call import SERVICES, ApiCall
from nova_decom.model.cloud import (
    Aggregate,
    ComputeNode,
    ComputeService,
    LiveProgress,
    Migration,
    Server,
    ServerGroup,
    distinct,
)

#: Microversions of what is only read. Servers show the zone to which they are pinned from 2.96
#: and the properties of their image from 2.98, server groups one policy and its rules from 2.64.
HYPERVISORS, SERVERS, MIGRATIONS, GROUPS = "2.53", "2.98", "2.59", "2.64"
SHARES = "2.97"
#: Live migrations in progress show what they have left from 2.23.
LIVE_PROGRESS = "2.23"
#: The newest migrations of a host, among which those in progress of a host being emptied are.
NEWEST = "300"
#: Nova's newest microversion in release 24 (Xena), after those that answer 500 to the DELETE of a
#: service without compute node (17 to 22.2, and 23.0).
DELETES_WITHOUT_NODE = "2.90"
HOST, TASK_STATE = "OS-EXT-SRV-ATTR:host", "OS-EXT-STS:task_state"
PINNED_ZONE = "pinned_availability_zone"
#: Fields of servers -> the right (policy) without which nova leaves them out.
SERVER_RIGHTS = {
    HOST: "os_compute_api:os-extended-server-attributes",
    TASK_STATE: "os_compute_api:os-extended-status",
}
#: Nova 32 and newer shows the hosts of migrations by this right only.
MIGRATION_HOST_RIGHT = "os_compute_api:os-migrations:index:host"
#: Shows the uuids of aggregates.
AGGREGATE_UUIDS = "2.41"


class Compute:
    """Nova's API."""

    def __init__(self, api: Api) -> None:
        """Use this connection."""
        self._api = api

    def newest_microversion(self) -> str | None:
        """The newest compute microversion of the cloud; None when it has none."""
        return self._api.newest("compute")

    def deletes_without_node(self) -> bool:
        """True when nova surely deletes a service without compute node too."""
        newest = self._api.microversion("compute", DELETES_WITHOUT_NODE)
        return newest == DELETES_WITHOUT_NODE

    def services(self, host: str | None = None) -> tuple[ComputeService, ...]:
        """All services of the cloud, or those of exactly one host."""
        params = {} if host is None else {"host": host}
        entries = read_list(
            self._api, "compute", "/os-services", "services", SERVICES, params=params
        )
        found = (_service(entry) for entry in entries)
        return tuple(s for s in found if host in {None, s.host})

    def compute_nodes(self) -> tuple[ComputeNode, ...]:
        """All compute nodes whose service lives; nova hides the others here."""
        entries = self._pages("/os-hypervisors/detail", "hypervisors", HYPERVISORS)
        return tuple(_compute_node(entry) for entry in entries)

    def servers(self, **filters: str) -> tuple[Server, ...]:
        """All servers of the cloud; SOFT_DELETED ones too.

        ``soft_deleted`` is the only filter that shows both kinds.
        """
        params = {"all_tenants": "True", "soft_deleted": "True"} | filters
        entries = self._pages("/servers/detail", "servers", SERVERS, **params)
        return tuple(_server(entry) for entry in entries)

    def servers_of(self, hosts: Iterable[str]) -> tuple[Server, ...]:
        """The servers of exactly these hosts, by one call for each.

        A token that is not an admin's loses the filter without a word (nova 34.0.0
        api/openstack/compute/servers.py:1600), so the host is compared again here.
        """
        return tuple(s for host in hosts for s in self.servers(host=host) if s.host == host)

    def migrations(self) -> tuple[Migration, ...]:
        """All migrations of the cloud that are not over, and the evacuations that are open."""
        found = self._migrations()
        return tuple(m for m in found if not m.is_over or m.is_open_evacuation(m.source))

    def migrations_of(self, hosts: Iterable[str]) -> tuple[Migration, ...]:
        """Migrations to or from exactly these hosts, over or not, by one call for each."""
        found = [
            m
            for host in hosts
            for m in self._migrations(host=host)
            if host in {m.source, m.destination}
        ]
        return distinct(found)

    def _migrations(self, **filters: str) -> tuple[Migration, ...]:
        entries = self._pages("/os-migrations", "migrations", MIGRATIONS, "uuid", **filters)
        return tuple(_migration(e) for e in entries)

    def _pages(
        self, path: str, key: str, wanted: str, mark: str = "id", **filters: str
    ) -> tuple[Entry, ...]:
        """All entries of a list that nova cuts."""
        return read_list(
            self._api,
            "compute",
            path,
            key,
            wanted,
            paging=Paging.MARKER,
            mark=mark,
            params={"limit": PAGE, **filters},
        )

    def newest_migrations(self, host: str) -> tuple[Migration, ...]:
        """The newest migrations to or from exactly this host, over or not, in one call.

        Nova sorts by creation, the newest first (nova 34.0.0 db/main/api.py, migration_get_all).
        """
        params = {"host": host, "limit": NEWEST}
        body = self._api.get("compute", "/os-migrations", MIGRATIONS, **params)
        found = (_migration(entry) for entry in body["migrations"])
        return tuple(m for m in found if host in {m.source, m.destination})

    def live_progress(self, server: str) -> LiveProgress | None:
        """The progress of the server's live migration; None before nova knows it, or has none."""
        path = f"/servers/{server}/migrations"
        body = self._api.find("compute", path, LIVE_PROGRESS) or {}
        names = ("memory_total", "memory_remaining", "disk_total", "disk_remaining")
        for entry in body.get("migrations") or ():
            found = LiveProgress(*(entry.get(f"{name}_bytes") or 0 for name in names))
            return found if found.memory or found.disk else None
        return None

    def one_compute_node(self) -> ComputeNode | None:
        """Any compute node, which shows whether the token may list them."""
        return next(map(_compute_node, self._first("/os-hypervisors/detail", "hypervisors")), None)

    def one_server(self) -> Server | None:
        """Any server of the cloud, which shows what the token may see of servers."""
        found = self._first("/servers/detail", "servers", all_tenants="True")
        return next(map(_server, found), None)

    def one_migration(self) -> Migration | None:
        """Any migration of the cloud, which shows what the token may see of migrations."""
        return next(map(_migration, self._first("/os-migrations", "migrations")), None)

    def _first(self, path: str, key: str, **filters: str) -> tuple[Entry, ...]:
        """The first entry of a list, if it has any."""
        params = {"limit": "1", **filters}
        return read_list(self._api, "compute", path, key, MIGRATIONS, params=params)

    def server_groups(self) -> tuple[ServerGroup, ...]:
        """The server groups of all projects, members that were deleted left out by nova."""
        entries = read_list(
            self._api,
            "compute",
            "/os-server-groups",
            "server_groups",
            GROUPS,
            paging=Paging.OFFSET,
            params={"all_projects": "True", "limit": PAGE},
        )
        return tuple(_group(entry) for entry in entries)

    def server(self, server: str) -> Server | None:
        """A server, its host "" if it is on none; None when nova has no such server."""
        body = self._api.find("compute", f"/servers/{server}", SERVERS)
        return None if body is None else _server(body["server"])

    def may_have_shares(self) -> bool:
        """True when the cloud has manila, and a nova that knows shares."""
        is_known = self._api.microversion("compute", SHARES) == SHARES
        return is_known and self._api.has("shared-file-system")

    def has_share(self, server: str) -> bool:
        """True when shares are attached to the server; nova has them from 2.97 (nova 31)."""
        body = self._api.find("compute", f"/servers/{server}/shares", SHARES)
        return bool(body and body.get("shares"))

    def aggregates(self) -> tuple[Aggregate, ...]:
        """All host aggregates with their members."""
        entries = read_list(self._api, "compute", "/os-aggregates", "aggregates", AGGREGATE_UUIDS)
        return tuple(
            Aggregate(
                id=a["id"],
                name=a["name"],
                hosts=tuple(a["hosts"]),
                metadata=tuple(sorted(a["metadata"].items())),
                uuid=a.get("uuid"),
            )
            for a in entries
        )

    def send(self, call: ApiCall) -> str | None:
        """Send one request that changes something; its request id."""
        return self._api.send(call)

    def refusal(self, call: ApiCall) -> str | None:
        """The words in which nova denies the right to a request, if it does."""
        return self._api.refusal(call)


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


def _compute_node(entry: Mapping[str, Any]) -> ComputeNode:
    return ComputeNode(
        uuid=entry["id"],
        host=entry["service"]["host"],
        hypervisor_hostname=entry["hypervisor_hostname"],
        hypervisor_type=entry.get("hypervisor_type") or "",
    )


def _server(entry: Mapping[str, Any]) -> Server:
    """A server, its host "" where it is on none; a field that is not shown has no value.

    Of a server in a cell that does not answer nova shows little more than its id (from 2.69).
    """
    if entry["status"] == "UNKNOWN" and HOST not in entry:
        return Server(entry["id"], entry.get("name") or "", "", entry["status"])
    for field, right in SERVER_RIGHTS.items():
        if field not in entry:
            raise _hidden(f"{field} of servers", right)
    flavor = entry["flavor"]
    # The image is "" of a server that boots from a volume; swap may be "" too.
    image = entry.get("image") or {}
    disks = (image, flavor.get("ephemeral"), flavor.get("swap"))
    return Server(
        id=entry["id"],
        name=entry["name"],
        host=entry[HOST] or "",
        status=entry["status"],
        task_state=entry[TASK_STATE],
        locked=bool(entry.get("locked")),
        extra_specs=tuple(sorted((flavor.get("extra_specs") or {}).items())),
        image=image.get("id") or "",
        image_properties=tuple(
            sorted((name, str(value)) for name, value in (image.get("properties") or {}).items())
        ),
        pinned_zone=entry.get(PINNED_ZONE),
        pin_is_known=PINNED_ZONE in entry,
        has_local_disk=any(disks),
        project=entry.get("tenant_id") or "",
        updated_at=entry.get("updated"),
    )


def _group(entry: Mapping[str, Any]) -> ServerGroup:
    # Before 2.64 a list of one policy.
    policy = entry.get("policy") or next(iter(entry.get("policies") or []), "")
    most = (entry.get("rules") or {}).get("max_server_per_host", 1)
    return ServerGroup(entry["name"], policy, tuple(entry["members"]), max_per_host=int(most))


def _migration(entry: Mapping[str, Any]) -> Migration:
    """A migration; one without any host is one whose hosts are not shown."""
    if not entry["source_compute"] and not entry["dest_compute"]:
        raise _hidden("the hosts of migrations", MIGRATION_HOST_RIGHT)
    return Migration(
        id=entry["id"],
        uuid=entry.get("uuid") or "",
        server=entry["instance_uuid"],
        status=entry["status"],
        type=entry.get("migration_type") or "unknown",
        source=entry["source_compute"],
        destination=entry["dest_compute"],
        created_at=entry.get("created_at"),
        updated_at=entry.get("updated_at"),
    )


def _hidden(what: str, right: str) -> MissingRightError:
    return MissingRightError(
        f"nova does not show {what}: the token lacks {right}",
        "give the token this right, or use an admin's; nova-decom doctor names more",
    )
