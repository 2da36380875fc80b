# SPDX-License-Identifier: Apache-2.0
"""The lab's RabbitMQ as its administrator sees it, and a user with few rights."""

import json
import urllib.request
from base64 import b64encode

from tests.lab.layout import Site

#: A user with nothing but the rights that docs/security.md names.
USER, PASSWORD = "few-rights", "of-few-rights"


class RabbitMQ:
    """The management API as the administrator of the broker."""

    def __init__(self, site: Site) -> None:
        self.place = f"127.0.0.1:{site.ports['rabbitmq_api']}"

    def __call__(self, method: str, path: str, **body: object) -> object:
        request = urllib.request.Request(
            f"http://{self.place}/api/{path}",
            json.dumps(body).encode() if body else None,
            {
                "Authorization": f"Basic {b64encode(b'guest:guest').decode()}",
                "Content-Type": "application/json",
            },
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.loads(answer.read() or "null")

    def given(self, user: str = f"{USER}:{PASSWORD}@", vhost: str = "") -> dict[str, str]:
        """The environment that lets nova-decom read it as this user."""
        return {"NOVA_DECOM_RABBITMQ_API_URL": f"http://{user}{self.place}/{vhost}"}

    def queues(self, host: str) -> dict[str, tuple[int | None, int | None]]:
        """Queue of exactly this host -> its messages and consumers; None when not known yet."""
        found = self("GET", "queues/%2F?columns=name,messages,consumers")
        assert isinstance(found, list)
        names = (f"compute.{host}", f"compute-alt.{host}")
        mine = [q for q in found if q["name"] in names]
        return {q["name"]: (q.get("messages"), q.get("consumers")) for q in mine}

    def orders(self) -> set[tuple[str, str]]:
        """Virtual host and name of each queue of a nova-compute."""
        found = self("GET", "queues?columns=name,vhost")
        assert isinstance(found, list)
        topics = ("compute.", "compute-alt.")
        return {(q["vhost"], q["name"]) for q in found if q["name"].startswith(topics)}

    def order(self, host: str) -> None:
        """Send something to the nova-compute of the host, as nova does."""
        sent = {"properties": {}, "payload": "{}", "payload_encoding": "string"}
        self("POST", "exchanges/%2F/nova/publish", routing_key=f"compute.{host}", **sent)

    def make_quorum(self, host: str) -> None:
        """Make the queue of the host a quorum queue, as with nova's rabbit_quorum_queue."""
        name = f"compute.{host}"
        kind = {"x-queue-type": "quorum"}
        self("DELETE", f"queues/%2F/{name}")
        self("PUT", f"queues/%2F/{name}", durable=True, arguments=kind)
        self("POST", f"bindings/%2F/e/nova/q/{name}", routing_key=name)

    def add_vhost(self, name: str) -> None:
        """A virtual host for the administrator."""
        self("PUT", f"vhosts/{name}")
        self("PUT", f"permissions/{name}/guest", configure=".*", write=".*", read=".*")

    def add_user(self) -> None:
        """The user of the documentation."""
        self("PUT", f"users/{USER}", password=PASSWORD, tags="management")
        rights = {"configure": r"^compute(-alt)?\..*", "write": "^$", "read": "^$"}
        self("PUT", f"permissions/%2F/{USER}", **rights)
