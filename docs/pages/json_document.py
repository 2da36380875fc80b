# SPDX-License-Identifier: Apache-2.0
"""The document of ``-f json``, from its JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nova_decom.output.json_envelope import SCHEMA, schema
from pages.markdown import code, page, table

TEXT = f"""\
With `-f json` (or `yaml`) exactly one document goes to standard output, also when the command
fails; progress, questions and logs go to standard error. `exit_code` in it is the exit code.

Its shape is a JSON Schema, `nova_decom/output/schema.json` in the package; every document of the
test suite is held to it. Keys do not change their meaning within `{SCHEMA}`; new ones may come."""

Schema = Mapping[str, Any]


def json_document() -> str:
    """The page of the document."""
    whole = schema()
    parts = [_section(f"{name}", part) for name, part in whole["$defs"].items()]
    return page("The JSON document", TEXT, _section("document", whole), *parts)


def _section(name: str, part: Schema) -> Iterator[str]:
    # A part that may be null says so where it is used.
    inner = next((p for p in part.get("oneOf", ()) if p.get("type") == "object"), part)
    yield from (f"## {name}", "")
    if "description" in part:
        yield from (part["description"], "")
    yield from _table(inner)


def _table(part: Schema) -> Iterator[str]:
    required = part.get("required", ())
    rows = (
        (code(key), _type(value), _always(key, required), value.get("description", ""))
        for key, value in part["properties"].items()
    )
    return table(("key", "type", "always there", "what"), rows)


def _always(key: str, required: tuple[str, ...]) -> str:
    return "yes" if key in required else "no"


def _type(value: Schema) -> str:
    """A type in words; objects that have a name are linked."""
    for key, tell in TELLERS.items():
        if key in value:
            return tell(value)
    return " or ".join([value["type"]] if isinstance(value["type"], str) else value["type"])


def _link(value: Schema) -> str:
    name = value["$ref"].rpartition("/")[2]
    return f"[{name}](#{name})"


def _object(value: Schema) -> str:
    keys = ", ".join(f"{code(k)}: {_type(v)}" for k, v in value["properties"].items())
    return f"object of {keys}" + (", or null" if "null" in value["type"] else "")


#: How a type is told, by the first of these keys that the schema has.
TELLERS: Mapping[str, Callable[[Schema], str]] = {
    "$ref": _link,
    "const": lambda value: code(str(value["const"])),
    "enum": lambda value: ", ".join(code(str(v)) for v in value["enum"]),
    "anyOf": lambda value: " or ".join(map(_type, value["anyOf"])),
    "items": lambda value: f"list of {_type(value['items'])}",
    "properties": _object,
}
