# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What always holds of a pretended fleet and its runs; Broken where it does not."""

from __future__ import annotations

from ansible_collections.itops.release.plugins.plugin_utils.planning import _kept
from ansible_collections.itops.release.tests.fakes.simulated_fleet import Broken

VERDICTS = ("done", "refused", "held", "backed_out", "failed")


class Promises:
    """What is promised of a *run*: it is told where the run is, and looks at all hosts then.

    ``run.up`` has whether each host is in service, by what it answered.
    """

    def __init__(self, run):
        self._run, self._fleet = run, run.fleet
        self._before = {name: host.snapshot() for name, host in run.fleet.hosts.items()}
        self._began_up = set()  # in service when the run began, by what hosts answered
        self._truly_up = set()  # the same, in truth
        self._served = set()  # the same, with those that a way back leaves with nothing

    def begin(self, hosts):
        """Note who is in service; the run is about *hosts*, and knows nothing of others."""
        for name in self._fleet.hosts:
            if name not in hosts:
                self._run.up[name] = True  # nothing is known of it
        # What was new to its deployment goes back to nothing.
        goes_back = self._fleet.digest if self._run.as_ == "backed_out" else ""
        hosts = self._fleet.hosts.items()
        kept = {n: h for n, h in hosts if not (h.is_first and h.current == goes_back)}
        self._began_up = {name for name in kept if self._run.up.get(name)}
        self._truly_up = {name for name, host in kept.items() if host.serves}
        self._served = {name for name, host in hosts if host.serves}

    def began_up(self, host):
        """Tell whether *host* was in service when the run began, by what it answered."""
        return host in self._began_up

    def check_capacity(self, batch):
        """Check, by what hosts answered, that a *batch* leaves enough of them in service."""
        up = {name for name in self._fleet.hosts if self._run.up.get(name)}
        taken = up & set(batch)
        least = min(self._fleet.least, len(self._began_up & up))
        if taken and len(up - taken) < least:
            raise Broken(
                f"{self._run.id} takes {sorted(taken)} out of service, and of {sorted(up)} "
                f"{least} must stay"
            )
        self.check_service(taken)

    def check_order(self, batch):
        """Check that hosts which are down go back first, then those that were switched last."""
        if not any(self._run.up.get(host) for host in batch):
            return
        left = [b for part in self._run.batches(_kept.WAY_BACK) for b in part]
        left = left[left.index(batch[0]) + len(batch) :]
        down = [host for host in left if self._run.up.get(host) is False]
        place = {host: number for number, part in enumerate(self._run.switched) for host in part}
        kept = [host for host in left if not self._fleet.hosts[host].is_first]
        later = [h for h in kept if place.get(h, -1) > max(place.get(b, -1) for b in batch)]
        if later or set(down) - self._run.removed:
            raise Broken(f"{self._run.id} backs out {batch} before {later or down}")

    def check_reconciled(self):
        """Check that nothing is brought whose issue is open, or that a run has not let go on."""
        fleet, brought = self._fleet, set(self._run.releases.values())
        bad = brought & fleet.bad_releases()
        if bad:
            raise Broken(f"reconcile brings {bad}, whose issue is open")
        if fleet.digest not in brought or not fleet.log:
            return
        last = fleet.log[-1]
        if (last.act, last.verdict) == ("deploy", "done") or not last.records:
            return  # of one without a ledger only is known what is live on most hosts
        early = {host for host, digest in self._run.releases.items() if digest == fleet.digest}
        early &= last.reached - last.lost
        if early or last.act == "back_out":
            raise Broken(f"reconcile goes on with {last.id} on {early}, which ended {last.verdict}")

    def check_service(self, taken=()):
        """Check the same by what is true; hosts that broke by themselves are not its fault."""
        hosts = self._fleet.hosts
        up = {name for name, host in hosts.items() if host.serves and name not in taken}
        # What was in service at first, or answered since that it is, and is not.
        once = self._served | {name for name in hosts if self._run.up.get(name)}
        broken = {name for name in once if not hosts[name].serves}
        mistaken = self._began_up - self._truly_up
        least = min(self._fleet.least, len(self._truly_up)) - len(broken) - len(mistaken)
        if len(up) < least:
            raise Broken(f"{self._run.id}: {sorted(up)} are in service, and {least} must be")

    def check_end(self):
        """Check what the verdict of the run says, and that the ledger has it."""
        fleet, run = self._fleet, self._run
        if run.verdict not in VERDICTS:
            raise Broken(f"{run.verdict} is not a verdict")
        if run.as_ == "staged":
            return
        check = {
            "done": self._check_done,
            "backed_out": self._check_backed_out,
            "refused": self._check_refused,
        }.get(run.verdict)
        if check:
            check(fleet, run)
        act = "back_out" if run.as_ == "backed_out" else "deploy"
        rows = fleet.ledger.rows("runs", run=run.id, act=act)
        for row in rows:
            if (row["verdict"], bool(row["ended"])) != (run.verdict, True):
                raise Broken(f"{run.id} ended {run.verdict}, and the ledger has {row['verdict']}")

    def _check_done(self, fleet, run):
        if run.as_ == "backed_out":
            self._check_backed_out(fleet, run)
            return
        lacking = [
            h.name for h in fleet.hosts.values() if (h.live, h.trial) != (fleet.digest, None)
        ]
        if lacking:
            raise Broken(f"{run.id} is done, and {lacking} do not have the release")

    def _check_backed_out(self, fleet, run):
        runs = {run.id, *fleet.unfinished}
        still = [
            host.name
            for host in fleet.hosts.values()
            if host.name in run.reached and host.current == fleet.digest and host.by in runs
        ]
        if still:
            raise Broken(f"{run.id} is backed out, and {still} have its release")

    def _check_refused(self, fleet, run):
        now = {name: host.snapshot() for name, host in fleet.hosts.items()}
        changed = [name for name in now if now[name] != self._before[name]]
        if changed:
            raise Broken(f"{run.id} was refused, and changed {changed}")
