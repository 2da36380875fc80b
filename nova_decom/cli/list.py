# SPDX-License-Identifier: Apache-2.0
"""``nova-decom list``: the compute hosts, one row for each."""

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
from nova_decom.model.report import planned
from nova_decom.model.tables import HostRow, ListReport
from nova_decom.output.text import verdict
from nova_decom.plan.planner import make_plan


def list_hosts(given: GivenOptions, hosts: tuple[str, ...]) -> ListReport:
    """One row for each compute host, or for each host named.

    :raises RefusedError: a host named is not known.
    """
    app = Context(given)
    with app.showing():
        facts = app.reading().read_hosts(named(hosts) or None, OVERVIEW_PARTS)
    return ListReport("list", ExitCode.SUCCESS, rows=tuple(map(_row, facts)))


def _row(facts: HostFacts) -> HostRow:
    plan = make_plan(facts, only_verdict=True)
    known = next(f for f in plan.findings if f.guard == "host-known")
    if known.verdict is Verdict.BLOCKED:
        # A list has no --absent-ok, which the parenthesis is about.
        raise RefusedError(known.message, (known.remedy or "").partition(" (")[0])
    service, database = facts.service, facts.database
    live = deleted = None
    if database is not None:
        rows = [row.deleted for row in database.services]
        rows += [row.deleted for row in database.compute_nodes]
        live, deleted = rows.count(0), len(rows) - rows.count(0)
    return HostRow(
        host=facts.host,
        status=service.status if service else None,
        state=service.state if service else None,
        heartbeat=_heartbeat(facts),
        zone=service.zone if service else None,
        compute_nodes=tuple(n.hypervisor_hostname for n in facts.compute_nodes),
        servers=dict(Counter(s.status for s in facts.servers)),
        migrations=len(facts.migrations),
        rows_live=live,
        rows_deleted=deleted,
        verdict=verdict(planned(plan)),
    )


def _heartbeat(facts: HostFacts) -> str | None:
    """The time of the last report; without databases, that of the last change of the service.

    Nova's API shows ``updated_at`` alone, which disabling and enabling move too.
    """
    service, database = facts.service, facts.database
    if service is None:
        return None
    rows = [r.last_seen_up for r in database.services if r.uuid == service.id] if database else []
    seen = next((seen for seen in rows if seen), None) or service.updated_at or ""
    return seen.replace(" ", "T").split(".")[0] or None
