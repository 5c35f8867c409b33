# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long each operation takes on SSH hosts, beside baselines measured in turn in the same run.

O is a playbook with one ``ansible.builtin.ping``. L is a hand-made loop, one ssh a host, that
unpacks a ready zstd tar and ends with ``sync -f``; for the next release it copies the tree by hard
links and unpacks only the changed files. Seconds depend on the machine; the ratios are what counts.

    make bench
    make bench BENCH=--write
    .venv/bin/python tests/bench/bench.py --hosts 10 --rounds 3 --store disk
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from tests.bench import (  # noqa: E402 - the path comes first
    budgets,
    callback,
    ledger,
    notes,
    report,
    waves,
)
from tests.bench.operations import Bench  # noqa: E402
from tests.hosts import Fleet, HostsError, why_not  # noqa: E402

PAGE = CHECKOUT / "docs" / "benchmarks.md"
STORES = ["tmpfs", "disk"]
BIG_MEGABYTES = (20, 400)


def main():
    options = parse_options()
    reason = why_not()
    if reason:
        sys.exit(f"bench: no hosts can be made here: {reason}")
    sections = []
    for store in options.store or STORES:
        sections.append(measure(store, options.hosts, options.rounds, options.growth))
        print(sections[-1], flush=True)
    for section in (notes.section, ledger.section, waves.section, callback.section):
        sections.append(section(options.rounds))
        print(sections[-1], flush=True)
    if options.write:
        report.write(PAGE, sections)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--store", choices=STORES, action="append", help="default: both")
    parser.add_argument("--growth", type=int, nargs="*", default=[5, 10, 20], metavar="HOSTS")
    parser.add_argument("--write", action="store_true", help=f"put the figures into {PAGE.name}")
    return parser.parse_args()


def measure(store, count, rounds, growing):
    """Return the Markdown of all figures on one store."""
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, Fleet("bench") as fleet:
        bench = Bench(Path(folder), fleet, fleet.up(count, store))
        bench.prepare()
        for number in range(rounds):
            print(f"{store}, round {number + 1} …", file=sys.stderr, flush=True)
            bench.round()
        next_bytes = bench.once()
        print("growth and memory …", file=sys.stderr, flush=True)
        memory = bench.memory(BIG_MEGABYTES)
        larger = Bench(Path(folder), fleet, fleet.up(max([count, *growing]), store))
        growth = larger.growth(growing)
    load = (before, os.getloadavg()[0])
    shares = budgets.used(bench.costs, count, next_bytes)
    return report.section(store, bench, rounds, load, shares, next_bytes, growth, memory)


if __name__ == "__main__":
    try:
        main()
    except HostsError as error:
        sys.exit(f"bench: {error}")
