# SPDX-License-Identifier: Apache-2.0
"""One connection to the OpenStack APIs, with bounds, request ids and honest errors."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import openstack.config
import openstack.connection
import openstack.exceptions
from keystoneauth1 import exceptions as keystone

from nova_decom.clock import Clock
from nova_decom.errors import (
    BadRequestError,
    ChangeFailedError,
    ConfigurationError,
    ConflictError,
    MissingRightError,
    NoAnswerError,
    NotFoundError,
    TransientError,
    UnavailableError,
)
from nova_decom.model.api_call import ApiCall
from nova_decom.retry import retry

LOG = logging.getLogger(__name__)
T = TypeVar("T")
BAD_REQUEST, FORBIDDEN, NOT_FOUND, CONFLICT, TOO_MANY_REQUESTS = 400, 403, 404, 409, 429
REFUSALS = {BAD_REQUEST: BadRequestError, NOT_FOUND: NotFoundError, CONFLICT: ConflictError}
#: Answers that may be others a moment later.
TRANSIENT_STATUSES = frozenset({TOO_MANY_REQUESTS, 500, 502, 503, 504})
#: The begin of what urllib3 adds to an error, and the cause within it.
POOL = re.compile(r": HTTPS?ConnectionPool\(")
CAUSE = re.compile(r"\[Errno -?\d+\] ([\w ,.-]+)")
#: Of a region without endpoints; newer SDKs raise their own error instead.
NO_ENDPOINT = (keystone.EndpointNotFound, keystone.EmptyCatalog)
CANNOT_CONNECT = "cannot connect to"
#: Attempts at a read that gets no answer.
READ_ATTEMPTS = 4


class Api:
    """The API calls of one run: each is bounded and carries the run's request id."""

    def __init__(
        self,
        connection: openstack.connection.Connection,
        request_id: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """The first call logs in."""
        self._connection = connection
        self._request_id = request_id
        self._clock = clock or Clock()

    def microversion(self, service: str, wanted: str) -> str:
        """The wanted microversion, or the newest that the server has if that is older."""
        newest = self.newest(service)
        return wanted if newest is None or _numbers(newest) >= _numbers(wanted) else newest

    def newest(self, service: str) -> str | None:
        """The newest microversion of the server, None when it has none."""
        found = self._again(
            lambda: self._guarded(
                service, "its versions", lambda: self._proxy(service).get_endpoint_data()
            )
        )
        newest = getattr(found, "max_microversion", None)
        return ".".join(str(part) for part in newest) if newest else None

    def has(self, service_type: str) -> bool:
        """True when the catalogue has an endpoint of a service of this type.

        The SDK's client of a service that is not in the catalogue fails at whatever it is asked.
        """
        endpoint = self._again(
            lambda: self._guarded(
                service_type,
                "its endpoint",
                lambda: self._connection.endpoint_for(service_type),
            )
        )
        return endpoint is not None

    def get(
        self, service: str, path: str, wanted: str | None = None, **params: str | Sequence[str]
    ) -> dict[str, Any]:
        """The body of a read, tried again within a bound when it fails on the way.

        :raises UnavailableError: no answer, or an answer that is none.
        """
        return self._again(
            lambda: _body(
                service, path, self._send(service, "GET", path, wanted, params=params), dict
            )
        )

    def get_list(self, service: str, path: str, **params: str) -> list[dict[str, Any]]:
        """As :meth:`get`, where the body is a list."""

        def ask() -> list[dict[str, Any]]:
            response = self._send(service, "GET", path, None, params=params)
            return _body(service, path, response, list)

        return self._again(ask)

    def find(
        self, service: str, path: str, wanted: str | None = None, **params: str
    ) -> dict[str, Any] | None:
        """As :meth:`get`; None when there is no such thing, or it cannot be asked for."""

        def ask() -> dict[str, Any] | None:
            response = self._send(service, "GET", path, wanted, params=params)
            if response.status_code in {BAD_REQUEST, NOT_FOUND}:
                return None
            return _body(service, path, response, dict)

        return self._again(ask)

    def refusal(self, call: ApiCall) -> str | None:
        """The reason of a 403 to a request that changes nothing; None for every other answer."""
        extra = {} if call.body is None else {"json": dict(call.body)}
        response = self._again(
            lambda: self._send(call.service, call.method, call.path, call.version, **extra)
        )
        return _reason(response) if response.status_code == FORBIDDEN else None

    def send(self, call: ApiCall) -> str | None:
        """Send one request that changes something, never repeated here; its request id.

        404 on a DELETE is done. The caller reads again before it tries again.

        :raises ConflictError: the service refused with 409.
        :raises TransientError: it answered 429 or 5xx; it may have been done all the same.
        :raises BadRequestError: the service refused with 400.
        :raises ChangeFailedError: the service refused otherwise.
        :raises NoAnswerError: no answer; the outcome is unknown.
        """
        extra = {} if call.body is None else {"json": dict(call.body)}
        response = self._send(call.service, call.method, call.path, call.version, **extra)
        request_id: str | None = response.headers.get("x-openstack-request-id")
        gone = call.method == "DELETE" and response.status_code == NOT_FOUND
        if response.status_code >= BAD_REQUEST and not gone:
            text = f"{call.method} {call.path}"
            raise _refusal(text, call.service, response, request_id)
        return request_id

    def _again(self, ask: Callable[[], T]) -> T:
        """A read, asked again within a bound while it fails on the way."""
        return retry(
            ask,
            when=lambda error: isinstance(error, NoAnswerError),
            attempts=READ_ATTEMPTS,
            clock=self._clock,
        )

    def _regions(self) -> str:
        """The regions of the catalogue; empty where it cannot be read."""
        session = self._connection.session
        with suppress(keystone.ClientException, AttributeError):
            auth: Any = session.auth
            endpoints = auth.get_access(session).service_catalog.get_endpoints()
            found = {str(e.get("region")) for each in endpoints.values() for e in each}
            return ", ".join(sorted(found))
        return ""

    def _proxy(self, service: str) -> Any:  # noqa: ANN401
        """The SDK's client of the service.

        Where the SDK knows no version, it would take the newest one, which has other paths.
        """
        name = service.replace("-", "_")
        known = getattr(type(self._connection), name, None)
        if known is not None and not known.supported_versions:
            endpoint = self._connection.endpoint_for(service)
            self._connection.config.set_service_value("endpoint_override", service, endpoint)
        return getattr(self._connection, name)

    def _send(self, service: str, method: str, path: str, wanted: str | None, **extra: Any) -> Any:  # noqa: ANN401
        if wanted is not None:
            extra["microversion"] = self.microversion(service, wanted)
        LOG.debug("%s %s %s", service, method, path)
        return self._guarded(
            service,
            f"{method} {path}",
            lambda: self._proxy(service).request(
                path,
                method,
                raise_exc=False,
                # Reads are asked again by _again, writes by whoever has read again before.
                connect_retries=0,
                status_code_retries=0,
                global_request_id=self._request_id,
                **extra,
            ),
        )

    def _guarded(self, service: str, what: str, ask: Callable[[], T]) -> T:
        """Send the request; a refusal by policy becomes an error that names the right."""
        try:
            return ask()
        except (keystone.MissingRequiredOptions, keystone.MissingAuthPlugin) as error:
            raise ConfigurationError(
                f"credentials are not complete: {error}", "complete the entry in clouds.yaml"
            ) from error
        except (keystone.Unauthorized, keystone.Forbidden) as error:
            raise UnavailableError(
                f"{service}: the credentials are refused: {_first_line(error)}",
                "check user, password and project of the cloud; it must be an admin",
            ) from error
        except (*NO_ENDPOINT, openstack.exceptions.ConfigException) as error:
            region, regions = self._connection.config.get_region_name(), self._regions()
            if isinstance(error, NO_ENDPOINT) and (not region or region in regions.split(", ")):
                raise UnavailableError(
                    f"{service}: the catalogue has no endpoint: {_first_line(error)}",
                    "check region and interface of the cloud",
                ) from error
            raise UnavailableError(
                f"no endpoint of {service} in region {region}; the catalogue has: "
                f"{regions or 'none'}",
                "give --os-region-name, or correct region_name in clouds.yaml",
            ) from error
        except (keystone.ClientException, openstack.exceptions.SDKException) as error:
            kind = NoAnswerError if _may_pass(error) else UnavailableError
            cause = _first_line(error)
            _, cannot, place = cause.partition(CANNOT_CONNECT)
            raise kind(
                f"{cannot}{place}" or f"{service}: cannot be reached for {what}: {cause}",
                "check auth_url and the network, then run again",
            ) from error


def _body(service: str, path: str, response: Any, kind: type[T]) -> T:  # noqa: ANN401
    """The body of an answer, which is of this kind."""
    if response.status_code >= BAD_REQUEST:
        seen = f"GET {path} of {service}: HTTP {response.status_code} {_reason(response)}"
        remedy = "nova-decom doctor checks each service and right"
        if response.status_code in TRANSIENT_STATUSES:
            raise NoAnswerError(seen, remedy, _retry_after(response))
        if response.status_code == FORBIDDEN:
            raise MissingRightError(
                seen, "give the token this right; nova-decom doctor names more"
            )
        raise UnavailableError(seen, remedy)
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, kind):
        raise NoAnswerError(
            f"GET {path} of {service}: the answer is not JSON of an API",
            "look at the proxy before it",
        )
    return body


