# SPDX-License-Identifier: Apache-2.0
"""The cloud that plans and runs read and change, over the real clients.

The clients decide whether it can write: those of a cloud for reading are unable to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from nova_decom.clients.audit_reader import read_for_audit
from nova_decom.clients.consumers import Clients
from nova_decom.clients.heartbeats import Heartbeats
from nova_decom.clients.host.machines import Machines
from nova_decom.clients.host_history import HostHistory
from nova_decom.clients.mysql.checked_rows import lacks_rights, with_missing_rights
from nova_decom.clients.mysql.connection import Images
from nova_decom.clients.openstack.compute import Compute
from nova_decom.clients.openstack.placement import Placement
from nova_decom.clients.read_batching import BatchedReads
from nova_decom.clients.reader import CloudReader
from nova_decom.clients.readings import BY_HOST, KeepNames, Readings
from nova_decom.clock import LONG_AGO, Clock
from nova_decom.errors import BadRequestError, UnsupportedError, WriteRefusedError
from nova_decom.guards.host import is_known, is_named_by_nova, is_traced_by_others
from nova_decom.model.api_call import ApiCall
from nova_decom.model.claim import ClaimPolicy, read_claim, run_of
from nova_decom.model.cloud import Aggregate, ComputeService, LiveProgress, MoveSnapshot
from nova_decom.model.copies import replace
from nova_decom.model.host import HostFacts, HostIdentity
from nova_decom.model.host_slice import host_facts
from nova_decom.model.machine import StopOrder, SystemdUnit
from nova_decom.model.request import Part, Request, StopWith
from nova_decom.model.snapshot import compute_hosts
from nova_decom.model.sql import Image, Transaction
from nova_decom.moves.capacity import reserve_capacity
from nova_decom.registrars import PLANNED_PARTS, with_registrars
from nova_decom.verify.audit import AuditSnapshot


class LiveCloud:
    """Reads the cloud in bulk, keeps its readings, and makes one change at a time."""

    def __init__(  # noqa: PLR0913 - the clients, and where rows, names and times go
        self,
        clients: Clients,
        request: Request,
        *,
        recall: Callable[[str], HostIdentity | None] = lambda _host: None,
        images: Images | None = None,
        clock: Clock | None = None,
        keep_names: KeepNames = lambda _kind, _names: None,
        holding: ClaimPolicy | None = None,
        gather: Callable[[float], None] | None = None,
    ) -> None:
        """``recall`` returns a host's identity of earlier runs; ``images`` saves before-images.

        ``keep_names`` gets the names of hosts, zones and aggregates whenever all were read.
        ``gather`` waits while other hosts are about to ask for a reading.
        """
        self.clients = clients
        self._request = request
        self._holding = holding or ClaimPolicy()
        self._images = images or _no_images
        self._clock = clock or Clock()
        self._history = HostHistory(recall)
        self._heartbeats = Heartbeats(
            self._history, clients.databases, request.leaving, self._clock
        )
        readings = Readings(
            clients, request, self._history, self._heartbeats, keep_names, self._clock
        )
        self._readings = readings
        self._machines = Machines(
            clients, self._history, self._heartbeats, readings.identity, self._slice
        )
        has_rows = clients.databases is not None
        self._reader = CloudReader(readings, self._heartbeats, self._clock, has_rows=has_rows)
        self._reads = BatchedReads(self._reader.read, gather)
        #: When the latest reading for plans began, and one to select hosts that it goes on from.
        self.gathered = LONG_AGO
        self._selected: float | None = None

    def read_hosts(
        self, hosts: Sequence[str] | None, parts: frozenset[str] = PLANNED_PARTS
    ) -> tuple[HostFacts, ...]:
        """The facts of these hosts, or of every compute host, by as few calls as possible.

        A host on which a server is left is a compute host, also if nova has no service there.
        """
        selected, self._selected = self._selected, None
        self.gathered = self._clock.now() if selected is None else selected
        if Part.SERVICES in parts and selected is None:
            self._readings.services(None)
        chosen = compute_hosts(self._readings.view) if hosts is None else tuple(hosts)
        self._reader.beside_services(dict.fromkeys(chosen, parts))
        if hosts is None and Part.SERVERS in parts:
            lost = self._readings.hosts_without_service()
            self._reader.beside_services(dict.fromkeys(lost, parts))
            chosen = tuple(sorted((*chosen, *lost)))
        # For many hosts, the rights are tried once and not for the plan of each.
        is_many = hosts is None or len(chosen) > BY_HOST
        has_rights = is_many and not lacks_rights(self._request, self.clients.databases)
        found = self._slices(chosen, has_rights=has_rights)
        if hosts is not None and any(_has_only_traces(f) for f in found):
            # The name may be that of another host's hypervisor, and rows are read by host.
            self._readings.all_compute_nodes()
            found = self._slices(chosen, has_rights=has_rights)
        return reserve_capacity(found)

    def hosts_of_the_cloud(self) -> tuple[tuple[ComputeService, ...], tuple[Aggregate, ...]]:
        """All services and all aggregates, for choosing hosts by them.

        The facts of the hosts that are chosen, read next, are of the same services.
        """
        self._selected = self._clock.now()
        self._readings.services(None)
        self._readings.aggregates()
        return self._readings.view.services, self._readings.view.aggregates

    def facts(self, host: str) -> HostFacts:
        """All that a plan needs of one host, read now."""
        return self.refresh(host, PLANNED_PARTS)

    def refresh(self, host: str, parts: frozenset[str]) -> HostFacts:
        """The facts of the host with only these parts read anew.

        Threads that ask at the same time are served by one reading for all of them.
        """
        if parts - {Part.UNIT}:
            self._reads(host, parts)
        if Part.UNIT in parts and self._request.asks_machines:
            self._machines.read_unit(host)
        return self._slice(host)

    def ask_machines(self, facts: Sequence[HostFacts]) -> tuple[HostFacts, ...]:
        """These facts, and of each host on which nova-compute is stopped over ssh, its machine.

        Whether the unit is off is read again when it is to be stopped.
        """
        asked = [f for f in facts if f.stops_nova_compute]
        if not self._request.asks_machines or not asked:
            return tuple(facts)
        found = {f.host: f for f in self._machines.ask(asked)}
        return tuple(found.get(f.host, f) for f in facts)

    def continue_from(self, other: LiveCloud) -> None:
        """Take over the readings of another cloud: heartbeats stand still since its first one."""
        self._history.continue_from(other._history)
        self._heartbeats.continue_from(other._heartbeats)
        self._readings.continue_from(other._readings)
        self._selected = other._selected

    def send(self, call: ApiCall) -> str | None:
        """Send one request as the plan shows it; a claim gets its end of validity.

        Objects that it deletes are saved before. An optional one that is refused is noted.
        """
        for path in call.saved:
            self._save(path)
        until = datetime.now(UTC) + timedelta(seconds=self._holding.validity)
        client = self.clients.sender(call.service)
        target = call.path.rpartition("/")[2]
        try:
            with self._heartbeats.writing(target):
                return client.send(call.with_expiry(until))
        except BadRequestError as error:
            if not call.is_optional:
                raise
            self._readings.refused(target)
            raise UnsupportedError(str(error), error.remedy) from error

    def refusal(self, call: ApiCall) -> str | None:
        """The words in which a service denies the right to a request that changes nothing."""
        client: Compute | Placement = getattr(self.clients, call.service)
        return client.refusal(call)

    def live_progress(self, server: str) -> LiveProgress | None:
        """Read the progress of the live migration of a server; None where nova shows none."""
        return self.clients.compute.live_progress(server)

    def watch(self, host: str, look: str) -> MoveSnapshot:
        """Read a host's newest migrations and the servers of ``look``, whatever their number."""
        compute = self.clients.compute
        migrations = compute.newest_migrations(host)
        return MoveSnapshot(migrations, look, compute.servers_of((look,)))

    def stop_unit(self, host: str, order: StopOrder | None) -> None:
        """Stop nova-compute on the host by ssh or by the operator's command."""
        command = self.clients.stop_command
        if self._request.stop_with is StopWith.COMMAND and command is not None:
            command.stop(host)
            off = SystemdUnit("(by the stop command)", active=False, enabled=False)
            self._history.add(host, unit=off)
        elif order is not None:
            self._machines.stop(host, order)

    def release_allocations(self, consumer: str, providers: frozenset[str]) -> str | None:
        """Take these providers out of the consumer's allocations, saved first."""
        self._save(f"/allocations/{consumer}")
        return self.clients.placement.release(consumer, providers)

    def run(self, transaction: Transaction) -> None:
        """Run one guarded database transaction."""
        if self.clients.databases is not None:
            self.clients.databases.run(transaction, self._images)

    def read_for_audit(self, remembered: frozenset[str] = frozenset()) -> AuditSnapshot:
        """The readings of an audit, by a number of calls that does not grow with the hosts."""
        return read_for_audit(self.clients, self._readings, remembered)

    def _save(self, path: str) -> None:
        self._images([Image("placement", path, self.clients.placement.image(path))])

    def _slices(self, hosts: Sequence[str], *, has_rights: bool) -> list[HostFacts]:
        return [self._slice(host, has_rights=has_rights) for host in hosts]

    def _slice(self, host: str, *, has_rights: bool = False) -> HostFacts:
        return with_missing_rights(self._cut(host), self.clients.databases, has_rights=has_rights)

    def _cut(self, host: str) -> HostFacts:
        view = self._readings.view
        memory = self._history.of(host)
        facts = with_registrars(host_facts(view, host, self._request, memory), view)
        if is_known(facts):
            self._history.add(host, is_known=True)
        if is_named_by_nova(facts):
            self._history.add(host, is_named=True)
        return replace(facts, claim_is_over=True) if self._is_over(facts) else facts

    def _is_over(self, facts: HostFacts) -> bool:
        """True when the claim on the service has lapsed, or its run has ended."""
        found = read_claim(facts.service.disabled_reason) if facts.service else None
        if found is None:
            return False
        ours = found.run == run_of(facts.request.claim)
        dead = not ours and self._holding.has_ended(found.run, facts.host)
        return dead or found.has_lapsed(datetime.now(UTC))


def _has_only_traces(facts: HostFacts) -> bool:
    """True when placement or a registrar names the host and nova does not."""
    return not is_named_by_nova(facts) and is_traced_by_others(facts)


def _no_images(_images: Sequence[Image]) -> None:
    """Refuse a change for which no before-image can be saved."""
    raise WriteRefusedError("a write without a journal")
