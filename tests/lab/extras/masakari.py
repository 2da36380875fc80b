# SPDX-License-Identifier: Apache-2.0
"""Masakari's API; its engine, which only notifications need, is not started."""

from typing import ClassVar

from tests.lab.config import Sections, client
from tests.lab.extras.extra import Place
from tests.lab.extras.openstack import COMMON, OpenStack


class Masakari(OpenStack):
    """It asks nova whether it knows a host that is added to a segment."""

    name: ClassVar[str] = "masakari"
    packages: ClassVar[tuple[str, ...]] = ("masakari==22.0.0", *COMMON)
    service_type: ClassVar[str] = "instance-ha"
    version: ClassVar[str] = "/v1"

    def config(self, place: Place) -> Sections:
        """Its login to nova has names of its own."""
        login = client(place.site, "masakari")
        return {
            "DEFAULT": {
                "host": "controller",
                "nova_catalog_admin_info": "compute:compute:publicURL",
                "os_region_name": login["region_name"],
                "os_privileged_user_auth_url": login["auth_url"],
                "os_privileged_user_name": login["username"],
                "os_privileged_user_password": login["password"],
                "os_privileged_user_tenant": login["project_name"],
            },
            "wsgi": {"api_paste_config": place.etc / "api-paste.ini"},
            "taskflow": {"connection": self.database(place)},
        }
