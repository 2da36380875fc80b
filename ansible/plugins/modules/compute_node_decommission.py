#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Remove nova compute hosts by nova-decom; the program makes every decision."""

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_node_decommission
short_description: Remove nova compute hosts from an OpenStack cloud
description:
  - Runs C(nova-decom remove) and returns its result.
  - The hosts are disabled and nova-compute is stopped; the services, resource providers, network
    agents and rows are deleted, and everything is read back.
options:
  state:
    description: The state of the hosts after the task.
    type: str
    choices: [absent]
    default: absent
  stop_with:
    description: How to stop nova-compute; with V(none) you stop it yourself and the run waits.
      nova-decom's default is V(ssh).
    type: str
    choices: [ssh, command, none]
  stop_command:
    description: Command for O(stop_with=command); C({host}) is replaced; it runs without a shell.
    type: str
  servers:
    description: How to move servers off the hosts; V(auto) chooses by the state of each server.
      nova-decom's default is V(refuse).
    type: str
    choices: [refuse, live, cold, auto, evacuate]
  rows:
    description: Delete the rows in the cell database, or keep them soft-deleted as nova does.
      nova-decom's default is V(purge).
    type: str
    choices: [purge, keep]
  all_binaries:
    description: Also remove other nova services of the hosts that are down.
    type: bool
    default: false
  keep_agents:
    description: Keep the network agents of the hosts.
    type: bool
    default: false
  reschedule_agents:
    description: Move routers and networks of dead L3 and DHCP agents to living agents.
    type: bool
    default: false
  discard_messages:
    description: Delete message queues of the hosts with messages in them.
    type: bool
    default: false
  close_evacuations:
    description: Set open evacuations from the hosts to completed in the cell database.
    type: bool
    default: false
  host_aliases:
    description: Other exact names of the host in neutron or placement; for one host only.
    type: list
    elements: str
    default: []
    aliases: [host_alias]
  absent_ok:
    description:
      - Treat an unknown host as already removed. A typing error then looks like success.
      - nova-decom knows the hosts that it has removed by its state directory; use this when that
        directory does not outlive the play.
    type: bool
    default: false
  settle:
    description: Seconds to watch for a host coming back after removal; 0 does not watch.
      nova-decom's default is V(60).
    type: float
  report_interval:
    description: Seconds between two heartbeats of nova-compute. nova-decom's default is
      V(report_interval in nova.conf, else 10).
    type: float
  metrics_textfile:
    description: Write metrics for the Prometheus textfile collector to this file.
    type: path
extends_documentation_fragment:
  - nova_decom.compute.program
  - nova_decom.compute.program.run
  - nova_decom.compute.program.parallel
  - nova_decom.compute.program.moves
  - nova_decom.compute.program.servers
"""

EXAMPLES = r"""
- name: Remove a rack in one run, four hosts after the other
  nova_decom.compute.compute_node_decommission:
    hosts: "{{ groups['rack_12'] }}"
    batch: 4
    max_hosts: 40
    cloud: production
    nova_conf: /etc/nova/nova.conf
    servers: auto
    reason: rack 12 retired
  run_once: true
  delegate_to: controller1
  register: gone

- name: Remove a dead, fenced host
  nova_decom.compute.compute_node_decommission:
    hosts: node7
    cloud: production
    nova_conf: /etc/nova/nova.conf
    offline: true
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
    - {host: node1, step: delete-service, action: delete, target: 9b2c, rows: null,
       detail: DELETE /os-services/9b2c, status: done, request_id: req-1}
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
    - {host: node1, result: removed, findings: []}
"""

from ansible_collections.nova_decom.compute.plugins.module_utils.nova_decom import (
    FLAG,
    MOVES,
    NAMES,
    PARALLEL,
    PATH,
    PROGRAM,
    RUN,
    SECONDS,
    SERVERS,
    TEXT,
    Module,
    change_hosts,
)


def main():
    """Remove the hosts."""
    module = Module(
        argument_spec=dict(
            state=dict(type="str", choices=["absent"], default="absent"),
            stop_with=dict(type="str", choices=["ssh", "command", "none"]),
            stop_command=TEXT,
            servers=dict(type="str", choices=["refuse", "live", "cold", "auto", "evacuate"]),
            rows=dict(type="str", choices=["purge", "keep"]),
            all_binaries=FLAG,
            keep_agents=FLAG,
            reschedule_agents=FLAG,
            discard_messages=FLAG,
            close_evacuations=FLAG,
            host_aliases=dict(NAMES, default=[], aliases=["host_alias"]),
            absent_ok=FLAG,
            settle=SECONDS,
            report_interval=SECONDS,
            metrics_textfile=PATH,
            **PROGRAM,
            **RUN,
            **PARALLEL,
            **MOVES,
            **SERVERS,
        ),
        required_if=[("stop_with", "command", ["stop_command"])],
        supports_check_mode=True,
    )
    change_hosts(module, "remove")


if __name__ == "__main__":
    main()
