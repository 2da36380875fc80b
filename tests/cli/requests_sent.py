# SPDX-License-Identifier: Apache-2.0
"""The requests that a command sends, noted at the session under its clients."""

from typing import Any

from nova_decom.clients.cloud import LiveCloud

Request = tuple[str, str, str]


def note_requests(cloud: LiveCloud) -> list[Request]:
    """A list to which each request of the cloud is added: service, method and path.

    Logins and version documents, which openstacksdk asks for by itself, are left out.
    """
    session = cloud.clients.compute._api._connection.session
    sent: list[Request] = []
    send = session.request

    def request(url: str, method: str, **options: Any) -> Any:
        if url.startswith("/"):
            sent.append((options["endpoint_filter"]["service_type"], method, url))
        return send(url, method, **options)

    session.request = request
    return sent
