# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.mutants``: break the code in small ways, and see whether a test notices.

mutmut does it, by ``[tool.mutmut]`` of pyproject.toml. Survivors must be those of
``accepted.diff``, each of which has its reason there: a new one, and one that is killed by now,
fail.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ACCEPTED = Path(__file__).with_name("accepted.diff")
CHECKOUT = Path(__file__).parents[2]
MUTMUT = Path(sys.executable).with_name("mutmut")
#: A mutant that runs into its time bound does not go unnoticed.
NOTICED = {"killed", "timeout"}
REASON = "= "


def main() -> int:
    """Run all mutants, unless told to look at the last run; 1 when the list is not right."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--last", action="store_true", help="tell of the last run only")
    if not parser.parse_args().last:
        # Results are kept by the source alone: a test that is new would not count.
        shutil.rmtree(CHECKOUT / "mutants", ignore_errors=True)
        mutmut("run", "--max-children", "1", output=None)
    fates = dict(line.strip().split(": ") for line in mutmut("results", "--all", "true"))
    if "not checked" in fates.values():
        raise SystemExit("the last run was stopped before its end: run it again")
    noticed = sum(fate in NOTICED for fate in fates.values())
    print(
        f"{len(fates)} mutants, {noticed} killed, {len(fates) - noticed} survived: "
        f"{100 * noticed / len(fates):.1f} %; {dict(Counter(fates.values()))}"
    )
    return compared({survivor(name) for name, fate in fates.items() if fate not in NOTICED})


def compared(survivors: set[str]) -> int:
    """What is not as ``accepted.diff`` says, in its own form."""
    accepted = {before(block) for block in ACCEPTED.read_text("utf-8").split("\n\n")}
    for title, blocks in (
        (
            f"new survivors: kill them, or give each its reason in {ACCEPTED.name}",
            survivors - accepted,
        ),
        (f"killed by now, or gone: take them out of {ACCEPTED.name}", accepted - survivors),
    ):
        if blocks:
            print(f"\n{title}", *sorted(blocks), sep="\n\n")
    return int(survivors != accepted)


def survivor(name: str) -> str:
    """The function and what was changed in it; numbers of mutants change with the code."""
    lines = mutmut("show", name)
    changed = [
        f"{line[0]} {line[1:].strip()}"
        for line in lines
        if line[:1] in {"-", "+"} and line[:3] not in {"---", "+++"}
    ]
    place, _, _ = name.removeprefix("nova_decom.").partition("__mutmut_")
    place = place.replace("xǁ", "").replace("ǁ", ".").replace(".x_", ".")
    return "\n".join([place, *changed])


def before(block: str) -> str:
    """An accepted survivor without its reason."""
    *lines, reason = block.strip().splitlines()
    if not reason.startswith(REASON):
        raise SystemExit(f"{ACCEPTED.name}: no reason below:\n{block}")
    return "\n".join(lines)


def mutmut(*arguments: str, output: int | None = subprocess.PIPE) -> list[str]:
    """What it prints, by line; the order of sets is the same in each run."""
    done = subprocess.run(
        [MUTMUT, *arguments],
        check=True,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=output,
        text=True,
    )
    return (done.stdout or "").splitlines()


if __name__ == "__main__":
    sys.exit(main())
