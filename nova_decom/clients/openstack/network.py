# SPDX-License-Identifier: Apache-2.0
"""The ports of the servers of a host, by neutron's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nova_decom.clients.openstack.api import Api
from nova_decom.clients.openstack.listing import Paging, read_list
from nova_decom.model.cloud import Port


class Network:
    """Neutron's API."""

    def __init__(self, api: Api) -> None:
        """Use this connection."""
        self._api = api

    def available(self) -> bool:
        """True when the cloud has neutron at all."""
        return self._api.has("network")

    def ports(self, host: str) -> tuple[Port, ...]:
        """The ports that are bound to exactly this host, of servers."""
        params = {"binding:host_id": host}
        entries = read_list(
            self._api, "network", "/ports", "ports", paging=Paging.LINKS, params=params
        )
        return tuple(_port(p) for p in entries if p.get("binding:host_id") == host)


def _port(entry: Mapping[str, Any]) -> Port:
    """A port; from neutron 19 on it may ask for resources in groups."""
    request = entry.get("resource_request") or {}
    return Port(
        server=entry["device_id"],
        vnic_type=entry.get("binding:vnic_type") or "normal",
        requests_resources=bool(request),
        requests_groups=bool(request.get("request_groups")),
    )
