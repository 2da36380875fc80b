# SPDX-License-Identifier: Apache-2.0
"""The one document that scripts read: it fits its schema, whatever the report."""

from __future__ import annotations

import json
import tracemalloc

import jsonschema
import pytest
import yaml

from nova_decom.cli.steps import reference
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.plan import Finding, Verdict
from nova_decom.model.report import HostReport, Report, Result, planned, refused
from nova_decom.model.tables import DoctorCheck, DoctorReport, HostRow, LinesReport, ListReport
from nova_decom.output import json_envelope as envelope
from nova_decom.plan.planner import make_plan
from nova_decom.verify.verify import verify
from tests.envelope import validate
from tests.unit import build
from tests.unit.states import ALL_STATES
from tests.unit.world import World

RUN = "20261123T041500Z-7f3a"
ROW = {
    "host": "node1",
    "status": "enabled",
    "state": "up",
    "heartbeat": None,
    "zone": "nova",
    "compute_nodes": ["node1"],
    "servers": {"ACTIVE": 2},
    "migrations": 0,
    "rows_live": 2,
    "rows_deleted": None,
    "verdict": "removable",
}
CHECK = {"name": "x", "ok": False, "detail": None, "remedy": "y"}
CHANGE = Change("delete-service", "delete", "9b2c", "DELETE /os-services/9b2c")
#: One of each kind that a command returns.
REPORTS = {
    "failure": Report("nova-decom", 69, error="no answer", remedy="look"),
    "usage": Report("nova-decom", 2, error="no such option"),
    "list": ListReport("list", 0, rows=tuple(HostRow(**r) for r in [ROW])),
    "empty list": ListReport("list", 0),
    "doctor --grants": LinesReport("doctor", 0, lines=("-- nova", "GRANT SELECT ON a.b TO c;")),
    "doctor": DoctorReport("doctor", 69, checks=tuple(DoctorCheck(**c) for c in [CHECK])),
    "steps": reference(),
    "interrupted": Report(
        "remove",
        130,
        (
            HostReport(
                "node1",
                Result.INTERRUPTED,
                outcomes=(Outcome(CHANGE, Status.DONE, "req-1"), Outcome(CHANGE, Status.PENDING)),
                error="interrupted by SIGINT",
                remedy="run again",
            ),
        ),
        run=RUN,
    ),
}


def valid(report):
    """The document, checked against the schema of the package."""
    document = json.loads("".join(envelope.as_json(report)))
    validate(document)
    return document


def test_the_schema_is_a_schema():
    """And it takes no key that it does not name."""
    schema = envelope.schema()

    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert schema["$id"] == envelope.SCHEMA == "nova-decom/1"
    assert all(d.get("additionalProperties", False) is False for d in schema["$defs"].values())


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_every_kind_of_report_fits_the_schema(report):
    """In both spellings of the same document."""
    document = valid(report)

    assert yaml.safe_load("".join(envelope.as_yaml(report))) == document


@pytest.mark.parametrize("state", ALL_STATES.values(), ids=ALL_STATES)
def test_reports_of_every_state_fit_the_schema(state, run):
    """Planned, refused, verified, removed."""
    plan = make_plan(state)
    done = run(World(state)).go()

    valid(Report("plan", 0, (planned(plan), refused(plan), verify(state))))
    valid(Report("remove", int(done.exit_code), (done,), run=RUN))


def test_results_and_statuses_of_the_schema_are_those_of_the_model():
    """Nothing is promised that is not there, and nothing kept secret."""
    definitions = envelope.schema()["$defs"]

    assert set(definitions["host"]["properties"]["result"]["enum"]) == set(Result)
    assert set(definitions["change"]["properties"]["status"]["enum"]) == set(Status)


def test_the_documented_example():
    """Keys and values as the documentation shows them."""
    state = build.facts(other_services=[build.conductor()])
    host = HostReport(
        "node1",
        Result.REMOVED,
        outcomes=(Outcome(CHANGE, Status.DONE, "req-1", begun=True),),
        kept=make_plan(state).kept,
    )

    document = valid(Report("remove", ExitCode.SUCCESS, (host,), run=RUN))

    assert (document["schema"], document["command"], document["run"]) == (
        "nova-decom/1",
        "remove",
        RUN,
    )
    assert (document["changed"], document["exit_code"], document["error"]) == (True, 0, None)
    (told,) = document["hosts"]
    assert told["changes"] == [
        {
            "step": "delete-service",
            "action": "delete",
            "target": "9b2c",
            "detail": "DELETE /os-services/9b2c",
            "rows": None,
            "status": "done",
            "request_id": "req-1",
            "seconds": None,
            "to": None,
            "error": None,
        }
    ]
    assert told["kept"][0].items() >= {"binary": "nova-conductor", "host": "node1"}.items()
    assert (told["result"], told["error"], told["leftovers"]) == ("removed", None, [])


def test_what_was_not_checked_is_told():
    """No agents were found because nobody could look: that is not the same as none."""
    state = build.facts(unchecked=("network agents: no network service",))

    document = valid(Report("plan", 0, (planned(make_plan(state)),)))

    assert document["hosts"][0]["unchecked"] == ["network agents: no network service"]


def test_a_large_document_is_never_in_memory_as_a_whole():
    """Its plain data and its text take several times the memory of what they are made of."""
    finding = Finding("fleet-healthy", Verdict.OK, "m" * 60, None)
    hosts = tuple(HostReport(f"h{n}", Result.PLANNED, (finding,) * 16) for n in range(300))
    report = Report("plan", 0, hosts)
    tracemalloc.start()
    try:
        written = sum(map(len, envelope.as_json(report)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    text = "".join(envelope.as_json(report))
    assert json.loads(text) == envelope.envelope(report)
    assert [line for line in text.splitlines() if '"host": "h299"' in line]
    assert len(text.splitlines()) < 2 * len(hosts)
    assert peak < written / 4
