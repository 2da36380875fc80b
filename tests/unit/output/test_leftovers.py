# SPDX-License-Identifier: Apache-2.0
"""What people and scripts read of leftovers: by verify, and by the audit of a whole cloud."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict

import pytest

from nova_decom.errors import ConfigurationError
from nova_decom.model.report import HostReport, Report, Result
from nova_decom.model.tables import AuditReport
from nova_decom.output.render import TRACE, Style, show
from nova_decom.verify import audit
from nova_decom.verify.readd import NOT_OURS
from nova_decom.verify.verify import verify
from tests.envelope import validate
from tests.unit import build
from tests.unit.audit_clouds import clean
from tests.unit.build import absent, facts

LEFT = audit.audit(clean(mapped=["old"], members=[(5, "old")]))
OLD = HostReport("old", Result.LEFTOVERS, leftovers=tuple(t.leftover for t in LEFT))
AUDITED = AuditReport("audit", 0, (OLD,))


def shown(capsys, report, **given):
    """stdout, without colour."""
    show(report, Style.of({"color": "never"} | given))
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        (
            absent(was_known=True),
            "Safe to re-add under this name: unknown, because\n    message-queue ",
        ),
        (
            facts(),
            "Safe to re-add under this name: no, because\n    compute-service    not met  ",
        ),
    ],
    ids=["clean", "still there"],
)
def test_verify_ends_with_what_nobody_looked_at_and_the_answer(capsys, state, answer):
    """Nothing that names a host elsewhere is taken for checked."""
    out = shown(capsys, Report("verify", 0, (verify(state),)))

    unchecked, _, rest = out.partition("  Not checked\n")[2].partition("\n\n")
    assert [line.strip() for line in unchecked.splitlines()][-len(NOT_OURS) :] == [*NOT_OURS]
    assert answer in rest


def test_the_answer_is_in_the_document_too(capsys):
    """For whoever brings the host back by a script."""
    report = Report("verify", 3, (verify(absent(was_known=True, providers=(build.provider(),))),))

    document = json.loads(shown(capsys, report, format="json"))

    validate(document)
    (host,) = document["hosts"]
    assert host["readd"]["safe"] is False
    assert build.NODE in host["readd"]["because"][0]


def test_an_audit_is_a_line_for_each_trace(capsys):
    """Host, kind, target, what was seen, and the cure."""
    heading, *lines = shown(capsys, AUDITED).splitlines()

    assert heading.split() == list(TRACE)
    assert [line.split()[:3] for line in lines] == [
        ["old", "host-mapping", "old"],
        ["old", "aggregate", "5"],
    ]
    assert all(line.endswith("nova-decom remove old") for line in lines)


def test_an_audit_for_scripts(capsys):
    """The same as CSV, as chosen columns, and as a document that fits the schema."""
    rows = list(csv.DictReader(io.StringIO(shown(capsys, AUDITED, format="csv"))))
    assert rows == [{"host": t.host, **asdict(t.leftover)} for t in LEFT]

    chosen = shown(capsys, AUDITED, format="value", column=("target", "host"))
    assert chosen == "old old\n5 old\n"

    document = json.loads(shown(capsys, AUDITED, format="json"))
    validate(document)
    assert [x["kind"] for x in document["hosts"][0]["leftovers"]] == ["host-mapping", "aggregate"]


def test_an_audit_has_only_its_own_columns():
    """A column of the list is none of the audit's."""
    with pytest.raises(ConfigurationError, match="no column 'zone'") as raised:
        show(AUDITED, Style.of({"column": ("zone",)}))

    assert raised.value.remedy == f"one of: {', '.join(TRACE)}"


def test_a_clean_cloud_is_no_line(capsys):
    """The document says it in its own way."""
    assert shown(capsys, AuditReport("audit", 0)) == ""
    assert json.loads(shown(capsys, AuditReport("audit", 0), format="json"))["hosts"] == []


@pytest.mark.parametrize("style", ["table", "value"])
def test_an_audit_says_what_nobody_looked_at(capsys, style):
    """On stderr: the lines on stdout are traces and nothing else."""
    report = AuditReport("audit", 0, unchecked=("rows of all cells",))

    show(report, Style.of({"color": "never", "format": style}))

    assert capsys.readouterr() == ("", "not checked: rows of all cells\n")


def test_quietly_it_is_said_only_beside_what_was_found(capsys):
    """Else cron would send the same mail every night."""
    unchecked = ("rows",)
    show(AuditReport("audit", 0, unchecked=unchecked), Style.of({"quiet": True}))
    assert capsys.readouterr() == ("", "")

    show(AuditReport("audit", 0, (OLD,), unchecked=unchecked), Style.of({"quiet": True}))
    assert capsys.readouterr().err == "not checked: rows\n"


def test_what_nobody_looked_at_is_in_the_document_of_an_audit(capsys):
    """It fits the schema."""
    report = AuditReport("audit", 0, unchecked=("rows of all cells",))

    document = json.loads(shown(capsys, report, format="json"))

    validate(document)
    assert document["unchecked"] == ["rows of all cells"]
