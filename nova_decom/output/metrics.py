# SPDX-License-Identifier: Apache-2.0
"""The metrics of the last command, for the textfile collector of Prometheus' node exporter.

The file is replaced as a whole, so that no reader gets half of it. Each command needs a file of
its own; ``command`` is a label of every metric.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nova_decom.errors import ConfigurationError
from nova_decom.model.report import Report, Result
from nova_decom.output.escape import safe

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

#: The commands with metrics; others ignore the key in clouds.yaml.
MEASURED = ("remove", "verify", "audit")
#: The results of hosts that were checked for leftovers.
_LOOKED_AT = {Result.REMOVED, Result.CLEAN, Result.UNCHANGED, Result.LEFTOVERS}


def check_metrics(path: Path) -> None:
    """Check at the start of a command that metrics can be written at its end.

    :raises ConfigurationError: the library is not installed, or the directory is not there.
    """
    try:
        import prometheus_client  # noqa: F401 - an extra
    except ImportError:
        raise ConfigurationError(
            "--metrics-textfile needs a Python library that is not installed",
            "pip install prometheus_client beside nova-decom, or leave the option out",
        ) from None
    if path.suffix != ".prom":
        raise ConfigurationError(
            f"{path}: the textfile collector reads only names that end in .prom",
            f"give --metrics-textfile {path}.prom",
        )
    if not path.parent.is_dir():
        raise ConfigurationError(
            f"{path.parent} is not a directory", "give the directory of the textfile collector"
        )


def write_metrics(path: Path, report: Report, ended: float, seconds: Mapping[str, float]) -> None:
    """Write the metrics of a run that ended at this time (seconds since 1970).

    :param seconds: how long each step took, by its name.
    :raises OSError: the file cannot be written.
    """
    from prometheus_client import CollectorRegistry, write_to_textfile

    registry = CollectorRegistry()
    _fill(registry, report, ended, seconds)
    write_to_textfile(str(path), registry)
    # node exporter runs as another user, so the umask must not decide.
    path.chmod(0o644)


def _fill(
    registry: CollectorRegistry, report: Report, ended: float, seconds: Mapping[str, float]
) -> None:
    from prometheus_client import Gauge

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"nova_decom_{name}", text, ["command", *labels], registry=registry)

    command = report.command
    gauge("last_run_timestamp_seconds", "When the last run ended.").labels(command).set(ended)
    gauge("last_run_exit_code", "Exit code of the last run.").labels(command).set(report.exit_code)
    gauge("last_run_changed", "1 when the last run changed anything.").labels(command).set(
        report.changed
    )
    if report.cloud is not None:
        names = ("cloud", "auth_url", "region")
        cloud = report.cloud
        gauge("cloud_info", "1; the labels name the cloud of the last run.", *names).labels(
            command, safe(cloud.short), safe(cloud.auth_url), safe(cloud.region)
        ).set(1)
    kinds = Counter(x.kind for host in report.hosts for x in host.leftovers)
    left = gauge("leftovers", "What the last run found left of hosts, by kind.", "kind")
    for kind, count in kinds.items():
        left.labels(command, safe(kind)).set(count)
    if report.error is None:
        hosts = gauge("leftovers_hosts", "Hosts of which the last run found anything left.")
        hosts.labels(command).set(sum(1 for host in report.hosts if host.leftovers))
    servers = gauge("servers_left", "Servers that are still on a host.", "host")
    for host in report.hosts:
        if host.result in _LOOKED_AT:
            count = sum(1 for x in host.leftovers if x.kind == "server")
            servers.labels(command, safe(host.host)).set(count)
    took = gauge("step_seconds", "How long each step of the last run took.", "step")
    for step, value in seconds.items():
        took.labels(command, safe(step)).set(value)
