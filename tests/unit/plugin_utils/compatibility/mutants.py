# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/compatibility/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check

ALTERNATIVES = "plugin_utils/compatibility/_alternatives.py"
BESIDE = "plugin_utils/compatibility/_beside.py"
COMPONENTS = "plugin_utils/compatibility/_components.py"
DECLARATIONS = "plugin_utils/compatibility/_declarations.py"
FITNESS = "plugin_utils/compatibility/_fitness.py"
FILTER_BESIDE_TESTS = "unit/filter/test_beside.py"
ALTERNATIVES_TESTS = "unit/plugin_utils/compatibility/test_alternatives.py"
COMPATIBILITY_BESIDE_TESTS = "unit/plugin_utils/compatibility/test_beside.py"
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
        "choice.label is not None",
        "False",
        f"{ALTERNATIVES_TESTS} live_nowhere",
    ),
    check(
        "leaving as it is what was wrong before",
        ALTERNATIVES,
        "self.choice.label is None and choice.label is None",
        f"{ALTERNATIVES_TESTS} wrong_before",
    ),
    Mutant(
        "saying that a place lacks something only where all of it is known",
        BESIDE,
        "beside.unknown",
        "False",
        f"{COMPATIBILITY_BESIDE_TESTS} looked_up",
    ),
    Mutant(
        "refusing beside what is not known",
        BESIDE,
        "lines += [beside.problem] if beside.problem else []",
        "lines += []",
        f"{COMPATIBILITY_BESIDE_TESTS} not_known",
    ),
    Mutant(
        "not taking an adopted release for nothing",
        BESIDE,
        'return {"unknown": "what is live there was adopted, and nobody sealed it"}',
        'return {"digest": None}',
        f"{FILTER_BESIDE_TESTS} not_taken_for_nothing",
    ),
    Mutant(
        "not taking a lost host for one with nothing",
        BESIDE,
        'return {"unknown": _holdings.reason(result)}',
        'return {"digest": None}',
        f"{FILTER_BESIDE_TESTS} not_taken_for_nothing",
    ),
    check(
        "not believing a record that current contradicts",
        BESIDE,
        'any(item["path"] == "current" for item in result.get("drift") or ())',
        f"{FILTER_BESIDE_TESTS} not_taken_for_nothing",
    ),
    Mutant(
        "counting what is on trial elsewhere",
        BESIDE,
        'current = deployment.get("trial") or deployment.get("live")',
        'current = deployment.get("live") or deployment.get("trial")',
        f"{FILTER_BESIDE_TESTS} counts_before",
    ),
    Mutant(
        "telling in printable letters why a host is not known",
        BESIDE,
        '_canonical.one_line(item["unknown"])',
        'item["unknown"]',
        f"{COMPATIBILITY_BESIDE_TESTS} printable",
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
        f"{COMPATIBILITY_BESIDE_TESTS} not_believed",
    ),
    Mutant(
        "reading what a release requires where nothing is told of others",
        FITNESS,
        "if items or _declarations.REQUIRES in data:",
        "if items:",
        f"{COMPATIBILITY_BESIDE_TESTS} the_way_to_tell",
    ),
    Mutant(
        "refusing a way back of which nothing is known",
        FITNESS,
        """
        raise Incompatible(
            [f"cannot know what {meant['version']} requires, for nobody sealed it"]
        )
        """,
        """
        return Incompatible(
            [f"cannot know what {meant['version']} requires, for nobody sealed it"]
        )
        """,
        f"{COMPATIBILITY_BESIDE_TESTS} nobody_knows_anything",
    ),
    check(
        "holding a host to what a release requires of hosts",
        FITNESS,
        "problems",
        f"{COMPATIBILITY_BESIDE_TESTS} requires_of_hosts",
    ),
)
