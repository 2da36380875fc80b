# SPDX-License-Identifier: Apache-2.0
"""Servers of every kind that the lab can make, with the way by which each leaves its host.

The host and one more are a zone of their own. Only these two have PCI devices, and the traits and
resource classes of vTPM, encrypted memory and virtual GPU, by placement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nova_decom.moves.features import Way

TPM = {"hw:tpm_version": "2.0", "hw:tpm_model": "tpm-crb"}
ENCRYPTED = {"hw:mem_encryption": "true"}
VGPU, ONE_NODE = {"resources:VGPU": "1"}, {"hw:numa_nodes": "1"}
UEFI = {"hw_firmware_type": "uefi", "hw_machine_type": "q35"}
CARD, LIVE_CARD = ({"pci_passthrough:alias": f"{name}:1"} for name in ("card", "live-card"))
#: Only the host has the one, the other host of its zone both.
HERE, BOTH = "CUSTOM_ONLY_HERE", "CUSTOM_IN_ZONE"
TRAITS = (
    BOTH,
    "COMPUTE_SECURITY_TPM_2_0",
    "COMPUTE_SECURITY_TPM_CRB",
    "COMPUTE_SECURITY_TPM_SECRET_SECURITY_USER",
    "COMPUTE_SECURITY_TPM_SECRET_SECURITY_HOST",
    "HW_CPU_X86_AMD_SEV",
)
CLASSES = ("VGPU", "MEM_ENCRYPTION_CONTEXT")
NEAR = "near"
#: Server groups: policy, and most members on a host.
GROUPS = {
    "apart": ("anti-affinity", 1),
    "pairs": ("anti-affinity", 2),
    "tight": ("anti-affinity", 1),
    "together": ("affinity", None),
}
#: Other members of a group, by host: where they leave a host free, and where they leave none.
MEMBERS = {"node1": "apart", "kinds2": "tight"}
LIVE, COLD, OFFLOAD, REBUILD = "live-migrate", "cold-migrate", "offload", "rebuild"
#: The words of the plan -> the way of the table of moves.
WAYS = {LIVE: Way.LIVE, COLD: Way.COLD, OFFLOAD: Way.SHELVE, REBUILD: Way.EVACUATE}
#: Features of the table, by the names that it has for them.
PCI, GPU, SEV = "a PCI device of the flavor", "a virtual GPU", "encrypted memory"
NUMA = "a NUMA topology or pinned CPUs"
LEGACY_TPM = "a virtual TPM without hw:tpm_secret_security=host"
HOST_TPM = "a virtual TPM with hw:tpm_secret_security=host"
#: Volumes, for which nova has no rule, so that the table has none either.
BOOT, ATTACHED, SHARED = "a boot volume", "an attached volume", "a multi-attached volume"
VOLUMES = (BOOT, ATTACHED, SHARED)


@dataclass(frozen=True)
class Kind:
    """A server: how it is made, and how it leaves.

    ``way`` are the words of the plan. ``why`` are the words of the refusal, of one that nova
    refuses too. ``feature`` is what the table of moves calls it.
    """

    name: str
    status: str = "ACTIVE"
    way: str = ""
    why: str = ""
    specs: Mapping[str, str] = field(default_factory=dict)
    image: Mapping[str, str] = field(default_factory=dict)
    boots_from: str = ""
    attached: str = ""
    zone: str | None = None
    group: str | None = None
    has_port: bool = False
    is_locked: bool = False
    feature: str = ""


LEAVING = (
    Kind("locked", way=LIVE, is_locked=True),
    Kind("pinned", way=LIVE, zone=NEAR),
    Kind("apart", way=LIVE, group="apart"),
    Kind("pair-1", way=LIVE, group="pairs"),
    Kind("pair-2", way=LIVE, group="pairs"),
    Kind("port", way=LIVE, has_port=True),
    Kind("trait", way=LIVE, specs={f"trait:{BOTH}": "required"}),
    Kind("numa", way=LIVE, specs=ONE_NODE, feature=NUMA),
    Kind("vgpu", way=LIVE, specs=VGPU, feature=GPU),
    Kind("shelved-vgpu", "SHELVED", OFFLOAD, specs=VGPU, feature=GPU),
    Kind("live-card", way=LIVE, specs=LIVE_CARD, feature=PCI),
    Kind("host-tpm", way=LIVE, specs=TPM | {"hw:tpm_secret_security": "host"}, feature=HOST_TPM),
    Kind("boot", way=LIVE, boots_from="boot", feature=BOOT),
    Kind("shared", way=LIVE, attached="shared", feature=SHARED),
    Kind("paused-attached", "PAUSED", LIVE, attached="paused", feature=ATTACHED),
    Kind("shelved-numa", "SHELVED", OFFLOAD, specs=ONE_NODE, feature=NUMA),
    Kind("off-locked", "SHUTOFF", COLD, zone=NEAR, is_locked=True),
    Kind("off-port", "SHUTOFF", COLD, has_port=True),
    Kind("off-boot", "SHUTOFF", COLD, boots_from="off", feature=BOOT),
    Kind("off-shared", "SHUTOFF", COLD, attached="shared", feature=SHARED),
    Kind("off-tpm", "SHUTOFF", COLD, specs=TPM, feature=LEGACY_TPM),
    Kind("off-encrypted", "SHUTOFF", COLD, specs=ENCRYPTED, image=UEFI, feature=SEV),
    Kind("off-card", "SHUTOFF", COLD, specs=CARD, feature=PCI),
    Kind("off-vgpu", "SHUTOFF", COLD, specs=VGPU, feature=GPU),
    Kind("off-numa", "SHUTOFF", COLD, specs=ONE_NODE, feature=NUMA),
    Kind("off-attached", "SHUTOFF", COLD, attached="off-attached", feature=ATTACHED),
    Kind("shelved", "SHELVED", OFFLOAD, attached="shelved", feature=ATTACHED),
    Kind("resized", "VERIFY_RESIZE", "confirm"),
)
#: Nova's API does not show whether the alias of the device allows it, and nova refuses.
PERHAPS = (Kind("card", way=LIVE, specs=CARD, feature=PCI),)
STAYING = (
    Kind("suspended", "SUSPENDED", why="(SUSPENDED)"),
    Kind("rescued", "RESCUE", why="(RESCUE)"),
    Kind("broken", "ERROR", why="(ERROR)"),
    Kind(
        "tpm",
        specs=TPM,
        why="a virtual TPM without hw:tpm_secret_security=host, and cannot",
        feature=LEGACY_TPM,
    ),
    Kind(
        "encrypted", specs=ENCRYPTED, image=UEFI, why="encrypted memory, and cannot", feature=SEV
    ),
    Kind("together", group="together", why="'kinds-together' (affinity)"),
    Kind("tight", group="tight", zone=NEAR, why="'kinds-tight' (anti-affinity)"),
    Kind("here", specs={f"trait:{HERE}": "required"}, why=f"(needs trait {HERE})"),
)
KINDS = (*LEAVING, *PERHAPS, *STAYING)
#: Servers of a host that died, which are evacuated.
DEAD = (
    Kind("dead-boot", way=REBUILD, boots_from="boot", feature=BOOT),
    Kind("dead-attached", way=REBUILD, attached="attached", feature=ATTACHED),
    Kind("dead-shared", way=REBUILD, attached="shared", feature=SHARED),
)
#: The cells of the table of moves that a server has shown which nova has moved, or left.
SHOWN = {(k.feature, WAYS[k.way or LIVE]) for k in (*KINDS, *DEAD) if k.feature}
NO_HOST = "nova: No valid host was found. There are not enough hosts available."
NO_QOS = "neutron: GET /v2.0/qos/policies: 404"
#: Features that no server of the lab can have, with the answer of the lab to who wants one.
ANSWERS = {
    "an accelerator of the flavor": "nova: Could not communicate with Cyborg",
    "a port with an accelerator": "nova: No device profile for port",
    "a vDPA port": NO_HOST,
    "an SR-IOV port": NO_HOST,
    "a port with minimum bandwidth or packet rate": NO_QOS,
    "a port with groups of resource requests": NO_QOS,
    "a share": "nova: keystoneauth1.exceptions.catalog.EndpointNotFound (manila)",
    "persistent memory": "nova: No valid host was found.",
}
