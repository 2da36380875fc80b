# SPDX-License-Identifier: Apache-2.0
"""The page of the files that are kept names each file of the state directory, and no other."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from nova_decom.cli.bug_report import write_bug_report
from nova_decom.model.sql import Image, Transaction
from nova_decom.state.host_lock import host_lock
from nova_decom.state.journal import RunJournal, new_run_id
from nova_decom.state.name_cache import CachedNames
from tests.unit import build

PAGE = Path(__file__).parents[3] / "docs" / "retention.md"
PATTERNS = re.findall(r"^\| `([^`]*\*[^`]*)`", PAGE.read_text("utf-8"), re.MULTILINE)


@pytest.fixture
def written(tmp_path):
    """A state directory after a run, a bug and a look at the cloud."""
    transaction = Transaction("cell1", "node1", ())
    with RunJournal(tmp_path, new_run_id(), "cloud") as journal:
        journal.remember(build.facts())
        journal.save([Image("db", "services", ({"id": 3, "host": "node1"},), "nova", transaction)])
        with host_lock(tmp_path, "node1", journal.run, "cloud"):
            CachedNames(tmp_path, "hosts").keep("lab", ["node1"])
    write_bug_report(ValueError("x"), {"state_dir": str(tmp_path)})
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def test_each_file_is_named_once(written, tmp_path):
    """By its pattern; a pattern that fits no file is of a file that is not written any more."""
    names = {path.relative_to(tmp_path): 0 for path in written}
    for pattern in PATTERNS:
        found = [name for name in names if name.match(pattern)]
        assert found, pattern
        for name in found:
            names[name] += 1

    assert set(names.values()) == {1}


def test_each_file_is_the_owner_s_alone(written):
    """As the page says."""
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}
