# SPDX-License-Identifier: Apache-2.0
"""``nova-decom remove``: plan, confirm, carry out, verify."""

from __future__ import annotations

from pathlib import Path

from nova_decom.cli.context import Context
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.hosts import is_selecting, named, selected
from nova_decom.cli.run import carry_out
from nova_decom.errors import ConfigurationError
from nova_decom.model.report import Report
from nova_decom.plan.jobs import REMOVE
from nova_decom.plan.plan_file import SavedPlans, load_plans


def remove(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Remove hosts in parallel; with ``--dry-run`` only plan.

    :raises UnconfirmedError: the removal was not confirmed.
    :raises StalePlanError: the cloud no longer fits the plan of ``--plan``.
    """
    app = Context(given)
    saved = load_plans(Path(app.settings.plan)) if app.settings.plan else None
    if not app.settings.plan:
        hosts = selected(app, hosts)
    return carry_out(app, _chosen(app, hosts, saved), REMOVE, saved)


def _chosen(app: Context, hosts: tuple[str, ...], saved: SavedPlans | None) -> tuple[str, ...]:
    """The hosts named, or the hosts of the saved plan."""
    if app.settings.plan and (hosts or is_selecting(app)):
        raise ConfigurationError(
            f"{app.settings.plan} names its hosts; the plan of other hosts was not reviewed",
            "leave out HOST and the options that select hosts, or leave out --plan",
        )
    plans = saved.plans if saved else ()
    if not plans and not hosts:
        raise ConfigurationError(f"{app.settings.plan} names no host", "name one")
    return named([*hosts, *(p.host for p in plans)])
