# SPDX-License-Identifier: Apache-2.0
"""An OpenStack service with a database, a user, an endpoint and an API under uwsgi."""

import shutil
import subprocess
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from tests.lab import config
from tests.lab.config import REGION, Sections, authtoken
from tests.lab.control_plane import START_TIMEOUT, answers
from tests.lab.errors import LabError
from tests.lab.extras.extra import Extra, Place
from tests.lab.layout import PASSWORDS
from tests.lab.template import locked

COMMON = ("pymysql", "python-memcached", "uwsgi")


class OpenStack(Extra):
    """A service that is added to keystone's catalogue."""

    service_type: ClassVar[str]
    version: ClassVar[str]
    """The path of its endpoint."""
    sync: ClassVar[tuple[str, ...]] = ("db", "sync")
    """The arguments with which :meth:`manage` creates the tables."""

    @abstractmethod
    def config(self, place: Place) -> Sections:
        """What its configuration has beyond what all have."""

    def bring_up(self, place: Place) -> None:
        """The API first: it takes the longest to import."""
        self._write(place)
        self._fill_database(place)
        ini = str(place.etc / "uwsgi.ini")
        # Masakari finds its api-paste.ini by it.
        where = {f"OS_{self.name.upper()}_CONFIG_DIR": str(place.etc)}
        api = place.daemon(f"{self.name}-api", "uwsgi", "--ini", ini, **where)
        place.processes.start(api)
        self._register(place)
        self.start_workers(place)
        place.processes.wait_ready(
            api.name,
            partial(answers, place.port),
            timeout=START_TIMEOUT,
            what=f"{self.name} to answer on port {place.port}",
        )

    def start_workers(self, place: Place) -> None:
        """Start the processes beside the API."""

    def workers(self) -> Sequence[str]:
        """Their names."""
        return ()

    def remove(self, place: Place) -> None:
        """Everything but the user, who can do no harm."""
        place.processes.stop(f"{self.name}-api", *self.workers())
        identity: Any = place.connect().identity
        for service in identity.services(type=self.service_type):
            identity.delete_service(service)  # its endpoints go with it
        with place.mariadb.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {self.name}")

    def start_worker(self, place: Place, name: str) -> None:
        """Start a process that reads the configuration."""
        conf = str(self.conf(place))
        place.processes.start(place.daemon(name, name, "--config-file", conf))

    def conf(self, place: Place) -> Any:
        """Its configuration."""
        return place.etc / f"{self.name}.conf"

    @property
    def manager(self) -> str:
        """The program that manages its database."""
        return f"{self.name}-manage"

    def manage(self, place: Place, *arguments: str) -> str:
        """Run its `-manage` program; the output."""
        argv = (self.manager, "--config-file", str(self.conf(place)), *arguments)
        daemon = place.daemon(argv[0], *argv)
        return _run(daemon.argv, daemon.environment())

    def _write(self, place: Place) -> None:
        site = place.site
        place.data.mkdir(parents=True, exist_ok=True)
        own = self.config(place)
        general: Sections = {
            "DEFAULT": {
                "transport_url": site.transport_url,
                "auth_strategy": "keystone",
                "state_path": place.data,
            },
            "database": {"connection": self.database(place)},
            "oslo_concurrency": {"lock_path": place.data / "locks"},
            "keystone_authtoken": authtoken(site, self.name),
        }
        merged = {s: {**general.get(s, {}), **own.get(s, {})} for s in {**general, **own}}
        config.write_ini(self.conf(place), merged)
        paste = place.venv / "etc" / self.name / "api-paste.ini"
        if paste.exists():
            shutil.copy(paste, place.etc)
        text = config.uwsgi_ini(
            place.port, f"module = {self.name}.wsgi.api:application", place.venv
        )
        # Neither reads the path of its configuration from the environment.
        text += f"pyargv = --config-file {self.conf(place)}\n"
        (place.etc / "uwsgi.ini").write_text(text)

    def database(self, place: Place) -> str:
        """The URL of its database."""
        address = f"127.0.0.1:{place.site.ports['mariadb']}"
        login = f"{self.name}:{PASSWORDS[self.name]}"
        return f"mysql+pymysql://{login}@{address}/{self.name}?charset=utf8mb4"

    def _fill_database(self, place: Place) -> None:
        """Create the database: by its own program once, then from what that has left."""
        with place.mariadb.connect() as connection, connection.cursor() as cursor:
            if cursor.execute("SHOW DATABASES LIKE %s", (self.name,)):
                return
            cursor.execute(f"CREATE DATABASE {self.name} CHARACTER SET utf8mb3")
            cursor.execute(
                f"GRANT ALL ON {self.name}.* TO {self.name}@'127.0.0.1' IDENTIFIED BY %s",
                (PASSWORDS[self.name],),
            )
        port = f"--port={place.site.ports['mariadb']}"
        login = ("--no-defaults", "--host=127.0.0.1", port, "--user=root")
        with locked(place.schema.parent, f"schema-{self.name}"):
            if place.schema.exists():
                argv = ("/usr/bin/mariadb", *login, self.name)
                _run(argv, {}, place.schema.read_bytes())
                return
            self.manage(place, *self.sync)
            dump = _run(("/usr/bin/mariadb-dump", *login, self.name), {})
            partial_file = place.schema.with_suffix(".partial")
            partial_file.write_text(dump)
            partial_file.replace(place.schema)

    def _register(self, place: Place) -> None:
        """Its user, its service and its endpoints, once."""
        identity: Any = place.connect().identity
        if list(identity.services(type=self.service_type)):
            return
        if identity.find_user(self.name) is None:
            project = identity.find_project("service")
            user = identity.create_user(
                name=self.name, password=PASSWORDS[self.name], domain_id="default"
            )
            for role in ("admin", "service"):
                found = identity.find_role(role)
                identity.assign_project_role_to_user(project, user, found)
        service = identity.create_service(type=self.service_type, name=self.name)
        url = f"http://127.0.0.1:{place.port}{self.version}"
        for interface in ("public", "internal", "admin"):
            identity.create_endpoint(
                service_id=service.id, interface=interface, url=url, region_id=REGION
            )


def _run(argv: Sequence[str], environment: Mapping[str, str], given: bytes = b"") -> str:
    done = subprocess.run(
        argv, env=dict(environment), input=given, capture_output=True, timeout=300, check=False
    )
    if done.returncode:
        end = (done.stdout + done.stderr).decode(errors="replace").splitlines()[-25:]
        raise LabError("\n".join((f"{argv[0]}: exit {done.returncode}", *end)))
    return done.stdout.decode()
