# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pretended host of the simulator answers as a real one does, call by call."""

from __future__ import annotations

import random

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _look
from ansible_collections.itops.release.plugins.module_utils.errors._release_error import (
    ReleaseError,
)
from ansible_collections.itops.release.tests.fakes.simulated_host import SimulatedHost

NUMBERS, RUNS, STEPS = (1, 2, 3), ("run-1", "run-2", "run-3"), 14


class Both:
    """A real host and a pretended one that are asked the same; releases are numbers."""

    def __init__(self, estate):
        self.real, self.pretended = estate.host(), SimulatedHost("h1")
        self.labels = {
            number: estate.seal(f"{number}.0", {"app": str(number)}) for number in NUMBERS
        }
        self.numbers = {label.digest: number for number, label in self.labels.items()}
        self.numbers |= {str(number) * 64: number for number in NUMBERS}
        self.bad = set()

    def set_bad(self, bad):
        self.bad = bad
        self.pretended.bad = {str(number) * 64 for number in bad}

    def stage(self, number):
        params = {"state": "staged", "baseline": True, "probe": self._probe()}
        pretended = self.pretended.stage(str(number) * 64)
        return self._real("look", number, **params), self._reduced(pretended)

    def bring(self, number, run, commits, probes):
        probe = self._probe() if probes else None
        pretended = self.pretended.bring(str(number) * 64, run, commits, probes)
        return self._real(run, number, commit=commits, probe=probe), self._reduced(pretended)

    def revert(self, wanted, run, commit, probes):
        probe = self._probe() if probes else None
        params = {"state": "reverted", "run": wanted, "commit": commit, "probe": probe}
        pretended = self.pretended.revert(wanted, run, commit, probes)
        return self._real(run, None, **params), self._reduced(pretended)

    def look(self):
        there = _look.answer(_look.Look(str(self.real.root), history=100))
        return self._looked(there), self._looked(self.pretended.look())

    def _real(self, by, number, **params):
        self.real.run = by
        try:
            return self._reduced(self.real.deploy(self.labels.get(number), hold=False, **params))
        except ReleaseError as error:
            return self._reduced({**getattr(error, "outcome", {}), "failed": True})

    def _probe(self):
        script = 'for bad; do test "$(cat "$0/app" 2>/dev/null)" != "$bad" || exit 1; done'
        bad = [str(number) for number in self.bad]
        return {"command": ["sh", "-c", script, f"{self.real.root}/current", *bad]}

    def _reduced(self, result):
        names = ("changed", "switched_back", "by", "is_live", "in_service")
        said = {name: result[name] for name in names if name in result}
        if "is_live" in said and "in_service" not in said:
            del said["is_live"]  # only what was staged is asked whether it is live
        said |= {
            name: self._release(result[name]) for name in ("before", "after") if name in result
        }
        # What staging changes is files, of which the pretended host has none.
        said.pop("changed" if "in_service" in said else "", None)
        return {**said, "failed": bool(result.get("failed"))}

    def _release(self, brief):
        return (brief["phase"], self.numbers.get(brief["digest"]))

    def _looked(self, result):
        events = ("activated", "went back", "accepted", "put back", "reverted")
        there = result["deployment"]
        current = there["trial"] or there["live"]
        return {
            "phase": there["phase"],
            "current": current and self.numbers[current["digest"]],
            "by": result["by"],
            "runs": [entry["run"] for entry in result["history"] if entry["event"] in events],
        }


def some_call(both, chance):
    """Ask both hosts the same by *chance*; return what they answered."""
    number, run, wanted = chance.choice(NUMBERS), chance.choice(RUNS), chance.choice(RUNS)
    commits, probes = chance.random() < 0.6, chance.random() < 0.8
    act = chance.choice(("stage", "bring", "bring", "bring", "revert", "revert", "bad"))
    if act == "bad":
        both.set_bad({n for n in NUMBERS if chance.random() < 0.3})
        return act, both.look()
    if act == "stage":
        return (act, number), both.stage(number)
    if act == "bring":
        return (act, number, run, commits, probes), both.bring(number, run, commits, probes)
    return (act, wanted, run, commits, probes), both.revert(wanted, run, commits, probes)


def compare(estate, seed):
    both, chance, calls = Both(estate), random.Random(seed), []
    for _step in range(STEPS):
        call, (real, pretended) = some_call(both, chance)
        calls.append(call)
        assert pretended == real, calls
        real, pretended = both.look()
        assert pretended == real, calls


@pytest.mark.parametrize("seed", range(10))
def test_a_pretended_host_answers_as_a_real_one(estate, seed):
    compare(estate, seed)


@pytest.mark.every_point
@pytest.mark.parametrize("seed", range(10, 500))
def test_it_does_so_in_rarer_cases(estate, seed):
    compare(estate, seed)
