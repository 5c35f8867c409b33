# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which release a fleet has, to which late, lost and new hosts are brought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..plan._resolved import listed
from ._waves import FleetError

FORWARD = ("deploy", "rollback")  # acts that leave their release on the fleet
LEFT_THERE = ("done", "held")
ENDED_BADLY = ("backed_out", "failed")
ACTS = (*FORWARD, "back_out")


def target(
    application: str,
    environment: str,
    runs: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    hosts: Collection[str],
    unreached: Collection[str],
    bad: Collection[str],
) -> str:
    """Return the digest of the release that the fleet has; FleetError where that is not decided.

    *runs* are rows of the ledger for the application in the environment, the newest first, without
    those that were refused; *rows* are those of its deployments. *hosts* are those of the last run,
    *unreached* those of them that it could not reach. Releases in *bad* are never returned.
    """
    where = f"{application} in {environment}"
    last = next(iter(runs), None)
    if last is None:
        raise _undecided(where, "nothing is on record")
    if last["ended"] is None:  # its verdict is that of the batches so far
        raise _undecided(where, "a run is not at its end")
    digest = str(last["digest"] or "")
    if last["act"] not in FORWARD or last["verdict"] not in LEFT_THERE or not digest:
        _demand_whole_back_out(where, last, rows, hosts)
        undone = {digest} if last["act"] not in FORWARD or last["verdict"] in ENDED_BADLY else set()
        return _of_most(where, rows, {*bad, *undone})
    there = {row["host"] for row in rows if (row["digest"], row["phase"]) == (digest, "live")}
    left = sorted({*hosts, *(row["host"] for row in rows)} - there - set(unreached))
    version = last["version"]
    if left and last["verdict"] == "held":
        said = f"{version} is held, and not committed on {listed(left)}: finish it, or back it out"
        raise _undecided(where, said)
    # A rollback or a deployment of a few hosts, or what was done without the ledger.
    if len(left) >= len(there):
        said = f"{version}, of the last {last['act']}, is not on most hosts: deploy one release"
        raise _undecided(where, f"{said} to all of them")
    if digest in bad:
        raise _undecided(where, f"{version} was deployed last, and its issue is open")
    return digest


def _demand_whole_back_out(
    where: str,
    last: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    hosts: Collection[str],
) -> None:
    """Raise FleetError where hosts that a back-out left out still have what it undid elsewhere."""
    if last["act"] in FORWARD:
        return
    kept = [row["host"] for row in rows if row["digest"] == last["digest"]]
    left_out = sorted(set(kept) - set(hosts))
    if left_out:
        said = f"{last['version']} was backed out of some hosts, and is live on {listed(left_out)}"
        raise _undecided(where, f"{said}: back it out there too, or deploy one release to all")


def _of_most(where: str, rows: Sequence[Mapping[str, Any]], bad: Collection[str]) -> str:
    """Return the digest of the release that is committed on more hosts than any other."""
    counts = Counter(
        row["digest"] for row in rows if row["phase"] == "live" and row["digest"] not in bad
    )
    most = counts.most_common(2)
    if not most or (len(most) > 1 and most[0][1] == most[1][1]):
        raise _undecided(where, "no release is live on most hosts")
    return str(most[0][0])


def _undecided(where: str, why: str) -> FleetError:
    return FleetError(f"{where}: {why}", code="undecided")
