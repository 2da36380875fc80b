# SPDX-License-Identifier: Apache-2.0
"""What is to be done, and what came of it. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nova_decom.model.choices import Result, Status, Verdict
from nova_decom.model.facts import HostFacts

#: What a parameter of a statement may be; dates are text, as MySQL takes them.
Value = int | float | str | None
#: A message names at most so many things; the rest is counted.
NAMED = 20


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement and the number of rows that it must find or touch; no more, no less."""

    sql: str
    params: tuple[Value, ...]
    rows: int

    @property
    def is_read(self) -> bool:
        """True for the reads that come before any write."""
        return self.sql.startswith("SELECT")

    @property
    def is_image(self) -> bool:
        """True when the rows found are the before-image of what will be written."""
        return self.sql.startswith("SELECT *")

    @property
    def text(self) -> str:
        """The statement as it runs; the database client refuses to run any other text."""
        return self.sql % tuple(_literal(p) for p in self.params)

    @property
    def probe(self) -> Statement:
        """For a write, the read that finds ``rows`` rows when the write has happened.

        An INSERT is of one row, its id first (:func:`nova_decom.steps.sql.insert`).
        """
        if self.sql.startswith("INSERT INTO "):
            table = self.sql.split()[2]
            return Statement(f"SELECT id FROM {table} WHERE id = %s", self.params[:1], 1)
        head, where = self.sql.split(" WHERE ", maxsplit=1)
        table = head.removeprefix("DELETE FROM ").removeprefix("UPDATE ").split()[0]
        params = self.params[head.count("%s") :]
        return Statement(f"SELECT id FROM {table} WHERE {where}", params, 0)


_ESCAPES = str.maketrans(
    {
        "\0": "\\0",
        "\n": "\\n",
        "\r": "\\r",
        "\x1a": "\\Z",
        '"': '\\"',
        "'": "\\'",
        "\\": "\\\\",
    }
)


def _literal(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, float):
        # With an exponent it is a DOUBLE to the server, all of whose bits count; without, a
        # DECIMAL.
        text = repr(value)
        return text if "e" in text else f"{text}e0"
    return str(value) if isinstance(value, int) else f"'{value.translate(_ESCAPES)}'"


@dataclass(frozen=True, slots=True)
class Transaction:
    """Statements that happen together or not at all: first reads that guard, then writes.

    ``cell`` is the name of a cell, or :data:`API_DATABASE`. What a read of whole rows
    (``SELECT *``) finds is saved in the journal before any write.
    """

    cell: str
    host: str
    statements: tuple[Statement, ...]

    @property
    def reads(self) -> tuple[Statement, ...]:
        """The rows to save, and the guards that must find what was planned."""
        return tuple(s for s in self.statements if s.is_read)

    @property
    def writes(self) -> tuple[Statement, ...]:
        """The statements that change rows."""
        return tuple(s for s in self.statements if not s.is_read)

    @property
    def rows(self) -> int:
        """The number of rows that the transaction changes."""
        return sum(s.rows for s in self.writes)


@dataclass(frozen=True, slots=True)
class Image:
    """What is about to be changed, as it was: rows of a table, or an object of an API.

    ``source`` is a database without its credentials, or the name of a service; ``table`` a
    table, or a path. Rows have a ``transaction``, and the ``schema`` that they are in.
    """

    source: str
    table: str
    rows: tuple[Mapping[str, Any], ...]
    schema: str | None = None
    transaction: Transaction | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One mutation as data: what the plan shows is what runs.

    ``label`` says in a few words what it is about, where that is not plain by its step.
    """

    step: str
    action: str
    target: str
    detail: str
    rows: int | None = None
    transaction: Transaction | None = field(default=None, compare=False)
    only_waits: bool = field(default=False, compare=False)
    label: str | None = field(default=None, compare=False)

    @property
    def key(self) -> tuple[str, str, str, int | None]:
        """What makes two changes the same change."""
        return (self.step, self.action, self.target, self.rows)


@dataclass(frozen=True, slots=True)
class Objection:
    """Why not, and what would resolve it."""

    message: str
    remedy: str
    verdict: Verdict = Verdict.BLOCKED


@dataclass(frozen=True, slots=True)
class Finding:
    """What one guard saw."""

    guard: str
    verdict: Verdict
    message: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Leftover:
    """A trace of the host that is still somewhere, and what cures it."""

    kind: str
    target: str
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Something of the host that stays on purpose, and why."""

    binary: str
    host: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The findings, the changes in order, and the facts expected at the end."""

    host: str
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    leftovers: tuple[Leftover, ...]
    kept: tuple[Kept, ...]
    result: HostFacts
    unchecked: tuple[str, ...] = ()
    to_do: tuple[str, ...] = ()

    @property
    def blocked(self) -> tuple[Finding, ...]:
        """The findings that forbid to begin."""
        return tuple(f for f in self.findings if f.verdict is Verdict.BLOCKED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A change and what became of it; ``begun`` when it was made, or may have been.

    ``seconds`` is how long it took, ``to`` the host on which a server has arrived.
    """

    change: Change
    status: Status
    request_id: str | None = None
    error: str | None = None
    begun: bool = False
    seconds: float | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class ReAdd:
    """Whether a host of the same name may join again, and what stands in its way."""

    safe: bool
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostReport:
    """What one command did to, or saw of, one host."""

    host: str
    result: Result
    findings: tuple[Finding, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    kept: tuple[Kept, ...] = ()
    unchecked: tuple[str, ...] = ()
    to_do: tuple[str, ...] = ()
    readd: ReAdd | None = None
    error: str | None = None
    remedy: str | None = None
    exit_code: int = 0

    @property
    def changed(self) -> bool:
        """True when at least one change was made, or may have been."""
        return any(o.begun and not o.change.only_waits for o in self.outcomes)


@dataclass(frozen=True, slots=True)
class Report:
    """What a command returns; the output package renders it as text, JSON or YAML."""

    command: str
    exit_code: int
    hosts: tuple[HostReport, ...] = ()
    run: str | None = None
    error: str | None = None
    remedy: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    is_overview: bool = False

    @property
    def changed(self) -> bool:
        """True when any host was changed."""
        return any(h.changed for h in self.hosts)


def summary(thing: object) -> str:
    """The first sentence of the docstring of a step or of a guard."""
    return " ".join((thing.__doc__ or "").split("\n\n", maxsplit=1)[0].split())


def some(texts: Iterable[str]) -> str:
    """The first of them, and how many more there are."""
    items = list(texts)
    rest = [f"and {len(items) - NAMED} more"] if len(items) > NAMED else []
    return ", ".join([*items[:NAMED], *rest])
