# SPDX-License-Identifier: Apache-2.0
"""The connection to the OpenStack APIs, and a session that is unable to write."""

from __future__ import annotations

import argparse
import logging
from typing import Any
from urllib.parse import urlsplit

import openstack.connection
import openstack.exceptions
from keystoneauth1 import exceptions as keystone
from keystoneauth1 import session as keystone_session

from nova_decom.clients.openstack.clouds_yaml import check_cloud, check_entry, read_config
from nova_decom.errors import ConfigurationError, WriteRefusedError
from nova_decom.model.api_call import TRIES
from nova_decom.model.cloud_identity import CloudIdentity

LOG = logging.getLogger(__name__)

#: Seconds for one HTTP answer. Disabling a service makes nova-api call the compute host and
#: wait up to rpc_response_timeout, 60 s (nova 34.0.0 compute/api.py:6356).
HTTP_TIMEOUT = 90

#: The SDK's names for a cloud that only the environment describes.
UNNAMED = {"envvars", "defaults"}


class LoggedSession(keystone_session.Session):
    """A session that logs each call; no header and no body, which hold secrets of tenants."""

    # The same signature, its thirty options passed on as they are.
    def request(self, url: str, method: str, **kwargs: Any) -> Any:  # type: ignore[override]  # noqa: ANN401
        """Send the request without the log of keystoneauth, which writes bodies."""
        response = super().request(url, method, **kwargs | {"log": False})
        place = urlsplit(response.url or url)
        request_id = response.headers.get("x-openstack-request-id", "no request id")
        LOG.debug(
            *("%s %s?%s: %s, %s", method, place.path, place.query),
            *(response.status_code, request_id),
        )
        return response


class ReadOnlySession(LoggedSession):
    """A session that is unable to write.

    It refuses all but reads, its own login, and the requests that change nothing.
    """

    def request(self, url: str, method: str, **kwargs: Any) -> Any:  # type: ignore[override]  # noqa: ANN401
        """Send a GET or HEAD, the unauthenticated POST that asks for a token, or one of `TRIES`.

        :raises WriteRefusedError: for everything else.
        """
        is_login = kwargs.get("authenticated") is False
        is_try = (method, url, kwargs.get("json")) in [(t.method, t.path, t.body) for t in TRIES]
        if method not in {"GET", "HEAD"} and not is_login and not is_try:
            raise WriteRefusedError(f"{method} {url} over a session that is unable to write")
        return super().request(url, method, **kwargs)


def connect(
    cloud: str | None, region: str | None, *, writable: bool, version: str
) -> openstack.connection.Connection:
    """A connection by clouds.yaml or ``OS_*``; nothing is sent yet.

    :raises ConfigurationError: there is no such cloud, or its entry is not complete.
    """
    constructor = LoggedSession if writable else ReadOnlySession
    try:
        config = read_config(
            app_name="nova-decom", app_version=version, session_constructor=constructor
        )
        check_cloud(config, cloud)
        chosen = config.get_one(argparse=argparse.Namespace(os_cloud=cloud, os_region_name=region))
        check_entry(chosen.config)
        if chosen.config.get("api_timeout") is None:
            chosen.config["api_timeout"] = HTTP_TIMEOUT
        return openstack.connection.Connection(config=chosen)
    except (openstack.exceptions.SDKException, keystone.ClientException, OSError) as error:
        text = str(error).strip()
        remedy = "complete the entry of the cloud in clouds.yaml, or the OS_* variables"
        if text.startswith("Region "):
            remedy = "give --os-region-name, or correct region_name in clouds.yaml"
        raise ConfigurationError(text, remedy) from error
    except TypeError as error:
        # The SDK gives every key of auth to the plugin, whether it knows it or not.
        raise ConfigurationError(
            f"the auth of the cloud does not fit its auth_type: {error}",
            "correct auth or auth_type in clouds.yaml, or the OS_* variables",
        ) from error


def identity_of(connection: openstack.connection.Connection) -> CloudIdentity:
    """The name, the auth URL and the region of the configuration; sends no request."""
    config = connection.config
    auth = config.config.get("auth") or {}
    name = "" if config.name in UNNAMED else config.name
    return CloudIdentity.of(auth.get("auth_url"), config.get_region_name(), name or "")


def section(name: str) -> dict[str, Any]:
    """A top-level section of clouds.yaml; empty when there is none."""
    try:
        found = read_config().get_extra_config(name)
    except (openstack.exceptions.SDKException, OSError) as error:
        raise ConfigurationError(f"clouds.yaml: {error}", "correct the file") from error
    return dict(found)
