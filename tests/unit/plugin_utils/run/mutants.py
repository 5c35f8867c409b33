# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/run/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

CI = "plugin_utils/run/_ci.py"
IDENTITY = "plugin_utils/run/_identity.py"
LIFETIME = "plugin_utils/run/_lifetime.py"
CI_TESTS = "unit/plugin_utils/run/test_ci.py"
IDENTITY_TESTS = "unit/plugin_utils/run/test_identity.py"
LIFETIME_TESTS = "unit/plugin_utils/run/test_lifetime.py"

MUTANTS = (
    Mutant(
        "keeping what is secret out of a CI job's address",
        CI,
        '_address.shown(str(url or ""))',
        'str(url or "")',
        f"{CI_TESTS} no_secret",
    ),
    Mutant(
        "leaving out a CI job's address that is none",
        CI,
        'return url if PLAIN.fullmatch(url) else ""',
        "return url",
        f"{CI_TESTS} no_address",
    ),
    Mutant(
        "asking the kernel for a process that is hidden",
        IDENTITY,
        "os.kill(pid, 0)",
        "raise ProcessLookupError",
        f"{IDENTITY_TESTS} hidden",
    ),
    check(
        "knowing nothing of another container's runs",
        IDENTITY,
        'named["place"] != place',
        f"{IDENTITY_TESTS} another_container",
    ),
    Mutant(
        "believing a new boot only outside of containers",
        IDENTITY,
        "return _namespace(proc) == FIRST_NAMESPACE",
        "return True",
        f"{IDENTITY_TESTS} proves_nothing",
    ),
    omit(
        "ending a worker with its main process",
        LIFETIME,
        "ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)",
        f"{LIFETIME_TESTS} asks_for_it",
    ),
    check(
        "ending a worker whose main process was gone before",
        LIFETIME,
        "os.getppid() != main",
        f"{LIFETIME_TESTS} gone_before",
    ),
    check(
        "leaving what a worker leaves behind on purpose",
        LIFETIME,
        "forked",
        f"{LIFETIME_TESTS} on_purpose",
    ),
    omit(
        "raising an interrupt again that Python dropped",
        LIFETIME,
        "sys.unraisablehook = _interrupt_again",
        f"{LIFETIME_TESTS} python_drops",
    ),
)
