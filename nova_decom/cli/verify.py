# SPDX-License-Identifier: Apache-2.0
"""``nova-decom verify``: the leftovers of each host, and whether its name can be used again."""

from __future__ import annotations

from nova_decom.cli.context import Context
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.hosts import raise_if_aliases_of_several, selected
from nova_decom.model.report import Report
from nova_decom.verify.verify import verify


def verify_hosts(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """The leftovers of each host; the exit code is the highest one of a host."""
    app = Context(given)
    hosts = selected(app, hosts)
    raise_if_aliases_of_several(app, hosts)
    with app.showing():
        reports = tuple(verify(f) for f in app.reading().read_hosts(hosts))
    return Report("verify", max(int(r.exit_code) for r in reports), reports)
