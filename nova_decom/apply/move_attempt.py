# SPDX-License-Identifier: Apache-2.0
"""One attempt to move a server: begun with the request that its state allows, then ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nova_decom.apply.move_limits import MOVE_ATTEMPTS
from nova_decom.apply.move_log import MoveHistory, MoveLog
from nova_decom.errors import (
    ChangeFailedError,
    NotFoundError,
    TransientError,
    UnavailableError,
)
from nova_decom.model.api_call import server_action
from nova_decom.model.change import Change, Status
from nova_decom.model.cloud import Action, MoveSnapshot, Server
from nova_decom.model.host import HostFacts
from nova_decom.model.step import Cloud, Step
from nova_decom.moves.capacity import another_target
from nova_decom.moves.move import MOVING, Blocker, Move
from nova_decom.moves.status import MoveInProgress, Phase, Refusal

#: The phase of a move since nova accepted the action.
PHASES: Mapping[Action, Phase] = {
    Action.CONFIRM: Phase.CONFIRMING,
    Action.START: Phase.POWERING,
    Action.STOP: Phase.POWERING,
}


@dataclass(frozen=True, slots=True)
class MoveAttempts:
    """Sends the requests for the moves of one host's servers, and keeps those in progress."""

    step: Step
    cloud: Cloud
    log: MoveLog
    in_progress: dict[str, MoveInProgress]

    def begin(
        self, change: Change, move: Move | Blocker | None, facts: HostFacts, now: MoveSnapshot
    ) -> None:
        """Ask nova for the move that the server's state of now allows."""
        history = self.log.history(change)
        if move is None:
            self.log.end(change, Status.NOT_NEEDED)
            return
        if isinstance(move, Blocker):
            self.log.fail(change, f"{move.text}; {move.remedy}")
            return
        server = next((s for s in facts.servers if s.id == move.server), None)
        request = facts
        if move.action in MOVING and server is not None:
            server = _server_before(history, server)
            if history.avoid is not None:
                target = another_target(facts, server, {history.avoid})
                if target is None:
                    self.log.fail(change, "there is no other host for it")
                    return
                self.log.note(change.target, f"{history.why}; once more, to {target}")
                request = replace(facts, request=replace(facts.request, target=target))
        earlier = {m.key for m in now.migrations if m.server == move.server}
        attempt = MoveInProgress(
            change,
            facts.host,
            move.action,
            server=server,
            earlier=frozenset(earlier - {move.migration.key if move.migration else None}),
            began=self.log.clock.now(),
            phase=Phase.CONFIRMING if move.action is Action.CONFIRM else Phase.BEGUN,
        )
        self.in_progress[attempt.id] = attempt
        if move.action is not None:
            self._ask(attempt, request, history)

    def _ask(self, attempt: MoveInProgress, facts: HostFacts, history: MoveHistory) -> None:
        """Send the request; whatever the answer, the next readings show what nova does."""
        history.is_asked = True
        try:
            history.request_id = self.step.apply(attempt.change, self.cloud, facts)
        except (UnavailableError, ChangeFailedError) as error:
            attempt.refusal = _refusal(history, attempt.action, error)
            attempt.phase = Phase.BEGUN

    def ask_next(self, attempt: MoveInProgress, action: Action) -> None:
        """Ask for what ends the move.

        A request without an answer is sent again after the next reading. A refusal may be wrong
        about what nova did: the next reading decides.
        """
        history = self.log.histories[attempt.id]
        history.is_asked = True
        try:
            self.cloud.send(server_action(attempt.id, action))
        except UnavailableError:
            return
        except NotFoundError:
            # Its owner has deleted the server: nova ends the migration with it.
            attempt.phase = PHASES[action]
        except ChangeFailedError as error:
            attempt.refusal = _refusal(history, action, error)
        else:
            attempt.phase, attempt.refusal = PHASES[action], None


def _refusal(
    history: MoveHistory, action: Action | None, error: UnavailableError | ChangeFailedError
) -> Refusal:
    """The refusal of ``action`` that ``error`` is; ``history`` counts it."""
    history.refusals += 1
    is_lost = isinstance(error, UnavailableError)
    may_repeat = is_lost or isinstance(error, TransientError)
    return Refusal(action, str(error), is_lost, may_repeat and history.refusals < MOVE_ATTEMPTS)


def _server_before(history: MoveHistory, server: Server) -> Server:
    """The server as it was before its first attempt; ERROR may come from an attempt of ours."""
    if history.before is None or server.status != "ERROR":
        history.before = server
    return history.before
