# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The safe steps that tests of faults must notice the loss of, and which test notices each.

A file of tests adds a tuple of its own before MUTANTS, and a line there. docs/reliability.md lists
each by its ``without``; a test compares them. Steps that unit tests notice: tests/mutants.
"""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """One safe step: what is lost *without* it, the file in plugins/, its text (which is there
    once), what stands there instead, and the arguments of pytest, for a test that must fail."""

    without: str
    path: str
    old: str
    new: str
    tests: tuple


def kills(operation):
    """Return the test that kills *operation* at all of its calls."""
    name = "test_a_process_that_is_killed_leaves_the_old_or_the_new"
    return (f"tests/faults/test_sweep.py::{name}[{operation}]", "--every-point")


def fails(operation, error):
    """Return the test that lets each call of *operation* fail."""
    name = "test_a_call_that_fails_is_told_in_a_line_and_loses_nothing"
    return (f"tests/faults/test_sweep.py::{name}[{error}-{operation}]", "--every-point")


DURABLE = "module_utils/files/_durable.py"
TRIAL = "module_utils/deployment/_trial.py"
SWEPT = (
    Mutant(
        "replacing a link in one step",
        DURABLE,
        "    os.symlink(target, scratch, dir_fd=directory)\n"
        "    os.rename(scratch, name, src_dir_fd=directory, dst_dir_fd=directory)\n",
        "    remove_file(directory, name)\n    os.symlink(target, name, dir_fd=directory)\n",
        kills("roll back"),
    ),
    Mutant(
        "replacing a file in one step",
        DURABLE,
        'scratch = scratch or name + ".new"',
        "scratch = name",
        kills("roll back"),
    ),
    Mutant(
        "saying before a switch what is about to be",
        TRIAL,
        "    state.switching = _records.Switch(tree)\n    claim.root.write_state(state)\n",
        "    state.switching = _records.Switch(tree)\n",
        kills("replace, then remove"),
    ),
    Mutant(
        "clearing what a killed run left in staging",
        "module_utils/root/_claim.py",
        'self.discard(staging, name, "staging")\n        name = str(self.token)',
        "pass\n        name = str(self.token)",
        kills("stage"),
    ),
    Mutant(
        "recording a tree before it gets its name",
        "module_utils/deployment/_staging.py",
        "        claim.root.write_state(state)\n"
        '        os.rename("tree", tree, src_dir_fd=place.staging, dst_dir_fd=releases)\n',
        '        os.rename("tree", tree, src_dir_fd=place.staging, dst_dir_fd=releases)\n'
        "        claim.root.write_state(state)\n",
        kills("stage"),
    ),
    Mutant(
        "restarting whatever is switched to",
        "module_utils/root/_claim.py",
        "    state.restarted = False\n",
        "",
        kills("replace"),
    ),
    Mutant(
        "a lease that ends with its process",
        "module_utils/root/_lease.py",
        "    if pid is None or lease.boot != _boot(proc):",
        "    return pid is not None\n    if pid is None or lease.boot != _boot(proc):",
        kills("stage"),
    ),
    Mutant(
        "moving a tree out of the releases before it is deleted",
        "module_utils/deployment/_removal.py",
        "os.rename(tree, tree, src_dir_fd=releases, dst_dir_fd=staging)",
        "_deletion.remove(releases, tree)",
        kills("clean"),
    ),
    Mutant(
        "giving a tree its name when it is whole",
        "module_utils/deployment/_staging.py",
        '        os.rename("tree", tree, src_dir_fd=place.staging, dst_dir_fd=releases)\n',
        "        os.mkdir(tree, dir_fd=releases)\n"
        '        there = claim.subfolder(stack, place.staging, "tree")\n'
        "        here = claim.subfolder(stack, releases, tree)\n"
        "        for name in os.listdir(there):\n"
        "            os.rename(name, name, src_dir_fd=there, dst_dir_fd=here)\n",
        kills("stage"),
    ),
    Mutant(
        "keeping the release to roll back to",
        "module_utils/root/_state.py",
        "kept = {state.live, state.trial, previous_tree(state, existing)} & set(ours)",
        "kept = {state.live, state.trial} & set(ours)",
        kills("clean"),
    ),
    Mutant(
        "knowing in which order releases were staged",
        "module_utils/deployment/_transaction.py",
        "        lambda state: _state.superfluous(state, root",
        "        lambda state: _state.superfluous(\n"
        "                    (lambda other: other.trees.update({tree: __import__('dataclasses').r"
        "eplace(record, token=__import__('os').stat(root.path + '/releases/' + tree).st_mtime) for"
        " tree, record in other.trees.items()}) or other)(copy.deepcopy(state)), root",
        kills("clean"),
    ),
    Mutant(
        "going on with a removal that was killed",
        "module_utils/deployment/_host_call.py",
        "has_leftovers = not request.check and _removal.unused_manifests(root, before)",
        "has_leftovers = False",
        kills("remove one"),
    ),
    Mutant(
        "trying again to remove contents that could not be removed",
        "module_utils/deployment/_removal.py",
        "if not claim.leftovers:",
        "if True:",
        fails("remove one", "EIO"),
    ),
    Mutant(
        "failing where an empty folder cannot be removed",
        "module_utils/deployment/_removal.py",
        "if error.errno not in KEPT:",
        "if False:",
        fails("remove all", "EIO"),
    ),
    Mutant(
        "cleaning after the new release is accepted only",
        "module_utils/deployment/_transaction.py",
        "        _try_and_accept(root, claim, before, request)\n",
        "        _removal.clean(claim, lambda state: [t for t in state.trees if t != tree])\n"
        "        _try_and_accept(root, claim, before, request)\n",
        kills("put back"),
    ),
    Mutant(
        "recording a reversal before it switches",
        TRIAL,
        "        claim.record(_reversal.REVERTED, change.to, change.run)\n",
        "",
        kills("revert a commit"),
    ),
    Mutant(
        "finishing a reversal that was killed",
        "module_utils/deployment/_reversal.py",
        "    if not waits or state.trial:\n",
        "    if True:\n",
        kills("revert a trial"),
    ),
    Mutant(
        "removing from the library only what its index names no more",
        "plugin_utils/library/_store.py",
        "        self.layout.write_index(index, before, again)\n"
        "        self.layout.remove(doomed)\n",
        # Without the smallest, a layer, the release is still listed.
        "        self.layout.remove(sorted(doomed, key=os.path.getsize))\n"
        "        self.layout.write_index(index, before, again)\n",
        kills("prune"),
    ),
    Mutant(
        "replacing a checksum file in one step",
        "module_utils/checksums/_file.py",
        "_durable.write_file(folder, name, data, MODE, scratch)",
        "_durable.write_file(folder, name, data, MODE, name)",
        kills("write checksums"),
    ),
    Mutant(
        "naming the checksum file where the system refuses something",
        "module_utils/checksums/_file.py",
        "raise OSError(error.errno, error.strerror, path) from None\n        finally:",
        "raise\n        finally:",
        fails("write checksums", "ENOSPC"),
    ),
    Mutant(
        "giving a pack its name when it is whole",
        "plugin_utils/deployment/_packs.py",
        '        handle, scratch = tempfile.mkstemp(prefix=".new-", dir=self.path)\n',
        "        scratch = path\n        handle = os.open(path, os.O_WRONLY | os.O_CREAT)\n",
        kills("make a pack"),
    ),
)


def attack(name):
    """Return the test in which a local user attacks by *name*, as often as it takes."""
    test = f"tests/faults/test_attackers.py::test_nothing_outside_is_touched[{name}]"
    return (test, "--every-point")


TREE = "module_utils/tree/_layout.py"
SHARED = "module_utils/deployment/_shared.py"
UPLOAD = "module_utils/deployment/_upload.py"
CONFINED = "tests/faults/test_confinement.py::test_an_operation_can_be_led_nowhere_else"
ATTACKED = (
    Mutant(
        "removing a tree by descriptors",
        "module_utils/files/_deletion.py",
        "descriptor = os.open(name, _paths.OPEN_DIRECTORY, dir_fd=parent)",
        "descriptor = os.open(name, _paths.OPEN_DIRECTORY & ~os.O_NOFOLLOW, dir_fd=parent)",
        attack("releases"),
    ),
    Mutant(
        "entering a tree that is verified by descriptors",
        TREE,
        "deeper = os.open(leaf, _paths.OPEN_DIRECTORY, dir_fd=directory)",
        "deeper = os.open(leaf, _paths.OPEN_DIRECTORY & ~os.O_NOFOLLOW, dir_fd=directory)",
        attack("releases"),
    ),
    Mutant(
        "reading no file through a link while verifying",
        TREE,
        "descriptor = os.open(name, _paths.OPEN_FILE, dir_fd=directory)",
        "descriptor = os.open(name, _paths.OPEN_FILE & ~os.O_NOFOLLOW, dir_fd=directory)",
        attack("releases"),
    ),
    Mutant(
        "going step by step to what is made in shared/",
        SHARED,
        "descriptor = _directory.open_directory(above, folder)",
        "descriptor = os.open(folder, _paths.OPEN_DIRECTORY & ~os.O_NOFOLLOW, dir_fd=above)",
        attack("shared"),
    ),
    Mutant(
        "asking a descriptor, not a real path, where a folder of shared/ is",
        SHARED,
        "descriptor = _directory.open_directory(above, folder)",
        "here = os.readlink(b'/proc/self/fd/%d' % above)\n"
        "            real = os.path.realpath(os.path.join(here, folder))\n"
        "            if not real.startswith(_paths.to_os(claim.root.path)):\n"
        "                raise _directory.RootError\n"
        "            descriptor = os.open(os.path.join(here, folder), os.O_RDONLY)",
        attack("shared"),
    ),
    Mutant(
        "setting modes by descriptor",
        TREE,
        'own(descriptor, access, access.mode(_manifest.Entry("", "dir")))',
        "os.chmod(name, 0o755, dir_fd=parent)",
        attack("shared"),
    ),
    Mutant(
        "opening a pack without following a link",
        UPLOAD,
        "descriptor = os.open(name, _paths.OPEN_FILE, dir_fd=directory)",
        "descriptor = os.open(name, _paths.OPEN_FILE & ~os.O_NOFOLLOW, dir_fd=directory)",
        attack("drop"),
    ),
    Mutant(
        "joining a transfer only to a file in the drop",
        UPLOAD,
        "kept = os.open(KEPT, os.O_WRONLY | _paths.OPEN_FILE, dir_fd=directory)",
        "kept = os.open(KEPT, os.O_WRONLY | os.O_CLOEXEC, dir_fd=directory)",
        attack("drop"),
    ),
    Mutant(
        "refusing a root in a directory of another user",
        "module_utils/files/_ancestors.py",
        'if status.st_uid not in users:\n        raise Unsafe(\n            "%s belongs',
        'if False:\n        raise Unsafe(\n            "%s belongs',
        attack("above"),
    ),
    Mutant(
        "opening what is sealed without following a link",
        "module_utils/release/_scan.py",
        "deeper = os.open(name, OPEN_DIRECTORY, dir_fd=self._directory)",
        "deeper = os.open(name, OPEN_DIRECTORY & ~os.O_NOFOLLOW, dir_fd=self._directory)",
        attack("sources"),
    ),
    Mutant(
        "sealing only what the checksum file was found to say",
        "module_utils/sources/_kind_files.py",
        "listed.get(entry.path) != entry.sha256",
        "False",
        ("tests/faults/test_attackers.py", "-k", "changes_while_it_is_sealed", "--every-point"),
    ),
    Mutant(
        "writing a file that nobody else has made",
        DURABLE,
        "flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC",
        "flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC",
        (f"{CONFINED}[roll back]",),
    ),
    Mutant(
        "finding the root by walking there",
        "module_utils/root/_directory.py",
        "way = _ancestors.open_directory(local, users, make)",
        "way = os.open(local, _paths.OPEN_DIRECTORY)",
        (f"{CONFINED}[roll back]",),
    ),
    Mutant(
        "opening the drop from within the root",
        UPLOAD,
        "name = os.path.basename(_paths.local(path))",
        "name = _paths.local(path)",
        (f"{CONFINED}[stage]",),
    ),
)


def lints(operation):
    """Return the test that lints the trace of *operation* for what is synced too late."""
    name = "test_an_operation_has_on_the_medium_what_it_names_and_what_it_says"
    return (f"tests/faults/test_durability.py::{name}[{operation}]",)


STAGING = "module_utils/deployment/_staging.py"
LAYOUT = "plugin_utils/oci/_layout.py"
RENAMED = "    os.rename(scratch, name, src_dir_fd=directory, dst_dir_fd=directory)\n"
SYNCED = (
    Mutant(
        "syncing a file before it gets its name",
        DURABLE,
        "        os.fsync(descriptor)\n",
        "",
        lints("roll back"),
    ),
    Mutant(
        "syncing the folder of a file that was replaced",
        DURABLE,
        f"{RENAMED}    os.fsync(directory)\n\n\ndef replace_link",
        f"{RENAMED}\n\ndef replace_link",
        lints("roll back"),
    ),
    Mutant(
        "syncing the folder of a link that was replaced",
        DURABLE,
        f"{RENAMED}    os.fsync(directory)\n\n\ndef remove_file",
        f"{RENAMED}\n\ndef remove_file",
        lints("roll back"),
    ),
    Mutant(
        "the barrier before a tree gets its name",
        STAGING,
        "    _durable.barrier(place.staging)\n    with claim.commit_point() as state",
        "    with claim.commit_point() as state",
        lints("stage"),
    ),
    Mutant(
        "syncing the folder of a tree that got its name",
        STAGING,
        "        os.fsync(releases)\n",
        "",
        lints("stage"),
    ),
    Mutant(
        "the barrier before a copy comes to shared/",
        "module_utils/deployment/_shared.py",
        "        _durable.barrier(staging)\n",
        "",
        lints("first release"),
    ),
    Mutant(
        "syncing the folder of a directory that is made in shared/",
        "module_utils/deployment/_shared.py",
        "            os.rename(scratch, name, src_dir_fd=parent, dst_dir_fd=parent)\n"
        "        os.fsync(parent)\n",
        "            os.rename(scratch, name, src_dir_fd=parent, dst_dir_fd=parent)\n",
        lints("first release"),
    ),
    Mutant(
        "giving a directory in shared/ its name when it has its mode",
        "module_utils/deployment/_shared.py",
        'scratch = b".%s.new" % name',
        "scratch = name",
        kills("first release"),
    ),
    Mutant(
        "syncing what is added to the history",
        "module_utils/root/_history.py",
        "        os.fsync(descriptor)\n",
        "",
        lints("roll back"),
    ),
    Mutant(
        "syncing the folder that a tree is removed from",
        "module_utils/deployment/_removal.py",
        "    os.fsync(releases)\n",
        "",
        lints("remove one"),
    ),
    Mutant(
        "syncing a layer before it gets its name",
        LAYOUT,
        "_hash(path, os.fsync)",
        "_hash(path)",
        lints("seal"),
    ),
    Mutant(
        "syncing the names of blobs before the index tells of them",
        LAYOUT,
        'on the medium after this."""\n        self.sync()\n',
        'on the medium after this."""\n',
        lints("seal again"),
    ),
    Mutant(
        "syncing the folders of a new library",
        LAYOUT,
        "            os.mkdir(path)\n        _sync(above)\n",
        "            os.mkdir(path)\n",
        lints("seal into a new library"),
    ),
    Mutant(
        "syncing a pack before it gets its name",
        "plugin_utils/deployment/_packs.py",
        "                os.fsync(handle)",
        "                int(handle)",
        lints("make a pack"),
    ),
)


