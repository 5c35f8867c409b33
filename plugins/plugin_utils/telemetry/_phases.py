# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long each phase of a run took, by when tasks of the collection begin and answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from ..events import _facts

CHECK, STAGE, SWITCH, BACK_OUT = "check", "stage", "switch", "back_out"
REMOVE, VERIFY, BUILD, SEAL = "remove", "verify", "build", "seal"
PHASES = (CHECK, STAGE, SWITCH, BACK_OUT, REMOVE, VERIFY, BUILD, SEAL)
BY_STATE = {
    "checked": CHECK,
    "staged": STAGE,
    "live": SWITCH,
    "reverted": BACK_OUT,
    "absent": REMOVE,
}
# What a host does more often in one phase than this counts as one stretch of time.
MOST_STRETCHES = 16
Place = tuple[str, str]  # host and root
Stretch = tuple[float, float]


class Phases:
    """Notes events as they come; *now* is a clock that never goes back, in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._since: dict[str, float] = {}  # by host: when its task began, or answered last
        self._stretches: dict[tuple[str, str, str], list[Stretch]] = {}  # by host, root, phase

    def note(self, event: _facts.Event) -> None:
        """Take in that a task of ours begins on a host, or what it answered."""
        if isinstance(event, _facts.Begin):
            self._since[event.host] = self._now()
        elif isinstance(event, _facts.Answer):
            phase = _phase(event)
            now = self._now()
            since = self._since.get(event.host, now)
            self._since[event.host] = now  # a loop begins once, and answers item by item
            if phase and event.status != "skipped":
                self._add((event.host, event.root, phase), (since, now))

    def _add(self, key: tuple[str, str, str], stretch: Stretch) -> None:
        known = self._stretches.setdefault(key, [])
        if len(known) == MOST_STRETCHES:
            known[-1] = (known[-1][0], stretch[1])
        else:
            known.append(stretch)

    def seconds(self, places: Collection[Place]) -> dict[str, float]:
        """Return by phase for how many seconds any of *places* was in it; the others are left out.

        Hosts that work side by side count once, and pauses between waves do not count.
        """
        wanted, found = set(places), dict[str, list[Stretch]]()
        for (host, root, phase), stretches in self._stretches.items():
            if (host, root) in wanted:
                found.setdefault(phase, []).extend(stretches)
        return {phase: _covered(found[phase]) for phase in PHASES if phase in found}


def _phase(event: _facts.Answer) -> str | None:
    match event:
        case _facts.Deployment():
            return BY_STATE.get(event.state)
        case _facts.Inspection():
            return VERIFY if event.ok is not None else None
        case _facts.Building():
            return BUILD
        case _facts.WorkspaceAnswer():
            return SEAL
    return None


def _covered(stretches: Iterable[Stretch]) -> float:
    """Return how much time *stretches* cover together."""
    total, until = 0.0, float("-inf")
    for begin, end in sorted(stretches):
        if end > until:
            total += end - max(begin, until)
            until = end
    return total
