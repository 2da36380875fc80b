#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Run nova-decom and tell Ansible what it did; every decision is nova-decom's own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_node_decommission
short_description: Take nova compute hosts out of an OpenStack cloud
description:
  - Runs C(nova-decom remove) and hands its JSON document back.
  - The host is disabled, nova-compute is stopped and proved to stand still, the service, the
    resource providers, the network agents and the rows go, and everything is read back.
  - Credentials come from clouds.yaml or C(OS_*) as for C(openstack); use C(environment) on the
    task for the latter.
  - Runs where nova-decom is installed, a controller as a rule; delegate the task there.
options:
  hosts:
    description: Exact names of the compute hosts, as C(openstack compute service list) has them.
    type: list
    elements: str
    required: true
    aliases: [host, name]
  cloud:
    description: Cloud of clouds.yaml.
    type: str
  region:
    description: Region of the cloud.
    type: str
  nova_conf:
    description: A controller's C(nova.conf); it names the databases.
    type: path
  api_db_url:
    description:
      - URL of nova's API database.
      - Handed over in the environment, so that no process list shows it.
    type: str
  cell_db_urls:
    description:
      - URLs of cell databases.
      - Handed over in the environment.
    type: list
    elements: str
  state_dir:
    description: Directory of journals on the machine where nova-decom runs.
    type: path
  reason:
    description: Why; it goes into C(disabled_reason) and into the journal.
    type: str
  stop_with:
    description: How nova-compute is stopped on the host.
    type: str
    choices: [ssh, command, none]
  stop_command:
    description: The command for O(stop_with=command); C({host}) is filled in, no shell is used.
    type: str
  ssh_config:
    description: Configuration file for ssh.
    type: path
  offline:
    description: The host is dead and fenced, so there is no ssh to it.
    type: bool
    default: false
  partial:
    description:
      - With O(offline=true), evacuate the servers that can be evacuated, and leave and name the
        others. Nothing is deleted while a server is left, and the task fails.
    type: bool
    default: false
  rebuild_local_disks:
    description:
      - Evacuate servers with local disks too. Nova builds these disks anew, unless the instance
        storage is shared.
    type: bool
    default: false
  servers:
    description: How servers leave the host; V(auto) by the state of each, V(refuse) not at all.
    type: str
    choices: [refuse, live, cold, auto, evacuate]
  target:
    description: Move servers to this host; the scheduler checks it.
    type: str
  max_moves:
    description: So many servers of a host move at once.
    type: int
  rows:
    description: What becomes of the rows in the cell database.
    type: str
    choices: [purge, keep]
  all_binaries:
    description: Also other binaries on the host, if they are down.
    type: bool
    default: false
  keep_agents:
    description: Leave network agents alone.
    type: bool
    default: false
  reschedule_agents:
    description: Move routers and networks of dead L3 and DHCP agents to living ones first.
    type: bool
    default: false
  host_aliases:
    description: Other exact names of the host, for its agents and providers.
    type: list
    elements: str
    default: []
  absent_ok:
    description:
      - A host that nothing names is done, and no error.
      - A typing error then looks like a success, so it is off.
      - nova-decom knows a host that it removed by its state directory; switch this on when that
        directory does not outlive the play.
    type: bool
    default: false
  skip_guards:
    description: Guards to overrule.
    type: list
    elements: str
    default: []
  on_failure:
    description: Whether the other hosts are still done after one that failed.
    type: str
    choices: [stop, continue]
  settle:
    description: Seconds in which nothing may come back; 0 switches it off.
    type: float
  report_interval:
    description: Seconds between heartbeats, if nova.conf is not given and it is not 10.
    type: float
  timeout:
    description: Bound in seconds on each wait.
    type: float
  extra_args:
    description: Further options of C(nova-decom remove), each word an item.
    type: list
    elements: str
    default: []
  executable:
    description: The program, if it is not in the search path.
    type: path
    default: nova-decom
