# SPDX-License-Identifier: Apache-2.0
"""The lines of ``doctor --sudoers`` as sudo itself reads them."""

import subprocess

import pytest

from nova_decom.clients.host.ssh import UNITS, sudoers

#: Names with every sign that means something in sudoers.
ODD = ("a,b:c=d\\x2d.service", "nova@1!#.service")


@pytest.mark.parametrize("user", ["decom", "ops", "EXAMPLE\\ops", "a,b:c=d"])
def test_sudo_accepts_the_lines(tmp_path, user):
    """For each unit of each deployment; a line without escapes is refused."""
    lines = tmp_path / "sudoers"
    lines.write_text("".join(f"{line}\n" for line in sudoers((*UNITS, *ODD), user)))
    assert visudo(lines) == 0

    lines.write_text(lines.read_text().replace("\\", ""))
    assert visudo(lines) != 0


def visudo(lines):
    command = ["/usr/sbin/visudo", "--check", "--quiet", f"--file={lines}"]
    return subprocess.run(command, capture_output=True, check=False).returncode
