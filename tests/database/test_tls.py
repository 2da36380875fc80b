# SPDX-License-Identifier: Apache-2.0
"""TLS to a real server whose certificate our own authority signed, for 127.0.0.1 only."""

import ssl
import subprocess

import pytest

from nova_decom.clients.mysql.connection import QuickConnection
from nova_decom.clients.mysql.url import target
from nova_decom.errors import ConfigurationError, UnavailableError
from tests.database.server import Authority

pytestmark = pytest.mark.database

CIPHER = "SHOW STATUS LIKE 'Ssl_cipher'"


@pytest.fixture(scope="module")
def another(tmp_path_factory):
    """An authority that did not sign the server's certificate."""
    return Authority(tmp_path_factory.mktemp("another") / "tls")


def cipher(nova, host="127.0.0.1", port=None, **query):
    """The cipher of a connection with these options in its URL; empty without TLS."""
    url = nova.server.url("nova", port=port, **query).replace("127.0.0.1", host)
    (row,) = nova.reader(target(url)).rows(CIPHER)
    return row["Value"]


def test_right_authority(nova):
    """With the right CA the connection is encrypted."""
    assert cipher(nova, ssl_ca=str(nova.server.authority.ca))


def test_wrong_authority(nova, another):
    """With another CA the server is refused."""
    with pytest.raises(UnavailableError, match="certificate verify failed"):
        cipher(nova, ssl_ca=str(another.ca))


def test_wrong_host_name(nova):
    """A certificate for another name is refused, unless ssl_check_hostname=false says not to."""
    ca = str(nova.server.authority.ca)
    with pytest.raises(UnavailableError, match="Hostname mismatch"):
        cipher(nova, host="localhost", ssl_ca=ca)
    assert cipher(nova, host="localhost", ssl_ca=ca, ssl_check_hostname="false")


def test_verified_chain_as_openstack_ansible_asks(nova, another):
    """ssl_verify_cert=true with ssl_ca verifies the chain by that CA, and no host name."""
    ca = str(nova.server.authority.ca)
    assert cipher(nova, host="localhost", ssl_verify_cert="true", ssl_ca=ca)
    with pytest.raises(UnavailableError, match="certificate verify failed"):
        cipher(nova, ssl_verify_cert="true", ssl_ca=str(another.ca))


def test_verified_identity(nova):
    """ssl_verify_identity=true asks for the host name too."""
    ca = str(nova.server.authority.ca)
    options = {"ssl_verify_cert": "true", "ssl_verify_identity": "true", "ssl_ca": ca}
    assert cipher(nova, **options)
    with pytest.raises(UnavailableError, match="Hostname mismatch"):
        cipher(nova, host="localhost", **options)


def test_without_an_option(nova):
    """A connection is encrypted where the server offers it; no certificate is loaded for that."""
    assert cipher(nova, ssl_disabled="false")

    arguments = target(nova.server.url("nova", ssl_disabled="false")).arguments
    context = QuickConnection(**arguments, defer_connect=True).ctx

    assert (context.verify_mode, context.cert_store_stats()["x509"]) == (ssl.CERT_NONE, 0)


@pytest.mark.parametrize("option", ["ssl_verify_cert", "ssl_verify_identity"])
def test_system_authorities(nova, option):
    """Verification without a CA is by the system's, which do not know this server."""
    with pytest.raises(UnavailableError, match="certificate verify failed"):
        cipher(nova, **{option: "true"})


@pytest.mark.parametrize("option", ["ssl_ca", "ssl_check_hostname"])
def test_no_tls_offered(nova, proxy, option):
    """When TLS is asked for and not offered, by whosoever stands between, it is refused."""
    proxy.hides_tls = True
    value = str(nova.server.authority.ca) if option == "ssl_ca" else "false"
    with pytest.raises(UnavailableError, match=r"(?i)no TLS|SSL is required"):
        cipher(nova, port=proxy.port, **{option: value})
    assert cipher(nova, port=proxy.port) == ""


@pytest.mark.parametrize(("value", "encrypted"), [("true", False), ("false", True)])
def test_tls_can_be_disabled(nova, value, encrypted):
    """ssl_disabled=true means no TLS; false does not."""
    assert bool(cipher(nova, ssl_disabled=value)) is encrypted


def test_client_certificate(nova):
    """A client certificate is shown to a server that asks its user for one."""
    authority = nova.server.authority
    nova.server.make_user("proved", "p", proof="REQUIRE X509")
    options = {"user": "proved", "password": "p", "ssl_ca": str(authority.ca)}
    proof = {"ssl_cert": str(authority.certificate), "ssl_key": str(authority.key)}
    url = nova.server.url("information_schema", **options, **proof)
    assert nova.reader(target(url)).rows(CIPHER)[0]["Value"]
    with pytest.raises(UnavailableError, match="Access denied"):
        nova.reader(target(nova.server.url("information_schema", **options))).rows("SELECT 1")


@pytest.mark.parametrize("content", [None, "no certificate", ""])
def test_files_that_are_none(tmp_path, content):
    """A CA file that is missing or is none is a configuration error that names it."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"ca\.pem"):
        target(f"mysql+pymysql://nova:x@db/nova?ssl_ca={path}")


def test_a_key_that_wants_a_password(nova, tmp_path):
    """A key with a password and none given is refused; nobody is asked for it on the terminal."""
    key = tmp_path / "locked.key"
    subprocess.run(
        [
            "openssl", "pkey", "-in", nova.server.authority.key,
            "-aes256", "-passout", "pass:k", "-out", key,
        ],
        check=True,
    )  # fmt: skip
    certificate = nova.server.authority.certificate
    url = f"mysql+pymysql://nova:x@db/nova?ssl_cert={certificate}&ssl_key={key}"
    with pytest.raises(ConfigurationError, match=r"locked\.key"):
        target(url)
    assert target(f"{url}&ssl_key_password=k")
