# SPDX-License-Identifier: Apache-2.0
"""How the shell examples of the pages are read and compared; they are run in tests/docs."""

from __future__ import annotations

import re

import pytest

from tests.docs.examples import CHECKOUT, PAGES, Command, blocks, missing


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_shell_example_is_run_or_says_why_not(path):
    """It has a prompt, and a block that is not run gives a reason of several words."""
    reasons = [block.not_run for block in blocks(path.read_text("utf-8"))]

    assert all(reason is None or len(reason.split()) > 2 for reason in reasons)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_example_hides_in_an_indented_block(path):
    """It would neither be run nor say why not."""
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)

    assert re.findall(r"\n\n {4}\S.*", text) == []


PAGE = """\
<!-- setup: hosts node7 -->
<!-- exits 4 -->
```console
$ nova-decom verify node3
node3  clean

$ nova-decom remove node3 \\
> --yes
…
```

```sql
SELECT 1;
```

<!-- not run: it would delete the cloud -->
```console
$ rm -r /
```
"""


def test_a_block_has_its_commands_with_code_and_output():
    """Directives belong to the block that follows them; a code is that of its last command."""
    first, second = blocks(PAGE)

    assert first.setups == ("hosts node7",)
    assert first.commands == (
        Command("nova-decom verify node3", ("node3  clean",)),
        Command("nova-decom remove node3 \\\n--yes", ("…",), 4),
    )
    assert first.line == 3
    assert second.not_run == "it would delete the cloud"
    assert second.commands[0].code == 0


@pytest.mark.parametrize("text", ["```bash\nls\n```\n", "```console\nls\n```\n"])
def test_an_example_that_would_not_be_found_is_an_error(text):
    """Shell in another language, or a block without a prompt."""
    with pytest.raises(ValueError, match=r"line 1"):
        tuple(blocks(text))


SEEN = "node3  clean\n\n  Guards  11 of 11 ok\n  Not checked\n    compute_id\n"


@pytest.mark.parametrize(
    ("shown", "lacking"),
    [
        ((), None),
        (("node3 clean", "Guards 11 of 11 ok", "Not checked", "compute_id"), None),
        (("node3  clean", "  Guards  … ok", "…"), None),
        (("…", "Not checked", "…"), None),
        (("…", "compute_id"), None),
        (("node3 …",), "the end before 'Guards 11 of 11 ok'"),
        (("node3 gone", "…"), "node3 gone"),
        (("…", "Left over", "…"), "Left over"),
        (("node3 clean", "Not checked", "…"), "Not checked"),
        (("…", "Not checked", "node3 clean", "…"), "node3 clean"),
        (("node3 clea", "…"), "node3 clea"),
    ],
)
def test_what_is_shown_must_have_been_seen_in_this_order(shown, lacking):
    """Line by line, with nothing in between but where the page says so."""
    assert missing(shown, SEEN) == lacking


def test_another_time_and_another_uuid_are_the_same():
    """A page shows them as they were when it was written."""
    shown = ("node1 up 2026-11-24T12:03:41 4e66c00b-ce1a-45f1-9ec7-2a18eeae45b1",)
    seen = "node1  up  2027-01-01T00:00:00  00000000-0000-0000-0000-000000000000\n"

    assert missing(shown, seen) is None
    assert missing(shown, seen.replace("up", "down")) == shown[0]


@pytest.mark.parametrize(
    ("translated", "original"),
    [
        ("README.zh-CN.md", "README.md"),
        ("docs/from-by-hand.zh-CN.md", "docs/from-by-hand.md"),
    ],
)
def test_a_translation_shows_the_commands_and_outputs_of_the_page_that_is_run(
    translated, original
):
    """Only comments are translated, so that the examples stay as true as those of the original."""

    def shown(name):
        text = (CHECKOUT / name).read_text("utf-8")
        return [
            (re.sub(r"\s+# .*", "", command.text), command.output, command.code, command.types)
            for block in blocks(text)
            for command in block.commands
        ]

    assert shown(translated) == shown(original)


@pytest.mark.parametrize("column", [0, 1])
def test_the_translated_table_has_the_commands_of_the_original(column):
    """In the same rows: by hand, and with nova-decom."""

    def codes(name):
        rows = re.findall(r"^\|.*\|$", (CHECKOUT / name).read_text("utf-8"), re.MULTILINE)
        return [re.findall(r"`[^`]+`", row.split(" | ")[column]) for row in rows]

    assert codes("docs/from-by-hand.zh-CN.md") == codes("docs/from-by-hand.md")
