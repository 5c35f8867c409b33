# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The safe steps, how each is taken out, and which tests must notice."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """One safe step: what is lost *without* it, the file in plugins/, its text, what stands there
    instead, and the test file in tests/unit/plugins/ with pytest's ``-k`` expression."""

    without: str
    path: str
    old: str
    new: str
    tests: str


def check(without, path, condition, tests):
    """Return the Mutant in which the check ``if condition:`` never finds anything."""
    return Mutant(without, path, f"if {condition}:", "if False:", tests)


ADOPTION = "module_utils/root/_adoption.py"
ADOPTION_TESTS = "unit/module_utils/root/test_adoption.py"
CANONICAL = "module_utils/formats/_canonical.py"
CODEC = "module_utils/formats/_codec.py"
CHECKSUMS = "module_utils/checksums/_lines.py"
CHECKSUMS_TESTS = "unit/module_utils/checksums/test_lines.py"
CHECKSUM_FILE = "module_utils/checksums/_file.py"
CHECKSUM_FILE_TESTS = "unit/module_utils/checksums/test_file.py"
DELIVERY = "module_utils/checksums/_delivery.py"
VERIFICATION = "module_utils/checksums/_verification.py"
KIND_FILES = "module_utils/sources/_kind_files.py"
HISTORY = "module_utils/root/_history.py"
SEALING_TESTS = "unit/plugin_utils/building/test_sealing.py"
CLAIM = "module_utils/root/_claim.py"
DELTA_TESTS = "unit/module_utils/release/test_delta.py"
DROP = "module_utils/deployment/_drop.py"
DURABLE = "module_utils/files/_durable.py"
DURABLE_TESTS = "unit/module_utils/files/test_durable.py"
FORMATS_TESTS = "behaviour/test_formats.py"
HEALING_TESTS = "behaviour/test_healing.py"
HOST_CALL = "module_utils/deployment/_host_call.py"
HOST_TESTS = "unit/module_utils/deployment/test_host_call.py"
CHECK_MODE_TESTS = "unit/module_utils/deployment/test_host_call_check_mode.py"
LAYER = "module_utils/release/_layer.py"
LEASE = "module_utils/root/_lease.py"
LEASE_TESTS = "unit/module_utils/root/test_lease.py"
LIBRARY = "plugin_utils/library/_store.py"
LIFETIME = "plugin_utils/run/_lifetime.py"
LIFETIME_TESTS = "unit/plugin_utils/run/test_lifetime.py"
RUN = "plugin_utils/run/_identity.py"
RUN_TESTS = "unit/plugin_utils/run/test_identity.py"
LIBRARY_CATALOGUE = "plugin_utils/library/_catalogue.py"
LIBRARY_GARBAGE = "plugin_utils/library/_garbage.py"
LIBRARY_LAYOUT = "plugin_utils/oci/_layout.py"
PRUNING_TESTS = "unit/plugin_utils/library/test_store_pruning.py"
LIBRARY_TESTS = "unit/plugin_utils/library/test_store.py"
MANIFEST = "module_utils/release/_manifest.py"
MANIFEST_TESTS = "unit/module_utils/release/test_manifest.py"
OBJECTS = "module_utils/tree/_objects.py"
OBJECTS_TESTS = "unit/module_utils/tree/test_objects.py"
PACK = "module_utils/release/_pack.py"
PACK_TESTS = "unit/module_utils/release/test_pack.py"
PACKS = "plugin_utils/deployment/_packs.py"
PACKS_TESTS = "unit/plugin_utils/deployment/test_packs.py"
PLAN = "module_utils/deployment/_plan.py"
PREDICTION = "module_utils/deployment/_prediction.py"
SIGNATURES = "plugin_utils/evidence/_signatures.py"
SIGNATURES_TESTS = "unit/plugin_utils/evidence/test_signatures.py"
REFERRERS_TESTS = "unit/plugin_utils/oci/test_referrers.py"
SCHEMA_FILE = "plugin_utils/definition/_schema_file.py"
REMOVAL = "module_utils/deployment/_removal.py"
ROOT = "module_utils/root/_directory.py"
ROOT_TESTS = "unit/module_utils/root/test_directory.py"
SCAN = "module_utils/release/_scan.py"
SCAN_TESTS = "unit/module_utils/release/test_scan.py"
SHARED = "module_utils/deployment/_shared.py"
SHARED_TESTS = "unit/module_utils/deployment/test_shared.py"
STAGING = "module_utils/deployment/_staging.py"
STATE = "module_utils/root/_state.py"
STATE_TESTS = "unit/module_utils/root/test_state.py"
TREE = "module_utils/tree/_layout.py"
TREE_TESTS = "unit/module_utils/tree/test_layout.py"
TRIAL = "module_utils/deployment/_trial.py"

READING = (
    check(
        "refusing repeated keys",
        CANONICAL,
        "len(value) != len(pairs)",
        "unit/module_utils/formats/test_canonical.py two_readers",
    ),
    Mutant(
        "refusing NaN and floats",
        CANONICAL,
        'raise CanonicalError("number %s is not an integer" % text)',
        "return float(text)",
        "unit/module_utils/formats/test_canonical.py two_readers",
    ),
    check(
        "refusing large integers",
        CANONICAL,
        "len(text) > 17 or abs(int(text)) > LARGEST_INTEGER",
        "unit/module_utils/formats/test_canonical.py two_readers and not 9999",
    ),
    check(
        "the manifest's digest",
        MANIFEST,
        "digest_of(data) != digest",
        f"{MANIFEST_TESTS} other_bytes",
    ),
    check(
        "the canonical form", MANIFEST, "render(manifest) != data", f"{MANIFEST_TESTS} malformed"
    ),
    check(
        "refusing newer formats",
        MANIFEST,
        'plain["format"] != FORMAT',
        f"{MANIFEST_TESTS} malformed",
    ),
    check(
        "refusing control characters", MANIFEST, "CONTROL.search(path)", f"{MANIFEST_TESTS} path"
    ),
    Mutant(
        "refusing ..",
        MANIFEST,
        'name in (b"", b".", b"..")',
        'name in (b"", b".")',
        f"{MANIFEST_TESTS} path",
    ),
    check(
        "refusing absolute paths",
        MANIFEST,
        'path.startswith("/")',
        f"{MANIFEST_TESTS} path",
    ),
    check(
        "sorted entries",
        MANIFEST,
        "any(a >= b for a, b in zip(paths, paths[1:]))",
        f"{MANIFEST_TESTS} sorted",
    ),
    Mutant(
        "keeping links inside",
        MANIFEST,
        'raise ManifestError("link %r leaves its component: %r" % (path, target))',
        "continue",
        f"{MANIFEST_TESTS} link",
    ),
    check(
        "links through no link",
        MANIFEST,
        'there and there.type == "symlink" and any(names[number + 1 :])',
        f"{MANIFEST_TESTS} link",
    ),
    Mutant(
        "looking at links across components",
        MANIFEST,
        "check_links(entries.values())",
        "pass",
        f"{MANIFEST_TESTS} another_components_link",
    ),
    Mutant(
        "refusing links in a circle",
        MANIFEST,
        'raise ManifestError("link %r leads back to itself" % entry.path)',
        "break",
        f"{MANIFEST_TESTS} link",
    ),
    Mutant(
        "refusing components that collide",
        MANIFEST,
        'raise ManifestError("two components bring %r" % entry.path)',
        "pass",
        f"{MANIFEST_TESTS} same_place",
    ),
    check(
        "refusing names that collide",
        "plugin_utils/building/_sealing.py",
        "found",
        "unit/plugin_utils/building/test_sealing.py some_host",
    ),
    Mutant(
        "Unicode forms in collisions",
        "plugin_utils/building/_collisions.py",
        "canonical_form(path) if case_sensitive else caseless_form(path)",
        "path if case_sensitive else path.lower()",
        "unit/plugin_utils/building/test_collisions.py collide",
    ),
    check("refusing special files", SCAN, "not stat.S_ISREG(mode)", f"{SCAN_TESTS} refused"),
    check(
        "refusing what others cannot read",
        SCAN,
        "not private and not mode & stat.S_IROTH",
        f"{SCAN_TESTS} refused",
    ),
    Mutant(
        "opening sources without following links",
        "module_utils/files/_paths.py",
        "OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW |",
        "OPEN_FILE = os.O_RDONLY |",
        f"{SCAN_TESTS} through_a_link",
    ),
    check(
        "noticing a file that changes while it is sealed",
        LAYER,
        "left",
        "unit/module_utils/release/test_layer.py changes",
    ),
    check(
        "the digests in a layer",
        LAYER,
        "digest.hexdigest() != entry.sha256",
        "unit/module_utils/release/test_layer.py altered",
    ),
    check(
        "a layer's end", LAYER, "read_bytes(1)", "unit/module_utils/release/test_layer.py goes_on"
    ),
    check(
        "the end of a compressed stream",
        CODEC,
        "self._decompressor.unused_data or self._stream.read(1)",
        "unit/module_utils/formats/test_codec.py behind",
    ),
    Mutant(
        "noticing a stream that is cut",
        CODEC,
        'raise CodecError("the compressed stream is cut short")',
        'return b""',
        "unit/module_utils/formats/test_codec.py cut",
    ),
    Mutant(
        "flat memory with gzip",
        CODEC,
        "self._inner.unconsumed_tail + data, max_length",
        "self._inner.unconsumed_tail + data",
        "unit/module_utils/formats/test_codec.py bomb",
    ),
    Mutant(
        "flat memory with zstd",
        CODEC,
        "PIECE_BYTES = 512",
        "PIECE_BYTES = 65536",
        "unit/module_utils/formats/test_codec.py bomb",
    ),
    check(
        "the digests in a pack",
        PACK,
        "digest.hexdigest() != sha256",
        f"{PACK_TESTS} altered",
    ),
    check("a pack's end", PACK, "read_bytes(1)", f"{PACK_TESTS} goes_on"),
    Mutant(
        "the digest that was asked for",
        PACK,
        "_manifest.parse(data, digest)",
        "_manifest.parse(data, _manifest.digest_of(data))",
        f"{PACK_TESTS} altered or another_release",
    ),
    Mutant(
        "the digest that was asked for, of a difference",
        PACK,
        "_manifest.verified(manifest, digest)",
        "_manifest.render(manifest)",
        f"{PACK_TESTS} altered or another_release",
    ),
    Mutant(
        "checking a pack's header",
        PACK,
        "if not (good and 0 <",
        "if not (0 <",
        f"{PACK_TESTS} header",
    ),
    Mutant(
        "bounds of a difference",
        "module_utils/release/_delta.py",
        "if not 0 <= first < first + count <= len(held):",
        "if False:",
        f"{DELTA_TESTS} no_sense",
    ),
    check(
        "refusing fields that no digest covers",
        "module_utils/release/_delta.py",
        "_manifest.entry_to_plain(entry) != item",
        f"{DELTA_TESTS} no_sense",
    ),
    Mutant(
        "the digest of a manifest that was put together",
        MANIFEST,
        "        _check_digest(data, digest)\n        _check(manifest)\n",
        "        _check(manifest)\n",
        f"{MANIFEST_TESTS} put_together",
    ),
    Mutant(
        "checking a manifest that was put together",
        MANIFEST,
        "        _check_digest(data, digest)\n        _check(manifest)\n",
        "        _check_digest(data, digest)\n",
        f"{MANIFEST_TESTS} put_together",
    ),
    check(
        "refusing repeated keys in release.yml",
        SCHEMA_FILE,
        "where in lines",
        "unit/plugin_utils/definition/test_release_file.py wrong",
    ),
)

ON_THE_CONTROLLER = (
    check(
        "the digests in the library",
        LIBRARY_LAYOUT,
        '"sha256:" + _canonical.sha256_hex(data) != descriptor["digest"]',
        f"{LIBRARY_TESTS} damaged",
    ),
    check(
        "refusing a known version with another digest",
        LIBRARY,
        "getattr(there, key) == getattr(label, key)",
        f"{LIBRARY_TESTS} another_digest",
    ),
    Mutant(
        "the library's lock",
        LIBRARY_LAYOUT,
        "fcntl.flock(stream, fcntl.LOCK_EX)",
        "pass",
        f"{LIBRARY_TESTS} at_once",
    ),
    Mutant(
        "a lock file that is never replaced",
        LIBRARY_LAYOUT,
        ", give_name=_link)",
        ")",
        f"{LIBRARY_TESTS} made_once",
    ),
    Mutant(
        "keeping blobs that others need",
        LIBRARY_GARBAGE,
        "ours and digest not in needed and",
        "ours and",
        f"{LIBRARY_TESTS} removing",
    ),
    check(
        "comparing labels with the manifest",
        LIBRARY_CATALOGUE,
        "label[1:] != (manifest.name, manifest.version, manifest.serial)",
        f"{LIBRARY_TESTS} labels",
    ),
    Mutant(
        "making packs under a lock",
        PACKS,
        "fcntl.flock(stream, fcntl.LOCK_EX)",
        "pass",
        f"{PACKS_TESTS} at_once",
    ),
    check(
        "the cache's bound",
        PACKS,
        "total > self._most_bytes and name != keep and self._remove_unused(name)",
        f"{PACKS_TESTS} longest_ago",
    ),
)

STAGING_STEPS = (
    Mutant(
        "verifying the whole tree before it gets its name",
        STAGING,
        "            drift = self._lay_out(entries)\n",
        "            drift = self._lay_out(entries) and []\n",
        f"{HEALING_TESTS} builds_upon",
    ),
    Mutant(
        "the barrier before names are given",
        STAGING,
        "    _durable.barrier(place.staging)\n    with claim.commit_point() as state",
        "    with claim.commit_point() as state",
        f"{DURABLE_TESTS} medium",
    ),
    Mutant(
        "recording a tree before it has its name",
        STAGING,
        "        claim.root.write_state(state)\n"
        '        os.rename("tree", tree, src_dir_fd=place.staging, dst_dir_fd=releases)\n',
        '        os.rename("tree", tree, src_dir_fd=place.staging, dst_dir_fd=releases)\n'
        "        claim.root.write_state(state)\n",
        f"{DURABLE_TESTS} killed",
    ),
    Mutant(
        "creating contents exclusively, following no link",
        OBJECTS,
        "CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW",
        "CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC",
        f"{OBJECTS_TESTS} written_over",
    ),
    Mutant(
        "copying private and writable contents",
        OBJECTS,
        "if entry.private or entry.writable or not self._share(",
        "if not self._share(",
        f"{OBJECTS_TESTS} copied",
    ),
    Mutant(
        "hashing a content that is here already",
        OBJECTS,
        "and _layout.hash_descriptor(descriptor, entry.size) == entry.sha256",
        "",
        f"{OBJECTS_TESTS} comes_again",
    ),
    check(
        "hashing what is copied",
        OBJECTS,
        "digest.hexdigest() != entry.sha256",
        f"{OBJECTS_TESTS} never_copied",
    ),
    Mutant(
        "setting modes whatever the umask",
        TREE,
        "os.fchmod(descriptor, mode)",
        "pass",
        f"{HOST_TESTS} umask",
    ),
    Mutant(
        "giving files to the root's owner and group",
        TREE,
        "os.fchown(descriptor, access.uid, access.gid)",
        "pass",
        f"{HOST_TESTS} belongs",
    ),
    Mutant(
        "noticing owner and group",
        TREE,
        'changes.append("owner")',
        "pass",
        f"{TREE_TESTS} owner",
    ),
    Mutant(
        "noticing extra files",
        TREE,
        'self.drift.append(Drift(path + end, "extra"))',
        "pass",
        f"{TREE_TESTS} difference",
    ),
    Mutant(
        "hashing every file",
        TREE,
        "return hash_file(directory, name, entry.size) == entry.sha256",
        "return True",
        f"{TREE_TESTS} difference",
    ),
    Mutant(
        "noticing exec bits",
        TREE,
        'changes.append("exec")',
        "pass",
        f"{TREE_TESTS} difference",
    ),
    check(
        "refusing a linked path that the release brings",
        TREE,
        "path in entries",
        f"{HOST_TESTS} linked_path",
    ),
    Mutant(
        "opening a pack without following links",
        DROP,
        "            descriptor = os.open(name, _paths.OPEN_FILE, dir_fd=directory)\n    except",
        "            descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK, dir_fd=directory)\n"
        "    except",
        f"{HOST_TESTS} no_file",
    ),
    Mutant(
        "naming files in UTF-8 whatever the locale",
        TREE,
        "            leaf = _paths.to_os(leaf)\n",
        "",
        "behaviour/test_locale.py",
    ),
    Mutant(
        "reading contents in bounded pieces",
        PACK,
        "read_bytes(min(count, _codec.CHUNK_BYTES))",
        "read_bytes(count)",
        "behaviour/test_memory.py noise",
    ),
    Mutant(
        "linking no content with another SELinux label",
        OBJECTS,
        "if self._labels and not self._labels.is_right(folder, path):",
        "if False:",
        "unit/module_utils/files/test_selinux.py another_label",
    ),
    Mutant(
        "trusting what was just written only as what it is",
        TREE,
        "return found and found == (entry.sha256, stat.S_IFREG | self._access.mode(entry))",
        "return found",
        f"{OBJECTS_TESTS} trusted",
    ),
    Mutant(
        "looking whether the file system did as it was told",
        TREE,
        "    os.fchmod(descriptor, mode)\n    return os.fstat(descriptor)",
        "    os.fchmod(descriptor, mode)\n"
        "    return os.stat_result((stat.S_IFREG | mode, *status[1:]))",
        f"{OBJECTS_TESTS} as_it_is_told",
    ),
    Mutant(
        "refusing a manifest in which a key stands twice",
        MANIFEST,
        "render(manifest) != data",
        "len(render(manifest)) > len(data)",
        f"{MANIFEST_TESTS} twice",
    ),
)

