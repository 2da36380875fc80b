# SPDX-License-Identifier: Apache-2.0
"""nova-decom under a profiler, from its first import on.

``python -m tests.bench.profiled FILE ARGUMENT…`` writes the profile to the file.

It sees the main thread, which does all the work of a command that only looks.
"""

import cProfile
import sys
import time


def main() -> int:
    """The exit code of nova-decom."""
    target, *arguments = sys.argv[1:]
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    from nova_decom.cli.main import run

    code = run(arguments)
    profiler.disable()
    profiler.dump_stats(target)
    return code


if __name__ == "__main__":
    sys.exit(main())