attributes:
  check_mode:
    description: Runs C(nova-decom remove --dry-run), whose clients are unable to write.
    support: full
  diff_mode:
    description: Shows what is to be done, before and after.
    support: full
extends_documentation_fragment: []
notes:
  - Running it again is safe, also after a failure; it goes on from where the cloud is.
  - What changed is told truthfully on failure too.
author:
  - the nova-decom developers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Take a host out
  nova_decom.compute.compute_node_decommission:
    hosts: node1
    cloud: production
    nova_conf: /etc/nova/nova.conf
    reason: rack 12 retired
  delegate_to: controller1
  register: gone

- name: A dead, fenced host
  nova_decom.compute.compute_node_decommission:
    hosts: [node7]
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
  description: Those of them that were made; in check mode, that would be.
  type: list
  elements: dict
  returned: when nova-decom ran
  sample: []
leftovers:
  description: What is still there of the hosts, each with its host and its cure.
  type: list
  elements: dict
  returned: when nova-decom ran
  sample:
    - {host: node1, kind: host-mapping, target: node1, detail: mapped to cell cell1,
       remedy: nova-decom remove node1}
hosts:
  description: The C(hosts) of nova-decom's JSON document, as they are.
  type: list
  elements: dict
  returned: when nova-decom ran
  sample: []
"""

import json

from ansible.module_utils.basic import AnsibleModule

#: Parameters that are handed over as an option each.
VALUES = {
    "cloud": "--os-cloud",
    "region": "--os-region-name",
    "nova_conf": "--nova-conf",
    "state_dir": "--state-dir",
    "reason": "--reason",
    "stop_with": "--stop-with",
    "stop_command": "--stop-command",
    "ssh_config": "--ssh-config",
    "servers": "--servers",
    "target": "--target",
    "max_moves": "--max-moves",
    "rows": "--rows",
    "on_failure": "--on-failure",
    "settle": "--settle",
    "report_interval": "--report-interval",
    "timeout": "--timeout",
}
FLAGS = {
    "offline": "--offline",
    "partial": "--partial",
    "rebuild_local_disks": "--rebuild-local-disks",
    "all_binaries": "--all-binaries",
    "keep_agents": "--keep-agents",
    "reschedule_agents": "--reschedule-agents",
    "absent_ok": "--absent-ok",
}
LISTS = {"host_aliases": "--host-alias", "skip_guards": "--skip-guard"}
SUCCESS = 0
CHANGES = 3


def command(parameters, check_mode):
    """The command line: options that were given, and the hosts after all of them."""
    words = [parameters["executable"], "remove", "--yes", "--quiet", "--format=json"]
    words += ["--dry-run", "--detailed-exitcode"] if check_mode else []
    words += [
        f"{option}={parameters[name]}"
        for name, option in VALUES.items()
        if parameters[name] is not None
    ]
    words += [option for name, option in FLAGS.items() if parameters[name]]
    words += [f"{o}={value}" for name, o in LISTS.items() for value in parameters[name]]
    return words + parameters["extra_args"] + ["--"] + parameters["hosts"]


def environment(parameters):
    """What must not stand in a process list."""
    found = {"NO_COLOR": "1"}
    if parameters["api_db_url"]:
        found["NOVA_DECOM_API_DB_URL"] = parameters["api_db_url"]
    if parameters["cell_db_urls"]:
        found["NOVA_DECOM_CELL_DB_URL"] = " ".join(parameters["cell_db_urls"])
    return found


def document(text):
    """The one document on stdout; None when there is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "exit_code" in found else None


def blocked(host):
    """True when a guard forbids to begin with this host."""
    return any(finding["verdict"] == "blocked" for finding in host["findings"])


