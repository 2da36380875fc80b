# SPDX-License-Identifier: Apache-2.0
"""Features of the table of moves that nova's records can say of any server of the lab.

Nova's API refuses a way by what these records say, before it looks at the state of the server. So
a server in a state that no way is allowed from shows each refusal, and nothing moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nova_decom.moves.features import FEATURES, Way

#: The requests of the ways, with the microversion in which each is sent.
REQUESTS: Mapping[Way, dict[str, Any]] = {
    Way.LIVE: {"os-migrateLive": {"host": None, "block_migration": "auto"}},
    Way.COLD: {"migrate": None},
    Way.EVACUATE: {"evacuate": {}},
    Way.SHELVE: {"shelve": None},
}


@dataclass(frozen=True)
class Worn:
    """What nova's records say of a server: extra specs, image properties, a port, a share."""

    specs: Mapping[str, str] = field(default_factory=dict)
    image: Mapping[str, str] = field(default_factory=dict)
    vnic_type: str | None = None
    has_share: bool = False


TPM = {"hw:tpm_version": "2.0", "hw:tpm_model": "tpm-crb"}
WORN: Mapping[str, Worn] = {
    "encrypted memory": Worn(
        {"hw:mem_encryption": "true"},
        {"hw_firmware_type": "uefi", "hw_machine_type": "q35"},
    ),
    "a virtual TPM without hw:tpm_secret_security=host": Worn(TPM),
    "a virtual TPM with hw:tpm_secret_security=host": Worn(
        TPM | {"hw:tpm_secret_security": "host"}
    ),
    "an accelerator of the flavor": Worn({"accel:device_profile": "fpga"}),
    "a port with an accelerator": Worn(vnic_type="accelerator-direct"),
    "a vDPA port": Worn(vnic_type="vdpa"),
    "a share": Worn(has_share=True),
}
#: The cells of the table with a rule that were tried on the real nova of the lab.
SEEN = {(f.name, way) for f in FEATURES for way in f.rules if f.name in WORN}
