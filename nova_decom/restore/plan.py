# SPDX-License-Identifier: Apache-2.0
"""The plan of a restore, from the saved and the present host. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from shlex import quote

from nova_decom.guards import judge
from nova_decom.model.api_call import add_to_aggregate, disable_service, enable_service
from nova_decom.model.change import Change, Outcome
from nova_decom.model.claim import belongs_to
from nova_decom.model.plan import Finding, Leftover, Plan, Verdict
from nova_decom.model.report import HostReport, Result
from nova_decom.model.sql import API_DATABASE, Transaction
from nova_decom.restore.current import CurrentHost
from nova_decom.restore.manual_steps import to_do
from nova_decom.restore.providers import lost_providers, restored_providers
from nova_decom.restore.row_decision import RowDecision, decide
from nova_decom.restore.saved import SavedHost, WantedRow
from nova_decom.restore.statements import statements
from nova_decom.state.sql_backup import TABLES

#: The guards of a removal that a restore asks too.
GUARDS = ("cells-answering", "foreign-disable", "database-access")


def plan_restore(past: SavedHost, present: CurrentHost, problem: str | None = None) -> Plan:
    """Every change that brings the host back, in order; what cannot come back is left over.

    ``problem`` is what is wrong with the journal. A row goes back only where nothing took its
    place; the second plan after a restore is empty.
    """
    wanted = sorted(wanted_rows(past, present), key=_order)
    decided = [(row, decide(row, past, present)) for row in wanted]
    nodes = _living_nodes(present, decided)
    changes = [
        *_transactions(past, present, decided),
        *restored_providers(past, present, nodes),
        *_memberships(past, present),
        *_state(past, present),
    ]
    findings = (*_findings(past, present, problem), _right_to_insert(decided))
    return Plan(
        host=past.host,
        findings=findings,
        changes=tuple(changes),
        leftovers=(
            *_refused(decided),
            *_lost(past, present),
            *lost_providers(past, present, nodes),
        ),
        kept=(),
        result=present.facts,
        to_do=tuple(to_do(past, present, {c.target for c in changes})),
    )


def result_of(plan: Plan, outcomes: Sequence[Outcome], result: Result) -> HostReport:
    """A plan as a report."""
    return HostReport(
        host=plan.host,
        result=result,
        findings=plan.findings,
        outcomes=tuple(outcomes),
        leftovers=plan.leftovers,
        to_do=plan.to_do,
    )


def _findings(past: SavedHost, present: CurrentHost, problem: str | None) -> Iterator[Finding]:
    if problem is None:
        yield Finding("journal", Verdict.OK, "The journal of the run can be relied on.")
    else:
        message = f"the journal of run {past.run}: {problem}"
        remedy = "read it, and put back by hand what is right: docs/restore.md"
        yield Finding("journal", Verdict.BLOCKED, message, remedy)
    yield _same_cloud(past, present)
    yield from (f for f in judge(present.facts) if f.guard in GUARDS)


def _right_to_insert(decided: Sequence[tuple[WantedRow, RowDecision]]) -> Finding:
    """The right to INSERT on every table that needs it: half a host is worse than none."""
    tables = dict.fromkeys(
        f"{row.table} of {row.cell}" for row, d in decided if d.refusal and d.refusal.is_right
    )
    if not tables:
        return Finding("insert-rights", Verdict.OK, "Rows that are gone may be inserted.")
    names = ", ".join(tables)
    return Finding(
        "insert-rights",
        Verdict.BLOCKED,
        f"INSERT is not granted on {names}",
        "GRANT INSERT on these tables to this user, or let a DBA run the .sql of the run",
    )


def _same_cloud(past: SavedHost, present: CurrentHost) -> Finding:
    """The present cloud is the run's: by cell, by URL and region, or by a uuid."""
    other = _other_cloud(past, present)
    if other is None:
        return Finding("same-cloud", Verdict.OK, "The run's cloud is this one.")
    return Finding(
        "same-cloud",
        Verdict.BLOCKED,
        other,
        "give the cloud and the databases of the run: --os-cloud, --api-db-url, --cell-db-url",
    )


def _other_cloud(past: SavedHost, present: CurrentHost) -> str | None:
    """The reason why this cloud may not be that of the run; None when it is."""
    if present.cells and past.cell_uuid not in {None, *present.cells}:
        return f"run {past.run} was on cell {past.cell_uuid}, and this cloud has no such cell"
    if present.cell_names and past.cell not in {None, *present.cell_names}:
        return f"run {past.run} was on cell {past.cell}, and this cloud has no such cell"
    if past.cloud is not None and not past.cloud.is_same(present.cloud):
        return f"run {past.run} was in the cloud {past.cloud}, and this is {present.cloud}"
    has_service = past.state is not None and past.state[0] in {
        s.id for s in present.facts.services
    }
    if past.cloud or has_service or past.cell_uuid in present.cells:
        return None
    return f"the journal of run {past.run} does not tell its cloud, and nothing else does"


