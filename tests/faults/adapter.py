# SPDX-License-Identifier: Apache-2.0
"""The scripted OpenStack without a network: a transport of the requests library."""

from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from tests.faults.openstack import OpenStack

Answer = tuple[int, dict[str, str], bytes]
#: Gets the call's name and the way to make it; may make it never, once, or die.
Around = Callable[[str, Callable[[], Answer]], Answer]


class ScriptedAdapter(BaseAdapter):
    """Answers each request by the script; ``around`` may stand in between."""

    def __init__(self, openstack: OpenStack, around: Around) -> None:
        super().__init__()
        self._openstack = openstack
        self._around = around

    def send(
        self, request: requests.PreparedRequest, *_more: Any, **_options: Any
    ) -> requests.Response:
        method, url, body = str(request.method), str(request.url), request.body or b""

        def ask() -> Answer:
            given = body.encode() if isinstance(body, str) else bytes(body)
            return self._openstack.answer(method, url, dict(request.headers), given)

        code, headers, content = self._around(f"{method} {request.path_url}", ask)
        response = requests.Response()
        response.status_code = code
        response.headers = CaseInsensitiveDict(headers)
        response._content = content
        response.url, response.request = url, request
        response.reason = "by the script"
        return response

    def close(self) -> None:
        """Nothing is open."""
