# SPDX-License-Identifier: Apache-2.0
"""What the modules share: their parameters, the command line that these make, and its result."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

NAMES = {"type": "list", "elements": "str"}
FLAG = {"type": "bool", "default": False}
TEXT = {"type": "str"}
COUNT = {"type": "int"}
SECONDS = {"type": "float"}
PATH = {"type": "path"}
SECRETS = dict(NAMES, no_log=True)

HOSTS = dict(NAMES, aliases=["host", "name"])
#: Parameters of every module.
PROGRAM = {
    "cloud": {"type": "raw"},
    "region_name": dict(TEXT, aliases=["region"]),
    "nova_conf": {"type": "list", "elements": "path"},
    "api_db_url": dict(TEXT, no_log=True),
    "cell_db_urls": SECRETS,
    "rabbitmq_api_urls": SECRETS,
    "ssh_config": PATH,
    "state_dir": PATH,
    "extra_args": dict(NAMES, default=[]),
    "executable": {"type": "path", "default": "nova-decom"},
}
#: Parameters of the modules that change something.
RUN = {
    "hosts": dict(HOSTS, required=True),
    "max_hosts": COUNT,
    "on_failure": dict(TEXT, choices=["stop", "continue"]),
    "timeout": SECONDS,
    "hooks": PATH,
    "lock_url": dict(TEXT, no_log=True),
}
#: Parameters of the modules that work on hosts in parallel and wait for many moves.
PARALLEL = {
    "jobs": COUNT,
    "batch": COUNT,
    "until": TEXT,
    "max_moves_total": COUNT,
}
MOVES = {"max_moves": COUNT, "move_timeout": SECONDS}
#: Parameters of the modules that move servers away.
SERVERS = {
    "reason": TEXT,
    "target": TEXT,
    "offline": FLAG,
    "partial": FLAG,
    "confirm_resizes": FLAG,
    "leave_stopped": FLAG,
    "rebuild_local_disks": FLAG,
    "skip_guards": dict(NAMES, default=[], aliases=["skip_guard"]),
}
#: Parameters that are no option of the program.
OWN = {"state", "query", "extra_args", "executable", "hosts"}
#: Parameters with a name of their own.
OPTIONS = {
    "cloud": "--os-cloud",
    "region_name": "--os-region-name",
    "host_aliases": "--host-alias",
    "skip_guards": "--skip-guard",
}
#: Parameters that go through the environment, so that no process list shows them.
VARIABLES = {
    "api_db_url": "NOVA_DECOM_API_DB_URL",
    "cell_db_urls": "NOVA_DECOM_CELL_DB_URL",
    "rabbitmq_api_urls": "NOVA_DECOM_RABBITMQ_API_URL",
    "lock_url": "NOVA_DECOM_LOCK_URL",
}
#: Keys of a cloud whose values are secrets.
SECRET = re.compile("password|secret|token|passcode|_url$", re.IGNORECASE)
#: The name of a cloud that is given as a dictionary.
CLOUD = "ansible"
CHANGING = ("remove", "drain", "enable")
SUCCESS = 0
CHANGES = 3


class Module(AnsibleModule):
    """A module whose log and result have no secret of a cloud that is given as a dictionary."""

    def _log_invocation(self):
        self.no_log_values.update(secrets(self.params["cloud"]))
        super()._log_invocation()


def secrets(found):
    """The secrets in nested dictionaries; the URL of keystone is none."""
    values = set()
    for key, value in found.items() if isinstance(found, dict) else ():
        if isinstance(value, dict):
            values |= secrets(value)
        elif key != "auth_url" and SECRET.search(str(key)):
            values |= {str(one) for one in (value if isinstance(value, list) else [value])}
    return values - {"", "None"}


def run(module, command, words=()):
    """Run a command of the program with the parameters; its document and its stderr.

    Ends the task when the program leaves no document.
    """
    parameters = module.params
    program = module.get_bin_path(parameters["executable"], required=True)
    variables = environment(parameters)
    cloud = parameters["cloud"]
    if isinstance(cloud, dict):
        variables["OS_CLIENT_CONFIG_FILE"] = clouds_yaml(module.tmpdir, cloud)
        parameters = dict(parameters, cloud=CLOUD)
    line = [program, command, "--quiet", "--format=json", *words, *options(parameters)]
    line += [*parameters["extra_args"], "--", *(parameters["hosts"] or ())]
    code, out, err = module.run_command(line, environ_update=variables)
    document = parsed(out)
    if document is None:
        # It was killed, or is another program: what it has done by then is unknown.
        module.fail_json(
            msg=f"nova-decom ended with {code} and without a result; see its journal",
            changed=command in CHANGING and not module.check_mode,
            exit_code=code,
            stderr=err,
        )
    return document, err


def change_hosts(module, command):
    """Run a command that changes hosts, or its dry run, and end the task with what was done."""
    words = ["--dry-run"] if module.check_mode else []
    document, err = run(module, command, ["--yes", *words])
    found = result(document, is_check=module.check_mode, is_verbose=module._verbosity > 0)
    is_blocked = module.check_mode and any(blocked(host) for host in document["hosts"])
    if document["exit_code"] == SUCCESS and not is_blocked:
        module.exit_json(**found)
    module.fail_json(msg=complaint(document), stderr=err, **found)


def options(parameters):
    """The options for the parameters that were given."""
    words = []
    for name, value in parameters.items():
        if name in OWN or name in VARIABLES or value is None or value is False:
            continue
        option = OPTIONS.get(name, f"--{name.replace('_', '-')}")
        if value is True:
            words.append(option)
        else:
            values = value if isinstance(value, list) else [value]
            words += [f"{option}={one}" for one in values]
    return words


def environment(parameters):
    """Values that must be in no process list."""
    found = {"NO_COLOR": "1"}
    for name, variable in VARIABLES.items():
        value = parameters.get(name)
        if value:
            found[variable] = " ".join(value) if isinstance(value, list) else value
    return found


def clouds_yaml(directory, cloud):
    """The path of a clouds.yaml with this cloud alone; Ansible deletes its directory."""
    path = Path(directory) / "clouds.yaml"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"clouds": {CLOUD: cloud}}, file)
    return str(path)


def parsed(text):
    """The document on stdout; None when there is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "exit_code" in found else None