def wanted_rows(past: SavedHost, present: CurrentHost) -> Iterator[WantedRow]:
    """The rows of the journal, and the host mapping that nova deleted and nobody saved.

    A compute node that comes back without host mapping is not to be ``mapped``: discover_hosts
    looks at no other (nova 34.0.0 objects/host_mapping.py:201).
    """
    saved = {(row.table, row.id) for row in past.rows}
    mapping = None
    if past.mapping and past.mapping[1] in present.cells:
        number, cell = past.mapping
        values = {"id": number, "host": past.host, "cell_id": present.cells[cell]}
        mapping = WantedRow(API_DATABASE, "host_mappings", number, values, whole=True)
    if mapping and ("host_mappings", mapping.id) not in saved:
        yield mapping
    database = present.facts.database
    will_be_mapped = mapping is not None or bool(database and database.host_mapping)
    for row in past.rows:
        lives_again = row.table == "compute_nodes" and not row.values["deleted"]
        if lives_again and past.deleted and not will_be_mapped:
            yield replace(row, values={**row.values, "mapped": 0})
        else:
            yield row


def _order(row: WantedRow) -> tuple[bool, int]:
    """The API's database first, parents before children.

    A host mapping without rows misleads nobody who looks for a server; rows without a mapping
    would be a host that nova cannot find.
    """
    return row.cell != API_DATABASE, TABLES.index(row.table)


def _transactions(
    past: SavedHost, present: CurrentHost, decided: Sequence[tuple[WantedRow, RowDecision]]
) -> Iterator[Change]:
    """One transaction for each database."""
    todo = [(row, d) for row, d in decided if d.is_change]
    for cell in dict.fromkeys(row.cell for row, _ in todo):
        mine = [(row, d) for row, d in todo if row.cell == cell]
        transaction = Transaction(cell, past.host, tuple(statements(past, present, mine)))
        tables = dict.fromkeys(row.table for row, _ in mine)
        label = ", ".join(
            f"{t} {' '.join(str(row.id) for row, _ in mine if row.table == t)}" for t in tables
        )
        yield Change(
            step="restore-rows",
            action="restore",
            target=f"{cell}: {label}",
            detail="; ".join(s.text for s in transaction.statements),
            rows=transaction.rows,
            transaction=transaction,
        )


def _living_nodes(
    present: CurrentHost, decided: Sequence[tuple[WantedRow, RowDecision]]
) -> frozenset[str]:
    """The compute nodes (uuid) of the host that live, now or by this restore."""
    back = {
        str(row.values["uuid"])
        for row, d in decided
        if row.table == "compute_nodes" and d.is_change and not row.values["deleted"]
    }
    rows = [
        r for (_, table), found in present.rows.items() if table == "compute_nodes" for r in found
    ]
    live = {str(r["uuid"]) for r in rows if r["host"] == present.facts.host and not r["deleted"]}
    return frozenset(back | live | {node.uuid for node in present.facts.living_nodes})


def _memberships(past: SavedHost, present: CurrentHost) -> Iterator[Change]:
    """Aggregates by nova's API, which also tells placement; those purged by SQL come by SQL."""
    by_row = {r.values["aggregate_id"] for r in past.rows if r.table == "aggregate_hosts"}
    known = {a.id: a for a in present.aggregates}
    for was in past.aggregates:
        now = known.get(was.id)
        if now and now.name == was.name and past.host not in now.hosts and was.id not in by_row:
            call = add_to_aggregate(str(was.id), past.host)
            detail = f'{call.method} {call.path} {{"add_host": {{"host": …}}}}'
            detail = f"{detail} ({past.host} into {was.name})"
            yield Change("restore-aggregates", "add", str(was.id), detail, call=call)


def _state(past: SavedHost, present: CurrentHost) -> Iterator[Change]:
    """Status and reason as they were, while the service still carries the run's claim."""
    service = present.facts.service
    if past.state is None or service is None or service.id != past.state[0]:
        return
    _, status, reason = past.state
    ours = belongs_to(past.run, service.disabled_reason)
    if service.status == "disabled" and ours:
        action, call = "disable", disable_service(past.state[0], reason or "")
        if status == "enabled":
            action, call = "enable", enable_service(past.state[0])
        detail = f"{call.method} {call.path} status {status}, reason {reason!r}"
        yield Change("restore-service", action, past.state[0], detail, call=call)


def _refused(decided: Sequence[tuple[WantedRow, RowDecision]]) -> Iterator[Leftover]:
    for row, verdict in decided:
        if verdict.refusal is not None:
            target = f"{row.cell}: {row.table} {row.id}"
            yield Leftover("row", target, verdict.refusal.why, verdict.refusal.remedy)


def _lost(past: SavedHost, present: CurrentHost) -> Iterator[Leftover]:
    """Objects that the journal names and no restore can create again."""
    known = {a.id: a for a in present.aggregates}
    for was in past.aggregates:
        now = known.get(was.id)
        if now is None or now.name != was.name:
            what = "is gone" if now is None else f"is now called {now.name!r}"
            remedy = f"openstack aggregate add host AGGREGATE {quote(past.host)}"
            yield Leftover("aggregate", str(was.id), f"{was.name!r} {what}", remedy)
    if past.without_rows:
        yield Leftover(
            "rows",
            past.host,
            "the run was given no database: nova has soft-deleted the host's rows",
            "the next start of nova-compute registers the host again",
        )
