# SPDX-License-Identifier: Apache-2.0
"""Frozen settings from options, environment and the ``nova-decom:`` section of clouds.yaml.

An option on the command line wins over its environment variable, that over the section, that
over the default. This is the only reader of the environment.
"""

from __future__ import annotations

import getpass
import os
import shlex
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nova_decom.errors import ConfigurationError
from nova_decom.guards import GUARDS
from nova_decom.model.claim import new_claim
from nova_decom.model.request import Request, Rows, Servers, StopWith

#: What holds when nobody says anything. ``None``: found out when it is needed.
DEFAULTS: Mapping[str, Any] = {
    "os_cloud": None,
    "os_region_name": None,
    "nova_conf": None,
    "api_db_url": None,
    "cell_db_url": (),
    "state_dir": None,
    "ssh_config": None,
    "dry_run": False,
    "format": "table",
    "column": (),
    "verbose": 0,
    "quiet": False,
    "debug": False,
    "log_file": None,
    "color": "auto",
    "reason": "decommissioned",
    "yes": False,
    "stop_with": "ssh",
    "stop_command": None,
    "offline": False,
    "servers": None,
    "max_moves": 4,
    "move_timeout": 3600.0,
    "target": None,
    "confirm_resizes": False,
    "leave_stopped": False,
    "rows": "purge",
    "all_binaries": False,
    "keep_agents": False,
    "host_alias": (),
    "absent_ok": False,
    "skip_guard": (),
    "on_failure": "stop",
    "jobs": 4,
    "max_hosts": 10,
    "max_moves_total": None,
    "hosts_file": None,
    "aggregate": (),
    "zone": (),
    "match": (),
    "settle": 60.0,
    "report_interval": None,
    "timeout": 300.0,
    "detailed_exitcode": False,
    "out": None,
    "hooks": None,
    "html": None,
    "lock_url": None,
    "metrics_textfile": None,
    "plan": None,
}


LISTS = ("aggregate", "zone", "match", "cell_db_url", "column", "host_alias", "skip_guard")


NUMBERS = ("settle", "report_interval", "timeout", "move_timeout")


COUNTS = ("verbose", "max_moves", "jobs", "max_hosts", "max_moves_total")


FLAGS = (
    "confirm_resizes",
    "leave_stopped",
    "absent_ok",
    "all_binaries",
    "debug",
    "detailed_exitcode",
    "dry_run",
    "keep_agents",
    "offline",
    "quiet",
    "yes",
)


CHOICES: Mapping[str, tuple[str, ...]] = {
    "color": ("auto", "always", "never"),
    "format": ("table", "json", "yaml", "csv", "value"),
    "on_failure": ("stop", "continue"),
    "rows": ("purge", "keep"),
    "servers": ("refuse", "live", "cold", "auto", "evacuate"),
    "stop_with": ("ssh", "command", "none"),
}


#: A report interval of nothing would make the proof by heartbeat a proof of nothing.
MINIMUMS = {
    "jobs": 1,
    "max_hosts": 1,
    "max_moves": 1,
    "max_moves_total": 1,
    "move_timeout": 1.0,
    "report_interval": 0.1,
    "settle": 0.0,
    "timeout": 0.1,
}


DEFAULT_INTERVAL = 10.0


@dataclass(frozen=True, slots=True)
class Settings:
    """One value per option, each resolved and converted."""

    values: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """The value of an option by its Python name."""
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    def request(self, run: str, report_interval: float, command: str = "remove") -> Request:
        """What the operator asks for, with the claim that goes into ``disabled_reason``.

        A removal refuses to move servers unless told how; to drain is to move them.
        """
        servers = self.servers or ("auto" if command == "drain" else "refuse")
        return Request(
            claim=new_claim(run, operator(), self.reason),
            stop_with=StopWith(self.stop_with),
            offline=self.offline,
            rows=Rows(self.rows),
            all_binaries=self.all_binaries,
            keep_agents=self.keep_agents,
            aliases=frozenset(self.host_alias),
            absent_ok=self.absent_ok,
            skip_guards=frozenset(self.skip_guard),
            report_interval=report_interval,
            servers=Servers(servers),
            target=self.target,
            confirm_resizes=self.confirm_resizes,
            leave_stopped=self.leave_stopped,
            max_hosts=self.max_hosts,
        )

    @property
    def validity(self) -> float:
        """Seconds that the claim on one host holds: longer than all its waits together.

        Moving servers may take longer still; then the claim is written anew.
        """
        return max(3600.0, 10 * float(self.timeout) + float(self.settle))

    def told(self) -> dict[str, Any]:
        """Every setting that is not the default, for the journal; URLs only as given or not."""
        secret = {"api_db_url", "cell_db_url", "lock_url", "stop_command"}
        return {
            name: "(given)" if name in secret else _plain(value)
            for name, value in self.values.items()
            if value != DEFAULTS[name]
        }


