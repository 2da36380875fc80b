# SPDX-License-Identifier: Apache-2.0
"""Options: where they may stand, what they are called, and which of two values holds."""

from __future__ import annotations

import click
import pytest

from nova_decom.cli.commands import cli
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.options import DEFAULTS, OPTIONS

pytestmark = pytest.mark.usefixtures("clean_environment")

#: Each option as it is typed, its name, and the value that comes of it.
TYPED = [
    (["--os-cloud", "prod"], "os_cloud", "prod"),
    (["--os-region-name", "east"], "os_region_name", "east"),
    (["--nova-conf", "/etc/nova", "--nova-conf", "b"], "nova_conf", ("/etc/nova", "b")),
    (["--api-db-url", "mysql://x/y"], "api_db_url", "mysql://x/y"),
    (["--cell-db-url", "a", "--cell-db-url", "b"], "cell_db_url", ("a", "b")),
    (["--ssh-config", "ssh"], "ssh_config", "ssh"),
    (["--state-dir", "state"], "state_dir", "state"),
    (["--dry-run"], "dry_run", True),
    (["-f", "json"], "format", "json"),
    (["--format", "yaml"], "format", "yaml"),
    (["-vv"], "verbose", 2),
    (["-q"], "quiet", True),
    (["--debug"], "debug", True),
    (["--log-file", "log"], "log_file", "log"),
    (["--color", "never"], "color", "never"),
]
PROCEDURE = [
    (["--reason", "rack 7"], "reason", "rack 7"),
    (["--stop-with", "none"], "stop_with", "none"),
    (["--stop-command", "stop {host}"], "stop_command", "stop {host}"),
    (["--offline"], "offline", True),
    (["--rows", "keep"], "rows", "keep"),
    (["--all-binaries"], "all_binaries", True),
    (["--absent-ok"], "absent_ok", True),
    (
        ["--skip-guard", "ironic", "--skip-guard", "last-host"],
        "skip_guard",
        ("ironic", "last-host"),
    ),
    (["--report-interval", "5"], "report_interval", 5.0),
    (["-y"], "yes", True),
    (["--on-failure", "continue"], "on_failure", "continue"),
    (["--settle", "0"], "settle", 0.0),
    (["--timeout", "10"], "timeout", 10.0),
    (["--detailed-exitcode"], "detailed_exitcode", True),
    (["--out", "plan"], "out", "plan"),
    (["--html", "page"], "html", "page"),
    (["--hooks", "/"], "hooks", "/"),
    (["--metrics-textfile", "x.prom"], "metrics_textfile", "x.prom"),
    (["-c", "host", "-c", "zone"], "column", ("host", "zone")),
]
ENVIRONMENT = [
    ("NOVA_DECOM_OS_CLOUD", "prod", "os_cloud", "prod"),
    ("NOVA_DECOM_API_DB_URL", "mysql://x/y", "api_db_url", "mysql://x/y"),
    ("NOVA_DECOM_CELL_DB_URL", "a b", "cell_db_url", ("a", "b")),
    ("NOVA_DECOM_NOVA_CONF", "/etc/nova/a.conf b:c", "nova_conf", ("/etc/nova/a.conf", "b:c")),
    ("NOVA_DECOM_DRY_RUN", "1", "dry_run", True),
    ("NOVA_DECOM_DRY_RUN", "0", "dry_run", False),
    ("NOVA_DECOM_FORMAT", "json", "format", "json"),
    ("NOVA_DECOM_VERBOSE", "2", "verbose", 2),
    ("NOVA_DECOM_STATE_DIR", "state", "state_dir", "state"),
]


def collected(arguments, command=cli):
    """What is given when this is typed."""
    given = GivenOptions()
    command.main(arguments, standalone_mode=False, obj=given)
    return given


def every_option():
    """A command with every option that there is."""

    return click.Command("every", callback=lambda: None, params=list(OPTIONS.values()))


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize(("typed", "name", "value"), TYPED, ids=str)
def test_common_options_are_taken_before_and_after_the_command(typed, name, value, place):
    """An alias of the whole command line can be made, and nobody has to remember an order."""
    line = [*typed, "steps"] if place == "before" else ["steps", *typed]

    assert collected(line).values[name] == value


@pytest.mark.parametrize(("typed", "name", "value"), [*TYPED, *PROCEDURE], ids=str)
def test_an_option_is_known_by_its_name(typed, name, value):
    """The name of the setting is that of the long option."""
    given = collected(typed, every_option())

    assert given.values[name] == value
    assert name in DEFAULTS


@pytest.mark.parametrize(("variable", "text", "name", "value"), ENVIRONMENT)
def test_an_option_may_stand_in_the_environment(monkeypatch, variable, text, name, value):
    """NOVA_DECOM_ and the long option in capitals."""
    monkeypatch.setenv(variable, text)

    given = collected(["steps"])

    assert given.values[name] == value
    assert not given.from_command_line(name)


@pytest.mark.parametrize("command", [cli, *cli.commands.values()], ids=lambda c: c.name)
def test_every_option_has_a_name_in_the_environment(command):
    """Every option of every command, from its long name; except those that end the program."""
    for option in command.params:
        if not isinstance(option, click.Option) or option.name in {"help", "version"}:
            continue
        long = next(o for o in option.opts if o.startswith("--"))

        assert option.envvar == "NOVA_DECOM_" + long[2:].upper().replace("-", "_")
        assert option.name in DEFAULTS
        assert option.help


