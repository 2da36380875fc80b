# SPDX-License-Identifier: Apache-2.0
"""The OpenStack releases the lab can run."""

from collections.abc import Mapping
from dataclasses import dataclass

COMMON = ("pymysql", "python-memcached", "uwsgi", "python-openstackclient", "osc-placement")
MODULES = {
    "keystone": "keystone.wsgi.api",
    "placement": "placement.wsgi.api",
    "glance": "glance.wsgi.api",
    "neutron": "neutron.wsgi.api",
    "nova": "nova.wsgi.osapi_compute",
}
SCRIPTS = {
    "keystone": "keystone-wsgi-public",
    "placement": "placement-api",
    "glance": "glance-wsgi-api",
    "neutron": "neutron-api",
    "nova": "nova-api-wsgi",
}


@dataclass(frozen=True)
class Release:
    """What to install, and how its APIs are started under uwsgi."""

    number: str
    packages: tuple[str, ...]
    python: str = "3.11"
    exclude_newer: str | None = None
    """Resolve the dependencies as of this day."""
    microversion: str = "2.95"
    """Of the tests' own calls to nova, by which they prepare and check."""
    volume_service: str = "block-storage"
    """The type by which nova finds cinder: before 2025.1 it takes none with a hyphen."""
    wsgi_modules: Mapping[str, str] | None = None
    """API -> module; None for releases that ship scripts."""

    def wsgi_application(self, api: str, venv_bin: str) -> str:
        """The line of the uwsgi file that names the application."""
        if self.wsgi_modules is not None:
            return f"module = {self.wsgi_modules[api]}:application"
        return f"wsgi-file = {venv_bin}/{SCRIPTS[api]}"


RELEASES: Mapping[str, Release] = {
    release.number: release
    for release in (
        Release(
            "2026.2",
            (
                "nova==34.0.0",
                "keystone==30.0.0",
                "openstack-placement==16.0.0",
                "glance==33.0.0",
                "neutron==29.0.0",
            ),
            wsgi_modules=MODULES,
        ),
        Release(
            "2026.1",
            (
                "nova==33.0.0",
                "keystone==29.0.0",
                "openstack-placement==15.0.0",
                "glance==32.0.0",
                "neutron==28.0.0",
            ),
            exclude_newer="2026-04-10",
            wsgi_modules=MODULES,
        ),
        Release(
            "2025.1",
            (
                "nova==31.0.0",
                "keystone==27.0.0",
                "openstack-placement==13.0.0",
                "glance==30.0.0",
                "neutron==26.0.0",
                "setuptools<80",
            ),
            exclude_newer="2025-05-15",
            wsgi_modules=MODULES,
        ),
        Release(
            "2024.1",
            (
                "nova==29.0.1",
                "keystone==25.0.0",
                "openstack-placement==11.0.0",
                "glance==28.0.0",
                "neutron==24.0.0",
                "setuptools<70",
            ),
            exclude_newer="2024-05-01",
            volume_service="volumev3",
        ),
        # From before a host had a uuid of its own. Its dependencies are of 2023: those of
        # 2022 do not know Python 3.11, and SQLAlchemy 2 came just then. Its own glance-manage does
        # not start on Python 3.11, hence that of Zed. oslo.db and neutron-lib are Yoga's own:
        # with later ones a session does not commit by itself, and neutron 20 then keeps the
        # connection of each read until its pool is empty.
        Release(
            "yoga",
            (
                "nova==25.1.0",
                "keystone==21.0.0",
                "openstack-placement==7.0.0",
                "glance==25.1.0",
                "neutron==20.2.0",
                "SQLAlchemy<1.5",
                "oslo.db==11.2.0",
                "neutron-lib==2.20.0",
                "setuptools<66",
            ),
            exclude_newer="2023-02-15",
            microversion="2.90",
            volume_service="volumev3",
        ),
    )
}
DEFAULT_RELEASE = "2026.2"
