# SPDX-License-Identifier: Apache-2.0
"""The documentation has everything that there is, and names nothing that is not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest
import yaml

import nova_decom
from nova_decom.cli.commands import cli
from nova_decom.cli.options import DEFAULTS
from nova_decom.clients.host.ssh import UNITS, sudoers
from nova_decom.clients.mysql.grants import api_grants, cell_grants
from nova_decom.exit_codes import ExitCode
from nova_decom.guards import GUARDS, OF_ENABLE
from nova_decom.model.request import Rows
from nova_decom.output.json_envelope import schema
from nova_decom.steps import PROCEDURE

CHECKOUT = Path(__file__).parents[2]
DOCS = CHECKOUT / "docs"
PACKAGE = Path(nova_decom.__file__).parent
PROSE = sorted([*DOCS.rglob("*.md"), *CHECKOUT.glob("*.md")])
OPTIONS = {
    name: parameter
    for command in (cli, *cli.commands.values())
    for parameter in command.params
    if isinstance(parameter, click.Option)
    for name in (*parameter.opts, *parameter.secondary_opts)
}
#: click's own, and options of other programs that the text talks about by themselves.
OTHERS = {
    *("--help", "--version", "--deleted", "--check", "--diff", "--delete", "--strict", "--dhcp"),
}


def read(name):
    return (DOCS / name).read_text("utf-8")


@pytest.fixture
def pages(monkeypatch):
    """The generator's pages, written anew."""
    monkeypatch.syspath_prepend(str(DOCS))
    from pages import PAGES

    return PAGES


def test_pages_generated_from_the_code_are_up_to_date(pages):
    """``python docs/generate.py`` writes them; nobody edits them."""
    stale = [name for name, write in pages.items() if read(name) != write()]

    assert not stale, "run: python docs/generate.py"


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_has_a_section_of_its_own(name):
    """A command that is not documented does not exist for an operator."""
    assert f"\n## {name}\n" in read("commands.md")


@pytest.mark.parametrize("name", sorted(set(OPTIONS) - {"--help", "-h", "--version"}))
def test_every_option_stands_with_its_variable_and_its_key(name):
    """However it is given, it is found in one place."""
    entries = read("commands.md").split("\n\n")
    own = [entry for entry in entries if f"`{name}`" in entry.split("\n: ")[0] and "\n: " in entry]

    assert own
    assert all(f"`{OPTIONS[name].envvar}`, `{OPTIONS[name].name}`" in entry for entry in own)


@pytest.mark.parametrize("key", DEFAULTS)
def test_every_key_of_clouds_yaml_is_told(key):
    """A key that settings accept is the name of an option that is documented."""
    assert f"`, `{key}`\n" in read("commands.md")


def test_every_right_that_is_tried_is_in_the_table_of_rights():
    """With the step that needs it, and the request."""
    rows = [row for row in read("security.md").splitlines() if row.startswith("| ")]
    for step in PROCEDURE:
        for call in step.tries:
            what = f"`{call.method} /{call.path.split('/')[1]}"
            assert [row for row in rows if step.name in row and what in row], (step.name, what)


@pytest.mark.parametrize("guard", [*GUARDS, *OF_ENABLE], ids=lambda guard: guard.name)
def test_every_refusal_is_in_the_table_of_what_to_do(guard):
    """With its cause and its way out."""
    link = f"| [{guard.name}](guards.md#{guard.name}) |"
    (row,) = [r for r in read("troubleshooting.md").splitlines() if r.startswith(link)]
    assert all(cell.strip() for cell in row.strip("|").split(" | "))


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_every_guard_has_a_section_with_an_example_of_its_objection(guard):
    """What it saw and what resolves it stand there as the code says them."""
    section = read("guards.md").split(f"\n## {guard.name}\n")[1].split("\n## ")[0]

    assert re.search(r"^\| (blocked|warning) \| `.+` \| `.+` \|$", section, re.MULTILINE)


@pytest.mark.parametrize("step", PROCEDURE, ids=lambda step: step.name)
def test_every_step_has_a_section_and_its_place_in_the_story(step):
    """The page that explains the order names each step too."""
    assert re.search(rf"^## \d+\. {step.name}$", read("procedure.md"), re.MULTILINE)
    assert f"`{step.name}`" in read("how-nova-knows-a-host.md")


@pytest.mark.parametrize("code", ExitCode, ids=lambda code: code.name)
def test_every_exit_code_is_told(code):
    """With its name and what it means to whoever called."""
    row = rf"^\| {int(code)} \| {code.name} \| .+ \|$"

    assert re.search(row, read("exit-codes.md"), re.MULTILINE)


