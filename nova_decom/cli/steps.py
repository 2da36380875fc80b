# SPDX-License-Identifier: Apache-2.0
"""``nova-decom steps``: the procedure and the guards as the code has them."""

from __future__ import annotations

from nova_decom.exit_codes import ExitCode
from nova_decom.guards import GUARDS
from nova_decom.model.plan import summary
from nova_decom.model.report import Report
from nova_decom.steps import PROCEDURE


def reference() -> Report:
    """Names and first sentences, in order; no cloud is needed."""
    steps = [
        {"name": s.name, "summary": summary(s), "reversible": s.reversible} for s in PROCEDURE
    ]
    guards = [
        {"name": g.name, "summary": summary(g.ask), "skippable": g.skippable} for g in GUARDS
    ]
    return Report("steps", ExitCode.SUCCESS, extra={"steps": steps, "guards": guards})
