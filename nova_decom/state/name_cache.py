# SPDX-License-Identifier: Apache-2.0
"""Cached names of hosts, aggregates and zones, for completion: TAB sends no request."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from nova_decom.errors import ConfigurationError
from nova_decom.state.directory import open_state_dir, write_private

#: Names that a shell reads as one harmless word; other names have to be typed.
_WORD = re.compile(r"[\w.:@%+][\w.:@%+-]*", re.ASCII)


class CachedNames:
    """The file ``KIND.cache`` in the state directory: names by cloud. It may be lost."""

    def __init__(self, state_dir: Path, kind: str) -> None:
        """``kind`` is hosts, aggregates or zones."""
        self._directory = state_dir
        self._path = state_dir / f"{kind}.cache"

    def keep(self, cloud: str, found: Iterable[str]) -> None:
        """Write the names of this cloud; a cache that cannot be written is no error."""
        names = [name for name in dict.fromkeys(found) if _WORD.fullmatch(name)]
        clouds = self._read()
        if clouds.get(cloud) == names:
            return
        with suppress(OSError, ConfigurationError):
            open_state_dir(self._directory)
            write_private(self._path, json.dumps({**clouds, cloud: names}))

    def known(self, cloud: str) -> tuple[str, ...]:
        """The names of this cloud; of all clouds when this one is not in the cache."""
        clouds = self._read()
        chosen = [clouds[cloud]] if cloud in clouds else clouds.values()
        return tuple(sorted({name for names in chosen for name in names}))

    def _read(self) -> Mapping[str, Sequence[str]]:
        try:
            found = json.loads(self._path.read_text("utf-8"))
            return {
                str(cloud): [name for name in names if _WORD.fullmatch(name)]
                for cloud, names in found.items()
            }
        except (OSError, ValueError, AttributeError, TypeError):
            return {}
