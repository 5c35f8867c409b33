# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/module_utils/sources/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check

ARCHIVE = "module_utils/sources/_archive.py"
ARCHIVE_TAR = "module_utils/sources/_archive_tar.py"
ARCHIVE_ZIP = "module_utils/sources/_archive_zip.py"
KIND_ARCHIVE = "module_utils/sources/_kind_archive.py"
KIND_FILES = "module_utils/sources/_kind_files.py"
SCRIPT_DIGESTS = "module_utils/sources/_script_digests.py"
ARCHIVE_TESTS = "unit/module_utils/sources/test_archive.py"
ARCHIVE_HOSTILE_TESTS = "unit/module_utils/sources/test_archive_hostile.py"
SCRIPT_DIGESTS_TESTS = "unit/module_utils/sources/test_script_digests.py"
SEALING_TESTS = "unit/plugin_utils/building/test_sealing.py"

MUTANTS = (
    check("how much comes out of an archive", ARCHIVE, "size > self.size", ARCHIVE_HOSTILE_TESTS),
    check("how many times its size comes out", ARCHIVE, "size > self.most", ARCHIVE_HOSTILE_TESTS),
    check(
        "how many entries an archive has", ARCHIVE, "count > self.entries", ARCHIVE_HOSTILE_TESTS
    ),
    check(
        "how long the names in an archive are",
        ARCHIVE,
        "self._name_bytes > MOST_NAME_BYTES",
        f"{ARCHIVE_HOSTILE_TESTS} names_together",
    ),
    Mutant(
        "counting hard links in an archive",
        ARCHIVE,
        "self._size += found.size",
        "self._size += 0 if member.hard else found.size",
        f"{ARCHIVE_HOSTILE_TESTS} hard_links",
    ),
    Mutant(
        "checking paths of an archive before they are stripped",
        ARCHIVE,
        "_manifest.check_path(full_path)",
        "_manifest.check_path(path)",
        f"{ARCHIVE_HOSTILE_TESTS} hostile_tar",
    ),
    check(
        "refusing entries that stand twice in an archive",
        ARCHIVE,
        "there[0] != entry or not self._same_content(there[1], found.offset, entry.size)",
        f"{ARCHIVE_HOSTILE_TESTS} hostile_tar",
    ),
    check(
        "refusing entries that go through a link",
        ARCHIVE,
        'entry.type != "dir"',
        f"{ARCHIVE_HOSTILE_TESTS} hostile_tar",
    ),
    check(
        "refusing a tar that goes on behind its end",
        ARCHIVE_TAR,
        "rest.count(0) != len(rest)",
        f"{ARCHIVE_HOSTILE_TESTS} hostile_tar",
    ),
    check(
        "refusing a tar with one empty block",
        ARCHIVE_TAR,
        "_exactly(read_bytes, BLOCK_BYTES) != NULLS",
        f"{ARCHIVE_HOSTILE_TESTS} hostile_tar",
    ),
    check(
        "refusing two sizes of an entry",
        ARCHIVE_TAR,
        'size not in (0, meant["size"]) and meant["size"] <= LARGEST_OCTAL',
        f"{ARCHIVE_HOSTILE_TESTS} hostile_tar",
    ),
    check(
        "refusing two names of an entry",
        ARCHIVE_TAR,
        "twice",
        f"{ARCHIVE_HOSTILE_TESTS} hostile_tar",
    ),
    check(
        "refusing content of what is no file",
        ARCHIVE_TAR,
        "size and kind not in WITH_CONTENT",
        f"{ARCHIVE_HOSTILE_TESTS} hostile_tar",
    ),
    check(
        "the length of extension headers",
        ARCHIVE_TAR,
        "size > LONGEST_EXTENSION",
        f"{ARCHIVE_HOSTILE_TESTS} hostile_tar",
    ),
    check(
        "refusing entries of a zip that overlap",
        ARCHIVE_ZIP,
        "entry.offset != stream.tell()",
        f"{ARCHIVE_HOSTILE_TESTS} hostile_zip",
    ),
    check(
        "comparing a zip's directory with its entries",
        ARCHIVE_ZIP,
        "not (same and (here == known or (flags & SIZES_BEHIND and here == (0, 0, 0))))",
        f"{ARCHIVE_HOSTILE_TESTS} hostile_zip",
    ),
    check(
        "comparing what comes out of a zip",
        ARCHIVE_ZIP,
        "(crc, size) != (entry.crc, entry.size)",
        f"{ARCHIVE_HOSTILE_TESTS} hostile_zip",
    ),
    check(
        "refusing a zip with two ends",
        ARCHIVE_ZIP,
        "len(ends) > 1",
        f"{ARCHIVE_HOSTILE_TESTS} hostile_zip",
    ),
    check(
        "refusing encrypted entries",
        ARCHIVE_ZIP,
        "flags & ENCRYPTED",
        f"{ARCHIVE_HOSTILE_TESTS} hostile_zip",
    ),
    check(
        "noticing an archive that changes meanwhile",
        KIND_ARCHIVE,
        "_state(archive) != before",
        f"{ARCHIVE_TESTS} changes_meanwhile",
    ),
    check(
        "comparing an archive's digest",
        KIND_ARCHIVE,
        "digest.hexdigest() != wanted.lower()",
        f"{ARCHIVE_TESTS} demanded",
    ),
    check(
        "sealing only what is as a demanded checksum file says",
        KIND_FILES,
        "failure",
        f"{SEALING_TESTS} differs_from_its_checksum_file",
    ),
    check(
        "sealing what was verified, not what is there later",
        KIND_FILES,
        """
        (
            listed is not None
            and entry.type == "file"
            and listed.get(entry.path) != entry.sha256
        )
        """,
        f"{SEALING_TESTS} what_was_verified",
    ),
    check(
        "refusing scripts that are links",
        SCRIPT_DIGESTS,
        "item.is_symlink()",
        f"{SCRIPT_DIGESTS_TESTS} told_in_a_line",
    ),
    check(
        "refusing globs that name no script",
        SCRIPT_DIGESTS,
        "not named",
        f"{SCRIPT_DIGESTS_TESTS} told_in_a_line",
    ),
    check(
        "refusing scripts that are no files",
        SCRIPT_DIGESTS,
        "not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)",
        f"{SCRIPT_DIGESTS_TESTS} told_in_a_line",
    ),
    check(
        "refusing scripts that are too large",
        SCRIPT_DIGESTS,
        "len(data) > LARGEST_BYTES",
        f"{SCRIPT_DIGESTS_TESTS} told_in_a_line",
    ),
    check(
        "refusing too many scripts",
        SCRIPT_DIGESTS,
        "len(found) > MOST_SCRIPTS",
        f"{SCRIPT_DIGESTS_TESTS} anybody_has",
    ),
    Mutant(
        "staying where scripts may lie",
        SCRIPT_DIGESTS,
        'if item.name != LEFT_OUT and wanted.may_lie_in(path + "/"):',
        "if True:",
        f"{SCRIPT_DIGESTS_TESTS} not_entered",
    ),
)
