#!/bin/bash
# oslo.serialization turns what is nested in a mapping of another class than dict into null.
#
# Version:      oslo.serialization 5.11.0 (the JSON of oslo.messaging's notifications and RPC).
# Expectation:  jsonutils.dumps writes a mapping as an object, however deep it is, or raises.
# Behaviour:    plain dicts of any depth are written in full. With another mapping (UserDict, and
#               every object that has items()) the levels are counted: below the third all is null,
#               with no error and no warning. The two forms compare equal in Python.
# Output seen:  dict      {"a": {"a": {"a": {"a": {"a": "leaf"}}}}}
#               UserDict  {"a": {"a": {"a": null}}}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    oslo.serialization==5.11.0

"$dir/venv/bin/python" - >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
from collections import UserDict

from oslo_serialization import jsonutils


def nested(mapping):
    value = "leaf"
    for _ in range(5):
        value = mapping({"a": value})
    return value


assert nested(dict) == nested(UserDict)
for mapping in (dict, UserDict):
    print(f"{mapping.__name__:9}", jsonutils.dumps(nested(mapping)))
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
dict      {"a": {"a": {"a": {"a": {"a": "leaf"}}}}}
UserDict  {"a": {"a": {"a": null}}}
END
