# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tiers of the tests: what each runs, and what it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Callable

from tests.hosts.requirements import why_not as why_no_hosts
from tests.tooling import checkout, packages
from tests.tooling.checkout import ROOT

CANNOT = 77  # the exit status by which a command says that this machine cannot run it


@dataclass(frozen=True)
class Tier:
    """One part of the tests: commands that each count as one test, or one run of pytest."""

    name: str
    commands: tuple[tuple[str, ...], ...] = ()
    pytest: tuple[str, ...] = ()
    why_not: Callable[[], str | None] = lambda: None
    no_skips: Callable[[], bool] = lambda: False  # whether each of its tests can run here
    beside: bool = False  # it waits a lot, or works on one core only: it runs beside the others


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


def why_no_strace() -> str | None:
    """Return one line that says why no system call can be broken here, or None."""
    if shutil.which("strace") is None:
        return "strace is missing"
    command = ["strace", "-qq", "-o", os.devnull, "true"]
    tried = subprocess.run(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    return f"strace cannot trace here: {tried.stderr.strip()}" if tried.returncode else None


def always() -> bool:
    """Tell that where a tier runs at all, each of its tests can."""
    return True


def has_packages() -> bool:
    """Tell whether all of Debian is here that a test may ask for."""
    return not packages.missing()


def can_mount() -> bool:
    """Tell whether file systems can be made here, in files too, and given to others."""
    return why_no_hosts() is None and os.access("/dev/loop-control", os.W_OK)


# Whoever is free takes tests from the others.
EVENLY = ("-n", "auto", "--dist", "worksteal")
# Playbooks and hosts are waited for: three workers keep two cores busy.
MORE = str((os.cpu_count() or 1) + 1)
PLAYBOOKS = ("-n", MORE, "--dist", "worksteal")
# Each worker has hosts of its own. tests/integration/conftest.py says which files begin first.
FLEETS = ("-n", MORE, "--dist", "loadfile", "--no-loadscope-reorder")
ALL = ("tests/unit", "tests/behaviour", "tests/integration")
QUICK = (
    Tier("ruff", commands=(("ruff", "check", "."), ("ruff", "format", "--check", "."))),
    Tier("unit", pytest=("tests/unit", "tests/behaviour", "-m", "not slow", *EVENLY)),
    Tier(
        "local",
        pytest=("tests/integration", "-m", "not (hosts or podman or slow)", *PLAYBOOKS),
    ),
)
THOROUGH = (
    Tier(
        "lint",
        commands=(("mypy",), ("ansible-lint",), ("antsibull-changelog", "lint")),
        beside=True,
    ),
    Tier(
        "sanity",
        commands=(
            ("python", "-m", "tests.tooling.sanity", "--skip-test", "pylint"),
            ("python", "-m", "tests.tooling.sanity", "--test", "pylint", "plugins/"),
        ),
        beside=True,
    ),
    Tier("mutants", commands=(("python", "tests/mutants/run.py"),)),
    Tier(
        "faults",
        pytest=("tests/faults", *EVENLY),
        why_not=why_no_strace,
        no_skips=can_mount,
    ),
    Tier("package-check", commands=(("python", "-m", "tests.tooling.package_check"),), beside=True),
    Tier(
        "slow",
        pytest=(*ALL, "-m", "slow and not (hosts or podman)", *PLAYBOOKS),
        no_skips=has_packages,
    ),
    Tier(
        "hosts",
        pytest=("tests/integration", "-m", "hosts", *FLEETS),
        why_not=why_no_hosts,
        no_skips=always,
    ),
    Tier(
        "podman",
        pytest=("tests/integration", "-m", "podman and not hosts"),
        why_not=why_no_containers,
        no_skips=always,
        beside=True,
    ),
    Tier(
        "molecule",
        commands=(("extensions/molecule/run.sh",),),
        why_not=why_no_containers,
        beside=True,
    ),
)
TIERS = {tier.name: tier for tier in (*QUICK, *THOROUGH)}
