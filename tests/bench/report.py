# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures as Markdown: what is printed, and what stands in ``docs/benchmarks.md``."""

from __future__ import annotations

import os
import platform
import statistics
import time
from importlib.metadata import version

BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"


def machine():
    """Return what matters of this machine, in one sentence."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    kernel = ".".join(platform.release().split(".")[:2])
    return (
        f"{os.cpu_count()} cores, {pages / 2**30:.0f} GB, Linux {kernel}, Python "
        f"{platform.python_version()}, ansible-core {version('ansible-core')}; hosts are Debian 12 "
        "in namespaces of the same machine, so that controller and hosts share its cores"
    )


def section(store, bench, rounds, load, shares, next_bytes, growth, memory):
    """Return the Markdown of one store."""
    count = len(bench.hosts)
    lines = [
        f"## {count} hosts, `/srv` on {'ext4' if store == 'disk' else store}",
        "",
        f"{time.strftime('%Y-%m-%d')}, {rounds} rounds; load average {load[0]:.1f} at the "
        f"beginning and {load[1]:.1f} at the end.",
        "",
        "| | budget | used of it: median (least to most) | |",
        "|---|---|---|---|",
        *(
            f"| {item.what} | {item.budget} | {item.median:.2f} ({min(item.shares):.2f} to "
            f"{max(item.shares):.2f}) | {'met' if item.median <= 1.005 else '**missed**'} |"
            for item in shares
        ),
        "",
        "| operation | s, median (least to most) | CPU s of the controller, a host "
        "| CPU s of a host | MB in | KB out |",
        "|---|---|---|---|---|---|",
        *(_row(name, costs) for name, costs in bench.costs.items() if "a call" not in name),
        "",
        *_rest(next_bytes, growth, memory),
    ]
    return "\n".join(lines) + "\n"


def _row(name, costs):
    seconds = [cost.seconds for cost in costs]
    middle = {
        key: statistics.median(getattr(cost, key) for cost in costs) for key in costs[0]._fields
    }
    over_the_link = (
        f"{middle['host_cpu']:.2f} | {middle['bytes_in'] / 1e6:.2f} "
        f"| {middle['bytes_out'] / 1e3:.0f}"
        if middle["logins"]
        else "| |"
    )
    # What does not go to hosts is told as a whole.
    cpu = f"{middle['controller_cpu']:.2f}" if middle["logins"] or "process" in name else ""
    return (
        f"| {name} | {middle['seconds']:.2f} ({min(seconds):.2f} to {max(seconds):.2f}) "
        f"| {cpu} | {over_the_link} |"
    )


def _rest(next_bytes, growth, memory):
    for codec, size in next_bytes.items():
        yield (
            f"The next release's pack, {codec}: {size['pack']:,} bytes, of which "
            f"{size['manifest']:,} are the difference of manifests; its changed contents alone "
            f"compress to {size['contents']:,}."
        )
    yield ""
    yield "| hosts | O, s | first release, s | controller CPU s a host | packs made |"
    yield "|---|---|---|---|---|"
    for count, (ping, first, packs) in growth.items():
        yield (
            f"| {count} | {ping.seconds:.2f} | {first.seconds:.2f} "
            f"| {first.controller_cpu:.2f} | {packs} |"
        )
    yield ""
    measured = [*memory.values()][-1]
    yield "| one file of | " + " | ".join(measured) + " |"
    yield "|---|" + "---|" * len(measured)
    for megabytes, peaks in memory.items():
        row = " | ".join(f"{peak / 2**20:.0f} MB" for peak in peaks.values())
        yield f"| {megabytes} MB: largest memory | {row} |"


def write(path, sections):
    """Put the *sections* between the marks in the page at *path*."""
    before, _begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _old, _end, after = rest.partition(END)
    figures = f"Measured on {machine()}.\n\n" + "\n".join(sections)
    path.write_text(before + BEGIN + figures + END + after, encoding="utf-8")
