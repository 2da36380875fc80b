# SPDX-License-Identifier: Apache-2.0
"""Requests that change something in OpenStack: the plan shows the value that is sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from nova_decom.model.claim import with_expiry
from nova_decom.model.cloud import Action

#: 2.53 has uuids of services and exists in every release since Queens; 2.69 shows services of
#: cells that are down. 1.20 of placement answers to a POST, 1.28 has consumer generations.
SERVICES, AGGREGATES, PROVIDERS, GENERATIONS = "2.69", "2.1", "1.20", "1.28"
#: From 1.19 aggregates have a generation, from 1.26 all of an inventory may be reserved.
PARTS = "1.26"
#: The list of the providers of a tree, to be followed by the uuid of one of them.
TREE = "/resource_providers?in_tree="
#: A live migration answers at once from 2.34 and takes no "force" from 2.68; a cold migration
#: takes a host from 2.56.
ACTIONS = {Action.LIVE: "2.68", Action.COLD: "2.56", Action.EVACUATE: "2.94"}
#: From 2.95 nova leaves evacuated servers stopped; before, one that ran runs again.
STOPPED_EVACUATION = "2.95"


#: The uuid of no object.
ABSENT = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One request: ``service`` is the client that sends it, ``version`` its microversion.

    ``saved`` are the lists of resource providers (paths) that are saved before, each provider
    with its inventories, traits and aggregates, as the request deletes them.
    """

    service: str
    method: str
    path: str
    version: str | None = None
    body: Mapping[str, Any] | None = None
    saved: tuple[str, ...] = ()
    #: A refusal (400) is for ever: it is noted, and the run goes on without it.
    is_optional: bool = False
    #: The place of the service, where it has several that are not in the catalogue.
    place: str | None = None

    @property
    def text(self) -> str:
        """The request as plan, journal and documentation show it."""
        body = "" if self.body is None else f" {json.dumps(self.body, ensure_ascii=False)}"
        return f"{self.method} {self.path}{body}"

    def with_expiry(self, until: datetime) -> ApiCall:
        """The request with its claim until this time, cut to what nova keeps of a reason."""
        if self.body is None or "disabled_reason" not in self.body:
            return self
        reason = with_expiry(self.body["disabled_reason"], until)
        return replace(self, body={**self.body, "disabled_reason": reason})


def disable_service(service: str, reason: str) -> ApiCall:
    """Disable a compute service with this reason, or without any if it is empty.

    Nova refuses an empty reason with 400, and forgets the present one where the body has none
    (nova 34.0.0 api/openstack/compute/services.py:481).
    """
    body = {"status": "disabled"} | ({"disabled_reason": reason} if reason else {})
    return ApiCall("compute", "PUT", f"/os-services/{service}", SERVICES, body)


def enable_service(service: str) -> ApiCall:
    """Enable a compute service; nova forgets the reason."""
    return ApiCall("compute", "PUT", f"/os-services/{service}", SERVICES, {"status": "enabled"})


def delete_service(service: str, nodes: Iterable[str] = ()) -> ApiCall:
    """Delete a compute service; nova deletes with it its records of the host.

    Those are also the trees of resource providers of its compute ``nodes`` (uuids).
    """
    saved = tuple(f"{TREE}{node}" for node in nodes)
    return ApiCall("compute", "DELETE", f"/os-services/{service}", SERVICES, saved=saved)


def server_action(
    server: str, action: Action, target: str | None = None, *, leave_stopped: bool = False
) -> ApiCall:
    """Ask nova to do something with a server; nova answers before it is done."""
    version = ACTIONS.get(action, "2.1")
    if action is Action.EVACUATE and leave_stopped:
        version = STOPPED_EVACUATION
    body: dict[str, Any] = {action.value: {} if action is Action.EVACUATE else None}
    if action is Action.LIVE:
        body = {action.value: {"host": target, "block_migration": "auto"}}
    elif action in {Action.COLD, Action.EVACUATE} and target is not None:
        body = {action.value: {"host": target}}
    return ApiCall("compute", "POST", f"/servers/{server}/action", version, body)


def add_to_aggregate(aggregate: str, host: str) -> ApiCall:
    """Make the host a member; nova tells placement if the host has a resource provider."""
    body = {"add_host": {"host": host}}
    return ApiCall("compute", "POST", f"/os-aggregates/{aggregate}/action", AGGREGATES, body)


def create_provider(uuid: str, name: str, parent: str | None = None) -> ApiCall:
    """Create a bare resource provider, under ``parent`` (uuid) if one is given."""
    body = {"uuid": uuid, "name": name} | ({"parent_provider_uuid": parent} if parent else {})
    return ApiCall("placement", "POST", "/resource_providers", PROVIDERS, body)


def set_provider_part(uuid: str, part: str, content: Any, generation: int) -> ApiCall:  # noqa: ANN401
    """Replace the inventories, traits or aggregates of a provider that has this generation."""
    body = {part: content, "resource_provider_generation": generation}
    return ApiCall("placement", "PUT", f"/resource_providers/{uuid}/{part}", PARTS, body)


def delete_provider(uuid: str) -> ApiCall:
    """Delete a resource provider; placement refuses while it has allocations or children."""
    path = f"/resource_providers/{uuid}"
    saved = (f"/resource_providers?uuid={uuid}",)
    return ApiCall("placement", "DELETE", path, PROVIDERS, saved=saved)


#: Requests that change nothing: they are about no object, or their body is not complete. A service
#: refuses them with 403 where the token lacks the right, and else with 404 or 400 (tried on nova
#: 34.0.0 and placement 16.0.0). Neutron, and nova for servers, look for the object first: 404.
TRY_TO_UPDATE_SERVICE = disable_service(ABSENT, "")
TRY_TO_DELETE_SERVICE = delete_service(ABSENT)
TRY_TO_CREATE_PROVIDER = ApiCall(
    "placement", "POST", "/resource_providers", PROVIDERS, {"uuid": ABSENT}
)
TRY_TO_DELETE_PROVIDER = ApiCall("placement", "DELETE", f"/resource_providers/{ABSENT}", PROVIDERS)
TRY_TO_SET_ALLOCATIONS = ApiCall("placement", "PUT", f"/allocations/{ABSENT}", GENERATIONS, {})
TRIES = (
    TRY_TO_UPDATE_SERVICE,
    TRY_TO_DELETE_SERVICE,
    TRY_TO_CREATE_PROVIDER,
    TRY_TO_DELETE_PROVIDER,
    TRY_TO_SET_ALLOCATIONS,
)
