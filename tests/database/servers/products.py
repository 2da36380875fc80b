# SPDX-License-Identifier: Apache-2.0
"""How MariaDB and MySQL are installed and started, each in a data directory of its own."""

import getpass
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tests.database.servers.debian import Programs
from tests.lab.errors import LabError

#: mariadb-install-db's own files, in its order.
SYSTEM_TABLES = (
    "mariadb_system_tables",
    "mariadb_performance_tables",
    "mariadb_system_tables_data",
    "fill_help_tables",
    "maria_add_gis_sp_bootstrap",
    "mariadb_sys_schema",
)
COMMON = (
    # Relative to the data directory, where the server runs: the kernel takes no socket path of
    # more than 107 bytes.
    "--socket=mysql.sock",
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--innodb-buffer-pool-size=256M",
    "--innodb-flush-log-at-trx-commit=0",
    "--max-connections=1000",
)
ROOT = """\
CREATE USER root@'127.0.0.1';
GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
"""
SECONDS = 120


class Product(Protocol):
    """The programs of a server."""

    def install(self, programs: Programs, datadir: Path) -> None:
        """Create an empty data directory; root has no password, on loopback only."""

    def argv(self, programs: Programs, datadir: Path, user: str | None = None) -> tuple[str, ...]:
        """The server's command line, but for its port; it runs as ``user``, or as we do."""

    def client(self, programs: Programs) -> tuple[str, ...]:
        """The command-line client."""


class MariaDB:
    def install(self, programs: Programs, datadir: Path) -> None:
        datadir.mkdir(parents=True)
        scripts = programs.path("usr/share/mariadb")
        # As mariadb-install-db does it, which runs only where it is installed.
        text = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n"
        text += "".join((scripts / f"{name}.sql").read_text() for name in SYSTEM_TABLES)
        options = (
            *("--bootstrap", "--log-warnings=0", "--enforce-storage-engine="),
            *("--max-allowed-packet=8M", "--net-buffer-length=16K"),
        )
        _run((*self._argv(programs, datadir), *options), text)

    def argv(self, programs: Programs, datadir: Path, user: str | None = None) -> tuple[str, ...]:
        options = ("--performance-schema=OFF", "--innodb-log-file-size=48M")
        return (*self._argv(programs, datadir, user), *COMMON, *options)

    def client(self, programs: Programs) -> tuple[str, ...]:
        return (*programs.argv("usr/bin/mariadb"), "--no-defaults")

    def _argv(self, programs: Programs, datadir: Path, user: str | None = None) -> tuple[str, ...]:
        argv = _argv(programs, "usr/sbin/mariadbd", "usr/share/mariadb", user)
        return (*argv, f"--datadir={datadir}")


class MySQL:
    def install(self, programs: Programs, datadir: Path) -> None:
        datadir.mkdir(parents=True)
        init = datadir.with_name(f"{datadir.name}.init.sql")
        init.write_text(ROOT)
        _run((*self._argv(programs, datadir), "--initialize-insecure", f"--init-file={init}"))
        init.unlink()

    def argv(self, programs: Programs, datadir: Path, user: str | None = None) -> tuple[str, ...]:
        options = (
            *("--mysqlx=OFF", "--skip-log-bin", "--innodb-redo-log-capacity=100M"),
            # Debian's is a directory of the installed package.
            "--secure-file-priv=NULL",
        )
        return (*self._argv(programs, datadir, user), *COMMON, *options)

    def client(self, programs: Programs) -> tuple[str, ...]:
        return (*programs.argv("usr/bin/mysql"), "--no-defaults")

    def _argv(self, programs: Programs, datadir: Path, user: str | None = None) -> tuple[str, ...]:
        argv = _argv(programs, "usr/sbin/mysqld", "usr/share/mysql", user)
        return (*argv, f"--datadir={datadir}")


def _argv(programs: Programs, program: str, messages: str, user: str | None) -> tuple[str, ...]:
    argv = (*programs.argv(program), "--no-defaults", f"--user={user or getpass.getuser()}")
    if programs.are_installed:
        return argv
    return (
        *argv,
        f"--basedir={programs.path('usr')}",
        f"--lc-messages-dir={programs.path(messages)}",
        f"--plugin-dir={programs.path('usr/lib/mysql/plugin')}",
    )


def _run(argv: Sequence[str], text: str = "") -> None:
    done = subprocess.run(
        argv, input=text, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    if done.returncode:
        raise LabError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
