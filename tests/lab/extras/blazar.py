# SPDX-License-Identifier: Apache-2.0
"""Blazar: API and manager, with the plugin for whole hosts."""

from collections.abc import Sequence
from typing import Any, ClassVar

from tests.lab.config import Sections, client
from tests.lab.extras.extra import Place
from tests.lab.extras.openstack import COMMON, OpenStack

MANAGER = "blazar-manager"
#: The aggregate of the hosts that can be reserved; blazar ends where it is missing.
POOL = "freepool"


class Blazar(OpenStack):
    """It keeps each host that can be reserved in an aggregate of nova."""

    name: ClassVar[str] = "blazar"
    packages: ClassVar[tuple[str, ...]] = ("blazar==18.0.0", *COMMON, "setuptools")
    service_type: ClassVar[str] = "reservation"
    version: ClassVar[str] = "/v1"
    sync: ClassVar[tuple[str, ...]] = ("upgrade", "head")
    manager = "blazar-db-manage"

    def config(self, place: Place) -> Sections:
        """Its login to nova has names of its own."""
        login = client(place.site, "blazar")
        return {
            "DEFAULT": {
                "host": "controller",
                "identity_service": "identity",
                "os_region_name": login["region_name"],
                "os_auth_host": "127.0.0.1",
                "os_auth_port": place.site.ports["keystone"],
                "os_auth_prefix": "",
                "os_admin_username": login["username"],
                "os_admin_password": login["password"],
                "os_admin_project_name": login["project_name"],
            },
            "manager": {"plugins": "physical.host.plugin"},
            "nova": {"aggregate_freepool_name": POOL},
        }

    def start_workers(self, place: Place) -> None:
        """The manager, which ends where there is no aggregate for its hosts."""
        compute: Any = place.connect().compute
        if compute.find_aggregate(POOL) is None:
            compute.create_aggregate(name=POOL)
        self.start_worker(place, MANAGER)

    def workers(self) -> Sequence[str]:
        """The manager alone."""
        return (MANAGER,)

    def remove(self, place: Place) -> None:
        """The aggregate too."""
        super().remove(place)
        compute: Any = place.connect().compute
        pool = compute.find_aggregate(POOL)
        if pool is not None:
            for host in compute.get_aggregate(pool.id).hosts or ():
                compute.remove_host_from_aggregate(pool.id, host)
            compute.delete_aggregate(pool.id)
