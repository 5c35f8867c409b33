# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The safe steps that tests of faults must notice the loss of, and which test notices each.

A file of tests adds a tuple of its own before MUTANTS, and a line there. docs/reliability.md lists
each by its ``without``; a test compares them. Steps that unit tests notice are beside those.
"""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit


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
        """
        os.symlink(target, scratch, dir_fd=directory)
        os.rename(scratch, name, src_dir_fd=directory, dst_dir_fd=directory)
        """,
        """
        remove_file(directory, name)
        os.symlink(target, name, dir_fd=directory)
        """,
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
        """
        state.switching = _records.Switch(tree)
        claim.root.write_state(state)
        """,
        "state.switching = _records.Switch(tree)",
        kills("replace, then remove"),
    ),
    omit(
        "clearing what a killed run left in staging",
        "module_utils/root/_claim.py",
        'self.discard(staging, name, "staging")',
        kills("stage"),
    ),
    Mutant(
        "recording a tree before it gets its name",
        "module_utils/deployment/_staging.py",
        """
        claim.root.write_state(state)
        os.rename("tree", tree, src_dir_fd=place.staging, dst_dir_fd=releases)
        """,
        """
        os.rename("tree", tree, src_dir_fd=place.staging, dst_dir_fd=releases)
        claim.root.write_state(state)
        """,
        kills("stage"),
    ),
    omit(
        "restarting whatever is switched to",
        "module_utils/root/_claim.py",
        "state.restarted = False",
        kills("replace"),
    ),
    Mutant(
        "a lease that ends with its process",
        "module_utils/root/_lease.py",
        "pid = lease.pid",
        """
        pid = lease.pid
        return pid is not None
        """,
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
        'os.rename("tree", tree, src_dir_fd=place.staging, dst_dir_fd=releases)',
        """
        os.mkdir(tree, dir_fd=releases)
        there = claim.subfolder(stack, place.staging, "tree")
        here = claim.subfolder(stack, releases, tree)
        for name in os.listdir(there):
            os.rename(name, name, src_dir_fd=there, dst_dir_fd=here)
        """,
        kills("stage"),
    ),
    Mutant(
        "keeping the release to roll back to",
        "module_utils/root/_state.py",
        "{state.live, state.trial, previous_tree(state, existing)}",
        "{state.live, state.trial}",
        kills("clean"),
    ),
    Mutant(
        "knowing in which order releases were staged",
        "module_utils/deployment/_transaction.py",
        "_state.superfluous(state, root.existing_trees(state), retention.keep, since)",
        """
        _state.superfluous(
            (
                lambda other: (
                    other.trees.update(
                        {
                            tree: __import__("dataclasses").replace(
                                record,
                                token=__import__("os")
                                .stat(root.path + "/releases/" + tree)
                                .st_mtime,
                            )
                            for tree, record in other.trees.items()
                        }
                    )
                    or other
                )
            )(copy.deepcopy(state)),
            root.existing_trees(state),
            retention.keep,
            since,
        )
        """,
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
    check(
        "failing where an empty folder cannot be removed",
        "module_utils/deployment/_removal.py",
        "error.errno not in KEPT",
        fails("remove all", "EIO"),
    ),
    Mutant(
        "cleaning after the new release is accepted only",
        "module_utils/deployment/_transaction.py",
        "probes += _try_and_accept(root, claim, before, request, probes)",
        """
        _removal.clean(claim, lambda state: [t for t in state.trees if t != tree])
        probes += _try_and_accept(root, claim, before, request, probes)
        """,
        kills("put back"),
    ),
    omit(
        "recording a reversal before it switches",
        TRIAL,
        "claim.record(_reversal.REVERTED, change.to, change.run)",
        kills("revert a commit"),
    ),
    Mutant(
        "finishing a reversal that was killed",
        "module_utils/deployment/_reversal.py",
        "if not waits or state.trial:",
        "if True:",
        kills("revert a trial"),
    ),
    Mutant(
        "removing from the library only what its index names no more",
        "plugin_utils/library/_store.py",
        """
        self.layout.write_index(index, before, again)
        self.layout.remove(doomed)
        """,
        # Without the smallest, a layer, the release is still listed.
        """
        self.layout.remove(sorted(doomed, key=os.path.getsize))
        self.layout.write_index(index, before, again)
        """,
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
        "raise OSError(error.errno, error.strerror, path) from None",
        "raise",
        fails("write checksums", "ENOSPC"),
    ),
    Mutant(
        "giving a pack its name when it is whole",
        "plugin_utils/deployment/_packs.py",
        'handle, scratch = tempfile.mkstemp(prefix=".new-", dir=self.path)',
        """
        scratch = path
        handle = os.open(path, os.O_WRONLY | os.O_CREAT)
        """,
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
        "_paths.OPEN_DIRECTORY",
        "_paths.OPEN_DIRECTORY & ~os.O_NOFOLLOW",
        attack("releases"),
    ),
    Mutant(
        "entering a tree that is verified by descriptors",
        TREE,
        "_paths.OPEN_DIRECTORY",
        "_paths.OPEN_DIRECTORY & ~os.O_NOFOLLOW",
        attack("releases"),
        within="_compare",
    ),
    Mutant(
        "reading no file through a link while verifying",
        TREE,
        "_paths.OPEN_FILE",
        "_paths.OPEN_FILE & ~os.O_NOFOLLOW",
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
        """
        here = os.readlink(b"/proc/self/fd/%d" % above)
        real = os.path.realpath(os.path.join(here, folder))
        if not real.startswith(_paths.to_os(claim.root.path)):
            raise _directory.RootError
        descriptor = os.open(os.path.join(here, folder), os.O_RDONLY)
        """,
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
        "_paths.OPEN_FILE",
        "_paths.OPEN_FILE & ~os.O_NOFOLLOW",
        attack("drop"),
        within="open_pack",
    ),
    Mutant(
        "joining a transfer only to a file in the drop",
        UPLOAD,
        "os.O_WRONLY | _paths.OPEN_FILE",
        "os.O_WRONLY | os.O_CLOEXEC",
        attack("drop"),
    ),
    check(
        "refusing a root in a directory of another user",
        "module_utils/files/_ancestors.py",
        "status.st_uid not in users",
        attack("above"),
    ),
    Mutant(
        "opening what is sealed without following a link",
        "module_utils/release/_scan.py",
        "OPEN_DIRECTORY",
        "OPEN_DIRECTORY & ~os.O_NOFOLLOW",
        attack("sources"),
        within="_enter",
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
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW",
        "os.O_WRONLY | os.O_CREAT | os.O_TRUNC",
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
SYNCED = (
    omit(
        "syncing a file before it gets its name",
        DURABLE,
        "os.fsync(descriptor)",
        lints("roll back"),
    ),
    omit(
        "syncing the folder of a file that was replaced",
        DURABLE,
        "os.fsync(directory)",
        lints("roll back"),
        within="write_file",
    ),
    omit(
        "syncing the folder of a link that was replaced",
        DURABLE,
        "os.fsync(directory)",
        lints("roll back"),
        within="replace_link",
    ),
    omit(
        "the barrier before a tree gets its name",
        STAGING,
        "_durable.barrier(place.staging)",
        lints("stage"),
        within="_publish",
    ),
    omit(
        "syncing the folder of a tree that got its name",
        STAGING,
        "os.fsync(releases)",
        lints("stage"),
    ),
    omit(
        "the barrier before a copy comes to shared/",
        "module_utils/deployment/_shared.py",
        "_durable.barrier(staging)",
        lints("first release"),
    ),
    omit(
        "syncing the folder of a directory that is made in shared/",
        "module_utils/deployment/_shared.py",
        "os.fsync(parent)",
        lints("first release"),
        within="_make_directory",
    ),
    Mutant(
        "giving a directory in shared/ its name when it has its mode",
        "module_utils/deployment/_shared.py",
        'scratch = b".%s.new" % name',
        "scratch = name",
        kills("first release"),
    ),
    omit(
        "syncing what is added to the history",
        "module_utils/root/_history.py",
        "os.fsync(descriptor)",
        lints("roll back"),
    ),
    omit(
        "syncing the folder that a tree is removed from",
        "module_utils/deployment/_removal.py",
        "os.fsync(releases)",
        lints("remove one"),
    ),
    Mutant(
        "syncing a layer before it gets its name",
        LAYOUT,
        "_hash(path, os.fsync)",
        "_hash(path)",
        lints("seal"),
    ),
    omit(
        "syncing the names of blobs before the index tells of them",
        LAYOUT,
        "self.sync()",
        lints("seal again"),
        within="send",
    ),
    omit(
        "syncing the folders of a new library",
        LAYOUT,
        "_sync(above)",
        lints("seal into a new library"),
    ),
    Mutant(
        "syncing a pack before it gets its name",
        "plugin_utils/deployment/_packs.py",
        "os.fsync(handle)",
        "int(handle)",
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
    omit(
        "asking at each commit point who took over",
        CLAIM,
        "self._check_token(state)",
        overtakes("roll back"),
    ),
    omit(
        "a lock that one process holds at a time",
        "module_utils/root/_directory.py",
        "fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        overtakes("mark bad"),
    ),
    Mutant(
        "naming who locks from the first moment on",
        "module_utils/root/_directory.py",
        """
        os.pwrite(descriptor, holder, 0)
        os.ftruncate(descriptor, len(holder))
        """,
        """
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder, 0)
        """,
        overtakes("mark bad"),
    ),
    Mutant(
        "a lease that ends with its process, not by its age",
        "module_utils/root/_lease.py",
        "return lease.started is not None and _started(pid, proc) == lease.started",
        """
        with open("/proc/uptime") as stream:
            return float(stream.read().split()[0]) - int(lease.started) / 100 < 0.02
        """,
        (RACES, "--every-point"),
    ),
    omit(
        "choosing anew, in the commit point, what is cleaned",
        "module_utils/deployment/_removal.py",
        "trees = choose(state)",
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
    check(
        "hashing what is read of the library",
        LAYOUT,
        '"sha256:" + _canonical.sha256_hex(data) != descriptor["digest"]',
        tampers(FLIPPED_THERE),
    ),
    check(
        "hashing the files in a layer",
        "module_utils/release/_layer.py",
        "digest.hexdigest() != entry.sha256",
        tampers(FLIPPED_THERE),
    ),
    check(
        "hashing the manifest that a pack brings",
        "module_utils/release/_manifest.py",
        "digest_of(data) != digest",
        tampers(FLIPPED_ON_ITS_WAY),
    ),
    check(
        "hashing the contents that a pack brings",
        PACK,
        "digest.hexdigest() != sha256",
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
        "_layout.hash_descriptor(descriptor, entry.size) == entry.sha256",
        "True",
        tampers(FLIPPED_HERE),
    ),
    check(
        "hashing contents while they are copied",
        OBJECTS,
        "digest.hexdigest() != entry.sha256",
        tampers(FLIPPED_HERE),
    ),
    check(
        "comparing the sum of what a root remembers",
        "module_utils/formats/_canonical.py",
        '"sum" in plain and plain != summed(rest)',
        tampers(FLIPPED_HERE),
    ),
    Mutant(
        "comparing all bits of a mode",
        TREE,
        "if mode != wanted:",
        "if (mode ^ wanted) & 0o777:",
        tampers(f"{CHANGED}[setuid]"),
    ),
    omit(
        "telling what is there and was not sealed",
        TREE,
        'self.drift.append(Drift(path + end, "extra"))',
        tampers(f"{CHANGED}[a file more]"),
    ),
    Mutant(
        "looking at a file itself, not at what it links to",
        TREE,
        "os.stat(leaf, dir_fd=directory, follow_symlinks=False)",
        'os.stat(leaf, dir_fd=directory, follow_symlinks=entry.type != "symlink")',
        tampers(f"{CHANGED}[a file that is a link to the same content]"),
    ),
)

MUTANTS = (*SWEPT, *SYNCED, *ATTACKED, *RACED, *TAMPERED)
