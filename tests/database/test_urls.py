# SPDX-License-Identifier: Apache-2.0
"""Where the databases are: URLs, nova.conf and cell mapping templates."""

import json
import re
import subprocess
from urllib.parse import quote

import pytest

from nova_decom.clients.mysql import url as urls
from nova_decom.clients.mysql.nova_conf import check_connections, read_nova_conf
from nova_decom.clients.mysql.url import expand_template, target
from nova_decom.errors import ConfigurationError

pytestmark = pytest.mark.database

PASSWORDS = [
    "simple", "a#b", "a?b", "a[b]", "a@b", "a/b", "a%b", "a%40b", "a+b", "a b", "€", "pässwörd",
    "{password}", "{0}{", "$my_ip", "a:b", "'\"\\", "x" * 300,
]  # fmt: skip

#: Nova's own answer to a list of [template, main] pairs.
FORMAT_DB_URL = """
import json, logging, sys
logging.disable()
from nova import config
from nova.objects.cell_mapping import CellMapping
config.CONF([], project='nova', default_config_files=[])
answers = []
for url, main in json.loads(sys.argv[1]):
    config.CONF.set_override('connection', main, 'database')
    answers.append(CellMapping.format_db_url(url))
print(json.dumps(answers))
"""


@pytest.mark.parametrize("password", PASSWORDS)
def test_passwords(password):
    """A percent-encoded password arrives as it is, in bytes, and is shown nowhere."""
    place = target(f"mysql+pymysql://nova:{quote(password, safe='')}@db:3307/nova")
    assert place.arguments["password"] == password.encode()
    assert (place.label, place.place) == ("nova at db:3307", ("db", 3307, "nova"))
    assert repr(place) == "Target(label='nova at db:3307', host='db', port=3307, database='nova')"


@pytest.mark.parametrize("query", ["", "?charset=utf8", "?charset=utf8mb4"])
@pytest.mark.parametrize(
    "start",
    [
        *(
            "nova:secret@db",
            "nova:secret@db:3307",
            "nova:secret@127.0.0.1:15419",
            "no.va:s-_~.t@a.b-c",
        ),
        *("n%40ova:a%25b%2Fc@db:1", "nova:%E2%82%AC@db", "n%ova:%zz@db", "nova:%00@db"),
    ],
)
def test_a_plain_url_is_read_as_sqlalchemy_reads_it(monkeypatch, start, query):
    """Most URLs are plain, and SQLAlchemy is slow to import."""
    url = f"mysql+pymysql://{start}/nova_cell1{query}"
    assert urls.PLAIN.fullmatch(url)
    plain = target(url)
    monkeypatch.setattr(urls, "PLAIN", re.compile("(?!)"))
    by_sqlalchemy = target(url)

    assert plain == by_sqlalchemy
    assert plain.arguments == by_sqlalchemy.arguments


@pytest.mark.parametrize(
    "url",
    [
        *("mysql+pymysql://nova:a@b@db/nova", "mysql+pymysql://nova:s@db/nova?ssl_ca=x"),
        *("mysql+pymysql://nova@db/nova", "mysql+pymysql://nova:s@[::1]/nova", "sqlite:///x"),
        *("mysql+pymysql://nova:s@db:99999/nova", "mysql+pymysql://nova:s@db/nova?charset=latin1"),
        *(
            "mysql+pymysql://nova:s@db:0/nova",
            "mysql+pymysql://nova:s@db/nova\n",
            "mysql://nova:s@db/nova",
            "mysql+pymysql://n:s@db/",
        ),
    ],
)
def test_any_other_url_is_left_to_sqlalchemy(url):
    """Options, other drivers, and what is no URL."""
    assert urls.PLAIN.fullmatch(url) is None


