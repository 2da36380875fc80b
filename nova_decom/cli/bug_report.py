# SPDX-License-Identifier: Apache-2.0
"""A report of an unexpected error, ready to be sent: versions and the traceback, no settings."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from nova_decom.cli.settings import resolve, state_dir
from nova_decom.errors import NovaDecomError
from nova_decom.state.directory import open_state_dir

PACKAGES = ("nova-decom", "click", "openstacksdk", "keystoneauth1", "PyMySQL", "rich", "tenacity")


def write_bug_report(error: Exception, given: Mapping[str, Any]) -> Path:
    """Write it to the state directory, or to a temporary one if that cannot be; its path."""
    try:
        directory = open_state_dir(state_dir(resolve(given, {})))
    except NovaDecomError:
        directory = Path(tempfile.mkdtemp(prefix="nova-decom-"))
    now = datetime.now(UTC)
    path = directory / f"bug-{now:%Y%m%dT%H%M%SZ}-{os.getpid()}.txt"
    lines = [f"Python {platform.python_version()}, {platform.platform()}"]
    lines += [f"{name} {_version(name)}" for name in PACKAGES]
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write("\n".join([*lines, "", ""]))
        file.writelines(traceback.format_exception(error))
    return path


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
