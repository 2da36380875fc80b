# SPDX-License-Identifier: Apache-2.0
"""A host that a run has removed, as far as databases go, with the journal of that run."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

from nova_decom.apply.observers import state_before
from nova_decom.clients.restore import LiveRestoringCloud
from nova_decom.model.api_call import ApiCall
from nova_decom.model.cloud import Aggregate, ComputeNode, ComputeService
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.host import HostFacts
from nova_decom.model.host_slice import Memory, host_facts
from nova_decom.model.plan import Plan
from nova_decom.model.request import Request, Rows
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.model.sql import Transaction
from nova_decom.restore.executor import RestoreExecutor
from nova_decom.restore.plan import plan_restore
from nova_decom.restore.saved import SavedHost, saved_host
from nova_decom.state.journal import RunJournal
from nova_decom.state.journal_reader import read_record
from nova_decom.steps.close_evacuations import CloseEvacuations
from nova_decom.steps.purge_registration import PurgeRegistration
from nova_decom.steps.purge_rows import PurgeRows
from tests.database.conftest import Nova
from tests.database.rows import STAMP
from tests.database.server import CELL_TABLES
from tests.unit.fake import FakeJournal

RUN = "20261123T041500Z-7f3a"
CLOUD = CloudIdentity.of("http://cloud.test/v3", "R")
CLAIM = f"nova-decom {RUN} by ops@jump: old"
CHANGE = {"action": "x", "detail": "x", "rows": None}


@dataclass
class Removal:
    """Does to the rows of node1 what nova and this program do, and keeps the journal.

    ``between`` are the tables' checksums after nova's delete and before the purge.
    """

    nova: Nova
    state_dir: Path
    rows: Rows = Rows.PURGE
    between: dict[str, int] = field(default_factory=dict)

    @property
    def sql(self) -> Path:
        """The rows for a DBA."""
        return self.state_dir / "runs" / f"{RUN}.sql"

    def run(self, *, through_api: bool = True) -> None:
        """Remove the host; without its API delete, only ghosts are purged."""
        before = self.facts()
        with RunJournal(self.state_dir, RUN) as journal:
            journal.event("header", command="remove", hosts=["node1"], cloud=CLOUD.dump())
            journal.event("before", host="node1", facts=state_before(before))
            if through_api:
                self._delete_service(journal, before)
            self.between = self.nova.cell.checksums(*CELL_TABLES)
            facts = replace(self.facts(), services=())
            for step in (CloseEvacuations(), PurgeRows(), PurgeRegistration()):
                for change in step.changes(facts):
                    assert change.transaction is not None
                    self.nova.writing().run(change.transaction, journal.save)

    def facts(self) -> HostFacts:
        """What APIs and databases tell, the APIs played by the rows."""
        live = [r for r in self.nova.cell.rows("services") if not r["deleted"]]
        services = tuple(
            ComputeService(
                r["uuid"],
                r["binary"],
                r["host"],
                status="disabled" if r["disabled"] else "enabled",
                disabled_reason=r["disabled_reason"],
                state="down",
            )
            for r in live
        )
        nodes = tuple(
            ComputeNode(r["uuid"], r["host"], r["hypervisor_hostname"])
            for r in self.nova.cell.rows("compute_nodes")
            if not r["deleted"]
        )
        view = CloudSnapshot(
            services=services,
            compute_nodes=nodes if services else (),
            aggregates=self.aggregates(),
            databases=self.nova.reading().facts(["node1"]),
        )
        asked = Request(rows=self.rows, close_evacuations=True)
        return host_facts(view, "node1", asked, Memory())

    def aggregates(self) -> tuple[Aggregate, ...]:
        """Nova's API, played by the rows."""
        hosts = self.nova.api.rows("aggregate_hosts")
        return tuple(
            Aggregate(
                a["id"], a["name"], tuple(h["host"] for h in hosts if h["aggregate_id"] == a["id"])
            )
            for a in self.nova.api.rows("aggregates")
        )

    def _delete_service(self, journal: RunJournal, before: HostFacts) -> None:
        (service,) = before.services
        done = CHANGE | {"host": "node1", "target": service.id}
        journal.event("started", step="disable-service", **done)
        journal.event("done", step="disable-service", **done)
        query = self.nova.cell.query
        query("UPDATE nova.services SET disabled = 1, disabled_reason = %s WHERE uuid = %s",
              CLAIM, service.id)  # fmt: skip
        journal.event("started", step="delete-service", **done)
        for table in ("services", "compute_nodes"):
            query(
                f"UPDATE nova.{table} SET deleted = id, deleted_at = %s "
                "WHERE deleted = 0 AND BINARY host = 'node1'",
                STAMP,
            )
        query("UPDATE nova.compute_nodes SET mapped = 0 WHERE BINARY host = 'node1'")
        for table in ("aggregate_hosts", "host_mappings"):
            query(f"DELETE FROM nova_api.{table} WHERE BINARY host = 'node1'")
        journal.event("done", step="delete-service", **done)


@dataclass
class Restoring:
    """The way back: over the clients of the program, nova's API played by the rows."""

    removal: Removal

    def __post_init__(self) -> None:
        """Save what a restore changes as it would be."""
        nova = self.removal.nova
        self.saved = FakeJournal()
        self.clients = SimpleNamespace(compute=self, databases=nova.reading())
        self.cloud = LiveRestoringCloud(self, CLOUD)  # type: ignore[arg-type]

    @property
    def past(self) -> SavedHost:
        """What the journal tells."""
        path = self.removal.state_dir / "runs" / f"{RUN}.jsonl"
        found = saved_host(read_record(path), "node1")
        assert found is not None
        return found

    def plan(self) -> Plan:
        """What is to be put back now."""
        return plan_restore(self.past, self.cloud.present(self.past))

    def go(self) -> Plan:
        """Put it back; the plan that was carried out."""
        plan = self.plan()
        report = RestoreExecutor(self.cloud, self.saved).run(self.past, plan)
        assert report.error is None or plan.leftovers, report.error
        return plan

    def facts(self, _host: str) -> HostFacts:
        """As a cloud."""
        return self.removal.facts()

    def aggregates(self) -> tuple[Aggregate, ...]:
        """As nova's API."""
        return self.removal.aggregates()

    def send(self, call: ApiCall) -> str | None:
        """As nova's API, which is only asked to add the host to an aggregate."""
        assert call.body is not None
        host, number = call.body["add_host"]["host"], int(call.path.split("/")[2])
        self.removal.nova.api.insert("aggregate_hosts", host=host, aggregate_id=number)
        return None

    def run(self, transaction: Transaction) -> None:
        """As a cloud."""
        self.removal.nova.writing().run(transaction, lambda _images: None)