@pytest.mark.parametrize("password", ["a#b", "a?b", "a[b", "a/b", "a+b", "€", "{x}", "a:b"])
def test_passwords_as_they_are(password):
    """Letters that nova takes without encoding are taken here too."""
    assert target(f"mysql+pymysql://nova:{password}@db/nova").arguments["password"] == (
        password.encode()
    )


@pytest.mark.parametrize("password", PASSWORDS[:15])
def test_the_server_takes_the_password(nova, password):
    """The server lets the user in whose password was set over another client."""
    nova.server.make_user("odd", password, "SELECT ON nova.*")
    reader = nova.reader(target(nova.server.url("nova", user="odd", password=password)))
    assert reader.rows("SELECT CURRENT_USER() AS user") == [{"user": "odd@127.0.0.1"}]


@pytest.mark.parametrize(
    "url",
    [
        "mysql+pymysql://nova:geheim@ss@db/nova",
        "mysql+pymysql://nova:p@geheim/word@db:3306/nova",
        "mysql+pymysql://nova:p@geheim:word@db/nova",
        "mysql+pymysql://nova:geheim@db:port/nova",
        "mysql+pymysql://nova:geheim@db:99999/nova",
        "geheim",
        "",
        "mysql+pymysql://nova:geheim@db:3306",
        "mysql+pymysql://nova:geheim@db:3306/",
        "postgresql://nova:geheim@db/nova",
        "postgresql://nova@db/nova?password=geheim",
        "sqlite:///geheim@x",
        "mysql+pymysql://nova:geheim@db/nova?connect_timeout=soon",
        "mysql+pymysql://nova:geheim@db/nova?ssl=true",
    ],
)
def test_what_is_no_url(url):
    """What is no URL of a MySQL database is a configuration error that does not show it."""
    with pytest.raises(ConfigurationError) as caught:
        target(url)
    assert "geheim" not in f"{caught.value} {caught.value!r} {caught.value.remedy}"
    assert caught.value.remedy


@pytest.mark.parametrize(
    "scheme", ["mysql", "mysql+pymysql", "mysql+mysqldb", "mariadb", "mariadb+pymysql"]
)
def test_schemes(scheme):
    """Every scheme of MySQL and MariaDB is taken, whichever driver nova uses."""
    assert target(f"{scheme}://nova:x@db/nova?charset=utf8").place == ("db", 3306, "nova")


def test_plugins_of_nova_are_left_out():
    """A SQLAlchemy plugin in nova's URL, as devstack sets one, is none of ours."""
    assert "plugin" not in target("mysql+pymysql://n:x@db/nova?plugin=dbcounter").arguments


def test_bounds():
    """Timeouts are bounded when the URL says nothing, and as the URL says otherwise."""
    assert target("mysql://n:x@db/nova").arguments["connect_timeout"] == 10
    assert target("mysql://n:x@db/nova?connect_timeout=3").arguments["connect_timeout"] == 3


def test_ipv6():
    """An IPv6 address is a host."""
    assert target("mysql://n:x@[2001:db8::1]:3307/nova").place == ("2001:db8::1", 3307, "nova")


def test_unix_socket(nova):
    """A UNIX socket is connected to, and is what the label names."""
    nova.server.make_user("local", "l", "SELECT ON nova.*", host="localhost")
    socket = nova.server.socket
    place = target(f"mysql+pymysql://local:l@localhost/nova?unix_socket={socket}")
    assert place.label == f"nova at {socket}"
    assert nova.reader(place).rows("SELECT CURRENT_USER() AS user") == [
        {"user": "local@localhost"}
    ]


