# SPDX-License-Identifier: Apache-2.0
"""Reports of unexpected errors."""

from __future__ import annotations

import stat

import pytest

from nova_decom.cli import bug_report as bugreport
from nova_decom.cli.bug_report import write_bug_report


def fail(message):
    """The bug."""
    raise ValueError(message)


def failure(message="the impossible"):
    """An error with a traceback."""
    with pytest.raises(ValueError, match=message) as raised:
        fail(message)
    return raised.value


def test_a_report_has_versions_and_the_traceback(tmp_path):
    """All that is needed to understand it, readable by its owner only."""
    path = write_bug_report(failure(), {"state_dir": str(tmp_path / "state")})

    text = path.read_text("utf-8")
    assert path.parent == tmp_path / "state"
    assert path.name.startswith("bug-")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert all(f"{name} " in text for name in bugreport.PACKAGES)
    assert "not installed" not in text
    assert "raise ValueError(message)\nValueError: the impossible" in text


def test_a_report_has_no_settings(tmp_path):
    """It will be sent to strangers."""
    given = {"state_dir": str(tmp_path), "api_db_url": "mysql://nova:secret@db/nova_api"}

    assert "secret" not in write_bug_report(failure(), given).read_text("utf-8")


@pytest.mark.parametrize(
    "given", [{"state_dir": "/proc/nowhere"}, {"state_dir": "~no-such-user/x"}], ids=str
)
def test_a_report_finds_another_place_when_it_must(given, tmp_path, monkeypatch):
    """The state directory cannot be made, or the settings make no sense."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(bugreport.tempfile, "tempdir", None)

    path = write_bug_report(failure(), given)

    assert path.parent == tmp_path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_reports_of_one_second_are_two_files(tmp_path):
    """Hosts of one run may meet the same bug at the same time."""
    given = {"state_dir": str(tmp_path)}

    assert write_bug_report(failure(), given) != write_bug_report(failure(), given)


def test_where_no_file_can_be_written_the_error_is_told_all_the_same(monkeypatch):
    """A full disk hides no bug."""
    monkeypatch.setattr(bugreport.tempfile, "tempdir", "/proc/nowhere")

    told = bugreport.unexpected(failure(), {"state_dir": "/proc/nowhere"})

    assert str(told) == "unexpected ValueError: the impossible"
    assert told.remedy == "please report it"


def test_a_name_that_is_no_text_can_be_reported(tmp_path):
    """Arguments may hold bytes that are no UTF-8."""
    path = write_bug_report(failure("host \udcff"), {"state_dir": str(tmp_path)})

    assert "host" in path.read_text("utf-8", "surrogateescape")


def test_a_package_that_is_missing_is_said_to_be():
    """The report never fails for it."""
    assert bugreport._version("no-such-package") == "not installed"