def _refusal(
    call: str,
    service: str,
    response: Any,  # noqa: ANN401
    request_id: str | None,
) -> ChangeFailedError:
    """The error for an answer of 400 and above to a write."""
    code = response.status_code
    seen = f"{call} of {service}: HTTP {code} {_reason(response)} ({request_id})"
    remedy = f"look for {request_id} in the log of {service}, then run again"
    if code in TRANSIENT_STATUSES:
        return TransientError(seen, remedy, _retry_after(response))
    kind: type[ChangeFailedError] = REFUSALS.get(code, ChangeFailedError)
    return kind(seen, remedy)


def _retry_after(response: Any) -> float:  # noqa: ANN401
    """The seconds that the service asks to wait; a date, which it may be too, counts as none."""
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else 0.0


def _may_pass(error: Exception) -> bool:
    """True for failures of the way, and of keystone itself, that another attempt may not meet."""
    kinds = keystone.ConnectionError | keystone.DiscoveryFailure | keystone.InvalidResponse
    lost = isinstance(error, kinds)
    passing = getattr(error, "http_status", None) in TRANSIENT_STATUSES
    return (lost and not isinstance(error, keystone.SSLError)) or passing


def _numbers(microversion: str) -> tuple[int, ...]:
    return tuple(int(part) for part in microversion.split("."))


def _first_line(error: Exception) -> str:
    """The first line of the error; of a lost connection its place and its cause."""
    text = str(error).strip().split("\n", maxsplit=1)[0]
    causes = CAUSE.findall(text)
    if not causes or not POOL.search(text):
        # A connection that ended: the request may have been carried out.
        return text
    text = text.replace("Unable to establish connection to", CANNOT_CONNECT)
    return f"{POOL.split(text)[0]}: {causes[-1]}"


def _reason(response: Any) -> str:  # noqa: ANN401
    """The message of an answer in one line; services wrap it in different ways."""
    try:
        body = response.json()
    except ValueError:
        return str(response.reason)
    if isinstance(body, dict):
        for value in body.values():
            if isinstance(value, dict) and "message" in value:
                return " ".join(str(value["message"]).split())
            if isinstance(value, list) and value and isinstance(value[0], dict):
                return " ".join(str(value[0].get("detail", "")).split())
    return str(response.reason)
