# SPDX-License-Identifier: Apache-2.0
"""Features of servers for which nova refuses a way to move them: one table, by release.

The rules are those of nova itself; each names the release and the file in which it was read.
The page "Which servers can move" is written from this table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nova_decom.model.cloud import Port, Server
from nova_decom.model.host import HostFacts
from nova_decom.model.nova_version import OLDEST, NovaVersion


class Way(StrEnum):
    """The ways off a host."""

    LIVE = "live"
    COLD = "cold"
    EVACUATE = "evacuate"
    SHELVE = "shelve"


@dataclass(frozen=True, slots=True)
class Rule:
    """The releases in which nova refuses a way: from ``since`` on, before ``until``.

    From ``until`` on every nova-compute must have the service version ``computes``. ``only_if``
    is a further condition then, which nova's API does not show: nova is asked.
    """

    source: str
    since: int = OLDEST
    until: int | None = None
    computes: int = 0
    only_if: str = ""

    def refuses(self, nova: NovaVersion) -> bool:
        """True when this nova refuses; computes of a version that is not known are no reason."""
        if nova.release < self.since:
            return False
        if self.until is None or nova.release < self.until:
            return True
        return nova.computes is not None and nova.computes < self.computes

    def condition(self, nova: NovaVersion) -> str:
        """The condition on which this nova moves the server; "" without any."""
        return "" if nova.release < self.since or self.refuses(nova) else self.only_if


@dataclass(frozen=True, slots=True)
class Traits:
    """A server as far as nova's rules depend on it."""

    specs: Mapping[str, str] = field(default_factory=dict)
    image: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    has_share: bool = False


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature of servers, and the rules for them; a way without rule is never refused."""

    name: str
    has: Callable[[Traits], bool]
    rules: Mapping[Way, Rule] = field(default_factory=dict)


SR_IOV = {"direct", "direct-physical", "macvtap", "virtio-forwarder", "remote-managed"}
ACCELERATED = {"accelerator-direct", "accelerator-direct-physical"}
#: Extra specs with which nova gives a server a NUMA topology (nova 34.0.0 virt/hardware.py:2387);
#: image properties have the same names with "_".
NUMA = ("hw:numa_nodes", "hw:mem_page_size", "hw:pmem")
PINNING = {"dedicated", "mixed"}
API = "nova 34.0.0 compute/api.py"
CONDUCTOR = "nova 34.0.0 conductor/tasks/live_migrate.py"


def _wants(traits: Traits, spec: str) -> str:
    """The value of an extra spec, or of the image property of this name; "" without either."""
    return traits.specs.get(spec) or traits.image.get(spec.replace(":", "_")) or ""


def _has_vtpm(traits: Traits) -> bool:
    return bool(_wants(traits, "hw:tpm_version"))


def _keeps_secret_on_host(traits: Traits) -> bool:
    return traits.specs.get("hw:tpm_secret_security") == "host"


def _is_encrypted(traits: Traits) -> bool:
    return _wants(traits, "hw:mem_encryption").lower() in {"true", "1", "yes", "on", "t", "y"}


def _has_numa(traits: Traits) -> bool:
    is_pinned = _wants(traits, "hw:cpu_policy") in PINNING or "resources:PCPU" in traits.specs
    return is_pinned or any(_wants(traits, spec) for spec in NUMA)


def _has_vgpu(traits: Traits) -> bool:
    """True for numbered groups of resources too."""
    return any(s.startswith("resources") and s.endswith(":VGPU") for s in traits.specs)


def _has_port(kinds: set[str]) -> Callable[[Traits], bool]:
    return lambda traits: any(p.vnic_type in kinds for p in traits.ports)


FEATURES = (
    Feature(
        "a PCI device of the flavor",
        lambda t: "pci_passthrough:alias" in t.specs,
        {
            Way.LIVE: Rule(
                "nova 31.3.1 conductor/tasks/live_migrate.py:250",
                until=31,
                only_if="the PCI alias has live_migratable",
            )
        },
    ),
    Feature(
        "a virtual GPU",
        _has_vgpu,
        {
            Way.LIVE: Rule(
                "nova 29.4.0 virt/libvirt/driver.py:10292",
                until=29,
                only_if="libvirt has 8.6, QEMU 8.1, and the GPU's driver can",
            )
        },
    ),
    Feature(
        "encrypted memory",
        _is_encrypted,
        {Way.LIVE: Rule(f"{API}:5584", since=20)},
    ),
    Feature(
        "a virtual TPM without hw:tpm_secret_security=host",
        lambda t: _has_vtpm(t) and not _keeps_secret_on_host(t),
        {
            Way.LIVE: Rule(f"{API}:5583", since=22),
            Way.EVACUATE: Rule(f"{API}:5716", since=22),
            Way.SHELVE: Rule(f"{API}:4553", since=22),
        },
    ),
    Feature(
        "a virtual TPM with hw:tpm_secret_security=host",
        lambda t: _has_vtpm(t) and _keeps_secret_on_host(t),
        {
            Way.LIVE: Rule("nova 33.0.2 compute/api.py:5554", since=22, until=33, computes=72),
            Way.EVACUATE: Rule(f"{API}:5716", since=22),
            Way.SHELVE: Rule(f"{API}:4553", since=22),
        },
    ),
    Feature(
        "an accelerator of the flavor",
        lambda t: "accel:device_profile" in t.specs,
        {
            Way.LIVE: Rule(f"{API}:5582", since=21),
            Way.COLD: Rule(f"{API}:4291", since=21),
            Way.EVACUATE: Rule("nova 22.4.0 compute/api.py:5186", since=21, until=22, computes=53),
            Way.SHELVE: Rule("nova 23.2.2 compute/api.py:4197", since=21, until=23, computes=54),
        },
    ),
    Feature(
        "a port with an accelerator",
        _has_port(ACCELERATED),
        {
            Way.LIVE: Rule(f"{API}:5577", since=24),
            Way.COLD: Rule(f"{API}:4290", since=24),
            Way.EVACUATE: Rule(f"{API}:5715", since=24),
            Way.SHELVE: Rule(f"{API}:4552", since=24),
        },
    ),
    Feature(
        "a vDPA port",
        _has_port({"vdpa"}),
        {
            Way.LIVE: Rule("nova 26.3.0 compute/api.py:5477", since=23, until=26, computes=63),
            Way.COLD: Rule("nova 23.2.2 compute/api.py:3974", since=23, until=24),
            Way.EVACUATE: Rule("nova 23.2.2 compute/api.py:5277", since=23, until=24),
            Way.SHELVE: Rule("nova 23.2.2 compute/api.py:4195", since=23, until=24),
        },
    ),
    Feature(
        "an SR-IOV port",
        _has_port(SR_IOV),
        {
            Way.LIVE: Rule(
                f"{CONDUCTOR}:266",
                until=20,
                computes=36,
                only_if="neutron has the extension binding-extended",
            )
        },
    ),
    Feature(
        "a port with minimum bandwidth or packet rate",
        lambda t: any(p.requests_resources for p in t.ports),
        {
            Way.LIVE: Rule(
                "nova 21.2.4 api/openstack/compute/migrate_server.py:138",
                since=19,
                until=21,
                computes=49,
            ),
            Way.COLD: Rule(
                "nova 20.6.1 api/openstack/compute/migrate_server.py:67",
                since=19,
                until=20,
                computes=39,
            ),
            Way.EVACUATE: Rule(
                "nova 21.2.4 api/openstack/compute/evacuate.py:126",
                since=19,
                until=21,
                computes=49,
            ),
        },
    ),
    Feature(
        "a port with groups of resource requests",
        lambda t: any(p.requests_groups for p in t.ports),
        {
            Way.LIVE: Rule(f"{API}:5576", since=24, until=24, computes=59),
            Way.COLD: Rule(f"{API}:4289", since=24, until=24, computes=59),
            Way.EVACUATE: Rule(f"{API}:5714", since=24, until=24, computes=59),
        },
    ),
    Feature(
        "a share",
        lambda t: t.has_share,
        {
            Way.LIVE: Rule(f"{API}:5575", since=31),
            Way.COLD: Rule(f"{API}:4311", since=31, until=34, computes=74),
            Way.EVACUATE: Rule(f"{API}:5713", since=31),
            Way.SHELVE: Rule(f"{API}:4551", since=31),
        },
    ),
    Feature(
        "a NUMA topology or pinned CPUs",
        _has_numa,
        {Way.LIVE: Rule(f"{CONDUCTOR}:202", until=20, computes=40)},
    ),
    Feature(
        "persistent memory",
        lambda t: "hw:pmem" in t.specs,
        {Way.LIVE: Rule(f"{CONDUCTOR}:296", since=20, until=21, computes=51)},
    ),
)


def traits_of(facts: HostFacts, server: Server) -> Traits:
    """The server as far as nova's rules depend on it."""
    return Traits(
        specs=dict(server.extra_specs),
        image=dict(server.image_properties) or facts.images.get(server.image, {}),
        ports=tuple(p for p in facts.ports if p.server == server.id),
        has_share=server.id in facts.with_shares,
    )


def refused(facts: HostFacts, server: Server, way: Way) -> tuple[str, ...]:
    """The features of the server for which nova refuses this way."""
    rules = _rules(facts, server, way)
    return tuple(name for name, rule in rules if rule.refuses(facts.nova))


def conditions(facts: HostFacts, server: Server, way: Way) -> tuple[str, ...]:
    """A condition of this way that nova's API does not show."""
    found = (rule.condition(facts.nova) for _, rule in _rules(facts, server, way))
    return tuple(text for text in found if text)


def _rules(facts: HostFacts, server: Server, way: Way) -> Iterator[tuple[str, Rule]]:
    traits = traits_of(facts, server)
    return ((f.name, f.rules[way]) for f in FEATURES if way in f.rules and f.has(traits))
