# SPDX-License-Identifier: Apache-2.0
"""``nova-decom plan``: the plan of each host, and ``--dry-run`` of the other commands."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nova_decom.cli.context import Context
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.hosts import named, raise_if_aliases_of_several, selected
from nova_decom.cli.servers import with_chosen
from nova_decom.clients.cloud import LiveCloud
from nova_decom.errors import ConfigurationError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Plan
from nova_decom.model.report import HostReport, Report, Result, planned
from nova_decom.model.request import Part
from nova_decom.plan.jobs import REMOVE, Job
from nova_decom.plan.plan_file import save_plans
from nova_decom.plan.planner import make_plan
from nova_decom.registrars import PLANNED_PARTS
from nova_decom.steps.stop_service import StopService

#: Placement lists allocations only per provider: too many calls for every host.
OVERVIEW_PARTS = PLANNED_PARTS - {Part.ALLOCATIONS}


def plan(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """The plan of each host named, or one line for every compute host."""
    app = Context(given)
    hosts = selected(app, hosts)
    app.hosts = hosts
    return plan_with(app, hosts)


def plan_with(app: Context, hosts: tuple[str, ...], job: Job = REMOVE) -> Report:
    """The plan of a job for each of these hosts, or one line for every compute host.

    :raises ConfigurationError: a plan of every host was to be saved.
    """
    if app.settings.out and not hosts:
        raise ConfigurationError(
            "--out saves the plan of hosts that are named, not of every host", "name them"
        )
    hosts = named(hosts)
    raise_if_aliases_of_several(app, hosts)
    cloud = app.reading()
    if hosts:
        facts = facts_to_plan(app, cloud, hosts, job)
    else:
        with app.showing():
            facts = cloud.read_hosts(None, OVERVIEW_PARTS)
    # One after the other: each plan holds the facts that it leaves.
    plans: Iterable[Plan] = (make_plan(f, job) for f in facts)
    if app.settings.out:
        plans = saved = tuple(plans)
        save_plans(Path(app.settings.out), saved, app.cloud)
    reports = tuple(planned(p) for p in plans)
    code = _detailed(reports) if app.settings.detailed_exitcode else ExitCode.SUCCESS
    return Report("plan", code, reports, is_overview=not hosts)


def facts_to_plan(
    app: Context, cloud: LiveCloud, hosts: tuple[str, ...], job: Job
) -> tuple[HostFacts, ...]:
    """The facts of hosts that are named; a job that stops nova-compute asks their machines too."""
    stops = any(step.name == StopService.name for step in job.steps)
    with app.showing():
        facts = with_chosen(app, cloud.read_hosts(hosts), cloud.clients.projects)
        return cloud.ask_machines(facts) if stops else facts


def _detailed(hosts: tuple[HostReport, ...]) -> ExitCode:
    if any(h.result is Result.BLOCKED for h in hosts):
        return ExitCode.REFUSED
    return ExitCode.CHANGES if any(h.outcomes for h in hosts) else ExitCode.SUCCESS
