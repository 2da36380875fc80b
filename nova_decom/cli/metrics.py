# SPDX-License-Identifier: Apache-2.0
"""``--metrics-textfile``: the metrics of a command, written at its end."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nova_decom.cli.settings import expanded, state_dir_of
from nova_decom.errors import NovaDecomError
from nova_decom.model.report import Report
from nova_decom.state.journal_reader import find_record
from nova_decom.state.timeline import spans


def measure(report: Report, given: Mapping[str, Any]) -> None:
    """Write the metrics of the report; a failure is a warning and changes no exit code."""
    from nova_decom.output.metrics import (
        MEASURED,
        check_metrics,
        write_metrics,
    )

    textfile = given.get("metrics_textfile")
    if not textfile or report.command not in MEASURED:
        return
    try:
        path = expanded(textfile)
        check_metrics(path)
        place = state_dir_of(given.get("state_dir"))
        seconds = step_seconds(place, report.run) if report.run else {}
        write_metrics(path, report, time.time(), seconds)
    except (NovaDecomError, OSError) as error:
        if str(error) != report.error:
            sys.stderr.write(f"warning: the metrics were not written: {error}\n")


def step_seconds(state_dir: Path, run: str) -> Mapping[str, float]:
    """The seconds that each step of the run took, from its journal."""
    record, found = find_record(state_dir, run), Counter[str]()
    for host in record.hosts:
        for span in spans(record.of(host)):
            found[span.step] += span.seconds or 0.0  # type: ignore[assignment]
    return found