SWITCHING = (
    Mutant(
        "replacing current in one step",
        DURABLE,
        "    os.symlink(target, scratch, dir_fd=directory)\n"
        "    os.rename(scratch, name, src_dir_fd=directory, dst_dir_fd=directory)\n",
        "    remove_file(directory, name)\n    os.symlink(target, name, dir_fd=directory)\n",
        f"{DURABLE_TESTS} killed or missing",
    ),
    Mutant(
        "making the switch last before success is told",
        DURABLE,
        "    os.symlink(target, scratch, dir_fd=directory)\n"
        "    os.rename(scratch, name, src_dir_fd=directory, dst_dir_fd=directory)\n"
        "    os.fsync(directory)\n",
        "    os.symlink(target, scratch, dir_fd=directory)\n"
        "    os.rename(scratch, name, src_dir_fd=directory, dst_dir_fd=directory)\n",
        f"{DURABLE_TESTS} medium",
    ),
    Mutant(
        "making the state last before it gets its name",
        DURABLE,
        "        os.fsync(descriptor)\n",
        "",
        f"{DURABLE_TESTS} medium",
    ),
    Mutant(
        "recording where current is being pointed",
        TRIAL,
        '    state.switching = {"to": tree}\n    claim.root.write_state(state)\n',
        '    state.switching = {"to": tree}\n',
        f"{HOST_TESTS} killed",
    ),
    Mutant(
        "settling what a killed run left",
        CLAIM,
        "    note_switch(state, switching",
        "    (lambda *nothing: None)(state, switching",
        f"{HOST_TESTS} killed",
    ),
    Mutant(
        "verifying a rollback's target",
        PLAN,
        'step == "activate" or (params["verify"]',
        '(params["verify"]',
        f"{HEALING_TESTS} rollback",
    ),
    Mutant(
        "verifying what is live when that is asked for",
        PLAN,
        'step == "activate" or (params["verify"] and tree and step != "stage")',
        'step == "activate"',
        f"{HEALING_TESTS} live",
    ),
    check(
        "refusing a current that is not ours",
        ROOT,
        "target and (tree is None or not _knows(state, tree))",
        f"{HOST_TESTS} somebody",
    ),
    check(
        "leaving another's root untouched",
        HOST_CALL,
        'not params["adopt"]',
        ADOPTION_TESTS,
    ),
    check("probing a trial that a run finds", TRIAL, "probe", f"{HOST_TESTS} trial"),
    Mutant(
        "restarting again after putting back",
        TRIAL,
        "        try:\n            _restart(claim, restart, timeout)\n        except",
        "        try:\n            pass\n        except",
        f"{HOST_TESTS} restarted_again",
    ),
    Mutant(
        "restarting after each switch",
        CLAIM,
        "state.restarted = False",
        "state.restarted = True",
        f"{HOST_TESTS} restarted_once",
    ),
    Mutant(
        "finishing a restart that was not done",
        PLAN,
        'step = "nothing" if state.restarted else "settle"',
        "pass",
        f"{HOST_TESTS} next_run",
    ),
    Mutant(
        "an overtaken run leaving the staging of the other alone",
        CLAIM,
        "if not (name.isdigit() and int(name) > self.token):",
        "if name != str(self.token):",
        ROOT_TESTS,
    ),
    check("the token at each commit point", CLAIM, "state.token != self.token", ROOT_TESTS),
    Mutant(
        "clearing what killed runs left in staging",
        CLAIM,
        '                self.discard(staging, name, "staging")',
        "                pass",
        f"{DURABLE_TESTS} killed",
    ),
    Mutant(
        "the lock", ROOT, "_flock(descriptor, timeout, self.path)", "pass", f"{ROOT_TESTS} held"
    ),
    check(
        "refusing another user",
        CLAIM,
        "state.token and state.uid != os.geteuid()",
        f"{HOST_TESTS} another_user",
    ),
    check(
        "refusing another owner",
        CLAIM,
        "access and state.access not in (None, access._asdict())",
        f"{HOST_TESTS} another_owner",
    ),
    check(
        "refusing the state of a newer version",
        ROOT,
        'plain["format"] not in READ_FORMATS',
        f"{HOST_TESTS} newer_version",
    ),
    check("dropping a torn line of history", HISTORY, "start != end", f"{HOST_TESTS} torn"),
)

GOING_BACK = (
    check(
        "refusing a bad release",
        PLAN,
        "digest in state.bad",
        HOST_TESTS,
    ),
    Mutant(
        "passing over bad releases",
        STATE,
        "if digest not in state.bad:",
        "if True:",
        STATE_TESTS,
    ),
    Mutant(
        "the second rollback going further back",
        STATE,
        "good[: good.index(digest) + 1] if digest in good else [*good, digest]",
        "[*good, digest]",
        f"{HOST_TESTS} rolling_back",
    ),
    Mutant(
        "retention sparing the way back",
        STATE,
        "kept = {state.live, state.trial, previous_tree(state, existing)}",
        "kept = {state.live, state.trial}",
        f"{HOST_TESTS} retention",
    ),
    Mutant(
        "retention sparing live and trial",
        STATE,
        "kept = {state.live, state.trial, previous_tree(state, existing)}",
        "kept = {previous_tree(state, existing)}",
        f"{HOST_TESTS} retention",
    ),
    Mutant(
        "retention by the order of staging",
        STATE,
        '    by_age = sorted(ours, key=lambda tree: state.trees[tree]["token"], reverse=True)',
        "    by_age = sorted(ours, reverse=True)",
        f"{HOST_TESTS} retention",
    ),
    check("absent sparing what is needed", REMOVAL, "tree in needed", f"{HOST_TESTS} absent"),
    Mutant(
        "predicting no removal where current is another's",
        HOST_CALL,
        "        root.read_current(before)  # refuses what is not ours\n",
        "",
        f"{HOST_TESTS} nothing_is_removed",
    ),
    Mutant(
        "going back from a trial to its live tree",
        STATE,
        "    trees = [state.live]\n",
        "    trees = []\n",
        f"{HOST_TESTS} going_back_from",
    ),
    Mutant(
        "passing over a tree that is gone on the way back",
        STATE,
        "if tree in existing and tree != state.trial",
        "if tree and tree != state.trial",
        f"{HOST_TESTS} a_trial_that_fails",
    ),
    Mutant(
        "preferring a way back that is not marked bad",
        STATE,
        'sorted(there, key=lambda tree: state.trees[tree]["digest"] in state.bad)',
        "there",
        f"{HOST_TESTS} marked_bad",
    ),
    Mutant(
        "moving everything aside in one commit point",
        REMOVAL,
        "os.rename(_directory.OURS, gone, src_dir_fd=top, dst_dir_fd=top)",
        "gone = _directory.OURS",
        f"{HOST_TESTS} removal_that",
    ),
    Mutant(
        "counting a broken answer as a bad one",
        "module_utils/deployment/_service.py",
        "with error, contextlib.suppress(Exception):",
        "with error:",
        "unit/module_utils/deployment/test_service.py breaks_off",
    ),
    check(
        "refusing probes that cannot be asked",
        HOST_CALL,
        'params["probe"]',
        f"{HOST_TESTS} cannot_be_asked",
    ),
    Mutant(
        "check mode that makes no folders",
        HOST_CALL,
        "    if not check_mode:\n        _directory.create",
        "    if True:\n        _directory.create",
        CHECK_MODE_TESTS,
    ),
    Mutant(
        "check mode that stages nothing",
        HOST_CALL,
        "    if check_mode:\n        return _transaction.foresee",
        "    if False:\n        return _transaction.foresee",
        CHECK_MODE_TESTS,
    ),
    Mutant(
        "loading little where nothing is to be done",
        HOST_CALL,
        "from . import _answer, _plan",
        "from . import _answer, _plan, _transaction",
        "behaviour/test_nothing_to_do.py",
    ),
    Mutant(
        "check mode that marks nothing",
        HOST_CALL,
        "        if changed and not check_mode:",
        "        if changed:",
        CHECK_MODE_TESTS,
    ),
    Mutant(
        "check mode that counts what a killed run did",
        HOST_CALL,
        "    _claim.settle(root, state, None)  # what a killed run left",
        "    # what a killed run left",
        f"{CHECK_MODE_TESTS} predicts",
    ),
)

PRUNING = (
    Mutant(
        "keeping releases that are in use",
        "plugin_utils/library/_retention.py",
        "entry.label.digest in in_use",
        "False",
        f"{PRUNING_TESTS} in_use",
    ),
    Mutant(
        "keeping releases that are pinned",
        "plugin_utils/library/_retention.py",
        '"pinned": entry.pinned',
        '"pinned": False',
        f"{PRUNING_TESTS} pinned",
    ),
    Mutant(
        "keeping releases of unknown age",
        "plugin_utils/library/_retention.py",
        "        return False",
        "        return True",
        f"{PRUNING_TESTS} recent",
    ),
    Mutant(
        "the order of serials",
        "plugin_utils/library/_retention.py",
        "sorted(known)[-keep:]",
        "known[-keep:]",
        f"{PRUNING_TESTS} by_serial",
    ),
    Mutant(
        "keeping blobs that a kept release shares",
        LIBRARY_GARBAGE,
        "ours and digest not in needed and",
        "ours and",
        f"{PRUNING_TESTS} shares",
    ),
    Mutant(
        "replacing the index before blobs are removed",
        LIBRARY,
        "        self.layout.write_index(index, before, again)\n"
        "        self.layout.remove(doomed)\n",
        "        self.layout.remove(doomed)\n"
        "        self.layout.write_index(index, before, again)\n",
        f"{PRUNING_TESTS} killed",
    ),
    check(
        "keeping all that a damaged release may share",
        LIBRARY,
        "any(entry.damage for entry in entries if entry not in gone)",
        f"{PRUNING_TESTS} may_share",
    ),
    check(
        "refusing to remove a pinned release",
        LIBRARY,
        "entry.pinned",
        f"{PRUNING_TESTS} cannot_be_removed",
    ),
    Mutant(
        "a pin that outlives mending",
        "plugin_utils/oci/_index.py",
        'PINNED: "true" if pinned else None}\n    return index +',
        "PINNED: None}\n    return index +",
        f"{PRUNING_TESTS} mending",
    ),
    Mutant(
        "pruning that takes its turn",
        LIBRARY,
        "return self.layout.locked() if keep else contextlib.nullcontext()",
        "return contextlib.nullcontext()",
        f"{PRUNING_TESTS} waits",
    ),
    Mutant(
        "check mode that prunes nothing",
        LIBRARY,
        "if keep and pruned.changed:",
        "if pruned.changed:",
        f"{PRUNING_TESTS} prediction",
    ),
    Mutant(
        "telling a release that was just removed from a damaged one",
        LIBRARY_CATALOGUE,
        "if not self.entries_of(digest):\n            raise LibraryError(\n"
        '                f"{self.path}: release',
        'if False:\n            raise LibraryError(\n                f"{self.path}: release',
        f"{PRUNING_TESTS} in_a_line",
    ),
    check(
        "counting only what hosts answer now",
        "plugin_utils/environment/_holdings.py",
        "host not in now",
        "unit/plugin_utils/environment/test_holdings.py of_before",
    ),
    Mutant(
        "naming hosts that did not answer",
        "plugin_utils/environment/_holdings.py",
        "                unknown[host] = str(error)",
        "                pass",
        "unit/plugin_utils/environment/test_holdings.py gave_no_answer",
    ),
    check(
        "refusing a name in use that is not known",
        LIBRARY,
        "_index.name_tag(*wanted) not in damaged",
        f"{PRUNING_TESTS} names_no_release",
    ),
)

