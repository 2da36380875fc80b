# SPDX-License-Identifier: Apache-2.0
"""The work that a run which ended early leaves on a host, with the commands to type. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shlex import quote

from nova_decom.model.change import Outcome, Status
from nova_decom.model.names import typed
from nova_decom.model.report import HostReport
from nova_decom.plan.jobs import Job

LEFT = {Status.PENDING, Status.FAILED, Status.IN_PROGRESS}
MADE = {Status.DONE, Status.IN_PROGRESS}


def left_undone(report: HostReport, job: Job) -> Iterator[str]:
    """The state of the host that this run has changed, its servers, and moves that go on.

    Empty where the run has not claimed the host, or may have deleted its service.
    """
    host = report.host
    claims = {step.name for step in job.steps if step.writes_claim}
    deletes = {step.name for step in job.steps if step.deletes_service}
    if any(o.begun and o.change.step in deletes for o in report.outcomes):
        return
    if not any(o.status is Status.DONE and o.change.step in claims for o in report.outcomes):
        return
    moves = [o for o in report.outcomes if o.change.step in _moving(job)]
    back = ("--bring-back",) if any(o.begun and o.status in MADE for o in moves) else ()
    yield (
        f"{host} stays disabled by this run: {typed(job.name, host)} goes on, "
        f"{typed('enable', host, *back)} takes it back"
    )
    left = sum(o.status in LEFT for o in moves)
    if left:
        plural = "s are" if left > 1 else " is"
        yield (
            f"{left} server{plural} not moved: openstack server list --all-projects "
            f"--host {quote(host)}"
        )
    yield from _going_on(moves)


def _moving(job: Job) -> set[str]:
    return {step.name for step in job.steps if step.moves_servers}


def _going_on(moves: Iterable[Outcome]) -> Iterator[str]:
    for outcome in moves:
        if outcome.status is Status.IN_PROGRESS:
            yield f"{outcome.change.label or outcome.change.target}: {outcome.error}"
