# SPDX-License-Identifier: Apache-2.0
"""A database that cannot be had: one line, what to do, and no password anywhere."""

import gc
import socket

import pytest

from nova_decom.clients.mysql import connection
from nova_decom.clients.mysql.url import target
from nova_decom.errors import ConfigurationError, UnavailableError
from nova_decom.exit_codes import ExitCode

pytestmark = pytest.mark.database

SECRET = "s3cret#of[nova]@€"


def everything_said(error):
    """All text of an error and of those behind it."""
    texts, seen = [], set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        texts += [str(one), repr(one), repr(one.args), repr(getattr(one, "remedy", None))]
        waiting += [one.__cause__, one.__context__]
    return "\n".join(texts)


def fail(nova, url):
    """The error of the first read, and of a transaction's connection."""
    with pytest.raises(UnavailableError) as caught:
        nova.reader(target(url)).rows("SELECT 1")
    error = caught.value
    assert "\n" not in str(error)
    assert error.exit_code is ExitCode.UNAVAILABLE
    assert SECRET not in everything_said(error)
    assert "nova-secret" not in everything_said(error)
    return error


def test_nobody_listens(nova):
    """Nobody listens at the port: the address is told, and what to check."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = fail(nova, nova.server.url("nova", password=SECRET, port=port))
    assert f"nova at 127.0.0.1:{port}" in str(error)
    assert "check the URL and that the server is up" in error.remedy


def test_another_server_answers(nova, monkeypatch):
    """Something listens at the port that does not speak MySQL: it ends, and is told."""
    monkeypatch.setattr(connection, "DATABASE_ATTEMPTS", 2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = nova.server.url(
            "nova", password=SECRET, port=listener.getsockname()[1], read_timeout="1"
        )
        error = fail(nova, f"{url}&connect_timeout=1")
    assert "check the URL" in error.remedy


def test_wrong_password(nova):
    """A wrong password: the user is named, the password is not."""
    error = fail(nova, nova.server.url("nova", password=SECRET))
    assert "Access denied for user 'nova'" in str(error)
    assert "check user and password" in error.remedy


def test_unknown_user(nova):
    """A user that the server does not know is told like a wrong password."""
    error = fail(nova, nova.server.url("nova", user="nobody", password=SECRET))
    assert "Access denied for user 'nobody'" in str(error)


def test_unknown_database(nova):
    """A database that is not there, or not the user's, is named."""
    error = fail(nova, nova.server.url("nowhere"))
    assert "nowhere" in str(error)
    assert "grant the right that is named, or check the URL" in error.remedy
    root = nova.server.url("nowhere").replace("//nova:nova-secret", "//root:")
    assert "API database or a cell database" in fail(nova, root).remedy


def test_unknown_host_name(nova):
    """A host name that nobody knows is told."""
    url = nova.server.url("nova", password=SECRET).replace("127.0.0.1", "db.invalid")
    assert "nova at db.invalid" in str(fail(nova, url))


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_no_socket(nova):
    """A UNIX socket that is not there is named."""
    said = str(fail(nova, "mysql+pymysql://nova:x@/nova?unix_socket=/nowhere/mysql.sock"))
    gc.collect()  # the driver leaves the socket open
    assert "nova at /nowhere/mysql.sock" in said


@pytest.mark.parametrize("query", ["no_such_option=1", "charset=klingon", "port=x"])
def test_options_that_cannot_be(nova, query):
    """An option that the driver does not take is a configuration error that names it."""
    with pytest.raises(ConfigurationError, match="option that is unknown or wrong") as caught:
        nova.reader(target(f"{nova.server.url('nova')}&{query}")).rows("SELECT 1")
    assert "nova-secret" not in everything_said(caught.value)
    assert "after the ? of the URL" in caught.value.remedy


def test_wrong_statement(nova):
    """An error of the server in the middle is told with its number."""
    with pytest.raises(UnavailableError, match=r"\(error 1146\)") as caught:
        nova.reader(target(nova.server.url("nova"))).rows("SELECT id FROM no_such_table")
    assert "API database or a cell database" in caught.value.remedy


def test_secrets_are_not_shown(nova):
    """No repr of a client or of what it was made from shows a password."""
    url = nova.server.url("nova", password=SECRET)
    sources = nova.sources(nova.server.url("nova"), main=url)
    for thing in (target(url), sources, sources.api, sources.cells):
        assert SECRET not in repr(thing)
        assert "nova-secret" not in repr(thing)
