# SPDX-License-Identifier: Apache-2.0
"""URLs of databases and templates of cell mappings, read as nova itself reads them.

No object of this module shows a password: ``repr`` and ``label`` leave it out.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

import pymysql
from pymysql.constants import CLIENT

from nova_decom.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

SCHEMES = {"mysql", "mariadb"}
#: A URL as most are. All others are read by SQLAlchemy, whose import takes a third of a second
#: and 20 MiB; a test compares the two.
PLAIN = re.compile(
    r"(?:mysql|mariadb)\+pymysql://(?P<user>[\w.~%-]+):(?P<password>[\w.~%-]+)@"
    r"(?P<host>[\w.-]+)(?::(?P<port>[1-9][0-9]{0,3}|[1-5][0-9]{4}))?/(?P<database>\w+)"
    r"(?:\?charset=(?P<charset>utf8(?:mb[34])?))?",
    re.ASCII,
)
TIMEOUTS = {"connect_timeout": 10, "read_timeout": 30, "write_timeout": 30}


@dataclass(frozen=True, slots=True)
class Target:
    """A database to connect to: PyMySQL's arguments, and a label without secrets."""

    label: str
    host: str
    port: int
    database: str
    arguments: dict[str, Any] = field(repr=False, compare=False)

    @property
    def place(self) -> tuple[str, int, str]:
        """Host, port and name, which are different for two databases."""
        return (self.host, self.port, self.database)


def target(url: str) -> Target:
    """A database by URL, in SQLAlchemy's grammar, which is nova's.

    :raises ConfigurationError: it is no URL of a MySQL database. The URL is not shown.
    """
    plain = PLAIN.fullmatch(url)
    if plain is not None:
        return _plain_target({k: v for k, v in plain.groupdict().items() if v is not None})
    parsed = _parse(url)
    database = parsed.database or ""
    socket = parsed.query.get("unix_socket")
    if isinstance(socket, str):
        return Target(f"{database} at {socket}", socket, 0, database, _arguments(parsed))
    host, port = parsed.host or "localhost", parsed.port or 3306
    return Target(f"{database} at {host}:{port}", host, port, database, _arguments(parsed))


def _plain_target(parts: dict[str, str]) -> Target:
    """The target of a plain URL, equal to that of :func:`_arguments`."""
    secret = unquote(parts["password"]).encode()
    arguments: dict[str, Any] = TIMEOUTS | parts | {"client_flag": CLIENT.FOUND_ROWS}
    arguments |= {"user": unquote(parts["user"]), "password": secret}
    port = int(parts.get("port", 3306))
    if "port" in parts:
        arguments["port"] = port
    host, database = parts["host"], parts["database"]
    return Target(f"{database} at {host}:{port}", host, port, database, arguments)


def _parse(url: str) -> URL:
    from sqlalchemy.engine import make_url  # slow
    from sqlalchemy.exc import ArgumentError

    shape = "write it as mysql+pymysql://USER:PASSWORD@HOST:PORT/DATABASE"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            "a database URL cannot be read (not shown, it may hold a password)", shape
        ) from None
    # An @ that is not percent-encoded would make host and database of the password's end.
    if "@" in f"{parsed.host}{parsed.database}" or not 0 <= (parsed.port or 0) < 2**16:
        raise ConfigurationError(
            "a database URL cannot be read (not shown, it may hold a password)",
            f"{shape}, with %40 for an @ in the password",
        )
    if parsed.get_backend_name() not in SCHEMES or not parsed.database:
        raise ConfigurationError(
            "not the URL of a MySQL or MariaDB database: "
            f"{parsed.set(query={}).render_as_string()}",
            shape,
        )
    return parsed


