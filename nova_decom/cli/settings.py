# SPDX-License-Identifier: Apache-2.0
"""The settings: options of the command line, environment, ``nova-decom:`` of clouds.yaml.

An option on the command line wins over its environment variable, that over the section, that
over the default. Only this module reads the environment.
"""

from __future__ import annotations

import difflib
import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from nova_decom.cli.contradictions import raise_if_contradictory, raise_if_servers_stay
from nova_decom.cli.options import DEFAULTS, OPTIONS
from nova_decom.errors import ConfigurationError
from nova_decom.model.claim import new_claim
from nova_decom.model.request import Request, Rows, Servers, StopWith

#: The reason of a command without ``--reason``, where it is not that of a removal.
REASONS = {"drain": "maintenance", "enable": "end of maintenance"}
#: Settings that hold a password, or may hold one.
SECRET = {"api_db_url", "cell_db_url", "rabbitmq_api_url", "lock_url", "stop_command"}


@dataclass(frozen=True, slots=True)
class Settings:
    """The value of each option in :data:`nova_decom.cli.options.OPTIONS`, converted."""

    os_cloud: str | None
    os_region_name: str | None
    nova_conf: tuple[str, ...]
    api_db_url: str | None
    cell_db_url: tuple[str, ...]
    rabbitmq_api_url: tuple[str, ...]
    state_dir: str | None
    ssh_config: str | None
    dry_run: bool
    format: str
    column: tuple[str, ...]
    wide: bool
    verbose: int
    quiet: bool
    progress: str
    debug: bool
    log_file: str | None
    color: str
    reason: str | None
    yes: bool
    stop_with: str
    stop_command: str | None
    offline: bool
    servers: str | None
    max_moves: int
    move_timeout: float
    target: str | None
    confirm_resizes: bool
    project: tuple[str, ...]
    server: tuple[str, ...]
    partial: bool
    bring_back: str | None
    leave_stopped: bool
    rebuild_local_disks: bool
    rows: str | None
    all_binaries: bool
    keep_agents: bool
    reschedule_agents: bool
    discard_messages: bool
    close_evacuations: bool
    host_alias: tuple[str, ...]
    absent_ok: bool
    skip_guard: tuple[str, ...]
    on_failure: str
    jobs: int
    batch: int | None
    until: str | None
    max_hosts: int
    max_moves_total: int | None
    hosts_file: str | None
    aggregate: tuple[str, ...]
    zone: tuple[str, ...]
    match: tuple[str, ...]
    settle: float
    report_interval: float | None
    timeout: float
    detailed_exitcode: bool
    out: str | None
    hooks: str | None
    html: str | None
    follow: bool
    lock_url: str | None
    metrics_textfile: str | None
    grants: bool
    sudoers: bool
    plan: str | None

    @property
    def values(self) -> dict[str, Any]:
        """Every setting by its name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def is_silent(self) -> bool:
        """True when stderr has no text for people, or none that was not asked for."""
        return self.quiet or self.format != "table" or self.progress == "json"

    def request(self, run: str, report_interval: float, command: str = "remove") -> Request:
        """The operator's request, with the claim for ``disabled_reason``.

        Without ``--servers``, a removal refuses to move servers and a drain moves them. Without
        ``--rows``, a removal deletes nova's history of the host, and verify accepts it.

        :raises ConfigurationError: an option leaves servers on a host that is to be removed.
        """
        may_be_partial = command == "drain" or self.offline
        raise_if_servers_stay(self, command)
        # A section of clouds.yaml is for all commands; enabling moves nothing away.
        given = None if command == "enable" else self.servers
        servers = given or ("auto" if command == "drain" else "refuse")
        return Request(
            claim=new_claim(run, operator(), self.reason_of(command)),
            stop_with=StopWith(self.stop_with),
            offline=self.offline,
            rows=Rows(self.rows or "purge"),
            history_may_stay=command == "verify" and self.rows is None,
            all_binaries=self.all_binaries,
            keep_agents=self.keep_agents,
            reschedule_agents=self.reschedule_agents,
            discard_messages=self.discard_messages,
            close_evacuations=self.close_evacuations,
            aliases=frozenset(self.host_alias),
            absent_ok=self.absent_ok,
            skip_guards=frozenset(self.skip_guard),
            report_interval=report_interval,
            servers=Servers(servers),
            target=self.target,
            confirm_resizes=self.confirm_resizes,
            leave_stopped=self.leave_stopped,
            rebuild_local_disks=self.rebuild_local_disks,
            partial=self.partial and may_be_partial,
            may_be_partial=may_be_partial,
            max_hosts=self.max_hosts,
        )

    def reason_of(self, command: str) -> str:
        """The reason given, else the usual one of the command."""
        return self.reason or REASONS.get(command, "decommissioned")

    @property
    def validity(self) -> float:
        """Seconds for which a claim on a host is valid: longer than all its waits together.

        A move of servers may take longer; then the claim is renewed.
        """
        return max(3600.0, 10 * self.timeout + self.settle)

    def for_journal(self) -> dict[str, Any]:
        """Every setting that differs from its default; of secrets only that they were given."""
        return {
            name: "(given)" if name in SECRET else _plain(value)
            for name, value in self.values.items()
            if value != DEFAULTS[name]
        }


def resolve(given: Mapping[str, Any], section: Mapping[str, Any]) -> Settings:
    """The settings: options given win over the section of clouds.yaml, that over the defaults.

    :raises ConfigurationError: the section has an unknown key or a value that its option would
        refuse, or settings contradict each other.
    """
    named = {name: value for name, value in section.items() if value is not None}
    values = {name: _converted(name, value) for name, value in named.items()}
    settings = Settings(**{**DEFAULTS, **values, **given})
    raise_if_contradictory(settings)
    return settings


def _converted(name: str, value: object) -> object:
    """A value of the section as its option converts it."""
    where = "clouds.yaml, section nova-decom"
    if name not in OPTIONS:
        near = difflib.get_close_matches(name, OPTIONS, n=1)
        raise ConfigurationError(
            f"{where}: unknown key {name!r}",
            f"did you mean {near[0]}?" if near else "use a long option's name with _ for -",
        )
    option = OPTIONS[name]
    if option.multiple and not isinstance(value, list | tuple):
        value = (value,)
    try:
        return option.type_cast_value(click.Context(click.Command("nova-decom")), value)
    except (click.BadParameter, TypeError) as error:
        why = error.message if isinstance(error, click.BadParameter) else f"not {value!r}"
        raise ConfigurationError(f"{where}: {name}: {why}", f"correct {name}") from None


def state_dir(settings: Settings) -> Path:
    """The directory of journals and locks."""
    return state_dir_of(settings.state_dir)


def state_dir_of(given: str | None) -> Path:
    """The state directory: the one given, else systemd's, else root's, else the user's."""
    if given:
        return expanded(given)
    if os.environ.get("STATE_DIRECTORY"):
        return Path(os.environ["STATE_DIRECTORY"].split(":")[0])
    if os.geteuid() == 0:
        return Path("/var/lib/nova-decom")
    import platformdirs

    return Path(platformdirs.user_state_dir("nova-decom"))


def cloud_name(given: str | None) -> str:
    """The name of the cloud; empty without one."""
    return given or os.environ.get("OS_CLOUD") or ""


def clouds_files() -> list[Path]:
    """The places of clouds.yaml, in the order in which the SDK reads them."""
    if os.environ.get("OS_CLIENT_CONFIG_FILE"):
        return [Path(os.environ["OS_CLIENT_CONFIG_FILE"])]
    places = (Path(), expanded("~/.config/openstack"), Path("/etc/openstack"))
    return [place / "clouds.yaml" for place in places]


def expanded(path: str) -> Path:
    """The path with ~ replaced by the home directory.

    :raises ConfigurationError: there is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigurationError(f"{path}: {error}", "give a path that exists") from None


def operator() -> str:
    """The operator as USER@HOST; under sudo the user who called it."""
    user = os.environ.get("SUDO_USER")
    if not user:
        try:
            user = getpass.getuser()
        except (KeyError, OSError):
            user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def inherited() -> Mapping[str, str]:
    """A copy of the environment, for hooks."""
    return dict(os.environ)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