LEASES_AND_HEALING = (
    Mutant(
        "the lease",
        CLAIM,
        "settled, hindrance = self._hindrance(state)\n                if",
        "settled, hindrance = state, None\n                if",
        LEASE_TESTS,
    ),
    Mutant(
        "the lease in check mode",
        CLAIM,
        "        if hindrance:\n            raise",
        "        if False:\n            raise",
        f"{LEASE_TESTS} refused",
    ),
    Mutant(
        "waiting for a call of another run",
        CLAIM,
        'if hindrance != "busy" or time',
        "if True or time",
        f"{LEASE_TESTS} waited_for",
    ),
    Mutant(
        "keeping the lease while a release is on trial",
        CLAIM,
        "held = hold and state.trial",
        "held = False",
        f"{LEASE_TESTS} trial",
    ),
    Mutant(
        "giving the lease back",
        "module_utils/deployment/_transaction.py",
        'claim.give_back(params["hold"])',
        "pass",
        f"{LEASE_TESTS} gives_its_lease_back",
    ),
    Mutant(
        "giving the lease back when nobody shall hold the trial",
        CLAIM,
        "held = hold and state.trial",
        "held = state.trial",
        f"{LEASE_TESTS} nobody_holds",
    ),
    Mutant(
        "recording a takeover",
        CLAIM,
        'self.record("took over", state.current, self.took_over)',
        "pass",
        f"{LEASE_TESTS} recorded",
    ),
    Mutant(
        "telling a process from a later one of the same number",
        LEASE,
        'lease["started"] is not None and _started(pid, proc) == lease["started"]',
        "_started(pid, proc) is not None",
        f"{LEASE_TESTS} used_again",
    ),
    check(
        "telling a boot from the one before",
        LEASE,
        'pid is None or lease["boot"] != _boot(proc)',
        f"{LEASE_TESTS} used_again",
    ),
    Mutant(
        "leaving a killed run's trial to that run",
        LEASE,
        'return "on trial" if state.trial else None',
        "return None",
        f"{LEASE_TESTS} trial",
    ),
    Mutant(
        "keeping what a pack brought when its base is damaged",
        STAGING,
        "                place.publish()\n            raise",
        "                pass\n            raise",
        f"{HEALING_TESTS} builds_upon",
    ),
    Mutant(
        "sending only the damaged contents again",
        "module_utils/deployment/_answer.py",
        "named = 0 < len(again) <= MOST_AGAIN",
        "named = False",
        f"{HEALING_TESTS} only_those",
    ),
    Mutant(
        "keeping the damaged tree for processes that read it",
        STATE,
        'if state.left in ours and state.trees[state.left]["digest"] == state.good[-1]:',
        "if False:",
        f"{HEALING_TESTS} processes",
    ),
    Mutant(
        "retention sparing pinned releases",
        STATE,
        'spared = {tree for tree in newest if state.trees[tree]["digest"] in state.pinned}',
        "spared = set()",
        f"{STATE_TESTS} pinned",
    ),
    Mutant(
        "retention sparing adopted releases",
        STATE,
        'ours = [tree for tree in existing if not state.trees[tree].get("adopted")]',
        "ours = list(existing)",
        f"{ADOPTION_TESTS} cleaned",
    ),
    Mutant(
        "removing everything but what was adopted",
        REMOVAL,
        "return sorted(root.existing_trees(state) - adopted)",
        "return sorted(root.existing_trees(state))",
        f"{ADOPTION_TESTS} leaves_it",
    ),
    Mutant(
        "leaving current to the adopted release",
        REMOVAL,
        "if not left.live and claim.root.read_current(state):",
        "if claim.root.read_current(state):",
        f"{ADOPTION_TESTS} leaves_it_live",
    ),
    check(
        "refusing to adopt what could not be gone back to",
        ADOPTION,
        "name is None or not os.path.isdir(os.path.join(releases, name))",
        ADOPTION_TESTS,
    ),
    Mutant(
        "absent sparing pinned releases",
        REMOVAL,
        "if digest in state.pinned:",
        "if False:",
        f"{HOST_TESTS} pinned",
    ),
    Mutant(
        "seeding only what is not there",
        SHARED,
        "    return [part for part in parts if not _exists(shared, _paths.to_os(part))]\n",
        "    return parts\n",
        f"{SHARED_TESTS} copied_once",
    ),
    Mutant(
        "seeding by copies",
        SHARED,
        "path=name[len(path) + 1 :], writable=True)",
        "path=name[len(path) + 1 :])",
        f"{SHARED_TESTS} copied_once",
    ),
    Mutant(
        "mending what was seeded without being told again",
        STAGING,
        "seed = seed or _state.was_laid_out(self.state, release)",
        "pass",
        f"{SHARED_TESTS} told_again",
    ),
    check(
        "refusing what is neither shared nor sealed",
        SHARED,
        "not (may_be_brought and _layout.at_or_below(sealed, link))",
        f"{SHARED_TESTS} promises",
    ),
    Mutant(
        "leaving a shared link that leads nowhere to its owner",
        SHARED,
        "link: not os.path.lexists(place)",
        "link: True",
        f"{SHARED_TESTS} leads_nowhere",
    ),
    Mutant(
        "a root's name in any locale",
        "module_utils/files/_paths.py",
        "return os.fsdecode(to_os(path))",
        "return path",
        "behaviour/test_locale.py any_locale",
    ),
    check(
        "a second pack that brings what was asked for again",
        PACK,
        "header.again != digest_of_again(again)",
        f"{PACK_TESTS} again",
    ),
    Mutant(
        "leaving a trial as open as it was found",
        CLAIM,
        "and state.trial and self.tries",
        "and state.trial",
        f"{LEASE_TESTS} as_open_as_it_was",
    ),
    Mutant(
        "keeping the lease of a trial while another release is staged",
        CLAIM,
        "self.tries = bool(state.lease and not self.took_over and state.trial)",
        "pass",
        f"{LEASE_TESTS} stages_while",
    ),
    Mutant(
        "taking on, and letting go of, a trial that needs nothing else",
        "module_utils/deployment/_plan.py",
        "return bool(state.trial) and holder",
        "return False and holder",
        f"{LEASE_TESTS} takes_it_on or lets_go",
    ),
    Mutant(
        "settling before asking whose the lease is",
        CLAIM,
        "settle(self.root, settled, None)",
        "pass",
        f"{LEASE_TESTS} no_time_to_record",
    ),
    Mutant(
        "foretelling a takeover",
        CLAIM,
        "        self._note_lease(state)\n\n    def give_back",
        "        pass\n\n    def give_back",
        f"{LEASE_TESTS} foretold",
    ),
)

DROP_TESTS = "unit/module_utils/deployment/test_drop.py"
ROOM = "plugin_utils/release/_disk_space.py"
ROOM_TESTS = "unit/plugin_utils/release/test_disk_space.py"
TRANSFER = "plugin_utils/deployment/_transfer.py"
TRANSFER_TESTS = "unit/plugin_utils/deployment/test_transfer.py"
TRANSFERRING = (
    Mutant(
        "building only on the beginning of the very pack",
        TRANSFER,
        'if digest.hexdigest() == partial["sha256"] else 0',
        "if True else 0",
        f"{TRANSFER_TESTS} another_pack",
    ),
    Mutant(
        "parts that may be sent twice",
        TRANSFER,
        "dd of={there} bs={BLOCK_BYTES} seek={start // BLOCK_BYTES} conv=notrunc",
        "cat >>{there}",
        f"{TRANSFER_TESTS} bounded_parts",
    ),
    Mutant(
        "going on at a whole block",
        TRANSFER,
        "start -= start % BLOCK_BYTES",
        "pass",
        f"{TRANSFER_TESTS} whole_block",
    ),
    Mutant(
        "bounded parts",
        TRANSFER,
        "stream.read(PART_BYTES)",
        "stream.read()",
        f"{TRANSFER_TESTS} bounded_parts",
    ),
    Mutant(
        "removing what could not be sent whole",
        TRANSFER,
        "action._low_level_execute_command(remove)",
        "del remove",
        f"{TRANSFER_TESTS} removed_and_told",
    ),
    Mutant(
        "keeping what arrived when the link breaks",
        TRANSFER,
        "    except link_broke:\n        raise\n",
        "",
        f"{TRANSFER_TESTS} link_breaks",
    ),
    Mutant(
        "putting the setting for pipelining back",
        TRANSFER,
        'action._connection.set_option("pipelining", before)',
        "pass",
        f"{TRANSFER_TESTS} go_through_input",
    ),
    Mutant(
        "writing to files of the drop's owner only",
        DROP,
        "for opened in (piece, kept)",
        "for opened in (piece,)",
        f"{DROP_TESTS} hard_link",
    ),
    Mutant(
        "leaving what is behind a gap",
        DROP,
        "if good and os.fstat(kept).st_size >= start:",
        "if good:",
        f"{DROP_TESTS} gap",
    ),
    Mutant(
        "offering only what this login user sent",
        DROP,
        "if os.fstat(directory).st_uid == owner:",
        "if True:",
        f"{DROP_TESTS} somebody_else",
    ),
    Mutant(
        "offering plain files only",
        DROP,
        "return stat.S_ISREG(status.st_mode) and status.st_uid == owner",
        "return status.st_uid == owner",
        f"{DROP_TESTS} no_file",
    ),
    Mutant(
        "offering only what arrived of the same release",
        DROP,
        "if drop.startswith(prefix) and drop != name:",
        "if drop != name:",
        f"{DROP_TESTS} another_release",
    ),
    Mutant(
        "writing over what came late",
        DROP,
        "_copy(piece, kept, start)",
        "_copy(piece, kept, os.fstat(kept).st_size)",
        f"{DROP_TESTS} still_writes",
    ),
    Mutant(
        "removing other drops",
        DROP,
        "        _clear(folder, but=name)\n",
        "",
        f"{DROP_TESTS} another_release",
    ),
    Mutant(
        "a pack sent from its beginning before what was kept",
        DROP,
        "name = WHOLE if _status(directory, WHOLE) else KEPT",
        "name = KEPT if _status(directory, KEPT) else WHOLE",
        f"{DROP_TESTS} replaces",
    ),
    Mutant(
        "room for whole blocks",
        ROOM,
        "return -(-size // BLOCK_BYTES) * BLOCK_BYTES",
        "return size",
        f"{ROOM_TESTS} whole_blocks",
    ),
    Mutant(
        "inodes as well as bytes",
        ROOM,
        'free["inodes"] is None or needed.inodes <= free["inodes"]',
        "True",
        f"{ROOM_TESTS} both",
    ),
    Mutant(
        "room for contents of the other exec bit",
        ROOM,
        "(entry.sha256, entry.exec): entry.size",
        "(entry.sha256, False): entry.size",
        f"{ROOM_TESTS} exec_bit",
    ),
    Mutant(
        "counting what arrived earlier as free",
        DROP,
        "status.f_bavail * status.f_frsize + sum(remains)",
        "status.f_bavail * status.f_frsize",
        f"{DROP_TESTS} counts_as_free",
    ),
    check(
        "counting only what is gone with its name",
        DROP,
        "status.st_nlink == 1",
        f"{DROP_TESTS} counts_as_free",
    ),
)

FORMATS = (
    Mutant(
        "telling a newer manifest from a damaged one",
        ROOT,
        "except _manifest.UnknownFormat as error:",
        "except ZeroDivisionError as error:",
        f"{FORMATS_TESTS} damaged_one",
    ),
    check(
        "refusing a newer history",
        HISTORY,
        'plain["format"] != FORMAT',
        f"{FORMATS_TESTS} history_of_a_newer",
    ),
)

ENDS_OF_RUNS = (
    Mutant(
        "ending a worker with its main process",
        LIFETIME,
        "ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)",
        "pass",
        f"{LIFETIME_TESTS} asks_for_it",
    ),
    check(
        "ending a worker whose main process was gone before",
        LIFETIME,
        "os.getppid() != main",
        f"{LIFETIME_TESTS} gone_before",
    ),
    check(
        "leaving what a worker leaves behind on purpose",
        LIFETIME,
        "forked",
        f"{LIFETIME_TESTS} on_purpose",
    ),
    Mutant(
        "raising an interrupt again that Python dropped",
        LIFETIME,
        "sys.unraisablehook = _interrupt_again",
        "pass",
        f"{LIFETIME_TESTS} python_drops",
    ),
    Mutant(
        "asking the kernel for a process that is hidden",
        RUN,
        "os.kill(pid, 0)",
        "raise ProcessLookupError",
        f"{RUN_TESTS} hidden",
    ),
    check(
        "knowing nothing of another container's runs",
        RUN,
        'named["place"] != place',
        f"{RUN_TESTS} another_container",
    ),
    Mutant(
        "believing a new boot only outside of containers",
        RUN,
        "return _namespace(proc) == FIRST_NAMESPACE",
        "return True",
        f"{RUN_TESTS} proves_nothing",
    ),
    check(
        "naming the run that took a drop away",
        DROP,
        "name != os.path.basename(path)",
        "unit/module_utils/deployment/test_drop.py taken_away",
    ),
)

SIGNING = (
    Mutant(
        "signing the type of a payload along with it",
        "plugin_utils/evidence/_dsse.py",
        'return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)',
        'return b"DSSEv1 %d %s" % (len(payload), payload)',
        f"{SIGNATURES_TESTS} payload_type",
    ),
    Mutant(
        "counting different keys, not signatures",
        SIGNATURES,
        "counted[signer] = key.name",
        "counted[item.digest, len(counted)] = key.name",
        f"{SIGNATURES_TESTS} twice",
    ),
    Mutant(
        "counting each key of an envelope once",
        SIGNATURES,
        "verified[key] = None",
        "verified[_keys.PublicKey(key.raw + signature.keyid.encode())] = None",
        f"{SIGNATURES_TESTS} claims_to_be",
    ),
    check(
        "refusing keys that expired",
        SIGNATURES,
        "key.not_after and now > key.not_after",
        f"{SIGNATURES_TESTS} expired",
    ),
    check(
        "refusing keys before they are valid",
        SIGNATURES,
        "key.not_before and now < key.not_before",
        f"{SIGNATURES_TESTS} before_it_is_valid",
    ),
    check(
        "refusing keys of other roles",
        SIGNATURES,
        "key is None",
        f"{SIGNATURES_TESTS} another_role",
    ),
    Mutant(
        "asking in which role a release was signed",
        SIGNATURES,
        "item.statement is None or item.statement.role != role.name",
        "item.statement is None",
        f"{SIGNATURES_TESTS} another_role",
    ),
    check(
        "verifying a payload before it is read",
        SIGNATURES,
        "not signers",
        f"{SIGNATURES_TESTS} no_key_has_verified",
    ),
    Mutant(
        "verifying signatures at all",
        SIGNATURES,
        "if key.verifies(signature.value, signed):",
        "if key.fingerprint == signature.keyid:",
        f"{SIGNATURES_TESTS} altered or hint",
    ),
    check(
        "refusing payloads of another type",
        SIGNATURES,
        "found.payload_type != _statement.PAYLOAD_TYPE",
        f"{SIGNATURES_TESTS} another_type",
    ),
    check(
        "comparing what was signed with the release",
        SIGNATURES,
        "statement and not statement.is_about(label)",
        f"{SIGNATURES_TESTS} another_release",
    ),
    Mutant(
        "comparing names and serial with what was signed, too",
        "plugin_utils/evidence/_statement.py",
        "return self[1:] == tuple(label)",
        "return self.digest == label.digest",
        f"{REFERRERS_TESTS} another_name",
    ),
    check(
        "refusing statements of a newer format",
        "plugin_utils/evidence/_statement.py",
        'predicate["format"] != FORMAT',
        f"{SIGNATURES_TESTS} unknown_format",
    ),
    check(
        "refusing large envelopes",
        "plugin_utils/evidence/_dsse.py",
        "len(data) > limit",
        f"{SIGNATURES_TESTS} cannot_be_read",
    ),
    check(
        "refusing a key that stands twice in a role",
        "plugin_utils/evidence/_trust.py",
        "key.public_key in keys",
        "unit/plugin_utils/evidence/test_trust.py wrong",
    ),
    check(
        "verifying what a signer gave back",
        "plugin_utils/evidence/_signers.py",
        "not self.public_key.verifies(signature, data)",
        "unit/plugin_utils/evidence/test_signers.py believed",
    ),
    Mutant(
        "keeping the signatures of a release that is mended",
        LIBRARY,
        "index = _referrers.moved(self.layout, index, _digests(there), descriptor)",
        "pass",
        f"{REFERRERS_TESTS} mended",
    ),
    Mutant(
        "removing signatures with their release",
        LIBRARY,
        'digests |= {item["digest"] for item in attached}',
        "attached = []",
        f"{REFERRERS_TESTS} removing",
    ),
    check(
        "stopping at a document that is too large",
        LIBRARY_LAYOUT,
        "len(data) > limit",
        f"{REFERRERS_TESTS} too_large",
    ),
    Mutant(
        "attaching signatures in turn",
        LIBRARY,
        "with self.layout.locked():",
        "with contextlib.nullcontext():",
        f"{REFERRERS_TESTS} its_turn",
    ),
    Mutant(
        "telling lists of signatures from releases",
        LIBRARY_CATALOGUE,
        "_referrers.is_list(descriptors[-1]) or (not typed and not digests)",
        "not typed and not digests",
        f"{REFERRERS_TESTS} hides_nothing",
    ),
    check(
        "reading passphrases only from descriptors that were handed over",
        "plugin_utils/evidence/_signers.py",
        "not os.get_inheritable(descriptor)",
        "unit/plugin_utils/evidence/test_signers.py from_a_descriptor",
    ),
    Mutant(
        "telling truth values from numbers in a schema",
        SCHEMA_FILE,
        "isinstance(value, (int, str)) and not isinstance(value, bool) and value in choices",
        "isinstance(value, (int, str)) and value in choices",
        "unit/plugin_utils/evidence/test_trust.py wrong",
    ),
)

