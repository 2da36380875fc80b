# SPDX-License-Identifier: Apache-2.0
"""``nova-decom drain`` and ``nova-decom enable``: maintenance of a host, and its end."""

from __future__ import annotations

from nova_decom.cli.bring_back import bring_back
from nova_decom.cli.context import Context
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.hosts import selected
from nova_decom.cli.run import carry_out
from nova_decom.model.report import Report
from nova_decom.plan.jobs import DRAIN, ENABLE


def drain(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Disable hosts and move their servers away.

    :raises UnconfirmedError: the drain was not confirmed.
    """
    app = Context(given)
    return carry_out(app, selected(app, hosts), DRAIN)


def enable(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Enable hosts that nova-decom has disabled; only ``--bring-back`` asks for confirmation.

    :raises UnconfirmedError: that servers move back was not confirmed.
    """
    app = Context(given)
    chosen = selected(app, hosts)
    return bring_back(app, chosen) if app.settings.bring_back else carry_out(app, chosen, ENABLE)
