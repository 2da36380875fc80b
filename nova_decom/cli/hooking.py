# SPDX-License-Identifier: Apache-2.0
"""The hooks of a run: which directory holds them, and what they are told."""

from __future__ import annotations

import logging

from nova_decom.apply.hooks import NAMES, Hooks, no_hooks
from nova_decom.cli.app import App
from nova_decom.clients.hooks import HookDirectory, usual_hooks
from nova_decom.errors import ConfigurationError
from nova_decom.settings import expanded, inherited, operator

log = logging.getLogger(__name__)


def hooks_of(app: App, command: str, run: str) -> Hooks:
    """The hooks of the directory named, or of the usual one where that can be trusted.

    :raises ConfigurationError: somebody else could change the directory named, or a hook in it.
    """
    told = app.settings.hooks
    path = expanded(told) if told else usual_hooks()
    if path is None:
        return no_hooks()
    try:
        directory = HookDirectory(path, NAMES, inherited())
    except ConfigurationError as error:
        if told:
            raise
        log.warning("%s; no hook is called", error)
        return no_hooks()
    about = {
        "COMMAND": command,
        "RUN": run,
        "REASON": app.settings.reason,
        "BY": operator(),
        "STATE_DIR": str(app.state_dir),
    }
    return Hooks(directory.call, log.warning, about)
