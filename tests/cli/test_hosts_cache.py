# SPDX-License-Identifier: Apache-2.0
"""What completion offers follows the cloud."""

from nova_decom.state.name_cache import CachedNames
from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom
from tests.lab import Lab


def test_every_look_at_the_hosts_refreshes_what_completion_offers(
    lab: Lab, decom: NovaDecom, hosts: Hosts
) -> None:
    """A new host is offered after any look, and no longer once it was removed; zones are too."""
    names = CachedNames(decom.state_dir, "hosts")
    hosts.start("cache1")

    for look in (["list"], ["plan"], ["verify", "node1"], ["audit"]):
        (decom.state_dir / "hosts.cache").unlink(missing_ok=True)
        decom(*look)
        assert set(names.known(lab.cloud)) >= {"cache1", "node1", "node2"}, look

    assert "nova" in CachedNames(decom.state_dir, "zones").known(lab.cloud)
    assert decom.remove("cache1").code == 0
    assert "cache1" not in names.known(lab.cloud)
