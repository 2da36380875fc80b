# SPDX-License-Identifier: Apache-2.0
"""The host of a nova-compute from its configuration, resolved by oslo.config as nova does it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from oslo_config import cfg

#: Options that ``host`` may refer to; probe.sh lets no other option leave the machine.
REFERENCES = ("my_ip", "my_block_storage_ip", "state_path")


def resolved_host(files: Sequence[str], hostname: str | None) -> str | None:
    """The option ``host`` of these files' texts, the last one wins; ``hostname`` is its default.

    None when it cannot be resolved: it refers to an option that the files do not set.
    """
    with tempfile.TemporaryDirectory() as directory:
        paths = [Path(directory) / f"{number}.conf" for number in range(len(files))]
        for path, text in zip(paths, files, strict=True):
            path.write_text(text, "utf-8")
        try:
            values = _values(paths, dict.fromkeys(REFERENCES))
            # A reference to an option without a value is an error only if it is not registered.
            known = {name: None for name, value in values.items() if value is not None}
            return _values(paths, {"host": hostname, **known})["host"] or None
        except (cfg.Error, ValueError):
            return None


def _values(paths: Sequence[Path], defaults: Mapping[str, str | None]) -> dict[str, str | None]:
    """These options of the files."""
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.StrOpt(name, default=value) for name, value in defaults.items()])
    conf(
        args=[word for path in paths for word in ("--config-file", str(path))],
        default_config_files=[],
        default_config_dirs=[],
        use_env=False,
    )
    return {name: conf[name] for name in defaults}
