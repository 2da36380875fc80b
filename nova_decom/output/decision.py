# SPDX-License-Identifier: Apache-2.0
"""The line that names the cloud, and the lines above the confirmation."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.plan import Verdict, some
from nova_decom.model.report import HostReport
from nova_decom.output.console import entry
from nova_decom.steps import PERMANENT


def print_cloud(err: Console, cloud: CloudIdentity, databases: Sequence[str]) -> None:
    """Print the cloud of the command and its databases, before anything is read."""
    which = ", ".join(databases) or "none, so only the API is used"
    entry(err, (("Cloud  ", "bold"),), f"{cloud}; databases: {which}")


def print_decision(
    out: Console,
    cloud: CloudIdentity,
    todo: Sequence[HostReport],
    order: Sequence[str] = (),
) -> None:
    """Print what the operator confirms; ``order``: in which batches and until when hosts begin."""
    steps = [outcome.change.step for report in todo for outcome in report.outcomes]
    stay = [step for step in dict.fromkeys(steps) if step in PERMANENT]
    warnings = [
        f"{report.host}: {finding.guard}" if len(todo) > 1 else finding.guard
        for report in todo
        for finding in report.findings
        if finding.verdict is Verdict.WARNING
    ]
    hosts = some(report.host for report in todo)
    out.print()
    entry(out, ("  Hosts     ",), f"{len(todo)}: {hosts}" if len(todo) > 1 else hosts)
    entry(out, ("  Cloud     ",), str(cloud))
    if order:
        entry(out, ("  Order     ",), "; ".join(order))
    reverse = f"; not reversible: {', '.join(stay)}" if stay else ""
    entry(out, ("  Changes   ",), f"{len(steps)}{reverse}")
    entry(out, ("  Warnings  ",), some(warnings) or "none")