def _arguments(parsed: URL) -> dict[str, Any]:
    """PyMySQL's arguments, with bounds, the password as bytes and TLS as one context."""
    from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql  # slow

    plain = parsed.set(drivername="mysql+pymysql").difference_update_query(["plugin"])
    # Without the driver at hand SQLAlchemy would import it by itself to look up a flag.
    dialect = MySQLDialect_pymysql(dbapi=pymysql)
    try:
        _, arguments = dialect.create_connect_args(plain)
    except ValueError as error:
        raise ConfigurationError(
            f"an option of the URL of database {parsed.database}: {error}",
            "correct the options after the ? of the URL",
        ) from None
    arguments = TIMEOUTS | dict(arguments)
    if isinstance(arguments.get("password"), str):
        arguments["password"] = arguments["password"].encode()
    options = _tls_options(arguments)
    if options:
        arguments["ssl"] = tls_context(options)
    return arguments


def _tls_options(arguments: dict[str, Any]) -> dict[str, Any]:
    """Remove the TLS options from the arguments and return them.

    From ``ssl_verify_cert``, which openstack-ansible sets, PyMySQL would make a context of its
    own instead of ours.
    """
    options = arguments.pop("ssl", {})
    if not isinstance(options, dict):
        raise ConfigurationError(
            "ssl is no option of a database URL by itself", "give ssl_ca=FILE or ssl_verify_cert"
        )
    for name in ("verify_cert", "verify_identity", "key_password"):
        if f"ssl_{name}" in arguments:
            options[name] = arguments.pop(f"ssl_{name}")
    if not _is_true(arguments.get("ssl_disabled")):
        # To PyMySQL the text "false" is true.
        arguments.pop("ssl_disabled", None)
    return dict(options)


def tls_context(options: dict[str, Any]) -> ssl.SSLContext:
    """A context that verifies the chain whenever a CA is known, and as a rule the host name.

    As in PyMySQL, ``verify_cert`` without a CA means the system's, and asks for the host name
    only together with ``verify_identity``.

    :raises ConfigurationError: a file of it cannot be read.
    """
    ca, capath, cert = options.get("ca"), options.get("capath"), options.get("cert")
    try:
        context = ssl.create_default_context(cafile=ca, capath=capath)
        # Certificates that MySQL makes for itself have no key usage extension.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if cert:
            # A password, be it empty: OpenSSL would ask for one on the terminal.
            password = options.get("key_password", "")
            context.load_cert_chain(cert, options.get("key"), password)
        if options.get("cipher"):
            context.set_ciphers(options["cipher"])
    except OSError as error:
        files = ", ".join(str(f) for f in (ca, capath, cert, options.get("key")) if f)
        raise ConfigurationError(
            f"TLS for the database ({files}): {error}",
            "check ssl_ca, ssl_cert and ssl_key of the URL",
        ) from error
    by_name = _is_true(options.get("verify_identity"))
    by_chain = _is_true(options.get("verify_cert"))
    if (ca or capath) and "verify_cert" not in options:
        by_name = by_name or options.get("check_hostname") is not False
    context.check_hostname = False
    context.verify_mode = (
        ssl.CERT_REQUIRED if ca or capath or by_chain or by_name else ssl.CERT_NONE
    )
    context.check_hostname = by_name
    return context


def _is_true(value: object) -> bool:
    return str(value).casefold() in {"1", "true", "yes", "on", "required"}


def expand_template(url: str, main: str | None) -> str:
    """A cell mapping's URL with the parts of ``[database] connection`` filled in, as nova does.

    Parts stay percent-encoded; a URL that cannot be formatted is taken as it is (nova 34.0.0
    objects/cell_mapping.py:98).
    """
    if main is None:
        if "{" in url.rpartition("@")[2] or url.startswith("{"):
            raise ConfigurationError(
                "a cell mapping's database_connection is a template, and what fills it is unknown",
                "give --nova-conf with the [database] connection of nova-api",
            )
        return url
    try:
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
        return url.format(**names)
    except (AttributeError, KeyError, IndexError, ValueError):
        return url
