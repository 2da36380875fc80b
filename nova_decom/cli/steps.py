# SPDX-License-Identifier: Apache-2.0
"""``nova-decom steps``: the steps of the procedure and the guards."""

from __future__ import annotations

from nova_decom.exit_codes import ExitCode
from nova_decom.guards import GUARDS
from nova_decom.model.plan import summary
from nova_decom.model.tables import GuardRow, StepRow, StepsReport
from nova_decom.steps import PROCEDURE


def reference() -> StepsReport:
    """The name and the first sentence of each, in order, without a cloud."""
    steps = tuple(StepRow(s.name, summary(s), s.reversible) for s in PROCEDURE)
    guards = tuple(GuardRow(g.name, summary(g.ask), g.skippable) for g in GUARDS)
    return StepsReport("steps", ExitCode.SUCCESS, steps=steps, guards=guards)
