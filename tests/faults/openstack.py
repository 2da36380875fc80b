# SPDX-License-Identifier: Apache-2.0
"""A scripted OpenStack: keystone, nova, placement and neutron as far as a removal needs them.

Nova's rows are real rows of a real database; all else is a file, so that the cloud outlives
every process that talks to it. It speaks HTTP by a function, under any server or none.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pymysql.connections import Connection

from nova_decom.model.api_call import ABSENT

Body = dict[str, Any]
PASSWORD = "scripted-secret"
STAMP = "%Y-%m-%dT%H:%M:%S.%fZ"
UNIT_OFF = {"active": False, "enabled": False}
UNIT_ON = {"active": True, "enabled": True}
HIDE = "deleted = id, deleted_at = UTC_TIMESTAMP()"
OVER = "('confirmed', 'reverted', 'error', 'failed', 'completed', 'cancelled', 'done')"


@dataclass
class State:
    """What is no row of nova's; written to the file after each change."""

    path: Path
    providers: dict[str, Body] = field(default_factory=dict)
    consumers: dict[str, Body] = field(default_factory=dict)
    agents: dict[str, Body] = field(default_factory=dict)
    units: dict[str, Body] = field(default_factory=dict)
    groups: dict[str, Body] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "State":
        return cls(path, **json.loads(path.read_text()))

    def write(self) -> None:
        content = {k: v for k, v in vars(self).items() if k != "path"}
        scratch = self.path.with_suffix(".new")
        scratch.write_text(json.dumps(content))
        scratch.replace(self.path)

    def provide(self, identity: str, name: str, parent: str | None = None) -> None:
        root = self.providers[parent]["root_provider_uuid"] if parent else identity
        self.providers[identity] = {
            "uuid": identity,
            "name": name,
            "generation": 1,
            "root_provider_uuid": root,
            "parent_provider_uuid": parent,
        }

    def allocate(self, consumer: str, *providers: str) -> None:
        self.consumers[consumer] = {
            "allocations": {p: {"resources": {"VCPU": 1}, "generation": 1} for p in providers},
            "project_id": "p",
            "user_id": "u",
            "consumer_generation": 1,
        }

    def holders(self, provider: str) -> dict[str, Body]:
        return {c: b for c, b in self.consumers.items() if provider in b["allocations"]}


