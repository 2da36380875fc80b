# SPDX-License-Identifier: Apache-2.0
"""The management API of RabbitMQ: which virtual host, with which user, and its answers."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nova_decom.clients.access import LiveAccess
from nova_decom.clients.openstack.session import LoggedSession, ReadOnlySession
from nova_decom.clients.rabbitmq import Broker, Place, Transport, places, transport
from nova_decom.errors import (
    BadRequestError,
    ConfigurationError,
    UnavailableError,
    WriteRefusedError,
)
from nova_decom.model.api_call import ApiCall
from tests.unit.world import Time

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rabbit://u:p@h:5672/", Transport(frozenset({"h"}), "/", "u", "p")),
        ("rabbit://u:p@h", Transport(frozenset({"h"}), "/", "u", "p")),
        (
            "rabbit://u:p%40@h1:5672,u:p@H2:5671/nova?ssl=1",
            Transport(frozenset({"h1", "h2"}), "nova", "u", "p@"),
        ),
        ("rabbit://u:p@[::1]:5672//v", Transport(frozenset({"::1"}), "/v", "u", "p")),
        ("rabbit://{username}:{password}@h/", Transport()),
        ("none:///", Transport(frozenset({""}))),
        ("", Transport()),
    ],
)  # fmt: skip
def test_a_transport_url_is_read_as_oslo_messaging_does(url, expected):
    """Several hosts, a virtual host with a slash, IPv6; a template tells nothing."""
    assert transport(url) == expected
    assert "p%40" not in repr(transport(url))


ONE = {"cell1": f"rabbit://nova:{SECRET}@rabbit1,nova:{SECRET}@rabbit2:5672/v1"}
TWO = {**ONE, "cell2": f"rabbit://nova:{SECRET}@rabbit3:5672/"}
SHARED = {**ONE, "cell2": f"rabbit://other:{SECRET}@rabbit1/v2"}


@pytest.mark.parametrize(
    ("urls", "cells", "expected"),
    [
        (["http://rabbit1:15672"], ONE, [("cell1", "http://rabbit1:15672/v1", "nova")]),
        (["https://vip:15671/"], ONE, [("cell1", "https://vip:15671/v1", "nova")]),
        (["http://a:b@vip/%2F"], ONE, [("cell1", "http://vip/%2F", "a")]),
        (["http://a:b@vip/x"], {}, [(None, "http://vip/x", "a")]),
        (["cell1=http://a:b@vip"], {}, [("cell1", "http://vip/%2F", "a")]),
        (
            ["cell2=http://vip", "http://rabbit2:1"],
            TWO,
            [("cell2", "http://vip/%2F", "nova"), ("cell1", "http://rabbit2:1/v1", "nova")],
        ),
        (
            ["http://rabbit1"],
            SHARED,
            [("cell1", "http://rabbit1/v1", "nova"), ("cell2", "http://rabbit1/v2", "other")],
        ),
        (["http://rabbit1", "http://rabbit1/"], ONE, [("cell1", "http://rabbit1/v1", "nova")]),
        (["http://[::1]:5"], {"c": "rabbit://u:p@[::1]/"}, [("c", "http://[::1]:5/%2F", "u")]),
        ([], TWO, []),
    ],
)  # fmt: skip
def test_the_url_of_a_cell_is_found_by_its_host_or_named(urls, cells, expected):
    """User, password and virtual host are the cell mapping's unless the URL has them."""
    found = places(urls, cells)

    assert [(p.cell, p.label, p.user) for p in found] == expected
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("url", "cells", "words"),
    [
        ("rabbit1:15672", ONE, "cannot be read"),
        (f"ftp://u:{SECRET}@h", ONE, "cannot be read"),
        (f"http://u:{SECRET}@h:port/", ONE, "cannot be read"),
        (f"http://u:{SECRET}@/", ONE, "cannot be read"),
        ("http://vip", TWO, "not known of which cell"),
        ("cell9=http://vip", TWO, "no cell is called cell9"),
        ("http://vip", {}, "no user and password"),
        ("http://vip", {"cell1": None}, "no user and password"),
    ],
)
def test_a_url_that_does_not_fit_is_refused_without_its_password(url, cells, words):
    """With the shape that fits."""
    with pytest.raises(ConfigurationError, match=words) as error:
        places([url], cells)

    assert SECRET not in str(error.value) + str(error.value.remedy)


