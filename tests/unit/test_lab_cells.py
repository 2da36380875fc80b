# SPDX-License-Identifier: Apache-2.0
"""The lab's cells: each has its own database, virtual host, controller and compute hosts."""

import base64
import hashlib
import json
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from tests.lab import Lab, config
from tests.lab.cells import FIRST, Cell, cell_of_each, default_computes
from tests.lab.computes import Hosts
from tests.lab.errors import LabError
from tests.lab.ids import Ids
from tests.lab.layout import PORT_NAMES, Layout, Site, load_site
from tests.lab.mariadb import MariaDB
from tests.lab.processes import Processes
from tests.lab.rabbitmq import RabbitMQ
from tests.lab.releases import RELEASES

SECOND = Cell(2)
PORTS = dict.fromkeys(PORT_NAMES, 12000)


def site_of(root: Path, cells: int) -> Site:
    return Site(Layout.of(root, root / "cache"), RELEASES["2026.2"], PORTS, 1, cells)


def read(sections: config.Sections) -> ConfigParser:
    # An option of oslo.config may be given several times.
    parser = ConfigParser(interpolation=None, strict=False)
    parser.read_string(config.ini(sections))
    return parser


def test_each_controller_has_the_queue_and_the_database_of_its_cell(tmp_path: Path) -> None:
    """The API database is the same for all."""
    site = site_of(tmp_path, 2)
    first, second = (
        read({**config.nova(site, cell), **config.nova_databases(site, cell)})
        for cell in site.cells
    )

    assert first["DEFAULT"]["transport_url"] == "rabbit://guest:guest@127.0.0.1:12000/"
    assert second["DEFAULT"]["transport_url"] == "rabbit://guest:guest@127.0.0.1:12000/cell2"
    assert "/nova?" in first["database"]["connection"]
    assert "/nova_cell2?" in second["database"]["connection"]
    assert first["api_database"]["connection"] == second["api_database"]["connection"]
    assert (first["DEFAULT"]["host"], second["DEFAULT"]["host"]) == (
        "controller",
        "controller-cell2",
    )


def test_compute_hosts_of_a_second_cell_have_its_queue_and_no_database(tmp_path: Path) -> None:
    given = read(config.nova(site_of(tmp_path, 2), SECOND))

    assert given["DEFAULT"]["transport_url"].endswith("/cell2")
    assert [name for name in given.sections() if "database" in name] == []


def test_cells_share_no_file_no_process_and_no_template(tmp_path: Path) -> None:
    site = site_of(tmp_path, 2)
    files = [
        path
        for cell in site.cells
        for path in (site.layout.conductor_conf(cell), site.layout.compute_conf(cell))
    ]

    assert len(set(files)) == 4
    assert [cell.conductor for cell in site.cells] == ["nova-conductor", "nova-conductor-cell2"]
    assert site.template.name == "template-cells2"
    assert site_of(tmp_path, 1).template.name == "template"


def test_nova_decom_is_given_a_url_for_each_cell(tmp_path: Path) -> None:
    """Its own MySQL user's; it finds the cells themselves in nova_api.cell_mappings."""
    section = yaml.safe_load(config.clouds_yaml(site_of(tmp_path, 2)))["nova-decom"]

    assert "/nova_api?" in section["api_db_url"]
    assert [url.rpartition("/")[2] for url in section["cell_db_url"]] == [
        "nova?charset=utf8mb4",
        "nova_cell2?charset=utf8mb4",
    ]
    assert all("//nova_decom:" in url for url in section["cell_db_url"])


def test_a_broker_of_several_cells_has_a_virtual_host_for_each(tmp_path: Path) -> None:
    """Definitions replace the user that the broker would make: it is among them, by its hash."""
    broker = RabbitMQ(site_of(tmp_path, 2), Processes(tmp_path))
    definitions = json.loads(broker._vhosts())
    (user,) = definitions["users"]
    hashed = base64.b64decode(user["password_hash"])

    assert [vhost["name"] for vhost in definitions["vhosts"]] == ["/", "cell2"]
    assert [(p["user"], p["vhost"]) for p in definitions["permissions"]] == [
        ("guest", "/"),
        ("guest", "cell2"),
    ]
    assert hashed[4:] == hashlib.sha256(hashed[:4] + b"guest").digest()
    assert f"load_definitions = {broker._definitions}\n" in broker._configuration()


