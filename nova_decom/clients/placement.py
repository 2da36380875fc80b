# SPDX-License-Identifier: Apache-2.0
"""What placement tells, through its REST API only: it is complete, and the tables not ours."""

from __future__ import annotations

from nova_decom.clients.http import Api
from nova_decom.model import Allocation, ResourceProvider

#: 1.14 has trees (root and parent of a provider).
TREES = "1.14"


class Placement:
    """Placement's API."""

    def __init__(self, api: Api) -> None:
        """Use this connection."""
        self._api = api

    def providers(self) -> tuple[ResourceProvider, ...]:
        """All resource providers; placement has no pages."""
        body = self._api.get("placement", "/resource_providers", TREES)
        return tuple(
            ResourceProvider(
                uuid=p["uuid"],
                name=p["name"],
                root=p.get("root_provider_uuid") or p["uuid"],
                parent=p.get("parent_provider_uuid"),
            )
            for p in body["resource_providers"]
        )

    def allocations(self, provider: str) -> tuple[Allocation, ...]:
        """What consumers hold of one provider; placement tells it only per provider."""
        path = f"/resource_providers/{provider}/allocations"
        body = self._api.get("placement", path, TREES)
        return tuple(
            Allocation(provider, consumer, tuple(sorted(held["resources"].items())))
            for consumer, held in sorted(body["allocations"].items())
        )
