# SPDX-License-Identifier: Apache-2.0
"""The lines above the confirmation: hosts, cloud, changes that cannot be reversed, warnings."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.console import Console

from nova_decom.model.plan import Verdict, some
from nova_decom.model.report import HostReport
from nova_decom.output.console import entry


def print_decision(
    out: Console, cloud: str, todo: Sequence[HostReport], permanent: Collection[str]
) -> None:
    """Print what the operator confirms; ``permanent`` names the steps that cannot be reversed."""
    steps = [outcome.change.step for report in todo for outcome in report.outcomes]
    stay = [step for step in dict.fromkeys(steps) if step in permanent]
    warnings = [
        f"{report.host}: {finding.guard}" if len(todo) > 1 else finding.guard
        for report in todo
        for finding in report.findings
        if finding.verdict is Verdict.WARNING
    ]
    hosts = some(report.host for report in todo)
    out.print()
    entry(out, ("  Hosts     ",), f"{len(todo)}: {hosts}" if len(todo) > 1 else hosts)
    entry(out, ("  Cloud     ",), cloud)
    reverse = f"; not reversible: {', '.join(stay)}" if stay else ""
    entry(out, ("  Changes   ",), f"{len(steps)}{reverse}")
    entry(out, ("  Warnings  ",), some(warnings) or "none")
