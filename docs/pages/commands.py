# SPDX-License-Identifier: Apache-2.0
"""The commands and their options, as click has them."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import click

from nova_decom.cli.commands import CONTEXT, cli
from nova_decom.cli.options import DEFAULTS
from pages.markdown import code, page

TEXT = """\
`nova-decom [OPTION]... COMMAND [OPTION]... [HOST]...`

An option given on the command line wins over its environment variable, that over its key in
the `nova-decom:` section of clouds.yaml (at the top level of the file), that over the default.
In the environment a flag is `1` or `0`, and values of an option that may be given several times
are separated by spaces; in clouds.yaml they are a list.
Every command takes `-h` and `--help`; `nova-decom --version` shows the version."""

COMMON = """\
## Options of all commands

They are accepted before the command and after it. The last line of each is its variable and its
key in clouds.yaml."""

#: What click calls the types that we do not name ourselves.
METAVARS = {"FLOAT RANGE": "NUMBER", "INTEGER RANGE": "NUMBER", "INTEGER": "NUMBER"}

#: So many options in common stand once, for all of their commands.
WORTH_SHARING = 5

Owned = Mapping[str, Mapping[str, click.Option]]


def commands() -> str:
    """The page of commands and options; options that several commands share stand once."""
    common = _options(cli)
    members = {name: c for name, c in sorted(cli.commands.items()) if not c.hidden}
    own = {
        name: {k: o for k, o in _options(command).items() if k not in common}
        for name, command in members.items()
    }
    titles = _shared(own)
    sections = [_section(name, command, own[name], titles) for name, command in members.items()]
    groups = [_group(title, own, titles) for title in dict.fromkeys(titles.values())]
    return page("Commands and options", TEXT, COMMON, _list(common.values()), *groups, *sections)


def _options(command: click.Command) -> dict[str, click.Option]:
    """The options that have a variable of their own: all but --help and --version."""
    return {
        str(p.name): p
        for p in command.params
        if isinstance(p, click.Option) and p.envvar and not p.hidden
    }


def _shared(own: Owned) -> dict[str, str]:
    """The options that a set of commands has in common, with the title that they stand under.

    A few options are repeated with each command, for that is easier to read.
    """
    owners: dict[str, tuple[str, ...]] = {}
    for name, options in own.items():
        for key in options:
            owners[key] = (*owners.get(key, ()), name)
    sizes = Counter(owners.values())
    return {
        key: f"Options of {_listed(names)}"
        for key, names in owners.items()
        if len(names) > 1 and sizes[names] >= WORTH_SHARING
    }


def _group(title: str, own: Owned, titles: Mapping[str, str]) -> Iterator[str]:
    every = {key: option for options in own.values() for key, option in options.items()}
    yield from (f"## {title}", "")
    yield from _list(every[key] for key in titles if titles[key] == title)


def _section(
    name: str,
    command: click.Command,
    own: Mapping[str, click.Option],
    titles: Mapping[str, str],
) -> Iterator[str]:
    words = command.collect_usage_pieces(click.Context(command, **CONTEXT))
    usage = " ".join(["nova-decom", name, *(w for w in words if w != "[OPTIONS]")])
    yield from (f"## {name}", "", code(usage), "", " ".join((command.help or "").split()), "")
    if alone := [o for key, o in own.items() if key not in titles]:
        yield from (*_list(alone), "")
    links = [f"[{t.lower()}](#{_anchor(t)})" for t in dict.fromkeys(map(titles.get, own)) if t]
    links += ["[options of all commands](#options-of-all-commands)"]
    yield f"It {'also ' if alone else ''}takes the {_listed(links)}."


def _anchor(title: str) -> str:
    return title.lower().replace(",", "").replace(" ", "-")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _list(options: Iterable[click.Option]) -> Iterator[str]:
    """A definition list, which a phone shows as well as a wide screen."""
    for option in options:
        text, told = _split(option.help or "")
        default = told or _default(option.name or "")
        names = ", ".join(code(o) for o in (*option.opts, *option.secondary_opts))
        yield names + ("" if option.is_flag or option.count else f" {code(_metavar(option))}")
        yield f": {text}{f' Default: {default}.' if default else ''}"
        yield f"  `{option.envvar}`, `{option.name}`"
        yield ""


def _metavar(option: click.Option) -> str:
    # The context came with click 8.2.
    takes = inspect.signature(option.make_metavar).parameters
    arguments = (click.Context(cli, **CONTEXT),) if takes else ()
    metavar = option.make_metavar(*arguments)
    if metavar.startswith("[") and metavar.endswith("]"):
        metavar = metavar[1:-1]
    return METAVARS.get(metavar, metavar)


def _split(text: str) -> tuple[str, str]:
    """A help text, and the default that it tells of itself."""
    found = re.search(r"\s*\[default: (.*)\]$", text)
    return (text[: found.start()], found[1]) if found else (text, "")


def _default(name: str) -> str:
    value = DEFAULTS[name]
    if value is None or value is False or value == ():
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
