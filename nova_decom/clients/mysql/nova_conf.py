# SPDX-License-Identifier: Apache-2.0
"""The database connections of nova's configuration files, read by oslo.config as in nova."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from oslo_config import cfg

from nova_decom.errors import ConfigurationError
from nova_decom.model.request import REPORT_INTERVAL

READABLE = "give a nova.conf, or its directory nova.conf.d, that you can read"


@dataclass(frozen=True, slots=True)
class NovaConf:
    """The options that are read; the connections hold passwords."""

    api_database: str | None = field(repr=False)
    main_database: str | None = field(repr=False)
    report_interval: int


def read_nova_conf(paths: Sequence[Path]) -> NovaConf:
    """The options of these files and directories, as nova itself reads them.

    They are read in their order, of a directory every ``*.conf`` in the order of their names,
    and the last value of an option holds. Substitutions and ``OS_*`` variables apply.

    :raises ConfigurationError: one of them cannot be read.
    """
    for path in paths:
        if not path.exists():
            raise ConfigurationError(
                f"cannot read --nova-conf {path}: No such file or directory", READABLE
            )
    names = ", ".join(map(str, paths))
    arguments = [f"--config-{'dir' if path.is_dir() else 'file'}={path}" for path in paths]
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.IntOpt("report_interval", default=int(REPORT_INTERVAL)))
    conf.register_opt(cfg.StrOpt("connection", secret=True), group="api_database")
    conf.register_opt(cfg.StrOpt("connection", secret=True), group="database")
    try:
        conf(args=arguments, default_config_files=[], default_config_dirs=[], project="nova")
        main = _connection(conf, "database")  # the other one may refer to it
        return NovaConf(_connection(conf, "api_database"), main, conf.report_interval)
    except (cfg.Error, OSError, ValueError) as error:
        raise ConfigurationError(f"{names}: {' '.join(str(error).split())}", READABLE) from None


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


def check_connections(conf: NovaConf, paths: Sequence[Path]) -> None:
    """Refuse files without any connection: "no database" would be taken for "no rows".

    :raises ConfigurationError: neither ``[api_database]`` nor ``[database]`` has a connection.
    """
    if conf.api_database or conf.main_database:
        return
    beside = [p.with_name(f"{p.name}.d") for p in paths if p.with_name(f"{p.name}.d").is_dir()]
    more = "".join(f" --nova-conf {path}" for path in beside)
    raise ConfigurationError(
        f"{', '.join(map(str, paths))}: no connection in [api_database] or [database]; a compute "
        "host's nova.conf has none, and a controller may keep it in another file",
        f"give these files as well:{more}"
        if more
        else "give the files of a controller's nova-api in their order (--nova-conf FILE "
        "--nova-conf DIRECTORY), or --api-db-url",
    )
