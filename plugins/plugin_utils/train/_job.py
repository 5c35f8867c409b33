# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of a train, as the conductor sees them: started, listened to, ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Start:
    """A *job* for a *domain*, the *number*-th that the train starts.

    *runs* are those that a back-out undoes, the last one first; none: whatever the plan changed.
    *takeover* is a run of another machine that is over, and that hosts may still be locked by.
    """

    number: int
    domain: str
    job: str
    runs: tuple[str, ...] = ()
    takeover: str = ""


@dataclass(frozen=True)
class Result:
    """How a job ended: exit status *rc*; *verdict*, *reason* and *run* as it told them, or ""."""

    rc: int
    verdict: str = ""
    reason: str = ""
    run: str = ""


class Job(Protocol):
    """A job that was started."""

    @property
    def start(self) -> Start:
        """What was started."""

    @property
    def output(self) -> str:
        """The file with its output, "" where there is none."""

    @property
    def run(self) -> str:
        """How it names itself to hosts and in the ledger, "" while that is not known."""

    @property
    def result(self) -> Result | None:
        """How it ended, None while it goes on."""

    def silent_s(self) -> float:
        """Return how many seconds ago it gave its last sign of life."""

    def stop(self) -> None:
        """End it: the processes of the job are asked first, and killed after a while."""


class Jobs(Protocol):
    """What starts jobs."""

    def start(self, start: Start) -> Job:
        """Start a job and return it; it goes on by itself."""

    def wait(self, seconds: float) -> Sequence[tuple[str, str]]:
        """Return what jobs told since, as (domain, line); wait at most *seconds* for something."""
