# SPDX-License-Identifier: Apache-2.0
"""The commands that delete what is left of an OVN chassis."""

from __future__ import annotations

import shlex

from nova_decom.registrars.ovn_agents import cure_of_ghost


def test_the_name_of_a_chassis_is_one_word_of_the_commands():
    """It comes from another service, and the commands are pasted into a shell of root."""
    name = "a b; c"

    first, second = (shlex.split(part) for part in cure_of_ghost(name).rsplit("; openstack", 1))

    assert (first[-1], second[-1]) == (name, name)
