# SPDX-License-Identifier: Apache-2.0
"""A whole removal, over TCP, while something happens to one of its writes."""

import re

import pytest

from nova_decom.exit_codes import ExitCode
from nova_decom.model.api_call import ABSENT
from nova_decom.model.step import CHANGE_ATTEMPTS
from nova_decom.steps import PROCEDURE
from tests.chaos.shapes import HOST
from tests.faults import proxy
from tests.faults.openstack import Limits
from tests.faults.proxy import Rule

#: Requests about an object that there is: those about none only ask for a right.
WRITES = {
    "disable": f"PUT /compute/v2.1/os-services/(?!{ABSENT})",
    "release": f"PUT /placement/allocations/(?!{ABSENT})",
    "delete": f"DELETE /compute/v2.1/os-services/(?!{ABSENT})",
    "agent": "DELETE /network/v2.0/agents",
}
#: What happens, and whether the service was asked all the same.
FAULTS = {
    "answer lost": (proxy.lose_answer, True),
    "502 after it was done": (proxy.status_after(502), True),
    "truncated": (proxy.truncate, True),
    "reset": (proxy.reset, False),
    "500": (proxy.status(500), False),
    "503": (proxy.status(503), False),
    "429": (proxy.status(429, Retry_After="2"), False),
    "409": (proxy.status(409), False),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("fault", "is_done"), FAULTS.values(), ids=FAULTS)
def test_one_write_that_fails(cloud, write, fault, is_done):
    """The run ends well, and no service was asked twice for the same thing."""
    script = cloud.proxy.play(Rule(WRITES[write], fault))

    ended = cloud.remove()

    assert ended.code == ExitCode.SUCCESS, ended.output
    assert len(cloud.writes) == len(set(cloud.writes)) == len(WRITES)
    assert script.count(WRITES[write]) == (1 if is_done else 2)
    statuses = {c["status"] for c in ended.output["hosts"][0]["changes"]}
    assert statuses <= {"done", "not-needed"}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    ("fault", "code"),
    [(proxy.reset, ExitCode.UNAVAILABLE), (proxy.status(503), ExitCode.FAILED)],
    ids=["reset", "503"],
)
def test_a_write_that_always_fails(cloud, undisturbed, write, fault, code):
    """The run ends, its journal too; the same command later ends as if nothing had been."""
    script = cloud.proxy.play(Rule(WRITES[write], fault, times=99))

    ended = cloud.remove()

    assert ended.code == code
    assert script.count(WRITES[write]) == CHANGE_ATTEMPTS
    error = ended.output["hosts"][0]["error"]
    assert WRITES[write].split(" ")[0] in error["message"]
    assert error["remedy"]
    ends = [e["event"] for e in cloud.events if e["event"] != "released"]
    assert ends[-3:] == ["failed", "result", "exit"]
    assert cloud.events[-1]["exit_code"] == code

    cloud.proxy.play()
    assert cloud.remove().code == ExitCode.SUCCESS
    end = cloud.truth.comparable()
    assert end == undisturbed()


def test_nothing_answers_after_the_delete(cloud):
    """The delete's answer is lost, and then nova is: the run says that it does not know."""
    cloud.proxy.play(
        Rule(WRITES["delete"], proxy.lose_answer),
        Rule("GET /compute", proxy.reset, nth=1, times=0),
    )
    rules = cloud.proxy.script.rules
    original = rules[0].fault

    def then_nothing(exchange):
        rules[1].nth, rules[1].times = rules[1].seen + 1, 999
        original(exchange)

    rules[0].fault = then_nothing
    ended = cloud.remove()

    assert ended.code == ExitCode.UNAVAILABLE
    assert "not known whether this was done" in ended.output["hosts"][0]["error"]["message"]
    assert ended.output["changed"]
    assert cloud.events[-1]["event"] == "exit"

    cloud.proxy.play()
    assert cloud.remove().code == ExitCode.SUCCESS
    assert len(cloud.writes) == len(set(cloud.writes)) == len(WRITES)


def test_a_token_that_ends_again_and_again(cloud):
    """Every ninth answer is a 401: all is done, and every write once."""
    rules = [
        Rule("(compute|placement|network)/", proxy.status(401), nth=n) for n in range(9, 99, 9)
    ]
    script = cloud.proxy.play(*rules)

    assert cloud.remove().code == ExitCode.SUCCESS
    assert script.count("POST /identity") >= 4
    assert len(cloud.writes) == len(set(cloud.writes)) == len(WRITES)


def test_the_document_names_the_cloud(cloud):
    """Without the credentials that the configuration may hold in the URL."""
    for arguments in ((), ("--dry-run",)):
        named = cloud.remove(*arguments).output["cloud"]
        assert named["region"] == "R"
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/identity", named["auth_url"])


def test_a_cloud_that_stalls_before_the_first_change(cloud):
    """Nothing was changed, and the error names the call."""
    cloud.proxy.play(Rule("GET /placement/resource_providers", proxy.status(504), times=99))

    ended = cloud.remove()

    assert ended.code == ExitCode.UNAVAILABLE
    assert "GET /resource_providers of placement: HTTP 504" in ended.output["error"]["message"]
    assert cloud.writes == []
    services = cloud.truth.rows["nova.services"].values()
    assert any(row["host"] == HOST and not row["deleted"] for row in services)


@pytest.mark.parametrize("step", [s for s in PROCEDURE if s.tries], ids=lambda step: step.name)
def test_a_right_to_change_is_asked_for_before_anything_is_changed(cloud, step):
    """Each right that the changes of the plan need, and no other."""
    denied = [f"{call.method} {call.path.split('/')[1]}" for call in step.tries]
    cloud.openstack.limits = Limits(denied=frozenset(denied))
    planned = {c["step"] for c in cloud.remove("--dry-run").output["hosts"][0]["changes"]}

    ended = cloud.remove()

    if step.name in planned:
        assert (ended.code, cloud.writes, cloud.events) == (ExitCode.UNAVAILABLE, [], [])
        assert all(
            f"Policy doesn't allow {kind}." in ended.output["error"]["message"] for kind in denied
        )
    else:
        assert ended.code == ExitCode.SUCCESS
