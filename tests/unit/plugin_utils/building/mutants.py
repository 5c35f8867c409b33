# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/building/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

BUILT = "plugin_utils/building/_built.py"
COLLISIONS = "plugin_utils/building/_collisions.py"
PLAN = "plugin_utils/building/_plan.py"
SEALING = "plugin_utils/building/_sealing.py"
SOURCE_HOSTS = "plugin_utils/building/_source_hosts.py"
SEALING_BUILDS_TESTS = "unit/action/test_sealing_builds.py"
COLLISIONS_TESTS = "unit/plugin_utils/building/test_collisions.py"
PLAN_TESTS = "unit/plugin_utils/building/test_plan.py"
SEALING_TESTS = "unit/plugin_utils/building/test_sealing.py"
SOURCE_HOSTS_TESTS = "unit/plugin_utils/building/test_source_hosts.py"
ABOUT_TESTS = "unit/plugin_utils/release/test_about.py"

MUTANTS = (
    Mutant(
        "telling what is wrong in a workspace",
        BUILT,
        "told += problems",
        "del problems",
        f"{SEALING_BUILDS_TESTS} refused_by_name",
    ),
    check(
        "holding a build to the name, version and serial of the release",
        BUILT,
        '(found := (built["name"], built["version"], built["serial"])) != wanted',
        f"{SEALING_BUILDS_TESTS} refused_by_name",
    ),
    check(
        "holding a build to the source that is declared",
        BUILT,
        "found != asked",
        f"{SEALING_BUILDS_TESTS} refused_by_name",
    ),
    check(
        "holding a build to the release.yml that was built",
        BUILT,
        'not told and record["definition"]["sha256"] != definition',
        f"{SEALING_BUILDS_TESTS} refused_by_name",
    ),
    check(
        "building what is declared to be built",
        BUILT,
        "names",
        f"{SEALING_BUILDS_TESTS} from_elsewhere",
    ),
    check(
        "holding what a build left to what it must leave",
        BUILT,
        'not any(map(_globs.compile_globs([glob]), built["artifacts"]))',
        f"{SEALING_BUILDS_TESTS} artifacts",
    ),
    Mutant(
        "sealing no more of a source than another build would find",
        BUILT,
        "return {key: known[key] for key in SEALED if known.get(key)}",
        "return known",
        f"{SEALING_BUILDS_TESTS} built_from",
    ),
    Mutant(
        "keeping the secrets of addresses out of manifests",
        BUILT,
        '_address.shown(origin["place"])',
        'origin["place"]',
        f"{SEALING_BUILDS_TESTS} secret",
    ),
    Mutant(
        "Unicode forms in collisions",
        COLLISIONS,
        "canonical_form(path) if case_sensitive else caseless_form(path)",
        "path if case_sensitive else path.lower()",
        f"{COLLISIONS_TESTS} collide",
    ),
    check(
        "refusing addresses with a secret",
        PLAN,
        "shown != origin.place and _has_secret(origin.place)",
        f"{PLAN_TESTS} refused_by_name",
    ),
    check(
        "refusing what cannot work together before a build",
        PLAN,
        "problems",
        f"{PLAN_TESTS} refused_by_name",
    ),
    check("refusing names that collide", SEALING, "found", f"{SEALING_TESTS} some_host"),
    omit(
        "sealing what is declared only in its form",
        SEALING,
        "_about.check(manifest)",
        f"{ABOUT_TESTS} nobody_can_read",
    ),
    Mutant(
        "reading the scripts of a build host only in their form",
        SOURCE_HOSTS,
        'return _scripts.checked(answer.get("scripts"))',
        'return answer.get("scripts")',
        f"{SOURCE_HOSTS_TESTS} scripts_of_another_form",
    ),
    omit(
        "comparing what this machine packs with what was built",
        SOURCE_HOSTS,
        "_as_built.check_tree(source.name, entries, tree, root, workspace)",
        f"{SEALING_BUILDS_TESTS} refused_by_name",
    ),
)
