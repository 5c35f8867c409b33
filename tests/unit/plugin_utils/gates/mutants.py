# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/gates/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant

TESTS = "unit/plugin_utils/gates/test_gates.py"


def gate(name: str, file: str, old: str, new: str, words: str) -> Mutant:
    return Mutant(name, f"plugin_utils/gates/{file}.py", old, new, f"{TESTS} {words}")


MUTANTS = (
    Mutant(
        "waiting for the domains that one needs",
        "plugin_utils/gates/_domains.py",
        "if not lacking:",
        "if True:",
        "unit/plugin_utils/gates/test_domains.py waits",
    ),
    Mutant(
        "letting a run go on as staging only where it stages",
        "plugin_utils/gates/_domains.py",
        "if facts.only_stages:",
        "if True:",
        "unit/plugin_utils/gates/test_domains.py waits",
    ),
    Mutant(
        "closing a gate of all domains where it is closed for one",
        "plugin_utils/gates/_merged.py",
        "not closed",
        "True",
        "unit/plugin_utils/gates/test_merged.py closed",
    ),
    gate(
        "closing on a rejection", "_approvals", "if found.rejected:", "if False:", "test_approvals"
    ),
    gate(
        "closing on an emergency that nobody declared",
        "_approvals",
        "not found.declared",
        "False",
        "test_approvals",
    ),
    gate(
        "closing on an emergency that is not ratified in time",
        "_approvals",
        "standing is not None and facts.now >= standing.since + until",
        "False",
        "test_approvals",
    ),
    gate(
        "closing on a deployer who approved",
        "_approvals",
        "deployer.id not in parts",
        "True",
        "test_approvals",
    ),
    gate(
        "closing on a calendar that cannot be read",
        "_freeze",
        "if facts.calendar_problem:",
        "if False:",
        "test_freeze",
    ),
    gate("closing on a freeze", "_freeze", "freeze is None", "True", "test_freeze"),
    gate(
        "closing without a calendar",
        "_window",
        "facts.calendar is None",
        "False",
        "test_window",
    ),
    gate(
        "closing on what differs from what was agreed",
        "_plan",
        "_resolved.differences(standing.resolved, facts.resolved, facts.demands.environment)",
        "[]",
        "test_plan",
    ),
    gate(
        "closing on a plan that ended",
        "_plan",
        "not standing.is_standing",
        "False",
        "test_plan",
    ),
    gate(
        "closing on hosts that are not in the plan",
        "_plan",
        "[host for host in facts.hosts if host not in facts.place.hosts]",
        "[]",
        "test_plan",
    ),
    gate(
        "closing on a risk that nobody reviewed",
        "_blockers",
        "not risk.response and f'{facts.plan.name}/{risk.id}' not in reviewed",
        "False",
        "test_blockers",
    ),
    gate(
        "counting acknowledgements of this revision only",
        "_acknowledgements",
        "(entry.plan, entry.revision) == (facts.plan.name, revision)",
        "entry.plan == facts.plan.name",
        "test_acknowledgements",
    ),
    gate(
        "counting acknowledgements of who may give them",
        "_acknowledgements",
        "may_acknowledge(facts.policy, facts.demands.strength, entry)",
        "True",
        "test_acknowledgements",
    ),
    gate(
        "closing a gate that fails",
        "_gates",
        "return Answer(name, False, f'it cannot be answered: {error}')",
        "return Answer(name, True)",
        "that_fails",
    ),
    gate(
        "closing without the media library",
        "_gates",
        "[problem] if problem else facts.of_release.compatibility_problems",
        "facts.of_release.compatibility_problems",
        "media_library",
    ),
    Mutant(
        "promoting only what is committed",
        "plugin_utils/gates/_promotion.py",
        "row['digest'] == digest and row['phase'] == 'live'",
        "row['digest'] == digest",
        "unit/plugin_utils/gates/test_promotion.py test_promotion",
    ),
    Mutant(
        "soaking from the last host on",
        "plugin_utils/gates/_promotion.py",
        "max((at for at in since.values() if at is not None), default=None)",
        "min((at for at in since.values() if at is not None), default=None)",
        "unit/plugin_utils/gates/test_promotion.py look_at_each_moment",
    ),
    Mutant(
        "closing without addresses where networks are demanded",
        "plugin_utils/gates/_networks.py",
        "not found",
        "False",
        "unit/plugin_utils/gates/test_networks.py no_hosts",
    ),
    Mutant(
        "refusing variables on which the policy depends",
        "plugin_utils/gates/_redirection.py",
        "sorted(set(_names_in(variables.get(name), variables, DEEPEST)) & set(given))",
        "[]",
        "unit/plugin_utils/gates/test_redirection.py redirect",
    ),
    Mutant(
        "refusing internals of the roles",
        "plugin_utils/gates/_redirection.py",
        "name in NAMED_IN_INVENTORY or name in OF_ANSIBLE or name.startswith(INTERNAL)",
        "name in NAMED_IN_INVENTORY or name in OF_ANSIBLE",
        "unit/plugin_utils/gates/test_redirection.py redirect",
    ),
    Mutant(
        "refusing hosts of another environment",
        "plugin_utils/gates/_environments.py",
        "found != [environment]",
        "False",
        "unit/plugin_utils/gates/test_environments.py refused",
    ),
    gate(
        "closing on another release since the proposal",
        "_plan",
        "moment(row['since']) > standing.proposed",
        "False",
        "test_plan",
    ),
)
