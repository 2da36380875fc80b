# SPDX-License-Identifier: Apache-2.0
"""Accounts and servers that let nobody in: the message has the remedy, and nothing was begun."""

import pymysql
import pytest

from nova_decom.clients.mysql.errors import CROWDED, is_transient, unavailable
from nova_decom.clients.mysql.transaction import WritableDatabase
from nova_decom.clients.mysql.url import target
from nova_decom.clock import Clock
from nova_decom.errors import UnavailableError
from nova_decom.exit_codes import ExitCode
from tests.database.conftest import Images

pytestmark = pytest.mark.database

#: What an administrator does to the account, and a word of the remedy.
ALTERED = {
    "ACCOUNT LOCK": "ACCOUNT UNLOCK",
    "PASSWORD EXPIRE": "the password has expired",
    "REQUIRE SSL": "ssl_ca=FILE",
}
#: Error number -> a word of the remedy.
REMEDIES = {
    1040: "wait until connections are free",
    1045: "check user and password",
    1142: "nova-decom doctor",
    1203: "wait until connections are free",
    1226: "wait until connections are free",
    1290: "the node that accepts writes",
    1792: "the node that accepts writes",
    1820: "the password has expired",
    1862: "the password has expired",
    2059: "caching_sha2_password",
    3032: "offline mode",
    3118: "ACCOUNT UNLOCK",
    3159: "ssl_ca=FILE",
    4151: "ACCOUNT UNLOCK",
}


@pytest.fixture
def transaction(nova):
    nova.cell.host("node1")
    return nova.purge("node1")


@pytest.fixture
def account(nova):
    """An account with all rights on the cell; the URL, for reading and for writing."""
    nova.server.make_user("operator", "o", "ALL ON nova.*")
    yield nova.server.url("nova", user="operator", password="o")
    nova.cell.query("DROP USER operator@'127.0.0.1'")


def refusals(nova, url, transaction):
    """The errors of a read, and of a transaction, which never began."""
    with pytest.raises(UnavailableError) as read:
        nova.reader(target(url)).rows("SELECT 1")
    with pytest.raises(UnavailableError) as written:
        nova.writer(target(url)).run(transaction, Images())
    for error in (read.value, written.value):
        assert error.exit_code is ExitCode.UNAVAILABLE
        assert "rolled back" not in str(error)
    assert nova.cell.ids("services")
    return str(read.value), read.value.remedy


@pytest.mark.parametrize("change", ALTERED)
def test_an_account_that_may_not_log_in(nova, account, transaction, change):
    """Locked, expired, TLS required: each has its own remedy."""
    nova.cell.query(f"ALTER USER operator@'127.0.0.1' {change}")
    assert ALTERED[change] in refusals(nova, account, transaction)[1]


def test_a_server_that_demands_tls(nova, account, transaction):
    """The remedy is TLS."""
    nova.cell.query("SET GLOBAL require_secure_transport = ON")
    try:
        assert "ssl_ca=FILE" in refusals(nova, account, transaction)[1]
    finally:
        nova.cell.query("SET GLOBAL require_secure_transport = OFF")


def test_too_many_connections(nova, account, transaction):
    """It is tried again, and ends with what the server says."""
    nova.cell.query("ALTER USER operator@'127.0.0.1' WITH MAX_USER_CONNECTIONS 1")
    with pymysql.connect(**target(account).arguments):
        message, remedy = refusals(nova, account, transaction)
    assert "(error 1226)" in message
    assert "wait until connections are free" in remedy


def test_a_connection_becomes_free(nova, account, transaction):
    """Somebody else's connection ends between two attempts: the purge succeeds."""
    nova.cell.query("ALTER USER operator@'127.0.0.1' WITH MAX_USER_CONNECTIONS 1")
    other = pymysql.connect(**target(account).arguments)

    def sleep(_seconds):
        if other.open:
            other.close()

    database = WritableDatabase(target(account), Clock(sleep=sleep))
    database.run(transaction, Images())
    database.close()
    assert nova.cell.rows("services") == []


def lacking(library):
    """As PyMySQL without the library."""

    def scramble(*_arguments):
        raise RuntimeError(f"'{library}' package is required")

    return scramble


def test_a_library_that_is_missing(nova, account, transaction, monkeypatch):
    """An authentication plugin for which PyMySQL lacks a library: its name, and exit code 69."""
    if nova.server.version.name.startswith("mariadb"):
        # Its ed25519 is in another package than the server; the error is the same.
        monkeypatch.setattr("pymysql._auth.scramble_native_password", lacking("pynacl"))
        library = "pynacl"
    else:
        monkeypatch.setattr("pymysql._auth._have_cryptography", False)
        library = "cryptography"
    message, remedy = refusals(nova, account, transaction)
    assert library in message
    assert "install it beside nova-decom" in remedy


@pytest.mark.parametrize("code", REMEDIES)
def test_every_number_has_its_remedy(code):
    """Also those that this server does not say."""
    place = target("mysql+pymysql://u:p@db/nova")
    error = unavailable(place, pymysql.OperationalError(code, "no"))
    assert str(error) == f"database nova at db:3306: no (error {code})"
    assert REMEDIES[code] in error.remedy
    assert is_transient(pymysql.OperationalError(code, "no")) is (code in CROWDED)
