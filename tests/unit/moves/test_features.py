# SPDX-License-Identifier: Apache-2.0
"""For which servers nova refuses which way: each cell of the table, and its inputs."""

from __future__ import annotations

import re

import pytest

from nova_decom.model.cloud import Action, Port
from nova_decom.model.nova_version import NEWEST, OLDEST, NovaVersion, release_of
from nova_decom.model.request import Servers
from nova_decom.moves.eligibility import moves_of
from nova_decom.moves.features import FEATURES, Traits, Way, conditions, refused
from nova_decom.moves.move import Move
from tests.unit.build import facts, request, server, service

RELEASES = range(OLDEST, NEWEST + 1)
PCI, VGPU = "a PCI device of the flavor", "a virtual GPU"
ENCRYPTED = "encrypted memory"
USERS_TPM = "a virtual TPM without hw:tpm_secret_security=host"
HOSTS_TPM = "a virtual TPM with hw:tpm_secret_security=host"
ACCELERATOR, ACCELERATED = "an accelerator of the flavor", "a port with an accelerator"
VDPA, SR_IOV = "a vDPA port", "an SR-IOV port"
BANDWIDTH = "a port with minimum bandwidth or packet rate"
GROUPS = "a port with groups of resource requests"
SHARE, NUMA, PMEM = "a share", "a NUMA topology or pinned CPUs", "persistent memory"

#: Feature, way -> the releases in which nova refuses it whatever its computes are, and then the
#: service version below which a compute makes it refuse. Read from the decorators and checks of
#: every release from 17.0.13 to 34.0.0.
CELLS = {
    (PCI, "live"): (range(17, 31), 0),
    (VGPU, "live"): (range(17, 29), 0),
    (ENCRYPTED, "live"): (range(20, 35), 0),
    (USERS_TPM, "live"): (range(22, 35), 0),
    (USERS_TPM, "evacuate"): (range(22, 35), 0),
    (USERS_TPM, "shelve"): (range(22, 35), 0),
    (HOSTS_TPM, "live"): (range(22, 33), 72),
    (HOSTS_TPM, "evacuate"): (range(22, 35), 0),
    (HOSTS_TPM, "shelve"): (range(22, 35), 0),
    (ACCELERATOR, "live"): (range(21, 35), 0),
    (ACCELERATOR, "cold"): (range(21, 35), 0),
    (ACCELERATOR, "evacuate"): (range(21, 22), 53),
    (ACCELERATOR, "shelve"): (range(21, 23), 54),
    (ACCELERATED, "live"): (range(24, 35), 0),
    (ACCELERATED, "cold"): (range(24, 35), 0),
    (ACCELERATED, "evacuate"): (range(24, 35), 0),
    (ACCELERATED, "shelve"): (range(24, 35), 0),
    (VDPA, "live"): (range(23, 26), 63),
    (VDPA, "cold"): (range(23, 24), 0),
    (VDPA, "evacuate"): (range(23, 24), 0),
    (VDPA, "shelve"): (range(23, 24), 0),
    (SR_IOV, "live"): (range(17, 20), 36),
    (BANDWIDTH, "live"): (range(19, 21), 49),
    (BANDWIDTH, "cold"): (range(19, 20), 39),
    (BANDWIDTH, "evacuate"): (range(19, 21), 49),
    (GROUPS, "live"): (range(24, 24), 59),
    (GROUPS, "cold"): (range(24, 24), 59),
    (GROUPS, "evacuate"): (range(24, 24), 59),
    (SHARE, "live"): (range(31, 35), 0),
    (SHARE, "cold"): (range(31, 34), 74),
    (SHARE, "evacuate"): (range(31, 35), 0),
    (SHARE, "shelve"): (range(31, 35), 0),
    (NUMA, "live"): (range(17, 20), 40),
    (PMEM, "live"): (range(20, 21), 51),
}
#: Feature -> a server that has it: extra specs, image properties, port, share.
HAVING = {
    PCI: Traits({"pci_passthrough:alias": "gpu:1"}),
    VGPU: Traits({"resources:VGPU": "1"}),
    ENCRYPTED: Traits({"hw:mem_encryption": "True"}),
    USERS_TPM: Traits({"hw:tpm_version": "2.0"}),
    HOSTS_TPM: Traits({"hw:tpm_version": "2.0", "hw:tpm_secret_security": "host"}),
    ACCELERATOR: Traits({"accel:device_profile": "fpga"}),
    ACCELERATED: Traits(ports=(Port("id", "accelerator-direct"),)),
    VDPA: Traits(ports=(Port("id"), Port("id", "vdpa"))),
    SR_IOV: Traits(ports=(Port("id", "direct"),)),
    BANDWIDTH: Traits(ports=(Port("id", requests_resources=True),)),
    GROUPS: Traits(ports=(Port("id", requests_groups=True),)),
    SHARE: Traits(has_share=True),
    NUMA: Traits({"hw:cpu_policy": "dedicated"}),
    PMEM: Traits({"hw:pmem": "4GB"}),
}
BY_NAME = {feature.name: feature for feature in FEATURES}


