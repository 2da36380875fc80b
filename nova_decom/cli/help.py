# SPDX-License-Identifier: Apache-2.0
"""``--help``: options in groups, examples, commands by use, and the names that nearly fit."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

import click

#: The options of ``--help`` by group; a test holds that each option is in exactly one.
GROUPS: Mapping[str, str] = {
    "Hosts": "hosts_file aggregate zone match max_hosts",
    "Servers": "servers max_moves max_moves_total move_timeout target confirm_resizes project "
    "server partial leave_stopped rebuild_local_disks bring_back",
    "Stopping nova-compute": "stop_with stop_command offline report_interval",
    "Deleting": "rows all_binaries keep_agents reschedule_agents discard_messages host_alias "
    "close_evacuations absent_ok",
    "Order and waiting": "jobs batch until on_failure timeout settle hooks lock_url",
    "Plan and confirmation": "dry_run yes reason plan out skip_guard detailed_exitcode",
    "Checks": "grants sudoers",
    "Output": "format column wide follow html progress metrics_textfile verbose quiet color debug "
    "log_file version help",
    "Cloud and databases": "os_cloud os_region_name nova_conf api_db_url cell_db_url "
    "rabbitmq_api_url ssh_config state_dir",
}
_CLOUD = (
    "os_cloud os_region_name nova_conf api_db_url cell_db_url rabbitmq_api_url ssh_config dry_run "
    "debug log_file"
)
_NOTHING = f"{_CLOUD} state_dir verbose quiet color"
#: Options that a command accepts as every command does, and that change nothing in it.
UNUSED: Mapping[str, str] = {
    **dict.fromkeys(("explain", "steps"), _NOTHING),
    **dict.fromkeys(("completion", "help", "version"), f"{_NOTHING} format"),
    **dict.fromkeys(("runs", "report"), _CLOUD),
    **dict.fromkeys(("list", "audit", "doctor"), "dry_run"),
    "verify": "dry_run reason servers max_moves move_timeout target confirm_resizes partial "
    "leave_stopped rebuild_local_disks stop_with stop_command skip_guard",
}
#: The commands in the order of their use.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "Look": ("list", "plan", "verify", "audit", "doctor"),
    "Change": ("remove", "drain", "enable", "restore"),
    "Afterwards": ("runs", "report"),
    "Help": ("init", "explain", "steps", "completion", "help", "version"),
}
EXAMPLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "nova-decom": (
        ("nova-decom doctor node1", "check credentials, databases, ssh"),
        ("nova-decom plan node1", "show each call and statement; change nothing"),
        ("nova-decom remove node1", "remove it, after a confirmation"),
        ("nova-decom audit", "find what earlier removals left"),
    ),
    "plan": (
        ("nova-decom plan", "each compute host in one line"),
        ("nova-decom plan node1 --out FILE", "save it for a review; remove --plan FILE"),
    ),
    "remove": (
        ("nova-decom remove node1 --servers auto", "move its servers away first"),
        ("nova-decom remove node1 --offline", "a host that is dead and fenced"),
        ("nova-decom remove --hosts-file FILE", "several hosts in one run"),
    ),
    "drain": (
        ("nova-decom drain node1", "disable it and move all servers"),
        ("nova-decom drain node1 --server web", "move one server only"),
    ),
    "runs": (
        ("nova-decom runs last", "the newest run in full"),
        ("nova-decom runs last --follow", "watch a run of another terminal"),
    ),
    "report": (("nova-decom report last", "write the page of the newest run"),),
    "explain": (("nova-decom explain last-host", "a guard, and what to do about it"),),
    "completion": (
        ('eval "$(nova-decom completion bash)"', "in ~/.bashrc"),
        ("nova-decom completion fish | source", "in ~/.config/fish/config.fish"),
        ("nova-decom completion install", "for all shells, with the man pages"),
    ),
}
#: Commands of other programs, and ours for the same purpose.
OTHER_NAMES = {
    "delete": "remove",
    "decommission": "remove",
    "evacuate": "drain",
    "status": "list",
    "show": "list",
    "check": "verify",
    "undo": "restore",
    "history": "runs",
}
EPILOG = "nova-decom explain NAME explains a guard, a step, a leftover or an exit code."


def near(name: str, names: Iterable[str]) -> str:
    """The sentence that suggests the nearest of the names; empty without one."""
    found = difflib.get_close_matches(name, sorted(names), n=1)
    return f" Did you mean {found[0]}?" if found else ""


class Command(click.Command):
    """A command whose help has its options in groups, and examples."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the groups of options that the command has."""
        write_options(self, ctx, formatter)

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples(self.name or "", formatter)


class Group(click.Group):
    """The program: its commands by use."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by use, then the options."""
        for title, names in COMMANDS.items():
            with formatter.section(title):
                texts = [self.commands[name].get_short_help_str(200) for name in names]
                formatter.write_dl(list(zip(names, texts, strict=True)))
        write_options(self, ctx, formatter)

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples("nova-decom", formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command; the error of an unknown one names the nearest."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            ours = OTHER_NAMES.get(name)
            hint = f" Did you mean {ours}?" if ours else near(name, self.commands)
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


def write_options(
    command: click.Command, context: click.Context, formatter: click.HelpFormatter
) -> None:
    """Write the options of a command by group."""
    unused = UNUSED.get(command.name or "", "").split()
    shown = [p for p in command.get_params(context) if p.name not in unused]
    records = {p.name: p.get_help_record(context) for p in shown}
    for title, group in GROUPS.items():
        if found := [r for name in group.split() if (r := records.get(name)) is not None]:
            with formatter.section(title):
                formatter.write_dl(found)


def write_examples(name: str, formatter: click.HelpFormatter) -> None:
    """Write the examples of a command, and how to learn more."""
    if name in EXAMPLES:
        with formatter.section("Examples"):
            formatter.write_dl(list(EXAMPLES[name]), col_max=45)
    formatter.write_paragraph()
    formatter.write_text(EPILOG)
