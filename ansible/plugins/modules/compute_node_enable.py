#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Enable nova compute hosts by nova-decom; the program makes every decision."""

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_node_enable
short_description: Enable nova compute hosts that nova-decom has drained
description:
  - Runs C(nova-decom enable) and returns its result.
options:
  state:
    description: The state of the hosts after the task.
    type: str
    choices: [enabled]
    default: enabled
  bring_back:
    description:
      - Move the servers back that a drain has moved away, and start those that it has stopped.
      - V(last), or the id of the run that drained the host; takes one host, and the state
        directory of that run.
    type: str
extends_documentation_fragment:
  - nova_decom.compute.program
  - nova_decom.compute.program.run
  - nova_decom.compute.program.moves
"""

EXAMPLES = r"""
- name: Enable a host and bring its servers back
  nova_decom.compute.compute_node_enable:
    hosts: node1
    cloud: production
    bring_back: last
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
    - {host: node1, step: enable-service, action: enable, target: 9b2c, rows: null,
       detail: PUT /os-services/9b2c, status: done, request_id: req-1}
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
    - {host: node1, result: enabled, findings: []}
"""

from ansible_collections.nova_decom.compute.plugins.module_utils.nova_decom import (
    MOVES,
    PROGRAM,
    RUN,
    TEXT,
    Module,
    change_hosts,
)


def main():
    """Enable the hosts."""
    module = Module(
        argument_spec=dict(
            state=dict(type="str", choices=["enabled"], default="enabled"),
            bring_back=TEXT,
            **PROGRAM,
            **RUN,
            **MOVES,
        ),
        supports_check_mode=True,
    )
    change_hosts(module, "enable")


if __name__ == "__main__":
    main()
