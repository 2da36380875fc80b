# SPDX-License-Identifier: Apache-2.0
"""The states of the lab that pages start from. A page names them in a comment: ``setup: NAME``.

What a setup returns is typed into the shell, unseen by the reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from tests.lab import Lab
from tests.scenarios import states

CHECKOUT = Path(__file__).parents[2]


def hosts(lab: Lab, *names: str) -> None:
    """Hosts that run and are empty."""
    lab.start_compute(*names)


def server_on(lab: Lab, host: str, status: str = "ACTIVE") -> None:
    """A server on a host that runs."""
    lab.create_servers(1, on=host, status=status)


def dead_with_server(lab: Lab, host: str) -> None:
    """A host that has just died, with a server on it."""
    lab.start_compute(host)
    lab.create_servers(1, on=host)
    states.down(lab, host)


def half_removed(lab: Lab, host: str) -> None:
    """A host that somebody removed by SQL, as the guides have it; it was in an aggregate."""
    lab.start_compute(host)
    states.in_aggregate(lab, host)
    states.removed_by_sql(lab, host)


def mysql_user(lab: Lab) -> str:
    """The user of the page on security, with the grants that stand there, word for word."""
    text = (CHECKOUT / "docs" / "security.md").read_text("utf-8")
    (statements,) = re.findall(r"```sql\n(CREATE USER.*?)```", text, re.DOTALL)
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        cursor.execute("DROP USER IF EXISTS 'decom'@'%'")
        for statement in filter(str.strip, statements.split(";")):
            cursor.execute(statement)
    api, cell = (_as_decom(lab, database) for database in ("nova_api", "nova"))
    return f"export NOVA_DECOM_API_DB_URL={api} NOVA_DECOM_CELL_DB_URL={cell}"


def _as_decom(lab: Lab, database: str) -> str:
    place = lab.db_url(database).rpartition("@")[2]
    return f"mysql+pymysql://decom:PASSWORD@{place}"


def no_database(lab: Lab) -> str:
    """A clouds.yaml that does not say where the databases are."""
    known = yaml.safe_load(lab.clouds_yaml.read_text("utf-8"))
    section = {k: v for k, v in known["nova-decom"].items() if not k.endswith("db_url")}
    path = lab.layout.root / "clouds-without-database.yaml"
    path.write_text(yaml.safe_dump(known | {"nova-decom": section}), "utf-8")
    return f"export OS_CLIENT_CONFIG_FILE={path}"


def checkout(_lab: Lab) -> str:
    """The shell stands in the checkout, as the tutorial has it."""
    return f"cd {CHECKOUT}"


SETUPS: Mapping[str, Callable[..., str | None]] = {
    f.__name__: f
    for f in (
        *(hosts, server_on, dead_with_server, half_removed),
        *(mysql_user, no_database, checkout),
    )
}
