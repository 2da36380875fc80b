# SPDX-License-Identifier: Apache-2.0
"""The group and its commands: each a few lines that hand over to one function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nova_decom.cli import completion
from nova_decom.cli.options import (
    COLUMN,
    COMMON,
    COMMON_OF_LIST,
    DETAILED,
    DRAIN_OPTIONS,
    HOOKS,
    HTML,
    LOCK_URL,
    METRICS,
    ON_FAILURE,
    OUT,
    PROCEDURE_OPTIONS,
    REMOVE_OPTIONS,
    RUN_OPTIONS,
    SELECTION,
    TIMEOUT,
    YES,
    GivenOptions,
    apply,
)

if TYPE_CHECKING:
    from nova_decom.model.report import Report


HOSTS = click.argument("hosts", nargs=-1, metavar="[HOST]...", shell_complete=completion.hosts)


SOME_HOSTS = click.argument(
    "hosts", nargs=-1, required=True, metavar="HOST...", shell_complete=completion.hosts
)


CONTEXT = {"help_option_names": ["-h", "--help"]}


@click.group(invoke_without_command=True, context_settings=CONTEXT)
@click.version_option(package_name="nova-decom")
@apply(*COMMON_OF_LIST)
@click.pass_context
def cli(context: click.Context) -> Report | None:
    """Take nova compute hosts out of an OpenStack cloud and prove that they are gone.

    'nova-decom --dry-run' alone is 'nova-decom plan': every compute host in one line.
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
    """Refuse a command that says of no host: nothing never means all."""
    selectors = ("hosts_file", "aggregate", "zone", "match", *instead)
    if not hosts and not any(given.values.get(name) for name in selectors):
        raise click.UsageError("Missing argument 'HOST...'.")


@cli.command("list")
@HOSTS
@apply(COLUMN, *COMMON_OF_LIST)
@click.pass_obj
def list_command(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Show compute hosts: service, heartbeat, servers, migrations, rows, verdict."""
    from nova_decom.cli.list import list_hosts  # noqa: PLC0415 - lazy, for the start-up

    return list_hosts(given, hosts)


@cli.command("plan")
@HOSTS
@apply(OUT, DETAILED, *SELECTION, *PROCEDURE_OPTIONS, *COMMON)
@click.pass_obj
def plan_command(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Show findings and every change with its API call or SQL; change nothing."""
    return plan_hosts(given, hosts)


def plan_hosts(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """What ``plan``, ``remove --dry-run`` and ``--dry-run`` alone have in common."""
    from nova_decom.cli.plan import plan  # noqa: PLC0415

    return plan(given, hosts)


@cli.command("remove")
@HOSTS
@apply(DETAILED, METRICS, *REMOVE_OPTIONS, *PROCEDURE_OPTIONS, *COMMON)
@click.pass_obj
def remove_command(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Plan, ask, carry out and verify the removal of hosts."""
    require(given, hosts, "plan")
    from nova_decom.cli.remove import remove  # noqa: PLC0415

    return remove(given, hosts)


@cli.command("drain")
@HOSTS
@apply(*RUN_OPTIONS, DETAILED, *DRAIN_OPTIONS, *COMMON)
@click.pass_obj
def drain_command(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Disable hosts and move their servers away, for maintenance."""
    require(given, hosts)
    from nova_decom.cli.drain import drain  # noqa: PLC0415

    return drain(given, hosts)


@cli.command("enable")
@HOSTS
@apply(YES, *SELECTION, ON_FAILURE, TIMEOUT, HOOKS, LOCK_URL, *COMMON)
@click.pass_obj
def enable_command(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Enable hosts again that this program has disabled."""
    require(given, hosts)
    from nova_decom.cli.drain import enable  # noqa: PLC0415

    return enable(given, hosts)


@cli.command("verify")
@HOSTS
@apply(METRICS, *SELECTION, *PROCEDURE_OPTIONS, *COMMON)
@click.pass_obj
def verify_command(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Look whether anything is left of hosts, anywhere."""
    require(given, hosts)
    from nova_decom.cli.verify import verify_hosts  # noqa: PLC0415

    return verify_hosts(given, hosts)


@cli.command("audit")
@apply(DETAILED, METRICS, COLUMN, *COMMON_OF_LIST)
@click.pass_obj
def audit_command(given: GivenOptions) -> Report:
    """Look for what earlier removals left, of any host, in the whole cloud."""
    from nova_decom.cli.audit import audit_cloud  # noqa: PLC0415

    return audit_cloud(given)


@cli.command("restore")
@click.argument("run", metavar="RUN")
@apply(DETAILED, YES, LOCK_URL, *COMMON)
@click.pass_obj
def restore_command(given: GivenOptions, run: str) -> Report:
    """Put back what a run deleted or changed, as far as it can be."""
    from nova_decom.cli.restore import restore  # noqa: PLC0415

    return restore(given, run)


@cli.command("runs")
@click.argument("run", required=False, metavar="[RUN]")
@apply(COLUMN, *COMMON_OF_LIST)
@click.pass_obj
def runs_command(given: GivenOptions, run: str | None) -> Report:
    """Show what was done, when, by whom and why; of one RUN all that its journal tells."""
    from nova_decom.cli.runs import runs  # noqa: PLC0415

    return runs(given, run)


@cli.command("doctor")
@HOSTS
@apply(*COMMON)
@click.pass_obj
def doctor_command(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Check credentials, rights, microversions, databases and (for HOSTs) ssh."""
    from nova_decom.cli.doctor import doctor  # noqa: PLC0415

    return doctor(given, hosts)


@cli.command("report")
@click.argument("run", metavar="RUN", shell_complete=completion.runs)
@apply(HTML, *COMMON)
@click.pass_obj
def report_command(given: GivenOptions, run: str) -> Report:
    """Write what a run did as one self-contained page, for a change ticket."""
    from nova_decom.cli.report import report  # noqa: PLC0415

    return report(given, run)


@cli.command("steps")
@apply(*COMMON)
def steps_command() -> Report:
    """Show the procedure and the guards, from the code."""
    from nova_decom.cli.steps import reference  # noqa: PLC0415

    return reference()


@cli.command("completion")
@click.argument("shell", type=click.Choice(completion.SHELLS))
@apply(*COMMON)
def completion_command(shell: str) -> None:
    """Print what a shell sources to complete commands, options and hosts."""
    click.echo(completion.script(cli, shell))
