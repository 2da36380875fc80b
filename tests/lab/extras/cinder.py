# SPDX-License-Identifier: Apache-2.0
"""Cinder: API, scheduler, and a cinder-volume whose volumes are only rows."""

from collections.abc import Sequence
from typing import ClassVar

from tests.lab.config import Sections
from tests.lab.extras.extra import Place
from tests.lab.extras.openstack import COMMON, OpenStack
from tests.lab.template import INSIDE

VOLUME = "cinder-volume"
SECOND = "cinder-volume-second"
SCHEDULER = "cinder-scheduler"


class Cinder(OpenStack):
    """Its driver is made of the fake one of cinder's own tests, which needs their packages."""

    name: ClassVar[str] = "cinder"
    packages: ClassVar[tuple[str, ...]] = (
        "cinder==29.0.0", *COMMON, "fixtures", "testtools", "ddt",
    )  # fmt: skip
    service_type: ClassVar[str] = "block-storage"
    version: ClassVar[str] = "/v3"

    def config(self, place: Place) -> Sections:
        """A service that is stopped counts as down after some seconds, as nova's."""
        return {
            "DEFAULT": {
                "host": "controller",
                "my_ip": "127.0.0.1",
                "api_paste_config": place.etc / "api-paste.ini",
                "enabled_backends": "lab",
                "default_volume_type": "__DEFAULT__",
                "glance_api_servers": place.site.url("glance"),
                "report_interval": 2,
                "service_down_time": 8,
                "periodic_interval": 5,
            },
            "lab": {
                "volume_driver": "lab_volumes.Driver",
                "volume_backend_name": "lab",
            },
        }

    def start_workers(self, place: Place) -> None:
        """The scheduler, and the volumes of the controller unless a host has them."""
        self.start_worker(place, SCHEDULER)
        if place.processes.record(VOLUME) is None:
            self.serve_volumes(place, "controller")

    def serve_volumes(self, place: Place, host: str) -> None:
        """Let the cinder-volume be `host`'s: its service is ``HOST@lab``."""
        place.processes.stop(VOLUME)
        with place.mariadb.connect("cinder") as connection, connection.cursor() as cursor:
            # A service that has just ended would be given volumes until it counts as down.
            cursor.execute("UPDATE services SET deleted = 1 WHERE `binary` = %s", (VOLUME,))
        self._serve(place, VOLUME, host)

    def serve_more(self, place: Place, host: str) -> None:
        """Start a second cinder-volume, of `host`; both have all volumes in their storage."""
        self._serve(place, SECOND, host)

    def _serve(self, place: Place, name: str, host: str) -> None:
        own = place.etc / f"{name}.conf"
        own.write_text(f"[lab]\nbackend_host = {host}\n")
        files = ("--config-file", str(self.conf(place)), "--config-file", str(own))
        place.processes.start(place.daemon(name, VOLUME, *files, PYTHONPATH=str(INSIDE)))

    def workers(self) -> Sequence[str]:
        """All of them."""
        return (SCHEDULER, VOLUME, SECOND)
