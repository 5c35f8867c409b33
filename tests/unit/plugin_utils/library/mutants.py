# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/library/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

CATALOGUE = "plugin_utils/library/_catalogue.py"
GARBAGE = "plugin_utils/library/_garbage.py"
RETENTION = "plugin_utils/library/_retention.py"
STORE = "plugin_utils/library/_store.py"
STORE_TESTS = "unit/plugin_utils/library/test_store.py"
STORE_PRUNING_TESTS = "unit/plugin_utils/library/test_store_pruning.py"
REFERRERS_TESTS = "unit/plugin_utils/oci/test_referrers.py"
REPOSITORY_TESTS = "unit/plugin_utils/registry/test_repository.py"
ABOUT_TESTS = "unit/plugin_utils/release/test_about.py"

MUTANTS = (
    check(
        "comparing labels with the manifest",
        CATALOGUE,
        "label[1:] != (manifest.name, manifest.version, manifest.serial)",
        f"{STORE_TESTS} labels",
    ),
    check(
        "telling a release that was just removed from a damaged one",
        CATALOGUE,
        "not self.entries_of(digest)",
        f"{STORE_PRUNING_TESTS} in_a_line",
    ),
    Mutant(
        "telling lists of signatures from releases",
        CATALOGUE,
        "_referrers.is_list(descriptors[-1])",
        "False",
        f"{REFERRERS_TESTS} hides_nothing",
    ),
    omit(
        "reading what a release declares only in its form",
        CATALOGUE,
        "_about.check(manifest)",
        f"{ABOUT_TESTS} nobody_can_read",
    ),
    Mutant(
        "keeping blobs that others need",
        GARBAGE,
        "digest not in needed",
        "True",
        f"{STORE_TESTS} removing",
    ),
    Mutant(
        "keeping blobs that a kept release shares",
        GARBAGE,
        "digest not in needed",
        "True",
        f"{STORE_PRUNING_TESTS} shares",
    ),
    Mutant(
        "keeping releases that are in use",
        RETENTION,
        "label.digest in in_use",
        "False",
        f"{STORE_PRUNING_TESTS} in_use",
    ),
    Mutant(
        "keeping releases that are pinned",
        RETENTION,
        "entry.pinned",
        "False",
        f"{STORE_PRUNING_TESTS} pinned",
        within="reasons",
    ),
    Mutant(
        "keeping releases of unknown age",
        RETENTION,
        "return False",
        "return True",
        f"{STORE_PRUNING_TESTS} recent",
        within="_is_older",
    ),
    Mutant(
        "the order of serials",
        RETENTION,
        "sorted(known)[-keep:]",
        "known[-keep:]",
        f"{STORE_PRUNING_TESTS} by_serial",
    ),
    check(
        "refusing a known version with another digest",
        STORE,
        "getattr(there, key) == getattr(label, key)",
        f"{STORE_TESTS} another_digest",
    ),
    Mutant(
        "replacing the index before blobs are removed",
        STORE,
        """
        self.layout.write_index(index, before, again)
        self.layout.remove(doomed)
        """,
        """
        self.layout.remove(doomed)
        self.layout.write_index(index, before, again)
        """,
        f"{STORE_PRUNING_TESTS} killed",
    ),
    check(
        "keeping all that a damaged release may share",
        STORE,
        "any(entry.damage for entry in entries if entry not in gone)",
        f"{STORE_PRUNING_TESTS} may_share",
    ),
    check(
        "refusing to remove a pinned release",
        STORE,
        "entry.pinned",
        f"{STORE_PRUNING_TESTS} cannot_be_removed",
    ),
    Mutant(
        "pruning that takes its turn",
        STORE,
        "return self.layout.locked() if keep else contextlib.nullcontext()",
        "return contextlib.nullcontext()",
        f"{STORE_PRUNING_TESTS} waits",
    ),
    Mutant(
        "check mode that prunes nothing",
        STORE,
        "if keep and pruned.changed:",
        "if pruned.changed:",
        f"{STORE_PRUNING_TESTS} prediction",
    ),
    check(
        "refusing a name in use that is not known",
        STORE,
        "_index.name_tag(*wanted) not in damaged",
        f"{STORE_PRUNING_TESTS} names_no_release",
    ),
    omit(
        "keeping the signatures of a release that is mended",
        STORE,
        "index = _referrers.moved(self.layout, index, _digests(there), descriptor)",
        f"{REFERRERS_TESTS} mended",
    ),
    Mutant(
        "removing signatures with their release",
        STORE,
        'digests |= {item["digest"] for item in attached}',
        "attached = []",
        f"{REFERRERS_TESTS} removing",
    ),
    Mutant(
        "attaching signatures in turn",
        STORE,
        "with self.layout.locked():",
        "with contextlib.nullcontext():",
        f"{REFERRERS_TESTS} its_turn",
    ),
    Mutant(
        "keeping layers with private files from others",
        STORE,
        "0o640 if is_private else 0o644",
        "0o644",
        f"{STORE_TESTS} private",
    ),
    check(
        "looking again for what others entered while layers were sent",
        STORE,
        "self.layout.is_shared",
        f"{REPOSITORY_TESTS} while_ours_is_sent",
        within="_enter",
    ),
)
