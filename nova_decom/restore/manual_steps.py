# SPDX-License-Identifier: Apache-2.0
"""Manual steps after a restore, each with the command to run. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from nova_decom.model.cloud import NOVA_COMPUTE
from nova_decom.registrars import REGISTRARS
from nova_decom.restore.current import CurrentHost
from nova_decom.restore.saved import SavedHost


def to_do(past: SavedHost, present: CurrentHost, restored: Collection[str]) -> Iterator[str]:
    """Manual follow-up steps, each ending with the command to run.

    ``restored`` are targets of changes: resource providers among them are not made by hand.
    """
    yield from _start(past, present)
    yield from _placement(past, present, restored)
    for registrar in REGISTRARS:
        records, begun = past.registrars.get(registrar.name, ((), frozenset()))
        yield from registrar.lost(records, begun, present.facts)


def _start(past: SavedHost, present: CurrentHost) -> Iterator[str]:
    facts = present.facts
    up = facts.service is not None and facts.service.is_up
    if not up and (past.stopped or past.deleted):
        yield (
            f"start nova-compute on {past.host}, as the same machine (its compute_id is kept): "
            "systemctl enable --now nova-compute, or what its unit is called there"
        )
    for binary in (b for b in past.deleted if b != NOVA_COMPUTE):
        yield f"start {binary} on {past.host}"
    if NOVA_COMPUTE in past.deleted and not present.cells:
        yield "then let nova map the host: nova-manage cell_v2 discover_hosts"


def _placement(past: SavedHost, present: CurrentHost, restored: Collection[str]) -> Iterator[str]:
    known = {p.uuid for p in present.facts.providers}.union(restored, present.providers)
    gone = [p for p in past.providers if p.uuid not in known]
    for provider in gone:
        yield (
            f"resource provider {provider.uuid} ({provider.name}) is made again by nova-compute "
            "when it starts; what was set on it by hand is in the journal"
        )
    if gone and past.aggregates:
        yield "then mirror the aggregates: nova-manage placement sync_aggregates"
    for consumer in past.released:
        yield (
            f"allocations of {consumer} were released, as they belonged to nothing on the host; "
            "they stay so, and the journal has them"
        )
