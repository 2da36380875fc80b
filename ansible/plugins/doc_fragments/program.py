# SPDX-License-Identifier: Apache-2.0
"""The documentation of the parameters that modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """Parameters of every module, of changes, of moves, of servers."""

    DOCUMENTATION = r"""
options:
  cloud:
    description:
      - The name of a cloud in clouds.yaml, or a dictionary with the content of such a cloud.
      - Without it, C(OS_CLOUD) or the C(OS_*) variables; set these by C(environment).
    type: raw
  region_name:
    description: Region of the cloud.
    type: str
    aliases: [region]
  nova_conf:
    description:
      - C(nova.conf) of a controller, or its C(nova.conf.d); the database URLs are read from it.
    type: list
    elements: path
  api_db_url:
    description:
      - URL of nova's API database. It is handed over in the environment.
    type: str
  cell_db_urls:
    description:
      - URLs of cell databases. They are handed over in the environment.
    type: list
    elements: str
  rabbitmq_api_urls:
    description:
      - URLs of the management APIs of the cells' RabbitMQ, C([CELL=]URL). They are handed over
        in the environment.
    type: list
    elements: str
  ssh_config:
    description: Configuration file for ssh.
    type: path
  state_dir:
    description:
      - Directory of the journals and locks on the machine where nova-decom runs.
      - nova-decom's default is V(/var/lib/nova-decom for root, else ~/.local/state/nova-decom).
    type: path
  extra_args:
    description: Further options of the command, each word an item.
    type: list
    elements: str
    default: []
  executable:
    description: The program, if it is not in the search path.
    type: path
    default: nova-decom
notes:
  - nova-decom runs on the machine of the task, a controller as a rule; delegate the task there.
  - A parameter without a default here has the default of nova-decom, which its description
    names, unless the section C(nova-decom) of clouds.yaml or the environment has another value.
author:
  - the nova-decom developers (@nova-decom)
"""

    RUN = r"""
options:
  hosts:
    description:
      - Exact names of the compute hosts, as C(openstack compute service list) has them.
      - Give all hosts that leave together in one task, so that the guards see all of them and
        the waits are shared.
    type: list
    elements: str
    required: true
    aliases: [host, name]
  max_hosts:
    description: Refuse more hosts than this in one run. nova-decom's default is V(10).
    type: int
  on_failure:
    description: What to do with the other hosts after a host fails. nova-decom's default is
      V(stop).
    type: str
    choices: [stop, continue]
  timeout:
    description: Maximum time for each wait, in seconds; at least 3 report intervals.
      nova-decom's default is V(300).
    type: float
  hooks:
    description: Directory of hook programs to run on events. nova-decom's default is
      V(/etc/nova-decom/hooks.d).
    type: path
  lock_url:
    description:
      - Lock each host also at this lock service (a URL of tooz). It is handed over in the
        environment.
    type: str
attributes:
  check_mode:
    description: Runs nova-decom with C(--dry-run), which uses read-only connections.
    support: full
  diff_mode:
    description: Shows what is to be done, before and after.
    support: full
notes:
  - Running it again is safe, also after a failure; it continues from the state of the cloud.
  - C(changed) is correct on failure too.
"""

    PARALLEL = r"""
options:
  jobs:
    description: Hosts to work on in parallel. nova-decom's default is V(4).
    type: int
  batch:
    description: Work on this many hosts, then on the next ones. nova-decom's default is V(all
      together).
    type: int
  until:
    description: Begin no host and no move from this time of the day on, C(HH:MM) in local time.
    type: str
  max_moves_total:
    description: Servers to move at once, over all hosts. nova-decom's default is V(no limit).
    type: int
"""

    MOVES = r"""
options:
  max_moves:
    description: Servers to move at once, per host. nova-decom's default is V(4).
    type: int
  move_timeout:
    description: Maximum time for the move of one server, in seconds. nova-decom's default is
      V(3600).
    type: float
"""

    SERVERS = r"""
options:
  reason:
    description:
      - Why; written to C(disabled_reason) and to the journal.
      - nova-decom's default is V(decommissioned), for a drain V(maintenance).
    type: str
  target:
    description: Move servers to this host; the scheduler checks it.
    type: str
  offline:
    description: The host is dead and fenced. ssh is not used, and its servers are evacuated.
    type: bool
    default: false
  partial:
    description:
      - Move the servers that can be moved, and leave and name the others; the task then fails.
      - For a drain, and with O(offline=true). Nothing is deleted while a server is left.
    type: bool
    default: false
  confirm_resizes:
    description: Confirm the resizes that users left in VERIFY_RESIZE.
    type: bool
    default: false
  leave_stopped:
    description: Leave evacuated servers stopped.
    type: bool
    default: false
  rebuild_local_disks:
    description:
      - Evacuate servers with local disks too. Nova creates these disks again, empty, unless the
        instance storage is shared.
    type: bool
    default: false
  skip_guards:
    description: Guards that warn instead of block.
    type: list
    elements: str
    default: []
    aliases: [skip_guard]
"""
