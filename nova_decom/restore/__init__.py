# SPDX-License-Identifier: Apache-2.0
"""Put back what a run took: a plan over (its journal, what is there now), and its execution."""

from nova_decom.restore.execution import Restoration, RestoringCloud
from nova_decom.restore.past import Past, WantedRow, past_of
from nova_decom.restore.plan import plan_restore, result_of
from nova_decom.restore.present import Present, Row

__all__ = [
    "Past",
    "Present",
    "Restoration",
    "RestoringCloud",
    "Row",
    "WantedRow",
    "past_of",
    "plan_restore",
    "result_of",
]