def test_every_cell_of_the_table_is_tested():
    """A rule that is added needs its releases here, and a server that has the feature."""
    assert {(f.name, str(way)) for f in FEATURES for way in f.rules} == set(CELLS)
    assert set(BY_NAME) == set(HAVING)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("feature", "way"), CELLS)
def test_nova_refuses_a_way_in_these_releases(feature, way, release):
    """In the others it refuses while a nova-compute is too old, if its version is known."""
    always, least = CELLS[feature, way]
    rule = BY_NAME[feature].rules[Way(way)]
    depends = release >= always.stop and least > 0

    assert rule.refuses(NovaVersion(release)) is (release in always)
    assert rule.refuses(NovaVersion(release, least)) is (release in always)
    assert rule.refuses(NovaVersion(release, max(least - 1, 0))) is (release in always or depends)


@pytest.mark.parametrize(("feature", "way"), CELLS)
def test_each_cell_has_its_source(feature, way):
    """The release, the file and the line in which the rule was read."""
    source = BY_NAME[feature].rules[Way(way)].source

    assert re.fullmatch(r"nova (\d\d)\.\d\.\d+ [a-z_/]+\.py:\d+", source)


@pytest.mark.parametrize("feature", HAVING)
def test_a_server_has_the_feature_that_it_has(feature):
    """And no other; persistent memory brings a NUMA topology."""
    found = {f.name for f in FEATURES if f.has(HAVING[feature])}

    assert found == ({PMEM, NUMA} if feature == PMEM else {feature})


ALSO = [
    (VGPU, Traits({"resources1:VGPU": "1"})),
    (VGPU, Traits({"resources_gpu:VGPU": "1"})),
    (ENCRYPTED, Traits(image={"hw_mem_encryption": "true"})),
    (USERS_TPM, Traits(image={"hw_tpm_version": "1.2"})),
    (USERS_TPM, Traits({"hw:tpm_version": "2.0", "hw:tpm_secret_security": "user"})),
    (HOSTS_TPM, Traits({"hw:tpm_secret_security": "host"}, {"hw_tpm_version": "2.0"})),
    (NUMA, Traits(image={"hw_cpu_policy": "dedicated"})),
    (NUMA, Traits({"hw:cpu_policy": "mixed"})),
    (NUMA, Traits({"resources:PCPU": "2"})),
    (NUMA, Traits({"hw:numa_nodes": "2"})),
    (NUMA, Traits({"hw:mem_page_size": "large"})),
    *((SR_IOV, Traits(ports=(Port("id", kind),))) for kind in ("macvtap", "remote-managed")),
]


@pytest.mark.parametrize(("feature", "traits"), ALSO)
def test_a_feature_has_several_names(feature, traits):
    """In the flavor, in the image, or in a group of resources."""
    assert [f.name for f in FEATURES if f.has(traits)] == [feature]


NONE = [
    Traits(),
    Traits({"hw:mem_encryption": "False", "hw:cpu_policy": "shared", "resources:VCPU": "1"}),
    Traits({"hw:tpm_secret_security": "host"}),
    Traits(image={"hw_mem_encryption": "False"}),
    Traits(ports=(Port("id"),)),
]


@pytest.mark.parametrize("traits", NONE)
def test_other_servers_have_none(traits):
    """What is switched off is none."""
    assert [f.name for f in FEATURES if f.has(traits)] == []


def test_ports_and_shares_are_their_own_servers():
    """A neighbour's do not count."""
    state = facts(
        servers=(server(), server("other")),
        ports=(Port("id-of-other", "accelerator-direct"),),
        with_shares=frozenset({"id-of-other"}),
    )
    web, other = state.servers

    assert refused(state, web, Way.LIVE) == ()
    assert refused(state, other, Way.LIVE) == (ACCELERATED, SHARE)


def test_a_condition_that_nova_does_not_show_is_named():
    """In releases in which it decides; before, nova refuses."""
    web = server(extra_specs=(("resources:VGPU", "1"),))
    text = "libvirt has 8.6, QEMU 8.1, and the GPU's driver can"

    for release, found in ((28, ()), (29, (text,))):
        state = facts(servers=(web,), nova=NovaVersion(release))
        assert conditions(state, web, Way.LIVE) == found


