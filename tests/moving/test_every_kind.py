# SPDX-License-Identifier: Apache-2.0
"""A host with servers of every kind: what the plan foretells of each is what nova does."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nova_decom.moves.features import FEATURES, Way
from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom, Ran
from tests.lab import Lab
from tests.lab.waiting import wait_until
from tests.moving.kinds import KINDS, LEAVING, PERHAPS, SHOWN, STAYING, VOLUMES
from tests.moving.making import CARDS, Making, made
from tests.moving.servers import Observer, migrations
from tests.moving.worn import REQUESTS
from tests.scenarios import calls, volumes

HOST, BESIDE = "kinds1", "kinds2"
DRAIN = ("drain", HOST, "--confirm-resizes", "-f", "json")
#: The words of the plan for a server -> the types of its last migration from the host. A resize
#: to another host has left when it is confirmed.
RECORDED: dict[str, set[str | None]] = {
    "live-migrate": {"live-migration"},
    "cold-migrate": {"migration"},
    "offload": {None},
    "confirm": {"resize"},
}
#: What a state becomes that cannot be kept on the way.
AFTER = {"VERIFY_RESIZE": "ACTIVE", "SHELVED": "SHELVED_OFFLOADED"}
POLL = 2.0
PATIENCE = 60.0


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("cinder")
def test_each_server_leaves_as_foretold(
    lab: Lab, decom: NovaDecom, hosts: Hosts, tmp_path: Path
) -> None:
    """Each by the way of the plan, in its old state; what is refused is refused by nova too.

    Never more than four migrations are in progress by nova's own records, a slot that is free is
    used at the next poll, and a poll is two or three calls, whatever the number of servers.
    """
    hosts.start(HOST, BESIDE, conf=CARDS)
    log = tmp_path / "log"
    with made(lab, HOST, BESIDE, KINDS) as kinds:
        assert_foretold(decom(*DRAIN, "--dry-run"), kinds)
        for kind in (*PERHAPS, *STAYING):
            assert_refused_by_nova(lab, kinds.servers[kind.name])
        assert calls.service(lab, HOST)["status"] == "enabled"
        before = len(migrations(lab, HOST))

        with Observer(lab, HOST) as observer:
            options = ("--partial", "--yes", "--debug", "--log-file", str(log))
            ran = replace(decom, timeout=2 * decom.timeout)(*DRAIN, *options)

        assert_done(ran, kinds)
        assert_recorded(lab, kinds, before)
        assert 1 <= observer.most <= 4
        assert observer.longest_idle < 2 * POLL + 1.0
        assert_few_calls_a_poll(log.read_text())
        lab.delete_servers(*(kinds.servers.pop(kind.name) for kind in (*PERHAPS, *STAYING)))
        kinds.forget_agent(HOST)
        again = decom(*DRAIN, "--yes")
        assert (again.code, again.host["result"], again.json["changed"]) == (0, "unchanged", False)
        removed = decom.remove(HOST)
        assert removed.code == 0, removed.shown
        assert removed.host["result"] == "removed"


def assert_foretold(planned: Ran, kinds: Making) -> None:
    """The guards name those that stay, each with its reason; the plan has a way for the others."""
    assert (planned.code, planned.host["result"]) == (0, "blocked")
    assert set(planned.blocked()) == {"servers-movable", "capacity"}
    words = " ".join(planned.blocked().values())
    named = {kind.name for kind in KINDS if kinds.servers[kind.name] in words}
    assert named == {kind.name for kind in STAYING}
    assert [kind.name for kind in STAYING if kind.why not in words] == []
    detail = {c["target"]: c["detail"] for c in planned.host["changes"]}
    for kind in (*LEAVING, *PERHAPS):
        assert detail[kinds.servers[kind.name]].startswith(kind.way), kind.name
    for kind in PERHAPS:
        assert " (if " in detail[kinds.servers[kind.name]]


def assert_refused_by_nova(lab: Lab, server: str) -> None:
    """A live migration by hand is refused at once, or ends where it began."""
    path = f"/servers/{server}/action"
    compute, version = lab.connection().compute, "2.94"
    answer = compute.post(path, json=REQUESTS[Way.LIVE], microversion=version)
    if not answer.ok:
        assert 400 <= answer.status_code < 500, answer.text
        return

    def ended() -> bool:
        last = [m for m in migrations(lab, HOST) if m["instance_uuid"] == server][-1:]
        return [m["status"] for m in last] == ["error"]

    wait_until(ended, timeout=PATIENCE, what=f"the migration of {server} to fail")
    now = calls.show(lab, server)
    assert (now["OS-EXT-SRV-ATTR:host"], now["status"]) == (HOST, "ACTIVE")


def assert_done(ran: Ran, kinds: Making) -> None:
    """Those that were foretold to leave have left, and the others are named."""
    assert ran.code == 1, ran.shown
    changes = {c["target"]: c for c in ran.host["changes"] if c["step"] == "move-servers"}
    ends = {kind.name: changes[kinds.servers[kind.name]]["status"] for kind in KINDS}
    left = dict.fromkeys((kind.name for kind in (*PERHAPS, *STAYING)), "failed")
    assert ends == dict.fromkeys((kind.name for kind in LEAVING), "done") | left
    message = ran.host["error"]["message"]
    assert message.startswith(f"{HOST}: {len(left)} servers could not be moved: ")
    assert [name for name in left if kinds.servers[name] not in message] == []
    stays, moved = ran.host["to_do"]
    assert f"nova-decom enable {HOST} --bring-back" in stays
    assert moved.startswith(f"{len(left)} servers are not moved")


def assert_recorded(lab: Lab, kinds: Making, before: int) -> None:
    """Nova, placement and cinder have each server on its new host only."""
    now = {kind.name: calls.show(lab, kinds.servers[kind.name]) for kind in KINDS}
    where = {name: found["OS-EXT-SRV-ATTR:host"] for name, found in now.items()}
    last = {m["instance_uuid"]: m["migration_type"] for m in migrations(lab, HOST)}
    for kind in LEAVING:
        server, host = kinds.servers[kind.name], where[kind.name]
        assert host != HOST, kind.name
        assert now[kind.name]["status"] == AFTER.get(kind.status, kind.status), kind.name
        assert last.get(server) in RECORDED[kind.way], kind.name
        holding = {provider_host(lab, p) for p in calls.holdings(lab, server)}
        assert holding == ({host} if host else set()), kind.name
        if kind.zone:
            assert host == BESIDE
    assert {where[kind.name] for kind in (*PERHAPS, *STAYING)} == {HOST}
    assert {name for name, _ in SHOWN} <= {*VOLUMES, *(feature.name for feature in FEATURES)}
    assert len(migrations(lab, HOST)) > before
    for name, volume in kinds.disks.items():
        users = [k.name for k in KINDS if name in {k.boots_from, k.attached}]
        hosts = sorted(where[user] for user in users if where[user])
        assert volumes.attached(lab, volume) == hosts, name


def provider_host(lab: Lab, provider: str) -> str:
    """The host of a resource provider, which may be one of its devices."""
    path = f"/resource_providers/{provider}"
    found: dict[str, Any] = calls.placement(lab, "GET", path)
    name = str(found["name"])
    return name.removesuffix("-devices")


def assert_few_calls_a_poll(log: str) -> None:
    """Between the first move and the last: migrations of the host, servers of one host.

    A list of servers that is not empty takes one call more, which shows that it is whole.
    """
    sent = re.findall(r"nova_decom\S* (compute|placement) (\S+) (\S+)$", log, re.MULTILINE)
    first = next(i for i, (_, method, _) in enumerate(sent) if method == "POST")
    last = max(i for i, (_, method, _) in enumerate(sent) if method == "POST")
    polls = [path for _, method, path in sent[first:last] if method == "GET"]
    # Whether nova-compute still answers is read once in three of its intervals.
    answers = polls.count("/os-services")
    polls = [path for path in polls if path != "/os-services"]
    # A live migration that takes long has its progress read, one at a poll.
    progress = [path for path in polls if re.fullmatch("/servers/[^/]+/migrations", path)]
    polls = _without(polls, progress)
    assert set(polls) == {"/os-migrations", "/servers/detail"}
    assert len(progress) <= polls.count("/os-migrations")
    assert answers <= len(polls)
    count = polls.count("/os-migrations")
    assert count - 1 <= polls.count("/servers/detail") <= 2 * count + 1


def _without(paths: Iterable[str], others: Iterable[str]) -> list[str]:
    others = set(others)
    return [path for path in paths if path not in others]
