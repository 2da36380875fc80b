# SPDX-License-Identifier: Apache-2.0
"""The properties of images, by glance's API."""

from __future__ import annotations

from nova_decom.clients.openstack.api import Api

#: The beginnings of the properties that nova's scheduler and drivers obey.
OBEYED = ("hw_", "os_", "trait:")


class Image:
    """Glance's API."""

    def __init__(self, api: Api) -> None:
        """Use this connection."""
        self._api = api

    def properties(self, image: str) -> dict[str, str]:
        """The properties of an image; none where it was deleted, or the cloud has no glance."""
        found = self._api.find("image", f"/images/{image}") if self._api.has("image") else None
        return {n: str(value) for n, value in (found or {}).items() if n.startswith(OBEYED)}
