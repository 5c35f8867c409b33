# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which change of a root ``state: reverted`` undoes, decided on the host."""

from __future__ import annotations

from typing import Optional

from ..root import _claim, _directory, _history, _records, _state
from . import _request

STANDING = {"activated", "went back", "accepted"}
UNDONE = {"put back"}
MOST_EVENTS = 10_000


def choose(
    root: _directory.Root, state: _state.State, request: _request.Request
) -> Optional[_records.Change]:
    """Return the Change of the run that *request* names, or None where nothing is to be undone.

    With ``commit: false`` a release that the run committed stays. Raises DeploymentError where
    something else became live since.
    """
    change = state.change
    if change is None or change.run != request.reverts:
        _refuse_what_came_since(root, state, request)
        return None
    if change.to not in (state.trial, state.live) or change.to != state.current:
        return None
    if state.live == change.to and not request.commit:
        return None
    return change


def _refuse_what_came_since(
    root: _directory.Root, state: _state.State, request: _request.Request
) -> None:
    """Raise DeploymentError if the run did change this root, and its change does not stand."""
    if not request.commit:  # asked after a failure: a release committed, by whomever, stays
        return
    events = _history.read(root, MOST_EVENTS)
    mine = [
        event["event"]
        for event in events
        if event["run"] == request.reverts and event["event"] in STANDING | UNDONE
    ]
    if not mine or mine[-1] in UNDONE:
        return
    live = state.trees[state.current].version if state.current else "nothing"
    raise _claim.DeploymentError(
        "%s: what %s changed cannot be undone: something else became live since, now %s"
        % (root.path, request.reverts, live),
        code="changed_since",
    )
