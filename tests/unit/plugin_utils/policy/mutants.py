# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/policy/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check

MUTANTS = (
    check(
        "keeping passwords of notices out of the ledger",
        "plugin_utils/policy/_file.py",
        "PASSWORD.match(url)",
        "unit/plugin_utils/policy/test_file.py with_a_password",
    ),
    check(
        "running no template of the policy for notices",
        "plugin_utils/policy/_file.py",
        "'{{' in rest or '{%' in rest or '{#' in rest",
        "unit/plugin_utils/policy/test_file.py with_a_password",
    ),
    Mutant(
        "holding a signature to its namespace",
        "plugin_utils/policy/_sshsig.py",
        "['-n', namespace, '-I', person, '-s', paths['signature']]",
        "['-n', 'file', '-I', person, '-s', paths['signature']]",
        "unit/plugin_utils/policy/test_sshsig.py of_the_key",
    ),
    Mutant(
        "demanding a signature for another policy",
        "plugin_utils/policy/_in_force.py",
        "not before.changes",
        "True",
        "unit/plugin_utils/policy/test_in_force.py needs_the_signature",
    ),
    Mutant(
        "refusing a policy that was replaced",
        "plugin_utils/policy/_in_force.py",
        "inputs.policy.digest in earlier",
        "False",
        "unit/plugin_utils/policy/test_in_force.py needs_the_signature",
    ),
    Mutant(
        "keeping people apart who would be one",
        "plugin_utils/policy/_file.py",
        "_check_alone(people)",
        "pass",
        "unit/plugin_utils/policy/test_file.py mistake",
    ),
    Mutant(
        "never overriding signatures, plan and lease",
        "plugin_utils/policy/_file.py",
        "gate in NEVER_OVERRIDDEN",
        "False",
        "unit/plugin_utils/policy/test_file.py mistake",
    ),
)
