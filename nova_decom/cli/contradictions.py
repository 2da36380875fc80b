# SPDX-License-Identifier: Apache-2.0
"""Settings that contradict each other, or that nova cannot store."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from nova_decom.errors import ConfigurationError

if TYPE_CHECKING:
    from nova_decom.cli.settings import Settings

#: The last character that MySQL's utf8mb3, the charset of nova's columns, can store.
LAST_STORED = 0xFFFF


def raise_if_contradictory(settings: Settings) -> None:
    """Refuse settings that contradict each other, or that nova cannot store."""
    beyond = [character for character in settings.reason or "" if ord(character) > LAST_STORED]
    if beyond:
        raise ConfigurationError(
            f"--reason has {beyond[0]!r}, which nova's database cannot store (utf8mb3)",
            "give a reason without emoji and other characters beyond U+FFFF",
        )
    way, offline = settings.servers, settings.offline
    if way == "stop" and offline:
        raise ConfigurationError(
            "--servers stop needs a running host, and --offline says that it is dead",
            "give --servers evacuate, or leave out --offline",
        )
    if way == "evacuate" and not offline:
        raise ConfigurationError(
            "--servers evacuate is only for a host that is dead and fenced",
            "give --offline as well, or --servers auto for a running host",
        )
    if way in {"live", "cold"} and offline:
        raise ConfigurationError(
            f"--servers {way} needs a running host, and --offline says that it is dead",
            "give --servers evacuate, or leave out --offline",
        )
    if settings.stop_with == "command" and not _words(settings.stop_command or ""):
        raise ConfigurationError(
            "--stop-with command needs a command that can be split into words",
            "give --stop-command 'PROGRAM ARGUMENTS {host}'",
        )


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def raise_if_servers_stay(settings: Settings, command: str) -> None:
    """Refuse to remove a host that is told to keep servers."""
    if settings.partial and not settings.offline and command in {"remove", "plan"}:
        raise ConfigurationError(
            "--partial leaves servers on the host, and the removal of a running host needs "
            "an empty one",
            f"nova-decom drain HOST --partial first, then {command} without --partial",
        )
    if settings.servers == "stop" and command in {"remove", "plan"}:
        raise ConfigurationError(
            "--servers stop leaves servers on the host, and its removal needs an empty one",
            "nova-decom drain HOST --servers stop, to restart it; or --servers auto",
        )