def result(told, check_mode):
    """What the task returns, from nova-decom's document."""
    plan = [dict(change, host=h["host"]) for h in told["hosts"] for change in h["changes"]]
    if check_mode:
        idle = {h["host"] for h in told["hosts"] if blocked(h)}
        changes = [c for c in plan if c["status"] == "planned" and c["host"] not in idle]
    else:
        changes = [c for c in plan if c["status"] == "done"]
    return {
        "changed": bool(changes) if check_mode else told["changed"],
        "run": told["run"],
        "exit_code": told["exit_code"],
        "plan": plan,
        "changes": changes,
        "leftovers": [dict(x, host=h["host"]) for h in told["hosts"] for x in h["leftovers"]],
        "hosts": told["hosts"],
        "diff": diff(plan, changes),
    }


def diff(plan, changes):
    """What is to be done on the hosts: before this task, and after it."""
    open_before = [c for c in plan if c["status"] != "not-needed"]
    return {
        "before_header": "to be done",
        "after_header": "to be done",
        "before": "".join(line(c) for c in open_before),
        "after": "".join(line(c) for c in open_before if c not in changes),
    }


def line(change):
    """A change in one line, with nothing in it that could steer a terminal."""
    text = "{host}: {step} {action}: {detail}".format(**change)
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text) + "\n"


def complaint(told):
    """Everything that nova-decom had to say about why, with its remedies."""
    errors = [(None, told["error"])] + [(h["host"], h["error"]) for h in told["hosts"]]
    said = []
    for host, error in errors:
        if error:
            remedy = f" ({error['remedy']})" if error["remedy"] else ""
            said.append(f"{host + ': ' if host else ''}{error['message']}{remedy}")
    for host in told["hosts"]:
        if not host["error"]:
            said += [
                f"{host['host']}: {f['guard']}: {f['message']}"
                for f in host["findings"]
                if f["verdict"] == "blocked"
            ]
    return "; ".join(said) or f"nova-decom ended with exit code {told['exit_code']}"


def main():
    """Run it once."""
    strings = dict.fromkeys(
        ["cloud", "region", "reason", "stop_command", "target"], {"type": "str"}
    )
    paths = dict.fromkeys(["nova_conf", "state_dir", "ssh_config"], {"type": "path"})
    numbers = dict.fromkeys(["settle", "report_interval", "timeout"], {"type": "float"})
    flags = dict.fromkeys(FLAGS, {"type": "bool", "default": False})
    names = {"type": "list", "elements": "str"}
    module = AnsibleModule(
        argument_spec=dict(
            hosts=dict(names, required=True, aliases=["host", "name"]),
            api_db_url=dict(type="str", no_log=True),
            cell_db_urls=dict(names, no_log=True),
            stop_with=dict(type="str", choices=["ssh", "command", "none"]),
            servers=dict(type="str", choices=["refuse", "live", "cold", "auto", "evacuate"]),
            max_moves=dict(type="int"),
            rows=dict(type="str", choices=["purge", "keep"]),
            on_failure=dict(type="str", choices=["stop", "continue"]),
            host_aliases=dict(names, default=[]),
            skip_guards=dict(names, default=[]),
            extra_args=dict(names, default=[]),
            executable=dict(type="path", default="nova-decom"),
            **strings,
            **paths,
            **numbers,
            **flags,
        ),
        required_if=[("stop_with", "command", ["stop_command"])],
        supports_check_mode=True,
    )
    module.params["executable"] = module.get_bin_path(module.params["executable"], required=True)
    code, out, err = module.run_command(
        command(module.params, module.check_mode),
        environ_update=environment(module.params),
    )
    told = document(out)
    if told is None:
        # It was killed, or is no nova-decom: what it had done by then, nobody knows.
        module.fail_json(
            msg=f"nova-decom ended with {code} and told nothing; look into its journal",
            changed=not module.check_mode,
            exit_code=code,
            stderr=err,
        )
    found = result(told, module.check_mode)
    if code == SUCCESS or (module.check_mode and code == CHANGES):
        module.exit_json(**found)
    module.fail_json(msg=complaint(told), stderr=err, **found)


if __name__ == "__main__":
    main()
