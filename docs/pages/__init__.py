# SPDX-License-Identifier: Apache-2.0
"""The reference pages that are written from the code: one module and one function per page."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pages.commands import commands
from pages.drawings import claims, places, states, steps
from pages.environment import environment
from pages.exit_codes import exit_codes
from pages.guards import guards
from pages.journal import journal
from pages.json_document import json_document
from pages.leftovers import leftovers
from pages.moves import moves
from pages.procedure import procedure
from pages.registrars import registrars

PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands,
    "environment.md": environment,
    "exit-codes.md": exit_codes,
    "guards.md": guards,
    "journal.md": journal,
    "json.md": json_document,
    "leftovers.md": leftovers,
    "moves.md": moves,
    "procedure.md": procedure,
    "registrars.md": registrars,
    "_static/claims.svg": claims,
    "_static/places.svg": places,
    "_static/states.svg": states,
    "_static/steps.svg": steps,
}
