# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tiers of the tests: what each runs, what it needs, and the table that tells how it went.

`python -m tests.tooling.run_tiers all | quick | TIER …`, from the checkout. A tier that this
machine cannot run is skipped, with its reason, and its tests are counted as skipped. With CI=true
a tier that this machine can run fails when it skips tests.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Callable
from xml.etree import ElementTree

from tests.hosts.requirements import why_not as why_no_hosts
from tests.tooling import checkout, packages
from tests.tooling.checkout import ROOT, TOOLS

RESULTS = ROOT / ".cache/results"
SECONDS_LIMIT = 30 * 60  # of one tier; far above what any takes, so that a hang ends
CANNOT = 77  # the exit status by which a command says that this machine cannot run it


@dataclass(frozen=True)
class Tier:
    """One part of the tests: commands that each count as one test, or one run of pytest."""

    name: str
    commands: tuple[tuple[str, ...], ...] = ()
    pytest: tuple[str, ...] = ()
    why_not: Callable[[], str | None] = lambda: None
    no_skips: bool = False  # where it runs at all, each of its tests must run


@dataclass(frozen=True)
class Outcome:
    """How a tier went: counts of tests, and what the counts do not say."""

    tier: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    reason: str = ""


def why_no_containers() -> str | None:
    """Return one line that says why Molecule's containers cannot be made here, or None."""
    command = [ROOT / "extensions/molecule/run.sh", "check"]
    tried = subprocess.run(
        command,
        env=checkout.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return tried.stdout.splitlines()[-1] if tried.returncode == CANNOT else None


# Files of tests side by side; within a file one after the other, since some share a service.
SIDE_BY_SIDE = ("-n", "auto", "--dist", "loadfile")
QUICK = (
    Tier("ruff", commands=(("ruff", "check", "."), ("ruff", "format", "--check", "."))),
    Tier("unit", pytest=("tests/unit", *SIDE_BY_SIDE)),
    Tier(
        "local",
        pytest=("tests/integration", "-m", "not (hosts or podman or slow)", *SIDE_BY_SIDE),
    ),
)
THOROUGH = (
    Tier("lint", commands=(("ansible-lint",), ("antsibull-changelog", "lint"))),
    Tier("sanity", commands=(("python", "-m", "tests.tooling.sanity"),)),
    Tier("mutants", commands=(("python", "tests/mutants/run.py"),)),
    Tier("package-check", commands=(("python", "-m", "tests.tooling.package_check"),)),
    Tier(
        "slow",
        pytest=("tests/integration", "-m", "slow and not (hosts or podman)", *SIDE_BY_SIDE),
        no_skips=True,
    ),
    Tier(
        "hosts",
        pytest=("tests/integration", "-m", "hosts"),
        why_not=why_no_hosts,
        no_skips=True,
    ),
    Tier(
        "podman",
        pytest=("tests/integration", "-m", "podman and not hosts"),
        why_not=why_no_containers,
        no_skips=True,
    ),
    Tier(
        "molecule",
        commands=(("extensions/molecule/run.sh",),),
        why_not=why_no_containers,
    ),
)
TIERS = {tier.name: tier for tier in (*QUICK, *THOROUGH)}


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
    outcomes += [run(tier) for tier in tiers]
    report(outcomes)
    return 1 if any(outcome.failed for outcome in outcomes) else 0


def run(tier: Tier) -> Outcome:
    """Run one tier, its output going where ours goes."""
    began = time.monotonic()
    print(f"\n== {tier.name}", flush=True)
    reason = tier.why_not()
    if reason:
        print(f"skipped: {reason}", flush=True)
        counts = {"skipped": count_tests(tier)}
        reason = f"skipped: {reason}"
    elif tier.pytest:
        counts = run_pytest(tier)
    else:
        statuses = [run_command(command) for command in tier.commands]
        counts = {"passed": statuses.count(0), "failed": len(statuses) - statuses.count(0)}
    if os.environ.get("CI") == "true" and tier.no_skips and counts.get("skipped") and not reason:
        counts["failed"] += 1
        reason = "failed: this machine can run all of it, but tests were skipped"
    return Outcome(tier.name, **counts, reason=reason or "", seconds=time.monotonic() - began)


def run_pytest(tier: Tier) -> dict[str, int]:
    """Run pytest and return the counts that it leaves in its results file."""
    results = RESULTS / f"{tier.name}.xml"
    results.parent.mkdir(parents=True, exist_ok=True)
    results.unlink(missing_ok=True)
    status = run_command(("pytest", *tier.pytest, f"--junit-xml={results}"))
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if results.exists():
        suite = ElementTree.parse(results).getroot().find("testsuite")
        counts["failed"] = int(suite.get("failures")) + int(suite.get("errors"))
        counts["skipped"] = int(suite.get("skipped"))
        counts["passed"] = int(suite.get("tests")) - counts["failed"] - counts["skipped"]
    if status and not counts["failed"]:
        counts["failed"] = 1  # pytest itself: it was ended, or found no test
    return counts


def run_command(command: tuple[str, ...]) -> int:
    """Run a command of the virtual environment and return its exit status.

    Whatever it started ends with it, also when it takes too long or we are interrupted.
    """
    print("+", *command, flush=True)
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=checkout.environment(),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(timeout=SECONDS_LIMIT)
    except subprocess.TimeoutExpired:
        print(f"ended after {SECONDS_LIMIT} s", flush=True)
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
    # As with Ctrl-C, what was started is ended first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
