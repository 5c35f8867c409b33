# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/environment/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

ANSWERS = "plugin_utils/environment/_answers.py"
STATE = "plugin_utils/environment/_state.py"
ENVIRONMENT_STATE_TESTS = "unit/filter/test_environment_state.py"
ANSWERS_TESTS = "unit/plugin_utils/environment/test_answers.py"
STATE_TESTS = "unit/plugin_utils/environment/test_state.py"

MUTANTS = (
    Mutant(
        "not taking a lost host for one with nothing",
        ANSWERS,
        "HostState(host, unknown=reason(answer))",
        "HostState(host)",
        f"{ANSWERS_TESTS} gave_no_answer",
    ),
    Mutant(
        "not believing a record that current contradicts",
        ANSWERS,
        'DIVERTED if any(_diverted(answer)) else ""',
        '""',
        f"{ANSWERS_TESTS} contradicts",
    ),
    check(
        "counting only what hosts answer now",
        ANSWERS,
        "host not in asked",
        f"{ANSWERS_TESTS} of_before",
    ),
    check(
        "believing no answer of an earlier run",
        ANSWERS,
        "host not in asked",
        ENVIRONMENT_STATE_TESTS,
    ),
    Mutant(
        "not taking an adopted release for nothing",
        STATE,
        'ADOPTED if self.serving and self.serving.is_adopted else ""',
        '""',
        f"{STATE_TESTS} adopted",
    ),
    Mutant(
        "counting what is on trial elsewhere",
        STATE,
        "self.trial or self.live",
        "self.live or self.trial",
        f"{STATE_TESTS} on_trial_serves",
        within="serving",
    ),
    Mutant(
        "telling in printable letters why a host is not known",
        STATE,
        '_canonical.one_line(unknown) if unknown else ""',
        'str(unknown or "")',
        f"{STATE_TESTS} printable",
    ),
    omit(
        "naming hosts that did not answer",
        STATE,
        "found.setdefault(there.host, there.unknown)",
        f"{STATE_TESTS} first_reason or host_is_unknown",
    ),
)
