# SPDX-License-Identifier: Apache-2.0
"""The log on stderr or in a file, and the warnings about settings."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

from nova_decom.cli.given import GivenOptions
from nova_decom.cli.settings import Settings
from nova_decom.errors import ConfigurationError
from nova_decom.output.escape import safe

log = logging.getLogger(__name__)

#: Settings that confirm or overrule, by the commands that obey them.
SILENT = {
    "plan": ("skip_guard",),
    "remove": ("yes", "skip_guard"),
    "drain": ("yes", "skip_guard"),
    "restore": ("yes",),
}
SECRET_OPTIONS = ("api_db_url", "cell_db_url", "rabbitmq_api_url", "lock_url")


def _file_handler(path: str) -> logging.Handler:
    """Append to the file, which is created with mode 0600."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return logging.StreamHandler(os.fdopen(handle, "a", 1, "utf-8", "backslashreplace"))
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", "give another --log-file") from None


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to stderr as it is at that time: a display may stand in its place."""

    @property
    def stream(self) -> TextIO:
        """The stream of today's sys.stderr."""
        return sys.stderr

    @stream.setter
    def stream(self, _stream: TextIO) -> None: ...


def set_up_logging(settings: Settings) -> None:
    """Log to stderr or a file."""
    level = logging.WARNING
    if settings.debug or settings.verbose > 1:
        level = logging.DEBUG
    handler: logging.Handler = _StderrHandler()
    if settings.log_file:
        handler = _file_handler(settings.log_file)
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    # It logs the whole answer of keystone, the only body of an answer that any library logs.
    least = logging.INFO if settings.debug else logging.ERROR
    logging.getLogger("keystoneauth.identity").setLevel(least)
    if not settings.debug:
        # What the libraries of a lock service warn of is for a log file, not for the terminal.
        locks = () if settings.log_file else ("kazoo", "tooz")
        for noisy in ("keystoneauth", "openstack", "urllib3", *locks):
            logging.getLogger(noisy).setLevel(logging.ERROR)


def warn_of_settings(given: GivenOptions, settings: Settings) -> None:
    """Warn of passwords on the command line, and of confirmations that were not typed there."""
    _warn_of_passwords(given)
    _name_silent_settings(given, settings)


def _warn_of_passwords(given: GivenOptions) -> None:
    for name in SECRET_OPTIONS:
        # A URL without @ has none, but for those of lock services.
        has_none = name == "rabbitmq_api_url" and "@" not in str(given.values.get(name))
        if given.from_command_line(name) and not has_none:
            log.warning(
                "--%s on the command line shows its password to every user of this machine; "
                "use the environment or clouds.yaml",
                name.replace("_", "-"),
            )


def _name_silent_settings(given: GivenOptions, settings: Settings) -> None:
    """Name the settings that confirm or overrule, where nobody has typed them for this command."""
    for name in SILENT.get(given.command, ()):
        value = settings.values[name]
        if value and not given.from_command_line(name):
            where = f"NOVA_DECOM_{name.upper()}" if name in given.values else "clouds.yaml"
            which = "" if value is True else f" {', '.join(value)}"
            option = f"--{name.replace('_', '-')}{which}"
            sys.stderr.write(f"warning: {safe(option)} is set by {where}\n")
