# SPDX-License-Identifier: Apache-2.0
# mypy: ignore-errors
"""Nova's own fake hypervisor, with the identity a real one has. Imported by nova-compute.

FakeLiveMigrateDriver alone makes up a new node uuid at each start; a real driver keeps its uuid
in `compute_id`, and a nova-compute that has lost it refuses to start.
"""

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


def _wait_while_busy():
    while os.path.exists(os.path.join(conf.CONF.state_path, "busy")):  # noqa: PTH110, PTH118
        time.sleep(0.2)
