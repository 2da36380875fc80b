# SPDX-License-Identifier: Apache-2.0
"""Reads of the APIs: asked again within a bound, and then an error that names what was asked."""

import time
from datetime import timedelta

import pytest

from nova_decom.clients.openstack import api as http
from nova_decom.clients.openstack.compute import Compute
from nova_decom.errors import UnavailableError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.api_call import disable_service
from nova_decom.retry import RETRY_WITHIN
from tests.chaos.process import live
from tests.faults import proxy
from tests.faults.proxy import Rule

SERVICES = "GET /compute/v2.1/os-services"
FAULTS = {
    "reset": proxy.reset,
    "answer lost": proxy.lose_answer,
    "truncated": proxy.truncate,
    "not JSON": proxy.foreign,
    "500": proxy.status(500),
    "502": proxy.status(502),
    "503": proxy.status(503),
    "504": proxy.status(504),
    "429": proxy.status(429, Retry_After="3"),
}


def faults():
    return pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


@pytest.mark.parametrize("times", [1, http.READ_ATTEMPTS - 1])
@faults()
def test_a_read_that_fails_in_passing(cloud, fault, times):
    """It is asked again, and nobody notices."""
    script = cloud.proxy.play(Rule(SERVICES, fault, times=times))

    services = Compute(cloud.api()).services()

    assert len(services) == 4
    assert script.count(SERVICES) == times + 1


@faults()
def test_a_read_that_always_fails(cloud, fault):
    """A bounded number of times; the error says what was asked, of whom."""
    script = cloud.proxy.play(Rule(SERVICES, fault, times=99))

    with pytest.raises(UnavailableError, match="GET /os-services") as caught:
        Compute(cloud.api()).services()

    assert caught.value.exit_code == ExitCode.UNAVAILABLE
    assert "compute" in str(caught.value)
    assert script.count(SERVICES) == http.READ_ATTEMPTS


def test_the_pause_that_is_asked_for(cloud):
    """Retry-After is obeyed, when it is not longer than our patience."""
    cloud.proxy.play(Rule(SERVICES, proxy.status(429, Retry_After="3"), times=2))
    Compute(cloud.api()).services()
    assert cloud.slept == [3.0, 3.0]


def test_a_pause_longer_than_our_patience(cloud):
    """Nobody waits an hour for a list."""
    told = str(int(RETRY_WITHIN) + 1)
    cloud.proxy.play(Rule(SERVICES, proxy.status(503, Retry_After=told), times=9))
    with pytest.raises(UnavailableError, match="HTTP 503"):
        Compute(cloud.api()).services()
    assert cloud.slept == []


@pytest.mark.parametrize("code", [400, 401, 403, 404])
def test_an_answer_that_stays_is_not_asked_for_again(cloud, code):
    """What is refused is refused; of a 401 only the token is renewed once."""
    script = cloud.proxy.play(Rule(SERVICES, proxy.status(code), times=9))
    with pytest.raises(UnavailableError):
        Compute(cloud.api()).services()
    assert script.count(SERVICES) == (2 if code == 401 else 1)


@pytest.mark.parametrize("where", ["POST /identity", "GET /compute/v2.1", SERVICES])
def test_a_stall_is_bounded(cloud, where):
    """A silent server costs its timeout, a few times; the error names what was waited for."""
    cloud.proxy.play(Rule(where, proxy.stall, times=99))
    begin = time.monotonic()

    with pytest.raises(UnavailableError, match="cannot be reached for") as caught:
        Compute(cloud.api(timeout=0.5)).services()

    assert time.monotonic() - begin < 20
    assert "timed out" in str(caught.value)


def test_a_slow_answer_is_an_answer(cloud):
    """Latency alone changes nothing."""
    script = cloud.proxy.play(Rule("GET", proxy.late(0.2), times=99))
    assert len(Compute(cloud.api()).services()) == 4
    assert script.count(SERVICES) == 1


def test_nobody_listens(cloud):
    """A refused connection is exit 69 with the address."""
    api = cloud.api()
    cloud.proxy.refuse()
    with pytest.raises(UnavailableError, match=f":{cloud.proxy.port}") as caught:
        Compute(api).services()
    assert caught.value.exit_code == ExitCode.UNAVAILABLE


LOGIN = "POST /identity/v3/auth/tokens"


@faults()
def test_a_login_that_fails_in_passing(cloud, fault):
    """It changes nothing, so it is tried again like a read."""
    script = cloud.proxy.play(Rule(LOGIN, fault))
    assert len(Compute(cloud.api()).services()) == 4
    assert script.count(LOGIN) == 2


def test_a_token_that_is_revoked_in_the_middle(cloud):
    """A new one is asked for, once, and the read goes on."""
    script = cloud.proxy.play()
    compute = Compute(cloud.api())
    compute.services()
    cloud.openstack.tokens.clear()

    assert len(compute.services()) == 4
    assert (script.count(LOGIN), script.count(SERVICES)) == (2, 3)


def test_a_write_with_a_token_that_has_ended(cloud):
    """Refused with 401 it did nothing: with a new token it is made, and made once."""
    script = cloud.proxy.play()
    compute = Compute(cloud.api())
    service = next(s for s in compute.services() if s.host == "node1")
    cloud.openstack.tokens.clear()

    compute.send(disable_service(service.id, "why"))

    assert script.count("PUT") == 2
    assert cloud.writes == [f"PUT /compute/v2.1/os-services/{service.id}"]


def test_a_token_that_soon_ends_is_renewed_before(cloud):
    """keystoneauth renews what ends within half a minute; nothing is refused meanwhile."""
    cloud.openstack.token_life = timedelta(seconds=10)
    script = cloud.proxy.play()
    compute = Compute(cloud.api())
    compute.services()
    compute.services()

    assert script.count(LOGIN) >= 2
    assert {code for _, code in cloud.openstack.answered} <= {200, 201}


def test_grants_are_for_the_user_of_the_url_given(cloud):
    """Who gives nova.conf has nova's own user there."""
    lines = live(cloud.site, ["doctor", "--grants", "-f", "json"]).output["lines"]

    assert "GRANT SELECT ON nova_api.cell_mappings TO 'nova'@'%';" in lines
    assert all(line.startswith("-- ") or line.endswith(" TO 'nova'@'%';") for line in lines)
