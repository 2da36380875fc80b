# SPDX-License-Identifier: Apache-2.0
"""``nova-decom remove``: plan, guards, confirm, execute, verify."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nova_decom.cli.context import Context
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.hosts import is_selecting, named, selected
from nova_decom.cli.run import carry_out
from nova_decom.errors import ConfigurationError
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.plan import Plan
from nova_decom.model.report import Report
from nova_decom.plan.jobs import REMOVE
from nova_decom.plan.plan_file import load_plans


def remove(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Remove hosts, side by side; with ``--dry-run`` only plan.

    :raises UnconfirmedError: nobody said yes.
    :raises StalePlanError: the cloud no longer fits the plan of ``--plan``.
    """
    app = Context(given)
    saved: tuple[Plan, ...] = ()
    saved_for: CloudIdentity | None = None
    if app.settings.plan:
        saved, saved_for = load_plans(Path(app.settings.plan))
    if not app.settings.plan:
        hosts = selected(app, hosts)
    return carry_out(app, _chosen(app, hosts, saved), REMOVE, saved, saved_for)


def _chosen(app: Context, hosts: tuple[str, ...], saved: Sequence[Plan]) -> tuple[str, ...]:
    """The hosts named, or those of the saved plan; never both."""
    if app.settings.plan and (hosts or is_selecting(app)):
        raise ConfigurationError(
            f"{app.settings.plan} names its hosts; others were not reviewed",
            "leave out HOST and what selects hosts, or leave out --plan",
        )
    if not saved and not hosts:
        raise ConfigurationError(f"{app.settings.plan} names no host", "name one")
    return named([*hosts, *(p.host for p in saved)])
