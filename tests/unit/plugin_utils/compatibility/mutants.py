# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/compatibility/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

ALTERNATIVES = "plugin_utils/compatibility/_alternatives.py"
BESIDE = "plugin_utils/compatibility/_beside.py"
COMPONENTS = "plugin_utils/compatibility/_components.py"
DECLARATIONS = "plugin_utils/compatibility/_declarations.py"
FITNESS = "plugin_utils/compatibility/_fitness.py"
ALTERNATIVES_TESTS = "unit/plugin_utils/compatibility/test_alternatives.py"
BESIDE_TESTS = "unit/plugin_utils/compatibility/test_beside.py"
COMPONENTS_TESTS = "unit/plugin_utils/compatibility/test_components.py"

MUTANTS = (
    Mutant(
        "proposing only what fits everything that stays live",
        ALTERNATIVES,
        "return _work_together(self.choice.parts, choice.parts)",
        "return True",
        f"{ALTERNATIVES_TESTS} conflicts_is_replaced",
    ),
    Mutant(
        "proposing what a proposal needs in turn",
        ALTERNATIVES,
        "not choice.is_live",
        "False",
        f"{ALTERNATIVES_TESTS} live_nowhere",
    ),
    check(
        "leaving as it is what was wrong before",
        ALTERNATIVES,
        "self.choice.is_live and choice.is_live",
        f"{ALTERNATIVES_TESTS} wrong_before",
    ),
    Mutant(
        "saying that a place lacks something only where all of it is known",
        BESIDE,
        "beside.unknown",
        "False",
        f"{BESIDE_TESTS} looked_up",
    ),
    Mutant(
        "refusing beside what is not known",
        BESIDE,
        "lines += [beside.problem] if beside.problem else []",
        "lines += []",
        f"{BESIDE_TESTS} not_known",
    ),
    Mutant(
        "taking a version that nobody can read for none that is required",
        COMPONENTS,
        "has(wanted, other) is not True",
        "has(wanted, other) is False",
        f"{COMPONENTS_TESTS} nobody_can_tell",
    ),
    Mutant(
        "taking a version that nobody can read for one that conflicts",
        COMPONENTS,
        "has(unwanted, other) is not False",
        "has(unwanted, other)",
        f"{COMPONENTS_TESTS} nobody_can_tell",
    ),
    Mutant(
        "letting what is live have a say in what comes",
        COMPONENTS,
        "for part in everything:",
        "for part in new:",
        f"{COMPONENTS_TESTS} has_a_say",
    ),
    Mutant(
        "taking what a release brings itself for what it requires",
        COMPONENTS,
        "offering(wanted.name, own)",
        "False",
        f"{COMPONENTS_TESTS} brings_itself",
    ),
    Mutant(
        "passing over what was wrong before",
        COMPONENTS,
        "_either_is_new(part, other)",
        "True",
        f"{COMPONENTS_TESTS} wrong_before",
    ),
    Mutant(
        "keeping for what is live what it requires and had",
        COMPONENTS,
        "before = offering(wanted.name, gone)",
        "before = []",
        f"{COMPONENTS_TESTS} requires_and_had",
    ),
    check(
        "telling how to name what nobody knows of",
        COMPONENTS,
        "not places",
        f"{COMPONENTS_TESTS} nobody_looked_for",
    ),
    Mutant(
        "checking what hosts tell of releases",
        DECLARATIONS,
        "_checked(item)",
        "item",
        f"{BESIDE_TESTS} not_believed",
    ),
    Mutant(
        "reading what a release requires where nothing is told of others",
        FITNESS,
        "_declarations.REQUIRES in data",
        "False",
        f"{BESIDE_TESTS} the_way_to_tell",
    ),
    omit(
        "refusing a way back of which nothing is known",
        FITNESS,
        'raise Incompatible([f"cannot know what {meant.version} requires: it was adopted"])',
        f"{BESIDE_TESTS} nobody_knows_anything",
    ),
    check(
        "holding a host to what a release requires of hosts",
        FITNESS,
        "problems",
        f"{BESIDE_TESTS} requires_of_hosts",
    ),
)
