# SPDX-License-Identifier: Apache-2.0
"""Write the reference pages from the code: ``python docs/generate.py``; a test compares them."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
# The pages' own modules, and the cases of the tests that serve as examples.
sys.path[:0] = [str(HERE), str(HERE.parent)]

from pages import PAGES  # noqa: E402 - needs the path

if __name__ == "__main__":
    for name, write in PAGES.items():
        (HERE / name).write_text(write(), "utf-8")
