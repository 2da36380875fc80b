# SPDX-License-Identifier: Apache-2.0
"""What is wanted of a nova.conf, read by nova's own library, which takes a while to load."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from oslo_config import cfg

from nova_decom.errors import ConfigurationError
from nova_decom.model.request import REPORT_INTERVAL


@dataclass(frozen=True, slots=True)
class NovaConf:
    """What is wanted of a nova.conf. URLs hold secrets."""

    api_database: str | None = field(repr=False)
    main_database: str | None = field(repr=False)
    report_interval: int


def read_nova_conf(path: Path) -> NovaConf:
    """The database connections of a nova.conf, substitutions and ``OS_*`` variables applied.

    :raises ConfigurationError: it cannot be read.
    """
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.IntOpt("report_interval", default=int(REPORT_INTERVAL)))
    conf.register_opt(cfg.StrOpt("connection", secret=True), group="api_database")
    conf.register_opt(cfg.StrOpt("connection", secret=True), group="database")
    try:
        conf(args=[], default_config_files=[str(path)], default_config_dirs=[], project="nova")
        main = _connection(conf, "database")  # the other one may refer to it
        return NovaConf(_connection(conf, "api_database"), main, conf.report_interval)
    except (cfg.Error, OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path}: {' '.join(str(error).split())}", "give a nova.conf that you can read"
        ) from None


def _connection(conf: cfg.ConfigOpts, group: str) -> str | None:
    """The connection of a group; options of nova that it names by ``$`` are registered first."""
    while True:
        try:
            connection: str | None = conf[group].connection
        except cfg.NoSuchOptError as missing:
            section, _, option = missing.opt_name.rpartition(".")
            conf.register_opt(cfg.StrOpt(option), group=section or None)
            if (conf[section] if section else conf)[option] is None:
                raise
        else:
            return connection
