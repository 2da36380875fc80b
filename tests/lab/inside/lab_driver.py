# SPDX-License-Identifier: Apache-2.0
# mypy: ignore-errors
"""Nova's own fake hypervisor, with the identity a real one has. Imported by nova-compute.

FakeLiveMigrateDriver alone makes up a new node uuid at each start; a real driver keeps its uuid
in `compute_id`, and a nova-compute that has lost it refuses to start.
"""

from nova.virt import fake


class Driver(fake.FakeDriverWithoutFakeNodes, fake.FakeLiveMigrateDriver):
    """Boots, stops and migrates in memory."""
