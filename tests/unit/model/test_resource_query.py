# SPDX-License-Identifier: Apache-2.0
"""The question to placement for a server."""

from __future__ import annotations

import pytest

from nova_decom.model.resource_query import ResourceQuery, query_of
from tests.unit.build import allocation, server

PLAIN = (("DISK_GB", 1), ("MEMORY_MB", 512), ("VCPU", 2))


def query(specs=(), *held, image=()):
    """The question for a server with these extra specs that holds this."""
    held = held or (allocation(resources=PLAIN),)
    return query_of(server(extra_specs=tuple(specs)), held, dict(image))


def test_a_server_asks_for_what_it_holds():
    """Of all providers of the host; another's allocations are not its."""
    gpu = allocation("child", resources=(("VGPU", 1),))
    found = query((), allocation(resources=PLAIN), gpu, allocation(consumer="id-of-db"))

    assert found == ResourceQuery((*PLAIN[:2], PLAIN[2], ("VGPU", 1)))
    assert not found.is_plain
    assert found.text == "VGPU:1"


def test_what_every_host_has_is_plain():
    """Their amounts are compared without a question."""
    assert query().is_plain
    assert query().text == ""
    assert not query((), allocation(resources=(("PCPU", 2),))).is_plain


def test_traits_come_from_flavor_and_image():
    """Required and forbidden; any other value is none."""
    specs = (("trait:CUSTOM_A", "required"), ("trait:CUSTOM_B", "forbidden"), ("trait:C", "x"))
    found = query(specs, image={"trait:CUSTOM_D": "required", "hw_disk_bus": "scsi"})

    assert (found.required, found.forbidden) == (("CUSTOM_A", "CUSTOM_D"), ("CUSTOM_B",))
    assert not found.is_plain
    assert found.text == "trait CUSTOM_A, trait CUSTOM_D, trait not CUSTOM_B"


@pytest.mark.parametrize(
    ("specs", "image", "wanted"),
    [
        ((("hw:tpm_version", "2.0"),), {}, ("COMPUTE_SECURITY_TPM_2_0",)),
        ((), {"hw_tpm_version": "1.2"}, ("COMPUTE_SECURITY_TPM_1_2",)),
        ((("hw:tpm_version", "3.0"),), {}, ()),
    ],
)
def test_a_virtual_tpm_needs_a_host_that_has_one(specs, image, wanted):
    """The trait that nova's scheduler requires by the version; another version is unknown."""
    found = query(specs, image=image)

    assert (found.required, found.forbidden) == (wanted, ())


@pytest.mark.parametrize(
    "spec", ["resources1:VGPU", "resources_gpu:VGPU", "trait1:CUSTOM_A", "trait_gpu:CUSTOM_A"]
)
def test_groups_are_not_asked_for(spec):
    """Each group's come from one provider."""
    assert query(((spec, "1"),)) is None


def test_a_class_of_two_providers_is_not_asked_for():
    """The sum need not be on one."""
    first, second = (allocation(of, resources=(("VGPU", 1),)) for of in ("a", "b"))

    assert query((), first, second) is None
