# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one command and turn its failure into an error of one line."""

from __future__ import annotations

import subprocess


class HostsError(Exception):
    """Hosts cannot be made or reached; the message is one line."""


def run(argv, stdin=None):
    """Run *argv* and return its standard output, or raise HostsError with its last line."""
    done = subprocess.run(
        argv,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stdout.strip().splitlines() or ["it said nothing"]
        raise HostsError(f"{argv[0]} failed with status {done.returncode}: {said[-1]}")
    return done.stdout
