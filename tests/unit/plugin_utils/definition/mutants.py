# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/definition/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

RELEASE_FILE = "plugin_utils/definition/_release_file.py"
SCHEMA_FILE = "plugin_utils/definition/_schema_file.py"
HOST_REQUIREMENTS_TESTS = "unit/plugin_utils/definition/test_host_requirements.py"
RECIPE_TESTS = "unit/plugin_utils/definition/test_recipe.py"
RELEASE_FILE_TESTS = "unit/plugin_utils/definition/test_release_file.py"
TRUST_TESTS = "unit/plugin_utils/evidence/test_trust.py"

MUTANTS = (
    Mutant(
        "sealing a version only if it is one of its scheme",
        RELEASE_FILE,
        """
        with _schema_file.at("versions", errors=_ranges.RangeError):
            _ranges.check_version(version, scheme)
        """,
        """
        with _schema_file.at("versions", errors=_ranges.RangeError):
            pass
        """,
        f"{RECIPE_TESTS} makes_no_sense",
    ),
    omit(
        "reading ranges of hosts before they are sealed",
        RELEASE_FILE,
        '_host_requirements.check(plain.get("requires_hosts", {}))',
        f"{HOST_REQUIREMENTS_TESTS} with_its_place",
    ),
    check(
        "refusing repeated keys in release.yml",
        SCHEMA_FILE,
        "where in lines",
        f"{RELEASE_FILE_TESTS} wrong",
    ),
    Mutant(
        "telling truth values from numbers in a schema",
        SCHEMA_FILE,
        "not isinstance(value, bool)",
        "True",
        f"{TRUST_TESTS} wrong",
    ),
)
