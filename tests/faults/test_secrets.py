# SPDX-License-Identifier: Apache-2.0
"""Secrets in every field of every service and table: none is in anything that a command writes."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.process import live
from tests.chaos.shapes import HOST
from tests.chaos.story import COMMAND
from tests.database.server import Server
from tests.faults.openstack import PASSWORD, Body

SECRET = "planted-4f1c"
#: What the tenants and the cloud keep in objects that nova-decom reads for other fields.
PLANTED: Body = {
    "OS-EXT-SRV-ATTR:user_data": SECRET,
    "adminPass": SECRET,
    "metadata": {SECRET: SECRET},
    "description": SECRET,
    "key_name": SECRET,
    "addresses": {SECRET: [{"addr": SECRET}]},
    "tags": [SECRET],
    "flavor": {"extra_specs": {SECRET: SECRET}},
    "image": {"id": SECRET},
    "links": [{"href": SECRET}],
    "configurations": {SECRET: SECRET},
    "cpu_info": SECRET,
}
#: Fields that each object has: also those of a token's catalogue, and allocations.
MARKS = {"id", "uuid", "binary", "resources", "consumer_generation", "user_id"}
#: Files of the test itself, that the program only reads.
GIVEN = {"clouds.yaml", "cloud.json"}
#: Columns of tenants that the program reads, or whose values mean something.
READ = {"uuid", "hostname", "host", "node", "vm_state", "task_state", "display_name", "deleted"}


def plant(found: Any) -> Any:
    """The answer, with secrets beside the fields of each object of a list."""
    if isinstance(found, list):
        return [plant(each) for each in found]
    if not isinstance(found, dict):
        return found
    more = PLANTED if MARKS & found.keys() else {}
    return {k: plant(v) for k, v in found.items()} | {
        k: v for k, v in more.items() if not found.get(k)
    }


def fill(server: Server) -> None:
    """Plant the secret in every text of the instances, and in the URLs of the message queues."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name AS name FROM information_schema.columns WHERE "
            "table_schema = 'nova' AND table_name = 'instances' "
            "AND data_type IN ('varchar', 'text', 'mediumtext', 'longtext') "
            "AND character_maximum_length >= 30"
        )
        columns = [row["name"] for row in cursor.fetchall() if row["name"] not in READ]
        assert "user_data" in columns
        values = ", ".join(f"`{column}` = %s" for column in columns)
        cursor.execute(f"UPDATE nova.instances SET {values}", [SECRET] * len(columns))
        queue = f"rabbit://nova:{SECRET}@mq"
        cursor.execute("UPDATE nova_api.cell_mappings SET transport_url = %s", [queue])


@pytest.fixture
def planted(cloud):
    """The cloud with its secrets; the names of those that it gives away while it is asked."""
    fill(cloud.site.server)
    answer = cloud.openstack.answer

    def with_secrets(method, url, headers, body):
        code, more, content = answer(method, url, headers, body)
        if content:
            content = json.dumps(plant(json.loads(content))).encode()
        return code, more, content

    cloud.openstack.answer = with_secrets
    return cloud


def written(directory: Path) -> Iterator[Path]:
    """All that the program has written."""
    for path in directory.rglob("*"):
        if path.is_file() and path.name not in GIVEN:
            yield path


def without_images(journal: Path) -> Iterator[bytes]:
    """The journal without the objects of placement that went: a restore needs them whole."""
    for line in journal.read_bytes().splitlines():
        event = json.loads(line)
        if event["event"] != "before-image" or event["database"] != "placement":
            yield line


def run(planted: Any, number: int, *command: str) -> None:
    """Run a command with --debug, and keep what it prints."""
    live(planted.site, [*command, "--debug"])
    for name in ("stdout", "stderr"):
        path = planted.site.directory / name
        path.rename(path.with_name(f"{name}{number}"))


def test_no_secret_is_in_anything_that_a_command_writes(planted):
    """Journal, SQL, log, reports, metrics, stdout and stderr; the log is only the operator's."""
    directory = planted.site.directory
    log = directory / "debug.log"
    metrics = ("--metrics-textfile", str(directory / "metrics.prom"))
    before = [
        ("list",),
        ("doctor",),
        ("plan", "node2", "--servers", "auto"),
        ("plan", HOST, "--out", str(directory / "plan.json")),
        ("audit", *metrics),
    ]
    for number, command in enumerate((*before, (*COMMAND, *metrics))):
        run(planted, number, *command, "--log-file", str(log))
        run(planted, -number, *command)
    (journal,) = (directory / "state" / "runs").glob("*.jsonl")
    after = [
        ("verify", HOST),
        ("runs", journal.stem),
        ("report", journal.stem, "--html", str(directory / "page.html")),
        ("restore", journal.stem, "--dry-run"),
    ]
    for number, command in enumerate(after, 100):
        run(planted, number, *command)

    files = {path.name: path.read_bytes() for path in written(directory)}
    files[journal.name] = b"".join(without_images(journal))
    secrets = [SECRET, PASSWORD, *planted.openstack.tokens]
    assert [(n, s) for n, text in files.items() for s in secrets if s.encode() in text] == []
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    # The search was of all that a run writes, and the calls are in the log.
    assert b"GET /compute/v2.1/servers/detail?" in files["debug.log"]
    assert {"plan.json", "metrics.prom", "page.html"} <= files.keys()
    assert {Path(name).suffix for name in files} >= {".jsonl", ".sql"}
    assert [n for n, text in files.items() if b"Traceback" in text] == []
