# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is altered of a release, in the library, on its way or on a host, is noticed and named.

Bytes that cannot matter stand in tables, each with the reason; every other one must be noticed.
"""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.root import _directory
from ansible_collections.itops.release.tests.faults import sweeping, tampering
from ansible_collections.itops.release.tests.faults.operations import look
from ansible_collections.itops.release.tests.faults.shapes import SHAPES

LIBRARY_SAMPLED, PACK_SAMPLED, HOST_SAMPLED = 60, 120, 60
USED, USED_SAMPLED = 300, 20
# What index.json says beside digests is not part of a release; who copies a library may drop it.
UNREAD_IN_INDEX = {
    "mediaType": "only other tools ask for the type of the index",
    "schemaVersion": "only other tools ask for the version of the index",
    "manifests.*.mediaType": "what a digest leads to tells its type itself",
    "manifests.*.artifactType": "a release is also known by its tag",
    "manifests.*.size": "the digest decides, and is of all bytes",
    "manifests.*.annotations.org.opencontainers.image.created": "a time, for retention by age",
    "manifests.*.annotations.org.opencontainers.image.ref.name": "a release has its name within",
}
UNREAD_FILES = {
    "library/oci-layout": "it is there for other tools, and is what writers lock",
    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a": "the empty document {}, "
    "which OCI wants where something is attached",
    ".release/lock": "it says in words who locked last, for a line; the lock is the kernel's",
    "/shared/": "it outlives releases, and is the service's own",
    "/var/db": "it is listed as writable: the service may change it",
}
GZIP_IS_LOOSE = {
    3: "a flag that says that it is probably text",
    **dict.fromkeys(range(4, 8), "gzip's time"),
    8: "how hard it was compressed",
    9: "on which system it was compressed",
    -9: "what fills the last byte of what is compressed; a sum and a size of 8 bytes follow it",
}


@pytest.fixture
def target(tmp_path):
    return tampering.Target(tmp_path)


@pytest.fixture(scope="module")
def live_target(tmp_path_factory):
    """Return a Target whose second release is live: what is changed of it is mended each time."""
    made = tampering.Target(tmp_path_factory.mktemp("live"))
    made.go_live()
    return made


@pytest.fixture
def flipped(record_property):
    """Record how many bits were flipped, and how many of those cannot matter."""

    def record(where, count, loose=0):
        record_property("swept", [where, "FLIP", count])
        record_property("loose", [where, loose])

    return record


def unread(path):
    """Return why nobody reads the file *path*, None where somebody does."""
    return next((why for end, why in UNREAD_FILES.items() if end in str(path)), None)


def test_a_byte_that_is_flipped_in_the_library_is_refused_or_found(
    target, every_point, flipped, tmp_path
):
    target.leave_one()
    missed, count, loose = [], 0, 0
    for path in tampering.files_below(tmp_path / "library"):
        data = path.read_bytes()
        for offset, altered in tampering.flips(data, None if every_point else LIBRARY_SAMPLED):
            path.write_bytes(altered)
            line = target.noticed_in_library()
            count += 1
            if line is None:
                loose += 1
                missed += [] if is_loose_in_library(path, data, altered) else [(path, offset)]
        path.write_bytes(data)

    flipped("library", count, loose)
    assert missed == []


def is_loose_in_library(path, data, altered):
    """Tell whether no release is another one by what was altered in the file *path*.

    How a layer is compressed is transport: what it holds is compared with the manifest.
    """
    if unread(path):
        return True
    if path.name == "index.json":
        return tampering.keys_changed(data, altered) <= UNREAD_IN_INDEX.keys()
    return data[:4] == tampering.ZSTD and tampering.unpacked(data) == tampering.unpacked(altered)


@pytest.mark.parametrize("part", ["as it travels", "its manifest and contents"])
def test_a_byte_that_is_flipped_on_the_way_is_refused(target, every_point, flipped, part):
    header, inner = tampering.uncompressed(target.pack)
    most = None if every_point else PACK_SAMPLED
    as_it_travels = part == "as it travels"
    if as_it_travels:
        sent = tampering.flips(target.pack, most)
    else:  # without gzip's own sum, which would hide all others
        sent = (
            (offset, tampering.compressed(header, data))
            for offset, data in tampering.flips(inner, most)
        )
    before = look(target.host.root / "current")
    missed, count, loose = [], 0, 0
    for offset, pack in sent:
        count += 1
        if target.noticed_on_the_way(pack) is None:
            loose += 1
            ends = (offset - len(header), offset - len(target.pack))
            missed += [] if as_it_travels and GZIP_IS_LOOSE.keys() & ends else [offset]

    flipped(f"pack, {part}", count, loose)
    assert missed == []
    assert look(target.host.root / "current") == before


def test_a_byte_that_is_flipped_on_a_host_is_found_or_mended_before_it_goes_live(
    target, every_point, flipped
):
    target.go_live()
    unnoticed, count = [], 0
    for path in tampering.files_below(target.host.root):
        data = path.read_bytes()
        for _offset, altered in tampering.flips(data, None if every_point else HOST_SAMPLED):
            path.write_bytes(altered)
            count += 1
            if target.noticed_on_host() is None:
                unnoticed.append((path, altered))
        path.write_bytes(data)

    held = [item for item in unnoticed if not (unread(item[0]) or is_torn(*item))]
    flipped("host", count, len(unnoticed) - len(held))
    assert [path for path, _altered in held if not is_held_for_later(target, path)] == []
    used = sweeping.sampled(held, USED if every_point else USED_SAMPLED)
    problems = [(path, target.wrong_in_use(path, altered)) for path, altered in used]
    flipped("host, not live", len(used))
    assert [item for item in problems if item[1]] == []


def is_torn(path, altered):
    """Tell whether the history ends as where a process was killed in the middle of a line.

    The line is left out then, and cut off before the next one comes.
    """
    return path.name == "history.jsonl" and altered[:-1] == path.read_bytes()[:-1]


def is_held_for_later(target, path):
    """Tell whether verification may leave out the file *path*: it is of a release not live."""
    live = target.host.root / "releases" / target.host.current
    manifest = target.host.root / ".release/manifests" / target.labels["2"].digest
    remembered = (target.host.root / ".release" / name for name in ("state.json", "history.jsonl"))
    return path != manifest and path not in remembered and live not in path.parents


@pytest.mark.parametrize("name", SHAPES)
def test_whatever_is_changed_in_a_tree_is_found_named_and_mended(live_target, name, tmp_path):
    target = live_target
    tree = target.host.root / "current"
    expected = target.noticed_on_host(), look(tree)

    change, told = SHAPES[name]
    change(tree, tmp_path)

    assert target.noticed_on_host() == told
    target.host.deploy(target.labels["2"], verify=True, **tampering.SEALED)
    assert (target.noticed_on_host(), look(tree)) == expected


@pytest.mark.parametrize("target_of_link", ["releases/1-{digest}", "/etc", "releases", "nowhere"])
def test_a_current_that_leads_elsewhere_is_found_and_leads_back_or_is_left(
    live_target, target_of_link
):
    host, labels = live_target.host, live_target.labels
    current = host.root / "current"
    right = current.readlink()
    current.unlink()
    current.symlink_to(target_of_link.format(digest=labels["1"].digest[:12]))

    assert live_target.noticed_on_host() == "modified current"
    if "digest" in target_of_link:  # ours, and not what the state says
        assert host.deploy(labels["2"], **tampering.SEALED)["changed"]
    else:
        with pytest.raises(_directory.RootError, match="is not ours: nothing was touched"):
            host.deploy(labels["2"], **tampering.SEALED)
        current.unlink()
        current.symlink_to(right)
    assert live_target.noticed_on_host() is None
