# SPDX-License-Identifier: Apache-2.0
"""The alert rules as Debian's Prometheus reads them."""

import subprocess
from pathlib import Path

import pytest

from tests.lab.layout import Layout
from tests.lab.packages import unpacked

CHECKOUT = Path(__file__).parents[2]
RULES = CHECKOUT / "contrib" / "prometheus" / "nova-decom.rules.yml"


@pytest.fixture(scope="module")
def promtool() -> Path:
    """Unpacked below the cache of the lab, never installed."""
    cache = Layout.of(CHECKOUT / ".lab").cache_root
    return unpacked(cache / "prometheus", ("prometheus",)) / "usr" / "bin" / "promtool"


def check(promtool: Path, rules: Path) -> subprocess.CompletedProcess[str]:
    argv = [str(promtool), "check", "rules", str(rules)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def test_prometheus_takes_the_alert_rules(promtool: Path, tmp_path: Path) -> None:
    """Every one of them; an expression that is none is refused."""
    text = RULES.read_text("utf-8")
    done = check(promtool, RULES)

    assert done.returncode == 0, done.stderr
    assert f"SUCCESS: {text.count('- alert:')} rules found" in done.stdout
    broken = tmp_path / "broken.yml"
    broken.write_text(text.replace("> 3", "> ) 3", 1))
    assert check(promtool, broken).returncode != 0
