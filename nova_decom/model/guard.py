# SPDX-License-Identifier: Apache-2.0
"""A guard as a value: a pure question about a host, and what its objection means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nova_decom.exit_codes import ExitCode
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Objection


@dataclass(frozen=True, slots=True)
class Guard:
    """A name, the question, and whether ``--skip-guard`` may overrule it.

    ``exit_code`` is the one of a host that this guard alone blocks.
    """

    name: str
    ask: Callable[[HostFacts], Objection | None]
    skippable: bool = True
    exit_code: ExitCode = ExitCode.REFUSED
