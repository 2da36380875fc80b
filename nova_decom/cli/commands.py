# SPDX-License-Identifier: Apache-2.0
"""The commands: their arguments, options and help; each calls one function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nova_decom.cli import completion
from nova_decom.cli.common_options import COMMON, COMMON_OF_LIST, COMMON_OF_REPORT
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.help import Group
from nova_decom.cli.options import (
    COLUMN,
    DETAILED,
    DOCTOR_OPTIONS,
    DRAIN_OPTIONS,
    ENABLE_OPTIONS,
    FOLLOW,
    HOOKS,
    HTML,
    LOCK_URL,
    METRICS,
    ON_FAILURE,
    OUT,
    PROCEDURE_OPTIONS,
    PROGRESS,
    REMOVE_OPTIONS,
    RUN_OPTIONS,
    SELECTION,
    TIMEOUT,
    WIDE,
    YES,
)

if TYPE_CHECKING:
    from nova_decom.model.report import Report


HOSTS = click.Argument(["hosts"], nargs=-1, metavar="[HOST]...", shell_complete=completion.hosts)
RUN = click.Argument(["run"], metavar="RUN", shell_complete=completion.runs)
CONTEXT = {"help_option_names": ["-h", "--help"]}


@click.group(
    cls=Group, invoke_without_command=True, context_settings=CONTEXT, params=[*COMMON_OF_LIST]
)
@click.version_option(package_name="nova-decom")
@click.pass_context
def cli(context: click.Context) -> Report | None:
    """Take nova compute hosts out of an OpenStack cloud and prove that they are gone.

    'nova-decom --dry-run' alone is 'nova-decom plan': one line for each compute host.
    """
    given = context.ensure_object(GivenOptions)
    command = context.invoked_subcommand
    style = given.values.get("format")
    if command not in {"list", "audit", "runs"} and style in {"csv", "value"}:
        raise click.UsageError(f"{command or 'the plan'} has no format {style}.", context)
    given.command = command or "plan"
    if command is not None:
        return None
    if not given.values.get("dry_run"):
        raise click.UsageError("Missing command.", context)
    return plan_hosts(given, ())


def require(given: GivenOptions, hosts: tuple[str, ...], *instead: str) -> None:
    """Refuse a command without hosts: an empty list never means all hosts."""
    selectors = ("hosts_file", "aggregate", "zone", "match", *instead)
    if not hosts and not any(given.values.get(name) for name in selectors):
        raise click.UsageError("Missing argument 'HOST...'.")


@cli.command("list", params=[HOSTS, COLUMN, WIDE, *COMMON_OF_LIST])
@click.pass_obj
def list_command(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Show compute hosts: service, servers, migrations, verdict."""
    from nova_decom.cli.list import list_hosts

    return list_hosts(given, hosts)


