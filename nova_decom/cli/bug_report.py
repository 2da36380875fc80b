# SPDX-License-Identifier: Apache-2.0
"""The report of a bug, for its authors: versions and the traceback, no settings."""

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

from nova_decom.cli.settings import state_dir_of
from nova_decom.errors import NovaDecomError, UnexpectedError
from nova_decom.state.directory import open_state_dir

PACKAGES = ("nova-decom", "click", "openstacksdk", "keystoneauth1", "PyMySQL", "rich", "tenacity")


def unexpected(error: Exception, given: Mapping[str, Any]) -> UnexpectedError:
    """The error as one for the operator, with the file of its bug report."""
    path = write_bug_report(error, given)
    return UnexpectedError(
        f"unexpected {type(error).__name__}: {error}",
        "please report it" if path is None else f"please report it, with {path}",
    )


def write_bug_report(error: Exception, given: Mapping[str, Any]) -> Path | None:
    """The file written, in the state directory or a temporary one; None if neither takes it."""
    now = datetime.now(UTC)
    lines = [f"Python {platform.python_version()}, {platform.platform()}"]
    lines += [f"{name} {_version(name)}" for name in PACKAGES]
    try:
        directory = str(open_state_dir(state_dir_of(given.get("state_dir"))))
    except NovaDecomError:
        directory = tempfile.gettempdir()
    prefix = f"bug-{now:%Y%m%dT%H%M%SZ}-"
    try:
        handle, path = tempfile.mkstemp(".txt", prefix, directory)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write("\n".join([*lines, "", ""]))
            file.writelines(traceback.format_exception(error))
    except OSError:
        return None
    return Path(path)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
