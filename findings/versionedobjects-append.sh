#!/bin/bash
# A versioned object checks what is appended to its list, and does not count it as a change.
#
# Version:      oslo.versionedobjects 3.12.0 (the objects of nova, neutron and cinder).
# Expectation:  append to a list field refuses a value of the wrong type, so the object notices the
#               append; obj_what_changed() names the field then, and save() and the message to the
#               conductor, which are made from it, contain it.
# Behaviour:    the wrong type is refused, the right one is in the list, and nothing has changed:
#               obj_get_changes() is empty. += of the same element is a change, since it is an
#               assignment. So is an assignment of the value that is there already.
# Output seen:  append(object):   ValueError
#               append("b"):      hosts ['a', 'b'], changes {}
#               meta["k"] = "v":  meta {'k': 'v'}, changes {}
#               hosts += ["c"]:   hosts ['a', 'b', 'c'], changes {'hosts': ['a', 'b', 'c']}
#               name = name:      changes {'name': 'n'}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    oslo.versionedobjects==3.12.0

"$dir/venv/bin/python" - >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
from oslo_versionedobjects import base, fields


@base.VersionedObjectRegistry.register
class Aggregate(base.VersionedObject):
    fields = {"name": fields.StringField(), "hosts": fields.ListOfStringsField(),
              "meta": fields.DictOfStringsField()}


aggregate = Aggregate(name="n", hosts=["a"], meta={})
aggregate.obj_reset_changes()
try:
    aggregate.hosts.append(object())
except ValueError as error:
    print("append(object):  ", type(error).__name__)
aggregate.hosts.append("b")
print(f'append("b"):      hosts {aggregate.hosts}, changes {aggregate.obj_get_changes()}')
aggregate.meta["k"] = "v"
print(f'meta["k"] = "v":  meta {aggregate.meta}, changes {aggregate.obj_get_changes()}')
aggregate.hosts += ["c"]
print(f'hosts += ["c"]:   hosts {aggregate.hosts}, changes {aggregate.obj_get_changes()}')
aggregate.obj_reset_changes()
aggregate.name = aggregate.name
print(f"name = name:      changes {aggregate.obj_get_changes()}")
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
append(object):   ValueError
append("b"):      hosts ['a', 'b'], changes {}
meta["k"] = "v":  meta {'k': 'v'}, changes {}
hosts += ["c"]:   hosts ['a', 'b', 'c'], changes {'hosts': ['a', 'b', 'c']}
name = name:      changes {'name': 'n'}
END