@cli.command("plan", params=[HOSTS, OUT, DETAILED, *SELECTION, *PROCEDURE_OPTIONS, *COMMON])
@click.pass_obj
def plan_command(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Show the guards and every API call and SQL statement."""
    return plan_hosts(given, hosts)


def plan_hosts(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Plan hosts for ``plan`` and for ``--dry-run`` without a command."""
    from nova_decom.cli.plan import plan

    return plan(given, hosts)


@cli.command(
    "remove", params=[HOSTS, DETAILED, METRICS, *REMOVE_OPTIONS, *PROCEDURE_OPTIONS, *COMMON]
)
@click.pass_obj
def remove_command(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Remove hosts: plan, ask for confirmation, carry out, verify."""
    require(given, hosts, "plan")
    from nova_decom.cli.remove import remove

    return remove(given, hosts)


@cli.command("drain", params=[HOSTS, *RUN_OPTIONS, DETAILED, *DRAIN_OPTIONS, *COMMON])
@click.pass_obj
def drain_command(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Disable hosts and move their servers away, for maintenance."""
    require(given, hosts)
    from nova_decom.cli.drain import drain

    return drain(given, hosts)


@cli.command(
    "enable",
    params=[
        *(HOSTS, YES, *ENABLE_OPTIONS, *SELECTION),
        *(ON_FAILURE, TIMEOUT, HOOKS, LOCK_URL, PROGRESS, *COMMON),
    ],
)
@click.pass_obj
def enable_command(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Enable drained hosts; with --bring-back also move servers back."""
    require(given, hosts)
    from nova_decom.cli.drain import enable

    return enable(given, hosts)


@cli.command("verify", params=[HOSTS, METRICS, *SELECTION, *PROCEDURE_OPTIONS, *COMMON])
@click.pass_obj
def verify_command(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Check whether anything of a host remains."""
    require(given, hosts)
    from nova_decom.cli.verify import verify_hosts

    return verify_hosts(given, hosts)


@cli.command("audit", params=[DETAILED, METRICS, COLUMN, *COMMON_OF_LIST])
@click.pass_obj
def audit_command(given: GivenOptions) -> Report:
    """Find leftovers of removed hosts in the whole cloud."""
    from nova_decom.cli.audit import audit_cloud

    return audit_cloud(given)


@cli.command("restore", params=[RUN, DETAILED, YES, LOCK_URL, PROGRESS, *COMMON])
@click.pass_obj
def restore_command(given: GivenOptions, run: str) -> Report:
    """Undo a run, as far as possible."""
    from nova_decom.cli.restore import restore

    return restore(given, run)


@cli.command(
    "runs",
    params=[
        click.Argument(["run"], required=False, metavar="[RUN]", shell_complete=completion.runs),
        COLUMN,
        WIDE,
        FOLLOW,
        PROGRESS,
        *COMMON_OF_LIST,
    ],
)
@click.pass_obj
def runs_command(given: GivenOptions, run: str | None) -> Report:
    """Show who did what, when and why; with RUN, one run in full."""
    if given.values.get("follow") and run is None:
        raise click.UsageError("--follow needs a RUN; last is the newest.")
    from nova_decom.cli.runs import runs

    return runs(given, run)


@cli.command("doctor", params=[HOSTS, *DOCTOR_OPTIONS, *COMMON])
@click.pass_obj
def doctor_command(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Check credentials, rights, databases, and ssh to each HOST."""
    from nova_decom.cli.doctor import doctor

    return doctor(given, hosts)


@cli.command("init", params=[YES, *COMMON])
@click.pass_obj
def init_command(given: GivenOptions) -> Report:
    """Add the section nova-decom to clouds.yaml, then check it."""
    from nova_decom.cli.init import init

    return init(given)


@cli.command("report", params=[RUN, HTML, *COMMON_OF_REPORT])
@click.pass_obj
def report_command(given: GivenOptions, run: str) -> Report:
    """Write a run as one page, for a change ticket."""
    from nova_decom.cli.report import report

    return report(given, run)


@cli.command("steps", params=[*COMMON])
def steps_command() -> Report:
    """Show the steps of the procedure and the guards."""
    from nova_decom.cli.steps import reference

    return reference()


@cli.command(
    "completion",
    params=[
        click.Argument(["shell"], type=click.Choice([*completion.SHELLS, "install"])),
        click.Argument(["directory"], required=False, type=click.Path(file_okay=False)),
        *COMMON,
    ],
)
def completion_command(shell: str, directory: str | None) -> None:
    """Print or install the shell completion.

    'completion install' writes it for all shells, and the man pages, below DIRECTORY: by default
    /usr/local for root and ~/.local for others.
    """
    if shell == "install":
        for path in completion.install(cli, directory):
            click.echo(path)
    elif directory is not None:
        raise click.UsageError("DIRECTORY is for 'completion install'.")
    else:
        click.echo(completion.script(cli, shell))


@cli.command(
    "explain",
    params=[click.Argument(["name"], metavar="NAME", shell_complete=completion.names), *COMMON],
)
def explain_command(name: str) -> Report:
    """Explain a guard, a step, a kind of leftover or an exit code."""
    from nova_decom.cli.explain import explain

    return explain(name)


@cli.command("help", params=[click.Argument(["command"], required=False), *COMMON])
@click.pass_context
def help_command(context: click.Context, command: str | None) -> None:
    """Show the help of the program or of a command."""
    above = context.parent or context
    if command is None:
        click.echo(cli.get_help(above))
        return
    _, found, _ = cli.resolve_command(above, [command])
    if found is not None:
        click.echo(found.get_help(found.make_context(command, [], above, resilient_parsing=True)))


@cli.command("version", params=[*COMMON])
def version_command() -> None:
    """Show the version."""
    from importlib.metadata import version

    click.echo(f"nova-decom, version {version('nova-decom')}")