class Answers(BaseHTTPRequestHandler):
    """Answers by what the server says, and keeps the requests."""

    def do_GET(self):
        """The next answer, the last one for ever."""
        answers = self.server.answers
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.server.asked.append((self.command, self.path, self.headers["Authorization"]))
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Location", "http://elsewhere.example/")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_what):
        """Keep quiet."""


@pytest.fixture
def server():
    """A management API."""
    found = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    found.answers, found.asked = [(200, [])], []
    thread = threading.Thread(target=found.serve_forever, args=(0.01,))
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def broker(server, session=LoggedSession):
    """A client of it."""
    place = Place("cell1", f"http://127.0.0.1:{server.server_port}", "/", "nova", SECRET)
    return Broker(place, session, None, Time().clock)


def test_all_queues_of_a_virtual_host_come_by_one_request(server):
    """With the counts, which cost little this way, and the password in a header only."""
    server.answers = [(200, [{"name": "compute.node1"}])]
    secret = base64.b64encode(f"nova:{SECRET}".encode()).decode()

    assert broker(server, ReadOnlySession).queues() == [{"name": "compute.node1"}]
    path = "/api/queues/%2F?columns=name%2Ctype%2Carguments%2Cmessages%2Cconsumers"
    assert server.asked == [("GET", path, f"Basic {secret}")]


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        ((401, {"error": "not_authorised", "reason": "Login failed"}), 1),
        ((403, {}), 1),
        ((404, {"error": "Object Not Found"}), 1),
        ((302, {}), 4),
        ((503, {}), 4),
        ((200, {}), 4),
    ],
)
def test_what_cannot_be_read_is_told_without_the_password(server, answer, asked):
    """A redirect is not followed: it would carry the password elsewhere."""
    server.answers = [answer]

    with pytest.raises(UnavailableError, match=r"127[.]0[.]0[.]1") as error:
        broker(server).queues()

    assert SECRET not in str(error.value) + str(error.value.remedy)
    assert len(server.asked) == asked


@pytest.mark.parametrize("is_known", [True, False])
def test_a_certificate_is_verified(server, tmp_path, is_known):
    """By the file of the cloud, or by those that the system trusts."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", str(key), "-out", str(certificate), "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    place = Place("cell1", f"https://127.0.0.1:{server.server_port}", "/", "nova", SECRET)
    found = Broker(place, LoggedSession, str(certificate) if is_known else None, Time().clock)

    if is_known:
        assert found.queues() == []
    else:
        with pytest.raises(UnavailableError, match=r"(?i)certificate"):
            found.queues()
        assert server.asked == []


def test_a_broker_that_is_not_there_is_told():
    """Within the bound of each reading."""
    place = Place(None, "http://127.0.0.1:9", "/", "nova", SECRET)

    with pytest.raises(UnavailableError, match="cannot connect to"):
        Broker(place, ReadOnlySession, None, Time().clock).queues()


def test_a_queue_is_deleted_at_its_own_broker(server):
    """404 is done; 400 is a refusal; who only reads cannot."""
    here, elsewhere = (
        broker(server),
        Broker(
            Place("cell2", "http://127.0.0.1:9", "/", "u", "p"), LoggedSession, None, Time().clock
        ),
    )
    call = ApiCall("message-queue", "DELETE", "/api/queues/%2F/compute.node1", place=here.label)
    access = LiveAccess(None, lambda: (elsewhere, here), lambda: ("cell1",))

    server.answers = [(204, None), (404, {}), (400, {"reason": "in use"})]
    assert access.send(call) is access.send(call) is None
    with pytest.raises(BadRequestError):
        access.send(call)
    with pytest.raises(WriteRefusedError):
        broker(server, ReadOnlySession).send(call)
    assert [(method, path) for method, path, _ in server.asked] == [("DELETE", call.path)] * 3
    assert access.cells() == ("cell1",)
