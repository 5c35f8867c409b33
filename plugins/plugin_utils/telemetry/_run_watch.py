# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch a run from its begin, and report it to other systems when it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..events import _facts, _recorder
from ..ledger._journal import Part
from . import _ended_run
from ._export import Export
from ._phases import Phases


class RunWatch:
    """Watches *run* on the machine *control*, which begins now, for an *export*.

    *extra_vars* say by ``release_env`` the environment of hosts of which no role does. *now* and
    *ticks* are clocks in seconds: since 1970, and one that never goes back.
    """

    def __init__(
        self,
        export: Export,
        run: str,
        control: str,
        extra_vars: Mapping[str, Any],
        now: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._export, self._run, self._control, self._now = export, run, control, now
        environment = extra_vars.get("release_env")
        self._environment = environment if isinstance(environment, str) else ""
        self._phases = Phases(ticks)
        self._began = now()

    def note(self, event: _facts.Event) -> None:
        """Take in an *event* as it happens."""
        self._phases.note(event)

    def end(
        self, rows: Sequence[_recorder.Row], parts: Sequence[Part], is_stopped: bool
    ) -> list[str]:
        """Report the run by the *rows* of its report and the *parts* in its journal.

        Return what went wrong, in a line each.
        """
        places = _ended_run.places(rows, parts, self._phases, self._environment)
        run = _ended_run.EndedRun(self._run, self._control, self._began, self._now(), places)
        return self._export.report_stopped(run) if is_stopped else self._export.report(run)
