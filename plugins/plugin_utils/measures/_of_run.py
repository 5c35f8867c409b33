# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time of a run went: seconds by host and task, waits for forks, what held it up.

The record of a run has only the tasks of the collection that ask a host. So seconds between two
steps are other tasks, hooks, soaks and Ansible itself. It does not name batches: they are told
apart where all hosts of a batch had answered before the next began, and not with one fork.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

BEGIN, FAILURE = "begin", "failure"
ANSWERS = ("deployment", "inspection", "building", "sealing", "noting")


@dataclass(frozen=True)
class Span:
    """A *task* on a *host*, from *began* to *ended*.

    *phase* is the state that was asked for (checked, staged, live, reverted, absent), or else what
    the record calls the answer.
    """

    host: str
    task: str
    phase: str
    began: datetime
    ended: datetime

    @property
    def seconds(self) -> float:
        """How long it took, with the way to the host and back."""
        return (self.ended - self.began).total_seconds()


@dataclass(frozen=True)
class Step:
    """A *task* on the hosts of a batch; *wave* counts its batches, from 1.

    *before* are the seconds since the end of the step before. *held_up_by* is the host that
    answered last: *waited* are the seconds until it had a fork, or its turn, *worked* those of its
    task.
    """

    task: str
    wave: int
    hosts: int
    before: float
    seconds: float
    held_up_by: str
    waited: float
    worked: float


@dataclass(frozen=True)
class OfRun:
    """What the record says of a *run*.

    *by_task* and *by_phase* are the seconds of each host; *waited* is how long it waited for forks
    in all. *waves* are the hosts of each batch of the task that has most batches. *path* is what
    the run waited for, one after another: a step each. Where hosts do not wait for each other, as
    with the strategy free, *is_free*, and the path is that of the host that ended last.
    """

    run: str
    seconds: float
    by_task: Mapping[str, Mapping[str, float]]
    by_phase: Mapping[str, Mapping[str, float]]
    waited: Mapping[str, float]
    waves: tuple[tuple[str, ...], ...]
    path: tuple[Step, ...]
    is_free: bool

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {
            **asdict(self),
            "waves": [list(wave) for wave in self.waves],
            "path": [asdict(step) for step in self.path],
        }


def of_run(lines: Iterable[Mapping[str, Any]], run: str = "") -> OfRun:
    """Return where the time of a *run* went, by default of the last one in a record.

    *lines* are those of the record, as data. A task without an answer, such as one of a run that
    was killed, is left out.
    """
    known = [line for line in lines if line.get("event") and line.get("time")]
    run = run or (str(known[-1].get("run", "")) if known else "")
    spans = sorted(_spans([e for e in known if e.get("run", "") == run]), key=lambda s: s.began)
    is_free = _is_free(spans)
    steps = [[span] for span in spans] if is_free else list(_steps(spans))
    # Where nobody waits for others, who begins later does not wait for a fork.
    waits = {span: (span.began - step[0].began).total_seconds() for step in steps for span in step}
    path = steps
    if is_free:
        last = max(spans, key=lambda span: span.ended)
        path = [[span] for span in spans if span.host == last.host]
    ended = max((span.ended for span in spans), default=None)
    return OfRun(
        run=run,
        seconds=(ended - spans[0].began).total_seconds() if ended else 0.0,
        by_task=_summed((span.host, span.task, span.seconds) for span in spans),
        by_phase=_summed((span.host, span.phase, span.seconds) for span in spans),
        waited={
            host: values["all"]
            for host, values in _summed((s.host, "all", wait) for s, wait in waits.items()).items()
        },
        waves=() if is_free else _waves(steps),
        path=tuple(_path(path)),
        is_free=is_free,
    )


def _spans(lines: Iterable[Mapping[str, Any]]) -> Iterator[Span]:
    """Yield each task from its begin to the last answer of its host before another one begins."""
    begun: dict[str, Mapping[str, Any]] = {}
    answered: dict[str, Mapping[str, Any]] = {}

    def over(host: str) -> Iterator[Span]:
        begin, answer = begun.pop(host, None), answered.pop(host, None)
        if begin is not None and answer is not None:
            phase = str(answer.get("state") or answer["event"])
            times = datetime.fromisoformat(begin["time"]), datetime.fromisoformat(answer["time"])
            yield Span(host, str(begin.get("task", "")), phase, *times)

    for line in lines:
        host = str(line.get("host", ""))
        if line["event"] == BEGIN:
            yield from over(host)
            begun[host] = line
        elif line["event"] in ANSWERS or (line["event"] == FAILURE and host not in answered):
            answered[host] = line
    for host in list(begun):
        yield from over(host)


def _is_free(spans: Sequence[Span]) -> bool:
    """Tell whether a host began another task while others were still at the one before."""
    task, end = "", None
    for span in spans:
        if end is not None and span.task != task:
            if end > span.began:
                return True
            end = None
        task, end = span.task, span.ended if end is None else max(end, span.ended)
    return False


def _steps(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """Yield the spans of each task and batch, in the order of their begin."""
    are_several = _most_at_once(spans) > 1
    step: list[Span] = []
    hosts, end = set[str](), None
    for span in spans:
        have_answered = are_several and end is not None and end <= span.began
        if step and (span.task != step[0].task or span.host in hosts or have_answered):
            yield step
            step, hosts, end = [], set(), None
        step.append(span)
        hosts.add(span.host)
        end = span.ended if end is None else max(end, span.ended)
    if step:
        yield step


def _most_at_once(spans: Sequence[Span]) -> int:
    """Return how many hosts were busy at the same time at most."""
    changes = sorted([(s.began, 1) for s in spans] + [(s.ended, -1) for s in spans])
    most = busy = 0
    for _at, change in changes:
        busy += change
        most = max(most, busy)
    return most


def _waves(steps: Iterable[Sequence[Span]]) -> tuple[tuple[str, ...], ...]:
    """Return the hosts of each batch of the task with most batches, the first of such tasks."""
    by_task: dict[str, list[tuple[str, ...]]] = {}
    for step in steps:
        by_task.setdefault(step[0].task, []).append(tuple(span.host for span in step))
    most = max((len(batches) for batches in by_task.values()), default=0)
    return tuple(next((batches for batches in by_task.values() if len(batches) == most), []))


def _path(steps: Iterable[Sequence[Span]]) -> Iterator[Step]:
    waves: dict[str, int] = {}
    end: datetime | None = None
    for step in steps:
        first, last = step[0], max(step, key=lambda span: span.ended)
        waves[first.task] = waves.get(first.task, 0) + 1
        yield Step(
            task=first.task,
            wave=waves[first.task],
            hosts=len(step),
            before=(first.began - end).total_seconds() if end else 0.0,
            seconds=(last.ended - first.began).total_seconds(),
            held_up_by=last.host,
            waited=(last.began - first.began).total_seconds(),
            worked=last.seconds,
        )
        end = last.ended


def _summed(values: Iterable[tuple[str, str, float]]) -> dict[str, dict[str, float]]:
    """Return the sums of values by host and name."""
    found: dict[str, dict[str, float]] = {}
    for host, name, seconds in values:
        here = found.setdefault(host, {})
        here[name] = here.get(name, 0.0) + seconds
    return found
