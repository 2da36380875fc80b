# SPDX-License-Identifier: Apache-2.0
"""``init``: the section of clouds.yaml, from what is found on the machine."""

from __future__ import annotations

import pytest
import yaml

from nova_decom.cli import init as init_module
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.init import init, usable_confs
from nova_decom.errors import ConfigurationError, UnconfirmedError

AUTH = "auth: {auth_url: 'http://127.0.0.1:9/v3', username: u, password: p, project_name: p}"
ONE = f"# mine\nclouds:\n  lab: {{{AUTH}}}\n"
TWO = f"{ONE}  other: {{{AUTH}}}\n"
API = "[api_database]\nconnection = mysql+pymysql://nova:secret@db/nova_api\n"
COMPUTE = "[database]\nconnection = mysql+pymysql://nova:secret@db/nova\n"


@pytest.fixture
def place(clean_environment, monkeypatch):
    """A machine with clouds.yaml and the nova.conf of a compute host; doctor is not asked."""
    monkeypatch.setattr(init_module, "doctor", lambda given, hosts: (given, hosts))
    (clean_environment / "clouds.yaml").write_text(ONE)
    (clean_environment / "etc/nova").mkdir(parents=True)
    (clean_environment / "etc/nova/nova.conf").write_text(COMPUTE)
    return clean_environment


def given(**values):
    """These options, on the command line."""
    found = GivenOptions()
    for name, value in values.items():
        found.put(name, value, 2)
    return found


def section_of(place):
    """The section, as YAML reads it."""
    return yaml.safe_load((place / "clouds.yaml").read_text())["nova-decom"]


def test_the_nova_conf_of_a_controller_is_found_and_that_of_a_compute_host_is_not(place):
    """By deployment; the file is only added to, and doctor follows."""
    conf = place / "etc/kolla/nova-api/nova.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text(API)

    answer = init(given(yes=True), place)

    assert usable_confs(place) == [str(conf)]
    assert section_of(place) == {"os_cloud": "lab", "nova_conf": str(conf)}
    assert (place / "clouds.yaml").read_text().startswith(ONE)
    assert answer[1] == ()


def test_what_is_not_found_is_a_comment(place, capsys):
    """It says what to add; the lines are shown before they are written."""
    init(given(yes=True), place)

    assert section_of(place) == {"os_cloud": "lab"}
    assert "# nova_conf: FILE" in (place / "clouds.yaml").read_text()
    assert "# nova_conf: FILE" in capsys.readouterr().err


def test_of_several_clouds_none_is_chosen(place):
    """The option chooses one."""
    (place / "clouds.yaml").write_text(TWO)
    init(given(yes=True, nova_conf=("/x/nova.conf",)), place)
    assert section_of(place) == {"nova_conf": "/x/nova.conf"}

    (place / "clouds.yaml").write_text(TWO)
    init(given(yes=True, os_cloud="other"), place)
    assert section_of(place) == {"os_cloud": "other"}


@pytest.mark.parametrize("answer", ["no", "", None])
def test_without_a_yes_nothing_is_written(place, monkeypatch, answer):
    """Another answer, the end of the input, or no terminal."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: answer is not None, raising=False)
    monkeypatch.setattr(init_module, "ask", lambda _: answer)

    with pytest.raises(UnconfirmedError):
        init(given(), place)

    assert (place / "clouds.yaml").read_text() == ONE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{ONE}nova-decom: {{settle: 3}}\n", "has a section nova-decom"),
        (f"{ONE}nova-decom: {{}}\n", "has a section nova-decom"),
        ("nova-decom: {}\n", "no clouds.yaml with a cloud"),
        (f'{{"clouds": {{"lab": {{{AUTH}}}}}}}\n', "no section can be added at its end"),
        (f"{ONE}...\n", "no section can be added at its end"),
    ],
)
def test_a_file_that_cannot_be_added_to_stays_as_it_is(place, text, why):
    """A second section would hide the first."""
    (place / "clouds.yaml").write_text(text)

    with pytest.raises(ConfigurationError, match=why):
        init(given(yes=True), place)

    assert (place / "clouds.yaml").read_text() == text


def test_a_cloud_that_is_not_there_is_not_written(place):
    """With the name of the one that is meant."""
    with pytest.raises(ConfigurationError, match="no cloud 'lob'") as error:
        init(given(yes=True, os_cloud="lob"), place)

    assert error.value.remedy == "did you mean lab?"
    assert (place / "clouds.yaml").read_text() == ONE
