# SPDX-License-Identifier: Apache-2.0
"""Run a command and write what it took to a file: ``child.py FILE COMMAND…``.

A process of its own, and a small one: the peak memory that Linux tells of a child is at least
that of the process that started it.
"""

import json
import os
import sys
import time
from pathlib import Path

KIB_PER_MIB = 1024


def main() -> int:
    """The command's own exit code."""
    target, *command = sys.argv[1:]
    start = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    taken = {
        "seconds": time.monotonic() - start,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss / KIB_PER_MIB,
    }
    Path(target).write_text(json.dumps(taken), encoding="utf-8")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
