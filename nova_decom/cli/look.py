# SPDX-License-Identifier: Apache-2.0
"""The commands that only look: list, plan, verify."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from nova_decom.cli.app import App
from nova_decom.cli.hosts import named
from nova_decom.cli.options import Given
from nova_decom.cli.selection import selected
from nova_decom.errors import ConfigurationError, RefusedError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Plan, Verdict
from nova_decom.model.report import HostReport, Report
from nova_decom.model.request import PLANNED_PARTS, Part
from nova_decom.model.rows import ComputeNodeRow, DatabaseFacts, ServiceRow
from nova_decom.output.text import verdict
from nova_decom.plan.jobs import REMOVE, Job
from nova_decom.plan.plan_file import save_plans
from nova_decom.plan.planner import make_plan, planned
from nova_decom.verify.verify import verify

#: Allocations are told only per provider: too many calls for a look at every host.
OVERVIEW_PARTS = PLANNED_PARTS - {Part.ALLOCATIONS}


def list_hosts(given: Given, hosts: tuple[str, ...]) -> Report:
    """One row per compute host, or per host named.

    :raises RefusedError: a host named is not known.
    """
    cloud = App(given).reading()
    facts = cloud.gather(named(hosts) or None, OVERVIEW_PARTS)
    plans = [make_plan(f) for f in facts]
    for plan in plans:
        unknown = next(f for f in plan.findings if f.guard == "host-known")
        if unknown.verdict is Verdict.BLOCKED:
            raise RefusedError(unknown.message, unknown.remedy)
    rows = [_row(f, planned(p)) for f, p in zip(facts, plans, strict=True)]
    return Report("list", ExitCode.SUCCESS, extra={"hosts": rows})


def plan(given: Given, hosts: tuple[str, ...]) -> Report:
    """The plan of each host named, or a line for every compute host."""
    app = App(given)
    hosts = selected(app, hosts)
    app.hosts = hosts
    return plan_with(app, hosts)


def plan_with(app: App, hosts: tuple[str, ...], job: Job = REMOVE) -> Report:
    """As :func:`plan`, with settings that are resolved already.

    :raises ConfigurationError: a plan of every host was to be saved.
    """
    if app.settings.out and not hosts:
        raise ConfigurationError(
            "--out saves the plan of hosts that are named, not of every host", "name them"
        )
    hosts = named(hosts)
    parts = PLANNED_PARTS if hosts else OVERVIEW_PARTS
    plans = [make_plan(f, job) for f in app.reading().gather(hosts or None, parts)]
    if app.settings.out:
        save_plans(Path(app.settings.out), plans)
    code = _detailed(plans) if app.settings.detailed_exitcode else ExitCode.SUCCESS
    reports = tuple(planned(p) for p in plans)
    return Report("plan", code, reports, is_overview=not hosts)


def verify_hosts(given: Given, hosts: tuple[str, ...]) -> Report:
    """What is left of each host."""
    app = App(given)
    reports = tuple(verify(f) for f in app.reading().gather(selected(app, hosts)))
    return Report("verify", max(int(r.exit_code) for r in reports), reports)


def _detailed(plans: list[Plan]) -> ExitCode:
    if any(p.blocked for p in plans):
        return ExitCode.REFUSED
    return ExitCode.CHANGES if any(p.changes for p in plans) else ExitCode.SUCCESS


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
