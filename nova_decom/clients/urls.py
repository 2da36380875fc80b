# SPDX-License-Identifier: Apache-2.0
"""Where the databases are: URLs, nova.conf and cell mappings, read as nova itself reads them.

No object of this module shows a password: ``repr`` and ``label`` leave it out.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pymysql
from oslo_config import cfg
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from nova_decom.errors import ConfigurationError

SCHEMES = {"mysql", "mariadb"}
TIMEOUTS = {"connect_timeout": 10, "read_timeout": 30, "write_timeout": 30}


@dataclass(frozen=True, slots=True)
class Target:
    """A database to connect to: what PyMySQL wants to know, and a name without secrets."""

    label: str
    host: str
    port: int
    database: str
    arguments: dict[str, Any] = field(repr=False, compare=False)

    @property
    def place(self) -> tuple[str, int, str]:
        """What tells one database from another."""
        return (self.host, self.port, self.database)


@dataclass(frozen=True, slots=True)
class NovaConf:
    """What is wanted of a nova.conf. URLs hold secrets."""

    api_database: str | None = field(repr=False)
    main_database: str | None = field(repr=False)
    report_interval: int


def target(url: str) -> Target:
    """A database by URL, in SQLAlchemy's grammar, which is nova's.

    :raises ConfigurationError: it is no URL of a MySQL database. The URL is not shown.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            "a database URL cannot be read (not shown, it may hold a password)",
            "write it as mysql+pymysql://USER:PASSWORD@HOST:PORT/DATABASE",
        ) from None
    if parsed.get_backend_name() not in SCHEMES or not parsed.database:
        raise ConfigurationError(
            f"not the URL of a MySQL or MariaDB database: {parsed.render_as_string()}",
            "write it as mysql+pymysql://USER:PASSWORD@HOST:PORT/DATABASE",
        )
    host, port = parsed.host or "localhost", parsed.port or 3306
    label = f"{parsed.database} at {host}:{port}"
    return Target(label, host, port, parsed.database, _arguments(parsed))


def _arguments(parsed: URL) -> dict[str, Any]:
    """PyMySQL's arguments, with bounds, the password as bytes and TLS as one context."""
    plain = parsed.set(drivername="mysql+pymysql").difference_update_query(["plugin"])
    # Without the driver at hand SQLAlchemy would import it by itself to look up a flag.
    dialect = MySQLDialect_pymysql(dbapi=pymysql)
    _, arguments = dialect.create_connect_args(plain)
    arguments = TIMEOUTS | dict(arguments)
    if isinstance(arguments.get("password"), str):
        arguments["password"] = arguments["password"].encode()
    if "ssl" in arguments:
        arguments["ssl"] = tls_context(arguments["ssl"])
    return arguments


def tls_context(options: dict[str, Any]) -> ssl.SSLContext:
    """A context that verifies chain and host name whenever a CA is known.

    :raises ConfigurationError: a file of it cannot be read.
    """
    try:
        context = ssl.create_default_context(
            cafile=options.get("ca"), capath=options.get("capath")
        )
        # Certificates that MySQL makes for itself have no key usage extension.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if options.get("cert"):
            context.load_cert_chain(options["cert"], options.get("key"))
    except OSError as error:
        raise ConfigurationError(
            f"TLS for the database: {error}", "check ssl_ca, ssl_cert and ssl_key of the URL"
        ) from error
    known = options.get("ca") or options.get("capath")
    context.check_hostname = bool(known) and options.get("check_hostname") is not False
    context.verify_mode = ssl.CERT_REQUIRED if known else ssl.CERT_NONE
    return context


def read_nova_conf(path: Path) -> NovaConf:
    """The database connections of a nova.conf, substitutions and ``OS_*`` variables applied.

    :raises ConfigurationError: it cannot be read.
    """
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.IntOpt("report_interval", default=10))
    conf.register_opt(cfg.StrOpt("connection", secret=True), group="api_database")
    conf.register_opt(cfg.StrOpt("connection", secret=True), group="database")
    try:
        conf(args=[], default_config_files=[str(path)], default_config_dirs=[], project="nova")
        return NovaConf(
            api_database=conf.api_database.connection,
            main_database=conf.database.connection,
            report_interval=conf.report_interval,
        )
    except (cfg.Error, ValueError) as error:
        raise ConfigurationError(
            f"{path}: {str(error).splitlines()[0]}", "give a nova.conf that you can read"
        ) from None


def expand_template(url: str, main: str | None) -> str:
    """A cell mapping's URL with the parts of ``[database] connection`` filled in, as nova does.

    Parts stay percent-encoded; a URL that cannot be formatted is taken as it is (nova 34.0.0
    objects/cell_mapping.py:98).
    """
    if main is None:
        return url
    parts = urlparse(main)
    names = {
        "scheme": parts.scheme,
        "username": parts.username,
        "password": parts.password,
        "hostname": parts.hostname,
        "port": parts.port,
        "path": parts.path.lstrip("/"),
        "query": parts.query,
        "fragment": parts.fragment,
    }
    try:
        return url.format(**names)
    except (KeyError, IndexError, ValueError):
        return url