DELIVERIES = (
    Mutant(
        "refusing a checksum file that lists nothing",
        CHECKSUMS,
        "if not listed:",
        "if False:",
        f"{CHECKSUM_FILE_TESTS} lists_nothing",
    ),
    check(
        "failing when all that is listed is excluded",
        VERIFICATION,
        "not self.checked and not parts",
        f"{CHECKSUM_FILE_TESTS} excluding_all",
    ),
    Mutant(
        "noticing files that were added",
        VERIFICATION,
        "outcome.added.extend(sorted(found.files - listed.keys(), key=_paths.to_os))",
        "pass",
        f"{CHECKSUM_FILE_TESTS} cut_short",
    ),
    Mutant(
        "noticing files that were removed",
        VERIFICATION,
        "outcome.removed.append(name)",
        "pass",
        f"{CHECKSUM_FILE_TESTS} every_difference",
    ),
    Mutant(
        "comparing the contents of a listed file",
        VERIFICATION,
        "outcome.modified.append(name)",
        "pass",
        f"{CHECKSUM_FILE_TESTS} any_other_content",
    ),
    Mutant(
        "refusing a digest of another length",
        CHECKSUMS,
        "if not algorithm or len(digest) != DIGITS[algorithm]:",
        "if not algorithm:",
        f"{CHECKSUMS_TESTS} not_plain",
    ),
    check(
        "refusing a name that stands twice with two digests",
        CHECKSUMS,
        "listed.setdefault(name, digest) != digest",
        f"{CHECKSUMS_TESTS} not_plain",
    ),
    check(
        "refusing the name of what lies above the tree",
        CHECKSUMS,
        '".." in parts',
        f"{CHECKSUMS_TESTS} not_plain",
    ),
    check(
        "refusing an absolute name in a checksum file",
        CHECKSUMS,
        'name.startswith("/")',
        f"{CHECKSUMS_TESTS} not_plain",
    ),
    Mutant(
        "escaping names in a checksum file",
        CHECKSUMS,
        "elif ODD.search(name):",
        "elif False:",
        f"{CHECKSUMS_TESTS} accepts_ours",
    ),
    check(
        "refusing to list for ansible-sign what it would misread",
        CHECKSUMS,
        "not escapes",
        f"{CHECKSUMS_TESTS} without_escapes",
    ),
    check(
        "demanding the digest of the checksum file itself",
        CHECKSUM_FILE,
        "pin is not None and digest != pin",
        f"{CHECKSUM_FILE_TESTS} pinned",
    ),
    Mutant(
        "taking an empty pin for a wrong one",
        "modules/release_checksums.py",
        "if pin is not None and",
        "if pin and",
        f"{CHECKSUM_FILE_TESTS} pin_that_is_none",
    ),
    Mutant(
        "reaching a checksum file in the tree through no link",
        CHECKSUM_FILE,
        "folder = os.open(name, _paths.OPEN_DIRECTORY, dir_fd=above)",
        "folder = os.open(name, ANY_DIRECTORY, dir_fd=above)",
        f"{CHECKSUM_FILE_TESTS} through_no_link",
    ),
    Mutant(
        "holding the folder while a checksum file is written",
        CHECKSUM_FILE,
        "fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "pass",
        f"{CHECKSUM_FILE_TESTS} at_once",
    ),
    check(
        "refusing a link that climbs out of a delivery",
        DELIVERY,
        "not steps",
        f"{CHECKSUM_FILE_TESTS} may_not_hold",
    ),
    check(
        "refusing an absolute link in a delivery",
        DELIVERY,
        'target.startswith("/")',
        f"{CHECKSUM_FILE_TESTS} may_not_hold",
    ),
    check(
        "refusing names that are listed through links",
        VERIFICATION,
        "folder in found.links",
        f"{CHECKSUM_FILE_TESTS} names_through_links",
    ),
    Mutant(
        "noticing a file of a delivery that changes while it is read",
        DELIVERY,
        "or after.st_ctime_ns != before.st_ctime_ns",
        "",
        f"{CHECKSUM_FILE_TESTS} changes_while_it_is_read",
    ),
    Mutant(
        "refusing special files in a delivery",
        DELIVERY,
        "elif item.is_file(follow_symlinks=False):",
        "elif True:",
        f"{CHECKSUM_FILE_TESTS} may_not_hold",
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
        'listed is not None and entry.type == "file" and listed.get(entry.path) != entry.sha256',
        f"{SEALING_TESTS} what_was_verified",
    ),
)

AT_THE_EDGES = (
    Mutant(
        "writing early years as texts that sort",
        STATE,
        'return moment.isoformat() + "Z"',
        "return moment.strftime(TIME)",
        f"{STATE_TESTS} beyond_all_records",
    ),
    Mutant(
        "passing over an age that reaches back beyond the calendar",
        STATE,
        "except OverflowError:",
        "except ZeroDivisionError:",
        f"{STATE_TESTS} beyond_all_records",
    ),
    Mutant(
        "taking a folder that is missing for an empty one",
        ROOT,
        "        except FileNotFoundError:\n            return set()",
        "        except ZeroDivisionError:\n            return set()",
        f"{CHECK_MODE_TESTS} killed_at_the_first_folder",
    ),
    check(
        "refusing a negative number of events",
        "modules/release_deployment_info.py",
        'params["history"] < 0',
        "unit/modules/test_release_deployment_info.py negative",
    ),
)

DELETION = "module_utils/files/_deletion.py"
LEFTOVERS_TESTS = "behaviour/test_leftovers.py"
UNREADABLE_TESTS = "behaviour/test_unreadable.py"
INFO = "modules/release_deployment_info.py"
SERVICE = "module_utils/deployment/_service.py"
SERVICE_TESTS = "unit/module_utils/deployment/test_service.py"
INFO_TESTS = "unit/modules/test_release_deployment_info.py"

DAMAGE_AND_LEFTOVERS = (
    Mutant(
        "working on beside what cannot be removed",
        CLAIM,
        "reason = _deletion.discard(directory, name)",
        "reason = _deletion.remove(directory, name)",
        f"{LEFTOVERS_TESTS} blocks_no_later_call",
    ),
    Mutant(
        "removing what can be removed",
        DELETION,
        "problems.append(error)",
        "raise",
        f"{LEFTOVERS_TESTS} what_can_be_removed",
    ),
    Mutant(
        "naming what cannot be removed",
        "module_utils/deployment/_transaction.py",
        "warnings = _deletion.warnings(claim.leftovers)",
        "warnings = []",
        LEFTOVERS_TESTS,
    ),
    Mutant(
        "taking a file that cannot be read for damaged",
        TREE,
        "entry.size) == entry.sha256\n    except OSError:",
        "entry.size) == entry.sha256\n    except EOFError:",
        f"{UNREADABLE_TESTS} live or way_back",
    ),
    Mutant(
        "taking a content that cannot be opened for damaged",
        OBJECTS,
        "            with contextlib.suppress(OSError):\n                return os.open(",
        "            with contextlib.suppress(FileNotFoundError):\n                return os.open(",
        f"{UNREADABLE_TESTS} content",
    ),
    Mutant(
        "taking a content that cannot be read for damaged",
        OBJECTS,
        "    except OSError:\n        raise _damaged(entry) from None\n\n\ndef",
        "    except EOFError:\n        raise _damaged(entry) from None\n\n\ndef",
        f"{UNREADABLE_TESTS} content",
    ),
    Mutant(
        "taking a manifest that cannot be read for damaged",
        ROOT,
        "except OSError:  # missing, or damaged",
        "except FileNotFoundError:  # missing, or damaged",
        f"{UNREADABLE_TESTS} manifest",
    ),
    Mutant(
        "putting a content in the place of a directory",
        OBJECTS,
        "except IsADirectoryError:",
        "except EOFError:",
        f"{UNREADABLE_TESTS} content",
    ),
    Mutant(
        "making a drop in one's turn",
        DROP,
        "        with root.locked(lock_timeout, run):\n            os.mkdir",
        "        with contextlib.nullcontext():\n            os.mkdir",
        f"{DROP_TESTS} turn_only",
    ),
    Mutant(
        "clearing drops in one's turn",
        DROP,
        "            with root.locked(lock_timeout, run):\n                for",
        "            with contextlib.nullcontext():\n                for",
        f"{DROP_TESTS} turn_only",
    ),
    check(
        "bounding a probe whose answer has no end",
        SERVICE,
        "time.monotonic() > deadline",
        f"{SERVICE_TESTS} no_end",
    ),
    Mutant(
        "telling what a killed run switched to",
        INFO,
        '_claim.settle(root, state, state.lease["since"] if state.lease else None)',
        "pass",
        f"{INFO_TESTS} killed_run_switched",
    ),
    Mutant(
        "remembering the tree that a killed run switched to",
        CLAIM,
        'switching and switching["to"]}',
        "None}",
        f"{INFO_TESTS} gone",
    ),
)

DEPLOYMENT_ACTION = "action/release_deployment.py"
DEPLOYMENT_ACTION_TESTS = "unit/action/test_release_deployment.py"
MEANWHILE_TESTS = "behaviour/test_meanwhile.py"
TRANSACTION = "module_utils/deployment/_transaction.py"
MEANWHILE = (
    check(
        "naming what is removed before a host is asked",
        DEPLOYMENT_ACTION,
        'state == "absent" and "release" in given and not named',
        f"{DEPLOYMENT_ACTION_TESTS} removed",
    ),
    check(
        "naming what is staged or marked before a host is asked",
        DEPLOYMENT_ACTION,
        '(mark or state == "staged") and not named',
        f"{DEPLOYMENT_ACTION_TESTS} marked or staged",
    ),
    check(
        "naming what is removed, marked or staged on the host",
        HOST_CALL,
        'call["release"] is None and what != "state: live" and not all_removed',
        f"{HOST_TESTS} has_to_be_named",
    ),
    Mutant(
        "keeping what a killed run made live from being removed",
        HOST_CALL,
        "_claim.settle(root, state, None)  # what a killed run made live is on trial",
        "pass",
        f"{MEANWHILE_TESTS} killed",
    ),
    Mutant(
        "choosing what is removed at the moment of removing it",
        REMOVAL,
        "            trees = choose(state)",
        "            pass",
        f"{MEANWHILE_TESTS} removed or pinned",
    ),
    check(
        "planning anew what another run made untrue",
        TRANSACTION,
        "not _state.is_as_planned(state, plan.state)",
        f"{MEANWHILE_TESTS} previous",
    ),
    Mutant(
        "planning anew before a pack is asked for",
        TRANSACTION,
        "before, plan = _up_to_date(root, before, plan, state, params, call)\n        if _needs",
        "if _needs",
        f"{MEANWHILE_TESTS} pack_asked_for",
    ),
    Mutant(
        "telling what another run did meanwhile as that run's",
        PLAN,
        'return step != "nothing"',
        "return True",
        f"{MEANWHILE_TESTS} ones_own",
    ),
    Mutant(
        "refusing a bad release at the moment of the switch",
        TRIAL,
        '_plan.refuse_bad(state, state.trees[tree]["digest"], state.trees[tree]["version"])',
        "pass",
        f"{MEANWHILE_TESTS} marked_bad",
    ),
    check(
        "telling that an adopted release is gone",
        PLAN,
        "digest.startswith(_state.ADOPTED) and tree not in existing",
        f"{ADOPTION_TESTS} told_as_such",
    ),
)

HOST_DIFF = "plugin_utils/deployment/_host_diff.py"
RECORDER = "plugin_utils/events/_recorder.py"
HOST_DIFF_TESTS = "unit/plugin_utils/deployment/test_host_diff.py"
WHAT_IS_TOLD = (
    check(
        "telling that what was adopted stays live after a removal",
        REMOVAL,
        "current in left.trees",
        f"{ADOPTION_TESTS} told_and_foretold",
    ),
    Mutant(
        "remembering what was adopted while everything of ours is removed",
        REMOVAL,
        "claim.root.write_state(left)",
        "claim.root.write_state(_state.State(left.token, left.run, access=left.access))",
        f"{ADOPTION_TESTS} removal_that_is_killed",
    ),
    Mutant(
        "foretelling what a removal leaves",
        TRANSACTION,
        "after = _removal.what_stays(root, state)",
        "after = None",
        f"{ADOPTION_TESTS} told_and_foretold",
    ),
    Mutant(
        "foretelling what is seeded",
        PREDICTION,
        '_shared.absent(params["root"], plan.release.links) if switches else []',
        "[]",
        f"{HOST_DIFF_TESTS} seeded",
    ),
    Mutant(
        "showing no file where a link is",
        HOST_DIFF,
        "            del entries[path]",
        "            pass",
        f"{HOST_DIFF_TESTS} links_and or alone",
    ),
    Mutant(
        "telling links that alone come and go from mending",
        RECORDER,
        'return "deployed" if any(trace.relinked()) else "mended"',
        'return "mended"',
        "unit/plugin_utils/events/test_report.py linked_paths",
    ),
    check(
        "telling what is staged and held back from what was live already",
        RECORDER,
        "trace.waiting",
        "unit/plugin_utils/events/test_report.py line_that_is_true",
    ),
    Mutant(
        "telling a way back whatever its serial is",
        RECORDER,
        "back = trace.went_back or _is_earlier",
        "back = _is_earlier",
        "unit/plugin_utils/events/test_report.py line_that_is_true",
    ),
    Mutant(
        "telling a host that was only asked from one with nothing to do",
        RECORDER,
        "trace.asked_only = False",
        "pass",
        "unit/plugin_utils/events/test_report.py line_that_is_true",
    ),
)

ARCHIVE = "module_utils/sources/_archive.py"
ARCHIVE_TAR = "module_utils/sources/_archive_tar.py"
ARCHIVE_ZIP = "module_utils/sources/_archive_zip.py"
CONFINED = "module_utils/files/_confined.py"
KIND_ARCHIVE = "module_utils/sources/_kind_archive.py"
ARCHIVE_TESTS = "unit/module_utils/sources/test_archive.py"
HOSTILE_TESTS = "unit/module_utils/sources/test_archive_hostile.py"
HOSTILE_TARS = f"{HOSTILE_TESTS} hostile_tar"
HOSTILE_ZIPS = f"{HOSTILE_TESTS} hostile_zip"

ARCHIVES = (
    check("how much comes out of an archive", ARCHIVE, "size > self.size", HOSTILE_TESTS),
    check("how many times its size comes out", ARCHIVE, "size > self.most", HOSTILE_TESTS),
    check("how many entries an archive has", ARCHIVE, "count > self.entries", HOSTILE_TESTS),
    check(
        "how long the names in an archive are",
        ARCHIVE,
        "self._name_bytes > MOST_NAME_BYTES",
        f"{HOSTILE_TESTS} names_together",
    ),
    Mutant(
        "counting hard links in an archive",
        ARCHIVE,
        "self._size += found.size",
        "self._size += 0 if member.hard else found.size",
        f"{HOSTILE_TESTS} hard_links",
    ),
    Mutant(
        "checking paths of an archive before they are stripped",
        ARCHIVE,
        "_manifest.check_path(full_path)",
        "_manifest.check_path(path)",
        HOSTILE_TARS,
    ),
    check(
        "refusing entries that stand twice in an archive",
        ARCHIVE,
        "there[0] != entry or not self._same_content(there[1], found.offset, entry.size)",
        HOSTILE_TARS,
    ),
    check("refusing entries that go through a link", ARCHIVE, 'entry.type != "dir"', HOSTILE_TARS),
    Mutant(
        "refusing a tar that goes on behind its end",
        ARCHIVE_TAR,
        "if rest.count(0) != len(rest):",
        "if False:",
        HOSTILE_TARS,
    ),
    check(
        "refusing a tar with one empty block",
        ARCHIVE_TAR,
        "_exactly(read_bytes, BLOCK_BYTES) != NULLS",
        HOSTILE_TARS,
    ),
    check(
        "refusing two sizes of an entry",
        ARCHIVE_TAR,
        'size not in (0, meant["size"]) and meant["size"] <= LARGEST_OCTAL',
        HOSTILE_TARS,
    ),
    check("refusing two names of an entry", ARCHIVE_TAR, "twice", HOSTILE_TARS),
    check(
        "refusing content of what is no file",
        ARCHIVE_TAR,
        "size and kind not in WITH_CONTENT",
        HOSTILE_TARS,
    ),
    check("the length of extension headers", ARCHIVE_TAR, "size > LONGEST_EXTENSION", HOSTILE_TARS),
    check(
        "refusing entries of a zip that overlap",
        ARCHIVE_ZIP,
        "entry.offset != stream.tell()",
        HOSTILE_ZIPS,
    ),
    check(
        "comparing a zip's directory with its entries",
        ARCHIVE_ZIP,
        "not (same and (here == known or (flags & SIZES_BEHIND and here == (0, 0, 0))))",
        HOSTILE_ZIPS,
    ),
    check(
        "comparing what comes out of a zip",
        ARCHIVE_ZIP,
        "(crc, size) != (entry.crc, entry.size)",
        HOSTILE_ZIPS,
    ),
    check("refusing a zip with two ends", ARCHIVE_ZIP, "len(ends) > 1", HOSTILE_ZIPS),
    check("refusing encrypted entries", ARCHIVE_ZIP, "flags & ENCRYPTED", HOSTILE_ZIPS),
    Mutant(
        "limiting the child that reads an archive",
        CONFINED,
        "resource.setrlimit(name, (most, hard))",
        "pass",
        f"{HOSTILE_TESTS} child",
    ),
    Mutant(
        "ending the child that reads an archive with its parent",
        CONFINED,
        "if os.getppid() != parent:",
        "if False:",
        f"{HOSTILE_TESTS} ends_with_its_parent",
    ),
    Mutant(
        "an end to what the child says",
        CONFINED,
        "stream.read(ANSWER_BYTES)",
        "stream.read()",
        f"{HOSTILE_TESTS} says_too_much",
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
        "refusing chains of links that no kernel follows",
        "module_utils/release/_manifest.py",
        "len(seen) == MOST_LINKS",
        HOSTILE_TARS,
    ),
)

