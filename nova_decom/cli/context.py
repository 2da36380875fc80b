# SPDX-License-Identifier: Apache-2.0
"""The clients of a command, built from its settings and handed down: the composition root."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nova_decom.apply.hooks import NAMES, Hooks, no_hooks
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.log import set_up_logging, warn_of_settings
from nova_decom.cli.settings import (
    cloud_name,
    expanded,
    inherited,
    operator,
    resolve,
    state_dir,
    state_dir_of,
)
from nova_decom.clients.access import live_access
from nova_decom.clients.cloud import LiveCloud
from nova_decom.clients.consumers import Clients
from nova_decom.clients.host.hook_runner import HookDirectory, usual_hooks
from nova_decom.clients.host.ssh import Remote, StopCommand, WritableRemote
from nova_decom.clients.lock_service import SharedLocks, shared_locks
from nova_decom.clients.mysql.cells import NovaDatabases
from nova_decom.clients.mysql.connection import Database, Images
from nova_decom.clients.mysql.sources import Sources
from nova_decom.clients.mysql.transaction import WritableDatabase
from nova_decom.clients.mysql.url import target
from nova_decom.clients.openstack.api import Api
from nova_decom.clients.openstack.compute import Compute
from nova_decom.clients.openstack.identity import Identity
from nova_decom.clients.openstack.image import Image
from nova_decom.clients.openstack.network import Network
from nova_decom.clients.openstack.placement import Placement
from nova_decom.clients.openstack.session import (
    LoggedSession,
    ReadOnlySession,
    connect,
    identity_of,
    section,
)
from nova_decom.clock import Clock
from nova_decom.errors import ConfigurationError
from nova_decom.model.claim import ClaimPolicy
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.request import REPORT_INTERVAL
from nova_decom.output.console import console
from nova_decom.output.decision import print_cloud
from nova_decom.output.metrics import MEASURED, check_metrics
from nova_decom.output.reading import reading
from nova_decom.state.host_lock import host_lock
from nova_decom.state.journal import RunJournal, request_id
from nova_decom.state.known_hosts import HostMemory
from nova_decom.state.name_cache import CachedNames
from nova_decom.state.run_summary import has_ended

if TYPE_CHECKING:
    from nova_decom.clients.mysql.nova_conf import NovaConf


log = logging.getLogger(__name__)


class Context:
    """The settings of a command, and the cloud that they describe."""

    def __init__(self, given: GivenOptions) -> None:
        """Resolve the settings and set up logging, without a connection."""
        self._given = given
        self.command = given.command
        #: The hosts that this run is for.
        self.hosts: tuple[str, ...] = ()
        #: The fields of the request that were chosen by what is in the cloud.
        self.chosen: Mapping[str, Any] = {}
        self.locks = SharedLocks()
        self.settings = resolve(given.values, section("nova-decom"))
        given.resolved = self.settings.values
        self.state_dir = state_dir(self.settings)
        # Completion finds no state directory named in clouds.yaml: reading that takes too long.
        self._cache_dir = state_dir_of(given.values.get("state_dir"))
        if self.settings.metrics_textfile and given.command in MEASURED:
            check_metrics(expanded(self.settings.metrics_textfile))
        set_up_logging(self.settings)
        warn_of_settings(given, self.settings)
        self._conf = self._read_conf()
        self._identity = CloudIdentity()
        self._databases: NovaDatabases | None = None
        #: One console, as it prints a line above what it shows while the cloud is read.
        self._err = console(sys.stderr, self.settings.color)
        #: The cloud whose services and aggregates have selected the hosts.
        self.selecting: LiveCloud | None = None
        #: The login, which all sessions share.
        self._login: Any = None

    def reading(self) -> LiveCloud:
        """The cloud over clients that are unable to write.

        It goes on from the readings by which hosts were selected.
        """
        cloud = self._cloud("RUN", self._clients(None, None))
        if self.selecting is not None:
            cloud.continue_from(self.selecting)
        return cloud

    def changing(
        self, journal: RunJournal, clock: Clock, gather: Callable[[float], None] | None = None
    ) -> LiveCloud:
        """The cloud over clients that can write; objects are saved in the journal before they go.

        ``gather`` waits while other hosts of the run are about to ask for a reading.
        """
        clients = self._clients(journal.run, clock)
        return self._cloud(journal.run, clients, journal.save, clock, gather)

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Show on a terminal what is read within, where that takes long."""
        quiet = self.settings.is_silent or self.settings.progress != "auto"
        with reading(self._err, quiet=quiet):
            yield

    @contextmanager
    def sharing(self, hosts: Sequence[str]) -> Iterator[None]:
        """Lock the hosts at the lock service, if one is given, before anything is read.

        What has selected the hosts was read before, and is read again.
        """
        self.selecting = None
        with shared_locks(self.settings.lock_url, hosts) as self.locks:
            yield

    @contextmanager
    def holding(self, host: str, run: str) -> Iterator[None]:
        """Lock the host for this run on this machine.

        :raises BusyError: another run has the lock, here or at the lock service.
        """
        with host_lock(self.state_dir, host, run, self._identity.key):
            self.locks.check(host)
            yield

    @property
    def cloud(self) -> CloudIdentity:
        """The identity of the cloud that :meth:`reading` has connected to, with its cells."""
        cells = self._databases.cell_uuids if self._databases else frozenset()
        return replace(self._identity, cells=cells)

    @property
    def report_interval(self) -> float:
        """Seconds between heartbeats: the option's, else nova.conf's, else nova's default."""
        if self.settings.report_interval is not None:
            return self.settings.report_interval
        return float(self._conf.report_interval) if self._conf else REPORT_INTERVAL

    @property
    def ssh_config(self) -> Path | None:
        """The configuration file for ssh; None for the operator's own."""
        given = self.settings.ssh_config
        return expanded(given) if given else None

    def _clients(self, run: str | None, clock: Clock | None) -> Clients:
        """One client for each system; without a run, clients that are unable to write."""
        settings, writable = self.settings, run is not None
        connection = connect(
            settings.os_cloud,
            settings.os_region_name,
            writable=writable,
            version=version("nova-decom"),
        )
        connection.session.auth = self._login = self._login or connection.session.auth
        is_first = self._given.cloud is None
        self._identity = self._given.cloud = identity_of(connection)
        api = Api(connection, request_id(run) if run else None, clock)
        sources = self._sources()
        database = WritableDatabase if writable else Database
        remote = WritableRemote if writable else Remote
        session = LoggedSession if writable else ReadOnlySession
        ca = connection.config.config.get("cacert")
        self._databases = NovaDatabases(sources, database) if sources else None
        is_for_people = settings.format == "table" and settings.progress != "json"
        if is_first and is_for_people and not settings.quiet:
            print_cloud(self._err, self._identity, sources.labels)
        return Clients(
            compute=Compute(api),
            placement=Placement(api, clock),
            network=Network(api),
            databases=self._databases,
            remote=remote(self.ssh_config),
            access=live_access(
                api, settings.rabbitmq_api_url, self._databases, session, ca, clock
            ),
            stop_command=StopCommand(settings.stop_command) if settings.stop_command else None,
            projects=Identity(api).projects,
            image=Image(api).properties,
        )

    def _cloud(
        self,
        run: str,
        clients: Clients,
        images: Images | None = None,
        clock: Clock | None = None,
        gather: Callable[[float], None] | None = None,
    ) -> LiveCloud:
        request = self.settings.request(run, self.report_interval, self.command)
        return LiveCloud(
            clients,
            replace(request, leaving=frozenset(self.hosts), **self.chosen),
            recall=HostMemory(self.state_dir, self._identity.key).recall,
            images=images,
            clock=clock,
            keep_names=self._keep_names,
            holding=ClaimPolicy(self.settings.validity, partial(has_ended, self.state_dir)),
            gather=gather,
        )

    def _keep_names(self, kind: str, names: Iterable[str]) -> None:
        CachedNames(self._cache_dir, kind).keep(cloud_name(self.settings.os_cloud), names)

    def _read_conf(self) -> NovaConf | None:
        paths = [expanded(path) for path in self.settings.nova_conf]
        if not paths:
            return None
        from nova_decom.clients.mysql import nova_conf  # loads oslo.config

        conf = nova_conf.read_nova_conf(paths)
        if not (self.settings.api_db_url or self.settings.cell_db_url):
            nova_conf.check_connections(conf, paths)
        return conf

    def _sources(self) -> Sources:
        conf = self._conf
        api = self.settings.api_db_url or (conf.api_database if conf else None)
        cells = tuple(target(url) for url in self.settings.cell_db_url)
        main = conf.main_database if conf else None
        if not api and not cells and main:
            cells = (target(main),)
        return Sources(target(api) if api else None, cells, main)


def hooks_of(app: Context, command: str, run: str) -> Hooks:
    """The hooks in the directory of ``--hooks``, else in the usual one if it can be trusted.

    :raises ConfigurationError: another user could change the directory given, or a hook in it.
    """
    given = app.settings.hooks
    path = expanded(given) if given else usual_hooks()
    if path is None:
        return no_hooks()
    try:
        directory = HookDirectory(path, NAMES, inherited())
    except ConfigurationError as error:
        if given:
            raise
        log.warning("%s; no hook is called", error)
        return no_hooks()
    about = {
        "COMMAND": command,
        "RUN": run,
        "REASON": app.settings.reason_of(command),
        "BY": operator(),
        "STATE_DIR": str(app.state_dir),
    }
    return Hooks(directory.call, log.warning, about)
