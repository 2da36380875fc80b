# SPDX-License-Identifier: Apache-2.0
"""The cached names of compute hosts, for completion at the prompt: TAB sends no request."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from nova_decom.errors import ConfigurationError
from nova_decom.state.directory import open_state_dir, write_private

#: Names that a shell reads as one harmless word; other names have to be typed.
_WORD = re.compile(r"[\w.:@%+][\w.:@%+-]*", re.ASCII)


class HostNames:
    """The file ``hosts.cache`` in the state directory: names by cloud. It may be lost."""

    def __init__(self, state_dir: Path) -> None:
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
        """The names of this cloud's hosts; of all clouds when this one is not in the cache."""
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
