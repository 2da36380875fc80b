# SPDX-License-Identifier: Apache-2.0
"""The commands that only look: list, plan, verify."""

from __future__ import annotations

from nova_decom.cli.context import App
from nova_decom.cli.hosts import selected
from nova_decom.cli.options import Given
from nova_decom.model.report import Report
from nova_decom.verify.verify import verify


def verify_hosts(given: Given, hosts: tuple[str, ...]) -> Report:
    """What is left of each host."""
    app = App(given)
    reports = tuple(verify(f) for f in app.reading().gather(selected(app, hosts)))
    return Report("verify", max(int(r.exit_code) for r in reports), reports)
