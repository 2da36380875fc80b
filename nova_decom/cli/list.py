# SPDX-License-Identifier: Apache-2.0
"""The commands that only look: list, plan, verify."""

from __future__ import annotations

from collections import Counter

from nova_decom.cli.context import Context
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.hosts import named
from nova_decom.cli.plan import OVERVIEW_PARTS
from nova_decom.errors import RefusedError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Verdict
from nova_decom.model.report import HostReport, Report, planned
from nova_decom.model.rows import ComputeNodeRow, DatabaseFacts, ServiceRow
from nova_decom.output.text import verdict
from nova_decom.plan.planner import make_plan


def list_hosts(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """One row per compute host, or per host named.

    :raises RefusedError: a host named is not known.
    """
    cloud = Context(given).reading()
    facts = cloud.read_hosts(named(hosts) or None, OVERVIEW_PARTS)
    plans = [make_plan(f) for f in facts]
    for plan in plans:
        unknown = next(f for f in plan.findings if f.guard == "host-known")
        if unknown.verdict is Verdict.BLOCKED:
            raise RefusedError(unknown.message, unknown.remedy)
    rows = [_row(f, planned(p)) for f, p in zip(facts, plans, strict=True)]
    return Report("list", ExitCode.SUCCESS, extra={"hosts": rows})


def _rows(database: DatabaseFacts) -> tuple[ServiceRow | ComputeNodeRow, ...]:
    return (*database.services, *database.compute_nodes)


def _row(facts: HostFacts, report: HostReport) -> dict[str, object]:
    service, database = facts.service, facts.database
    rows = None if database is None else [r.deleted for r in _rows(database)]
    return {
        "host": facts.host,
        "status": service.status if service else None,
        "state": service.state if service else None,
        "heartbeat": (service.updated_at or "").split(".")[0] or None if service else None,
        "zone": service.zone if service else None,
        "compute_nodes": [n.hypervisor_hostname for n in facts.compute_nodes],
        "servers": dict(Counter(s.status for s in facts.servers)),
        "migrations": len(facts.migrations),
        "rows_live": None if rows is None else rows.count(0),
        "rows_deleted": None if rows is None else len(rows) - rows.count(0),
        "verdict": verdict(report),
    }
