# SPDX-License-Identifier: Apache-2.0
"""Put back what a run took: a plan over (its journal, what is there now), and its execution."""

from nova_decom.restore.current import Present, Row
from nova_decom.restore.executor import Restoration, RestoringCloud
from nova_decom.restore.plan import plan_restore, result_of
from nova_decom.restore.saved import Past, WantedRow, past_of

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
