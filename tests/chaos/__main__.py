# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.chaos``: disturbed removals on a real MariaDB with a scripted cloud."""

import argparse
import collections
import itertools
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.chaos.story import Stories, every_death, every_fault, site_at, story
from tests.database.server import Server

#: The shapes that have every step of the procedure between them.
EVERY = ("full", "full, rows kept", "without provider", "without compute node", "by sql")
#: Somebody watches: one line for so many stories.
OFTEN = 50
Told = tuple[str, Callable[[], None]]


def main() -> int:
    """Tell stories; those that went wrong are named, with the command that tells them again."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=500, help="stories by chance")
    parser.add_argument("--seed", type=int, help="of the first of them; by chance if not given")
    parser.add_argument("--every", action="store_true", help="at every point instead")
    options = parser.parse_args()
    # So that the server is stopped when somebody stops us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    first = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    with tempfile.TemporaryDirectory(prefix="chaos-") as directory:
        server = Server(Path(directory) / "mariadb")
        try:
            server.start()
            stories = Stories(site_at(Path(directory), server))
            if options.every:
                return _tell(stories, "at every point", _exhaustive(stories))
            named = _by_chance(stories, range(first, first + options.runs))
            return _tell(stories, f"from seed {first}", named)
        finally:
            server.stop()


def _by_chance(stories: Stories, seeds: range) -> Iterator[Told]:
    for seed in seeds:
        yield f"make chaos SEED={seed} RUNS=1", partial(story, stories, seed)


def _exhaustive(stories: Stories) -> Iterator[Told]:
    deaths = ((shape, death) for shape in EVERY for death in every_death(stories, shape))
    faults = ((shape, fault) for shape in EVERY[:1] for fault in every_fault(stories, shape))
    for shape, disturbance in itertools.chain(faults, deaths):
        point = stories.undisturbed(shape).points[disturbance.point - 1]
        name = f"{shape}: {disturbance.mode}: {point}"
        yield name, partial(stories.tell, shape, [disturbance])


def _tell(stories: Stories, title: str, told: Iterator[Told]) -> int:
    begin, wrong, count = time.monotonic(), [], 0
    for name, tell in told:
        count += 1
        try:
            tell()
        except AssertionError:
            traceback.print_exc()
            wrong.append(name)
            print(f"WRONG: {name}", flush=True)
        if count % OFTEN == 0:
            print(f"{count} stories, {time.monotonic() - begin:.0f} s", flush=True)
    modes = collections.Counter(s.split(":")[0] for s in stories.struck)
    seconds = time.monotonic() - begin
    print(
        f"chaos, {title}: {count} stories, {stories.processes} processes, {len(wrong)} wrong, "
        f"{seconds:.0f} s"
    )
    print("survived: " + ", ".join(f"{mode} {number}" for mode, number in modes.most_common()))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
