# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong with the surroundings: one message that says what to do, no traceback."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.run import NovaDecom, Ran
from tests.lab import Lab

USER = "'nova_decom_errors'@'127.0.0.1'"


@pytest.fixture
def clouds(lab: Lab) -> dict[str, dict[str, object]]:
    """clouds.yaml of the lab, to be spoilt."""
    loaded: dict[str, dict[str, object]] = yaml.safe_load(lab.clouds_yaml.read_text())
    return loaded


def _with(decom: NovaDecom, clouds: object, *arguments: str, **environment: str) -> Ran:
    path = decom.state_dir.parent / "clouds.yaml"
    path.write_text(yaml.safe_dump(clouds))
    environment["OS_CLIENT_CONFIG_FILE"] = str(path)
    return decom(*(arguments or ("plan", "node1")), **environment)


def _is_one_message(ran: Ran, *codes: int) -> None:
    """It says what was seen and what to do, on stderr; stdout has a document only for -f json."""
    assert ran.code in codes, ran
    cloud = ran.err.startswith("Cloud ")
    lines = ran.err.strip().splitlines()[cloud:]
    assert lines[0].startswith("error: ")
    assert lines[1].strip().startswith("→ ")
    assert len(lines) == 2, ran.err
    assert ran.out == ""


def test_a_wrong_cloud_name(decom: NovaDecom) -> None:
    """A cloud that clouds.yaml does not have is exit 2."""
    _is_one_message(decom("--os-cloud", "nowhere", "plan", "node1"), 2)


def test_a_wrong_password(decom: NovaDecom, clouds: dict[str, dict[str, object]]) -> None:
    """Refused credentials are exit 69, and the password is not repeated."""
    clouds["clouds"]["lab"]["auth"]["password"] = "my-wrong-secret"  # type: ignore[index]
    ran = _with(decom, clouds)
    _is_one_message(ran, 69)
    assert "my-wrong-secret" not in ran.err


def test_an_api_that_nobody_serves(decom: NovaDecom, clouds: dict[str, dict[str, object]]) -> None:
    """No answer is exit 69."""
    clouds["clouds"]["lab"]["auth"]["auth_url"] = "http://127.0.0.1:1/v3"  # type: ignore[index]
    _is_one_message(_with(decom, clouds), 69)


def test_a_region_that_does_not_exist(decom: NovaDecom) -> None:
    """A catalogue without an endpoint is exit 69."""
    _is_one_message(decom("--os-region-name", "Nowhere", "plan", "node1"), 69, 2)


@pytest.mark.parametrize(
    ("url", "codes"),
    [
        ("mysql+pymysql://nova:planted-secret@127.0.0.1:1/nova_api", (69,)),
        ("postgresql://nova:planted-secret@127.0.0.1/nova_api", (2,)),
        ("no url with planted-secret at all", (2,)),
    ],
)
def test_a_database_url_that_leads_nowhere(
    decom: NovaDecom, url: str, codes: tuple[int, ...]
) -> None:
    """The message never repeats the password."""
    ran = decom("plan", "node1", NOVA_DECOM_API_DB_URL=url)
    _is_one_message(ran, *codes)
    assert "planted-secret" not in ran.err


def test_a_wrong_schema(lab: Lab, decom: NovaDecom) -> None:
    """A database that is not nova's is named, with the tables that are missing."""
    ran = decom("plan", "node1", NOVA_DECOM_API_DB_URL=lab.db_url("neutron"))
    _is_one_message(ran, 69)


def test_no_nova_conf(decom: NovaDecom) -> None:
    """A nova.conf that cannot be read is exit 2."""
    _is_one_message(decom("--nova-conf", "/nonexistent/nova.conf", "plan", "node1"), 2)


def test_an_unknown_key_in_clouds_yaml(
    decom: NovaDecom, clouds: dict[str, dict[str, object]]
) -> None:
    """A mistyped key is not passed over."""
    clouds["nova-decom"]["setle"] = 3
    ran = _with(decom, clouds)
    _is_one_message(ran, 2)
    assert "setle" in ran.err


@pytest.fixture
def user(lab: Lab) -> Iterator[str]:
    """A database user without any right yet."""
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE OR REPLACE USER {USER} IDENTIFIED BY 'planted-secret'")
        yield "nova_decom_errors"
        cursor.execute(f"DROP USER {USER}")


def _urls(lab: Lab) -> dict[str, str]:
    port = lab.site.ports["mariadb"]
    base = f"mysql+pymysql://nova_decom_errors:planted-secret@127.0.0.1:{port}"
    return {
        "NOVA_DECOM_API_DB_URL": f"{base}/nova_api",
        "NOVA_DECOM_CELL_DB_URL": f"{base}/nova",
    }


@pytest.mark.usefixtures("user")
def test_a_missing_grant_to_read(lab: Lab, decom: NovaDecom) -> None:
    """A user that cannot read the tables is exit 69."""
    ran = decom("plan", "node1", **_urls(lab))
    _is_one_message(ran, 69)
    assert "planted-secret" not in ran.err


@pytest.mark.usefixtures("user")
def test_a_missing_grant_to_delete_is_named(lab: Lab, decom: NovaDecom) -> None:
    """The guard database-access names the right; doctor gives the statement that grants it."""
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        cursor.execute(f"GRANT SELECT ON nova_api.* TO {USER}")
        cursor.execute(f"GRANT SELECT ON nova.* TO {USER}")
        cursor.execute(f"GRANT DELETE ON nova.services TO {USER}")

    ran = decom("remove", "node1", "--yes", "-f", "json", **_urls(lab))
    assert ran.code == 69
    assert set(ran.blocked()) == {"database-access"}
    assert "DELETE on compute_nodes" in ran.blocked()["database-access"]
    assert "DELETE on services" not in ran.blocked()["database-access"]

    doctor = decom("doctor", **_urls(lab))
    assert doctor.code == 69
    assert "GRANT SELECT, DELETE ON nova.compute_nodes" in doctor.out


def test_a_read_only_server(lab: Lab, decom: NovaDecom) -> None:
    """A replica behind the address is told from a server that accepts writes."""
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        cursor.execute("SET GLOBAL read_only = 1")
        try:
            ran = decom("remove", "node1", "--yes", "-f", "json")
        finally:
            cursor.execute("SET GLOBAL read_only = 0")
    assert ran.code == 69
    assert "read-only" in ran.blocked()["database-access"]


def test_an_error_is_one_json_document(decom: NovaDecom) -> None:
    """With -f json stdout is one document also when nothing worked."""
    ran = decom("--os-cloud", "nowhere", "plan", "node1", "-f", "json")
    document = json.loads(ran.out)
    assert document["exit_code"] == ran.code == 2
    assert document["error"]["remedy"]


@pytest.mark.parametrize(
    "arguments", [(), ("nonsense",), ("remove",), ("plan", "--nonsense"), ("list", "-f", "xml")]
)
def test_usage_errors_are_exit_2(decom: NovaDecom, arguments: tuple[str, ...]) -> None:
    """click's own messages, click's own code."""
    assert decom(*arguments).code == 2


def test_a_state_directory_that_others_can_write_is_refused(
    decom: NovaDecom, tmp_path: Path
) -> None:
    """Somebody else could plant a journal there."""
    open_to_all = tmp_path / "open"
    open_to_all.mkdir(mode=0o777)
    open_to_all.chmod(0o777)
    ran = decom("remove", "node1", "--yes", "--state-dir", str(open_to_all))
    assert ran.code == 2
