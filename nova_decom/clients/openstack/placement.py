# SPDX-License-Identifier: Apache-2.0
"""Providers and allocations, by placement's REST API only: its tables are never touched."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from nova_decom.clients.openstack.api import Api
from nova_decom.clients.openstack.listing import Entry, read_list
from nova_decom.clock import Clock
from nova_decom.errors import ConflictError
from nova_decom.model.api_call import GENERATIONS, ApiCall
from nova_decom.model.cloud import Allocation, ResourceProvider
from nova_decom.model.resource_query import ResourceQuery
from nova_decom.retry import retry

#: 1.14 has trees, 1.38 consumer types.
TREES, TYPES = "1.14", "1.38"
COMPUTE_NODES = "1.18"
#: The parts of a resource provider that are read by requests of their own.
PARTS = ("inventories", "traits", "aggregates")
#: From 1.27 summaries have every class of a provider, from 1.29 every provider of its tree.
SUMMARIES = "1.29"
GENERATION_ATTEMPTS = 5
#: Consumer types that are nova's; before 1.38, and for old allocations, there is none to see.
NOVA_TYPES = {None, "unknown", "INSTANCE", "MIGRATION"}


class Placement:
    """Placement's API."""

    def __init__(self, api: Api, clock: Clock | None = None) -> None:
        """Use this connection."""
        self._api = api
        self._clock = clock or Clock()

    def providers(self) -> tuple[ResourceProvider, ...]:
        """All resource providers; placement has no pages."""
        path, key = "/resource_providers", "resource_providers"
        return _providers(read_list(self._api, "placement", path, key, TREES))

    def compute_providers(self) -> tuple[ResourceProvider, ...]:
        """The providers that a nova-compute made (trait COMPUTE_NODE, nova 20); older: none."""
        found = self._api.find(
            "placement", "/resource_providers", COMPUTE_NODES, required="COMPUTE_NODE"
        )
        return () if found is None else _providers(found["resource_providers"])

    def members(self, aggregate: str) -> frozenset[str]:
        """The providers (uuid) that are in an aggregate (uuid)."""
        path, key = "/resource_providers", "resource_providers"
        asked = {"member_of": aggregate}
        found = read_list(self._api, "placement", path, key, TREES, params=asked)
        return frozenset(p["uuid"] for p in found)

    def allocations(self, provider: str) -> tuple[Allocation, ...] | None:
        """The allocations of one provider; None when placement answers that it has none such.

        Placement has no list of more than one provider.
        """
        path = f"/resource_providers/{provider}/allocations"
        body = self._api.find("placement", path, TREES)
        if body is None:
            return None
        return tuple(
            Allocation(provider, consumer, tuple(sorted(held["resources"].items())))
            for consumer, held in sorted(body["allocations"].items())
        )

    def free(self) -> dict[str, list[tuple[str, int]]]:
        """The free amount of each class on every provider that has memory left, in one call.

        Capacity counts reserved amounts and allocation ratios, as placement does.
        """
        return {
            uuid: [(name, r["capacity"] - r["used"]) for name, r in p["resources"].items()]
            for uuid, p in self._with_memory_left().items()
        }

    def unused(self) -> frozenset[str]:
        """Providers of which nothing is used, in one call: they have no allocations.

        Those of trees without memory left are not among them, used or not; none are where
        placement is too old to show every class and every provider of a tree.
        """
        if self._api.microversion("placement", SUMMARIES) != SUMMARIES:
            return frozenset()
        return frozenset(
            uuid
            for uuid, p in self._with_memory_left().items()
            if p["resources"] and not any(r["used"] for r in p["resources"].values())
        )

    def _with_memory_left(self) -> dict[str, Any]:
        """The summaries of all providers of the trees that have memory left."""
        path, wanted = "/allocation_candidates", {"resources": "MEMORY_MB:1"}
        body = self._api.get("placement", path, SUMMARIES, **wanted)
        return dict(body["provider_summaries"])

    def roots_with(self, query: ResourceQuery) -> frozenset[str] | None:
        """The root providers of the trees that have what is asked for; None: not answered."""
        traits = [*query.required, *(f"!{trait}" for trait in query.forbidden)]
        params = {"resources": ",".join(f"{name}:{amount}" for name, amount in query.resources)}
        if traits:
            params["required"] = ",".join(traits)
        body = self._api.find("placement", "/allocation_candidates", SUMMARIES, **params)
        if body is None:
            return None
        summaries = body["provider_summaries"]
        providers = {uuid for r in body["allocation_requests"] for uuid in r["allocations"]}
        return frozenset(summaries[p].get("root_provider_uuid") or p for p in providers)

    def is_novas(self, consumer: str) -> bool:
        """True unless the consumer says by its type that it is something else than nova's."""
        body = self._api.get("placement", f"/allocations/{consumer}", TYPES)
        return body.get("consumer_type") in NOVA_TYPES

    def image(self, path: str) -> tuple[dict[str, Any], ...]:
        """The content at a path, to be saved: of a list of providers each with all its parts."""
        body = self._api.get("placement", path, TYPES)
        listed = body.get("resource_providers")
        return (body,) if listed is None else tuple(map(self._with_parts, listed))

    def _with_parts(self, provider: Entry) -> dict[str, Any]:
        path = f"/resource_providers/{provider['uuid']}"
        parts = {p: self._api.get("placement", f"{path}/{p}", TYPES)[p] for p in PARTS}
        return {**provider, **parts}

    def send(self, call: ApiCall) -> str | None:
        """Send one request that changes something; its request id."""
        return self._api.send(call)

    def refusal(self, call: ApiCall) -> str | None:
        """The words in which placement denies the right to a request, if it does."""
        return self._api.refusal(call)

    def release(self, consumer: str, providers: Collection[str]) -> str | None:
        """Take these providers out of a consumer's allocations; the rest stays as it is.

        Never a DELETE of the consumer while it holds anything elsewhere. When somebody else
        changes the allocations meanwhile (409), they are read again.

        :raises ConflictError: they changed at every attempt.
        """
        return retry(
            lambda: self._release(consumer, providers),
            when=lambda error: isinstance(error, ConflictError),
            attempts=GENERATION_ATTEMPTS,
            clock=self._clock,
        )

    def _release(self, consumer: str, providers: Collection[str]) -> str | None:
        path = f"/allocations/{consumer}"
        # Not at 1.38: it shows consumers without a type, as nova's own are, as "unknown", and
        # takes no such type back; a PUT at 1.28 leaves the type as it is.
        body = self._api.get("placement", path, GENERATIONS)
        found: dict[str, Any] = body["allocations"]
        rest = {u: {"resources": a["resources"]} for u, a in found.items() if u not in providers}
        if len(rest) == len(found):
            return None
        if "consumer_generation" not in body and not rest:
            # Before 1.28 a PUT must hold something.
            return self._api.send(ApiCall("placement", "DELETE", path, TREES))
        names = ("project_id", "user_id", "consumer_generation")
        kept = {name: body[name] for name in names if name in body}
        body = {"allocations": rest, **kept}
        return self._api.send(ApiCall("placement", "PUT", path, GENERATIONS, body))


def _providers(entries: Iterable[Entry]) -> tuple[ResourceProvider, ...]:
    return tuple(
        ResourceProvider(
            uuid=p["uuid"],
            name=p["name"],
            root=p.get("root_provider_uuid") or p["uuid"],
            parent=p.get("parent_provider_uuid"),
        )
        for p in entries
    )
