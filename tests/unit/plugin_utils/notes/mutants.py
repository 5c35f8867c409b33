# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/notes/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

BASELINE = "plugin_utils/notes/_baseline.py"
BUILD_NOTE = "plugin_utils/notes/_build_note.py"
CHAIN = "plugin_utils/notes/_chain.py"
COMPOSITION = "plugin_utils/notes/_composition.py"
DELIVERY = "plugin_utils/notes/_delivery.py"
DEPENDENCIES = "plugin_utils/notes/_dependencies.py"
RENDERED = "plugin_utils/notes/_rendered.py"
WORKSPACE = "plugin_utils/notes/_workspace.py"
BUILD_NOTE_TESTS = "unit/plugin_utils/notes/test_build_note.py"
COMPOSITION_TESTS = "unit/plugin_utils/notes/test_composition.py"
DELIVERY_TESTS = "unit/plugin_utils/notes/test_delivery.py"
DEPENDENCIES_TESTS = "unit/plugin_utils/notes/test_dependencies.py"
RENDERED_TESTS = "unit/plugin_utils/notes/test_rendered.py"

MUTANTS = (
    check(
        "counting from no other application",
        BASELINE,
        "label.name != wanted.name",
        f"{COMPOSITION_TESTS} nothing_is_known",
    ),
    Mutant(
        "counting from what was before where a release is live",
        BASELINE,
        "if label.digest != wanted.digest:",
        "if True:",
        f"{COMPOSITION_TESTS} live_already",
    ),
    Mutant(
        "telling old hosts no history that is new to others",
        BASELINE,
        "known or [baseline for baseline in found if baseline.why == NOTHING]",
        "known + [baseline for baseline in found if baseline.why == NOTHING]",
        f"{COMPOSITION_TESTS} without_a_release_does",
    ),
    check(
        "making no note where nothing is known",
        BASELINE,
        "all(baseline.why == UNKNOWN for baseline in found)",
        f"{COMPOSITION_TESTS} nothing_is_known",
    ),
    check(
        "finding checkouts that are not clean",
        BUILD_NOTE,
        "built and built.is_dirty",
        f"{BUILD_NOTE_TESTS} no_commit_explains",
    ),
    check(
        "finding files that no commit touches",
        BUILD_NOTE,
        "alone",
        f"{BUILD_NOTE_TESTS} no_commit_explains",
    ),
    check(
        "finding versions that stayed",
        BUILD_NOTE,
        "change.from_version == change.to_version",
        f"{BUILD_NOTE_TESTS} version_that_stayed",
    ),
    check(
        "finding other repositories",
        BUILD_NOTE,
        'built and source_before and source_before["place"] != built.source["place"]',
        f"{BUILD_NOTE_TESTS} another_repository",
    ),
    check(
        "finding history that was rewritten",
        BUILD_NOTE,
        "history.removed",
        f"{BUILD_NOTE_TESTS} rewritten",
    ),
    check(
        "telling that commits are left out", BUILD_NOTE, "history.more", f"{BUILD_NOTE_TESTS} lacks"
    ),
    check(
        "telling that a source has no commits",
        BUILD_NOTE,
        "kind in NO_COMMITS and any(component.paths(key) for key in CHANGES)",
        f"{BUILD_NOTE_TESTS} without_a_repository",
    ),
    Mutant(
        "telling submodules that are left out in notes",
        BUILD_NOTE,
        "_left_out(builts)",
        "()",
        f"{BUILD_NOTE_TESTS} left_out",
    ),
    Mutant(
        "believing build notes of keys that are trusted",
        CHAIN,
        "self._known",
        "None",
        f"{COMPOSITION_TESTS} nobody_trusted",
        within="_read",
    ),
    Mutant(
        "holding build notes to their schema",
        CHAIN,
        "_is_whole(found.predicate, label)",
        "True",
        f"{COMPOSITION_TESTS} malformed",
    ),
    omit(
        "telling releases that have no build note",
        CHAIN,
        'lacks.append(f"{_called(label)}: {self._problems[label.digest]}")',
        f"{COMPOSITION_TESTS} without_a_note",
    ),
    Mutant(
        "leaving out what comes and goes",
        CHAIN,
        """
        tuple(
            dataclasses.replace(commit, is_taken_back=self._counts[key] < 0)
            for key, commit in self._commits.items()
            if self._counts[key]
        )
        """,
        """
        tuple(
            dataclasses.replace(commit, is_taken_back=self._counts[key] < 0)
            for key, commit in self._commits.items()
        )
        """,
        f"{COMPOSITION_TESTS} comes_and_goes",
    ),
    Mutant(
        "going back to what two releases have in common",
        CHAIN,
        "_until(before, common)",
        "[]",
        f"{COMPOSITION_TESTS} going_back",
    ),
    check(
        "telling that build notes are not verified",
        COMPOSITION,
        "self._known is None and any(releases.values())",
        f"{COMPOSITION_TESTS} nobody_trusted",
    ),
    check(
        "demanding of a note that is kept that it has all packages",
        COMPOSITION,
        "not self._may_lack_packages",
        f"{COMPOSITION_TESTS} nobody_keeps",
    ),
    Mutant(
        "warning of no more findings than a terminal takes",
        DELIVERY,
        "findings[:MOST_WARNINGS]",
        "findings",
        f"{DELIVERY_TESTS} of_much_the_first",
    ),
    Mutant(
        "reading no bill without end",
        DEPENDENCIES,
        "if depth < MOST_DEEP:",
        "if True:",
        f"{DEPENDENCIES_TESTS} some_depth",
    ),
    Mutant(
        "escaping in JSON what deceives on terminals",
        RENDERED,
        r'_commits.DECEIVING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)',
        r'text or (lambda match: f"\\u{ord(match[0]):04x}", text)',
        f"{RENDERED_TESTS} deceives",
    ),
    check(
        "telling users nothing of what was reverted", RENDERED, "by", f"{RENDERED_TESTS} reverted"
    ),
    check(
        "refusing the workspace of another release",
        WORKSPACE,
        '(release["name"], release["version"], release["serial"]) != label[1:]',
        f"{COMPOSITION_TESTS} workspace_of_another_release",
    ),
    check(
        "refusing the workspace of another build",
        WORKSPACE,
        "trees.get(component.name) not in (None, _record.tree_digest(component.entries))",
        f"{COMPOSITION_TESTS} another_build",
    ),
    check(
        "telling that the commit before is not known",
        WORKSPACE,
        "old and not is_known",
        f"{COMPOSITION_TESTS} tells_no_commit",
    ),
)
