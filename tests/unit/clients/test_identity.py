# SPDX-License-Identifier: Apache-2.0
"""Projects as keystone tells them."""

from __future__ import annotations

from nova_decom.clients.openstack.identity import Identity


class Keystone:
    """Compares names as MySQL does, without regard to case."""

    def get(self, service, path, **params):
        """The projects."""
        assert (service, path, params) == ("identity", "/projects", {"name": "red"})
        names = {"1": "red", "2": "Red", "3": "red"}
        return {"projects": [{"id": i, "name": name} for i, name in names.items()]}


def test_projects_of_exactly_this_name():
    """Each domain may have one."""
    assert Identity(Keystone()).projects("red") == ("1", "3")
