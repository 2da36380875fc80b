# SPDX-License-Identifier: Apache-2.0
"""The caches: an environment per release, and a stopped cloud per release and number of cells."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tests.lab import config
from tests.lab.cloud import connect
from tests.lab.control_plane import ControlPlane
from tests.lab.errors import LabError
from tests.lab.layout import Layout, Site, new_site
from tests.lab.mariadb import MariaDB, copy_tree
from tests.lab.processes import Processes
from tests.lab.releases import COMMON, Release
from tests.lab.schema import Schema, populate, populate_resources

INSIDE = Path(__file__).parent / "inside"
"""What the lab brings into nova's own processes."""
COPIED = ("mysql", "keystone", "glance")
"""The directories of `data` that a template keeps."""
SETUP_APIS = ("keystone", "glance", "nova")
Say = Callable[[str], None]


@contextlib.contextmanager
def locked(directory: Path, name: str) -> Iterator[None]:
    """One process at a time."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / f".{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def ensure_environment(layout: Layout, release: Release, say: Say) -> None:
    """Create the virtual environment of the release, once."""
    cache = layout.cache(release)
    packages = (*release.packages, *COMMON)
    with locked(cache, "venv"):
        _ensure_packages(cache / "venv", release, packages, say)
        _add_driver(cache / "venv")


def ensure_packages(venv: Path, release: Release, packages: Sequence[str]) -> None:
    """Create a virtual environment with these packages, once."""
    with locked(venv.parent, venv.name):
        _ensure_packages(venv, release, packages, lambda _: None)


def _ensure_packages(venv: Path, release: Release, packages: Sequence[str], say: Say) -> None:
    done = venv / ".packages"
    wanted = "\n".join((*packages, *filter(None, (release.exclude_newer,))))
    if not (done.exists() and done.read_text() == wanted):
        say(f"environment: installing OpenStack {release.number} from PyPI …")
        _install(venv, release, packages)
        done.write_text(wanted)


def _install(venv: Path, release: Release, packages: Sequence[str]) -> None:
    _uv("venv", "--clear", "--python", release.python, str(venv))
    newest = ("--exclude-newer", release.exclude_newer) if release.exclude_newer else ()
    python = str(venv / "bin" / "python")
    _uv("pip", "install", "--compile-bytecode", "--python", python, *newest, *packages)


def _add_driver(venv: Path) -> None:
    """Nova loads virt drivers from its own package only, so that is where ours must be."""
    (package,) = venv.glob("lib/python*/site-packages/nova/virt")
    partial = package / f"lab_driver.{os.getpid()}"
    shutil.copy(config.DRIVER, partial)
    partial.replace(package / f"{config.driver_module()}.py")


def ensure_template(layout: Layout, release: Release, say: Say, cells: int = 1) -> None:
    """Set up a cloud once, stop it, and keep its data; more cells are added to a copy of it."""
    _ensure(layout, release, 1, lambda site: _build(site, say))
    if cells > 1:
        _ensure(layout, release, cells, lambda site: _add_cells(site, say))


def _ensure(layout: Layout, release: Release, cells: int, build: Callable[[Site], None]) -> None:
    cache = layout.cache(release)
    with locked(cache, "template"):
        building = Layout(cache / "building", layout.cache_root)
        site = new_site(building, release, cells)
        if site.template.exists():
            return
        Processes(building.pids).stop(*Processes(building.pids).running())
        shutil.rmtree(building.root, ignore_errors=True)
        partial = cache / "template.partial"
        shutil.rmtree(partial, ignore_errors=True)
        build(site)
        partial.mkdir()
        for name in COPIED:
            (building.data / name).rename(partial / name)
        partial.rename(site.template)
        shutil.rmtree(building.root)


def restore(site: Site) -> None:
    """Begin a lab from the template."""
    _copy(site.template, site)


def _copy(template: Path, site: Site) -> None:
    for name in COPIED:
        copy_tree(template / name, site.layout.data / name)


def _build(site: Site, say: Say) -> None:
    processes = Processes(site.layout.pids)
    mariadb = MariaDB(site, processes)
    plane = ControlPlane(site, processes)
    site.save()
    mariadb.install()
    config.write_all(site)
    with _stopping(processes):
        mariadb.start()
        plane.start_memcached()
        mariadb.wait()
        say("template: creating the databases of nova, placement, neutron, glance, keystone …")
        Schema(site, mariadb).create()
        say("template: creating users, catalog, image and flavor …")
        plane.start_apis(SETUP_APIS)
        plane.wait_apis(["keystone"])
        populate(site, connect(site.layout))
        plane.wait_apis(SETUP_APIS)
        # A new connection: the catalog is part of the token.
        populate_resources(connect(site.layout))


def _add_cells(site: Site, say: Say) -> None:
    """Add the databases and mappings of the cells beyond the first to a cloud with one."""
    processes = Processes(site.layout.pids)
    mariadb = MariaDB(site, processes)
    site.save()
    _copy(replace(site, cell_count=1).template, site)
    config.write_all(site)
    with _stopping(processes):
        mariadb.start()
        mariadb.wait()
        for cell in site.cells[1:]:
            say(f"template: creating the database of {cell.name} …")
            Schema(site, mariadb).add_cell(cell)


@contextlib.contextmanager
def _stopping(processes: Processes) -> Iterator[None]:
    """Stop all processes at the end, the database with time to write what it has."""
    try:
        yield
    finally:
        processes.stop(*processes.running(), timeout=60)


def _uv(*arguments: str) -> None:
    argv = [sys.executable, "-m", "uv", *arguments]
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise LabError(f"uv {' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")
