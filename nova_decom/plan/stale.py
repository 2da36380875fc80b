# SPDX-License-Identifier: Apache-2.0
"""A reviewed plan compared with the present plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nova_decom.errors import StalePlanError
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.names import typed
from nova_decom.model.plan import Plan
from nova_decom.model.request import Request
from nova_decom.steps import MOVING_STEPS


def raise_if_other_cloud(reviewed: CloudIdentity | None, present: CloudIdentity) -> None:
    """Refuse a plan that was made for another cloud; an older plan file tells none.

    :raises StalePlanError: the plan is of another cloud.
    """
    if reviewed is not None and not reviewed.is_same(present):
        raise StalePlanError(
            f"the plan is for the cloud {reviewed}, and this is {present}; nothing was changed",
            "name the plan's cloud with --os-cloud, or make a new plan with plan HOST --out FILE",
        )


def raise_if_other_options(reviewed: Mapping[str, Any] | None, present: Request) -> None:
    """Refuse a plan that was reviewed with other options; an older plan file tells none.

    :raises StalePlanError: an option that the plan binds has another value now.
    """
    now = present.reviewed
    other = [f"{k} {v!r}, now {now[k]!r}" for k, v in (reviewed or {}).items() if now.get(k) != v]
    if other:
        raise StalePlanError(
            f"the plan was reviewed with other options: {'; '.join(other)}; nothing was changed",
            "give the options of the plan, or make a new plan with plan HOST --out FILE",
        )


def raise_if_stale(reviewed: Plan, present: Plan) -> None:
    """Compare a reviewed plan with the present plan of the same host.

    A change less is fine: an earlier run made it. A change more is not, but for servers that
    arrived since: that they leave was asked for, whichever they are. To wait changes nothing.

    :raises StalePlanError: there is a change or an objection that the reviewed plan lacks.
    """
    seen = {c.key for c in reviewed.changes}
    news = [
        f"{c.step}: {c.detail}"
        for c in present.changes
        if c.key not in seen and c.step not in MOVING_STEPS and not c.only_waits
    ]
    objections = {f.guard for f in reviewed.blocked}
    news += [f"{f.guard}: {f.message}" for f in present.blocked if f.guard not in objections]
    if news:
        raise StalePlanError(
            f"{present.host}: the cloud no longer fits the plan: {'; '.join(news)}",
            f"review a new plan: {typed('plan', present.host)}",
        )


def raise_if_any_stale(reviewed: Iterable[Plan], present: Iterable[Plan]) -> None:
    """Compare each reviewed plan with the present plan of the same host.

    :raises StalePlanError: one of them no longer fits.
    """
    by_host = {plan.host: plan for plan in reviewed}
    for plan in present:
        if plan.host in by_host:
            raise_if_stale(by_host[plan.host], plan)
