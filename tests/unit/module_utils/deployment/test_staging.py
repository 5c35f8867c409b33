# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Staging from a pack: whichever byte of it is wrong, nothing wrong gets a name on the host."""

from __future__ import annotations

import contextlib
import io

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _staging
from ansible_collections.itops.release.plugins.module_utils.files import _durable
from ansible_collections.itops.release.plugins.module_utils.formats import _codec
from ansible_collections.itops.release.plugins.module_utils.release import _manifest, _pack
from ansible_collections.itops.release.plugins.module_utils.root import _claim, _directory, _state
from ansible_collections.itops.release.plugins.module_utils.tree import _drift
from ansible_collections.itops.release.plugins.plugin_utils.deployment import _packs
from ansible_collections.itops.release.tests.fakes.estate import access

REFUSALS = (
    _claim.DeploymentError,
    _codec.CodecError,
    _drift.Damaged,
    _manifest.ManifestError,
    _pack.PackError,
)


@pytest.fixture
def labels(estate):
    return [estate.seal(f"{n}.0", {"app*": str(n), "lib": "same"}) for n in (1, 2, 3)]


@pytest.fixture
def host(estate, labels):
    host = estate.host()
    host.deploy(labels[0])
    return host


@pytest.fixture
def root(host):
    stack = contextlib.ExitStack()
    yield stack.enter_context(_directory.opened(str(host.root)))
    stack.close()


@pytest.fixture
def stage(host, root, labels):
    """Return stage(pack), which stages 2.0 from the bytes *pack* on a host where 1.0 is live."""
    claim = _claim.Claim(root, "the test's run", host.now, 1)
    claim.take(access())

    def stage(data):
        return _staging.stage(claim, _state.Release(**labels[1]._asdict()), False, io.BytesIO(data))

    stage.host = host
    return stage


def pack(estate, wanted, base=None, codec="gzip"):
    path = estate.folder / "pack"
    with open(path, "wb") as stream:
        _packs.write(stream, estate.library, wanted.digest, base and base.digest, codec)
    return path.read_bytes()


def nothing_was_published(host):
    return len(host.trees) == 1 and host.drift() == [] and host.read("app") == "1"


def test_a_pack_gets_its_tree(estate, stage, labels):
    assert stage(pack(estate, labels[1])) == stage.host.tree_of(labels[1])
    assert stage.host.drift(stage.host.tree_of(labels[1])) == []
    assert stage.host.read("app") == "1"


@pytest.mark.parametrize("upon", [None, 0], ids=["whole", "difference"])
def test_a_pack_altered_in_any_byte_is_refused(estate, stage, labels, upon):
    whole = pack(estate, labels[1], None if upon is None else labels[upon])
    accepted = []

    for at in range(len(whole)):
        altered = whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :]
        try:
            accepted.append(stage(altered))
        except REFUSALS:
            assert nothing_was_published(stage.host) or accepted, at

    # A few bits of gzip's say nothing about what it holds, such as the time in its header.
    assert len(accepted) < 10
    assert all(stage.host.drift(tree) == [] for tree in accepted)
    assert sorted(accepted) == sorted(set(stage.host.trees) - {stage.host.tree_of(labels[0])})


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_pack_cut_anywhere_is_refused(estate, stage, labels, codec):
    whole = pack(estate, labels[1], codec=codec)

    for end in range(0, len(whole), 7):
        with pytest.raises(REFUSALS):
            stage(whole[:end])
        assert nothing_was_published(stage.host), end


def test_a_run_that_is_overtaken_while_it_unpacks_keeps_nothing(estate, stage, labels, monkeypatch):
    real = _durable.barrier

    def overtaken(directory):
        with _directory.opened(str(stage.host.root)) as root:
            _claim.Claim(root, "another run", stage.host.now, 1, "the test's run").take(access())
        return real(directory)

    monkeypatch.setattr(_durable, "barrier", overtaken)
    before = {path.name for path in (stage.host.root / ".release/manifests").iterdir()}

    with pytest.raises(_claim.Overtaken, match="was taken over by another run; this run stopped"):
        stage(pack(estate, labels[1], labels[0]))

    assert nothing_was_published(stage.host)
    assert {path.name for path in (stage.host.root / ".release/manifests").iterdir()} == before


def test_what_lies_where_a_manifest_belongs_gives_way(estate, stage, labels):
    there = stage.host.root / ".release/manifests" / labels[1].digest
    (there / "deep").mkdir(parents=True)

    tree = stage(pack(estate, labels[1]))

    assert stage.host.drift(tree) == []


def test_a_pack_that_goes_on_is_refused(estate, stage, labels):
    whole = pack(estate, labels[1])

    for more in (b"\0", whole, b"x" * 100_000):
        with pytest.raises(_codec.CodecError, match="behind the end"):
            stage(whole + more)
    assert nothing_was_published(stage.host)


def test_a_pack_of_another_release_is_refused(estate, stage, labels):
    with pytest.raises(_pack.PackError, match="brings another release than was asked for"):
        stage(pack(estate, labels[2]))
    lying = pack(estate, labels[2]).replace(labels[2].digest.encode(), labels[1].digest.encode())
    with pytest.raises(_manifest.ManifestError, match="does not match its digest"):
        stage(lying)
    assert nothing_was_published(stage.host)


def test_a_pack_upon_a_release_that_is_not_here_is_refused(estate, stage, labels):
    with pytest.raises(_drift.Damaged):
        stage(pack(estate, labels[1], labels[2]))
    assert nothing_was_published(stage.host)


def test_a_pack_in_a_newer_format_is_refused(estate, stage, labels):
    newer = pack(estate, labels[1]).replace(b'"format":1', b'"format":2')

    with pytest.raises(_pack.PackError, match="has format 2; this host's code reads 1"):
        stage(newer)
    assert nothing_was_published(stage.host)


def test_a_release_that_is_called_otherwise_is_refused(estate, stage, labels):
    labels[1] = labels[1]._replace(version="9.9")

    with pytest.raises(_claim.DeploymentError, match=r"is not shop 9\.9"):
        stage(pack(estate, labels[1]))
    assert nothing_was_published(stage.host)
