# SPDX-License-Identifier: Apache-2.0
"""The drawings: the steps, the places, the states of a host, the claims of two runs."""

from __future__ import annotations

from itertools import takewhile

from nova_decom.steps import PROCEDURE
from pages.drawing import Drawing


def steps() -> str:
    """The steps in their order, with the point after which a run is no longer undone alone."""
    before = len(list(takewhile(lambda step: step.reversible, PROCEDURE)))
    row = 44
    drawing = Drawing(
        "steps",
        "The steps of a removal, and the point of no return",
        560,
        row * (len(PROCEDURE) + 2) + 30,
    )
    y = 8
    for number, step in enumerate(PROCEDURE, 1):
        if number == before + 1:
            drawing.line(f"M8 {y + 12}H552")
            drawing.text(12, y + 32, "the point of no return: guards are asked again", "mark")
            y += row
        drawing.box(8, y, 260, (f"{number}. {step.name}",), 28)
        undo = "can be taken back" if step.reversible else "cannot be taken back"
        drawing.text(284, y + 19, undo, "soft")
        if number < len(PROCEDURE) and number != before:
            drawing.arrow(f"M138 {y + 28}V{y + row - 1}")
        y += row
    drawing.text(12, y + 20, "then everything is read again, at once and after the settle time")
    return drawing.svg()


def places() -> str:
    """The program's machine, and the services that it reaches from there."""
    drawing = Drawing("places", "What nova-decom reaches, and by which way", 760, 390)
    drawing.box(
        16, 134, 210, ("nova-decom", "on a controller or bastion", "journals, locks, memory"), 92
    )
    reached = (
        ("nova-api, placement, neutron", "keystone; cinder, masakari, blazar", "HTTPS"),
        ("nova_api and every cell", "MariaDB, MySQL or Galera", "optional: MySQL protocol, TLS"),
        ("RabbitMQ management", "queues of the host", "optional: HTTPS"),
        ("the compute host", "its unit and its process", "optional: ssh"),
    )
    for number, lines in enumerate(reached):
        y, begin = 10 + 94 * number, 152 + 18 * number
        drawing.box(420, y, 320, lines)
        drawing.arrow(f"M226 {begin}C320 {begin} 320 {y + 38} 416 {y + 38}")
    return drawing.svg()


def states() -> str:
    """The states in which a host is, and the command that leads to the next."""
    drawing = Drawing("states", "The states of a compute host, and the commands between", 760, 300)
    boxes = (
        (16, 30, ("enabled", "takes servers")),
        (300, 30, ("draining", "disabled, servers move")),
        (564, 30, ("drained", "disabled, empty")),
        (564, 200, ("stopped", "silence or end is proved")),
        (300, 200, ("gone", "no record is left")),
        (16, 200, ("a new machine", "of the same name")),
    )
    for x, y, lines in boxes:
        drawing.box(x, y, 180, lines)
    for path, x, y, command in (
        ("M196 48H296", 246, 40, "drain"),
        ("M480 48H560", 520, 40, "drain"),
        ("M300 76H200", 248, 94, "enable"),
        ("M654 86V196", 690, 145, "remove"),
        ("M564 228H484", 524, 220, "remove"),
        ("M300 228H200", 250, 220, "starts"),
        ("M106 200V90", 160, 150, "discover_hosts"),
    ):
        drawing.arrow(path)
        drawing.text(x, y, command, "mid soft")
    drawing.text(300, 284, "restore brings rows back; verify and audit look", "soft")
    return drawing.svg()


def claims() -> str:
    """Two runs that claim a host at the same time: the last claim wins."""
    drawing = Drawing("claims", "Two runs that claim one host at the same time", 640, 400)
    for x, name in ((100, "run A"), (320, "nova"), (540, "run B")):
        drawing.box(x - 60, 8, 120, (name,))
        drawing.line(f"M{x} 44V380")
    left, right = (104, 316), (536, 324)
    for y, way, says in (
        (80, left, "reads: no claim"),
        (110, right, "reads: no claim"),
        (150, left, "writes the claim of A"),
        (180, right, "writes the claim of B"),
        (250, left, "reads: the claim is B's"),
        (280, right, "reads: its own claim"),
    ):
        drawing.arrow(f"M{way[0]} {y}H{way[1]}")
        drawing.text((way[0] + way[1]) // 2, y - 6, says, "mid")
    for x, ends in ((100, "ends, exit code 75"), (540, "goes on")):
        drawing.box(x - 60, 198, 120, ("2 seconds",), 28)
        drawing.box(x - 90, 310, 180, (ends,))
    return drawing.svg()
