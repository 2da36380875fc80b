# SPDX-License-Identifier: Apache-2.0
"""The report as a browser shows it: alone, readable everywhere, deaf to what names try."""

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from nova_decom.output.html.page import page
from nova_decom.state.journal_reader import find_record
from tests.pages.browser import Browser, browser
from tests.unit import journals

#: Where somebody can look at the pictures; a directory of the test's own otherwise.
PICTURES = os.environ.get("NOVA_DECOM_PICTURES")
#: WCAG AA for text of normal size.
CONTRAST = 4.5
CONTRASTS = """
(() => {
  const number = c => c.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = c => {
    const [r, g, b] = number(c).map(v => v / 255).map(
      v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (c !== 'rgba(0, 0, 0, 0)') return c;
    }
  };
  return Math.min(...[...document.querySelectorAll('main *')].filter(
    e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
  ).filter(e => !e.closest('svg')).map(e => {
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  }));
})()
"""
#: Steps, verdicts, results and uuids that do not stand on one line.
BROKEN = """
[...document.querySelectorAll('.name, .badge, code')].filter(
  e => e.getClientRects().length !== 1 || e.offsetHeight > 32).map(e => e.innerText)
"""


@pytest.fixture(scope="session")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all."""
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def written(journal: journals.Writer, directory: Path) -> Path:
    """The page of a journal."""
    state = journal.save(directory / "state")
    path = directory / "report.html"
    path.write_text(page(find_record(state, journal.run)), "utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_a_report_is_readable_and_asks_for_nothing(
    tab: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    """On a telephone and on a wide screen, by day and by night."""
    path = written(journals.full(), tmp_path)
    tab.look(width, scheme)

    seen = tab.open(path)

    assert seen.requests == [path.as_uri()]
    assert seen.complaints == []
    assert tab.tell("document.documentElement.scrollWidth") <= width
    assert tab.tell("document.querySelectorAll('figure svg rect').length") == 14
    assert tab.tell(CONTRASTS) >= CONTRAST
    assert tab.tell(BROKEN) == []
    smallest = "Math.min(...[...document.querySelectorAll('main *')].filter(e => e.innerText)"
    assert tab.tell(f"{smallest}.map(e => parseFloat(getComputedStyle(e).fontSize)))") >= 12
    pictures = Path(PICTURES) if PICTURES else tmp_path
    tab.screenshot(pictures / f"report-{width}-{scheme}.png")


def test_calls_and_sql_are_there_when_the_page_is_printed(tab: Browser, tmp_path: Path) -> None:
    """A ticket gets a PDF, in which nothing can be unfolded."""
    path = written(journals.full(), tmp_path)
    tab.open(path)

    printed = PdfReader(BytesIO(tab.pdf()))
    text = " ".join(" ".join(page.extract_text() for page in printed.pages).split())

    assert "FOR UPDATE; DELETE FROM compute_nodes WHERE id IN (6) AND host = 'node1201'; " in text
    assert "DELETE FROM services WHERE id IN (9) AND host = 'node1201'" in text
    assert "PUT /os-services/" in text


def test_it_is_printed_dark_on_white_from_a_dark_screen_too(tab: Browser, tmp_path: Path) -> None:
    """A browser need not ask for the light colours when it prints."""
    tab.look(1440, "dark")
    tab.open(written(journals.full(), tmp_path))
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]

    tab.call("Emulation.setEmulatedMedia", media="print", features=dark)

    style = "getComputedStyle(document.body)"
    assert tab.tell(f"{style}.backgroundColor") == "rgb(255, 255, 255)"
    assert tab.tell(f"{style}.color") == "rgb(27, 31, 36)"
    tab.call("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("width", [375, 1440])
def test_names_and_reasons_stay_text(tab: Browser, tmp_path: Path, width: int) -> None:
    """No element comes out of a journal but those of the page; nothing is run or loaded."""
    path = written(journals.hostile(), tmp_path)
    tab.look(width, "light")

    seen = tab.open(path)

    assert seen.requests == [path.as_uri()]
    assert seen.complaints == []
    assert tab.tell("document.documentElement.scrollWidth") <= width
    assert tab.tell("document.querySelectorAll('script, img, [onerror]').length") == 0
    assert journals.EVIL in tab.tell("document.body.innerText")
    assert journals.EVIL in tab.tell("document.title")
