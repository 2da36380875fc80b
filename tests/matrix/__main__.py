# SPDX-License-Identifier: Apache-2.0
"""``make matrix``: schemas and suites on each database server, scenarios on each release.

Each part prints one table. The exit code is 1 when any test failed or was left out.
"""

import argparse
import os
import sys
import time
from datetime import UTC, datetime

from tests.lab.releases import RELEASES
from tests.matrix import releases, schemas, suites


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument(
        "--releases",
        nargs="*",
        choices=list(RELEASES),
        metavar="NAME",
        help=f"only the scenarios, on these releases (all: {', '.join(RELEASES)})",
    )
    chosen = parser.parse_args().releases
    os.environ.setdefault("NOVA_DECOM_LAB_CACHE", str(releases.ROOT / ".lab" / "cache"))
    begin = time.monotonic()
    well = True
    if chosen is None:
        well = schemas.run()
        well = suites.main() == 0 and well
    well = releases.run(chosen or list(RELEASES)) and well
    print(f"\n{datetime.now(UTC):%Y-%m-%d}, {time.monotonic() - begin:.0f} s")
    return int(not well)


if __name__ == "__main__":
    sys.exit(main())
