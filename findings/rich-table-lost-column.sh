#!/bin/bash
# A column of a table is cut off, although all columns fit the console.
#
# Version:      rich 15.0.0
# Expectation:  the minimum widths of the columns and the space between them are 51 cells. On a
#               console of 60, the column with the long text gets the rest, and wraps.
# Behaviour:    rich shortens the widest columns first, here the one that is at its minimum, and
#               then raises it to the minimum again: the table is wider than the console, and print
#               cuts it at the edge. The last column is not there, with its heading; no error.
#               The column that is at its minimum needs no_wrap=True as well.
# Output seen:  60 cells:           uuid why
#               60 cells, no_wrap:  uuid why host
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/env"
"$dir/env/bin/pip" install --quiet --disable-pip-version-check rich==15.0.0 2>/dev/null
"$dir/env/bin/python" - >"$dir/seen" <<'END'
import io

from rich.console import Console
from rich.table import Table


def headings(no_wrap):
    table = Table(box=None, pad_edge=False)
    table.add_column("uuid", min_width=36, no_wrap=no_wrap)
    table.add_column("why", min_width=5)
    table.add_column("host", min_width=6)
    table.add_row("63d9cef6-9613-5268-8822-88453af321a0", "a text that is wrapped into lines", "node-1")
    console = Console(width=60, file=io.StringIO(), color_system=None)
    console.print(table)
    return " ".join(console.file.getvalue().splitlines()[0].split())


print("60 cells:          ", headings(False))
print("60 cells, no_wrap: ", headings(True))
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
60 cells:           uuid why
60 cells, no_wrap:  uuid why host
END