@pytest.mark.parametrize("code", sorted(set(ExitCode) - {ExitCode.SUCCESS, ExitCode.REFUSED}))
def test_every_exit_code_of_a_problem_has_a_remedy(code):
    """The page of troubleshooting has a row for it; guards (4) have a table of their own."""
    rows = re.findall(r"^\| ([\d, ]+) \| .+ \| .+ \|$", read("troubleshooting.md"), re.MULTILINE)

    assert str(int(code)) in ", ".join(rows).split(", ")


def test_the_configuration_page_names_only_keys_that_exist():
    """The example of clouds.yaml, and the table of keys by purpose."""
    page = read("configuration.md")
    (example,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    table = page.split("| Purpose | Keys |\n")[1].split("\n\n")[0]
    keys = {*yaml.safe_load(example)["nova-decom"], *re.findall(r"`(\w+)`", table)}

    assert len(keys) > 10
    assert sorted(keys - set(DEFAULTS)) == []


@pytest.mark.usefixtures("pages")
def test_every_event_of_the_journal_is_told():
    """What the code writes is explained, and nothing is explained that it does not write."""
    from pages.journal import EVENTS, written

    assert set(written()) == set(EVENTS)


def test_every_variable_that_is_read_is_told():
    """``os.environ`` is read for what the page of the environment names, and nothing else."""
    page = read("environment.md")
    read_names = {
        name.value
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if "os.environ" in ast.unparse(node)[:40] and isinstance(node, ast.Call | ast.Subscript)
        for name in ast.walk(node)
        if isinstance(name, ast.Constant) and str(name.value).isupper()
    }

    assert "STATE_DIRECTORY" in read_names
    assert [n for n in sorted(read_names) if f"`{n}`" not in page] == []


@pytest.mark.parametrize("path", PROSE, ids=lambda p: str(p.relative_to(CHECKOUT)))
def test_no_page_names_an_option_that_does_not_exist(path):
    """Neither by itself nor in a call of nova-decom; options change, and pages are forgotten."""
    text = path.read_text("utf-8")
    named = set(re.findall(r"`(--[a-z][a-z-]*)[ `=]", text))
    calls = re.findall(r"nova-decom (?:[a-z-]+ )?[^`\n|]*", text)
    named |= {word for call in calls for word in re.findall(r"(?<= )--[a-z][a-z-]*", call)}

    assert sorted(named - set(OPTIONS) - OTHERS) == []


def test_the_grants_of_the_page_are_those_of_doctor():
    """The lab's own user has them; a right that the program comes to need is missed at once."""
    (block,) = re.findall(r"```sql\nCREATE USER.*?```", read("security.md"), re.DOTALL)
    shown = re.findall(r"^GRANT .*;$", block, re.MULTILINE)

    assert shown == [*api_grants("nova_api"), *cell_grants("nova", Rows.PURGE)]


def test_the_line_of_sudoers_on_the_page_is_that_of_doctor():
    """Of the usual unit."""
    assert next(sudoers(["nova-compute.service"])) in read("security.md").splitlines()


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_that_is_looked_for_is_told(unit):
    """With the deployment that calls it so."""
    assert re.search(rf"^\|.*`{re.escape(unit)}`.*\|", read("howto/deployments.md"), re.MULTILINE)


@pytest.mark.parametrize("path", PROSE, ids=lambda p: str(p.relative_to(CHECKOUT)))
def test_every_link_within_the_checkout_leads_somewhere(path):
    """Sphinx sees to the pages in docs; README and its like are read without it."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8"))

    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_key_of_the_json_document_says_what_it_is():
    """In the schema itself, where whoever reads the document by program looks."""
    silent = []
    for name, part in {"document": schema(), **schema()["$defs"]}.items():
        inner = next((p for p in part.get("oneOf", ()) if "properties" in p), part)
        silent += [f"{name}.{k}" for k, v in inner["properties"].items() if "description" not in v]

    assert silent == []


def test_every_file_that_a_page_names_exists():
    """A reader who looks for a behaviour finds the file."""
    named = [
        (page.name, name)
        for page in CHECKOUT.glob("docs/**/*.md")
        for name in re.findall(r"`((?:[\w-]+/)+[\w-]+\.(?:py|json|svg))`", page.read_text("utf-8"))
    ]

    assert len(named) > 20
    assert [
        (page, name)
        for page, name in named
        if not (CHECKOUT / name).exists() and not (PACKAGE / name).exists()
    ] == []


def test_the_comparison_says_when_it_was_run_with_which_versions_and_where_others_do():
    """A reader can repeat it, and is not told that steps by hand are never enough."""
    text = read("comparison.md")
    (versions,) = re.findall(r"^Versions: (.*)$", text, re.MULTILINE)

    assert re.search(r"on 20\d\d-\d\d-\d\d eight of them were run", text)
    assert len(re.findall(r"[\w-]+ [0-9a-f.]{5,}", versions)) == 7
    for page in (CHECKOUT / "README.md", DOCS / "why.md"):
        assert "documented API steps" in page.read_text("utf-8")
