# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask probes: measure until a probe is good, bad, or out of measurements.

A probe is a mapping, as an element of option ``probe`` of release_deployment has it, without
options that are not given. A kind of probe is a file of its own, named in KINDS.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Protocol, Tuple

Probe = Mapping[str, Any]
GOOD, BAD, INCONCLUSIVE = "good", "bad", "inconclusive"
MOST_SECONDS = 7 * 24 * 3600
MORE = 10  # measurements than must succeed, where nothing else is said
BASELINE_MORE = 2
OF_URL = ("method", "headers", "host", "ca", "status", "contains", "matches", "json")
RELEASE = "{release}"


class Kind(Protocol):
    """What each of the files for a kind has."""

    def wrong_with(self, probe: Probe) -> Optional[str]:
        """Return a line about a *probe* that cannot be measured, else None."""

    def measure(self, probe: Probe) -> Tuple[bool, str]:
        """Measure once, for ``timeout`` seconds at most; return whether it is good, and a line."""


# A host compiles what it imports: only the kind that is asked.
def _url() -> Kind:
    from . import _kind_http

    return _kind_http


def _tcp() -> Kind:
    from . import _kind_tcp

    return _kind_tcp


def _command() -> Kind:
    from . import _kind_command

    return _kind_command


def _unit() -> Kind:
    from . import _kind_unit

    return _kind_unit


KINDS: Dict[str, Callable[[], Kind]] = {
    "url": _url,
    "tcp": _tcp,
    "command": _command,
    "unit": _unit,
}


@dataclass(frozen=True)
class Result:
    """What became of a probe: GOOD, BAD or INCONCLUSIVE, and the last value that was *measured*.

    ``name`` is the probe's own, or its kind; ``kind`` the option that makes it one; ``failed`` how
    many of the ``measurements`` were not good; ``observe`` whether it only reports.
    """

    name: str
    kind: str
    result: str
    measured: str
    measurements: int
    failed: int
    observe: bool

    def to_plain(self) -> Dict[str, Any]:
        """Return this as plain data."""
        return asdict(self)

    @property
    def text(self) -> str:
        """The result in a line."""
        named = "" if self.name == self.kind else " " + self.name
        verdict = {GOOD: " is good", BAD: " failed"}.get(self.result, " is inconclusive")
        number = "%d measurement%s" % (self.measurements, "" if self.measurements == 1 else "s")
        if 0 < self.failed < self.measurements:
            number += ", %d failed" % self.failed
        return "probe%s%s: %s (%s)" % (named, verdict, self.measured, number)


class _Rounds(NamedTuple):
    most: int
    successes: int
    failures: int


def wrong_with(probe: Probe) -> Optional[str]:
    """Return a line about a *probe* that cannot be asked, or that may take too long, else None."""
    given = [kind for kind in KINDS if probe.get(kind) is not None]
    if len(given) != 1:
        return "give exactly one of %s" % ", ".join(KINDS)
    misplaced = [key for key in OF_URL if probe.get(key) is not None and given != ["url"]]
    if misplaced:
        return "%s is only for a url" % misplaced[0]
    if probe.get("before_switch") and given != ["command"]:
        return "before_switch is only for a command"
    return KINDS[given[0]]().wrong_with(probe) or _wrong_with_times(probe)


def _wrong_with_times(probe: Probe) -> Optional[str]:
    rounds, delay = _rounds(probe), probe.get("initial_delay") or 0
    # Comparisons with NaN are false.
    if not (0 < probe["timeout"] and 0 <= probe["interval"] and 0 <= delay):
        return "timeout must be more than 0 seconds, interval and initial_delay 0 or more"
    if probe.get("count") is not None and probe.get("retries") is not None:
        return "count and retries exclude each other"
    if not (rounds.successes >= 1 and (probe.get("retries") or 0) >= 0):
        return "retries must be 0 or more, and successes 1 or more"
    if rounds.failures < 0:
        return "failures must be 0 or more"
    if rounds.most < rounds.successes:
        return "count (%d) is less than successes (%d)" % (rounds.most, rounds.successes)
    longest = rounds.most * (probe["timeout"] + probe["interval"]) + delay
    if not longest <= MOST_SECONDS:
        return (
            "timeout must be shorter, or count or interval less: count x (timeout + interval) + "
            "initial_delay is %.0f seconds, and at most %d" % (longest, MOST_SECONDS)
        )
    return None


def ask(probe: Probe, sleep: Callable[[float], None] = time.sleep) -> Result:
    """Measure as often as *probe* says, and return the Result."""
    rounds = _rounds(probe)
    (kind,) = [kind for kind in KINDS if probe.get(kind) is not None]
    measure = KINDS[kind]().measure
    if probe.get("initial_delay"):
        sleep(probe["initial_delay"])
    in_a_row = failed = number = 0
    result, measured = "", ""
    while not result:
        is_good, measured = measure(probe)
        number += 1
        in_a_row = in_a_row + 1 if is_good else 0
        failed += not is_good
        result = _verdict(rounds, number, in_a_row, failed)
        if not result:
            sleep(probe["interval"])
    name = " ".join(str(probe.get("name") or kind).split())
    return Result(name, kind, result, measured, number, failed, bool(probe.get("observe")))


def _verdict(rounds: _Rounds, number: int, in_a_row: int, failed: int) -> str:
    """Return the result after so many measurements, "" where another one is needed."""
    if in_a_row >= rounds.successes:
        return GOOD
    if failed > rounds.failures:
        return BAD
    return INCONCLUSIVE if number >= rounds.most else ""


def of_release(probe: Probe, path: str) -> Probe:
    """Return *probe* with *path*, where a release is staged, in place of RELEASE in its command."""
    return {**probe, "command": [word.replace(RELEASE, path) for word in probe["command"]]}


def for_baseline(probe: Probe) -> Probe:
    """Return *probe* as it is asked of what is in service for long: soon, and not often."""
    rounds = _rounds(probe)
    count = min(rounds.most, rounds.successes + BASELINE_MORE)
    failures = min(rounds.failures, BASELINE_MORE)
    changes = {"count": count, "failures": failures, "retries": None, "initial_delay": 0}
    return {**probe, **changes}


def _rounds(probe: Probe) -> _Rounds:
    """Return how often to measure; by default as many failures are allowed as can be made good."""
    successes, count, retries = (probe.get(key) for key in ("successes", "count", "retries"))
    successes = 1 if successes is None else successes
    if count is None:
        count = successes + (MORE if retries is None else retries)
    failures = probe.get("failures")
    return _Rounds(count, successes, max(0, count - successes) if failures is None else failures)
