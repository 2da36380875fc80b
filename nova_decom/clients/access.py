# SPDX-License-Identifier: Apache-2.0
"""The systems that registrars read, over the real clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nova_decom.clients.openstack.api import Api
from nova_decom.clients.openstack.listing import Entry, Paging, read_list
from nova_decom.model.api_call import ApiCall


class LiveAccess:
    """The services of the catalogue."""

    def __init__(self, api: Api) -> None:
        """Use this connection."""
        self._api = api

    def has(self, service: str) -> bool:
        """True when the catalogue has a service of this type."""
        return self._api.has(service)

    def list(
        self, service: str, path: str, key: str, version: str | None = None, **params: str
    ) -> Sequence[Entry]:
        """All entries of a list; pages are followed where the list carries links."""
        return read_list(
            self._api, service, path, key, version, paging=Paging.LINKS, params=params
        )

    def find(self, service: str, path: str) -> Mapping[str, Any] | None:
        """The body of an answer; None for 404 and 400."""
        return self._api.find(service, path)

    def send(self, call: ApiCall) -> str | None:
        """Send one request that changes something; its request id."""
        return self._api.send(call)
