# SPDX-License-Identifier: Apache-2.0
"""The man pages, from the command line's own definitions.

Own code, since click-man cuts the one-line summaries, loses lines that begin with a quote, and
knows neither environment nor exit codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import click

from nova_decom.exit_codes import ExitCode

NAME = "nova-decom"
FILES = {
    "/etc/openstack/clouds.yaml, ~/.config/openstack/clouds.yaml": (
        "Credentials, and every long option under nova-decom: at the top level."
    ),
    "/var/lib/nova-decom": (
        "Journals, locks and reports of root; others have a directory of their own, see "
        "--state-dir."
    ),
}


def pages(program: click.Group) -> dict[str, str]:
    """The text of every page by its file name."""
    commands = {NAME: program} | {f"{NAME} {n}": c for n, c in program.commands.items()}
    files = [name.replace(" ", "-") for name in commands]
    texts = (_page(name, command, files) for name, command in commands.items())
    return {f"{file}.1": text for file, text in zip(files, texts, strict=True)}


def _page(name: str, command: click.Command, files: list[str]) -> str:
    # The same short name of --help as at the prompt.
    context = click.Context(command, info_name=name, help_option_names=["-h", "--help"])
    dashed = name.replace(" ", "-")
    lines = [
        f'.TH "{dashed.upper()}" "1" "" "{NAME} {_text(version(NAME))}" ""',
        ".SH NAME",
        rf"{_text(dashed)} \- {_text(_summary(command))}",
        ".SH SYNOPSIS",
        f".B {_text(name)}",
        _text(" ".join(command.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        *_paragraphs(command.help or ""),
    ]
    if isinstance(command, click.Group):
        lines += [".SH COMMANDS"]
        for sub, its in command.commands.items():
            lines += [".TP", rf"\fB{_text(sub)}\fR", _text(_summary(its))]
    lines += [".SH OPTIONS", *_options(command, context)]
    lines += [".SH ENVIRONMENT", *_environment(command)]
    lines += [".SH EXIT STATUS"]
    for code in ExitCode:
        lines += [".TP", rf"\fB{int(code)}\fR", _text(code.meaning)]
    lines += [".SH FILES"]
    for path, what in FILES.items():
        lines += [".TP", rf"\fI{_text(path)}\fR", _text(what)]
    return "\n".join([*lines, ".SH SEE ALSO", *_see_also(dashed, files), ""])


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield from (".TP", rf"\fB{_text(record[0])}\fR", _text(record[1]))


def _environment(command: click.Command) -> Iterator[str]:
    yield from _paragraphs("An option on the command line beats its name here.")
    for option in command.params:
        if isinstance(option, click.Option) and isinstance(option.envvar, str):
            long = next(o for o in option.opts if o.startswith("--"))
            yield from (".TP", rf"\fB{_text(option.envvar)}\fR", _text(long))


def _see_also(dashed: str, files: list[str]) -> Iterator[str]:
    names = [name for name in files if name != dashed]
    for position, name in enumerate(names, 1):
        yield f".BR {_text(name)} (1){',' if position < len(names) else ''}"


def _summary(command: click.Command) -> str:
    first = (command.help or "").split("\n\n", maxsplit=1)[0]
    return " ".join(first.split()).removesuffix(".")


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        yield _text(" ".join(paragraph.replace("\b", "").split()))


def _text(text: str) -> str:
    """Text as roff shows it: no escape, no macro, and a minus where a minus is meant."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("\n", " ")
    return rf"\&{escaped}" if escaped[:1] in {".", "'"} else escaped
