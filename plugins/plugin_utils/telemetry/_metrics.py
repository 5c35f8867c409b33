# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of runs in the text format of Prometheus: read, added to, and written again.

Source of the format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text, 0.0.4).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...module_utils.errors._release_error import ReleaseError
from ..events import _recorder
from ..ledger._bodies import VERDICTS
from ._ended_run import DONE, EndedRun, Place
from ._phases import PHASES

PREFIX = "itops_release_"
RUNS, HOSTS = f"{PREFIX}runs_total", f"{PREFIX}hosts_total"
RUN_SECONDS = f"{PREFIX}run_seconds"
LAST_RUN = f"{PREFIX}last_run_timestamp_seconds"
LAST_SUCCESS = f"{PREFIX}last_success_timestamp_seconds"
COUNTER, GAUGE = "counter", "gauge"
LABELS = ("application", "environment", "outcome")
# Applications by environments that a file has at most; those that ran longest ago are dropped.
MOST_PLACES = 200
OF_PHASES = {
    "check": "Seconds in which hosts were checked",
    "stage": "Seconds in which hosts staged a release",
    "switch": "Seconds in which hosts made a release live, with restarts and probes",
    "back_out": "Seconds in which hosts were backed out",
    "remove": "Seconds in which hosts removed an application",
    "verify": "Seconds in which hosts were verified",
    "build": "Seconds in which a release was built",
    "seal": "Seconds in which a release was sealed and described",
}
FAMILIES: dict[str, tuple[str, str]] = {
    RUNS: (COUNTER, "Runs that handled a release, by their verdict."),
    HOSTS: (COUNTER, "Hosts of runs, by what became of them."),
    RUN_SECONDS: (GAUGE, "Duration of the last run."),
    **{
        f"{PREFIX}{phase}_seconds": (GAUGE, f"{OF_PHASES[phase]}, in the last run that did.")
        for phase in PHASES
    },
    LAST_SUCCESS: (
        GAUGE,
        "Time of the last run that was to change what is live and ended as done.",
    ),
    LAST_RUN: (GAUGE, "Time of the last run."),
}
NAME = re.compile(r"[a-z][a-z0-9_]*")
COMMENT = re.compile(r"# (?P<what>HELP|TYPE) (?P<name>[a-z][a-z0-9_]*) (?P<text>.+)")
SAMPLE = re.compile(r"(?P<name>[a-z][a-z0-9_]*)\{(?P<labels>.*)\} (?P<value>[0-9.eE+-]+)")
LABEL = re.compile(r'(?P<name>[a-z_]+)="(?P<value>(?:[^"\\]|\\["\\n])*)"(?:,|$)')
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
ESCAPED = {escape: char for char, escape in ESCAPES.items()}
Labels = tuple[tuple[str, str], ...]


class MetricsError(ReleaseError):
    """A file is not one that metrics of runs can be added to."""

    code = "invalid_metrics"


@dataclass
class Family:
    """A metric with all its series; *help* and *type* are as the file has them."""

    type: str
    help: str
    series: dict[Labels, float] = field(default_factory=dict)


Metrics = dict[str, Family]


def parse(text: str) -> Metrics:
    """Return what a file has; raises MetricsError for all that this collection does not write."""
    found: Metrics = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line:
            continue
        try:
            _take(line, found)
        except ValueError as error:
            raise MetricsError(f"line {number} {error}") from None
    return found


def _take(line: str, found: Metrics) -> None:
    """Add a *line* to what was *found*; raises ValueError."""
    comment, sample = COMMENT.fullmatch(line), SAMPLE.fullmatch(line)
    name = (comment or sample or {"name": ""})["name"]
    if not name.startswith(PREFIX):
        raise ValueError("is not a metric of itops.release")
    family = found.setdefault(name, Family("untyped", ""))
    if comment:
        setattr(family, comment["what"].lower(), comment["text"])
    elif sample:
        value = float(sample["value"])
        if not math.isfinite(value) or value < 0:
            raise ValueError("has a value that is not valid")
        family.series[_labels(sample["labels"])] = value


