# SPDX-License-Identifier: Apache-2.0
"""A session that is unable to write, and what it sends all the same."""

import pytest
from keystoneauth1.exceptions import ConnectFailure

from nova_decom.clients.openstack.session import ReadOnlySession
from nova_decom.errors import WriteRefusedError
from nova_decom.model.api_call import (
    ABSENT,
    PROVIDERS,
    TRIES,
    ApiCall,
    create_provider,
    delete_service,
    enable_service,
)

WRITES = (
    delete_service("11111111-0000-0000-0000-000000000000"),
    enable_service(ABSENT),
    create_provider(ABSENT, "node1"),
    ApiCall("placement", "PUT", f"/allocations/{ABSENT}", body={"allocations": {}}),
    ApiCall("placement", "DELETE", f"/resource_providers/{ABSENT}/inventories", PROVIDERS),
)


def send(call):
    """Send it to a port on which nothing listens."""
    options = {} if call.body is None else {"json": dict(call.body)}
    ReadOnlySession().request(
        call.path,
        call.method,
        endpoint_override="http://127.0.0.1:1",
        connect_retries=0,
        **options,
    )


@pytest.mark.parametrize("call", TRIES, ids=lambda call: call.text)
def test_a_request_that_changes_nothing_is_sent(call):
    with pytest.raises(ConnectFailure):
        send(call)


@pytest.mark.parametrize("call", WRITES, ids=lambda call: call.text)
def test_any_other_write_is_refused(call):
    with pytest.raises(WriteRefusedError):
        send(call)
