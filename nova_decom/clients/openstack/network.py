# SPDX-License-Identifier: Apache-2.0
"""The network agents and ports of a host, by neutron's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nova_decom.clients.openstack.api import Api
from nova_decom.clients.openstack.listing import Paging, read_list
from nova_decom.model.api_call import ApiCall
from nova_decom.model.cloud import NetworkAgent, Port


class Network:
    """Neutron's API."""

    def __init__(self, api: Api) -> None:
        """Use this connection."""
        self._api = api

    def available(self) -> bool:
        """True when the cloud has neutron at all."""
        return self._api.has("network")

    def send(self, call: ApiCall) -> str | None:
        """Send one request that changes something; its request id."""
        return self._api.send(call)

    def ports(self, host: str) -> tuple[Port, ...]:
        """The ports that are bound to exactly this host, of servers."""
        params = {"binding:host_id": host}
        entries = read_list(
            self._api, "network", "/ports", "ports", paging=Paging.LINKS, params=params
        )
        return tuple(_port(p) for p in entries if p.get("binding:host_id") == host)

    def agents(self, host: str | None = None) -> tuple[NetworkAgent, ...]:
        """All agents, or those of exactly one host."""
        params = {} if host is None else {"host": host}
        entries = read_list(
            self._api, "network", "/agents", "agents", paging=Paging.LINKS, params=params
        )
        found = (
            NetworkAgent(
                id=a["id"],
                binary=a["binary"],
                agent_type=a["agent_type"],
                host=a["host"],
                alive=bool(a["alive"]),
            )
            for a in entries
        )
        return tuple(a for a in found if host in {None, a.host})


def _port(entry: Mapping[str, Any]) -> Port:
    """A port; from neutron 19 on it may ask for resources in groups."""
    request = entry.get("resource_request") or {}
    return Port(
        server=entry["device_id"],
        vnic_type=entry.get("binding:vnic_type") or "normal",
        requests_resources=bool(request),
        requests_groups=bool(request.get("request_groups")),
    )
