# SPDX-License-Identifier: Apache-2.0
"""A directory of executables, called with variables in their environment and nothing else.

They get no input and no terminal, and when their time is over they are ended with all that they
started. What they print goes to nobody but, when they fail, its last line into the warning.
"""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import IO

from nova_decom.clients.host.process import run
from nova_decom.errors import ConfigurationError
from nova_decom.state.directory import access_problem

#: Where hooks are looked for when nobody says otherwise.
USUAL = Path("/etc/nova-decom/hooks.d")
SECONDS = 30.0
#: So much of a hook's last line is told, in characters.
LINE = 200
#: Linux takes 128 KiB for one variable, and no program may fail for a long statement.
MAX_MESSAGE = 32 * 1024


class HookDirectory:
    """The hooks of one directory; one that is not there is not called."""

    def __init__(
        self,
        path: Path,
        names: Collection[str],
        inherited: Mapping[str, str],
        seconds: float = SECONDS,
    ) -> None:
        """Look at the directory and at every hook in it; ``inherited`` is our own environment.

        :raises ConfigurationError: it is no directory, or others may change it or a hook in it.
        """
        self._seconds = seconds
        self._inherited = inherited
        _check(path, stat.S_ISDIR, "directory")
        self._hooks = {name: path / name for name in names if os.path.lexists(path / name)}
        for hook in self._hooks.values():
            _check(hook, stat.S_ISREG, "file")
            if not os.access(hook, os.X_OK):
                raise ConfigurationError(f"hook {hook} cannot be executed", f"chmod 0755 {hook}")

    def call(self, name: str, variables: Mapping[str, str]) -> str | None:
        """Call a hook and wait until it has ended; what was wrong with it, or None."""
        hook = self._hooks.get(name)
        if hook is None:
            return None
        with tempfile.TemporaryFile() as output:
            try:
                code = self._run(hook, variables, output)
            except subprocess.TimeoutExpired:
                return f"{hook}: not done after {self._seconds:g} s, ended"
            except OSError as error:
                return f"{hook}: {error.strerror}"
            if code == 0:
                return None
            said = _last_line(output)
            return f"{hook}: exit code {code}{f': {said}' if said else ''}"

    def _run(self, hook: Path, variables: Mapping[str, str], output: IO[bytes]) -> int:
        told: dict[str, str | bytes] = {**self._inherited}
        told |= {name: _plain(text) for name, text in variables.items()}
        return run([str(hook)], self._seconds, (subprocess.DEVNULL, output, output), told, "/")


def usual_hooks() -> Path | None:
    """The usual directory, if there is one."""
    return USUAL if USUAL.is_dir() else None


def _check(path: Path, is_kind: Callable[[int], bool], kind: str) -> None:
    """Refuse a file that another user can write: it is run with the rights of this process."""
    try:
        info = path.stat()
    except OSError as error:
        raise ConfigurationError(f"hooks: {path}: {error.strerror}", "give --hooks DIR") from None
    if not is_kind(info.st_mode):
        raise ConfigurationError(f"hooks: {path} is no {kind}", "give --hooks DIR")
    if problem := access_problem(info, root_may_own=True):
        raise ConfigurationError(
            f"hooks: {path} {problem}", f"chown root {path} && chmod go-w {path}"
        )


def _plain(text: str) -> bytes:
    """A text for an environment variable: no zero byte, no lone surrogate, of bounded length."""
    return text.replace("\0", "").encode("utf-8", "backslashreplace")[:MAX_MESSAGE]


def _last_line(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - 4096))
    lines = output.read().decode("utf-8", "replace").strip().splitlines()
    text = "".join(c if c.isprintable() else " " for c in lines[-1]) if lines else ""
    return text[:LINE]
