# SPDX-License-Identifier: Apache-2.0
"""The cloud as its administrator sees it."""

from typing import TYPE_CHECKING

from tests.lab.layout import Layout

if TYPE_CHECKING:
    from openstack.connection import Connection

CLOUD = "lab"


def connect(layout: Layout) -> "Connection":
    """A new admin connection; nothing comes from the caller's own environment."""
    from openstack.config.loader import OpenStackConfig
    from openstack.connection import Connection

    loader = OpenStackConfig(
        config_files=[str(layout.clouds_yaml)],
        vendor_files=[],
        secure_files=[],
        load_envvars=False,
    )
    return Connection(config=loader.get_one(CLOUD))
