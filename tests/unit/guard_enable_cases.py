# SPDX-License-Identifier: Apache-2.0
"""What the guards of ``enable`` let pass, and what they object to."""

from __future__ import annotations

from nova_decom.model.plan import Verdict
from tests.unit import build
from tests.unit.build import facts, request, service

OK, WARNING, BLOCKED = Verdict.OK, Verdict.WARNING, Verdict.BLOCKED
HELD = "nova-decom OTHER by x@far until 2026-11-24T12:00:00Z: old"
HELD_OF_SOMEBODY = "nova-decom OTHER by x@far until 2026-11-24T12:00:00Z (was disabled): old"


def disabled(reason, **what):
    """A host that is disabled for a reason."""
    return facts(service=service(status="disabled", disabled_reason=reason), **what)


#: guard, what is the case, facts, verdict, words of the message
ENABLE_CASES = [
    ("servers-returning", "all come back", facts(), OK, ""),
    (
        "servers-returning",
        "one does not",
        facts(request=request(staying=("id-of-db was deleted",))),
        WARNING,
        "1 server does not come back: id-of-db was deleted",
    ),
    (
        "servers-returning",
        "several do not",
        facts(request=request(staying=("id-of-db was deleted", "'web' has moved on to node3"))),
        WARNING,
        "2 servers do not come back: id-of-db was deleted, 'web' has moved on to node3",
    ),
    (
        "own-disable",
        "no service",
        build.ghost(),
        BLOCKED,
        "node1 has no nova-compute service that could be enabled",
    ),
    ("own-disable", "enabled", facts(), OK, ""),
    (
        "own-disable",
        "enabled, an old reason left",
        facts(service=service(disabled_reason="x")),
        OK,
        "",
    ),
    ("own-disable", "left by a run", disabled("nova-decom OTHER by x@far: old"), OK, ""),
    ("own-disable", "left by a dead run", disabled(HELD, claim_is_over=True), OK, ""),
    (
        "own-disable",
        "a run is at work",
        disabled(HELD),
        BLOCKED,
        "run OTHER by x@far is at work on it",
    ),
    (
        "own-disable",
        "disabled by somebody",
        disabled("broken fan"),
        BLOCKED,
        "disabled by somebody else: 'broken fan'",
    ),
    (
        "own-disable",
        "disabled by somebody, without a reason",
        disabled(None),
        BLOCKED,
        "disabled by somebody else: 'without a reason'",
    ),
    (
        "own-disable",
        "disabled by somebody before a run took it",
        disabled("nova-decom OTHER by x@far (was disabled): old; before: broken fan"),
        BLOCKED,
        "disabled by somebody else: 'nova-decom OTHER by x@far (was disabled): old",
    ),
    (
        "own-disable",
        "disabled by somebody before a run that died",
        disabled(HELD_OF_SOMEBODY, claim_is_over=True),
        BLOCKED,
        "disabled by somebody else: 'nova-decom OTHER",
    ),
]
