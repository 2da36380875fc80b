# SPDX-License-Identifier: Apache-2.0
"""How an option is made, and types of option values that click does not have."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

import click
from click.shell_completion import CompletionItem

from nova_decom.cli.given import collect
from nova_decom.cli.help import near


class Seconds(click.FloatRange):
    """A finite number of seconds that is not below the minimum; NaN would bound no wait."""

    name = "seconds"

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """The number of seconds.

        :raises click.BadParameter: the value is no such number.
        """
        least = self.min or 0.0
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not (math.isfinite(number) and number >= least):
            self.fail(f"must be a number of seconds, {least:g} or more, not {value!r}", param, ctx)
        return number


# Below 8.2 click's Choice takes no type argument.
class LateChoice(click.Choice):  # type: ignore[type-arg]
    """A choice of names that are asked for when they are needed: not for every start."""

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        """``names`` loads what knows the names."""
        super().__init__(())
        self._names = names
        # The attribute of the instance would hide the property.
        del self.choices

    @cached_property
    def choices(self) -> Sequence[str]:  # type: ignore[override]
        """The names."""
        return tuple(self._names())


class TimeOfDay(click.types.StringParamType):
    """A time of the day as HH:MM."""

    name = "time"

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """The time, in the form that it was given.

        :raises click.BadParameter: it is no time.
        """
        text = str(value)
        if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", text):
            self.fail(f"must be a time of the day such as 04:30, not {text!r}", param, ctx)
        return text


class Count(click.IntRange):
    """A number of one or more."""

    name = "number"

    def __init__(self) -> None:
        super().__init__(min=1)


class Column(click.types.StringParamType):
    """The name of a column of the command; of a section for all commands, any name."""

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """The name.

        :raises click.BadParameter: the command has no such column.
        """
        known = columns_of(ctx)
        if known and value not in known:
            hint = near(str(value), known) or f" One of: {', '.join(known)}."
            self.fail(f"no column {value!r}.{hint}", param, ctx)
        return str(value)

    def shell_complete(
        self, ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The columns of the command."""
        return [CompletionItem(name) for name in columns_of(ctx) if name.startswith(incomplete)]


def columns_of(context: click.Context | None) -> tuple[str, ...]:
    """The columns of the command; none without one that has columns."""
    from nova_decom.output.render import HOST, RUN, TRACE

    name = context.command.name if context else None
    return {"list": HOST, "audit": TRACE, "runs": RUN}.get(name or "", ())


class Paths(click.Path):
    """A path of a list."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """The paths of a variable, between blanks as the values of every other list."""
        return rv.split()


def option(
    *names: str,
    help: str,  # noqa: A002 - click's word
    default: object = None,
    default_text: str | None = None,
    **attributes: Any,  # noqa: ANN401
) -> click.Option:
    """An option with its environment variable; the help ends with its default, if it has one."""
    long = next(name for name in names if name.startswith("--"))
    shown = _shown(default) if default_text is None else default_text
    return click.Option(
        names,
        help=f"{help}  [default: {shown}]" if shown else help,
        default=default,
        expose_value=False,
        callback=collect,
        envvar=f"NOVA_DECOM_{long[2:].upper().replace('-', '_')}",
        show_envvar=False,
        **attributes,
    )


def _shown(default: object) -> str:
    if not default:
        return ""
    return f"{default:g}" if isinstance(default, float) else str(default)


def flag(*names: str, help: str) -> click.Option:  # noqa: A002
    """An option without a value."""
    return option(*names, help=help, default=False, is_flag=True)


def listed(*names: str, help: str, **attributes: Any) -> click.Option:  # noqa: A002, ANN401
    """An option that can be given several times."""
    return option(*names, help=f"{help} (repeatable).", default=(), multiple=True, **attributes)


def completed_by(name: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """The function of this name in :mod:`nova_decom.cli.completion`, which needs the options."""

    def complete(context: click.Context, parameter: click.Parameter, text: str) -> list[str]:
        from nova_decom.cli import completion

        found: list[str] = getattr(completion, name)(context, parameter, text)
        return found

    return complete