@pytest.mark.parametrize("command", cli.commands.values(), ids=lambda c: c.name)
def test_every_command_takes_the_common_options(command):
    """And says what it does in one line without a full stop at its end."""
    names = {o.name for o in command.params}

    assert {o.name for o in cli.params} - {"version"} <= names
    assert command.get_short_help_str(200)


@pytest.mark.parametrize("command", cli.commands.values(), ids=lambda c: c.name)
def test_an_option_has_one_type_and_one_default(command):
    """A section of clouds.yaml takes what each command takes; only the formats differ."""
    for option in command.params:
        if isinstance(option, click.Option) and option.name not in {"help", "format"}:
            assert option is OPTIONS[option.name]


def test_the_help_states_each_default():
    """Written once, in the table."""
    helps = {name: option.help for name, option in OPTIONS.items()}

    assert helps["settle"].endswith("[default: 60]")
    assert helps["reason"].endswith("[default: decommissioned; drain: maintenance]")
    assert helps["report_interval"].endswith("[default: report_interval in nova.conf, else 10]")
    for name, default in DEFAULTS.items():
        assert ("[default: " in helps[name]) or not default


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["steps"], "from-environment"),
        (["--os-cloud", "before", "steps"], "before"),
        (["steps", "--os-cloud", "after"], "after"),
        (["--os-cloud", "before", "steps", "--os-cloud", "after"], "after"),
    ],
)
def test_the_command_line_wins_over_the_environment(monkeypatch, line, expected):
    """Wherever it stands; of two, the later one."""
    monkeypatch.setenv("NOVA_DECOM_OS_CLOUD", "from-environment")

    given = collected(line)

    assert given.values["os_cloud"] == expected
    assert given.from_command_line("os_cloud") is (expected != "from-environment")


def test_what_was_not_given_is_not_there():
    """Defaults are the settings' business."""
    given = collected(["steps"])

    assert set(given.values) == {"state_dir"}
    assert given.known == given.values


@pytest.fixture
def app(clean_environment):
    """Settings of a command line, with a clouds.yaml; nothing is connected."""
    from nova_decom.cli.context import Context

    def make(arguments, section, command="nova-decom"):
        (clean_environment / "clouds.yaml").write_text(
            f"clouds: {{other: {{}}}}\nnova-decom: {section}\n"
        )
        given = collected(arguments, every_option())
        given.command = command
        return Context(given)

    return make


@pytest.mark.parametrize(
    ("typed", "environment", "section", "expected"),
    [
        (["--settle", "1"], "2", "{settle: 3}", 1.0),
        ([], "2", "{settle: 3}", 2.0),
        ([], None, "{settle: 3}", 3.0),
        ([], None, "{}", 60.0),
    ],
    ids=["command line", "environment", "clouds.yaml", "default"],
)
def test_precedence(app, monkeypatch, typed, environment, section, expected):
    """Command line, environment, clouds.yaml, default: the first that says something."""
    if environment:
        monkeypatch.setenv("NOVA_DECOM_SETTLE", environment)

    assert app(typed, section).settings.settle == expected


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("{dry-run: true}", "dry_run", True),
        ("{dry_run: false}", "dry_run", False),
        ("{skip_guard: [ironic, last-host]}", "skip_guard", ("ironic", "last-host")),
        ("{skip-guard: ironic}", "skip_guard", ("ironic",)),
        ("{report-interval: 5}", "report_interval", 5.0),
        ("{reason: }", "reason", None),
    ],
)
def test_a_section_of_clouds_yaml_as_the_sdk_reads_it(app, section, name, value):
    """With dashes or underscores, whatever the SDK makes of the values."""
    assert getattr(app([], section).settings, name) == value


@pytest.mark.parametrize(
    ("typed", "variable", "section", "warned"),
    [
        ([], None, "{'yes': true}", "--yes is set by clouds.yaml"),
        ([], "1", "{}", "--yes is set by NOVA_DECOM_YES"),
        (["--yes"], "1", "{'yes': true}", ""),
        ([], None, "{skip_guard: [ironic]}", "--skip-guard ironic is set by clouds.yaml"),
        ([], None, "{}", ""),
    ],
)
def test_what_confirms_or_overrules_is_named_where_nobody_typed_it(
    app, monkeypatch, capsys, typed, variable, section, warned
):
    """On stderr, so that a line of cron shows it too."""
    if variable:
        monkeypatch.setenv("NOVA_DECOM_YES", variable)

    app(typed, section, "remove")

    assert capsys.readouterr().err == (f"warning: {warned}\n" if warned else "")


@pytest.mark.parametrize("place", ["command line", "environment"])
def test_a_password_on_the_command_line_is_warned_of(app, monkeypatch, capsys, place):
    """Every user of the machine can see it there, and nowhere else."""
    url = "mysql+pymysql://nova:secret@db/nova_api"
    if place == "environment":
        monkeypatch.setenv("NOVA_DECOM_API_DB_URL", url)

    app(["--api-db-url", url] if place == "command line" else [], "{}")

    err = capsys.readouterr().err
    assert ("--api-db-url on the command line" in err) is (place == "command line")
    assert "secret" not in err


@pytest.mark.parametrize(("user", "warned"), [("nova:secret@", True), ("", False)])
def test_a_url_without_password_is_not_warned_of(app, capsys, user, warned):
    """The password of a management API comes from the cell mapping as a rule."""
    app(["--rabbitmq-api-url", f"http://{user}rabbit:15672"], "{}")

    assert ("--rabbitmq-api-url on the command line" in capsys.readouterr().err) is warned
