# SPDX-License-Identifier: Apache-2.0
"""The procedure: an ordered tuple of steps. A new step is one file and one line here."""

from __future__ import annotations

from nova_decom.steps.base import Cloud, Step
from nova_decom.steps.delete_service import DeleteService
from nova_decom.steps.disable_service import DisableService
from nova_decom.steps.purge_rows import PurgeRows
from nova_decom.steps.stop_service import StopService

PROCEDURE: tuple[Step, ...] = (
    DisableService(),
    StopService(),
    DeleteService(),
    PurgeRows(),
)

__all__ = ["PROCEDURE", "Cloud", "Step"]
