#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Read nova compute hosts by nova-decom, and change nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_node_info
short_description: List compute hosts, verify removed ones, or find leftovers in the whole cloud
description:
  - Runs C(nova-decom list), C(verify) or C(audit), which change nothing.
  - Leftovers are returned and do not fail the task.
options:
  query:
    description:
      - V(list) returns service, servers and verdict of the hosts, or of all compute hosts.
      - V(verify) returns what remains of each host.
      - V(audit) returns the leftovers of every removed host in the cloud.
    type: str
    choices: [list, verify, audit]
    default: list
  hosts:
    description: Exact names of compute hosts; needed for V(verify), not allowed for V(audit).
    type: list
    elements: str
    aliases: [host, name]
  keep_agents:
    description: For V(verify), network agents may remain.
    type: bool
    default: false
  host_aliases:
    description: For V(verify), other exact names of the host in neutron or placement.
    type: list
    elements: str
    default: []
    aliases: [host_alias]
  metrics_textfile:
    description: For V(verify) and V(audit), write metrics for the Prometheus textfile collector
      to this file.
    type: path
extends_documentation_fragment:
  - nova_decom.compute.program
attributes:
  check_mode:
    description: The same as outside of check mode.
    support: full
  diff_mode:
    description: Returns no diff.
    support: none
"""

EXAMPLES = r"""
- name: Fail when removed hosts have left something in the cloud
  nova_decom.compute.compute_node_info:
    query: audit
    cloud: production
    nova_conf: /etc/nova/nova.conf
  delegate_to: controller1
  register: audit
  failed_when: audit.failed or audit.leftovers
"""

RETURN = r"""
exit_code:
  description: Exit code of nova-decom.
  type: int
  returned: when nova-decom ran
  sample: 0
leftovers:
  description: The leftovers of the hosts, each with its host and its remedy.
  type: list
  elements: dict
  returned: when nova-decom ran
  sample:
    - {host: node1, kind: host-mapping, target: node1, detail: mapped to cell cell1,
       remedy: nova-decom remove node1}
hosts:
  description: The C(hosts) of nova-decom's JSON document.
  type: list
  elements: dict
  returned: when nova-decom ran
  sample:
    - {host: node1, status: enabled, state: up, verdict: removable}
unchecked:
  description: What an audit could not check, for example without databases.
  type: list
  elements: str
  returned: when nova-decom ran
  sample: []
"""

from ansible_collections.nova_decom.compute.plugins.module_utils.nova_decom import (
    CHANGES,
    FLAG,
    HOSTS,
    NAMES,
    PATH,
    PROGRAM,
    SUCCESS,
    Module,
    complaint,
    leftovers,
    run,
)


def main():
    """Read the hosts."""
    module = Module(
        argument_spec=dict(
            query=dict(type="str", choices=["list", "verify", "audit"], default="list"),
            hosts=HOSTS,
            keep_agents=FLAG,
            host_aliases=dict(NAMES, default=[], aliases=["host_alias"]),
            metrics_textfile=PATH,
            **PROGRAM,
        ),
        required_if=[("query", "verify", ["hosts"])],
        supports_check_mode=True,
    )
    if module.params["query"] == "list" and module.params["hosts"] == []:
        module.fail_json(msg="hosts is empty; leave it out to list all compute hosts")
    document, err = run(module, module.params["query"])
    found = {
        "exit_code": document["exit_code"],
        "hosts": document["hosts"],
        "leftovers": leftovers(document["hosts"]),
        "unchecked": document.get("unchecked", []),
    }
    if document["exit_code"] not in {SUCCESS, CHANGES}:
        module.fail_json(msg=complaint(document), stderr=err, **found)
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
