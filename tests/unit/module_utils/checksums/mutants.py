# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/module_utils/checksums/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

DELIVERY = "module_utils/checksums/_delivery.py"
FILE = "module_utils/checksums/_file.py"
LINES = "module_utils/checksums/_lines.py"
VERIFICATION = "module_utils/checksums/_verification.py"
FILE_TESTS = "unit/module_utils/checksums/test_file.py"
LINES_TESTS = "unit/module_utils/checksums/test_lines.py"

MUTANTS = (
    check(
        "refusing a link that climbs out of a delivery",
        DELIVERY,
        "not steps",
        f"{FILE_TESTS} may_not_hold",
    ),
    check(
        "refusing an absolute link in a delivery",
        DELIVERY,
        'target.startswith("/")',
        f"{FILE_TESTS} may_not_hold",
    ),
    Mutant(
        "noticing a file of a delivery that changes while it is read",
        DELIVERY,
        "after.st_ctime_ns != before.st_ctime_ns",
        "False",
        f"{FILE_TESTS} changes_while_it_is_read",
    ),
    Mutant(
        "refusing special files in a delivery",
        DELIVERY,
        "if item.is_file(follow_symlinks=False):",
        "if True:",
        f"{FILE_TESTS} may_not_hold",
    ),
    check(
        "demanding the digest of the checksum file itself",
        FILE,
        "pin is not None and digest != pin",
        f"{FILE_TESTS} pinned",
    ),
    Mutant(
        "reaching a checksum file in the tree through no link",
        FILE,
        "_paths.OPEN_DIRECTORY",
        "ANY_DIRECTORY",
        f"{FILE_TESTS} through_no_link",
        within="_open_folder",
    ),
    omit(
        "holding the folder while a checksum file is written",
        FILE,
        "fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        f"{FILE_TESTS} at_once",
    ),
    check(
        "refusing a checksum file that lists nothing",
        LINES,
        "not listed",
        f"{FILE_TESTS} lists_nothing",
    ),
    Mutant(
        "refusing a digest of another length",
        LINES,
        "if not algorithm or len(digest) != DIGITS[algorithm]:",
        "if not algorithm:",
        f"{LINES_TESTS} not_plain",
    ),
    check(
        "refusing a name that stands twice with two digests",
        LINES,
        "listed.setdefault(name, digest) != digest",
        f"{LINES_TESTS} not_plain",
    ),
    check(
        "refusing the name of what lies above the tree",
        LINES,
        '".." in parts',
        f"{LINES_TESTS} not_plain",
    ),
    check(
        "refusing an absolute name in a checksum file",
        LINES,
        'name.startswith("/")',
        f"{LINES_TESTS} not_plain",
    ),
    check(
        "escaping names in a checksum file",
        LINES,
        "ODD.search(name)",
        f"{LINES_TESTS} accepts_ours",
    ),
    check(
        "refusing to list for ansible-sign what it would misread",
        LINES,
        "not escapes",
        f"{LINES_TESTS} without_escapes",
    ),
    check(
        "failing when all that is listed is excluded",
        VERIFICATION,
        "not self.checked and not parts",
        f"{FILE_TESTS} excluding_all",
    ),
    omit(
        "noticing files that were added",
        VERIFICATION,
        "outcome.added.extend(sorted(found.files - listed.keys(), key=_paths.to_os))",
        f"{FILE_TESTS} cut_short",
    ),
    omit(
        "noticing files that were removed",
        VERIFICATION,
        "outcome.removed.append(name)",
        f"{FILE_TESTS} every_difference",
    ),
    omit(
        "comparing the contents of a listed file",
        VERIFICATION,
        "outcome.modified.append(name)",
        f"{FILE_TESTS} any_other_content",
    ),
    check(
        "refusing names that are listed through links",
        VERIFICATION,
        "folder in found.links",
        f"{FILE_TESTS} names_through_links",
    ),
)
