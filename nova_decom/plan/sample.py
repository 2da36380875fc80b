# SPDX-License-Identifier: Apache-2.0
"""The transactions of a removal of any host, for a check without a host. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nova_decom.model.cloud import NOVA_COMPUTE, Migration
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Request
from nova_decom.model.rows import (
    AggregateHostRow,
    ComputeNodeRow,
    DatabaseFacts,
    HostMappingRow,
    PciDeviceRow,
    ServiceRow,
)
from nova_decom.model.sql import API_DATABASE, Transaction
from nova_decom.plan.jobs import REMOVE
from nova_decom.plan.planner import transactions_of

#: No nova host has this name, as a host name has no blank.
HOST = "no host"


def sample_transactions(
    request: Request, cells: Sequence[str], *, has_api_database: bool
) -> tuple[Transaction, ...]:
    """The transactions for a host with a row in every table, the API database first."""
    facts = _with_every_row(request, cells, has_api_database=has_api_database)
    return tuple(sorted(transactions_of(facts), key=lambda t: t.cell != API_DATABASE))


def unplanned_transactions(request: Request, cells: Sequence[str]) -> tuple[Transaction, ...]:
    """The transactions that a removal may come to need, and that no plan shows before."""
    facts = _with_every_row(request, cells, has_api_database=False)
    steps = (step for step in REMOVE.steps if step.needs_no_review)
    changes = (change for step in steps for change in step.changes(facts))
    return tuple(c.transaction for c in changes if c.transaction is not None)


def _with_every_row(
    request: Request, cells: Sequence[str], *, has_api_database: bool
) -> HostFacts:
    rows = DatabaseFacts(
        host_mapping=HostMappingRow(0, "") if has_api_database else None,
        aggregate_hosts=(AggregateHostRow(0, 0),) if has_api_database else (),
        services=tuple(ServiceRow(0, None, HOST, NOVA_COMPUTE, 0, cell=c) for c in cells),
        compute_nodes=tuple(ComputeNodeRow(0, None, HOST, HOST, None, 0, cell=c) for c in cells),
        evacuations=tuple(
            Migration(0, "", "", "done", "evacuation", HOST, None, cell=c) for c in cells
        ),
        pci_devices=tuple(PciDeviceRow(0, 0, "", "", None, 0, cell=c) for c in cells),
    )
    return HostFacts(HOST, request, database=rows)
