# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dry run of a train: what all jobs would answer, side by side; nothing is recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ._job import Job, Jobs, Start
from ._train import BACK_OUT, BACKED_OUT, DONE, REFUSED, STAGED

TICK_SECONDS = 1.0
STOP_SECONDS = 90.0  # for a job that was ended, before it is given up


def rehearse(
    tell: Callable[[str], None],
    jobs: Jobs,
    output: str,
    names: Sequence[str],
    way: str,
    silence: float,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Run the first job of each domain in check mode, and return the result of the task."""
    job = BACKED_OUT if way == BACK_OUT else STAGED
    going = {name: jobs.start(Start(n, name, job)) for n, name in enumerate(names, 1)}
    width = max(map(len, names))
    _wait(lambda name, line: tell(f"{name:{width}}  {line}"), jobs, going, silence, clock)
    bad = {name: why for name, each in going.items() if (why := _why_not(each))}
    reason = "; ".join(f"{name}: {why}" for name, why in bad.items())
    verdict = REFUSED if bad else DONE
    stats = {"release_verdict": verdict, "release_reason": reason}
    return {
        "changed": not bad,
        "verdict": verdict,
        "reason": reason,
        "msg": f"would be {verdict}: {reason}" if bad else "would be deployed",
        "output": output,
        "domains": {
            name: {"state": "refused", "reason": bad[name]} if name in bad else {"state": "open"}
            for name in names
        },
        "ansible_stats": {"data": stats, "per_host": False, "aggregate": False},
    }


def _wait(
    tell: Callable[[str, str], None],
    jobs: Jobs,
    going: Mapping[str, Job],
    silence: float,
    clock: Callable[[], float],
) -> None:
    """Wait until all jobs have ended; one that gives no sign of life is ended, or given up."""
    left, stopped = dict(going), dict[str, float]()
    while left:
        for name, line in jobs.wait(TICK_SECONDS):
            tell(name, line)
        for name, each in left.items():
            if each.result is None and name not in stopped and each.silent_s() > silence:
                stopped[name] = clock()
                each.stop()
        left = {
            name: each
            for name, each in left.items()
            if each.result is None and clock() - stopped.get(name, clock()) < STOP_SECONDS
        }


def _why_not(job: Job) -> str:
    """Return why a *job* did not end well, "" where it did."""
    if job.result is None:
        return "it did not end"
    return job.result.reason or f"exit status {job.result.rc}" if job.result.rc else ""
