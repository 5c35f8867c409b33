# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The budgets, and how much of each was used: ratios to baselines of the same round."""

from __future__ import annotations

import os
import statistics
from typing import List, NamedTuple

KILOBYTE = 1024


class Used(NamedTuple):
    """How much of a budget was used in each round: 1 is all of it."""

    what: str
    budget: str
    shares: List[float]

    @property
    def median(self):
        return statistics.median(self.shares)


def used(costs, count, next_bytes):
    """Return the Used budgets, from the Costs by operation, for *count* hosts."""
    cores = os.cpu_count()
    check = 0.5 * count / cores  # the hosts share the cores of this machine

    def shares(operation, allowed, of=lambda cost: cost.seconds):
        baselines = [costs[name] for name in ("O", "L first", "L next")]
        rounds = zip(costs[operation], *baselines, strict=True)
        return [of(cost) / allowed(*(b.seconds for b in by)) for cost, *by in rounds]

    def each(operation, most, of):
        return [of(cost) / most for cost in costs[operation]]

    by_hand, ours = costs["by hand: tar to zstd -3, and sha256sum"], costs["in one process: seal"]
    seal = [s.seconds / 1.5 / h.seconds for h, s in zip(by_hand, ours, strict=True)]
    found = [
        Used("first release", "O + 1.3 L", shares("first release", lambda o, a, b: o + 1.3 * a)),
        Used("next release", "O + 1.3 L", shares("next release", lambda o, a, b: o + 1.3 * b)),
        Used("nothing to do", "1.15 O", shares("nothing to do", lambda o, a, b: 1.15 * o)),
        Used(
            "rollback",
            f"1.15 O + 0.5 s x {count} hosts / {cores} cores",
            shares("rollback", lambda o, a, b: 1.15 * o + check),
        ),
        Used(
            "verify",
            f"O + 0.5 s x {count} hosts / {cores} cores",
            shares("verify", lambda o, a, b: o + check),
        ),
        Used("role deploy, nothing to do", "the task + 0.5 O", _of_role(costs)),
        Used(
            "role deploy, first release", "1.15 x the module in two steps", _in_steps(costs, "v1")
        ),
        Used("role deploy, next release", "1.15 x the module in two steps", _in_steps(costs, "v2")),
        Used("recording, first release", "1.05 x the role", _recorded(costs, "v1")),
        Used("recording, next release", "1.05 x the role", _recorded(costs, "v2")),
        Used(
            "sealing, in one process",
            "1.5 x by hand",
            seal,
        ),
    ]
    for name in ("first release", "next release"):
        found += [
            Used(
                f"{name}: controller CPU",
                "0.3 s a host",
                each(name, 0.3, lambda c: c.controller_cpu),
            ),
            Used(f"{name}: logins", "1 a host", each(name, 1, lambda c: c.logins)),
            Used(f"{name}: sessions", "3 a host", each(name, 3, lambda c: c.sessions)),
        ]
    for name in ("nothing to do", "rollback"):
        found.append(Used(f"{name}: sessions", "1 a host", each(name, 1, lambda c: c.sessions)))
    for codec, size in next_bytes.items():
        share = (size["pack"] - size["manifest"]) / 1.1 / size["contents"]
        found.append(
            Used(f"bytes of the next release, {codec}", "1.1 x compressed contents", [share])
        )
    ping = statistics.median(cost.bytes_in for cost in costs["O"])
    call = costs["a call, compressed"][0].bytes_in - ping
    found.append(Used("bytes of a call beyond ping's", "40 KB", [call / (40 * KILOBYTE)]))
    return found


def _in_steps(costs, version):
    """Return how much the role took of what it may beside the module in the same two steps."""
    module, role = (costs[f"release {version}, {by}"] for by in ("module in two steps", "role"))
    return [r.seconds / 1.15 / m.seconds for r, m in zip(role, module, strict=True)]


def _recorded(costs, version):
    """Return how much the role with a ledger took of what it may beside the role without."""
    plain, recorded = (costs[f"release {version}, {by}"] for by in ("role", "role with a ledger"))
    return [r.seconds / 1.05 / p.seconds for r, p in zip(recorded, plain, strict=True)]


def _of_role(costs):
    rounds = zip(
        costs["nothing to do, by the role"], costs["nothing to do"], costs["O"], strict=True
    )
    return [role.seconds / (task.seconds + 0.5 * ping.seconds) for role, task, ping in rounds]
