# SPDX-License-Identifier: Apache-2.0
"""Every option, once. Common ones are accepted before and after the command.

Options do not become parameters of the commands: what was given is collected in the context's
object, and :mod:`nova_decom.cli.settings` decides what holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click
from click.core import ParameterSource

F = TypeVar("F", bound=Callable[..., Any])


class GivenOptions:
    """What was given, each value with how directly: the command line beats the environment."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._found: dict[str, tuple[int, Any]] = {}
        self.resolved: Mapping[str, Any] | None = None
        self.command = "nova-decom"

    def put(self, name: str, value: object, rank: int) -> None:
        """Keep the value unless a more direct one is known."""
        if rank >= self._found.get(name, (0, None))[0]:
            self._found[name] = (rank, value)

    @property
    def values(self) -> Mapping[str, Any]:
        """What was given, by the option's Python name."""
        return {name: value for name, (_, value) in self._found.items()}

    @property
    def known(self) -> Mapping[str, Any]:
        """The settings as far as they are known: resolved ones, else what was given."""
        return self.values if self.resolved is None else self.resolved

    def from_command_line(self, name: str) -> bool:
        """True when the value stands on the command line, for everybody's ``ps`` to see."""
        return self._found.get(name, (0, None))[0] == _RANK[ParameterSource.COMMANDLINE]


_RANK = {ParameterSource.ENVIRONMENT: 1, ParameterSource.COMMANDLINE: 2}


def _collect(context: click.Context, parameter: click.Parameter, value: object) -> None:
    name = parameter.name or ""
    source = context.get_parameter_source(name)
    if source in _RANK:
        context.ensure_object(GivenOptions).put(name, value, _RANK[source])


def _option(*names: str, **attributes: Any) -> Callable[[F], F]:  # noqa: ANN401
    name = next(n for n in names if n.startswith("--"))
    return click.option(
        *names,
        expose_value=False,
        callback=_collect,
        envvar=f"NOVA_DECOM_{name[2:].upper().replace('-', '_')}",
        show_envvar=False,
        **attributes,
    )


def _flag(*names: str, **attributes: Any) -> Callable[[F], F]:  # noqa: ANN401
    return _option(*names, is_flag=True, default=None, **attributes)


FORMATS = ("table", "json", "yaml")
LIST_FORMATS = (*FORMATS, "csv", "value")


def _format(choices: tuple[str, ...]) -> Callable[[F], F]:
    text = "How the result is written; csv and value are for list and audit."
    return _option("-f", "--format", type=click.Choice(choices), help=text)


_COMMON = (
    _option("--os-cloud", metavar="NAME", help="Cloud of clouds.yaml; else OS_CLOUD or OS_*."),
    _option("--os-region-name", metavar="NAME", help="Region of the cloud."),
    _option(
        "--nova-conf",
        type=click.Path(),
        help="A controller's nova.conf: database URLs, report_interval.",
    ),
    _option(
        "--api-db-url",
        metavar="URL",
        help="nova's API database. Better from environment or clouds.yaml: it has a password.",
    ),
    _option(
        "--cell-db-url",
        metavar="URL",
        multiple=True,
        help="A cell database (repeatable); with --api-db-url the credentials for that cell.",
    ),
    _option("--ssh-config", type=click.Path(), help="Configuration file for ssh."),
    _option("--state-dir", type=click.Path(), help="Directory of journals."),
    _flag("--dry-run", help="Show what would be done, over clients that are unable to write."),
    _option("-v", "--verbose", count=True, help="Show more; -vv logs each call."),
    _flag("-q", "--quiet", help="No progress."),
    _flag("--debug", help="Log calls and statements, without secrets."),
    _option("--log-file", type=click.Path(), help="Log to this file instead of stderr."),
    _option("--color", type=click.Choice(["auto", "always", "never"]), help="Colour in text."),
)
COMMON = (_format(FORMATS), *_COMMON)
COMMON_OF_LIST = (_format(LIST_FORMATS), *_COMMON)

_SERVERS = (
    _option(
        "--servers",
        type=click.Choice(["refuse", "live", "cold", "auto", "evacuate"]),
        help="How servers leave: auto by the state of each.  [default: refuse; drain: auto]",
    ),
    _option(
        "--max-moves",
        type=click.IntRange(min=1),
        help="So many servers of a host move at once.  [default: 4]",
    ),
    _option(
        "--move-timeout",
        type=click.FloatRange(min=1),
        help="Bound in seconds on the move of one server.  [default: 3600]",
    ),
    _option(
        "--target", metavar="HOST", help="Move servers to this host; the scheduler checks it."
    ),
    _flag("--confirm-resizes", help="Confirm resizes of users that wait for it (VERIFY_RESIZE)."),
    _flag("--leave-stopped", help="Leave evacuated servers stopped."),
)

