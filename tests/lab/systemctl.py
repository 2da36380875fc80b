# SPDX-License-Identifier: Apache-2.0
"""What `systemctl` is on a host of the lab: it knows nova-compute, by the unit's name.

    systemctl.py HOST_DIRECTORY PID_DIRECTORY VERB [OPTION…] [UNIT…]

Files in the host's directory: `units` (the names of its units, one per line), `unit_state`
(enabled, disabled or masked), `unstoppable` (when there, a stop succeeds and stops nothing),
`stop_timeout` (when there, the seconds after which a stop kills).
Texts and exit codes are those of systemd 252.
"""

import fnmatch
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.processes import STOP_TIMEOUT, Daemon, Processes

SYSTEM = "/etc/systemd/system"
WANTS = f"{SYSTEM}/multi-user.target.wants"
VALUE_OPTIONS = {"-p": "property", "--property": "property", "--type": "type", "-t": "type"}
NOT_ACTIVE, NOT_LOADED = 3, 5


@dataclass(frozen=True)
class Request:
    verb: str
    operands: tuple[str, ...]
    flags: frozenset[str]
    values: dict[str, list[str]] = field(default_factory=dict)

    @property
    def units(self) -> list[str]:
        return [name if "." in name else f"{name}.service" for name in self.operands]


