#!/bin/bash
# oslo.config takes a list option from the environment apart into single letters.
#
# Version:      oslo.config 10.7.0.
# Expectation:  a variable OS_GROUP__OPTION stands for one line of the file: for an option that may
#               be repeated (MultiStrOpt) it is one value beside or before those of the files; it
#               may have the old name of a renamed option, as in a file; a bad value is reported as
#               that of the variable.
# Behaviour:    the value is split into its letters, and those of the file are gone. The old name is
#               ignored without a word. A bad number is reported as an error of the configuration
#               file, in which the number is right.
# Output seen:  file alone: ['a.json', 'b.json']
#               file and variable: ['c', '.', 'j', 's', 'o', 'n']
#               old name in the file: 7, in the variable: 1
#               blames the file: True
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    oslo.config==10.7.0

cat >"$dir/service.conf" <<'END'
[pci]
spec = a.json
spec = b.json
[workers]
number = 4
END
printf '[workers]\ncount = 7\n' >"$dir/old.conf"
: >"$dir/empty.conf"

"$dir/venv/bin/python" - "$dir" >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import os
import sys

from oslo_config import cfg


def read(file, **variables):
    os.environ.update(variables)
    config = cfg.ConfigOpts()
    config.register_opt(cfg.MultiStrOpt("spec"), "pci")
    config.register_opt(cfg.IntOpt("number", default=1, deprecated_name="count"), "workers")
    config(["--config-file", f"{sys.argv[1]}/{file}"])
    return config


print("file alone:", read("service.conf").pci.spec)
print("file and variable:", read("service.conf", OS_PCI__SPEC="c.json").pci.spec)
renamed = read("old.conf").workers.number
print(f"old name in the file: {renamed}, in the variable:",
      read("empty.conf", OS_WORKERS__COUNT="7").workers.number)
try:
    read("service.conf", OS_WORKERS__NUMBER="many").workers.number
except ValueError as error:
    print("blames the file:", "service.conf" in str(error) and "OS_WORKERS" not in str(error))
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
file alone: ['a.json', 'b.json']
file and variable: ['c', '.', 'j', 's', 'o', 'n']
old name in the file: 7, in the variable: 1
blames the file: True
END
