# SPDX-License-Identifier: Apache-2.0
"""MariaDB with a data directory of the lab's own."""

import getpass
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.lab.errors import LabError
from tests.lab.layout import Site
from tests.lab.processes import Daemon, Processes

if TYPE_CHECKING:
    from pymysql.connections import Connection

NAME = "mariadb"


class MariaDB:
    def __init__(self, site: Site, processes: Processes) -> None:
        self._site = site
        self._processes = processes
        self.datadir = site.layout.data / "mysql"

    def install(self) -> None:
        """Create an empty data directory; root has no password, on loopback only."""
        self.datadir.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [
                "/usr/bin/mariadb-install-db",
                "--no-defaults",
                f"--user={getpass.getuser()}",
                f"--datadir={self.datadir}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                # Also where this machine's own name cannot be resolved, as in some containers.
                "--force",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LabError(f"mariadb-install-db failed:\n{done.stdout}{done.stderr}")

    def start(self) -> None:
        self._processes.start(
            Daemon(
                NAME,
                (
                    "/usr/sbin/mariadbd",
                    "--no-defaults",
                    f"--user={getpass.getuser()}",
                    f"--datadir={self.datadir}",
                    # Relative to the data directory, where mariadbd runs: the kernel takes no
                    # socket path of more than 107 bytes.
                    "--socket=mysql.sock",
                    # A mariadbd that starts deletes the temporary tables of others in /tmp.
                    "--tmpdir=.",
                    "--bind-address=127.0.0.1",
                    f"--port={self._site.ports['mariadb']}",
                    "--skip-name-resolve",
                    "--performance-schema=OFF",
                    "--innodb-buffer-pool-size=256M",
                    "--innodb-log-file-size=48M",
                    # Written at each commit but not flushed: nothing is lost when mariadbd is
                    # killed, only when the machine is.
                    "--innodb-flush-log-at-trx-commit=2",
                    "--max-connections=1000",
                ),
                self._site.layout.log(NAME),
            )
        )

    def wait(self) -> None:
        self._processes.wait_ready(
            NAME, self._answers, timeout=60, what="mariadbd to accept connections"
        )

    def connect(self, database: str | None = None) -> "Connection[Any]":
        """A connection as root, with autocommit."""
        import pymysql

        return pymysql.connect(
            host="127.0.0.1",
            port=self._site.ports["mariadb"],
            user="root",
            database=database,
            autocommit=True,
            charset="utf8mb4",
            connect_timeout=10,
        )

    def _answers(self) -> bool:
        import pymysql

        try:
            self.connect().close()
        except pymysql.err.OperationalError:
            return False
        return True


def copy_tree(source: Path, target: Path) -> None:
    """Copy a stopped data directory; a copy on write where the file system can do it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    copy = shutil.which("cp") or "/bin/cp"
    subprocess.run([copy, "-a", "--reflink=auto", str(source), str(target)], check=True)
