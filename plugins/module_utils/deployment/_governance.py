# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Governance: the ledger whose plans a root demands, and the calls that need none."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from ..root import _claim, _state
from . import _request

SHOWN = 12  # digits of a ledger's id in messages


class PlanRequired(_claim.DeploymentError):
    """A release needs a plan of the ledger that governs the root; nothing was changed."""

    code = "plan_required"


def check(governed: Optional[Mapping[str, Any]]) -> None:
    """Raise DeploymentError unless the ledger in *governed*, if any, can be recorded."""
    if governed and not _state.LEDGER.match(governed["ledger"]):
        raise _claim.DeploymentError(
            "governed.ledger: %.60a is not the id of a ledger, 32 hexadecimal digits"
            % governed["ledger"]
        )


def refuse_unplanned(
    path: str, state: _state.State, request: _request.Request, release: _state.Release
) -> None:
    """Raise PlanRequired where *release* needs a plan that *request* does not have.

    What is live and accepted needs none, nor does a way back.
    """
    ledger, given = state.governed, request.governed
    if request.back_only and not (
        _is_live(state, release) or _is_way_back(state, request, release)
    ):
        raise PlanRequired(
            "%s: the release was not committed here before: roll back to one that was, or deploy it"
            % path,
            hint="the role rollback goes back only, where a policy is set (release_policy)",
        )
    if ledger is None or (given and given["ledger"] == ledger):
        return
    if _is_live(state, release) or _is_way_back(state, request, release):
        return
    other = ", not by %s…" % given["ledger"][:SHOWN] if given else ""
    raise PlanRequired(
        "%s is governed by ledger %s…%s: deploy it with a plan (release_plan)"
        % (path, ledger[:SHOWN], other),
        hint="to go back to an earlier release, roll back: that needs no plan (release: previous, "
        "or the role rollback)",
    )


def after_commit(ledger: Optional[str], governed: Optional[Mapping[str, Any]]) -> Optional[str]:
    """Return the ledger that governs a root once a call with *governed* committed a release.

    *ledger* governed it before, if any. No other takes its place: the way back is open to each run.
    """
    if not governed or ledger not in (None, governed["ledger"]):
        return ledger
    return governed["ledger"] if governed["plan_required"] else None


def _is_live(state: _state.State, release: _state.Release) -> bool:
    """Return whether *release* is what is live and accepted, linked in the same way."""
    live = state.record_of(state.live)
    return bool(live and (live.digest, live.links) == (release.digest, release.links))


def _is_way_back(state: _state.State, request: _request.Request, release: _state.Release) -> bool:
    """Return whether *request* goes back to a release that was committed here, and is good.

    To the one that is live there is a way back only from a trial.
    """
    targets = state.good if state.trial else state.good[:-1]
    return not request.forward and release.digest in targets