def test_a_broker_of_one_cell_makes_its_user_itself(tmp_path: Path) -> None:
    broker = RabbitMQ(site_of(tmp_path, 1), Processes(tmp_path))

    assert "load_definitions" not in broker._configuration()


def test_a_saved_site_keeps_its_number_of_cells(tmp_path: Path) -> None:
    """A lab that was started before there were cells has one."""
    site = site_of(tmp_path, 2)
    site.save()
    assert load_site(site.layout, RELEASES) == site

    content = json.loads(site.layout.site_file.read_text())
    del content["cells"]
    site.layout.site_file.write_text(json.dumps(content))
    assert load_site(site.layout, RELEASES) == site_of(tmp_path, 1)


def test_a_lab_has_the_cells_that_are_asked_for_else_those_that_are_there(tmp_path: Path) -> None:
    assert Lab(tmp_path, cache=tmp_path / "cache").cell_count == 1
    assert Lab(tmp_path, cache=tmp_path / "cache", cells=2).cell_count == 2
    site_of(tmp_path, 2).save()
    assert Lab(tmp_path, cache=tmp_path / "cache").cell_count == 2


def test_an_unknown_cell_is_refused_with_those_there_are(tmp_path: Path) -> None:
    site = site_of(tmp_path, 2)

    assert site.cell("cell2") == SECOND
    with pytest.raises(LabError, match=r"^the lab has no cell 'cell0', only cell1, cell2$"):
        site.cell("cell0")


def test_a_host_stays_in_its_cell(tmp_path: Path) -> None:
    """It goes to another one only as another machine."""
    hosts = Hosts(site_of(tmp_path, 2))
    assert hosts.ensure("node1").cell == FIRST
    assert hosts.ensure("node4", "cell2").cell == SECOND
    assert hosts.ensure("node4").cell == SECOND

    with pytest.raises(LabError, match=r"^host node4 is in cell2, not in cell1$"):
        hosts.ensure("node4", "cell1")
    with pytest.raises(LabError, match="no cell 'cell3'"):
        hosts.ensure("node5", "cell3")
    assert hosts.get("node5") is None

    hosts.assign(hosts.ensure("node4"), "cell1")
    moved = hosts.ensure("node4")
    assert (moved.cell, moved.index) == (FIRST, 2)
    assert "nova-compute-cell2.conf" not in moved.service.read_text()


def test_a_host_keeps_the_sections_of_its_own(tmp_path: Path) -> None:
    """They come last in what its nova-compute reads, at later starts too."""
    hosts = Hosts(site_of(tmp_path, 1))
    hosts.ensure("node4", conf="[DEFAULT]\nreport_interval = 6\n")
    host = hosts.ensure("node4")
    text = (host.directory / "nova-compute.conf").read_text()
    assert text.endswith("[DEFAULT]\nreport_interval = 6\n")
    assert "host = node4" in text


def test_the_service_of_a_host_reads_the_configuration_of_its_cell(tmp_path: Path) -> None:
    service = Hosts(site_of(tmp_path, 2)).ensure("node4", "cell2").service

    assert "/etc/nova/nova-compute-cell2.conf" in service.read_text()


def test_hosts_are_named_alone_or_by_cell() -> None:
    assert default_computes(2, 2) == {
        "cell1": ("node1", "node2"),
        "cell2": ("node1-cell2", "node2-cell2"),
    }
    assert cell_of_each(("node1", "node2")) == {"node1": None, "node2": None}
    assert cell_of_each(default_computes(2, 1)) == {"node1": "cell1", "node1-cell2": "cell2"}
    with pytest.raises(LabError, match=r"^host node1 cannot be in both cell1 and cell2$"):
        cell_of_each({"cell1": ("node1",), "cell2": ("node1",)})


def test_one_migration_id_for_two_hosts_of_one_cell_is_refused(tmp_path: Path) -> None:
    """Before any server is made."""
    site = site_of(tmp_path, 2)
    made: list[str] = []

    def resized(host: str) -> str:
        made.append(host)
        return host

    ids = Ids(MariaDB(site, Processes(tmp_path)), site.cells)
    with pytest.raises(LabError, match=r"^not in different cells: node1, node2$"):
        ids.resize({"node1": FIRST, "node2": FIRST}, resized)
    assert made == []
