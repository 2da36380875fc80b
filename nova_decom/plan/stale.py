# SPDX-License-Identifier: Apache-2.0
"""A reviewed plan compared with the plan of now."""

from __future__ import annotations

from nova_decom.errors import StalePlanError
from nova_decom.model.plan import Plan
from nova_decom.steps.move_servers import MoveServers


def raise_if_stale(reviewed: Plan, present: Plan) -> None:
    """Compare a plan that somebody reviewed with what would be planned now.

    A change less is fine: an earlier run made it. A change more is not, but for servers that
    arrived since: that they leave was asked for, whichever they are.

    :raises StalePlanError: there is a change or an objection that the reviewed plan lacks.
    """
    seen = {c.key for c in reviewed.changes}
    news = [
        f"{c.step}: {c.detail}"
        for c in present.changes
        if c.key not in seen and c.step != MoveServers.name
    ]
    objections = {f.guard for f in reviewed.blocked}
    news += [f"{f.guard}: {f.message}" for f in present.blocked if f.guard not in objections]
    if news:
        raise StalePlanError(
            f"{present.host}: the cloud no longer fits the plan: {'; '.join(news)}",
            f"review a new plan: nova-decom plan {present.host}",
        )
