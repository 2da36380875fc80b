# SPDX-License-Identifier: Apache-2.0
"""The SDK's connection to a keystone, and to services by its catalogue."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import openstack.connection
import pytest

from nova_decom.clients.openstack.api import Api

DOMAIN = {"id": "default", "name": "Default"}


class Keystone(BaseHTTPRequestHandler):
    """Answers with its version, and with a token for these services."""

    services: tuple[str, ...] = ()
    read: ClassVar[list[str]]

    def do_GET(self):
        """The version document."""
        self.read.append(self.path)
        self._answer(200, {"version": {"id": "v3.14", "status": "stable", "links": []}})

    def do_POST(self):
        """A token."""
        url = f"http://127.0.0.1:{self.server.server_port}/v3"
        endpoints = [{"id": "e", "interface": "public", "region_id": "r", "url": url}]
        token = {
            "methods": ["password"],
            "expires_at": "2099-01-01T00:00:00.000000Z",
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "project": {"id": "p", "name": "p", "domain": DOMAIN},
            "user": {"id": "u", "name": "u", "domain": DOMAIN},
            "roles": [],
            "catalog": [
                {"id": kind, "type": kind, "name": kind, "endpoints": endpoints}
                for kind in ("identity", *self.services)
            ],
        }
        self._answer(201, {"token": token})

    def _answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Subject-Token", "token")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_what):
        """Say nothing."""


@pytest.fixture
def catalogue(request):
    """The API of a cloud with these services."""
    handler = type("Handler", (Keystone,), {"services": request.param, "read": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    api = Api(
        openstack.connection.Connection(
            auth_type="v3password",
            auth={
                "auth_url": f"http://127.0.0.1:{server.server_port}/v3",
                "username": "u",
                "password": "p",
                "project_name": "p",
                "user_domain_id": "default",
                "project_domain_id": "default",
            },
        )
    )
    yield api, handler.read
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("catalogue", "found"),
    [
        ((), [False, False]),
        (("network",), [True, False]),
        (("sharev2",), [False, True]),
        (("network", "shared-file-system"), [True, True]),
    ],
    indirect=["catalogue"],
)
def test_a_cloud_without_a_service_is_no_failure(catalogue, found):
    """Manila has several types by which it is found."""
    api, _ = catalogue
    assert [api.has(kind) for kind in ("network", "shared-file-system")] == found


@pytest.mark.parametrize("catalogue", [("reservation",)], indirect=True)
def test_a_service_that_the_sdk_does_not_know_is_asked_at_the_endpoint_of_the_catalogue(catalogue):
    """Blazar has two versions; the SDK would look for the newest one, and ask that."""
    api, read = catalogue

    api.get("reservation", "/os-hosts")

    assert read == ["/v3/os-hosts"]
