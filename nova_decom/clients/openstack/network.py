# SPDX-License-Identifier: Apache-2.0
"""The network agents of a host, by neutron's API."""

from __future__ import annotations

from nova_decom.clients.openstack.api import Api
from nova_decom.clients.openstack.listing import Paging, read_list
from nova_decom.model.api_call import ApiCall
from nova_decom.model.cloud import NetworkAgent


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