TEMPLATES = [
    "{scheme}://{username}:{password}@{hostname}:{port}/nova_cell1",
    "{scheme}://{username}:{password}@{hostname}/{path}?{query}",
    "mysql+pymysql://nova:plain@db/nova",
    "mysql+pymysql://nova:br{ce@db/nova",
    "mysql+pymysql://nova:{unknown}@db/nova",
    "mysql+pymysql://nova:{}@db/nova",
    "mysql+pymysql://nova:{username.x}@db/nova",
    "{scheme}://{username}:{password}@db/{path}_{fragment}",
]
MAINS = [
    "mysql+pymysql://nova:secret@10.0.0.1:3307/nova?charset=utf8",
    "mysql+pymysql://nova:p%40ss%2Fword@db/nova",
    "mysql+pymysql://nova:pa/ss@db/nova",
    "mysql+pymysql://nova:pa#ss@db/nova",
    "mysql+pymysql://nova@db/nova",
    "mysql+pymysql:///nova?unix_socket=/run/mysqld/mysqld.sock",
]


def test_templates_as_nova_fills_them(server):
    """Each cell mapping becomes the URL that nova's own code makes of it."""
    pairs = [[template, main] for template in TEMPLATES for main in MAINS]
    told = subprocess.run(
        [str(server.nova_python), "-W", "ignore", "-c", FORMAT_DB_URL, json.dumps(pairs)],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert [expand_template(*pair) for pair in pairs] == json.loads(told.stdout)


@pytest.mark.parametrize("template", TEMPLATES[:2])
def test_templates_that_nothing_fills(template):
    """A template without [database] connection asks for nova.conf."""
    with pytest.raises(ConfigurationError, match="template") as caught:
        expand_template(template, None)
    assert "--nova-conf" in caught.value.remedy


@pytest.mark.parametrize("url", TEMPLATES[2:4])
def test_urls_that_are_no_templates(url):
    """Without [database] connection a URL stays as it is, braces in its password too."""
    assert expand_template(url, None) == url


@pytest.fixture
def nova_conf(tmp_path):
    def write(text):
        path = tmp_path / "nova.conf"
        path.write_text(text)
        return read_nova_conf([path])

    return write


def test_nova_conf(nova_conf):
    """The connections and the report interval are read; the rest may be what it likes."""
    conf = nova_conf(
        "[DEFAULT]\nreport_interval = 30\ntransport_url = rabbit://\nunknown\t= 1\n"
        "[api_database]\nconnection = mysql+pymysql://nova:a#b;c@db/nova_api\n"
        "[database]\nconnection=mysql://x/y\nmax_pool_size = 5\n[odd-group]\na = %(b)s\n"
    )
    assert conf.api_database == "mysql+pymysql://nova:a#b;c@db/nova_api"
    assert (conf.main_database, conf.report_interval) == ("mysql://x/y", 30)
    assert "a#b" not in repr(conf)


def test_nova_conf_duplicates(nova_conf):
    """Of an option given twice, or of a section in two parts, the last one counts, as in nova."""
    conf = nova_conf(
        "[database]\nconnection = mysql://x/first\nconnection = mysql://x/second\n"
        "[api_database]\nconnection = mysql://x/api\n[database]\nconnection = mysql://x/third\n"
    )
    assert (conf.main_database, conf.api_database) == ("mysql://x/third", "mysql://x/api")


def test_nova_conf_substitution(nova_conf):
    """$name is replaced by another option and $$ is a dollar sign, as in nova."""
    conf = nova_conf(
        "[DEFAULT]\nmy_ip = 192.0.2.1\n[database]\nconnection = mysql://n:a$$b@$my_ip/nova\n"
        "[api_database]\nconnection = $database.connection\n"
    )
    assert conf.main_database == "mysql://n:a$b@192.0.2.1/nova"
    assert conf.api_database == conf.main_database


@pytest.mark.parametrize("name", ["$my_ip", "${database.nothing}"])
def test_nova_conf_names_what_is_not_there(nova_conf, name):
    """A $name that the file does not give a value to is a configuration error, not a blank."""
    with pytest.raises(ConfigurationError, match="no such option") as caught:
        nova_conf(f"[database]\nconnection = mysql://n:geheim@{name}/nova\n")
    assert "geheim" not in str(caught.value)


def test_nova_conf_environment(nova_conf, monkeypatch):
    """OS_GROUP__OPTION of the environment is used where nova would use it."""
    monkeypatch.setenv("OS_API_DATABASE__CONNECTION", "mysql://x/from_environment")
    monkeypatch.setenv("OS_DATABASE__CONNECTION", "mysql://x/unused")
    conf = nova_conf("[database]\nconnection = mysql://x/main\n")
    assert conf.api_database == "mysql://x/from_environment"


@pytest.mark.parametrize("text", ["no section\n", "[DEFAULT]\nreport_interval = often\n", "[a\n"])
def test_nova_conf_that_cannot_be_read(nova_conf, text):
    """A file that is no nova.conf is a configuration error in one line that names it."""
    with pytest.raises(ConfigurationError, match=r"nova\.conf: ") as caught:
        nova_conf(text)
    assert "\n" not in str(caught.value)


def test_nova_conf_that_is_missing(tmp_path):
    """A file that is missing, alone or beside others, is a configuration error that names it."""
    for paths in ([tmp_path / "missing.conf"], [tmp_path, tmp_path / "missing.conf"]):
        with pytest.raises(ConfigurationError, match=r"missing\.conf"):
            read_nova_conf(paths)


@pytest.fixture
def conf_files(tmp_path):
    """nova.conf without a connection beside nova.conf.d, as operators of Kubernetes write it."""
    main, parts = tmp_path / "nova.conf", tmp_path / "nova.conf.d"
    parts.mkdir()
    main.write_text("[DEFAULT]\nreport_interval = 30\n[database]\nmax_pool_size = 5\n")
    (parts / "01-nova.conf").write_text("[api_database]\nconnection = mysql://x/first\n")
    (parts / "02-secret.conf").write_text("[api_database]\nconnection = mysql://x/second\n")
    (parts / "03-notes.txt").write_text("no configuration\n")
    return main, parts


def test_nova_conf_in_parts(conf_files):
    """Files and directories in their order, of a directory *.conf by name; the last holds."""
    main, parts = conf_files
    conf = read_nova_conf([main, parts])
    assert (conf.api_database, conf.report_interval) == ("mysql://x/second", 30)
    (main.parent / "last.conf").write_text("[api_database]\nconnection = mysql://x/last\n")
    assert read_nova_conf([parts, main.parent / "last.conf"]).api_database == "mysql://x/last"
    assert read_nova_conf([main.parent / "last.conf", parts]).api_database == "mysql://x/second"


def test_nova_conf_without_connection(conf_files, tmp_path):
    """A nova.conf without connection is refused; a directory beside it is named."""
    main, parts = conf_files
    check_connections(read_nova_conf([main, parts]), [main, parts])
    with pytest.raises(ConfigurationError, match="no connection") as caught:
        check_connections(read_nova_conf([main]), [main])
    assert f"--nova-conf {parts}" in caught.value.remedy
    compute = tmp_path / "compute.conf"
    compute.write_text("[DEFAULT]\ncompute_driver = libvirt.LibvirtDriver\n")
    with pytest.raises(ConfigurationError, match="compute host") as caught:
        check_connections(read_nova_conf([compute]), [compute])
    assert "--api-db-url" in caught.value.remedy


def test_nova_conf_of_everything(nova, nova_conf):
    """From nova.conf and a template in cell_mappings to the rows of a host."""
    nova.api.query("DELETE FROM nova_api.cell_mappings WHERE name = 'cell1'")
    nova.api.cell("cell1", "{scheme}://{username}:{password}@{hostname}:{port}/nova")
    nova.cell.host("node1")
    conf = nova_conf(
        f"[api_database]\nconnection = {nova.server.url('nova_api')}\n"
        f"[database]\nconnection = {nova.server.url('nova_cell0')}\n"
    )
    sources = nova.sources(main=conf.main_database)
    assert target(conf.api_database) == sources.api
    assert nova.reading(sources).facts(["node1"])["node1"].services