DRAIN_OPTIONS = (
    _option("--reason", metavar="TEXT", help="Why; goes into disabled_reason and the journal."),
    *_SERVERS,
    _flag("--offline", help="The host is dead and fenced: its servers are evacuated."),
    _option("--skip-guard", metavar="NAME", multiple=True, help="Overrule a guard (repeatable)."),
)

ON_FAILURE = _option(
    "--on-failure",
    type=click.Choice(["stop", "continue"]),
    help="After a host that failed.  [default: stop]",
)
SELECTION = (
    _option(
        "--hosts-file",
        metavar="FILE",
        help="Also the hosts of this file, one a line; - is standard input.",
    ),
    _option(
        "--aggregate", metavar="NAME", multiple=True, help="Also the members of this aggregate."
    ),
    _option("--zone", metavar="NAME", multiple=True, help="Also the hosts of this zone."),
    _option(
        "--match", metavar="GLOB", multiple=True, help="Also the hosts that this glob matches."
    ),
    _option(
        "--max-hosts",
        type=click.IntRange(min=1),
        help="Refuse more hosts than this in one run.  [default: 10]",
    ),
)
_SIDE_BY_SIDE = (
    _option(
        "--jobs",
        type=click.IntRange(min=1),
        help="So many hosts are worked on at the same time.  [default: 4]",
    ),
    _option(
        "--max-moves-total",
        type=click.IntRange(min=1),
        help="So many servers of all hosts move at once.",
    ),
)
TIMEOUT = _option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    help="Bound in seconds on each wait, three report intervals at least.  [default: 300]",
)
HOOKS = _option(
    "--hooks",
    type=click.Path(exists=True, file_okay=False),
    help="Directory of programs told what goes on.  [default: /etc/nova-decom/hooks.d]",
)
YES = _flag("-y", "--yes", help="Do not ask.")
LOCK_URL = _option(
    "--lock-url",
    metavar="URL",
    help="Hold each host at this lock service too, by tooz; needs nova-decom[lock].",
)
RUN_OPTIONS = (YES, *SELECTION, *_SIDE_BY_SIDE, ON_FAILURE, TIMEOUT, HOOKS, LOCK_URL)

PROCEDURE_OPTIONS = (
    _option("--reason", metavar="TEXT", help="Why; goes into disabled_reason and the journal."),
    _option(
        "--stop-with",
        type=click.Choice(["ssh", "command", "none"]),
        help="How nova-compute is stopped on the host; none waits for you.  [default: ssh]",
    ),
    _option(
        "--stop-command",
        metavar="TEMPLATE",
        help="The command for --stop-with command; {host} is filled in; no shell.",
    ),
    _flag("--offline", help="The host is dead and fenced: no ssh, its servers are evacuated."),
    *_SERVERS,
    _option(
        "--rows",
        type=click.Choice(["purge", "keep"]),
        help="Rows in the cell database: delete them, or leave nova's history.  [default: purge]",
    ),
    _flag("--all-binaries", help="Also other binaries on the host, if they are down."),
    _flag("--keep-agents", help="Leave network agents alone."),
    _option(
        "--host-alias",
        metavar="NAME",
        multiple=True,
        help="Another exact name of the host, for its agents and providers (repeatable).",
    ),
    _flag("--absent-ok", help="A host that nothing names is done, not an error."),
    _option("--skip-guard", metavar="NAME", multiple=True, help="Overrule a guard (repeatable)."),
    _option(
        "--report-interval",
        type=click.FloatRange(min=0.1),
        help="Seconds between heartbeats.  [default: nova.conf's, else 10]",
    ),
)

REMOVE_OPTIONS = (
    YES,
    _option(
        "--plan",
        type=click.Path(exists=True, dir_okay=False),
        help="Carry out this plan of 'nova-decom plan --out', if the cloud still fits.",
    ),
    *SELECTION,
    *_SIDE_BY_SIDE,
    ON_FAILURE,
    LOCK_URL,
    _option(
        "--settle",
        type=click.FloatRange(min=0),
        help="Seconds in which nothing may come back; 0 switches it off.  [default: 60]",
    ),
    TIMEOUT,
    HOOKS,
)

DETAILED = _flag(
    "--detailed-exitcode", help="Exit 3 when there are changes, 4 when a guard blocks."
)
OUT = _option("--out", type=click.Path(dir_okay=False), help="Save the plan to this file.")
METRICS = _option(
    "--metrics-textfile",
    type=click.Path(dir_okay=False),
    help="Tell Prometheus' textfile collector of the run; needs nova-decom[metrics].",
)
HTML = _option(
    "--html", type=click.Path(dir_okay=False), help="Write the report of a run to this file."
)
COLUMN = _option("-c", "--column", multiple=True, metavar="NAME", help="Show only this column.")


def apply(*options: Callable[[F], F]) -> Callable[[F], F]:
    """One decorator of many, in the order in which help shows them."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate
