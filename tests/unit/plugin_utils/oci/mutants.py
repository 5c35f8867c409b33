# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/oci/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

INDEX = "plugin_utils/oci/_index.py"
LAYOUT = "plugin_utils/oci/_layout.py"
REFERRERS = "plugin_utils/oci/_referrers.py"
ATTACHMENTS_TESTS = "unit/plugin_utils/evidence/test_attachments.py"
STORE_TESTS = "unit/plugin_utils/library/test_store.py"
STORE_PRUNING_TESTS = "unit/plugin_utils/library/test_store_pruning.py"
REFERRERS_TESTS = "unit/plugin_utils/oci/test_referrers.py"

MUTANTS = (
    Mutant(
        "a pin that outlives mending",
        INDEX,
        '"true" if pinned else None',
        "None",
        f"{STORE_PRUNING_TESTS} mending",
        within="with_release",
    ),
    check(
        "the digests in the library",
        LAYOUT,
        '"sha256:" + _canonical.sha256_hex(data) != descriptor["digest"]',
        f"{STORE_TESTS} damaged",
    ),
    omit(
        "the library's lock", LAYOUT, "fcntl.flock(stream, fcntl.LOCK_EX)", f"{STORE_TESTS} at_once"
    ),
    Mutant(
        "a lock file that is never replaced",
        LAYOUT,
        'self._write_durably(layout, b\'{"imageLayoutVersion":"1.0.0"}\', give_name=_link)',
        'self._write_durably(layout, b\'{"imageLayoutVersion":"1.0.0"}\')',
        f"{STORE_TESTS} made_once",
    ),
    check(
        "stopping at a document that is too large",
        LAYOUT,
        "len(data) > limit",
        f"{REFERRERS_TESTS} too_large",
    ),
    Mutant(
        "taking only as much memory as a document has",
        LAYOUT,
        "min(limit, os.fstat(stream.fileno()).st_size)",
        "limit",
        f"{STORE_TESTS} no_more_memory",
    ),
    Mutant(
        "reading no more attached documents than fit in memory",
        REFERRERS,
        "min(limit, room)",
        "limit",
        f"{ATTACHMENTS_TESTS} fit_in_memory",
    ),
    omit(
        "counting attached documents by their kind",
        REFERRERS,
        'manifests = [item for item in manifests if item.get("artifactType", kind) == kind]',
        f"{ATTACHMENTS_TESTS} in_nobody_s_way",
    ),
)