FAULTS = (
    Mutant(
        "naming the root where the system refuses something",
        TRANSACTION,
        'return {"msg": "%s: %s" % (path, error)}',
        'return {"msg": str(error)}',
        "unit/module_utils/deployment/test_transaction.py told_with_the_root",
    ),
)

SERIALS = "behaviour/test_serials.py"
AGAINST_GOING_BACK = (
    check("refusing an older release by its name", PLAN, "older", f"{SERIALS} older"),
    Mutant(
        "naming first the run that has a newer release on trial",
        PLAN,
        '_claim.Claim(root, call["run"], None, 0, params["takeover"]).check_turn(state)',
        "pass",
        f"{SERIALS} trial_of_another_run",
    ),
    Mutant(
        "counting what is on trial",
        PLAN,
        '((state.trial, "on trial"), (state.live, "live"))',
        '((state.live, "live"),)',
        f"{SERIALS} on_trial_counts",
    ),
    Mutant(
        "counting what is live below a trial",
        PLAN,
        '((state.trial, "on trial"), (state.live, "live"))',
        '((state.current, "live"),)',
        f"{SERIALS} live_release_counts",
    ),
    Mutant(
        "refusing another release of the same serial",
        PLAN,
        'if release.serial > there["serial"]:',
        'if release.serial >= there["serial"]:',
        f"{SERIALS} same_serial",
    ),
    Mutant(
        "recording that a host went back",
        TRIAL,
        '"went back" if _state.is_older(state, tree, state.current) else "activated"',
        '"activated"',
        f"{SERIALS} history_says_so",
    ),
    Mutant(
        "taking only a name for a name",
        "action/release_deployment.py",
        "explicit = reference in FOUND_ON_HOST or reference",
        "explicit = reference",
        "unit/action/test_release_deployment.py what_the_host_knows",
    ),
)

SERVICE_TESTS = "unit/module_utils/deployment/test_service.py"
SECRETS = (
    Mutant(
        "keeping password and query of a URL out of messages",
        "module_utils/deployment/_service.py",
        'told = without_secrets(spec["url"])',
        'told = spec["url"]',
        f"{SERVICE_TESTS} no_user_password_or_query",
    ),
    Mutant(
        "refusing a URL of which a library would repeat a part",
        "module_utils/deployment/_service.py",
        'is_clear = "@" not in "".join(parts[2:]) and not UNSENDABLE.search(url)',
        "is_clear = True",
        f"{SERVICE_TESTS} cannot_be_asked",
    ),
    Mutant(
        "keeping a password from where a redirection leads",
        "module_utils/deployment/_service.py",
        "request.add_unredirected_header(",
        "request.add_header(",
        f"{SERVICE_TESTS} redirection",
    ),
    Mutant(
        "telling the program alone of a command",
        "module_utils/deployment/_service.py",
        'program + "…" if more else program',
        "argv[0]",
        f"{SERVICE_TESTS} one_text",
    ),
    Mutant(
        "keeping a command out of what the system says of it",
        "module_utils/deployment/_service.py",
        "error.strerror or type(error).__name__",
        "str(error)",
        f"{SERVICE_TESTS} one_text",
    ),
    Mutant(
        "hiding options that may be secret",
        "action/release_deployment.py",
        "for name in _deployment.HIDDEN}",
        "for name in ()}",
        "unit/action/test_release_deployment.py may_be_secret",
    ),
    Mutant(
        "keeping what was hidden out of results",
        "action/release_deployment.py",
        'for name in (*hidden, "_hidden", "_call"):',
        'for name in ("_call",):',
        "unit/action/test_release_deployment.py may_be_secret",
    ),
    Mutant(
        "leaving no file with options on a host",
        "plugin_utils/deployment/_transfer.py",
        'origin == "default" or ',
        "",
        "unit/plugin_utils/deployment/test_transfer.py nobody_has_decided",
    ),
    Mutant(
        "keeping the environment of a task out of command lines",
        "plugin_utils/adapter/_action.py",
        " for name in environment if name in stays}",
        " for name in environment}",
        "unit/plugin_utils/adapter/test_action.py stays_in_command_lines",
    ),
    Mutant(
        "giving the next try of a task its environment",
        "plugin_utils/adapter/_action.py",
        "action._task.environment = declared",
        "pass",
        "unit/plugin_utils/adapter/test_action.py stays_in_command_lines",
    ),
    Mutant(
        "keeping the other options out of what is said of a wrong one",
        "plugin_utils/adapter/_action.py",
        "error.obj = None",
        "pass",
        "unit/plugin_utils/adapter/test_action.py wrong_option",
    ),
    Mutant(
        "leaving su its terminal",
        "plugin_utils/deployment/_transfer.py",
        " or (become and not become.pipelining)",
        "",
        "unit/plugin_utils/deployment/test_transfer.py needs_a_terminal",
    ),
    Mutant(
        "keeping layers with private files from others",
        "plugin_utils/library/_store.py",
        "0o640 if is_private else 0o644",
        "0o644",
        "unit/plugin_utils/library/test_store.py private",
    ),
)

ANCESTORS = "module_utils/files/_ancestors.py"
ANCESTORS_TESTS = "unit/module_utils/files/test_ancestors.py"
ATTACKED_TESTS = "behaviour/test_attacked.py"
UNDER_ATTACK = (
    Mutant(
        "refusing directories of other users on the way to a root",
        ANCESTORS,
        'if status.st_uid not in users:\n        raise Unsafe(\n            "%s belongs',
        'if False:\n        raise Unsafe(\n            "%s belongs',
        f"{ANCESTORS_TESTS} belongs_to_somebody",
    ),
    Mutant(
        "looking at directories above a root",
        ANCESTORS,
        "            check(deeper, path, self._users, sticky_will_do=True)\n",
        "",
        f"{ANCESTORS_TESTS} above_the_root",
    ),
    Mutant(
        "a sticky bit that is enough above a root only",
        ANCESTORS,
        "(sticky_will_do and status.st_mode & stat.S_ISVTX)",
        "status.st_mode & stat.S_ISVTX",
        f"{ANCESTORS_TESTS} everybody_may_write_to_is_refused",
    ),
    Mutant(
        "trusting no link that others put where all may write",
        ANCESTORS,
        "                self._check_link(status, path)\n",
        "",
        f"{ANCESTORS_TESTS} somebody_put",
    ),
    Mutant(
        "trusting a group only where nobody else is in it",
        ANCESTORS,
        "if group.gr_name not in names or not names.issuperset(group.gr_mem):",
        "if False:",
        f"{ANCESTORS_TESTS} group_that_others",
    ),
    Mutant(
        "seeing access lists behind a group's bits",
        ANCESTORS,
        " and not _has_list(descriptor)",
        "",
        f"{ANCESTORS_TESTS} access_list",
    ),
    Mutant(
        "looking at the root itself",
        "module_utils/root/_directory.py",
        "            _ancestors.check(way, local, users)\n",
        "",
        f"{ANCESTORS_TESTS} root_that",
    ),
    Mutant(
        "looking at releases and our own folder",
        "module_utils/root/_directory.py",
        'for name in (OURS, "releases"):',
        "for name in ():",
        f"{ANCESTORS_TESTS} live_root",
    ),
    Mutant(
        "trusting the writer of a root only to be looked at",
        "module_utils/root/_directory.py",
        "    if looks_only:\n        with contextlib.suppress(OSError):\n            users.add(",
        "    if True:\n        with contextlib.suppress(OSError):\n            users.add(",
        f"{ANCESTORS_TESTS} live_root",
    ),
    Mutant(
        "following no link on the way in shared",
        SHARED,
        "descriptor = _directory.open_directory(above, folder)",
        "descriptor = os.open(folder, _paths.OPEN_DIRECTORY & ~os.O_NOFOLLOW, dir_fd=above)",
        f"{ATTACKED_TESTS} on_the_way_in_shared",
    ),
    Mutant(
        "giving away only the directory that was made",
        SHARED,
        "if not is_ours or os.listdir(made):",
        "if False:",
        f"{ATTACKED_TESTS} not_given_away",
    ),
    Mutant(
        "an end to how deep is removed",
        "module_utils/files/_deletion.py",
        "if depth > DEEPEST:",
        "if False:",
        f"{ATTACKED_TESTS} without_end",
    ),
    Mutant(
        "keeping no content behind a link",
        OBJECTS,
        "if item.is_dir(follow_symlinks=False)}",
        "}",
        f"{ATTACKED_TESTS} behind_a_link",
    ),
    Mutant(
        "an end to what is read of a file that is verified",
        TREE,
        "digest, left = hashlib.sha256(), size + 1",
        "digest, left = hashlib.sha256(), size + (1 << 20)",
        f"{ATTACKED_TESTS} that_grows",
    ),
    Mutant(
        "looking again at what was kept of a transfer",
        DROP,
        "return descriptor if _is_file_of(os.fstat(descriptor), owner) else None",
        "return descriptor",
        f"{ATTACKED_TESTS} kept_pack",
    ),
    Mutant(
        "reading the name of a run from a file with one name",
        DROP,
        "if os.fstat(descriptor).st_nlink == 1:",
        "if True:",
        f"{ATTACKED_TESTS} other_names",
    ),
)

FENCING_TESTS = "behaviour/test_fencing.py"


def fenced(without, path, before, after, name):
    """Return the Mutant of a commit point that takes the lock, and asks nobody who took over.

    *before* and *after* are the text around; *name* is the operation that is overtaken there.
    """
    old = f"{before}claim.commit_point(){after}"
    return Mutant(without, path, old, f"{before}claim.noting(){after}", f"{FENCING_TESTS} {name}")


STATE_THEN = " as state:\n"
OVERTAKING = (
    Mutant(
        "asking at a commit point who took over",
        CLAIM,
        "            self._check_token(state)\n            yield state",
        "            yield state",
        FENCING_TESTS,
    ),
    fenced(
        "asking who took over before activating",
        TRIAL,
        "    with ",
        f"{STATE_THEN}        _plan.refuse_bad",
        "replace",
    ),
    fenced(
        "asking who took over before restarting",
        TRIAL,
        "    with ",
        " as state:  # an",
        "replace",
    ),
    fenced(
        "asking who took over before putting back",
        TRIAL,
        "    with ",
        f"{STATE_THEN}        failed",
        "put or withdraw",
    ),
    fenced(
        "asking who took over before accepting",
        TRIAL,
        "    with ",
        f"{STATE_THEN}        if state.trial",
        "accept",
    ),
    fenced(
        "asking who took over before noting a restart",
        TRIAL,
        "    with ",
        f"{STATE_THEN}        state.restarted",
        "replace",
    ),
    fenced(
        "asking who took over where a trial failed",
        TRIAL,
        "    with ",
        f"{STATE_THEN}        is_tried",
        "put",
    ),
    fenced(
        "asking who took over before a tree gets its name",
        STAGING,
        "    with ",
        " as state, contextlib",
        "replace",
    ),
    fenced(
        "asking who took over before contents get their names",
        STAGING,
        "            with ",
        ":\n                place.publish()",
        "damage",
    ),
    fenced(
        "asking who took over before cleaning",
        REMOVAL,
        "        with ",
        f"{STATE_THEN}            claim.root.read_current(state)",
        "clean",
    ),
    fenced(
        "asking who took over before removing all",
        REMOVAL,
        "        with ",
        f"{STATE_THEN}            left",
        "all",
    ),
    fenced(
        "asking who took over before seeding",
        SHARED,
        "        with ",
        ':\n            os.rename("seed"',
        "first",
    ),
    fenced(
        "asking who took over before making directories in shared/",
        SHARED,
        "        with ",
        ":\n            with contextlib",
        "first",
    ),
    Mutant(
        "asking who took over before giving back",
        CLAIM,
        "with contextlib.suppress(*gone), self.commit_point() as state:",
        "with contextlib.suppress(*gone), self.noting() as state:",
        FENCING_TESTS,
    ),
    Mutant(
        "ending a run that was taken over, for its later calls too",
        CLAIM,
        "            if run == self.run:\n",
        "            if False:\n",
        f"{FENCING_TESTS} later_calls",
    ),
    Mutant(
        "telling who took over whatever an overtaken run stumbles over",
        CLAIM,
        "except (OSError, KeyError, _drift.Damaged, _directory.Moved, _directory.RootError):",
        "except (OSError, _drift.Damaged):",
        f"{MEANWHILE_TESTS} stumbles",
    ),
    Mutant(
        "giving a manifest its name in a commit point",
        STAGING,
        "        place.keep_manifest(release.digest, data)\n",
        "        place.keep_manifest(release.digest, data)\n        place.publish()\n",
        "unit/module_utils/deployment/test_staging.py overtaken",
    ),
    Mutant(
        "looking again where another run switched",
        ROOT,
        "        if tree != state.current or (target and not tree):\n",
        "        if False:\n",
        f"{MEANWHILE_TESTS} switch",
    ),
    Mutant(
        "looking again for what is to be adopted",
        HOST_CALL,
        "        if root and root.read_state().token:\n",
        "        if False:\n",
        f"{MEANWHILE_TESTS} first_deployment",
    ),
    Mutant(
        "writing who locks before cutting off who locked",
        ROOT,
        '.partition("\\n")[0]',
        "",
        f"{ROOT_TESTS} named_over",
    ),
    Mutant(
        "comparing the sum of what is remembered",
        CANONICAL,
        'if "sum" in plain and plain != summed(rest):',
        "if False:",
        f"{FORMATS_TESTS} any_byte",
    ),
    Mutant(
        "refusing what an event has that is unknown",
        HISTORY,
        "    if set(event) - KEYS:\n",
        "    if False:\n",
        f"{FORMATS_TESTS} any_byte",
    ),
    Mutant(
        "spelling control characters of names",
        TREE,
        'return _manifest.CONTROL.sub(lambda match: "\\\\x%02x" % ord(match[0]), text)',
        "return text",
        f"{TREE_TESTS} forges",
    ),
)

STATE_FORM = "module_utils/root/_state_form.py"
STATE_FORM_TESTS = "unit/module_utils/root/test_state_form.py named_in_a_line"
FUZZED = (
    check(
        "refusing a record that is not whole",
        STATE_FORM,
        "not (_is_name(tree) and _is_record(record))",
        STATE_FORM_TESTS,
    ),
    check(
        "refusing a live release without a record",
        STATE_FORM,
        "tree is not None and tree not in state.trees",
        STATE_FORM_TESTS,
    ),
    check(
        "refusing a live release without a way back to itself",
        STATE_FORM,
        "state.live and not state.good",
        STATE_FORM_TESTS,
    ),
    Mutant(
        "refusing names with control characters in a state",
        STATE_FORM,
        "not isinstance(value, str) or _manifest.CONTROL.search(value)",
        "not isinstance(value, str)",
        STATE_FORM_TESTS,
    ),
    check(
        "refusing half a character",
        CANONICAL,
        'b"\\\\ud" in data or b"\\\\uD" in data',
        "unit/module_utils/formats/test_canonical.py half_a_character",
    ),
    Mutant(
        "telling only what is printable of a file",
        CANONICAL,
        "char if char.isprintable() else",
        "char if char else",
        "unit/module_utils/formats/test_canonical.py one_printable_line",
    ),
    Mutant(
        "taking only as much memory as a document has",
        "plugin_utils/oci/_layout.py",
        "stream.read(min(limit, os.fstat(stream.fileno()).st_size) + 1)",
        "stream.read(limit + 1)",
        "unit/plugin_utils/library/test_store.py no_more_memory",
    ),
    Mutant(
        "calling a way back by the manifest that is held",
        PLAN,
        "manifest = root.read_manifest(digest)",
        "manifest = None",
        "unit/module_utils/deployment/test_host_call.py under_its_name",
    ),
)

