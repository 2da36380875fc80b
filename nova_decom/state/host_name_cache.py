# SPDX-License-Identifier: Apache-2.0
"""The names of compute hosts as last seen, for completion at the prompt: never a call on TAB."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from nova_decom.errors import ConfigurationError
from nova_decom.state.directory import open_state_dir, write_private

#: What a shell takes for one harmless word; other names have to be typed.
_WORD = re.compile(r"[\w.:@%+][\w.:@%+-]*", re.ASCII)


class HostNames:
    """``hosts.cache`` in the state directory: names by cloud; a file that may be lost."""

    def __init__(self, state_dir: Path) -> None:
        """Nothing is read or made yet."""
        self._directory = state_dir
        self._path = state_dir / "hosts.cache"

    def keep(self, cloud: str, hosts: Sequence[str]) -> None:
        """Write the names of this cloud's hosts; a cache that cannot be written is no error."""
        names = [host for host in hosts if _WORD.fullmatch(host)]
        clouds = self._read()
        if clouds.get(cloud) == names:
            return
        with suppress(OSError, ConfigurationError):
            open_state_dir(self._directory)
            write_private(self._path, json.dumps({**clouds, cloud: names}))

    def known(self, cloud: str) -> tuple[str, ...]:
        """The names of this cloud's hosts, or of all clouds' when it was never seen."""
        clouds = self._read()
        chosen = [clouds[cloud]] if cloud in clouds else clouds.values()
        return tuple(sorted({host for hosts in chosen for host in hosts}))

    def _read(self) -> Mapping[str, Sequence[str]]:
        try:
            found = json.loads(self._path.read_text("utf-8"))
            return {
                str(cloud): [h for h in hosts if _WORD.fullmatch(h)]
                for cloud, hosts in found.items()
            }
        except (OSError, ValueError, AttributeError, TypeError):
            return {}
