# SPDX-License-Identifier: Apache-2.0
"""The recipes of contrib: hooks against a server of their kind, rules and dashboard by name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from nova_decom.output import metrics

CONTRIB = Path(__file__).parents[2] / "contrib"
METRICS = {
    f"nova_decom_{name}"
    for name in re.findall(r'gauge\(\s*"(\w+)"', Path(metrics.__file__).read_text())
}
ABOUT = {
    "HOST": "node1",
    "COMMAND": "remove",
    "RUN": "20261123T041500Z-7f3a",
    "BY": "ops@jump",
    "REASON": 'rack "12"',
    "STATUS": "removed",
    "EXIT_CODE": "0",
}


@pytest.fixture
def server():
    """A server that keeps what it is sent; NetBox's list of devices is its only answer."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            seen.append((self.command, self.path, body))
            self.send_response(200)
            self.end_headers()
            devices = [{"id": 7, "name": "node1"}, {"id": 8, "name": "node10"}]
            self.wfile.write(json.dumps({"results": devices}).encode())

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the library's names

        def log_message(self, *_):
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", seen
        running.shutdown()


def called(hook, **settings):
    """The exit code and stderr of a hook, with the variables that nova-decom gives it."""
    about = {f"NOVA_DECOM_{name}": value for name, value in ABOUT.items()}
    done = subprocess.run(
        [sys.executable, str(CONTRIB / "hooks" / hook)],
        env={"PATH": os.environ["PATH"], **about, **settings},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stderr


def test_the_webhook_gets_the_result_of_the_host(server):
    """As JSON; a reason with quotes is data."""
    url, seen = server

    assert called("webhook", WEBHOOK_URL=url) == (0, "")

    ((method, _, body),) = seen
    assert (method, body["host"], body["reason"], body["error"]) == (
        "POST",
        "node1",
        'rack "12"',
        None,
    )


def test_a_silence_is_of_exactly_the_host(server):
    """A regular expression would silence node10 too."""
    url, seen = server

    assert called("alertmanager-silence", ALERTMANAGER_URL=url) == (0, "")

    ((method, path, body),) = seen
    assert (method, path) == ("POST", "/api/v2/silences")
    (matcher,) = body["matchers"]
    assert (matcher["value"], matcher["isRegex"], matcher["isEqual"]) == ("node1", False, True)
    assert body["startsAt"] < body["endsAt"]


def test_the_device_of_exactly_the_host_is_marked(server):
    """And none after a drain, or without one of the name."""
    url, seen = server
    netbox = {"NETBOX_URL": url, "NETBOX_TOKEN": "t"}

    assert called("netbox-status", **netbox) == (0, "")
    assert seen[-1] == ("PATCH", "/api/dcim/devices/7/", {"status": "decommissioning"})

    seen.clear()
    assert called("netbox-status", NOVA_DECOM_COMMAND="drain", **netbox) == (0, "")
    assert seen == []
    code, told = called("netbox-status", NOVA_DECOM_HOST="node9", **netbox)
    assert (code, told) == (1, "NetBox has 0 devices with the name node9\n")


def test_a_hook_fails_where_its_server_does():
    """Nova-decom then warns, or refuses the host at its start."""
    assert called("webhook", WEBHOOK_URL="http://127.0.0.1:9/")[0] != 0


def test_rules_and_dashboard_name_only_metrics_that_exist():
    """Each rule has all that Prometheus needs; each panel has a query."""
    rules = yaml.safe_load((CONTRIB / "prometheus" / "nova-decom.rules.yml").read_text("utf-8"))
    board = json.loads((CONTRIB / "prometheus" / "nova-decom.dashboard.json").read_text("utf-8"))
    (group,) = rules["groups"]
    assert all({"alert", "expr", "labels", "annotations"} <= set(rule) for rule in group["rules"])
    queries = [rule["expr"] for rule in group["rules"]]
    queries += [target["expr"] for panel in board["panels"] for target in panel["targets"]]

    named = {name for query in queries for name in re.findall(r"nova_decom_\w+", query)}

    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert named <= METRICS
    assert len(named) > 5