EVIDENCE = (
    check(
        "believing evidence only as far as a known key verified it",
        "plugin_utils/evidence/_attachments.py",
        "known is not None and not keys",
        "unit/plugin_utils/evidence/test_attachments.py not_even_read",
    ),
    check(
        "comparing evidence with the release that it is attached to",
        "plugin_utils/evidence/_attachments.py",
        'label.digest not in [subject["digest"].get("sha256") for subject in plain["subject"]]',
        "unit/plugin_utils/evidence/test_attachments.py no_evidence_of_the_release",
    ),
    Mutant(
        "letting only who may sign releases attest them",
        "plugin_utils/evidence/_attachments.py",
        "[trust.roles[name] for name in _statement.ROLES if name in trust.roles]",
        "trust.roles.values()",
        "unit/plugin_utils/evidence/test_attachments.py who_may_attest",
    ),
    check(
        "attaching no more evidence than is read",
        "plugin_utils/evidence/_attachments.py",
        "len(there) >= _referrers.MOST_ATTACHED",
        "unit/plugin_utils/evidence/test_attachments.py in_nobody_s_way",
    ),
    Mutant(
        "believing keys only while they are valid",
        "plugin_utils/evidence/_attachments.py",
        "if key.is_valid(now)",
        "if key.name",
        "unit/plugin_utils/evidence/test_attachments.py who_may_attest",
    ),
    check(
        "refusing evidence that nobody could read",
        "plugin_utils/evidence/_attachments.py",
        "len(payload) > LARGEST_STATEMENT",
        "unit/plugin_utils/evidence/test_attachments.py too_large",
    ),
    Mutant(
        "reading no more attached documents than fit in memory",
        "plugin_utils/oci/_referrers.py",
        "min(limit, room)",
        "limit",
        "unit/plugin_utils/evidence/test_attachments.py fit_in_memory",
    ),
    Mutant(
        "counting attached documents by their kind",
        "plugin_utils/oci/_referrers.py",
        'manifests = [item for item in manifests if item.get("artifactType", kind) == kind]',
        "pass",
        "unit/plugin_utils/evidence/test_attachments.py in_nobody_s_way",
    ),
    Mutant(
        "holding little of each file while packages are recognised",
        "plugin_utils/evidence/_packages.py",
        "room = reader.limit - (entry.size - left[0])",
        "room = entry.size",
        "unit/plugin_utils/evidence/test_packages.py little_of_them_is_held",
    ),
    check(
        "opening no wheel whose directory fills the memory",
        "plugin_utils/evidence/_package_files.py",
        "data.count(ZIP_ENTRY) > MOST_ZIPPED",
        "unit/plugin_utils/evidence/test_packages.py more_files_than_fit",
    ),
    Mutant(
        "telling that a bill of materials was cut",
        "plugin_utils/evidence/_packages.py",
        "return Found(tuple(sorted(named)), is_complete)",
        "return Found(tuple(sorted(named)))",
        "unit/plugin_utils/evidence/test_packages.py cut_and_that_is_told",
    ),
    check(
        "holding bills made elsewhere to their schema",
        "plugin_utils/evidence/_sbom_file.py",
        "found",
        "unit/plugin_utils/evidence/test_sbom_file.py of_each_version",
    ),
    check(
        "refusing bills that are too large",
        "plugin_utils/evidence/_sbom_file.py",
        "len(data) > _attachments.LARGEST_STATEMENT",
        "unit/plugin_utils/evidence/test_sbom_file.py too_large",
    ),
    Mutant(
        "keeping the secrets of addresses out of provenance",
        "plugin_utils/evidence/_provenance.py",
        'return re.split(r"[?#]", place, maxsplit=1)[0] if "://" in place else place',
        "return place",
        "unit/plugin_utils/evidence/test_provenance.py no_secret",
    ),
    Mutant(
        "attaching evidence before a release is signed",
        "plugin_utils/evidence/_attesting.py",
        "told = _attest(library, vouching, sealed, keep)",
        "_signatures.sign(library, label.digest, vouching.role, vouching.signer, keep)\n"
        "    told = _attest(library, vouching, sealed, keep)",
        "unit/action/test_attesting.py is_not_signed",
    ),
    check(
        "asking which evidence is meant where it differs",
        "plugin_utils/notes/_evidence_file.py",
        "any(item.predicate != good[0].predicate for item in good)",
        "unit/action/test_release_evidence.py by_its_digest",
    ),
)

BUILD_PLACE = "module_utils/building/_place.py"
BUILD_ORDER = "module_utils/building/_order.py"
BUILD_COMPONENT = "module_utils/building/_component.py"
BUILD_SOURCES = "module_utils/building/_sources.py"
BUILD_FETCH = "module_utils/building/_fetch.py"
BUILD_CHECKOUT = "module_utils/building/_checkout.py"
BUILD_STEPS = "module_utils/building/_steps.py"
BUILD_JOBS = "module_utils/building/_jobs.py"
SUPERVISOR = "module_utils/building/_supervisor.py"
WATCHING = "plugin_utils/building/_supervision.py"
BUILD_TESTS = "unit/module_utils/building/test_supervisor.py"
SOURCES_TESTS = "unit/module_utils/building/test_sources.py"
CHECKOUT_TESTS = "unit/module_utils/building/test_checkout.py"
STEPS_TESTS = "unit/module_utils/building/test_steps.py"
WATCHING_TESTS = "unit/plugin_utils/building/test_supervision.py"

BUILDING = (
    check(
        "refusing to build among other things",
        BUILD_PLACE,
        "there and BASE not in there",
        f"{BUILD_TESTS} workspace_that_is_none",
    ),
    Mutant(
        "claiming a workspace",
        BUILD_PLACE,
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        f"{BUILD_TESTS} one_build_at_a_time",
    ),
    Mutant(
        "setting aside the record of the build before",
        BUILD_ORDER,
        "earlier = _place.set_aside(place)",
        "earlier = _place.look_at(place.workspace)",
        f"{BUILD_TESTS} sources_that_cannot",
    ),
    Mutant(
        "removing the components of the build before",
        BUILD_PLACE,
        "            clear(place.component(name))",
        "            pass",
        f"{BUILD_TESTS} leaves_no_record_and_nothing",
    ),
    Mutant(
        "ending a build that nobody polls",
        BUILD_PLACE,
        "return self._now() - self._since < patience",
        "return True",
        f"{BUILD_TESTS} ends_with_all",
    ),
    Mutant(
        "seeing that a build is polled",
        BUILD_PLACE,
        "        if touched != self._last:",
        "        if False:",
        f"{BUILD_TESTS} while_it_is_polled",
    ),
    Mutant(
        "ending a build that was forgotten",
        BUILD_PLACE,
        "        except FileNotFoundError:\n            return False\n        if touched",
        "        except FileNotFoundError:\n            return True\n        if touched",
        f"{BUILD_TESTS} ends_with_all and forgotten",
    ),
    Mutant(
        "ending what a build started",
        BUILD_JOBS,
        "        _steps.end_children()\n        for _job",
        "        for _job",
        f"{BUILD_TESTS} gone_before",
    ),
    Mutant(
        "ending jobs with a supervisor that was killed",
        BUILD_JOBS,
        "prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)",
        "prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)",
        f"{BUILD_TESTS} ends_with_all and killed",
    ),
    Mutant(
        "waiting for what is required",
        BUILD_JOBS,
        "if all(name in done for name in job.after)",
        "if True",
        f"{BUILD_TESTS} built_after_those",
    ),
    Mutant(
        "hiding what is passed from the record",
        BUILD_COMPONENT,
        '"argv": [building.masked(word) for word in step["argv"]]',
        '"argv": step["argv"]',
        f"{BUILD_TESTS} masked",
    ),
    Mutant(
        "hiding what is passed from the words of a step",
        BUILD_COMPONENT,
        'words = _words([building.masked(word) for word in step["argv"]])',
        'words = _words(step["argv"])',
        f"{BUILD_TESTS} masked",
    ),
    Mutant(
        "hiding what is passed from logs",
        BUILD_COMPONENT,
        "                building.secrets,\n                log,",
        "                (),\n                log,",
        f"{BUILD_TESTS} masked",
    ),
    Mutant(
        "handing steps what they pass and nothing else",
        BUILD_COMPONENT,
        '{name: building.variables[name] for name in component["passed"]}',
        "dict(building.variables)",
        f"{BUILD_TESTS} nothing_of_the_builder",
    ),
    check(
        "refusing to build without a variable to pass",
        SUPERVISOR,
        "missing",
        f"{BUILD_TESTS} refused_by_name",
    ),
    check(
        "running steps below the sources",
        BUILD_COMPONENT,
        "os.path.commonpath([top, os.path.realpath(path)]) != top",
        f"{BUILD_TESTS} failing_step",
    ),
    check(
        "recording only what lies below the sources",
        "module_utils/building/_left.py",
        "os.path.commonpath([top, os.path.realpath(root)]) != top",
        f"{BUILD_TESTS} must_leave",
    ),
    check(
        "demanding artifacts",
        "module_utils/building/_left.py",
        "not here",
        f"{BUILD_TESTS} must_leave",
    ),
    check(
        "failing with a step",
        BUILD_COMPONENT,
        "ended.status != 0",
        f"{BUILD_TESTS} failing_step",
    ),
    Mutant(
        "an empty home for each build",
        BUILD_COMPONENT,
        '"HOME": _place.fresh(os.path.join(place.base, "home", name))',
        '"HOME": building.variables["HOME"]',
        f"{BUILD_TESTS} nothing_of_the_builder",
    ),
    Mutant(
        "recording the definition as it is now",
        BUILD_ORDER,
        'is_same = earlier["definition"] == definition',
        "is_same = True",
        f"{BUILD_TESTS} in_other_things",
    ),
    Mutant(
        "comparing what lies there with what was built",
        "module_utils/building/_work.py",
        "return trees == recorded",
        "return bool(trees)",
        f"{BUILD_TESTS} not_built_again",
    ),
    Mutant(
        "comparing sources with those of the build before",
        BUILD_ORDER,
        '        "sources": sources,\n        "environment"',
        '        "environment"',
        f"{BUILD_TESTS} not_built_again",
    ),
    check(
        "failing where two builds differ",
        BUILD_ORDER,
        'differing and plan["require_reproducible"]',
        f"{BUILD_TESTS} verifying",
    ),
    Mutant(
        "building the second time elsewhere",
        BUILD_PLACE,
        'os.path.join(place.base, "again"), os.path',
        "place.workspace, os.path",
        f"{BUILD_TESTS} verifying",
    ),
    check(
        "refusing directories that lead out",
        BUILD_SOURCES,
        "os.path.commonpath([above, os.path.realpath(there)]) != above",
        f"{SOURCES_TESTS} directory_that_leads_out",
    ),
    check(
        "refusing what has another digest",
        BUILD_SOURCES,
        'origin["sha256"] and digest != origin["sha256"]',
        f"{SOURCES_TESTS} another_archive",
    ),
    check(
        "refusing a workspace in a directory that is copied",
        BUILD_SOURCES,
        "inner.startswith(os.path.realpath(root) + os.sep)",
        f"{BUILD_TESTS} below_the_sources",
    ),
    Mutant(
        "links of archives that stay inside",
        BUILD_SOURCES,
        'any_links=origin["kind"] == "deb"',
        "any_links=True",
        f"{SOURCES_TESTS} leads_out",
    ),
    Mutant(
        "keeping private what an archive keeps private",
        BUILD_SOURCES,
        "& (0o700 if entry.private else 0o777)",
        "& 0o777",
        f"{SOURCES_TESTS} modes_say",
    ),
    check(
        "following redirections to https only",
        BUILD_FETCH,
        'not newurl.startswith("https://")',
        f"{SOURCES_TESTS} https_does_not_give",
    ),
    Mutant(
        "limiting what is fetched",
        BUILD_FETCH,
        "        if left < 0:",
        "        if False:",
        f"{SOURCES_TESTS} may_be_fetched",
    ),
    Mutant(
        "running nothing of a package that is fetched",
        BUILD_FETCH,
        '"--only-binary", ":all:", ',
        "",
        f"{SOURCES_TESTS} wheel_that_is_none",
    ),
    Mutant(
        "keeping filters of users from a checkout",
        BUILD_CHECKOUT,
        'environment, *plain, "checkout"',
        'environment, "checkout"',
        f"{CHECKOUT_TESTS} nothing_is_run",
    ),
    Mutant(
        "removing the locks of a git that was killed",
        BUILD_CHECKOUT,
        '            if name.endswith(".lock"):',
        "            if False:",
        f"{CHECKOUT_TESTS} lock_that_a_killed",
    ),
    Mutant(
        "refusing another commit than was checked out",
        BUILD_CHECKOUT,
        "    if commit != source.commit:",
        "    if False:",
        f"{CHECKOUT_TESTS} moved_on",
    ),
    Mutant(
        "keeping what is fetched from the files of this machine",
        BUILD_CHECKOUT,
        "if is_here(repository) else []",
        "if True else []",
        f"{CHECKOUT_TESTS} reads_none",
    ),
    Mutant(
        "keeping hooks of users from a checkout",
        "module_utils/git/_command.py",
        '    "core.hooksPath=/dev/null",\n',
        "",
        f"{CHECKOUT_TESTS} nothing_is_run",
    ),
    Mutant(
        "hiding the secret of an address",
        "module_utils/git/_command.py",
        'return re.sub(r"(?<=://)[^/\\s]*@", "", repository)',
        "return repository",
        f"{CHECKOUT_TESTS} without_the_secret",
    ),
    Mutant(
        "hiding a secret that comes in pieces",
        BUILD_STEPS,
        "keep = 0 if is_last else max(map(self._begun, [data]), default=0)",
        "keep = 0",
        f"{STEPS_TESTS} however_it_is_cut",
    ),
    Mutant(
        "files that come out alike",
        BUILD_STEPS,
        "    os.umask(UMASK)\n",
        "",
        f"{STEPS_TESTS} alike",
    ),
    Mutant(
        "ending the children of a step",
        BUILD_STEPS,
        "        _end(process)\n        end_children()\n",
        "        _end(process)\n",
        f"{STEPS_TESTS} outlives",
    ),
    check(
        "refusing addresses with a secret",
        WATCHING,
        "shown != origin.place and _has_secret(origin.place)",
        f"{WATCHING_TESTS} refused_by_name",
    ),
    Mutant(
        "ending a build before a signal ends its controller",
        WATCHING,
        "        with contextlib.suppress(Exception):\n            forget()\n",
        "",
        f"{WATCHING_TESTS} signal_ends or ended_by_an_error",
    ),
    Mutant(
        "asking again where a link broke",
        WATCHING,
        "                if time.monotonic() - heard > patience / 2:\n",
        "                if True:\n",
        f"{WATCHING_TESTS} for_a_moment",
    ),
    check(
        "seeing that a build was killed",
        WATCHING,
        'not any("alive" in event for event in found)',
        f"{WATCHING_TESTS} only_for_its_parent",
    ),
    Mutant(
        "telling text of a host without control characters",
        WATCHING,
        'tell(_canonical.one_line(event["say"]))',
        'tell(event["say"])',
        f"{WATCHING_TESTS} told_once",
    ),
)

AS_BUILT = "module_utils/building/_as_built.py"
BUILT = "plugin_utils/building/_built.py"
BUILT_TESTS = "unit/action/test_sealing_builds.py"
SCRIPT_DIGESTS = "module_utils/sources/_script_digests.py"
SCRIPT_DIGESTS_TESTS = "unit/module_utils/sources/test_script_digests.py"
SCRIPTS = "plugin_utils/release/_scripts.py"
SCRIPTS_TESTS = "unit/plugin_utils/release/test_scripts.py"
SOURCE_HOSTS = "plugin_utils/building/_source_hosts.py"
SOURCE_HOSTS_TESTS = "unit/plugin_utils/building/test_source_hosts.py"