class Systemctl:
    def __init__(self, host: Path, pids: Path) -> None:
        self._host = host
        self._processes = Processes(pids)

    def run(self, request: Request) -> int:
        verbs: dict[str, Callable[[Request], int]] = {
            "list-unit-files": self._list_unit_files,
            "is-active": self._is_active,
            "is-enabled": self._is_enabled,
            "show": self._show,
        }
        changes: dict[str, Callable[[str, Request], int]] = {
            "start": self._start,
            "stop": self._stop,
            "enable": self._enable,
            "disable": self._disable,
            "mask": self._mask,
            "unmask": self._unmask,
        }
        if request.verb in verbs:
            return verbs[request.verb](request)
        if request.verb in changes:
            change = changes[request.verb]
            return max((change(unit, request) for unit in request.units), default=0)
        return _fail(f"Unknown command verb {request.verb}.", 1)

    def _known(self) -> list[str]:
        return (self._host / "units").read_text().split()

    @property
    def _unit_state(self) -> str:
        return (self._host / "unit_state").read_text().strip()

    @_unit_state.setter
    def _unit_state(self, value: str) -> None:
        (self._host / "unit_state").write_text(f"{value}\n")

    def _daemon(self) -> Daemon:
        return Daemon.from_json((self._host / "service.json").read_text())

    def _active(self, unit: str) -> bool:
        return unit in self._known() and self._processes.alive(self._daemon().name)

    def _list_unit_files(self, request: Request) -> int:
        patterns = request.operands or ("*",)
        units = [
            unit
            for unit in self._known()
            if any(fnmatch.fnmatchcase(unit, pattern) for pattern in patterns)
        ]
        width = max(map(len, [*units, "UNIT FILE"]))
        legend = "--no-legend" not in request.flags
        if legend and units:
            print(f"{'UNIT FILE':{width}} {'STATE':8} PRESET")
        for unit in units:
            print(f"{unit:{width}} {self._unit_state:8} enabled")
        if legend:
            print(f"\n{len(units)} unit files listed." if units else "0 unit files listed.")
        return 0

    def _is_active(self, request: Request) -> int:
        active = [self._active(unit) for unit in request.units]
        for is_active in active:
            _tell(request, "active" if is_active else "inactive")
        return 0 if any(active) else NOT_ACTIVE

    def _is_enabled(self, request: Request) -> int:
        code = 1
        for unit in request.units:
            if unit not in self._known():
                text = f"Failed to get unit file state for {unit}: No such file or directory"
                return _fail(text, 1)
            _tell(request, self._unit_state)
            code = 0 if self._unit_state == "enabled" else code
        return code

    def _show(self, request: Request) -> int:
        names = [name for value in request.values.get("property", []) for name in value.split(",")]
        for number, unit in enumerate(request.units):
            if number:
                print()
            properties = self._properties(unit)
            for name in names or properties:
                if name in properties:
                    value = properties[name]
                    print(value if "--value" in request.flags else f"{name}={value}")
        return 0

    def _properties(self, unit: str) -> dict[str, str]:
        known, active = unit in self._known(), self._active(unit)
        record = self._processes.record(self._daemon().name) if active else None
        masked = known and self._unit_state == "masked"
        words = " ".join(self._daemon().argv)
        return {
            "Id": unit,
            "ExecStart": f"{{ path={words.split()[0]} ; argv[]={words} ; ignore_errors=no }}",
            "LoadState": "masked" if masked else "loaded" if known else "not-found",
            "ActiveState": "active" if active else "inactive",
            "SubState": "running" if active else "dead",
            "UnitFileState": self._unit_state if known else "",
            "MainPID": str(record.pid if record else 0),
        }

    def _start(self, unit: str, _: Request) -> int:
        if unit not in self._known():
            return _fail(f"Failed to start {unit}: Unit {unit} not found.", NOT_LOADED)
        if self._unit_state == "masked":
            return _fail(f"Failed to start {unit}: Unit {unit} is masked.", 1)
        self._processes.start(self._daemon())
        return 0

    def _stop(self, unit: str, _: Request) -> int:
        if unit not in self._known():
            return _fail(f"Failed to stop {unit}: Unit {unit} not loaded.", NOT_LOADED)
        if not (self._host / "unstoppable").exists():
            self._processes.stop(self._daemon().name, timeout=self._stop_timeout())
        return 0

    def _stop_timeout(self) -> float:
        own = self._host / "stop_timeout"
        return float(own.read_text()) if own.exists() else STOP_TIMEOUT

    def _enable(self, unit: str, request: Request) -> int:
        if unit not in self._known():
            return _fail(f"Failed to enable unit: Unit file {unit} does not exist.", 1)
        if self._unit_state == "masked":
            return _fail(f"Failed to enable unit: Unit file {SYSTEM}/{unit} is masked.", 1)
        if self._unit_state == "disabled":
            _note(f"Created symlink {WANTS}/{unit} → /lib/systemd/system/{unit}.")
            self._unit_state = "enabled"
        return self._start(unit, request) if "--now" in request.flags else 0

    def _disable(self, unit: str, request: Request) -> int:
        if unit not in self._known():
            return _fail(f"Failed to disable unit: Unit file {unit} does not exist.", 1)
        if self._unit_state == "enabled":
            _note(f'Removed "{WANTS}/{unit}".')
            self._unit_state = "disabled"
        return self._stop(unit, request) if "--now" in request.flags else 0

    def _mask(self, unit: str, request: Request) -> int:
        if unit not in self._known():
            _note(f"Unit {unit} does not exist, proceeding anyway.")
            return 0
        _note(f"Created symlink {SYSTEM}/{unit} → /dev/null.")
        self._unit_state = "masked"
        return self._stop(unit, request) if "--now" in request.flags else 0

    def _unmask(self, unit: str, _: Request) -> int:
        if unit in self._known() and self._unit_state == "masked":
            _note(f'Removed "{SYSTEM}/{unit}".')
            self._unit_state = "disabled"
        return 0


def parse(arguments: Sequence[str]) -> Request:
    """Options may stand anywhere, as with the real one."""
    flags, operands = set(), []
    values: dict[str, list[str]] = {}
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name in VALUE_OPTIONS:
            values.setdefault(VALUE_OPTIONS[name], []).append(value if equals else next(rest, ""))
        elif argument.startswith("-p") and argument != "-p":
            values.setdefault("property", []).append(argument[2:])
        elif argument.startswith("-"):
            flags.add("--quiet" if argument == "-q" else argument)
        else:
            operands.append(argument)
    verb = operands[0] if operands else "list-unit-files"
    return Request(verb, tuple(operands[1:]), frozenset(flags), values)


def _tell(request: Request, text: str) -> None:
    if "--quiet" not in request.flags:
        print(text)


def _note(text: str) -> None:
    print(text, file=sys.stderr)


def _fail(text: str, code: int) -> int:
    _note(text)
    return code


if __name__ == "__main__":
    host, pids, *rest = sys.argv[1:]
    sys.exit(Systemctl(Path(host), Path(pids)).run(parse(rest)))
