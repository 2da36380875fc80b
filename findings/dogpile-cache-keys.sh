#!/bin/bash
# dogpile.cache gives the value of one call to another call, or of one object to another object.
#
# Version:      dogpile.cache 1.5.0 (the cache of oslo.cache, keystone and openstacksdk).
# Expectation:  a call with other arguments has an entry of its own: 1 is not "1", and one argument
#               "a b" is not two arguments "a" and "b". A method of another object has one too.
# Behaviour:    the key of cache_on_arguments is the texts of the arguments, joined with spaces.
#               None is the text None. A first argument named self is left out, so that all objects
#               of a class, and of its subclasses, share one entry.
# Output seen:  lookup(1)         -> asked for (1,)
#               lookup('1')       -> asked for (1,)
#               lookup(None)      -> asked for (None,)
#               lookup('None')    -> asked for (None,)
#               lookup('a b')     -> asked for ('a b',)
#               lookup('a', 'b')  -> asked for ('a b',)
#               Host('node1').name() -> node1
#               Host('node2').name() -> node1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    dogpile.cache==1.5.0

"$dir/venv/bin/python" - >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
from dogpile.cache import make_region

region = make_region().configure("dogpile.cache.memory")


@region.cache_on_arguments()
def lookup(*arguments):
    return f"asked for {arguments!r}"


class Host:
    def __init__(self, name):
        self._name = name

    @region.cache_on_arguments()
    def name(self):
        return self._name


for arguments in ((1,), ("1",), (None,), ("None",), ("a b",), ("a", "b")):
    call = f"lookup({', '.join(map(repr, arguments))})"
    print(f"{call:17} -> {lookup(*arguments)}")
for host in ("node1", "node2"):
    print(f"Host({host!r}).name() -> {Host(host).name()}")
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
lookup(1)         -> asked for (1,)
lookup('1')       -> asked for (1,)
lookup(None)      -> asked for (None,)
lookup('None')    -> asked for (None,)
lookup('a b')     -> asked for ('a b',)
lookup('a', 'b')  -> asked for ('a b',)
Host('node1').name() -> node1
Host('node2').name() -> node1
END