SEALING_BUILDS = (
    Mutant(
        "comparing what is packed with what was built",
        AS_BUILT,
        "if _record.tree_digest(entries) == tree:",
        "if True:",
        f"{BUILT_TESTS} refused_by_name",
    ),
    Mutant(
        "asking a build host to compare what it packs with what was built",
        "modules/release_package.py",
        "    if is_built:\n        _as_built",
        "    if False:\n        _as_built",
        f"{BUILT_TESTS} same_words",
    ),
    Mutant(
        "asking at which commit a checkout is",
        AS_BUILT,
        "if found == commit:",
        "if True:",
        f"{BUILT_TESTS} refused_by_name",
    ),
    Mutant(
        "asking whether all artifacts are there",
        AS_BUILT,
        "if not gone:",
        "if True:",
        f"{BUILT_TESTS} artifacts",
    ),
    Mutant(
        "keeping the source of a component in its folder",
        AS_BUILT,
        "if found == inside or found.startswith(inside + os.sep):",
        "if True:",
        f"{BUILT_TESTS} leads_out",
    ),
    Mutant(
        "telling what is wrong in a workspace",
        BUILT,
        "told += problems",
        "del problems",
        f"{BUILT_TESTS} refused_by_name",
    ),
    check(
        "holding a build to the name, version and serial of the release",
        BUILT,
        '(found := (built["name"], built["version"], built["serial"])) != wanted',
        f"{BUILT_TESTS} refused_by_name",
    ),
    check(
        "holding a build to the source that is declared",
        BUILT,
        "found != asked",
        f"{BUILT_TESTS} refused_by_name",
    ),
    check(
        "holding a build to the release.yml that was built",
        BUILT,
        'not told and record["definition"]["sha256"] != definition',
        f"{BUILT_TESTS} refused_by_name",
    ),
    check("building what is declared to be built", BUILT, "names", f"{BUILT_TESTS} from_elsewhere"),
    Mutant(
        "holding what a build left to what it must leave",
        BUILT,
        'if not any(map(_globs.compile_globs([glob]), built["artifacts"])):',
        "if False:",
        f"{BUILT_TESTS} artifacts",
    ),
    Mutant(
        "sealing no more of a source than another build would find",
        BUILT,
        "return {key: known[key] for key in SEALED if known.get(key)}",
        "return known",
        f"{BUILT_TESTS} built_from",
    ),
    Mutant(
        "keeping the secrets of addresses out of manifests",
        BUILT,
        '"place": _provenance.shown(origin["place"])}',
        '"place": origin["place"]}',
        f"{BUILT_TESTS} secret",
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
        'elif item.name != LEFT_OUT and wanted.may_lie_in(path + "/"):',
        "else:",
        f"{SCRIPT_DIGESTS_TESTS} not_entered",
    ),
    Mutant(
        "holding hooks to those that were sealed",
        SCRIPTS,
        "elif digest not in digests:",
        "elif False:",
        f"{SCRIPTS_TESTS} what_is_right",
    ),
    Mutant(
        "holding scripts to those that were sealed",
        SCRIPTS,
        'elif digest != script["sha256"]:',
        "elif False:",
        f"{SCRIPTS_TESTS} difference",
    ),
    Mutant(
        "reading the scripts of a manifest only in their form",
        SCRIPTS,
        'return checked(dict(manifest.about).get("scripts", {}))',
        'return dict(manifest.about).get("scripts", {})',
        f"{SCRIPTS_TESTS} another_form",
    ),
    Mutant(
        "reading the scripts of a build host only in their form",
        SOURCE_HOSTS,
        'return _scripts.checked(answer.get("scripts"))',
        'return answer.get("scripts")',
        f"{SOURCE_HOSTS_TESTS} scripts_of_another_form",
    ),
    Mutant(
        "reading the record of a build only in its form",
        "module_utils/building/_record.py",
        "        _check(record)\n",
        "",
        f"{BUILT_TESTS} refused_by_name",
    ),
    Mutant(
        "reading what a release declares only in its form",
        LIBRARY_CATALOGUE,
        "            _about.check(manifest)\n",
        "",
        "unit/plugin_utils/release/test_about.py nobody_can_read",
    ),
    Mutant(
        "sealing what is declared only in its form",
        "plugin_utils/building/_sealing.py",
        "    _about.check(manifest)\n",
        "",
        "unit/plugin_utils/release/test_about.py nobody_can_read",
    ),
    Mutant(
        "comparing what this machine packs with what was built",
        SOURCE_HOSTS,
        "        _as_built.check_tree(source.name, entries, tree, root, self.workspace)\n",
        "        del tree, root\n",
        f"{BUILT_TESTS} refused_by_name",
    ),
)

COMPATIBILITY = "plugin_utils/compatibility/_components.py"
COMPATIBILITY_TESTS = "unit/plugin_utils/compatibility/test_components.py"
BESIDE = "plugin_utils/compatibility/_beside.py"
BESIDE_TESTS = "unit/plugin_utils/compatibility/test_beside.py"
FITNESS = "plugin_utils/compatibility/_fitness.py"
DECLARATIONS = "plugin_utils/compatibility/_declarations.py"
ALTERNATIVES = "plugin_utils/compatibility/_alternatives.py"
ALTERNATIVES_TESTS = "unit/plugin_utils/compatibility/test_alternatives.py"
TOLD_BESIDE_TESTS = "unit/filter/test_beside.py"
COMPATIBLE = (
    Mutant(
        "taking a version that nobody can read for none that is required",
        COMPATIBILITY,
        "has(wanted, other) is not True",
        "has(wanted, other) is False",
        f"{COMPATIBILITY_TESTS} nobody_can_tell",
    ),
    Mutant(
        "taking a version that nobody can read for one that conflicts",
        COMPATIBILITY,
        "has(unwanted, other) is not False",
        "has(unwanted, other)",
        f"{COMPATIBILITY_TESTS} nobody_can_tell",
    ),
    Mutant(
        "letting what is live have a say in what comes",
        COMPATIBILITY,
        "    for part in everything:\n",
        "    for part in new:\n",
        f"{COMPATIBILITY_TESTS} has_a_say",
    ),
    Mutant(
        "taking what a release brings itself for what it requires",
        COMPATIBILITY,
        "offering(wanted.name, own) or offering(wanted.name, everything)",
        "offering(wanted.name, everything)",
        f"{COMPATIBILITY_TESTS} brings_itself",
    ),
    Mutant(
        "passing over what was wrong before",
        COMPATIBILITY,
        "if _either_is_new(part, other) and",
        "if",
        f"{COMPATIBILITY_TESTS} wrong_before",
    ),
    Mutant(
        "keeping for what is live what it requires and had",
        COMPATIBILITY,
        "before = offering(wanted.name, gone)",
        "before = []",
        f"{COMPATIBILITY_TESTS} requires_and_had",
    ),
    check(
        "telling how to name what nobody knows of",
        COMPATIBILITY,
        "not places",
        f"{COMPATIBILITY_TESTS} nobody_looked_for",
    ),
    Mutant(
        "saying that a place lacks something only where all of it is known",
        BESIDE,
        "places = None if beside.unknown else beside.places",
        "places = beside.places",
        f"{BESIDE_TESTS} looked_up",
    ),
    Mutant(
        "refusing beside what is not known",
        BESIDE,
        "lines += [beside.problem] if beside.problem else []",
        "lines += []",
        f"{BESIDE_TESTS} not_known",
    ),
    Mutant(
        "not taking an adopted release for nothing",
        BESIDE,
        'return {"unknown": "what is live there was adopted, and nobody sealed it"}',
        'return {"digest": None}',
        f"{TOLD_BESIDE_TESTS} not_taken_for_nothing",
    ),
    Mutant(
        "not taking a lost host for one with nothing",
        BESIDE,
        'return {"unknown": _holdings.reason(result)}',
        'return {"digest": None}',
        f"{TOLD_BESIDE_TESTS} not_taken_for_nothing",
    ),
    check(
        "not believing a record that current contradicts",
        BESIDE,
        'any(item["path"] == "current" for item in result.get("drift") or ())',
        f"{TOLD_BESIDE_TESTS} not_taken_for_nothing",
    ),
    Mutant(
        "counting what is on trial elsewhere",
        BESIDE,
        'current = deployment.get("trial") or deployment.get("live")',
        'current = deployment.get("live") or deployment.get("trial")',
        f"{TOLD_BESIDE_TESTS} counts_before",
    ),
    Mutant(
        "telling in printable letters why a host is not known",
        BESIDE,
        '_canonical.one_line(item["unknown"])',
        'item["unknown"]',
        f"{BESIDE_TESTS} printable",
    ),
    check(
        "refusing a pattern that names no host",
        "filter/hosts_beside.py",
        "not hosts",
        f"{TOLD_BESIDE_TESTS} slip",
    ),
    Mutant(
        "checking what hosts tell of releases",
        DECLARATIONS,
        "_manifest.about_from_plain(_checked(item), SAID_OF_COMPONENTS)",
        "_manifest.about_from_plain(item, SAID_OF_COMPONENTS)",
        f"{BESIDE_TESTS} not_believed",
    ),
    Mutant(
        "reading what a release requires where nothing is told of others",
        FITNESS,
        "if items or _declarations.REQUIRES in data:",
        "if items:",
        f"{BESIDE_TESTS} the_way_to_tell",
    ),
    Mutant(
        "refusing a way back of which nothing is known",
        FITNESS,
        """        raise Incompatible([f"cannot know what {meant['version']} requires""",
        """        return Incompatible([f"cannot know what {meant['version']} requires""",
        f"{BESIDE_TESTS} nobody_knows_anything",
    ),
    Mutant(
        "holding a host to what a release requires of hosts",
        FITNESS,
        "    if problems:\n",
        "    if False:\n",
        f"{BESIDE_TESTS} requires_of_hosts",
    ),
    Mutant(
        "proposing only what fits everything that stays live",
        ALTERNATIVES,
        "return _work_together(self.choice.parts, choice.parts)",
        "return True",
        f"{ALTERNATIVES_TESTS} conflicts_is_replaced",
    ),
    Mutant(
        "proposing what a proposal needs in turn",
        ALTERNATIVES,
        "if not given and (had or choice.label is not None):",
        "if not given and had:",
        f"{ALTERNATIVES_TESTS} live_nowhere",
    ),
    Mutant(
        "leaving as it is what was wrong before",
        ALTERNATIVES,
        "if self.choice.label is None and choice.label is None:",
        "if False:",
        f"{ALTERNATIVES_TESTS} wrong_before",
    ),
    check(
        "letting nothing incompatible pass unless that is said",
        DEPLOYMENT_ACTION,
        'not arguments["allow_incompatible"]',
        f"{DEPLOYMENT_ACTION_TESTS} unless_that_is_allowed",
    ),
    Mutant(
        "letting a host keep and mend what it has had",
        DEPLOYMENT_ACTION,
        """if not need["damaged"] and arguments["release"] not in FOUND_ON_HOST:""",
        "if True:",
        f"{DEPLOYMENT_ACTION_TESTS} has_had",
    ),
    Mutant(
        "going back only to the release that was asked about",
        PLAN,
        'release.digest != call.get("only", release.digest)',
        "False",
        "unit/module_utils/deployment/test_answer.py asked_about",
    ),
    Mutant(
        "writing down on the host what was allowed",
        "module_utils/deployment/_transaction.py",
        'for line in call.get("despite", ()):',
        "for line in ():",
        "unit/module_utils/deployment/test_answer.py allowed",
    ),
    Mutant(
        "telling in the report what was allowed",
        "plugin_utils/events/_recorder.py",
        "        if trace.despite:\n",
        "        if False:\n",
        "unit/plugin_utils/events/test_report.py does_not_fit",
    ),
    Mutant(
        "keeping free what a release requires",
        "plugin_utils/release/_disk_space.py",
        "left < spare",
        "left < 0",
        "unit/plugin_utils/release/test_disk_space.py must_stay_free",
    ),
    Mutant(
        "sealing a version only if it is one of its scheme",
        "plugin_utils/definition/_release_file.py",
        "            _ranges.check_version(version, scheme)\n    declared",
        "            pass\n    declared",
        "unit/plugin_utils/definition/test_recipe.py makes_no_sense",
    ),
    Mutant(
        "reading ranges of hosts before they are sealed",
        "plugin_utils/definition/_release_file.py",
        '_host_requirements.check(plain.get("requires_hosts", {}))',
        "pass",
        "unit/plugin_utils/definition/test_host_requirements.py with_its_place",
    ),
)

REGISTRY = "plugin_utils/registry/_repository.py"
REGISTRY_ANSWERS = "plugin_utils/registry/_answers.py"
REGISTRY_CLIENT = "plugin_utils/registry/_client.py"
REGISTRY_CREDENTIALS = "plugin_utils/registry/_credentials.py"
REGISTRY_PLACE = "plugin_utils/registry/_place.py"
REGISTRY_SESSION = "plugin_utils/registry/_session.py"
REGISTRY_UPLOAD = "plugin_utils/registry/_upload.py"
REGISTRY_TESTS = "unit/plugin_utils/registry/test_repository.py"
ACCESS_TESTS = "unit/plugin_utils/registry/test_repository_access.py"

REGISTRIES = (
    check(
        "verifying a blob that a registry sends",
        REGISTRY_CLIENT,
        "_hash_of(path) != digest",
        f"{REGISTRY_TESTS} wrong_bytes",
    ),
    Mutant(
        "verifying a manifest that a registry sends",
        REGISTRY_CLIENT,
        'if wanted.startswith("sha256:") and wanted != _digest_of(data):',
        "if False:",
        f"{REGISTRY_TESTS} wrong",
    ),
    Mutant(
        "filling a cache anew that was altered",
        REGISTRY,
        """        if not self._is_here(digest):
            self._answers.alone(""",
        """        if not os.path.exists(self.blob(digest)):
            self._answers.alone(""",
        f"{REGISTRY_TESTS} altered",
    ),
    check(
        "comparing a tag just before it is written",
        REGISTRY,
        'there and there["digest"] not in (had.get(tag), item["digest"])',
        f"{REGISTRY_TESTS} meanwhile",
    ),
    Mutant(
        "looking again for what others entered while layers were sent",
        "plugin_utils/library/_store.py",
        "        if self.layout.is_shared:  # that took time",
        "        if False:  # that took time",
        f"{REGISTRY_TESTS} while_ours_is_sent",
    ),
    Mutant(
        "asking anew before something is written",
        REGISTRY,
        """        with super().locked():
            self._answers.forget()
""",
        """        with super().locked():
""",
        f"{REGISTRY_TESTS} what_others_write",
    ),
    Mutant(
        "writing the tag of the digest last",
        REGISTRY,
        "sorted(new, key=lambda each: _is_known_by(_index.tag_of(each)))",
        "sorted(new, key=lambda each: not _is_known_by(_index.tag_of(each)))",
        f"{REGISTRY_TESTS} comes_last",
    ),
    Mutant(
        "asking once for all workers",
        REGISTRY_ANSWERS,
        "            return known if valid else None\n",
        "            return None\n",
        f"{REGISTRY_TESTS} lately or pull_once",
    ),
    Mutant(
        "pulling once for all workers",
        REGISTRY,
        """        digest, path = descriptor["digest"], self.blob(descriptor["digest"])
        if self._is_here(digest):
            return
""",
        """        digest, path = descriptor["digest"], self.blob(descriptor["digest"])
""",
        f"{REGISTRY_TESTS} pull_once",
    ),
    Mutant(
        "going on where a download broke off",
        REGISTRY_CLIENT,
        'headers = {"Range": f"bytes={start}-"} if start else {}',
        "headers = {}",
        f"{REGISTRY_TESTS} download_goes_on",
    ),
    Mutant(
        "going on where an upload broke off",
        REGISTRY_UPLOAD,
        "location, offset = self._resumed() or self._begun()",
        "location, offset = self._begun()",
        f"{REGISTRY_TESTS} upload",
    ),
    Mutant(
        "sending no blob that is there",
        REGISTRY_CLIENT,
        'if not self.has("blobs", digest):',
        "if True:",
        f"{REGISTRY_TESTS} not_sent_again or lost",
    ),
    check(
        "reading no more than is expected",
        REGISTRY_SESSION,
        "size > limit",
        f"{REGISTRY_TESTS} without_end or longer",
    ),
    check(
        "ending a transfer that only trickles",
        REGISTRY_SESSION,
        "seen < passed * LEAST_BYTES_PER_S",
        f"{REGISTRY_TESTS} drip",
    ),
    Mutant(
        "ending a list of tags",
        REGISTRY_CLIENT,
        "            if len(found) > most:\n",
        "            if False:\n",
        f"{REGISTRY_TESTS} list_of_tags_without_end",
    ),
    Mutant(
        "waiting no longer than is borne",
        REGISTRY_CLIENT,
        "if self._clock() + wait > deadline:",
        "if self._clock() > deadline:",
        f"{REGISTRY_TESTS} asks_to_wait and 15",
    ),
    Mutant(
        "telling credentials to the registry alone",
        REGISTRY_SESSION,
        "extra = own if self._is_own(url) else {}",
        "extra = own",
        f"{ACCESS_TESTS} only_the_registry",
    ),
    Mutant(
        "following no redirect to where no TLS is",
        REGISTRY_SESSION,
        """            url = self._joined(url, response.headers.get("Location", ""))
            self._refuse_without_tls(url)
""",
        """            url = self._joined(url, response.headers.get("Location", ""))
""",
        f"{ACCESS_TESTS} redirect_to_where",
    ),
    Mutant(
        "giving no password to a service without TLS",
        REGISTRY_SESSION,
        """        realm = self._joined("", challenge.get("realm", ""))
        self._refuse_without_tls(realm)
""",
        """        realm = self._joined("", challenge.get("realm", ""))
""",
        f"{ACCESS_TESTS} no_password_goes",
    ),
    check(
        "sending uploads nowhere else",
        REGISTRY_SESSION,
        "not location or not self._is_own(url)",
        f"{ACCESS_TESTS} uploads_do_not",
    ),
    Mutant(
        "keeping to TLS but on this machine",
        REGISTRY_PLACE,
        "plain = host in self.plain_http or (_is_loopback(host) and not self.folders(host))",
        "plain = True",
        f"{ACCESS_TESTS} loopback or vouches",
    ),
    Mutant(
        "repeating no credentials of an address",
        REGISTRY_PLACE,
        'if "@" in host:',
        "if False:",
        f"{ACCESS_TESTS} not_repeated",
    ),
    Mutant(
        "leading no registry with TLS to loopback without",
        REGISTRY_SESSION,
        'parts, plain = urlsplit(url), self._root.startswith("http:")',
        "parts, plain = urlsplit(url), True",
        f"{ACCESS_TESTS} loopback_without",
    ),
    Mutant(
        "asking for no tag that is none",
        REGISTRY_CLIENT,
        "if isinstance(tag, str) and TAG.match(tag)})",
        "if isinstance(tag, str)})",
        f"{REGISTRY_TESTS} tags_that_are_none",
    ),
    Mutant(
        "using nothing of netrc",
        REGISTRY_SESSION,
        "        self._http.auth = _unchanged",
        "        self._http.auth = None",
        f"{ACCESS_TESTS} netrc",
    ),
    Mutant(
        "logging no addresses",
        REGISTRY_SESSION,
        'logging.getLogger("urllib3").setLevel(logging.WARNING)',
        'logging.getLogger("urllib3")',
        f"{ACCESS_TESTS} has_no_addresses",
    ),
    Mutant(
        "taking credentials for the registry that they are for",
        REGISTRY_CREDENTIALS,
        "environ.get(ONLY_FOR, place.host) == place.host",
        "True",
        f"{ACCESS_TESTS} environment_comes_first",
    ),
)

