# SPDX-License-Identifier: Apache-2.0
"""The options of all commands, accepted before and after the command."""

from __future__ import annotations

import click

from nova_decom.cli.option_types import Paths, completed_by
from nova_decom.cli.option_types import flag as _flag
from nova_decom.cli.option_types import listed as _list
from nova_decom.cli.option_types import option as _option

FORMATS = ("table", "json", "yaml")
LIST_FORMATS = (*FORMATS, "csv", "value")


def _format(choices: tuple[str, ...]) -> click.Option:
    return _option(
        "-f", "--format", type=click.Choice(choices), default="table", help="Output format."
    )


_COMMON = (
    _option(
        "--os-cloud",
        metavar="NAME",
        shell_complete=completed_by("clouds"),
        help="Cloud in clouds.yaml.",
        default_text="OS_CLOUD, or the OS_* variables",
    ),
    _option("--os-region-name", metavar="NAME", help="Region of the cloud."),
    _list(
        "--nova-conf",
        type=Paths(),
        help="nova.conf of a controller, or its nova.conf.d: the database URLs and "
        "report_interval are read from them in their order",
    ),
    _option(
        "--api-db-url",
        metavar="URL",
        help="URL of nova's API database. It has a password: better set it in the environment or "
        "in clouds.yaml.",
    ),
    _list(
        "--cell-db-url",
        metavar="URL",
        help="URL of a cell database; with --api-db-url, the credentials for that cell",
    ),
    _list(
        "--rabbitmq-api-url",
        metavar="[CELL=]URL",
        help="URL of the management API of a cell's RabbitMQ; user, password and virtual host "
        "are those of the cell mapping unless the URL has them",
    ),
    _option("--ssh-config", type=click.Path(), help="Configuration file for ssh."),
    _option(
        "--state-dir",
        type=click.Path(),
        default_text="/var/lib/nova-decom for root, else ~/.local/state/nova-decom",
        help="Directory of the journals and locks.",
    ),
    _flag("--dry-run", help="Show what would change; uses read-only connections."),
    _option("-v", "--verbose", count=True, default=0, help="Show more; -vv logs each call."),
    _flag("-q", "--quiet", help="Show no progress; errors and results only."),
    _flag("--debug", help="Log every API call and SQL statement, without secrets."),
    _option("--log-file", type=click.Path(), help="Log to this file instead of stderr."),
    _option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        help="Colour in text output.",
    ),
)
COMMON = (_format(FORMATS), *_COMMON)
COMMON_OF_REPORT = (_format((*FORMATS, "html", "md")), *_COMMON)
COMMON_OF_LIST = (_format(LIST_FORMATS), *_COMMON)
