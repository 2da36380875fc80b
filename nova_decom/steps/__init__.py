# SPDX-License-Identifier: Apache-2.0
"""The procedure: an ordered tuple of steps, with those of the registrars.

A new step of nova is one file and one line here.
"""

from __future__ import annotations

from nova_decom.model.step import Cloud, Step
from nova_decom.registrars import REGISTRARS
from nova_decom.steps.await_arrivals import AwaitArrivals
from nova_decom.steps.clear_allocations import ClearAllocations
from nova_decom.steps.close_evacuations import CloseEvacuations
from nova_decom.steps.delete_providers import DeleteProviders
from nova_decom.steps.delete_service import DeleteService
from nova_decom.steps.disable_service import DisableService
from nova_decom.steps.move_servers import MoveServers
from nova_decom.steps.purge_registration import PurgeRegistration
from nova_decom.steps.purge_rows import PurgeRows
from nova_decom.steps.repair_registration import RepairRegistration
from nova_decom.steps.stop_service import StopService

PROCEDURE: tuple[Step, ...] = (
    *(step for registrar in REGISTRARS for step in registrar.first),
    DisableService(),
    AwaitArrivals(),
    MoveServers(),
    StopService(),
    ClearAllocations(),
    RepairRegistration(),
    *(step for registrar in REGISTRARS for step in registrar.before_delete),
    DeleteService(),
    DeleteProviders(),
    *(step for registrar in REGISTRARS for step in registrar.after_delete),
    CloseEvacuations(),
    PurgeRows(),
    PurgeRegistration(),
)

#: Names of the steps that move servers: which servers these are may change during a run.
MOVING_STEPS = frozenset(step.name for step in PROCEDURE if step.moves_servers)

#: Names of the steps after which the host cannot simply be enabled again.
PERMANENT = frozenset(step.name for step in PROCEDURE if not step.reversible)

__all__ = ["MOVING_STEPS", "PERMANENT", "PROCEDURE", "Cloud", "Step"]
