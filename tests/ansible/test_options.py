# SPDX-License-Identifier: Apache-2.0
"""The modules and the program have the same options, choices and defaults."""

import ast
import json
from collections.abc import Iterator
from typing import Any

import click
import pytest
import yaml

from nova_decom.cli.commands import cli
from nova_decom.cli.common_options import COMMON_OF_LIST
from tests.ansible.environment import CHECKOUT

PLUGINS = CHECKOUT / "ansible" / "plugins"
OWN = {"hosts", "state", "query", "extra_args", "executable"}
NAMES = {
    "cloud": "os_cloud",
    "region_name": "os_region_name",
    "host_aliases": "host_alias",
    "skip_guards": "skip_guard",
    "cell_db_urls": "cell_db_url",
    "rabbitmq_api_urls": "rabbitmq_api_url",
}
#: Options that a task does not need: the module gives them, Ansible has its own way, or the
#: group of the inventory says it.
LEFT_OUT = {"yes", "dry_run", "format", "quiet", "verbose", "debug", "log_file", "color"}
LEFT_OUT |= {"progress", "detailed_exitcode", "plan", "column"}
LEFT_OUT |= {"hosts_file", "aggregate", "zone", "match"}
COMMANDS = {"decommission": ["remove"], "drain": ["drain"], "enable": ["enable"]}
COMMANDS |= {"info": ["list", "verify", "audit"]}
#: Changing commands have every option as a parameter; of verify, extra_args gives the rest.
COMPLETE = ("decommission", "drain", "enable")


def documentation(source: str, name: str) -> dict[str, Any]:
    """The YAML that a plugin assigns to this name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == name:
            found: dict[str, Any] = yaml.safe_load(ast.literal_eval(node.value))
            return found
    raise LookupError(name)


def parameters(module: str) -> dict[str, dict[str, Any]]:
    """The documented parameters of a module, with those of its fragments."""
    source = (PLUGINS / "modules" / f"compute_node_{module}.py").read_text("utf-8")
    own = documentation(source, "DOCUMENTATION")
    found = dict(own["options"])
    fragments = (PLUGINS / "doc_fragments" / "program.py").read_text("utf-8")
    for fragment in own["extends_documentation_fragment"]:
        part = fragment.removeprefix("nova_decom.compute.program").strip(".").upper()
        found |= documentation(fragments, part or "DOCUMENTATION")["options"]
    return found


def options(module: str) -> dict[str, click.Option]:
    """The options of the module's commands by name."""
    commands = [cli.commands[name] for name in COMMANDS[module]]
    params = (*COMMON_OF_LIST, *(p for command in commands for p in command.params))
    return {str(p.name): p for p in params if isinstance(p, click.Option)}


def default_of(option: click.Option, command: str) -> str:
    """The default in the option's help, the command's own where it has one."""
    _, _, text = (option.help or "").partition("[default: ")
    first, *others = text.rstrip("]").split("; ")
    own = [other for other in others if other.startswith(f"{command}: ")]
    return own[0].partition(": ")[2] if own else first


def pairs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for module in COMMANDS:
        for name, told in parameters(module).items():
            if name not in OWN:
                yield module, name, told


@pytest.mark.parametrize(("module", "name", "told"), [*pairs()])
def test_a_parameter_is_an_option_of_the_program(
    module: str, name: str, told: dict[str, Any]
) -> None:
    """It has its choices, its type, and names its default; only lists and flags have one here."""
    option = options(module)[NAMES.get(name, name)]

    assert told["type"] == "bool" or not option.is_flag
    default = default_of(option, COMMANDS[module][0])
    _, _, described = json.dumps(told).partition("nova-decom's default is ")
    assert f"V({default})" in described if default and name != "cloud" else not described
    assert told.get("default") in (None, False, [])
    if type(option.type) is click.Choice:
        # A removal leaves no server behind.
        left_out = {"stop"} if (module, name) == ("decommission", "servers") else set()
        assert set(told["choices"]) == set(option.type.choices) - left_out
    assert (told["type"] == "list") is option.multiple


@pytest.mark.parametrize("module", COMPLETE)
def test_every_option_is_a_parameter(module: str) -> None:
    told = {NAMES.get(name, name) for name in parameters(module)} - OWN

    assert told | LEFT_OUT >= set(options(module))
