# SPDX-License-Identifier: Apache-2.0
"""From a directory to a running control plane: caches, a copy of the template, daemons."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tests.lab import config, template
from tests.lab.control_plane import ControlPlane
from tests.lab.errors import LabError
from tests.lab.layout import Layout, Site, load_site, new_site, ports_free
from tests.lab.mariadb import MariaDB
from tests.lab.processes import Processes
from tests.lab.rabbitmq import RabbitMQ
from tests.lab.releases import RELEASES, Release
from tests.lab.schema import Schema
from tests.lab.template import Say


class BringUp:
    def __init__(self, layout: Layout, processes: Processes, say: Say) -> None:
        self._layout = layout
        self._processes = processes
        self._say = say

    def make_caches(self, layout: Layout, release: Release, cells: int) -> None:
        with self.timed("environment"):
            template.ensure_environment(layout, release, self._say)
        with self.timed("template"):
            template.ensure_template(layout, release, self._say, cells)

    def site(self, release: Release, cells: int) -> Site:
        """The site to bring up: the one that is there, or a new one from the template."""
        site = load_site(self._layout, RELEASES)
        running = self._processes.running()
        fits = site is not None and (site.release, site.cell_count) == (release, cells)
        if site is not None and not fits and running:
            raise LabError(
                f"release {site.release.number} is running here with {site.cell_count} cells, not"
                f" {release.number} with {cells}: `down` first"
            )
        layout = site.layout if site else self._layout
        self.make_caches(layout, release, cells)
        if site is None or not fits:
            return self._restore(new_site(layout, release, cells))
        if not running and not ports_free(site):
            site = replace(site, ports=new_site(layout, release).ports)
            site.save()
        return site

    def start_control_plane(self, site: Site) -> None:
        mariadb, rabbitmq = MariaDB(site, self._processes), RabbitMQ(site, self._processes)
        plane = ControlPlane(site, self._processes)
        config.write_all(site)
        site.layout.state_dir.mkdir(mode=0o700, exist_ok=True)
        mariadb.start()
        rabbitmq.start()
        plane.start_memcached()
        mariadb.wait()
        schema = Schema(site, mariadb)
        schema.rewrite_addresses()
        schema.grant()
        # In the order in which the others ask for them: most of the time goes into imports.
        plane.start_apis(("keystone", "placement"))
        plane.start_workers()
        rabbitmq.wait()
        plane.start_apis(("nova", "neutron", "glance"))
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda name: plane.wait_apis([name]), config.API_NAMES))

    def _restore(self, site: Site) -> Site:
        with self.timed("restore"):
            self._processes.stop(*(record.name for record in self._processes.records()))
            shutil.rmtree(self._layout.run, ignore_errors=True)
            template.restore(site)
            site.save()  # last: it says that all the rest is there
        return site

    @contextlib.contextmanager
    def timed(self, what: str, doing: str = "") -> Iterator[None]:
        """Say what is done, if it takes long, and then how long it took."""
        if doing:
            self._say(f"{what}: {doing} …")
        start = time.monotonic()
        yield
        self._say(f"{what}: {time.monotonic() - start:.1f} s")