def overtakes(operation):
    """Return the test that stops *operation* after all of its calls, and overtakes it."""
    name = "test_a_run_that_is_stopped_overtaken_and_continued_writes_nothing"
    return (f"tests/faults/test_races.py::{name}[{operation}]", "--every-point")


CLAIM = "module_utils/root/_claim.py"
RACES = "tests/faults/test_races.py::test_of_three_runs_at_once_none_loses_what_must_stay[stopped]"
RACED = (
    Mutant(
        "asking at each commit point who took over",
        CLAIM,
        "            self._check_token(state)\n            yield state",
        "            yield state",
        overtakes("roll back"),
    ),
    Mutant(
        "a lock that one process holds at a time",
        "module_utils/root/_directory.py",
        "            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "",
        overtakes("mark bad"),
    ),
    Mutant(
        "naming who locks from the first moment on",
        "module_utils/root/_directory.py",
        "            os.pwrite(descriptor, holder, 0)\n"
        "            os.ftruncate(descriptor, len(holder))\n",
        "            os.ftruncate(descriptor, 0)\n            os.pwrite(descriptor, holder, 0)\n",
        overtakes("mark bad"),
    ),
    Mutant(
        "a lease that ends with its process, not by its age",
        "module_utils/root/_lease.py",
        "    return lease.started is not None and _started(pid, proc) == lease.started\n",
        '    with open("/proc/uptime") as stream:\n'
        "        return float(stream.read().split()[0]) - int(lease.started) / 100 < 0.02\n",
        (RACES, "--every-point"),
    ),
    Mutant(
        "choosing anew, in the commit point, what is cleaned",
        "module_utils/deployment/_removal.py",
        "            trees = choose(state)\n            if trees:\n",
        "            if trees:\n",
        (RACES, "--every-point"),
    ),
    Mutant(
        "telling by the whole state whether another run wrote",
        "module_utils/root/_directory.py",
        "self.read_state().as_read != state.as_read",
        "self.read_state().token != state.token",
        ("tests/faults/test_races.py", "-k", "looks_while and verify-deploying"),
    ),
)


