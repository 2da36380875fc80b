#!/bin/bash
# taskflow hands a task one value of a name and answers with another one for the same name.
#
# Version:      taskflow 6.5.0 (used by cinder, glance, octavia and masakari).
# Expectation:  where two tasks of a linear flow provide a name, the later value replaces the earlier
#               one, for the next task as for storage.fetch. A value in store is what a flow begins
#               with, and a task that provides the name replaces it too.
# Behaviour:    the next task gets the value of the task nearest to it; fetch answers with the value
#               of the first task. A value in store is never replaced: the next task gets that, and
#               the task's result is not used, with no error and no warning.
# Output seen:  two tasks:      the next task got second, fetch tells first
#               store and task: the next task got stored, fetch tells stored
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    taskflow==6.5.0

"$dir/venv/bin/python" - >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
from taskflow import engines, task
from taskflow.patterns import linear_flow


def use(host):
    return host


def run(*values, **options):
    flow = linear_flow.Flow("flow")
    for value in values:
        flow.add(task.FunctorTask(lambda value=value: value, name=value, provides="host", inject={}))
    flow.add(task.FunctorTask(use, provides="got"))
    engine = engines.load(flow, **options)
    engine.run()
    return "the next task got {}, fetch tells {}".format(*map(engine.storage.fetch, ("got", "host")))


print("two tasks:     ", run("first", "second"))
print("store and task:", run("computed", store={"host": "stored"}))
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
two tasks:      the next task got second, fetch tells first
store and task: the next task got stored, fetch tells stored
END
