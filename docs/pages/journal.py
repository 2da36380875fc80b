# SPDX-License-Identifier: Apache-2.0
"""The journal: which events there are, found in the code that writes them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import nova_decom
from nova_decom.model.change import Status
from pages.markdown import code, page, table

PACKAGE = Path(nova_decom.__file__).parent

TEXT = """\
One file per run, `runs/RUN.jsonl` below the state directory, 0600 in directories of 0700.
Each line is one event as a JSON object, only ever appended, and on the disk (fsync) before the
next thing happens. When the journal cannot be written, nothing is changed.

Every event has `v` (1), `at` (UTC), `run` and `event`; besides:"""

MORE = """\
The `global_request_id` of the header stands in the logs of nova, placement and neutron beside
every call of the run: `grep req-… /var/log/nova/*.log` shows what each of them did.

A run that is repeated asks the cloud what is done, not the journal. `hosts/*.json` beside `runs/`
holds the names and compute node uuids of hosts that were removed, so that `verify` knows them when
nothing else does; `locks/` holds one lock per host.

Passwords, tokens and database URLs are in none of them: of an option that may hold a secret
the header says `(given)`. Rows are kept as they were, in `before-image`; see
[security](security.md)."""

EVENTS = {
    "header": "the run begins: who, where, why, with which options and versions",
    "findings": "what the guards said when the run on a host began",
    "before": "all that was read of the host; what nova deletes by itself is in it",
    "started": "a change begins",
    "done": "a change was made, and read back",
    "not-needed": "a change was not made, as it was done already",
    "failed": "a change was tried and did not happen; `error` says why",
    "pending": "a change was begun when the run was interrupted; the next run asks the cloud",
    "in-progress": "the run has ended; nova goes on with the move; `error` says how to abort it",
    "unanswered": "a write had no answer of use; the cloud is read before it is tried again",
    "note": "what ends nothing but is worth to be known: why a server is tried on another host",
    "renewed": "the claim on the host was written again, so that it stays valid",
    "released": "the host stays, and its reason says from now on that the run has ended",
    "before-image": "rows, or an object of an API, as they were before they went",
    "result": "how a host ended",
    "exit": "the run has ended, with the exit code of the process",
}


def journal() -> str:
    """The page of the journal."""
    keys = written()
    rows = ((code(kind), when, ", ".join(map(code, keys[kind]))) for kind, when in EVENTS.items())
    return page("Journal", TEXT, table(("event", "when", "keys"), rows), MORE)


def written() -> dict[str, tuple[str, ...]]:
    """Each kind of event that the package writes, with its keys."""
    kinds: dict[str, dict[str, None]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for call in ast.walk(tree):
            for kind in _kinds(call):
                kinds.setdefault(kind, {}).update(dict.fromkeys(_keys(call, tree)))
    return {kind: tuple(keys) for kind, keys in kinds.items()}


def _kinds(node: ast.AST) -> Iterator[str]:
    """The kinds that a call of ``journal.event`` may write: a literal, or an outcome's status."""
    if not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".event")):
        return
    first = node.args[0]
    if isinstance(first, ast.Constant):
        yield str(first.value)
    else:
        yield from (s.value for s in Status if s is not Status.PLANNED)


def _keys(call: ast.AST, tree: ast.Module) -> Iterator[str]:
    """Its keyword arguments; those of ``**function(…)`` are the keys that it returns."""
    for keyword in call.keywords if isinstance(call, ast.Call) else ():
        if keyword.arg is not None:
            yield keyword.arg
        elif isinstance(keyword.value, ast.Call):
            yield from _returned(ast.unparse(keyword.value.func), tree)


def _returned(name: str, tree: ast.Module) -> Iterator[str]:
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name == name:
            dicts = (n for n in ast.walk(function) if isinstance(n, ast.Dict))
            yield from (k.value for d in dicts for k in d.keys if isinstance(k, ast.Constant))
