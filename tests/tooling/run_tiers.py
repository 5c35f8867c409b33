# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs tiers of the tests, and tells in a table how each went.

`python -m tests.tooling.run_tiers all | quick | TIER …`, from the checkout. A tier that this
machine cannot run is skipped, with its reason, and its tests are counted as skipped. With CI=true
a tier that this machine can run fails when it skips tests. What a tier prints that runs beside
others comes whole, once it has ended.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import TextIO
from xml.etree import ElementTree

from tests.tooling import checkout, packages
from tests.tooling.checkout import ROOT, TOOLS
from tests.tooling.tiers import QUICK, TIERS, Tier

RESULTS = ROOT / ".cache/results"
SECONDS_LIMIT = 30 * 60  # of one tier; far above what any takes, so that a hang ends
STOPPING = threading.Event()  # what runs beside the others is to end


@dataclass(frozen=True)
class Outcome:
    """How a tier went: counts of tests, and what the counts do not say."""

    tier: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    reason: str = ""


def main() -> int:
    """Run the tiers that the command line names, print the table, return the exit status."""
    names = sys.argv[1:]
    outcomes = []
    if names == ["quick"]:
        tiers = QUICK
    else:
        tiers = tuple(TIERS.values()) if names == ["all"] else tuple(TIERS[name] for name in names)
        try:
            packages.install_missing()
        except packages.PackagesError as error:
            outcomes.append(Outcome("packages", failed=1, reason=f"failed: {error}"))
    outcomes += run_all(tiers)
    report(outcomes)
    return 1 if any(outcome.failed for outcome in outcomes) else 0


def run_all(tiers: tuple[Tier, ...]) -> list[Outcome]:
    """Run the tiers, some of them beside the others, and return how they went, in their order."""
    mainly = [tier for tier in tiers if not tier.beside]
    outcomes = {}
    with Beside([tier for tier in tiers if tier.beside] if mainly else []) as beside:
        for tier in mainly or tiers:
            outcomes[tier.name] = run(tier)
            outcomes.update(beside.ended())
        outcomes.update(beside.ended(wait=True))
    return [outcomes[tier.name] for tier in tiers]


class Beside:
    """Tiers that run one after the other in a thread; what they print is kept until they end."""

    def __init__(self, tiers: list[Tier]):
        self._pool = concurrent.futures.ThreadPoolExecutor(1)
        self._left = [self._pool.submit(self._run, tier) for tier in tiers]

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *_exception) -> None:
        """End what still runs: something does only where the others were interrupted."""
        STOPPING.set()
        self._pool.shutdown(cancel_futures=True)

    def ended(self, wait: bool = False) -> dict[str, Outcome]:
        """Print what tiers have said that ended since, or *wait* for all; return how they went."""
        outcomes = {}
        while self._left and (wait or self._left[0].done()):
            outcome, said = self._left.pop(0).result()
            print(said, end="", flush=True)
            outcomes[outcome.tier] = outcome
        return outcomes

    def _run(self, tier: Tier) -> tuple[Outcome, str]:
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as out:
            outcome = run(tier, out)
            out.seek(0)
            return outcome, out.read()


def run(tier: Tier, out: TextIO | None = None) -> Outcome:
    """Run one tier, its output going to the file *out*, else where ours goes."""
    began = time.monotonic()
    print(f"\n== {tier.name}", file=out, flush=True)
    reason = tier.why_not()
    if reason:
        print(f"skipped: {reason}", file=out, flush=True)
        counts = {"skipped": count_tests(tier)}
        reason = f"skipped: {reason}"
    elif tier.pytest:
        counts = run_pytest(tier, out)
    else:
        statuses = [run_command(command, out) for command in tier.commands]
        counts = {"passed": statuses.count(0), "failed": len(statuses) - statuses.count(0)}
    has_skipped = counts.get("skipped") and not reason
    if os.environ.get("CI") == "true" and has_skipped and tier.no_skips():
        counts["failed"] += 1
        reason = "failed: this machine can run all of it, but tests were skipped"
    return Outcome(tier.name, **counts, reason=reason or "", seconds=time.monotonic() - began)


def run_pytest(tier: Tier, out: TextIO | None = None) -> dict[str, int]:
    """Run pytest and return the counts that it leaves in its results file."""
    results = RESULTS / f"{tier.name}.xml"
    results.parent.mkdir(parents=True, exist_ok=True)
    results.unlink(missing_ok=True)
    command = ("pytest", *tier.pytest, f"--junit-xml={results}")
    if os.environ.get("CI"):
        # There pytest tells differences in full, which takes it hours where large files differ.
        unlimited = ("CI", "BUILD_NUMBER")
        command = ("env", *(f"-u{name}" for name in unlimited), *command, "--hypothesis-profile=ci")
    status = run_command(command, out)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if results.exists():
        suite = ElementTree.parse(results).getroot().find("testsuite")
        counts["failed"] = int(suite.get("failures")) + int(suite.get("errors"))
        counts["skipped"] = int(suite.get("skipped"))
        counts["passed"] = int(suite.get("tests")) - counts["failed"] - counts["skipped"]
    if status and not counts["failed"]:
        counts["failed"] = 1  # pytest itself: it was ended, or found no test
    return counts


def run_command(command: tuple[str, ...], out: TextIO | None = None) -> int:
    """Run a command of the virtual environment and return its exit status.

    Whatever it started ends with it, also when it takes too long or we are interrupted.
    """
    if STOPPING.is_set():
        return 1
    print("+", *command, file=out, flush=True)
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=checkout.environment(),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=out and subprocess.STDOUT,
        start_new_session=True,
    )
    deadline = time.monotonic() + SECONDS_LIMIT
    try:
        while time.monotonic() < deadline and not STOPPING.is_set():
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=1)
        why = "interrupted" if STOPPING.is_set() else f"after {SECONDS_LIMIT} s"
        print(f"ended: {why}", file=out, flush=True)
        return 1
    finally:
        end(process)


def end(process: subprocess.Popen) -> None:
    """End what is left of a command: politely, so that it can clean up, then for certain."""
    for number, patience in ((signal.SIGTERM, 30), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=patience)
            return


def count_tests(tier: Tier) -> int:
    """Return how many tests a tier has, without running any."""
    if not tier.pytest:
        return len(tier.commands)
    command = [TOOLS / "pytest", *tier.pytest, "--collect-only", "--quiet"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=checkout.environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return sum("::" in line for line in done.stdout.splitlines())


def report(outcomes: list[Outcome]) -> None:
    """Print the table, and as the last line the sums."""
    print(f"\n{'tier':<14} {'passed':>6} {'failed':>6} {'skipped':>7} {'seconds':>7}")
    for o in outcomes:
        counts = f"{o.passed:>6} {o.failed:>6} {o.skipped:>7} {o.seconds:>7.1f}"
        print(f"{o.tier:<14} {counts}  {o.reason}".rstrip())
    passed, failed, skipped = (
        sum(getattr(o, name) for o in outcomes) for name in ("passed", "failed", "skipped")
    )
    tail = f", {skipped} skipped" if skipped else ""
    print(f"\n{passed} passed, {failed} failed{tail}", flush=True)


if __name__ == "__main__":
    # Started in the background we would ignore Ctrl-C, and with us what the tests send it to.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # As with Ctrl-C, what was started is ended first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
