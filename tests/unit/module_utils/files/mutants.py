# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/module_utils/files/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

ANCESTORS = "module_utils/files/_ancestors.py"
CONFINED = "module_utils/files/_confined.py"
DELETION = "module_utils/files/_deletion.py"
DURABLE = "module_utils/files/_durable.py"
PATHS = "module_utils/files/_paths.py"
ATTACKED_TESTS = "behaviour/test_attacked.py"
LEFTOVERS_TESTS = "behaviour/test_leftovers.py"
LOCALE_TESTS = "behaviour/test_locale.py"
ANCESTORS_TESTS = "unit/module_utils/files/test_ancestors.py"
DURABLE_TESTS = "unit/module_utils/files/test_durable.py"
SCAN_TESTS = "unit/module_utils/release/test_scan.py"
ARCHIVE_HOSTILE_TESTS = "unit/module_utils/sources/test_archive_hostile.py"

MUTANTS = (
    check(
        "refusing directories of other users on the way to a root",
        ANCESTORS,
        "status.st_uid not in users",
        f"{ANCESTORS_TESTS} belongs_to_somebody",
    ),
    omit(
        "looking at directories above a root",
        ANCESTORS,
        "check(deeper, path, self._users, sticky_will_do=True)",
        f"{ANCESTORS_TESTS} above_the_root",
    ),
    Mutant(
        "a sticky bit that is enough above a root only",
        ANCESTORS,
        "sticky_will_do",
        "True",
        f"{ANCESTORS_TESTS} everybody_may_write_to_is_refused",
    ),
    omit(
        "trusting no link that others put where all may write",
        ANCESTORS,
        "self._check_link(status, path)",
        f"{ANCESTORS_TESTS} somebody_put",
    ),
    check(
        "trusting a group only where nobody else is in it",
        ANCESTORS,
        "group.gr_name not in names or not names.issuperset(group.gr_mem)",
        f"{ANCESTORS_TESTS} group_that_others",
    ),
    Mutant(
        "seeing access lists behind a group's bits",
        ANCESTORS,
        "not _has_list(descriptor)",
        "True",
        f"{ANCESTORS_TESTS} access_list",
    ),
    omit(
        "limiting the child that reads an archive",
        CONFINED,
        "resource.setrlimit(name, (most, hard))",
        f"{ARCHIVE_HOSTILE_TESTS} child",
    ),
    check(
        "ending the child that reads an archive with its parent",
        CONFINED,
        "os.getppid() != parent",
        f"{ARCHIVE_HOSTILE_TESTS} ends_with_its_parent",
    ),
    Mutant(
        "an end to what the child says",
        CONFINED,
        "stream.read(ANSWER_BYTES)",
        "stream.read()",
        f"{ARCHIVE_HOSTILE_TESTS} says_too_much",
    ),
    Mutant(
        "removing what can be removed",
        DELETION,
        "problems.append(error)",
        "raise",
        f"{LEFTOVERS_TESTS} what_can_be_removed",
    ),
    check(
        "an end to how deep is removed",
        DELETION,
        "depth > DEEPEST",
        f"{ATTACKED_TESTS} without_end",
    ),
    Mutant(
        "replacing current in one step",
        DURABLE,
        """
        os.symlink(target, scratch, dir_fd=directory)
        os.rename(scratch, name, src_dir_fd=directory, dst_dir_fd=directory)
        """,
        """
        remove_file(directory, name)
        os.symlink(target, name, dir_fd=directory)
        """,
        f"{DURABLE_TESTS} killed and rollback",
    ),
    omit(
        "making the switch last before success is told",
        DURABLE,
        "os.fsync(directory)",
        f"{DURABLE_TESTS} medium",
        within="replace_link",
    ),
    omit(
        "making the state last before it gets its name",
        DURABLE,
        "os.fsync(descriptor)",
        f"{DURABLE_TESTS} medium",
    ),
    Mutant(
        "opening sources without following links",
        PATHS,
        "os.O_RDONLY | os.O_NOFOLLOW",
        "os.O_RDONLY",
        f"{SCAN_TESTS} through_a_link",
    ),
    Mutant(
        "a root's name in any locale",
        PATHS,
        "return os.fsdecode(to_os(path))",
        "return path",
        f"{LOCALE_TESTS} any_locale",
    ),
)