def resolve(given: Mapping[str, Any], section: Mapping[str, Any]) -> Settings:
    """Settings from what was given by option or environment, and a section of clouds.yaml.

    :raises ConfigurationError: the section has an unknown key or a value that cannot be read.
    """
    unknown = sorted(set(section) - set(DEFAULTS))
    if unknown:
        raise ConfigurationError(
            f"clouds.yaml, section nova-decom: unknown key {unknown[0]!r}",
            "the keys are the long option names with _ for -",
        )
    values = dict(DEFAULTS)
    for name, value in section.items():
        if value is not None:
            values[name] = _from_section(name, value)
    values |= given
    _check(values)
    if values["stop_with"] == "command" and not _words(values["stop_command"] or ""):
        raise ConfigurationError(
            "--stop-with command needs a command that can be split into words",
            "give --stop-command 'PROGRAM ARGUMENTS {host}'",
        )
    return Settings(values)


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _check(values: Mapping[str, Any]) -> None:
    """Refuse what an option would refuse, wherever the value came from."""
    for name, choices in CHOICES.items():
        if values[name] not in {DEFAULTS[name], *choices}:
            raise ConfigurationError(
                f"{name} cannot be {values[name]!r}", f"one of: {', '.join(choices)}"
            )
    for name, least in MINIMUMS.items():
        # Not "<": nothing is less than NaN, and nothing would be bounded by it.
        if values[name] is not None and not values[name] >= least:
            raise ConfigurationError(
                f"{name} cannot be {values[name]:g}", f"give {least:g} or more"
            )
    _check_ways(values)
    skippable = [g.name for g in GUARDS if g.skippable]
    for name in values["skip_guard"]:
        if name not in skippable:
            raise ConfigurationError(
                f"--skip-guard cannot overrule {name!r}", f"one of: {', '.join(skippable)}"
            )


def _check_ways(values: Mapping[str, Any]) -> None:
    """A living host is not evacuated, and from a dead one nothing migrates."""
    way, offline = values["servers"], values["offline"]
    if way == "evacuate" and not offline:
        raise ConfigurationError(
            "--servers evacuate is for a host that is dead and fenced",
            "give --offline as well, or --servers auto for a host that lives",
        )
    if way in {"live", "cold"} and offline:
        raise ConfigurationError(
            f"--servers {way} needs a living host, and --offline says that it is dead",
            "--servers evacuate, or leave out --offline",
        )


def _from_section(name: str, value: Any) -> Any:  # noqa: ANN401
    """A YAML value as its option would give it; the SDK hands numbers over as text."""
    try:
        if name in LISTS:
            return tuple(value) if isinstance(value, list | tuple) else (str(value),)
        if name in NUMBERS:
            return float(value)
        if name in COUNTS:
            return int(value)
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"clouds.yaml, section nova-decom: {name} is no number: {value!r}", "correct it"
        ) from None
    if name in FLAGS:
        return _flag(name, str(value).casefold())
    return value


def _flag(name: str, value: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    if value not in words:
        raise ConfigurationError(
            f"clouds.yaml, section nova-decom: {name} is true or false, not {value!r}",
            "correct it",
        )
    return words[value]


def state_dir(settings: Settings) -> Path:
    """Where journals and locks are: as told, else systemd's, else root's, else the user's."""
    return state_dir_of(settings.state_dir)


def state_dir_of(told: str | None) -> Path:
    """As :func:`state_dir`, for who has not read clouds.yaml: completion at the prompt."""
    if told:
        return expanded(told)
    if os.environ.get("STATE_DIRECTORY"):
        return Path(os.environ["STATE_DIRECTORY"].split(":")[0])
    if os.geteuid() == 0:
        return Path("/var/lib/nova-decom")
    import platformdirs  # noqa: PLC0415 - not for --help

    return Path(platformdirs.user_state_dir("nova-decom"))


def cloud_name(told: str | None) -> str:
    """The cloud that is meant, as far as it has a name."""
    return told or os.environ.get("OS_CLOUD") or ""


def expanded(path: str) -> Path:
    """A path with ~ filled in.

    :raises ConfigurationError: there is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigurationError(f"{path}: {error}", "give a path that exists") from None


def operator() -> str:
    """Who runs this, and where: USER@HOST, sudo's user if there is one."""
    user = os.environ.get("SUDO_USER")
    if not user:
        try:
            user = getpass.getuser()
        except (KeyError, OSError):
            user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def inherited() -> Mapping[str, str]:
    """Our own environment, for programs of the operator's that we call."""
    return dict(os.environ)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
