# SPDX-License-Identifier: Apache-2.0
"""``nova-decom init``: the section of clouds.yaml, from what is found on this machine."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from nova_decom.cli.confirm import ask
from nova_decom.cli.doctor import doctor
from nova_decom.cli.given import GivenOptions
from nova_decom.clients.mysql.nova_conf import read_nova_conf
from nova_decom.clients.openstack.clouds_yaml import check_cloud, read_config
from nova_decom.clients.openstack.session import UNNAMED
from nova_decom.errors import ConfigurationError, UnconfirmedError
from nova_decom.model.report import Report

#: Where the deployments keep the nova.conf of a controller, below the root.
NOVA_CONFS = (
    "etc/nova/nova.conf",
    "etc/kolla/nova-api/nova.conf",
    "var/lib/config-data/puppet-generated/nova/etc/nova/nova.conf",
    "var/snap/openstack-hypervisor/common/etc/nova/nova.conf",
)

#: What stands where a value was not found.
MISSING = {"nova_conf": "FILE  # a controller's nova.conf, for the databases: not found"}


def init(given: GivenOptions, root: Path = Path("/")) -> Report:
    """Add the section ``nova-decom`` to clouds.yaml after a question, then run ``doctor``.

    :raises ConfigurationError: there is no clouds.yaml with this cloud, or it has the section.
    :raises UnconfirmedError: the question was not answered with yes.
    """
    config = read_config()
    clouds = sorted(set(config.get_cloud_names()) - UNNAMED)
    if not config.config_filename or not clouds:
        raise ConfigurationError(
            "there is no clouds.yaml with a cloud",
            "write one first: https://docs.openstack.org/openstacksdk/latest/user/config/",
        )
    path = Path(config.config_filename)
    if re.search(r"^[\"']?nova-decom[\"']? *:", path.read_text("utf-8"), re.MULTILINE):
        raise ConfigurationError(
            f"{path} has a section nova-decom; it was not changed",
            "edit it, then: nova-decom doctor",
        )
    if given.values.get("os_cloud"):
        check_cloud(config, given.values["os_cloud"])
    text = section_text(_settings(given.values, clouds, root))
    _check_end(path, text)
    sys.stderr.write(f"To be added to {path}:\n{text}")
    if not given.values.get("yes"):
        _confirm()
    _append(path, text)
    return doctor(given, ())


def _settings(
    given: Mapping[str, Any], clouds: Sequence[str], root: Path
) -> dict[str, str | None]:
    """The keys of the section with their values; None where the operator has to add one."""
    found: dict[str, str | None] = {}
    name = given.get("os_cloud")
    if name or len(clouds) == 1:
        found["os_cloud"] = str(name or clouds[0])
    confs = given.get("nova_conf") or usable_confs(root)[:1]
    found["nova_conf"] = str(confs[0]) if confs else None
    return found


def usable_confs(root: Path) -> list[str]:
    """The files of :data:`NOVA_CONFS` that can be read and name the API database."""
    found = []
    for name in NOVA_CONFS:
        path = root / name
        try:
            conf = read_nova_conf([path])
        except ConfigurationError:
            continue
        # That of a compute host has none.
        if conf.api_database:
            found.append(str(path))
    return found


def section_text(settings: Mapping[str, str | None]) -> str:
    """The section as YAML; a value that was not found is a comment that says how to add it."""
    lines = ["", "nova-decom:"]
    for name, value in settings.items():
        # A JSON string is a YAML string, whatever is in it.
        line = f"  {name}: {json.dumps(value, ensure_ascii=False)}"
        lines.append(line if value else f"  # {name}: {MISSING[name]}")
    if not any(settings.values()):
        lines[1] = "nova-decom:  # no key yet"
    return "\n".join([*lines, ""])


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise UnconfirmedError("there is no terminal to ask", "nova-decom init --yes")
    try:
        answer = ask("Add these lines? Type yes")
    except (EOFError, KeyboardInterrupt):
        click.echo(err=True)
        answer = ""
    if answer != "yes":
        raise UnconfirmedError("not confirmed; nothing was changed", "type yes, or give --yes")


def _check_end(path: Path, text: str) -> None:
    """Refuse a file that would not be YAML with these lines, as one that is a JSON object."""
    try:
        yaml.safe_load(f"{path.read_text('utf-8')}{text}")
    except yaml.YAMLError:
        raise ConfigurationError(
            f"{path}: no section can be added at its end; it was not changed",
            "add the key nova-decom yourself, beside clouds",
        ) from None


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", "add the lines yourself") from None
