# SPDX-License-Identifier: Apache-2.0
"""``nova-decom audit``: leftovers of removed hosts in the whole cloud."""

from __future__ import annotations

from nova_decom.cli.context import Context
from nova_decom.cli.given import GivenOptions
from nova_decom.exit_codes import ExitCode
from nova_decom.model.report import HostReport, Result
from nova_decom.model.tables import AuditReport
from nova_decom.state.known_hosts import HostMemory
from nova_decom.verify.audit import Trace, audit

NOT_ALL = "rows of all cells, host mappings, servers left on hosts: no API database given"


def audit_cloud(given: GivenOptions) -> AuditReport:
    """The leftovers by host; with ``--detailed-exitcode``, exit 3 when there is one."""
    app = Context(given)
    cloud = app.reading()
    known = HostMemory(app.state_dir, app.cloud.key).hosts()
    with app.showing():
        traces = audit(cloud.read_for_audit(known))
    found = ExitCode.CHANGES if traces and app.settings.detailed_exitcode else ExitCode.SUCCESS
    databases = cloud.clients.databases
    unchecked = () if databases and databases.api else (NOT_ALL,)
    hosts = sorted({t.host for t in traces})
    reports = tuple(_report(host, traces) for host in hosts)
    return AuditReport("audit", found, reports, unchecked=unchecked)


def _report(host: str, traces: tuple[Trace, ...]) -> HostReport:
    return HostReport(
        host=host,
        result=Result.LEFTOVERS,
        leftovers=tuple(t.leftover for t in traces if t.host == host),
    )