COMMITS = "module_utils/git/_commits.py"
COMMITS_TESTS = "unit/module_utils/git/test_commits.py"
BUILD_NOTE = "plugin_utils/notes/_build_note.py"
BUILD_NOTE_TESTS = "unit/plugin_utils/notes/test_build_note.py"
NOTES_BASELINE = "plugin_utils/notes/_baseline.py"
NOTES_CHAIN = "plugin_utils/notes/_chain.py"
NOTES_WORKSPACE = "plugin_utils/notes/_workspace.py"
NOTES_MARKDOWN = "plugin_utils/notes/_rendered.py"
NOTES_TESTS = "unit/plugin_utils/notes/test_composition.py"
NOTES_MARKDOWN_TESTS = "unit/plugin_utils/notes/test_rendered.py"

NOTES = (
    Mutant(
        "showing no control characters of commits",
        COMMITS,
        "return DECEIVING.sub(",
        "return re.sub('(?!)', ",
        f"{COMMITS_TESTS} text_and_no_more",
    ),
    check(
        "telling that the build before is not in the repository",
        COMMITS,
        "old and not _is_there(old, folder, environment)",
        f"{COMMITS_TESTS} not_there",
    ),
    Mutant(
        "giving git nothing for a commit that it could take for an option",
        COMMITS,
        "not _command.COMMIT.match(commit)",
        "False",
        f"{COMMITS_TESTS} never_given_to_git",
    ),
    Mutant(
        "reading no record of a build whose commits are none",
        "module_utils/building/_record.py",
        'origin["kind"] == "git" and not _command.COMMIT.match(origin["commit"])',
        "False",
        f"{BUILT_TESTS} refused_by_name",
    ),
    Mutant(
        "reading no materials whose commits are none",
        "plugin_utils/release/_about.py",
        'and ("commit" not in value or _command.COMMIT.match(value["commit"]) is not None)',
        "",
        "unit/plugin_utils/release/test_about.py another_form",
    ),
    Mutant(
        "counting the files of commits that are not told",
        COMMITS,
        "kept = (commits[:MOST_TOLD], removed[:MOST_TOLD])",
        "kept = (commits, removed)",
        f"{COMMITS_TESTS} very_many",
    ),
    Mutant(
        "cutting messages without end",
        COMMITS,
        "_text(message).strip()[:LONGEST_MESSAGE]",
        "_text(message).strip()",
        f"{COMMITS_TESTS} megabyte",
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
        'change["from_version"] == change["to_version"]',
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
        "telling that commits are left out",
        BUILD_NOTE,
        "history.more",
        f"{BUILD_NOTE_TESTS} lacks",
    ),
    Mutant(
        "filling notes with text that is no markup",
        "plugin_utils/rendering/_markdown.py",
        "finalize=escape,",
        "",
        f"{NOTES_MARKDOWN_TESTS} shows_as_text",
    ),
    Mutant(
        "escaping in JSON what deceives on terminals",
        NOTES_MARKDOWN,
        "return _commits.DECEIVING.sub(lambda match:",
        "return text or (lambda match:",
        f"{NOTES_MARKDOWN_TESTS} deceives",
    ),
    check(
        "telling users nothing of what was reverted",
        NOTES_MARKDOWN,
        "by",
        f"{NOTES_MARKDOWN_TESTS} reverted",
    ),
    check(
        "refusing the workspace of another release",
        NOTES_WORKSPACE,
        '(release["name"], release["version"], release["serial"]) != label[1:]',
        f"{NOTES_TESTS} workspace_of_another_release",
    ),
    check(
        "refusing the workspace of another build",
        NOTES_WORKSPACE,
        "trees.get(component.name) not in (None, _record.tree_digest(component.entries))",
        f"{NOTES_TESTS} another_build",
    ),
    check(
        "telling that the commit before is not known",
        NOTES_WORKSPACE,
        "not is_known",
        f"{NOTES_TESTS} tells_no_commit",
    ),
    check(
        "counting from no other application",
        NOTES_BASELINE,
        "label.name != wanted.name",
        f"{NOTES_TESTS} nothing_is_known",
    ),
    Mutant(
        "counting from what was before where a release is live",
        NOTES_BASELINE,
        "if label.digest != wanted.digest:",
        "if True:",
        f"{NOTES_TESTS} live_already",
    ),
    Mutant(
        "telling old hosts no history that is new to others",
        NOTES_BASELINE,
        "return known or [",
        "return known + [",
        f"{NOTES_TESTS} without_a_release_does",
    ),
    check(
        "making no note where nothing is known",
        NOTES_BASELINE,
        "all(baseline.why == UNKNOWN for baseline in found)",
        f"{NOTES_TESTS} nothing_is_known",
    ),
    check(
        "believing no answer of an earlier run",
        NOTES_BASELINE,
        "host not in now",
        "unit/filter/test_releases_live.py",
    ),
    Mutant(
        "believing build notes of keys that are trusted",
        NOTES_CHAIN,
        "_attachments.read(self._library, label, self._known)",
        "_attachments.read(self._library, label, None)",
        f"{NOTES_TESTS} nobody_trusted",
    ),
    Mutant(
        "holding build notes to their schema",
        NOTES_CHAIN,
        "elif _is_whole(found.predicate, label):",
        "elif True:",
        f"{NOTES_TESTS} malformed",
    ),
    Mutant(
        "telling releases that have no build note",
        NOTES_CHAIN,
        'lacks.append(f"{_called(label)}: {self._problems[label.digest]}")',
        "pass",
        f"{NOTES_TESTS} without_a_note",
    ),
    Mutant(
        "leaving out what comes and goes",
        NOTES_CHAIN,
        "            if self._counts[key]",
        "",
        f"{NOTES_TESTS} comes_and_goes",
    ),
    Mutant(
        "going back to what two releases have in common",
        NOTES_CHAIN,
        "taken_back = _until(after, common), _until(before, common)",
        "taken_back = _until(after, common), []",
        f"{NOTES_TESTS} going_back",
    ),
    Mutant(
        "telling that build notes are not verified",
        "plugin_utils/notes/_composition.py",
        "if self._known is None and any(releases.values()):",
        "if False:",
        f"{NOTES_TESTS} nobody_trusted",
    ),
    Mutant(
        "reading no bill without end",
        "plugin_utils/notes/_dependencies.py",
        "if depth < MOST_DEEP:",
        "if True:",
        "unit/plugin_utils/notes/test_dependencies.py some_depth",
    ),
)

AT_ONE_MOMENT = (
    Mutant(
        "looking again where the run that switched had its token before",
        ROOT,
        "self.read_state().as_read != state.as_read",
        "self.read_state().token != state.token",
        f"{MEANWHILE_TESTS} before_a_run_staged",
    ),
    Mutant(
        "looking again where everything was removed",
        ROOT,
        " or not self.is_there():\n            raise Moved",
        ":\n            raise Moved",
        f"{MEANWHILE_TESTS} deployed_anew",
    ),
    Mutant(
        "knowing the record that was written from the one before",
        ROOT,
        "        state.as_read = _canonical.sha256_hex(data)\n",
        "",
        f"{MEANWHILE_TESTS} record_of_its_own",
    ),
    Mutant(
        "telling that everything was removed where the lock was",
        ROOT,
        "        except FileNotFoundError:\n            self._check_there()\n            raise\n",
        "        except FileNotFoundError:\n            raise\n",
        f"{MEANWHILE_TESTS} waited_while_everything",
    ),
    Mutant(
        "looking again where the folders to be made have no place any more",
        ROOT,
        "        if root.is_there():\n            raise\n        raise Moved from None\n",
        "        raise\n",
        f"{MEANWHILE_TESTS} two_runs_that_remove",
    ),
    Mutant(
        "removing a drop again that somebody sent to meanwhile",
        "module_utils/deployment/_drop.py",
        "if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):",
        "if True:",
        f"{MEANWHILE_TESTS} sends_to_it",
    ),
)

BUILDS_TOLD = "plugin_utils/events/_recorder_builds.py"
BUILDS_TOLD_TESTS = "unit/plugin_utils/events/test_report_of_builds.py"

TOLD_OF_BUILDS = (
    Mutant(
        "telling a build that failed from one that was whole",
        "plugin_utils/events/_build_facts.py",
        'status == "ok" and bool(result.get("built"))',
        'bool(result.get("built"))',
        f"{BUILDS_TOLD_TESTS} no_build_of_one_that_failed",
    ),
    Mutant(
        "passing over in the report what was sealed and not built",
        BUILDS_TOLD,
        "if not workspace or (",
        "if (",
        f"{BUILDS_TOLD_TESTS} not_built",
    ),
    check(
        "telling what a build was interrupted in",
        RECORDER,
        "isinstance(latest, tuple)",
        f"{BUILDS_TOLD_TESTS} lines_that_are_true",
    ),
)

IN_NOTES_AND_EVIDENCE = (
    Mutant(
        "keeping what is secret out of a CI job's address",
        "plugin_utils/notes/_ci.py",
        'url = _provenance.shown(str(url or ""))',
        'url = str(url or "")',
        "unit/plugin_utils/notes/test_ci.py no_secret",
    ),
    Mutant(
        "leaving out a CI job's address that is none",
        "plugin_utils/notes/_ci.py",
        'return url if PLAIN.fullmatch(url) else ""',
        "return url",
        "unit/plugin_utils/notes/test_ci.py no_address",
    ),
    Mutant(
        "cutting the query from the address of a repository",
        "module_utils/building/_checkout.py",
        'plain = re.split("[?#]", _command.shown(',
        'plain = re.split("(?!)", _command.shown(',
        f"{CHECKOUT_TESTS} cloned_from",
    ),
    Mutant(
        "naming the address of a repository at a path in provenance",
        "plugin_utils/evidence/_provenance.py",
        'shown(origin.get("address") or origin["place"])',
        'shown(origin["place"])',
        "unit/plugin_utils/evidence/test_provenance.py told_by_its_address",
    ),
    Mutant(
        "warning of no more findings than a terminal takes",
        "action/release_notes.py",
        "for line in findings[:MOST_WARNINGS]]",
        "for line in findings]",
        "unit/action/test_release_notes.py is_a_warning",
    ),
    check(
        "demanding of a note that is kept that it has all packages",
        "plugin_utils/notes/_composition.py",
        "not self._may_lack_packages",
        f"{NOTES_TESTS} nobody_keeps",
    ),
    check(
        "telling that a source has no commits",
        BUILD_NOTE,
        "kind in NO_COMMITS and any(component[key] for key in CHANGES)",
        f"{BUILD_NOTE_TESTS} without_a_repository",
    ),
)

BEFORE_A_BUILD = (
    Mutant(
        "masking each line of a secret",
        BUILD_STEPS,
        ", *map(str.strip, secret.splitlines()))",
        ")",
        f"{STEPS_TESTS} several_lines",
    ),
    Mutant(
        "showing steps' words without what deceives",
        SUPERVISOR,
        "lines = list(map(_commits.shown, building.masked(error.tail).splitlines()))",
        "lines = building.masked(error.tail).splitlines()",
        f"{BUILD_TESTS} deceives",
    ),
    Mutant(
        "looking for scripts before a build",
        SUPERVISOR,
        '_script_digests.find(plan["folder"], plan["scripts"])',
        "pass",
        f"{BUILD_TESTS} scripts_that_are_not_there",
    ),
    check(
        "refusing what cannot work together before a build",
        WATCHING,
        "problems",
        f"{WATCHING_TESTS} refused_by_name",
    ),
    check(
        "warning of builds that differ",
        BUILD_ORDER,
        "differing",
        f"{BUILD_TESTS} verifying",
    ),
    Mutant(
        "warning of submodules that are left out",
        BUILD_ORDER,
        '"warnings": list(_left_out(record))',
        '"warnings": []',
        f"{SOURCES_TESTS} left_out",
    ),
    Mutant(
        "telling submodules that are left out in notes",
        BUILD_NOTE,
        "            *_left_out(builts),\n",
        "",
        f"{BUILD_NOTE_TESTS} left_out",
    ),
)

MUTANTS = (
    *ENDS_OF_RUNS,  # first, since some wait for what never comes
    *READING,
    *ON_THE_CONTROLLER,
    *STAGING_STEPS,
    *SWITCHING,
    *GOING_BACK,
    *PRUNING,
    *LEASES_AND_HEALING,
    *TRANSFERRING,
    *FORMATS,
    *SIGNING,
    *DELIVERIES,
    *AT_THE_EDGES,
    *DAMAGE_AND_LEFTOVERS,
    *MEANWHILE,
    *WHAT_IS_TOLD,
    *ARCHIVES,
    *FAULTS,
    *AGAINST_GOING_BACK,
    *SECRETS,
    *UNDER_ATTACK,
    *OVERTAKING,
    *FUZZED,
    *EVIDENCE,
    *BUILDING,
    *SEALING_BUILDS,
    *COMPATIBLE,
    *REGISTRIES,
    *NOTES,
    *AT_ONE_MOMENT,
    *TOLD_OF_BUILDS,
    *IN_NOTES_AND_EVIDENCE,
    *BEFORE_A_BUILD,
)
