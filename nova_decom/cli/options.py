# SPDX-License-Identifier: Apache-2.0
"""The table of options: name, type, default, minimum and help of each, stated here alone.

Options do not become parameters of the commands: :mod:`nova_decom.cli.given` collects their
values, and :mod:`nova_decom.cli.settings` decides which one counts. The common options are
accepted before and after the command.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from nova_decom.cli.common_options import COMMON_OF_LIST
from nova_decom.cli.option_types import Column, Count, LateChoice, Seconds, TimeOfDay, completed_by
from nova_decom.cli.option_types import flag as _flag
from nova_decom.cli.option_types import listed as _list
from nova_decom.cli.option_types import option as _option
from nova_decom.model.request import REPORT_INTERVAL, Rows, Servers, StopWith

REASON = _option(
    "--reason",
    metavar="TEXT",
    default_text="decommissioned; drain: maintenance",
    help="Why; written to disabled_reason and to the journal.",
)
OFFLINE = _flag(
    "--offline", help="The host is dead and fenced: do not use ssh; evacuate its servers."
)


def _skippable() -> Iterator[str]:
    """The names of the guards that may be skipped."""
    from nova_decom.guards import GUARDS

    return (guard.name for guard in GUARDS if guard.skippable)


SKIP_GUARD = _list(
    "--skip-guard",
    metavar="NAME",
    type=LateChoice(_skippable),
    help="Let this guard warn instead of block",
)
_PACE = (
    _option(
        "--max-moves",
        type=Count(),
        default=4,
        help="Servers to move at once, per host.",
    ),
    _option(
        "--move-timeout",
        type=Seconds(min=1),
        default=3600.0,
        help="Maximum time for the move of one server, in seconds.",
    ),
)
_SERVERS = (
    _option(
        "--servers",
        type=click.Choice([str(way) for way in Servers]),
        default_text="refuse; drain: auto",
        help="How to move servers off the host; auto chooses by the state of each server, stop "
        "(drain) stops them and leaves them there.",
    ),
    *_PACE,
    _option(
        "--target",
        metavar="HOST",
        help="Move servers to this host; the scheduler checks it.",
        shell_complete=completed_by("hosts"),
    ),
    _flag("--confirm-resizes", help="Confirm the resizes that users left in VERIFY_RESIZE."),
    _flag(
        "--partial",
        help="Move the servers that can be moved, and leave and name the others (exit code 1); "
        "for drain, and with --offline. Nothing is deleted while a server is left.",
    ),
    _flag("--leave-stopped", help="Leave evacuated servers stopped."),
    _flag(
        "--rebuild-local-disks",
        help="Evacuate servers with local disks too: nova creates these disks again, empty, "
        "unless the instance storage is shared.",
    ),
)
BRING_BACK = _option(
    "--bring-back",
    metavar="[RUN]",
    is_flag=False,
    flag_value="last",
    help="Move the servers back that RUN, or the last drain, has moved away, and start those that "
    "it has stopped; give HOST before this option.",
)
_CHOSEN = (
    _list("--project", metavar="NAME|ID", help="Move only the servers of this project"),
    _list(
        "--server",
        metavar="NAME|UUID",
        help="Move only this server; with --project, one of that project",
    ),
)
ENABLE_OPTIONS = (BRING_BACK, *_PACE)
DRAIN_OPTIONS = (REASON, *_CHOSEN, *_SERVERS, OFFLINE, SKIP_GUARD)

ON_FAILURE = _option(
    "--on-failure",
    type=click.Choice(["stop", "continue"]),
    default="stop",
    help="What to do with the other hosts after a host fails.",
)
SELECTION = (
    _option(
        "--hosts-file",
        metavar="FILE",
        help="Add the hosts in this file, one per line; - reads standard input.",
    ),
    _list(
        "--aggregate",
        metavar="NAME",
        help="Add the hosts of this aggregate",
        shell_complete=completed_by("aggregates"),
    ),
    _list(
        "--zone",
        metavar="NAME",
        help="Add the compute hosts of this availability zone",
        shell_complete=completed_by("zones"),
    ),
    _list("--match", metavar="GLOB", help="Add the compute hosts that match this glob"),
    _option(
        "--max-hosts",
        type=Count(),
        default=10,
        help="Refuse more hosts than this in one run.",
    ),
)
_SIDE_BY_SIDE = (
    _option("--jobs", type=Count(), default=4, help="Hosts to work on in parallel."),
    _option(
        "--batch",
        type=Count(),
        help="Work on this many hosts, then on the next ones.",
        default_text="all together",
    ),
    _option(
        "--until",
        metavar="HH:MM",
        type=TimeOfDay(),
        help="Begin no host and no move from this time of the day on (local time).",
    ),
    _option(
        "--max-moves-total",
        type=Count(),
        default_text="no limit",
        help="Servers to move at once, over all hosts of the run.",
    ),
)
TIMEOUT = _option(
    "--timeout",
    type=Seconds(min=0.1),
    default=300.0,
    help="Maximum time for each wait, in seconds; at least 3 report intervals.",
)
HOOKS = _option(
    "--hooks",
    type=click.Path(file_okay=False),
    default_text="/etc/nova-decom/hooks.d",
    help="Directory of hook programs to run on events.",
)
YES = _flag("-y", "--yes", help="Do not ask for confirmation.")
LOCK_URL = _option(
    "--lock-url",
    metavar="URL",
    help="Lock each host also at this lock service (URL of tooz: etcd, ZooKeeper, Redis, MySQL, a "
    "directory) before it is read; needs tooz.",
)
PROGRESS = _option(
    "--progress",
    type=click.Choice(["auto", "lines", "json"]),
    default="auto",
    help="Progress on stderr: lines, one JSON object per event, or live on a terminal.",
)
FOLLOW = _flag("--follow", help="Show the progress of RUN from its journal until it ends.")
RUN_OPTIONS = (YES, *SELECTION, *_SIDE_BY_SIDE, ON_FAILURE, TIMEOUT, HOOKS, LOCK_URL, PROGRESS)

ROWS = _option(
    "--rows",
    type=click.Choice([str(choice) for choice in Rows]),
    default_text="purge; for verify, rows that nova itself has soft-deleted may stay",
    help="Delete the host's rows in the cell database, or keep them soft-deleted as nova does.",
)

CLOSE_EVACUATIONS = _flag(
    "--close-evacuations",
    help="Set open evacuations from the host to completed in the cell database.",
)

PROCEDURE_OPTIONS = (
    REASON,
    _option(
        "--stop-with",
        type=click.Choice([str(way) for way in StopWith]),
        default="ssh",
        help="How to stop nova-compute; with none you stop it yourself and the run waits.",
    ),
    _option(
        "--stop-command",
        metavar="TEMPLATE",
        help="Command for --stop-with command; {host} is replaced; it runs without a shell.",
    ),
    OFFLINE,
    *_SERVERS,
    ROWS,
    _flag("--all-binaries", help="Also remove other nova services of the host that are down."),
    _flag("--keep-agents", help="Keep the network agents of the host."),
    _flag(
        "--reschedule-agents",
        help="Move routers and networks of the host's dead L3 and DHCP agents to living agents.",
    ),
    _flag("--discard-messages", help="Delete the host's message queues with messages in them."),
    CLOSE_EVACUATIONS,
    _list(
        "--host-alias",
        metavar="NAME",
        help="Another exact name of the host in neutron or placement, such as its FQDN",
    ),
    _flag("--absent-ok", help="Treat an unknown host as already removed."),
    SKIP_GUARD,
    _option(
        "--report-interval",
        type=Seconds(min=0.1),
        default_text=f"report_interval in nova.conf, else {REPORT_INTERVAL:g}",
        help="Seconds between two heartbeats of nova-compute.",
    ),
)

REMOVE_OPTIONS = (
    YES,
    _option(
        "--plan",
        type=click.Path(exists=True, dir_okay=False),
        help="Carry out this plan from 'nova-decom plan --out', if it still fits the cloud.",
    ),
    *SELECTION,
    *_SIDE_BY_SIDE,
    ON_FAILURE,
    LOCK_URL,
    _option(
        "--settle",
        type=Seconds(min=0),
        default=60.0,
        help="Seconds to watch for the host coming back after removal (0 = do not watch).",
    ),
    TIMEOUT,
    HOOKS,
    PROGRESS,
)

DETAILED = _flag(
    "--detailed-exitcode",
    help="Exit 3 when anything is found or is to be done, 4 when a guard blocks.",
)
OUT = _option("--out", type=click.Path(dir_okay=False), help="Save the plan to this file.")
METRICS = _option(
    "--metrics-textfile",
    type=click.Path(dir_okay=False),
    help="Write metrics for the Prometheus textfile collector; needs prometheus_client.",
)
DOCTOR_OPTIONS = (
    ROWS,
    CLOSE_EVACUATIONS,
    _flag("--grants", help="Print the GRANT statements for a database user of its own."),
    _flag("--sudoers", help="Print the lines that sudoers on the hosts needs for ssh."),
)
HTML = _option(
    "--html",
    type=click.Path(dir_okay=False),
    help="File for the page; - for stdout.",
    default_text="RUN.html",
)
WIDE = _flag("--wide", help="Show every column, also where the terminal is too narrow.")
COLUMN = _list(
    "-c",
    "--column",
    metavar="NAME",
    type=Column(),
    help="Show only this column",
)

#: Every option by its Python name, which is also its key in clouds.yaml.
OPTIONS: Mapping[str, click.Option] = {
    str(option.name): option
    for option in (
        *COMMON_OF_LIST,
        *RUN_OPTIONS,
        *PROCEDURE_OPTIONS,
        *REMOVE_OPTIONS,
        *DOCTOR_OPTIONS,
        *DRAIN_OPTIONS,
        *ENABLE_OPTIONS,
        *(DETAILED, OUT, METRICS, HTML, COLUMN, WIDE, FOLLOW),
    )
}
DEFAULTS: Mapping[str, Any] = {name: option.default for name, option in OPTIONS.items()}
