# SPDX-License-Identifier: Apache-2.0
"""The kinds of leftovers, each in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from nova_decom.registrars import REGISTRARS

_KINDS: Mapping[str, str] = {
    "aggregate": "An aggregate still has the host as a member, though it has no compute service. "
    "A host that comes back under the name is in the aggregate again.",
    "allocation": "An allocation of a server or a migration is left on a resource provider of the "
    "host. Placement refuses to delete the provider while it is there.",
    "cinder-service": "A service of cinder on the host is down and registered. No API deletes it.",
    "compute-node": "A compute node names the host, and no compute service does. A new host of "
    "the name may get a second one beside it.",
    "compute-service": "A compute service of the host is registered, or has no compute node.",
    "host-mapping": "The API database maps the host to a cell, and no compute service is there. "
    "A host of the name that comes back in another cell is looked for in this one.",
    "host-mapping-missing": "A host that is enabled and up has no host mapping: each server that "
    "the scheduler sends there is lost.",
    "network-agent": "A network agent of the host is still registered in neutron.",
    "odd-soft-delete": "A row was soft-deleted by hand with deleted = 1 in place of its own id. A "
    "second removal of the name would fail on it.",
    "old-version": "A service of an older release is still registered. It keeps nova at the "
    "oldest RPC version, and an upgrade may be refused.",
    "ovn-chassis": "An OVN chassis of the host is still registered, without a live agent.",
    "provider-aggregate": "The resource provider of a live host lacks an aggregate of it, so "
    "that servers for its availability zone are not sent there.",
    "provider-missing": "A compute node of a live host has no resource provider, so that the "
    "scheduler never gives it a server.",
    "reservable-host": "Blazar lists the host as one that can be reserved; leases of it end in "
    "error when nova does not know it.",
    "resource-provider": "A resource provider has the name of the host, and no compute node does. "
    "A new compute node of the name gets no provider, and never a server.",
    "row": "A row that a restore cannot put back: another one has taken its place.",
    "rows": "Rows of the host are left in the cell database.",
    "segment-host": "Masakari has a record of the host. A new host of the name takes it over, "
    "with its maintenance.",
    "server": "A server is on the host in nova's records, in some state.",
    "stale-mapped": "A compute node is soft-deleted and still counts as mapped: discover_hosts "
    "would not find the same node again.",
}
#: Those of nova and of the registrars, by name.
KINDS: Mapping[str, str] = dict(
    sorted({**_KINDS, **{k: v for r in REGISTRARS for k, v in r.kinds.items()}}.items())
)
