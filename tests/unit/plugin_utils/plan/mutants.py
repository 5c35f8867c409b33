# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/plan/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant

AGREEMENT = "plugin_utils/plan/_agreement.py"
AGREEMENT_TESTS = "unit/plugin_utils/plan/test_agreement.py"
DEMANDS = "plugin_utils/plan/_demands.py"
DEMANDS_TESTS = "unit/plugin_utils/plan/test_demands.py"
TAKING_IN = "plugin_utils/plan/_taking_in.py"
TAKING_IN_TESTS = "unit/plugin_utils/plan/test_taking_in.py"


def counting(name: str, old: str, new: str, words: str) -> Mutant:
    return Mutant(name, AGREEMENT, old, new, f"{AGREEMENT_TESTS} {words}")


MUTANTS = (
    Mutant(
        "waiting for what is needed by what a domain needs",
        "plugin_utils/plan/_resolved.py",
        "waiting += new",
        "pass",
        "unit/plugin_utils/plan/test_resolved.py needs",
    ),
    Mutant(
        "one digest over all domains",
        "plugin_utils/plan/_resolved.py",
        "return self.whole.digest",
        "pass",
        "unit/plugin_utils/plan/test_resolved.py keeps_the_digest_of_the_whole",
    ),
    Mutant(
        "comparing all domains with what was agreed",
        "plugin_utils/plan/_resolved.py",
        "_differences(agreed.whole or agreed, now.whole or now, environment)",
        "_differences(agreed, now, environment)",
        "unit/plugin_utils/plan/test_resolved.py wherever",
    ),
    Mutant(
        "keeping domains apart",
        "plugin_utils/plan/_resolving.py",
        "_refuse_sharing(parts)",
        "pass",
        "unit/plugin_utils/plan/test_resolving.py apart",
    ),
    Mutant(
        "refusing a circle of domains",
        "plugin_utils/plan/_domains.py",
        "_refuse_circles(domains)",
        "pass",
        "unit/plugin_utils/plan/test_domains.py mistake",
    ),
    counting(
        "refusing a statement for another ledger",
        "said.ledger != subject.ledger",
        "False",
        "says_why",
    ),
    counting(
        "refusing a statement about another content of the plan",
        "said.plan_digest != subject.plan_digest",
        "False",
        "says_why",
    ),
    counting(
        "refusing a statement about another release",
        "said.release_digest != subject.release_digest",
        "False",
        "says_why",
    ),
    counting(
        "refusing an approval that is weaker than demanded",
        "not is_as_strong(recorded.strength, demands.strength)",
        "False",
        "says_why",
    ),
    counting(
        "counting approvals only in a role that the person has",
        "said.role not in roles",
        "False",
        "says_why",
    ),
    counting(
        "keeping author and approver apart",
        "said.person == subject.author",
        "False",
        "says_why",
    ),
    counting(
        "keeping who proposed it and approver apart",
        "said.person == subject.proposer",
        "False",
        "who_proposed",
    ),
    counting(
        "letting approvals expire with the plan",
        "(said.expires, subject.expires)",
        "(said.expires,)",
        "later_than_that_of_the_plan",
    ),
    counting(
        "verifying signatures",
        "why_not(policy, demands, subject, each, now) or verify(each)",
        "why_not(policy, demands, subject, each, now)",
        "does_not_hold",
    ),
    counting("counting a person once", "counted.add(statement.person)", "pass", "counts_once"),
    counting(
        "not counting who declared an emergency",
        "counted.add(declared)",
        "pass",
        "does_not_ratify",
    ),
    counting(
        "withdrawing only one's own",
        "if (statement.digest, statement.person) in withdrawn:",
        "if statement.digest in [digest for digest, _person in withdrawn]:",
        "nobody_withdraws",
    ),
    counting(
        "not counting a new approval after a withdrawal",
        "person in again",
        "False",
        "does_not_come_back",
    ),
    counting(
        "overriding in one run only",
        "said.run != run",
        "False",
        "one_gate_in_one_run",
    ),
    counting(
        "overriding only as the policy allows",
        "not set(roles) & set(policy.people[said.person].roles)",
        "False",
        "one_gate_in_one_run",
    ),
    Mutant(
        "refusing fewer approvals than the policy demands",
        DEMANDS,
        "count < least",
        "False",
        f"{DEMANDS_TESTS} weaker_than_the_policy",
    ),
    Mutant(
        "refusing a weaker strength than the policy demands",
        DEMANDS,
        "step.strength and not is_as_strong(step.strength, rule.strength)",
        "False",
        f"{DEMANDS_TESTS} weaker_than_the_policy",
    ),
    Mutant(
        "refusing a standard change that is not pre-approved",
        DEMANDS,
        "plan.change == STANDARD and application not in policy.standard",
        "False",
        f"{DEMANDS_TESTS} weaker_than_the_policy",
    ),
    Mutant(
        "taking in only what verifies",
        TAKING_IN,
        "why or verify(recorded) or _conflict(standing, said)",
        "why or _conflict(standing, said)",
        f"{TAKING_IN_TESTS} of_another_person",
    ),
    Mutant(
        "verifying by keys that were valid then",
        TAKING_IN,
        "[key.line for key in person.keys if not key.why_not(recorded.at)]",
        "[key.line for key in person.keys]",
        f"{TAKING_IN_TESTS} revoked_key",
    ),
    Mutant(
        "taking in nothing for a plan that ended",
        TAKING_IN,
        "'' if standing.is_standing else f'the plan is {standing.ended}'",
        "''",
        f"{TAKING_IN_TESTS} plan_that_ended",
    ),
    Mutant(
        "refusing statements whose bytes were changed",
        "plugin_utils/plan/_statement.py",
        "statement.data != data",
        "False",
        "unit/plugin_utils/plan/test_statement.py no_statement",
    ),
)
