# SPDX-License-Identifier: Apache-2.0
"""The question to placement whether a host has what a server needs. No I/O."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nova_decom.model.cloud import Allocation, Server

#: Classes that every host has, or shares; their amounts are compared without a question.
PLAIN = {"VCPU", "MEMORY_MB", "DISK_GB"}
#: Extra specs of groups, whose resources and traits must come from one provider each.
GROUPED = re.compile(r"(resources|trait)[^:]+:")
TRAIT = "trait:"
#: A flavor's or an image's version of a virtual TPM -> the trait that nova's scheduler requires
#: for it (nova 34.0.0 scheduler/utils.py:300, since 22).
TPM = {"1.2": "COMPUTE_SECURITY_TPM_1_2", "2.0": "COMPUTE_SECURITY_TPM_2_0"}
#: Extra specs of needs that placement does not know: nova's scheduler compares them itself.
UNKNOWN_TO_PLACEMENT = {
    *("pci_passthrough:alias", "hw:numa_nodes", "hw:mem_page_size", "hw:cpu_policy"),
}


@dataclass(frozen=True, slots=True)
class ResourceQuery:
    """Amounts by resource class, and traits that a host must have and must not have."""

    resources: tuple[tuple[str, int], ...]
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """True when every host that has room has what is asked for."""
        return not (self.required or self.forbidden or dict(self.resources).keys() - PLAIN)

    @property
    def text(self) -> str:
        """The resources and traits of a server beside the plain classes."""
        special = [f"{name}:{amount}" for name, amount in self.resources if name not in PLAIN]
        traits = [*self.required, *(f"not {trait}" for trait in self.forbidden)]
        return ", ".join([*special, *(f"trait {trait}" for trait in traits)])


def query_of(
    server: Server, allocations: Iterable[Allocation], image: Mapping[str, str]
) -> ResourceQuery | None:
    """The question for a server by what it holds now; None where it would be another one.

    That is so for groups of resources, and for a class that it holds of several providers.
    """
    held = [a.resources for a in allocations if a.consumer == server.id]
    classes = Counter(name for resources in held for name, _ in resources)
    specs = dict(server.extra_specs)
    if any(map(GROUPED.match, specs)) or any(count > 1 for count in classes.values()):
        return None
    wanted = {**image, **specs}
    return ResourceQuery(
        tuple(sorted(pair for resources in held for pair in resources)),
        _traits(wanted, "required"),
        _traits(wanted, "forbidden"),
    )


def _traits(wanted: Mapping[str, str], how: str) -> tuple[str, ...]:
    names = (n for n, value in wanted.items() if n.startswith(TRAIT) and value == how)
    found = {name.removeprefix(TRAIT) for name in names}
    tpm = TPM.get(wanted.get("hw:tpm_version") or wanted.get("hw_tpm_version", ""))
    return tuple(sorted(found | {tpm} if tpm and how == "required" else found))
