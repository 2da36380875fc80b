# SPDX-License-Identifier: Apache-2.0
# mypy: ignore-errors
"""Nova's own fake hypervisor, with the identity a real one has. Imported by nova-compute.

FakeLiveMigrateDriver alone makes up a new node uuid at each start; a real driver keeps its uuid
in `compute_id`, and a nova-compute that has lost it refuses to start.
"""

import json
import os
import time

from nova import conf
from nova.virt import fake

# Before nova 27 no fake driver made up node uuids.
_PLAIN = (fake.FakeDriverWithoutFakeNodes,) if hasattr(fake, "FakeDriverWithoutFakeNodes") else ()


class Driver(*_PLAIN, fake.FakeLiveMigrateDriver):
    """Boots, stops and migrates in memory.

    While there is a file `busy` in state_path, no build ends, and no shutdown of nova-compute.
    """

    def spawn(self, *args, **options):
        _wait_while_busy()
        super().spawn(*args, **options)

    def cleanup_host(self, host):
        _wait_while_busy()
        super().cleanup_host(host)

    def get_available_resource(self, nodename):
        """Report PCI devices, of which a host has those of its [pci]device_spec."""
        found = super().get_available_resource(nodename)
        found["pci_passthrough_devices"] = json.dumps(
            [_card("154d", 0), _card("154d", 1), _card("154e", 2)]
        )
        return found


def _card(product, number):
    return {
        "address": f"0000:81:00.{number}",
        "vendor_id": "8086",
        "product_id": product,
        "dev_type": "type-PCI",
        "status": "available",
        "label": f"label_8086_{product}",
        "numa_node": None,
    }


def _wait_while_busy():
    while os.path.exists(os.path.join(conf.CONF.state_path, "busy")):  # noqa: PTH110, PTH118
        time.sleep(0.2)