class HTTPError(Exception):
    """An answer of 400 and above."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Limits:
    """How the services cut their lists, and what the token may not see."""

    nova: int = 1000
    neutron: int | None = None
    ignores_marker: bool = False
    hidden_fields: frozenset[str] = frozenset()
    #: Requests that the policies deny to the token: methods and kinds of objects.
    denied: frozenset[str] = frozenset()

    def page(self, query: dict[str, str], entries: list[Body], mark: str = "id") -> list[Body]:
        """The page that nova reads, in which hidden entries count."""
        begin = 0
        if "marker" in query and not self.ignores_marker:
            marks = [entry[mark] for entry in entries]
            if query["marker"] not in marks:
                raise HTTPError(400, f"marker [{query['marker']}] not found")
            begin = marks.index(query["marker"]) + 1
        return entries[begin : begin + min(self.nova, int(query.get("limit", self.nova)))]

    def allowed(self, entry: Body) -> Body:
        """The entry without the fields that the token may not see."""
        return {k: v for k, v in entry.items() if k not in self.hidden_fields}


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Body


class OpenStack:
    """Answers requests. ``halfway``: nova-api dies in the middle of the next delete."""

    def __init__(
        self, connection: Connection, state: Path, base: str = "http://cloud.test"
    ) -> None:
        self._connection = connection
        self._path = state
        self.base = base
        self.halfway = False
        self.limits = Limits()
        self.token_life = timedelta(hours=1)
        self.tokens: dict[str, datetime] = {}
        self.answered: list[tuple[str, int]] = []

    @property
    def state(self) -> State:
        return State.read(self._path)

    def answer(
        self, method: str, url: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """The status, the headers and the body for one request."""
        parts = urlsplit(url)
        request = Request(
            method,
            parts.path,
            dict(parse_qsl(parts.query)),
            {k.lower(): v for k, v in headers.items()},
            json.loads(body) if body else {},
        )
        more = {"Content-Type": "application/json"}
        try:
            code, content = self._route(request, more)
        except HTTPError as error:
            code, content = error.code, {"error": {"message": str(error), "code": error.code}}
        self.answered.append((f"{method} {parts.path}", code))
        return code, more, b"" if content is None else json.dumps(content).encode()

    def _route(self, request: Request, more: dict[str, str]) -> tuple[int, Body | None]:
        service, _, rest = request.path.strip("/").partition("/")
        if service == "identity":
            return self._identity(request, more)
        if service == "compute" and rest in {"v2.1", ""}:
            return 200, {"version": self._version("compute", "v2.1", "2.1", "2.104")}
        if service == "placement" and not rest:
            return 200, {"versions": [self._version("placement", "v1.0", "1.0", "1.39")]}
        if service == "network" and not rest:
            return 200, {"versions": [self._version("network", "v2.0", "", "")]}
        self._check_token(request)
        more["x-openstack-request-id"] = f"req-{uuid.uuid4()}"
        where = {"compute": Nova, "placement": Placement, "network": Neutron}[service]
        handler = where(self._connection, self.state, self.limits)
        kind = rest.removeprefix("v2.1/").partition("/")[0]
        if f"{request.method} {kind}" in self.limits.denied:
            raise HTTPError(403, f"Policy doesn't allow {request.method} {kind}.")
        if request.method != "GET" and ABSENT in f"{request.path}{request.body}":
            raise HTTPError(404, "No such object, and nothing to be changed.")
        handler.halfway, self.halfway = self.halfway and request.method == "DELETE", False
        if request.method != "GET":
            handler.state.log.append(f"{request.method} {request.path}")
            handler.state.write()
        found = handler.handle(request, rest.removeprefix("v2.1/").removeprefix("v2.0/"))
        handler.state.write()
        return found

    def _identity(self, request: Request, more: dict[str, str]) -> tuple[int, Body]:
        if not request.path.endswith("/auth/tokens"):
            return 200, {"version": self._version("identity", "v3", "", "") | {"id": "v3.14"}}
        given = request.body["auth"]["identity"]["password"]["user"]["password"]
        if given != PASSWORD:
            raise HTTPError(401, "The request you have made requires authentication.")
        expires = datetime.now(UTC) + self.token_life
        identity = uuid.uuid4().hex
        self.tokens[identity] = expires
        more["X-Subject-Token"] = identity
        return 201, self._token(expires)

    def _token(self, expires: datetime) -> Body:
        domain = {"id": "default", "name": "Default"}
        catalog = [
            {
                "id": kind,
                "type": kind,
                "name": kind,
                "endpoints": [
                    {
                        "id": kind,
                        "interface": "public",
                        "region": "R",
                        "region_id": "R",
                        "url": f"{self.base}/{kind}{suffix}",
                    }
                ],
            }
            for kind, suffix in (("compute", "/v2.1"), ("placement", ""), ("network", ""))
        ]
        return {
            "token": {
                "methods": ["password"],
                "user": {"id": "u", "name": "admin", "domain": domain},
                "project": {"id": "p", "name": "admin", "domain": domain},
                "roles": [{"id": "r", "name": "admin"}],
                "issued_at": datetime.now(UTC).strftime(STAMP),
                "expires_at": expires.strftime(STAMP),
                "catalog": catalog,
            }
        }

    def _check_token(self, request: Request) -> None:
        """Known, and not revoked."""
        token = request.headers.get("x-auth-token", "")
        if token not in self.tokens:
            raise HTTPError(401, "The request you have made requires authentication.")

    def _version(self, service: str, name: str, least: str, most: str) -> Body:
        suffix = "/v2.1/" if service == "compute" else "/v3/" if service == "identity" else "/"
        found = {
            "id": name,
            "status": "CURRENT",
            "links": [{"rel": "self", "href": f"{self.base}/{service}{suffix}"}],
        }
        if most:
            # Nova calls its newest "version", placement "max_version".
            found |= {"min_version": least, "max_version": most, "version": most}
        return found


class Handler:
    """One service."""

    def __init__(self, connection: Connection, state: State, limits: Limits) -> None:
        self._connection = connection
        self.state = state
        self.limits = limits
        self.halfway = False

    def rows(self, sql: str, *params: object) -> list[Body]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return list(cursor.fetchall())

    def handle(self, request: Request, rest: str) -> tuple[int, Body | None]:
        name, *arguments = rest.split("/")
        method = f"{request.method.lower()}_{name.replace('-', '_')}"
        handler: Callable[..., tuple[int, Body | None]] | None = getattr(self, method, None)
        assert handler is not None, f"the script knows no {request.method} {request.path}"
        return handler(request, *arguments)


class Nova(Handler):
    """What nova 34.0.0 answers, and what it does on a delete."""

    def get_os_services(self, request: Request) -> tuple[int, Body]:
        wanted = request.query.get("host")
        found = self.rows("SELECT * FROM nova.services WHERE deleted = 0 ORDER BY id")
        return 200, {"services": [self._service(r) for r in found if wanted in {None, r["host"]}]}

    def _service(self, row: Body) -> Body:
        unit = self.state.units.get(row["host"], UNIT_ON)
        is_up = unit["active"] or row["binary"] != "nova-compute"
        return {
            "id": row["uuid"],
            "binary": row["binary"],
            "host": row["host"],
            "zone": "nova",
            "status": "disabled" if row["disabled"] else "enabled",
            "state": "up" if is_up else "down",
            "disabled_reason": row["disabled_reason"],
            "forced_down": bool(row["forced_down"]),
            "updated_at": str(row["updated_at"]),
        }

    def put_os_services(self, request: Request, identity: str) -> tuple[int, Body]:
        row = self._find(identity)
        self.rows(
            "UPDATE nova.services SET disabled = 1, disabled_reason = %s WHERE id = %s",
            request.body["disabled_reason"],
            row["id"],
        )
        return 200, {"service": self._service(self._find(identity))}

    def delete_os_services(self, _request: Request, identity: str) -> tuple[int, None]:
        row = self._find(identity)
        if row["binary"] == "nova-compute":
            self._forget(row["host"])
        self.rows(f"UPDATE nova.services SET {HIDE} WHERE id = %s", row["id"])
        if row["binary"] == "nova-compute":
            self.rows(
                f"UPDATE nova.compute_nodes SET {HIDE} WHERE host = %s AND deleted = 0",
                row["host"],
            )
        return 204, None

    def _find(self, identity: str) -> Body:
        found = self.rows("SELECT * FROM nova.services WHERE uuid = %s AND deleted = 0", identity)
        if not found:
            raise HTTPError(404, f"Service {identity} not found.")
        return found[0]

    def _forget(self, host: str) -> None:
        """Aggregates, providers and host mapping: each by itself, as nova does it."""
        if self.rows("SELECT id FROM nova.instances WHERE host = %s AND deleted = 0", host):
            raise HTTPError(409, "Unable to delete compute service that is hosting instances.")
        nodes = self.rows(
            "SELECT uuid FROM nova.compute_nodes WHERE host = %s AND deleted = 0", host
        )
        members = "FROM nova_api.aggregate_hosts WHERE host = %s"
        if self.rows(f"SELECT id {members}", host) and not nodes:
            raise HTTPError(500, "ComputeHostNotFound")
        self.rows(f"DELETE {members}", host)
        for node in nodes:
            self._forget_provider(node["uuid"])
        if self.halfway:
            raise HTTPError(500, "nova-api was restarted in the middle")
        self.rows("DELETE FROM nova_api.host_mappings WHERE host = %s", host)

    def _forget_provider(self, identity: str) -> None:
        if identity not in self.state.providers:
            raise HTTPError(500, "ValueError: No such provider")
        if not self.state.holders(identity):
            del self.state.providers[identity]

    def get_os_hypervisors(self, request: Request, _detail: str) -> tuple[int, Body]:
        """A page is cut first; then those without service or host mapping are taken out of it."""
        found = self.rows("SELECT * FROM nova.compute_nodes WHERE deleted = 0 ORDER BY id")
        shown = {
            r["host"]
            for r in self.rows(
                "SELECT s.host FROM nova.services s JOIN nova_api.host_mappings m "
                "ON m.host = s.host WHERE s.deleted = 0 AND s.`binary` = 'nova-compute'"
            )
        }
        page = self.limits.page(request.query, found, "uuid")
        entries = [
            {
                "id": r["uuid"],
                "hypervisor_hostname": r["hypervisor_hostname"],
                "hypervisor_type": r["hypervisor_type"],
                "service": {"host": r["host"]},
            }
            for r in page
            if r["host"] in shown
        ]
        return 200, self._linked("hypervisors", entries, request)

    def _linked(self, name: str, entries: list[Body], request: Request) -> Body:
        """With a link where the page is full."""
        is_full = len(entries) == min(self.limits.nova, int(request.query.get("limit", 1000)))
        links = {f"{name}_links": [{"rel": "next", "href": "?"}]} if is_full else {}
        return {name: [self.limits.allowed(entry) for entry in entries]} | links

    def get_servers(self, request: Request, identity: str) -> tuple[int, Body]:
        found = self.rows("SELECT * FROM nova.instances WHERE deleted = 0 ORDER BY id")
        servers = [
            {
                "id": r["uuid"],
                "name": r["display_name"],
                "status": r["vm_state"].upper(),
                "flavor": {},
                "OS-EXT-SRV-ATTR:host": r["host"],
                "OS-EXT-STS:task_state": r["task_state"],
            }
            for r in found
        ]
        if identity == "detail":
            wanted = request.query.get("host")
            here = [s for s in servers if wanted in {None, s["OS-EXT-SRV-ATTR:host"]}]
            page = self.limits.page(request.query, here)
            return 200, self._linked("servers", page, request)
        one = next((s for s in servers if s["id"] == identity), None)
        if one is None:
            raise HTTPError(404, f"Instance {identity} could not be found.")
        return 200, {"server": self.limits.allowed(one)}

    def get_os_migrations(self, request: Request) -> tuple[int, Body]:
        """A page is cut first; then hidden ones are taken out of it."""
        found = self.rows("SELECT * FROM nova.migrations WHERE deleted = 0 ORDER BY id")
        wanted = request.query.get("host")
        here = [r for r in found if wanted in {None, r["source_compute"], r["dest_compute"]}]
        page = self.limits.page(request.query, here, "uuid")
        fields = ("id", "uuid", "instance_uuid", "status", "migration_type")
        hosts = ("source_compute", "dest_compute")
        entries = [
            {k: r[k] for k in fields}
            | {k: None if k in self.limits.hidden_fields else r[k] for k in hosts}
            for r in page
            if not r["hidden"]
        ]
        is_full = len(entries) == self.limits.nova
        links = {"migrations_links": [{"rel": "next", "href": "?"}]} if is_full else {}
        return 200, {"migrations": entries} | links

    def get_os_server_groups(self, request: Request) -> tuple[int, Body]:
        """No marker; an offset, and the same limit."""
        begin = int(request.query.get("offset", 0))
        end = begin + min(self.limits.nova, int(request.query.get("limit", 1000)))
        found = list(self.state.groups.values())[begin:end]
        return 200, {"server_groups": found}

    def get_os_aggregates(self, _request: Request) -> tuple[int, Body]:
        members = self.rows("SELECT aggregate_id, host FROM nova_api.aggregate_hosts ORDER BY id")
        return 200, {
            "aggregates": [
                {
                    "id": a["id"],
                    "name": a["name"],
                    "hosts": [m["host"] for m in members if m["aggregate_id"] == a["id"]],
                    "metadata": {},
                }
                for a in self.rows("SELECT id, name FROM nova_api.aggregates ORDER BY id")
            ]
        }


class Placement(Handler):
    """Providers, allocations with generations."""

    def get_resource_providers(
        self, request: Request, identity: str = "", part: str = ""
    ) -> tuple[int, Body]:
        if not identity:
            # With a required trait too: every provider of the script is a compute node's.
            found = self.state.providers.values()
            of = {"root_provider_uuid": "in_tree", "uuid": "uuid"}
            wanted = {
                key: request.query[name] for key, name in of.items() if name in request.query
            }
            chosen = [p for p in found if all(p[key] == w for key, w in wanted.items())]
            return 200, {"resource_providers": chosen}
        provider = self.state.providers.get(identity)
        if provider is None:
            raise HTTPError(404, f"No resource provider with uuid {identity} found")
        if part == "allocations":
            held = {
                c: {"resources": b["allocations"][identity]["resources"]}
                for c, b in self.state.holders(identity).items()
            }
            return 200, {"allocations": held, "resource_provider_generation": 1}
        empty: dict[str, Body] = {"inventories": {"inventories": {}}, "traits": {"traits": []}}
        empty["aggregates"] = {"aggregates": []}
        return 200, empty.get(part, provider)

    def post_resource_providers(self, request: Request) -> tuple[int, Body]:
        identity, name = request.body["uuid"], request.body["name"]
        if {p["name"] for p in self.state.providers.values()} & {name} or (
            identity in self.state.providers
        ):
            raise HTTPError(409, "Conflicting resource provider already exists.")
        self.state.provide(identity, name)
        return 200, self.state.providers[identity]

    def delete_resource_providers(self, _request: Request, identity: str) -> tuple[int, None]:
        if identity not in self.state.providers:
            raise HTTPError(404, "No resource provider found")
        parents = {p["parent_provider_uuid"] for p in self.state.providers.values()}
        if identity in parents or self.state.holders(identity):
            raise HTTPError(409, "Unable to delete resource provider: it is in use.")
        del self.state.providers[identity]
        return 204, None

    def get_allocation_candidates(self, _request: Request) -> tuple[int, Body]:
        """The summaries of all providers; each has room."""
        used = {p for b in self.state.consumers.values() for p in b["allocations"]}
        summaries = {
            p: {"resources": {"VCPU": {"capacity": 8, "used": int(p in used)}}, "traits": []}
            for p in self.state.providers
        }
        return 200, {"allocation_requests": [], "provider_summaries": summaries}

    def get_allocations(self, _request: Request, consumer: str) -> tuple[int, Body]:
        return 200, self.state.consumers.get(consumer, {"allocations": {}})

    def put_allocations(self, request: Request, consumer: str) -> tuple[int, None]:
        held = self.state.consumers.get(consumer, {"consumer_generation": None})
        if request.body["consumer_generation"] != held["consumer_generation"]:
            raise HTTPError(409, "consumer generation conflict")
        if request.body["allocations"]:
            generation = (held["consumer_generation"] or 0) + 1
            self.state.consumers[consumer] = request.body | {"consumer_generation": generation}
        else:
            self.state.consumers.pop(consumer, None)
        return 204, None


class Neutron(Handler):
    """Agents."""

    def get_agents(self, request: Request, *of_agent: str) -> tuple[int, Body]:
        if of_agent:
            raise HTTPError(404, f"Agent {of_agent[0]} could not be found")
        wanted = request.query.get("host")
        found = [a for a in self.state.agents.values() if wanted in {None, a["host"]}]
        limit = self.limits.neutron
        if limit is None:
            return 200, {"agents": found}
        marks = [a["id"] for a in found]
        begin = 0
        if "marker" in request.query and not self.limits.ignores_marker:
            begin = marks.index(request.query["marker"]) + 1
        page = found[begin : begin + limit]
        links = [{"rel": "previous", "href": "?"}]
        links += [{"rel": "next", "href": "?"}] if len(page) == limit else []
        return 200, {"agents": page, "agents_links": links}

    def delete_agents(self, _request: Request, identity: str) -> tuple[int, None]:
        if self.state.agents.pop(identity, None) is None:
            raise HTTPError(404, f"Agent {identity} could not be found")
        return 204, None
