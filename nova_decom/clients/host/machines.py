# SPDX-License-Identifier: Apache-2.0
"""Machines that describe themselves over ssh, and what they say of a host's nova-compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from nova_decom.clients.consumers import Clients
from nova_decom.clients.heartbeats import Heartbeats
from nova_decom.clients.host.ssh import CONNECTIONS
from nova_decom.clients.host_history import HostHistory
from nova_decom.errors import ChangeFailedError
from nova_decom.model.host import HostFacts, HostIdentity
from nova_decom.model.machine import Machine, StopOrder, SystemdUnit
from nova_decom.model.ownership import has_ended, own_units, units_to_stop


@dataclass(frozen=True, slots=True)
class Machines:
    """Reads the machines of hosts, keeps them in the history, and stops their units.

    ``identity`` returns the names and uuids of a host; ``slice_of`` its facts by the readings so
    far.
    """

    clients: Clients
    history: HostHistory
    heartbeats: Heartbeats
    identity: Callable[[str], HostIdentity]
    slice_of: Callable[[str], HostFacts]

    def ask(self, facts: Sequence[HostFacts]) -> tuple[HostFacts, ...]:
        """These facts, each with its machine, read side by side, or why it could not be read."""
        with ThreadPoolExecutor(min(len(facts), CONNECTIONS)) as pool:
            machines = pool.map(self._ask, (f.host for f in facts))
            found = zip(facts, list(machines), strict=True)
        return tuple(self._with_machine(f, machine) for f, machine in found)

    def read_unit(self, host: str) -> None:
        """Read the unit on the host, unless it was off at an earlier reading.

        The machine that the plan has read need not be read again to be stopped: its units are
        stopped only while it describes itself as it did.

        :raises ChangeFailedError: the host does not answer, though nova has a service of it.
        """
        memory = self.history.of(host)
        if memory.unit and memory.unit.is_off:
            return
        if memory.unit is None and memory.machine and units_to_stop(self.slice_of(host)):
            self._keep(host, memory.machine)
            return
        try:
            machine = self._read(host)
        except ChangeFailedError:
            if self.slice_of(host).service is not None:
                raise
            # No service shows that the host lives: it need not answer.
            unit = SystemdUnit("nova-compute", active=False, enabled=False, reached=False)
            self.history.add(host, unit=unit)
            return
        self._keep(host, machine)

    def stop(self, host: str, order: StopOrder) -> None:
        """Stop these units; the machine describes itself afterwards by the same connection.

        :raises ChangeFailedError: ssh failed, another machine answers, or systemctl refused.
        """
        machine = self.clients.remote.stop(host, order)
        if machine is not None:
            self._keep(host, self._with_owners(host, machine))

    def _ask(self, host: str) -> Machine:
        try:
            return self._read(host)
        except ChangeFailedError as error:
            return Machine(problem=str(error), cure=error.remedy or "")

    def _with_machine(self, facts: HostFacts, machine: Machine) -> HostFacts:
        self.history.add(facts.host, machine=machine)
        found = replace(facts, machine=machine)
        self.heartbeats.compute_ended(facts.host, ended=has_ended(found))
        return replace(found, heartbeats=self.history.of(facts.host).heartbeats_of(facts.services))

    def _keep(self, host: str, machine: Machine) -> None:
        self.history.add(host, machine=machine)
        facts = self.slice_of(host)
        self.history.add(host, unit=_state_of(facts))
        self.heartbeats.compute_ended(host, ended=has_ended(facts))

    def _read(self, host: str) -> Machine:
        return self._with_owners(host, self.clients.remote.machine(host))

    def _with_owners(self, host: str, machine: Machine) -> Machine:
        """The machine; nova is asked for the hosts of compute nodes that are not the host's."""
        own = self.identity(host).node_uuids
        strange = [u for u in machine.units if u.host != host or u.node_uuids - own]
        uuids = frozenset().union(*(u.node_uuids for u in strange))
        if not uuids:
            return machine
        owners = self.clients.owners_of(uuids)
        units = (
            replace(u, node_hosts=frozenset().union(*(owners[uuid] for uuid in u.node_uuids)))
            if u in strange
            else u
            for u in machine.units
        )
        return replace(machine, units=tuple(units))


def _state_of(facts: HostFacts) -> SystemdUnit | None:
    """The unit that is to be stopped; one that is off when there is none."""
    units = facts.machine.units if facts.machine else ()
    return next((u.unit for u in (*units_to_stop(facts), *own_units(facts), *units)), None)