def tampers(test):
    return (f"tests/faults/test_tampering.py::{test}",)


FLIPPED_THERE = "test_a_byte_that_is_flipped_in_the_library_is_refused_or_found"
FLIPPED_ON_ITS_WAY = "test_a_byte_that_is_flipped_on_the_way_is_refused[its manifest and contents]"
FLIPPED_HERE = "test_a_byte_that_is_flipped_on_a_host_is_found_or_mended_before_it_goes_live"
CHANGED = "test_whatever_is_changed_in_a_tree_is_found_named_and_mended"
PACK = "module_utils/release/_pack.py"
OBJECTS = "module_utils/tree/_objects.py"
TAMPERED = (
    Mutant(
        "hashing what is read of the library",
        LAYOUT,
        'if "sha256:" + _canonical.sha256_hex(data) != descriptor["digest"]:',
        "if False:",
        tampers(FLIPPED_THERE),
    ),
    Mutant(
        "hashing the files in a layer",
        "module_utils/release/_layer.py",
        "    if digest.hexdigest() != entry.sha256:\n",
        "    if False:\n",
        tampers(FLIPPED_THERE),
    ),
    Mutant(
        "hashing the manifest that a pack brings",
        "module_utils/release/_manifest.py",
        "    if digest_of(data) != digest:\n",
        "    if False:\n",
        tampers(FLIPPED_ON_ITS_WAY),
    ),
    Mutant(
        "hashing the contents that a pack brings",
        PACK,
        "    if digest.hexdigest() != sha256:\n",
        "    if False:\n",
        tampers(FLIPPED_ON_ITS_WAY),
    ),
    Mutant(
        "hashing the files of a tree that is verified",
        TREE,
        "return hash_file(directory, name, entry.size) == entry.sha256",
        "return True",
        tampers(FLIPPED_HERE),
    ),
    Mutant(
        "hashing contents before they are shared again",
        OBJECTS,
        "                    and _layout.hash_descriptor(descriptor, entry.size) == entry.sha256\n",
        "",
        tampers(FLIPPED_HERE),
    ),
    Mutant(
        "hashing contents while they are copied",
        OBJECTS,
        "        if digest.hexdigest() != entry.sha256:\n            raise _damaged(entry)\n",
        "",
        tampers(FLIPPED_HERE),
    ),
    Mutant(
        "comparing the sum of what a root remembers",
        "module_utils/formats/_canonical.py",
        'if "sum" in plain and plain != summed(rest):',
        "if False:",
        tampers(FLIPPED_HERE),
    ),
    Mutant(
        "comparing all bits of a mode",
        TREE,
        "    elif mode != wanted:\n",
        "    elif (mode ^ wanted) & 0o777:\n",
        tampers(f"{CHANGED}[setuid]"),
    ),
    Mutant(
        "telling what is there and was not sealed",
        TREE,
        'self.drift.append(Drift(path + end, "extra"))',
        "pass",
        tampers(f"{CHANGED}[a file more]"),
    ),
    Mutant(
        "looking at a file itself, not at what it links to",
        TREE,
        "status = os.stat(leaf, dir_fd=directory, follow_symlinks=False)",
        "status = os.stat(leaf, dir_fd=directory, follow_symlinks=entry.type != 'symlink')",
        tampers(f"{CHANGED}[a file that is a link to the same content]"),
    ),
)

MUTANTS = (*SWEPT, *SYNCED, *ATTACKED, *RACED, *TAMPERED)
