#!/bin/bash
# A command of cliff prints columns in its own order, and leaves a misspelt one out without a word.
#
# Version:      cliff 4.17.0, which prints the tables of python-openstackclient.
# Expectation:  "-f value -c Host -c ID | while read host id" reads the host and then the id; a
#               column that does not exist is an error.
# Behaviour:    the columns come in the order of the command's own table, whatever the order of -c.
#               A name without a column is left out as long as one other name has a column: the
#               values that are left move to the variables before, and the exit code is 0.
# Output seen:  -c Host -c ID: 7 node1 (exit 0)
#               -c ID -c Host: 7 node1 (exit 0)
#               -c Hosts -c ID: 7 (exit 0)
#               -c Hosts: nothing (exit 1)
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    cliff==4.17.0

cat >"$dir/services.py" <<'END'
import sys

from cliff.app import App
from cliff.commandmanager import CommandManager
from cliff.lister import Lister


class Services(Lister):
    """Compute services."""

    def take_action(self, parsed_args):
        return ("ID", "Binary", "Host"), [(7, "nova-compute", "node1")]


commands = CommandManager("none.installed")
commands.add_command("list", Services)
sys.exit(App("services", "1", commands).run(["list", "-f", "value", *sys.argv[1:]]))
END

for columns in "-c Host -c ID" "-c ID -c Host" "-c Hosts -c ID" "-c Hosts"; do
    code=0
    # shellcheck disable=SC2086 # these are words
    line=$("$dir/venv/bin/python" "$dir/services.py" $columns 2>"$dir/log") || code=$?
    echo "$columns: ${line:-nothing} (exit $code)"
done | tee "$dir/seen"
diff "$dir/seen" - <<'END'
-c Host -c ID: 7 node1 (exit 0)
-c ID -c Host: 7 node1 (exit 0)
-c Hosts -c ID: 7 (exit 0)
-c Hosts: nothing (exit 1)
END
