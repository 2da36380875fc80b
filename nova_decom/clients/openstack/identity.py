# SPDX-License-Identifier: Apache-2.0
"""The projects of the cloud, by keystone's API."""

from __future__ import annotations

from nova_decom.clients.openstack.api import Api


class Identity:
    """Keystone's API."""

    def __init__(self, api: Api) -> None:
        """Use this connection."""
        self._api = api

    def projects(self, name: str) -> tuple[str, ...]:
        """The ids of the projects of exactly this name; each domain may have one."""
        body = self._api.get("identity", "/projects", name=name)
        return tuple(p["id"] for p in body["projects"] if p["name"] == name)
