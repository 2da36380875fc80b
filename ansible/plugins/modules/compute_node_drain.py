#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Drain nova compute hosts by nova-decom; the program makes every decision."""

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_node_drain
short_description: Disable nova compute hosts and move their servers away
description:
  - Runs C(nova-decom drain) and returns its result. All hosts are disabled before servers move.
options:
  state:
    description: The state of the hosts after the task.
    type: str
    choices: [drained]
    default: drained
  servers:
    description: How to move servers off the hosts; V(auto) chooses by the state of each server,
      V(stop) stops them and leaves them there. nova-decom's default is V(auto).
    type: str
    choices: [refuse, live, cold, auto, evacuate, stop]
  project:
    description: Move only the servers of these projects.
    type: list
    elements: str
    default: []
  server:
    description: Move only these servers; with O(project), of those projects.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - nova_decom.compute.program
  - nova_decom.compute.program.run
  - nova_decom.compute.program.parallel
  - nova_decom.compute.program.moves
  - nova_decom.compute.program.servers
"""

EXAMPLES = r"""
- name: Empty the hosts of a rack for maintenance
  nova_decom.compute.compute_node_drain:
    hosts: "{{ groups['rack_12'] }}"
    cloud: production
    reason: kernel 6.1.119
    max_moves_total: 8
  run_once: true
  delegate_to: controller1
"""

RETURN = r"""
run:
  description: Id of the run; its journal has this name. None when nothing was to be done.
  type: str
  returned: when nova-decom ran
  sample: 20261123T041500Z-7f3a
exit_code:
  description: Exit code of nova-decom.
  type: int
  returned: when nova-decom ran
  sample: 0
plan:
  description: Every change that was planned, with its host.
  type: list
  elements: dict
  returned: when nova-decom ran
  sample:
    - {host: node1, step: move-servers, action: live, target: 9b2c, rows: null,
       detail: live-migrate web, status: done, request_id: req-1}
changes:
  description: Those of them that were made; in check mode, that would be made.
  type: list
  elements: dict
  returned: when nova-decom ran
  sample: []
leftovers:
  description: The records that remain of the hosts, each with its host and its remedy.
  type: list
  elements: dict
  returned: when nova-decom ran
  sample: []
hosts:
  description:
    - The result of each host, with the findings of guards that warn or block.
    - With C(-v), the C(hosts) of nova-decom's JSON document as they are.
  type: list
  elements: dict
  returned: when nova-decom ran
  sample:
    - {host: node1, result: drained, findings: []}
"""

from ansible_collections.nova_decom.compute.plugins.module_utils.nova_decom import (
    MOVES,
    NAMES,
    PARALLEL,
    PROGRAM,
    RUN,
    SERVERS,
    Module,
    change_hosts,
)


def main():
    """Drain the hosts."""
    ways = ["refuse", "live", "cold", "auto", "evacuate", "stop"]
    module = Module(
        argument_spec=dict(
            state=dict(type="str", choices=["drained"], default="drained"),
            servers=dict(type="str", choices=ways),
            project=dict(NAMES, default=[]),
            server=dict(NAMES, default=[]),
            **PROGRAM,
            **RUN,
            **PARALLEL,
            **MOVES,
            **SERVERS,
        ),
        supports_check_mode=True,
    )
    change_hosts(module, "drain")


if __name__ == "__main__":
    main()
