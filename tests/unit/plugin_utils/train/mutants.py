# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/train/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant


def step(name: str, file: str, old: str, new: str, test: str) -> Mutant:
    tests = f"unit/plugin_utils/train/test_{test}"
    return Mutant(name, f"plugin_utils/train/{file}.py", old, new, tests)


def train(name: str, old: str, new: str, words: str) -> Mutant:
    return step(name, "_train", old, new, f"train.py {words}")


def conducting(name: str, file: str, old: str, new: str, words: str) -> Mutant:
    return step(name, file, old, new, f"conducting.py {words}")


MUTANTS = (
    train(
        "deploying a domain after all that it needs",
        "all(state[each].is_done for each in self.below[name])",
        "True",
        "anywhere",
    ),
    train(
        "staging all domains before one is deployed",
        "if unstaged:",
        "if False:",
        "anywhere",
    ),
    train(
        "backing out a domain after all that need it",
        "any(name in self.below[other] for other in left)",
        "False",
        "anywhere",
    ),
    train(
        "waiting for deployments that go on before one is backed out",
        "any(state[name].running == LIVE for name in running)",
        "False",
        "anywhere",
    ),
    train(
        "backing out what needs a domain that is backed out",
        "name in self.below[each]",
        "False",
        "needs_that",
    ),
    train(
        "backing out a domain that was lost",
        "known.is_back or (known.job == LIVE and known.failed == BACKED_OUT)",
        "known.is_back or known.job == LIVE",
        "lost",
    ),
    train(
        "keeping what is deployed where a plan holds",
        "not self.holds and any(map(_is_broken, state.values()))",
        "any(map(_is_broken, state.values()))",
        "with_hold",
    ),
    train(
        "finishing a deployment that was interrupted, though another failed",
        "if failed and way == DEPLOY and (not trouble):",
        "if False:",
        "single_kill",
    ),
    train(
        "deploying nothing more in trouble",
        "if failed or trouble:",
        "if failed:",
        "trouble",
    ),
    conducting(
        "starting no job that could not be recorded",
        "_conducting",
        "if not on_the_way_back:",
        "if False:",
        "cannot_be_recorded",
    ),
    conducting(
        "backing out without a ledger",
        "_conducting",
        "job in (BACKED_OUT, SETTLED)",
        "False",
        "needs_no_ledger",
    ),
    conducting(
        "stopping once another process has the train",
        "_record",
        "(last.number, last.attempt) != (self.train.number, self.train.attempt)",
        "False",
        "taken_over",
    ),
    conducting(
        "refusing a train beside another",
        "_record",
        "_refuse_another(last, process)",
        "pass",
        "one_of_two",
    ),
    conducting(
        "ending a job that gives no sign of life",
        "_conducting",
        "job.silent_s() > self.silence[domain]",
        "False",
        "silent",
    ),
    conducting(
        "believing a back-out only when nothing is left",
        "_conducting",
        "self.record.left(start.domain, start.runs)",
        "[]",
        "left_something",
    ),
    conducting(
        "undoing only what runs of the plan did",
        "_record",
        "said['act'] == 'deploy' and said.get('plan', {}).get('name') == plan",
        "said['act'] == 'deploy'",
        "no_more",
    ),
    conducting(
        "naming the run that another machine left to the hosts",
        "_conducting",
        "self.record.takeovers.get(domain, '')",
        "''",
        "another_machine",
    ),
    conducting(
        "waiting for jobs that a killed train left",
        "_record",
        "process.is_alive(run)",
        "False",
        "goes_on",
    ),
    step(
        "keeping host keys checked in jobs",
        "_jobs",
        "dict(self.setting.environment)",
        "{}",
        "jobs.py command_line",
    ),
    step(
        "removing what ansible-runner needed",
        "_jobs",
        "shutil.rmtree(folder, ignore_errors=True)",
        "pass",
        "jobs.py command_line",
    ),
)