def leaves(specs, way=Servers.AUTO, status="ACTIVE", **what):
    """The way of a server with these extra specs."""
    asked = request(servers=way, offline=way is Servers.EVACUATE)
    here = service(state="down") if asked.offline else service()
    web = server(status=status, extra_specs=tuple(specs.items()))
    (found,) = moves_of(facts(service=here, request=asked, servers=(web,), **what))
    return found


DEVICE = {"pci_passthrough:alias": "gpu:1"}
TPM = {"hw:tpm_version": "2.0"}
FPGA = {"accel:device_profile": "fpga"}
OLD = {"nova": NovaVersion(30)}
COLD_CURE = "--servers cold (a restart), or stop it first"
SHELVE = "shelve it (openstack server shelve)"
STOP = "unpause and stop it first"
DETACH = "detach what is named, or delete the server"
START = "start the host again and move it from there"
RESUME = "resume it (openstack server resume)"
BROAD = Port("id-of-web", requests_resources=True)
CURES = [
    ("suspended", leaves({}, status="SUSPENDED"), f"{RESUME}, or shelve it"),
    ("suspended, vTPM", leaves(TPM, status="SUSPENDED"), RESUME),
    ("PCI, alive", leaves(DEVICE, **OLD), f"{COLD_CURE}, or {SHELVE}"),
    ("PCI, paused", leaves(DEVICE, status="PAUSED", **OLD), f"{STOP}, or {SHELVE}"),
    ("vTPM, alive", leaves(TPM), COLD_CURE),
    ("accelerator, alive", leaves(FPGA), SHELVE),
    ("accelerator, old computes", leaves(FPGA, nova=NovaVersion(34, 53)), DETACH),
    ("accelerator, stopped", leaves(FPGA, status="SHUTOFF"), SHELVE),
    ("accelerator, cold", leaves(FPGA, Servers.COLD, nova=NovaVersion(22)), DETACH),
    ("vTPM, evacuated", leaves(TPM, Servers.EVACUATE), START),
    (
        "bandwidth, cold",
        leaves(
            {},
            Servers.COLD,
            nova=NovaVersion(19),
            ports=(BROAD,),
        ),
        SHELVE,
    ),
]


@pytest.mark.parametrize(("found", "cure"), [pytest.param(f, c, id=i) for i, f, c in CURES])
def test_the_cure_is_a_way_that_nova_takes(found, cure):
    """Never one that it refuses too."""
    assert found.remedy == cure


def test_a_refused_server_is_named_with_its_feature():
    """And the way that it was to take."""
    port = (Port("id-of-web", requests_groups=True),)
    found = leaves({}, Servers.COLD, nova=NovaVersion(34, 58), ports=port)

    assert found.text == (
        "'web' id-of-web (ACTIVE) has a port with groups of resource requests, and cannot be "
        "cold-migrated"
    )


def test_what_is_refused_alive_may_move_cold():
    """Auto does not restart a server; --servers cold does."""
    assert leaves(DEVICE, Servers.COLD, **OLD).action is Action.COLD


@pytest.mark.parametrize("release", [31, 34])
def test_a_pci_device_moves_alive_from_nova_31_if_its_alias_says_so(release):
    """The alias is in nova.conf: nova decides, and the plan says on what it depends."""
    found = leaves(DEVICE, nova=NovaVersion(release))

    assert isinstance(found, Move)
    assert found.action is Action.LIVE
    assert found.text.endswith("(if the PCI alias has live_migratable)")


@pytest.mark.parametrize(
    ("microversion", "release"),
    [
        *(("2.1", 17), ("2.60", 17), ("2.65", 18), ("2.72", 19), ("2.79", 20), ("2.87", 22)),
        *(("2.88", 23), ("2.90", 25), ("2.93", 26), ("2.95", 28), ("2.96", 30), ("2.100", 32)),
        *(("2.103", 33), ("2.104", 34), ("2.110", 34), (None, 34)),
    ],
)
def test_the_newest_microversion_tells_the_release(microversion, release):
    """Of two releases with the same one, the newer."""
    assert release_of(microversion) == release


def test_image_properties_come_from_glance_where_nova_shows_none():
    """Below microversion 2.98; from it on nova's own copy counts."""
    images = {"i": {"hw_tpm_version": "2.0"}}
    shown = (("hw_disk_bus", "scsi"),)

    for web, names in (
        (server(image="i"), (USERS_TPM,)),
        (server(image="i", image_properties=shown), ()),
        (server(image="gone"), ()),
    ):
        state = facts(servers=(web,), images=images)
        assert refused(state, web, Way.LIVE) == names
