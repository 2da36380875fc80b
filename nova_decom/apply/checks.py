# SPDX-License-Identifier: Apache-2.0
"""The conditions without which a change does not begin."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from nova_decom.errors import (
    BusyError,
    ChangeFailedError,
    MissingRightError,
    RefusedError,
    UnavailableError,
)
from nova_decom.guards import FOREIGN_DISABLE, judge
from nova_decom.model.api_call import ApiCall
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Plan, Verdict
from nova_decom.model.report import messages, remedies
from nova_decom.plan.jobs import Job
from nova_decom.steps import Step


def raise_if_held(facts: HostFacts, job: Job) -> None:
    """Stop while another run's claim is on the host.

    :raises BusyError: there is one; the message names it.
    """
    if not job.checks_claim:
        return
    (finding,) = judge(facts, (FOREIGN_DISABLE,))
    if finding.verdict is Verdict.BLOCKED:
        raise BusyError(f"{facts.host}: {finding.message}", finding.remedy)


def raise_if_not_deletable(facts: HostFacts, job: Job) -> None:
    """As :func:`raise_if_blocked`, with ``--partial`` too: what is left behind is not deleted."""
    raise_if_blocked(replace(facts, request=replace(facts.request, partial=False)), job)


def raise_if_blocked(facts: HostFacts, job: Job) -> None:
    """Stop where a guard of the job refuses.

    :raises RefusedError: one does, or several; the message names each.
    """
    blocked = [f for f in judge(facts, job.guards) if f.verdict is Verdict.BLOCKED]
    if blocked:
        raise RefusedError(messages(blocked), remedies(blocked))


def raise_if_forbidden(
    job: Job, plans: Iterable[Plan], refusal: Callable[[ApiCall], str | None]
) -> None:
    """Stop where the token lacks a right to change what the plans change, if it can be asked.

    :raises MissingRightError: it lacks one, or several; the message names each.
    """
    planned = {c.step for plan in plans for c in plan.changes if c.transaction is None}
    tries = [call for step in job.steps if step.name in planned for call in step.tries]
    denied = [reason for call in tries if (reason := refusal(call))]
    if denied:
        raise MissingRightError(
            f"the token lacks rights that {job.name} needs: {'; '.join(denied)}",
            "give the token these rights; nova-decom doctor names each",
        )


def raise_if_behind(facts: HostFacts) -> None:
    """Stop where the database lacks what this run has written through nova.

    :raises UnavailableError: it is a replica that is behind, or the database of another cloud.
    """
    service, database = facts.service, facts.database
    if service is None or database is None or not facts.claim_is_ours:
        return
    rows = [r for r in database.services if r.uuid == service.id and not r.deleted]
    if any(row.disabled is not None and not row.disabled for row in rows):
        raise UnavailableError(
            f"{facts.host}: the database has services {rows[0].id} enabled, which this run has "
            "disabled through nova: its rows are old",
            "give the URL of the server that accepts writes, not that of a replica",
        )


def raise_if_undone(step: Step, facts: HostFacts, job: Job) -> None:
    """Stop where somebody has undone an earlier step, before a step that is not reversible.

    :raises ChangeFailedError: an earlier reversible step has changes again.
    """
    earlier = [s for s in job.steps[: job.steps.index(step)] if s.reversible]
    undone = [c for s in earlier for c in s.changes(facts)]
    if undone:
        raise ChangeFailedError(
            f"{facts.host}: {step.name} not begun, as this is no longer done: "
            f"{'; '.join(f'{c.step}: {c.detail}' for c in undone)}",
            "find out what undid it, then run again",
        )