def _labels(text: str) -> Labels:
    found, position = [], 0
    while position < len(text):
        match = LABEL.match(text, position)
        if match is None or match["name"] not in LABELS:
            raise ValueError("has labels that are not valid")
        found.append((match["name"], _unescaped(match["value"])))
        position = match.end()
    if len(dict(found)) < len(found):
        raise ValueError("has a label twice")
    return tuple(found)


def add(metrics: Metrics, run: EndedRun) -> None:
    """Add *run* to *metrics*: counters count it, other series have the values of the last run."""
    for name, (type_, help_) in FAMILIES.items():
        family = metrics.setdefault(name, Family(type_, help_))
        family.type, family.help = type_, help_
    for place in run.places:
        for name, labels in _zeros(place):
            metrics[name].series.setdefault(labels, 0)
        for name, labels, value in _samples(place, run):
            series = metrics[name].series
            is_counter = metrics[name].type == COUNTER
            series[labels] = value + (series.get(labels, 0) if is_counter else 0)
    _drop_oldest(metrics)


def _zeros(place: Place) -> Iterator[tuple[str, Labels]]:
    """Yield the counters that are there from the first run on.

    Prometheus sees no increase where a series begins with a value.
    """
    for name, outcomes in ((RUNS, VERDICTS), (HOSTS, _recorder.WRONG)):
        for outcome in outcomes:
            yield name, (*_where(place), ("outcome", outcome.replace(" ", "_")))


def _where(place: Place) -> Labels:
    return ("application", place.application), ("environment", place.environment)


def _samples(place: Place, run: EndedRun) -> Iterator[tuple[str, Labels, float]]:
    where = _where(place)
    yield RUNS, (*where, ("outcome", place.outcome)), 1
    for outcome, count in place.hosts.items():
        yield HOSTS, (*where, ("outcome", outcome.replace(" ", "_"))), count
    yield RUN_SECONDS, where, round(max(0.0, run.ended - run.began), 3)
    for phase, seconds in place.seconds.items():
        yield f"{PREFIX}{phase}_seconds", where, round(max(0.0, seconds), 3)
    yield LAST_RUN, where, round(run.ended, 3)
    if place.changes and place.outcome == DONE:
        yield LAST_SUCCESS, where, round(run.ended, 3)


def _drop_oldest(metrics: Metrics) -> None:
    """Drop the series of places that ran longest ago, where there are too many."""
    last = metrics[LAST_RUN].series
    known = {labels[:2] for family in metrics.values() for labels in family.series}
    newest = sorted(known, key=lambda place: last.get(place, 0), reverse=True)
    dropped = set(newest[MOST_PLACES:])
    for family in metrics.values() if dropped else ():
        family.series = {
            labels: value for labels, value in family.series.items() if labels[:2] not in dropped
        }


def text(metrics: Metrics) -> str:
    """Return *metrics* as a file, without those that have no series."""
    order = [*FAMILIES, *sorted(metrics.keys() - FAMILIES.keys())]
    lines: list[str] = []
    for name in order:
        if name in metrics and metrics[name].series:
            lines += _lines(name, metrics[name])
    return "".join(f"{line}\n" for line in lines)


def _lines(name: str, family: Family) -> Iterator[str]:
    if family.help:
        yield f"# HELP {name} {family.help}"
    yield f"# TYPE {name} {family.type}"
    for labels, value in sorted(family.series.items()):
        said = ",".join(f'{label}="{_escaped(content)}"' for label, content in labels)
        yield f"{name}{{{said}}} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _escaped(content: str) -> str:
    return "".join(ESCAPES.get(char, char) for char in content)


def _unescaped(content: str) -> str:
    return re.sub(r"\\.", lambda match: ESCAPED[match[0]], content)