def blocked(host):
    """True when a guard blocks this host."""
    return any(finding["verdict"] == "blocked" for finding in host["findings"])


def short(host):
    """A host without findings that are ok, and without what the result has beside the hosts."""
    kept = {key: value for key, value in host.items() if key not in {"changes", "leftovers"}}
    return dict(kept, findings=[f for f in host["findings"] if f["verdict"] != "ok"])


def result(document, *, is_check, is_verbose):
    """What a task returns that changes hosts, from the program's document."""
    hosts = document["hosts"]
    plan = [dict(change, host=h["host"]) for h in hosts for change in h["changes"]]
    idle = {h["host"] for h in hosts if is_check and blocked(h)}
    status = "planned" if is_check else "done"
    changes = [c for c in plan if c["status"] == status and c["host"] not in idle]
    return {
        "changed": bool(changes) if is_check else document["changed"],
        "run": document["run"],
        "exit_code": document["exit_code"],
        "plan": plan,
        "changes": changes,
        "leftovers": leftovers(hosts),
        "hosts": hosts if is_verbose else [short(host) for host in hosts],
        "diff": diff(plan, changes),
    }


def leftovers(hosts):
    """The leftovers, each with its host."""
    return [dict(x, host=h["host"]) for h in hosts for x in h.get("leftovers", ())]


def diff(plan, changes):
    """What is to be done on the hosts: before this task, and after it."""
    open_before = [c for c in plan if c["status"] != "not-needed"]
    return {
        "before_header": "to be done",
        "after_header": "to be done",
        "before": "".join(lines(c) for c in open_before),
        "after": "".join(lines(c) for c in open_before if c not in changes),
    }


def lines(change):
    """A change in one line, or a transaction with a line for each statement."""
    head, statements = change["detail"], []
    if change["rows"] is not None and "; " in head:
        statements = [f"    {text};" for text in head.split("; ")]
        count = change["rows"]
        rows = "1 row" if count == 1 else f"{count} rows"
        head = f"{change['target']}: {rows}, in one transaction"
    first = f"{change['host']}: {change['step']} {change['action']}: {head}"
    return "".join(f"{printable(text)}\n" for text in (first, *statements))


def printable(text):
    """The text with nothing in it that could steer a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def complaint(document):
    """Every error and every blocking finding, with its remedy."""
    errors = [(None, document["error"])]
    errors += [(h["host"], h.get("error")) for h in document["hosts"]]
    found = []
    for host, error in errors:
        if error:
            remedy = f" ({error['remedy']})" if error["remedy"] else ""
            found.append(f"{host + ': ' if host else ''}{error['message']}{remedy}")
    for host in document["hosts"]:
        if not host.get("error"):
            found += [
                f"{host['host']}: {f['guard']}: {f['message']}"
                for f in host.get("findings", ())
                if f["verdict"] == "blocked"
            ]
    return "; ".join(found) or f"nova-decom ended with exit code {document['exit_code']}"
