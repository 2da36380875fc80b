# SPDX-License-Identifier: Apache-2.0
"""The page of a real run."""

import re

from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom


def test_a_real_run_has_its_page(decom: NovaDecom, hosts: Hosts) -> None:
    """Every step with its time, what there was before, and that it is gone."""
    hosts.start("page1")
    ran = decom.remove("page1", "--reason", "ticket <4711>")
    assert ran.code == 0, ran.shown
    path = decom.state_dir.parent / "page.html"

    told = decom("report", ran.json["run"], "--html", str(path))

    assert (told.code, told.out, told.err) == (0, "", f"{path}\n")
    text = path.read_text("utf-8")
    for step in ("disable-service", "stop-service", "delete-service", "purge-rows", "verify"):
        assert re.search(f'<span class="what">(<span class="word">)?{step}', text)
    assert "ticket &lt;4711&gt;" in text
    assert text.count('<span class="name good">gone</span>') == 4
