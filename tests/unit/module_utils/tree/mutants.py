# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/module_utils/tree/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

LAYOUT = "module_utils/tree/_layout.py"
OBJECTS = "module_utils/tree/_objects.py"
ATTACKED_TESTS = "behaviour/test_attacked.py"
LOCALE_TESTS = "behaviour/test_locale.py"
UNREADABLE_TESTS = "behaviour/test_unreadable.py"
HOST_CALL_TESTS = "unit/module_utils/deployment/test_host_call.py"
SELINUX_TESTS = "unit/module_utils/files/test_selinux.py"
LAYOUT_TESTS = "unit/module_utils/tree/test_layout.py"
OBJECTS_TESTS = "unit/module_utils/tree/test_objects.py"

MUTANTS = (
    omit(
        "setting modes whatever the umask",
        LAYOUT,
        "os.fchmod(descriptor, mode)",
        f"{HOST_CALL_TESTS} umask",
    ),
    omit(
        "giving files to the root's owner and group",
        LAYOUT,
        "os.fchown(descriptor, access.uid, access.gid)",
        f"{HOST_CALL_TESTS} belongs",
    ),
    omit("noticing owner and group", LAYOUT, 'changes.append("owner")', f"{LAYOUT_TESTS} owner"),
    omit(
        "noticing extra files",
        LAYOUT,
        'self.drift.append(Drift(path + end, "extra"))',
        f"{LAYOUT_TESTS} difference",
    ),
    Mutant(
        "hashing every file",
        LAYOUT,
        "return hash_file(directory, name, entry.size) == entry.sha256",
        "return True",
        f"{LAYOUT_TESTS} difference",
    ),
    omit("noticing exec bits", LAYOUT, 'changes.append("exec")', f"{LAYOUT_TESTS} difference"),
    check(
        "refusing a linked path that the release brings",
        LAYOUT,
        "path in entries",
        f"{HOST_CALL_TESTS} linked_path",
    ),
    Mutant(
        "naming files in UTF-8 whatever the locale",
        LAYOUT,
        "_paths.to_os(text)",
        "text",
        LOCALE_TESTS,
        within="build",
    ),
    Mutant(
        "trusting what was just written only as what it is",
        LAYOUT,
        "found == (entry.sha256, stat.S_IFREG | self._access.mode(entry))",
        "True",
        f"{OBJECTS_TESTS} trusted",
    ),
    Mutant(
        "looking whether the file system did as it was told",
        LAYOUT,
        "return os.fstat(descriptor)",
        "return os.stat_result((stat.S_IFREG | mode, *status[1:]))",
        f"{OBJECTS_TESTS} as_it_is_told",
    ),
    Mutant(
        "taking a file that cannot be read for damaged",
        LAYOUT,
        "except OSError:",
        "except EOFError:",
        f"{UNREADABLE_TESTS} live or way_back",
        within="_has_content",
    ),
    Mutant(
        "an end to what is read of a file that is verified",
        LAYOUT,
        "size + 1",
        "size + (1 << 20)",
        f"{ATTACKED_TESTS} that_grows",
        within="hash_descriptor",
    ),
    Mutant(
        "spelling control characters of names",
        LAYOUT,
        r'return _manifest.CONTROL.sub(lambda match: "\\x%02x" % ord(match[0]), text)',
        "return text",
        f"{LAYOUT_TESTS} forges",
    ),
    Mutant(
        "creating contents exclusively, following no link",
        OBJECTS,
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW",
        "os.O_WRONLY | os.O_CREAT | os.O_TRUNC",
        f"{OBJECTS_TESTS} written_over",
    ),
    Mutant(
        "copying private and writable contents",
        OBJECTS,
        "if entry.private or entry.writable or not self._share(entry, directory, name):",
        "if not self._share(entry, directory, name):",
        f"{OBJECTS_TESTS} copied",
    ),
    Mutant(
        "hashing a content that is here already",
        OBJECTS,
        "_layout.hash_descriptor(descriptor, entry.size) == entry.sha256",
        "True",
        f"{OBJECTS_TESTS} comes_again",
    ),
    check(
        "hashing what is copied",
        OBJECTS,
        "digest.hexdigest() != entry.sha256",
        f"{OBJECTS_TESTS} never_copied",
    ),
    check(
        "linking no content with another SELinux label",
        OBJECTS,
        "self._labels and not self._labels.is_right(folder, path)",
        f"{SELINUX_TESTS} another_label",
    ),
    Mutant(
        "taking a content that cannot be opened for damaged",
        OBJECTS,
        "OSError",
        "FileNotFoundError",
        f"{UNREADABLE_TESTS} content",
        within="_open",
    ),
    Mutant(
        "taking a content that cannot be read for damaged",
        OBJECTS,
        "except OSError:",
        "except EOFError:",
        f"{UNREADABLE_TESTS} content",
        within="_read",
    ),
    Mutant(
        "putting a content in the place of a directory",
        OBJECTS,
        "except IsADirectoryError:",
        "except EOFError:",
        f"{UNREADABLE_TESTS} content",
    ),
    Mutant(
        "keeping no content behind a link",
        OBJECTS,
        "item.is_dir(follow_symlinks=False)",
        "True",
        f"{ATTACKED_TESTS} behind_a_link",
    ),
)
