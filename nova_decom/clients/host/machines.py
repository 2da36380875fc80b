# SPDX-License-Identifier: Apache-2.0
"""Machines that describe themselves over ssh, and the nova hosts of their compute nodes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from nova_decom.clients.host.ssh import Remote
from nova_decom.errors import ChangeFailedError
from nova_decom.model.host import HostIdentity
from nova_decom.model.machine import Machine

#: Machines that are asked over ssh at the same time which host they are.
MACHINES_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Machines:
    """Reads the machines of hosts.

    ``owners_of`` returns the hosts that have compute nodes with these uuids; ``identity`` the
    names and uuids of a host.
    """

    remote: Remote
    owners_of: Callable[[Collection[str]], Mapping[str, frozenset[str]]]
    identity: Callable[[str], HostIdentity]

    def read(self, host: str) -> Machine:
        """The machine of the host; nova is asked for the hosts of compute nodes not its own.

        :raises ChangeFailedError: ssh failed, or the machine has no unit of nova-compute.
        """
        machine, own = self.remote.machine(host), self.identity(host).node_uuids
        strange = [u for u in machine.units if u.host != host or u.node_uuids - own]
        uuids = frozenset().union(*(u.node_uuids for u in strange))
        if not uuids:
            return machine
        owners = self.owners_of(uuids)
        units = (
            replace(u, node_hosts=frozenset().union(*(owners[uuid] for uuid in u.node_uuids)))
            if u in strange
            else u
            for u in machine.units
        )
        return replace(machine, units=tuple(units))

    def ask(self, hosts: Sequence[str]) -> dict[str, Machine]:
        """The machine of each host, read side by side, or why it could not be read."""
        with ThreadPoolExecutor(min(len(hosts), MACHINES_AT_ONCE)) as pool:
            return dict(zip(hosts, pool.map(self._ask, hosts), strict=True))

    def _ask(self, host: str) -> Machine:
        try:
            return self.read(host)
        except ChangeFailedError as error:
            return Machine(problem=str(error), cure=error.remedy or "")
