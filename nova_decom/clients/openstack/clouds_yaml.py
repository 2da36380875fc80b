# SPDX-License-Identifier: Apache-2.0
"""Checks of clouds.yaml, where the SDK passes over a mistake or answers it with a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openstack.config
import yaml

from nova_decom.errors import ConfigurationError


def read_config(**options: Any) -> openstack.config.OpenStackConfig:  # noqa: ANN401
    """The configuration of the SDK; ``options`` are those of its constructor.

    :raises ConfigurationError: a file of it is not YAML, or does not have the form of one.
    """
    try:
        config = openstack.config.OpenStackConfig(**options)
    except (AttributeError, TypeError) as error:
        raise ConfigurationError(
            "clouds.yaml: clouds: must be a mapping of keys to values", "correct the file"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # openstacksdk 3.0 lets it through; newer ones go on to the next file.
        mark = getattr(error, "problem_mark", None)
        raise _not_yaml(mark.name if mark else "clouds.yaml", error) from None
    for files in ("_config_files", "_secure_files"):
        for path in getattr(config, files, ()):
            if Path(path).suffix != ".json" and Path(path).exists():
                _check_file(path)
    return config


def check_cloud(config: openstack.config.OpenStackConfig, cloud: str | None) -> None:
    """Refuse the name of a cloud that is not configured, and no name where there are several.

    :raises ConfigurationError: which clouds there are instead.
    """
    names = sorted(set(config.get_cloud_names()) - {"defaults", "envvars"})
    name = cloud or config.default_cloud
    if name in {*names, "envvars"} or (not name and len(names) == 1):
        return
    if not names:
        what = f"no cloud {cloud!r}" if cloud else "no cloud: OS_AUTH_URL is not set"
        files = dict.fromkeys(f for f in getattr(config, "_config_files", ()) if f[-5:] == ".yaml")
        raise ConfigurationError(
            f"{what}, and no clouds.yaml has one ({', '.join(files)})",
            "write clouds.yaml and give --os-cloud NAME, or set OS_AUTH_URL and the like",
        )
    known = f"{config.config_filename} has: {', '.join(names)}"
    if not name or name == "defaults":
        raise ConfigurationError(f"no cloud is named; {known}", "give --os-cloud NAME")
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else "give --os-cloud NAME"
    raise ConfigurationError(f"no cloud {name!r}; {known}", hint)


def check_entry(entry: Mapping[str, Any]) -> None:
    """Refuse an entry of a cloud whose auth URL or CA file cannot be used.

    :raises ConfigurationError: what is wrong with it.
    """
    url = str((entry.get("auth") or {}).get("auth_url") or "")
    try:
        parts = urlsplit(url)
        usable = not url or (parts.scheme in {"http", "https"} and bool(parts.hostname))
        # An invalid port is found when it is asked for.
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(
            "the auth_url of the cloud is not a URL", "write it as https://HOST:PORT/v3"
        )
    bundle = entry.get("cacert")
    if isinstance(bundle, str) and not Path(bundle).expanduser().exists():
        raise ConfigurationError(
            f"cacert of the cloud: there is no file {bundle}", "correct cacert in clouds.yaml"
        )


def _check_file(path: str) -> None:
    """Refuse a file that is not YAML, or where a mapping is missing. It may hold passwords."""
    try:
        content = yaml.safe_load(Path(path).read_text("utf-8"))
    except PermissionError:
        # The SDK goes on to the next file.
        return
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}: {error.strerror}", "give a readable clouds.yaml"
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        raise _not_yaml(path, error) from None
    _check_mapping(path, "the file", content)
    # A file that is empty, or has comments only, is nothing to YAML.
    content = content or {}
    clouds = content.get("clouds")
    _check_mapping(path, "clouds", clouds)
    _check_mapping(path, "nova-decom", content.get("nova-decom"))
    for name, cloud in (clouds or {}).items():
        _check_mapping(path, f"clouds, {name}", cloud)
        _check_mapping(path, f"clouds, {name}, auth", (cloud or {}).get("auth"))


def _check_mapping(path: str, what: str, found: object) -> None:
    if found is not None and not isinstance(found, Mapping):
        raise ConfigurationError(
            f"{path}: {what}: must be a mapping of keys to values", "correct the file"
        )
    for key in found or ():
        if not isinstance(key, str):
            raise ConfigurationError(
                f"{path}: {what}: YAML reads a key as {key!r}, not as text",
                "write the key in quotes, as in 'yes': true",
            )


def _not_yaml(path: str, error: Exception) -> ConfigurationError:
    """The error of a file that is not YAML: its place without its content."""
    mark = getattr(error, "problem_mark", None)
    where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return ConfigurationError(f"{path}{where}: not valid YAML", "correct the file")
