# SPDX-License-Identifier: Apache-2.0
"""The resource providers of a host among those of the cloud. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from nova_decom.model.cloud import (
    NOVA_COMPUTE,
    ResourceProvider,
)
from nova_decom.model.host import HostIdentity
from nova_decom.model.snapshot import (
    CloudSnapshot,
)


def own_providers(
    view: CloudSnapshot, host: str, identity: HostIdentity
) -> tuple[ResourceProvider, ...]:
    """The trees whose root has the uuid of the host's compute node or exactly its name.

    A root that is the compute node of another host too is never ours, whatever its name.
    """
    possible = sorted(possible_roots(view, (identity,)))
    own = [uuid for uuid in possible if not _has_another(view, uuid, host, identity)]
    return tuple(p for root in own for p in view.trees[root])


def _has_another(view: CloudSnapshot, uuid: str, host: str, identity: HostIdentity) -> bool:
    """True when another host has this compute node.

    One of our own names under which no nova-compute is left is no other host.
    """
    others = [owner for owner in view.hosts_of_node.get(uuid, ()) if owner != host]
    return any(
        owner not in identity.names
        or any(s.binary == NOVA_COMPUTE for s in view.services_of.get(owner, ()))
        for owner in others
    )


def possible_roots(view: CloudSnapshot, identities: Iterable[HostIdentity]) -> frozenset[str]:
    """Roots (uuid) that are one of these hosts', unless they are another host's compute node."""
    found: set[str] = set()
    for identity in identities:
        found |= _named_roots(view, identity.names) | (identity.node_uuids & view.roots.keys())
    return frozenset(found)


def _named_roots(view: CloudSnapshot, names: frozenset[str]) -> frozenset[str]:
    """Roots (uuid) that have exactly one of these names."""
    return frozenset(uuid for name in names for uuid in view.roots_named.get(name, ()))


def same_name_providers_of(
    view: CloudSnapshot, own: Iterable[ResourceProvider], names: frozenset[str]
) -> tuple[ResourceProvider, ...]:
    """Roots that have one of the host's present names and are not its own."""
    others = _named_roots(view, names) - {provider.uuid for provider in own}
    return tuple(view.roots[uuid] for uuid in sorted(others))
