# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that reads what could be damaged or hostile: what is read, by what, and how that refuses.

A later reader is one more row in the table at the end.
"""

from __future__ import annotations

import bz2
import contextlib
import functools
import gzip
import importlib
import io
import json
import lzma
import tempfile
from dataclasses import dataclass

import zstandard

from ansible_collections.itops.release.plugins.module_utils.building import _as_built, _record
from ansible_collections.itops.release.plugins.module_utils.checksums import _lines, _manifest_in
from ansible_collections.itops.release.plugins.module_utils.deployment import _look
from ansible_collections.itops.release.plugins.module_utils.errors._release_error import (
    ReleaseError,
)
from ansible_collections.itops.release.plugins.module_utils.formats import _canonical, _codec
from ansible_collections.itops.release.plugins.module_utils.release import (
    _delta,
    _layer,
    _manifest,
    _pack,
    _scan,
)
from ansible_collections.itops.release.plugins.module_utils.root import _directory, _history
from ansible_collections.itops.release.plugins.module_utils.sources import _archive, _archive_stream
from ansible_collections.itops.release.plugins.plugin_utils.building import (
    _built,
    _sealing,
    _source_hosts,
)
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file
from ansible_collections.itops.release.plugins.plugin_utils.deployment import _packs
from ansible_collections.itops.release.plugins.plugin_utils.evidence import (
    _attachments,
    _dsse,
    _keys,
    _packages,
    _sbom_file,
    _signatures,
    _statement,
    _trust,
)
from ansible_collections.itops.release.plugins.plugin_utils.library import _retention, _store
from ansible_collections.itops.release.plugins.plugin_utils.oci import _layout, _referrers
from ansible_collections.itops.release.plugins.plugin_utils.release import _about
from ansible_collections.itops.release.plugins.plugin_utils.release import _delta as _making
from ansible_collections.itops.release.tests.fakes import builds, signing
from ansible_collections.itops.release.tests.fakes.archives import LIMITS, header, tar, zipped
from ansible_collections.itops.release.tests.fakes.estate import Estate
from ansible_collections.itops.release.tests.fakes.layers import entries_of, stream_of

ONE = {"app*": "one", "lib/same": "the same", "key": "secret", "latest@": "app", "empty/": ""}
TWO = {**ONE, "app*": "two", "lib/new": "new"}
MOST_OUT = 16 * 1024 * 1024
WITH_ZSTD, WITH_XZ = 192, 256  # megabytes: what their windows may take


@dataclass(frozen=True)
class Reader:
    """What ``read(data)`` makes of bytes like the *seeds*, or refuses by one of *refusals*.

    *values* are those of the seeds that are JSON, and are changed as such, too. It may take
    *megabytes* more memory than there is taken already, and so many *seconds* of CPU.
    """

    name: str
    read: object
    refusals: tuple
    seeds: tuple
    values: tuple = ()
    megabytes: int = 64
    seconds: float = 4


class Workplace:
    """What is read by its name rather than as bytes, below *folder*: a host and a media library."""

    def __init__(self, folder):
        self.estate = Estate(folder)
        self.labels = [self.estate.seal("1", ONE, private=("key",)), self.estate.seal("2", TWO)]
        _signatures.sign(self.estate.library, self.labels[1].digest, "release", signing.signer(1))
        self.host = self.estate.host(keep=5)
        for label in self.labels:
            self.host.deploy(label)
        self.host.deploy(self.labels[0], commit=False)
        self.library = self.estate.folder / "library"
        self.index = json.loads((self.library / "index.json").read_bytes())
        self.manifests = [self.estate.library.get(label.digest).manifest for label in self.labels]

    def ours(self, name):
        """Return the path of a file of the host's root."""
        return self.host.root / ".release" / name

    def entry_of(self, word):
        """Return the first entry of the library's index that has *word* in it."""
        return next(item for item in self.index["manifests"] if word in json.dumps(item))

    def blob(self, entry):
        return self.library / "blobs/sha256" / entry["digest"].partition(":")[2]


def text_of(data):
    """Return *data* as text; what is not UTF-8 is refused where files are read."""
    return data.decode("utf-8", "replace")


def read_manifest(data):
    manifest = _manifest.parse(data, _manifest.digest_of(data))
    return _manifest.tree(manifest), _manifest.contents(manifest)


def difference_reader(base, wanted):
    """Return what reads a difference, and believes the digest of whatever comes out."""

    def read(data):
        manifest, digest = _delta.apply(base, data), _manifest.digest_of(_manifest.render(wanted))
        with contextlib.suppress(TypeError, UnicodeEncodeError):
            digest = _manifest.digest_of(_manifest.render(manifest))
        _manifest.verified(manifest, digest)

    return read


def drain(manifest):
    """Take all contents of a pack, as ``_pack.read`` wants it, and keep none."""
    del manifest
    return lambda sha256, size, chunks: [None for _chunk in chunks]


def pack_reader(place):
    base, wanted = place.labels
    held = {base.digest: place.manifests[0], None: None}

    def read(data):
        stream = io.BytesIO(data)
        header_ = _pack.read_header(stream)
        if header_.release == wanted.digest and header_.base in held:
            with _codec.reader(header_.codec, stream) as read_bytes:
                _pack.read(read_bytes, header_, wanted.digest, held[header_.base], drain)

    return read


def packs(place):
    """Return packs: whole and on top of another release, in both codecs."""
    made = []
    for codec in ("gzip", "zstd"):
        for base in (None, place.labels[0].digest):
            stream = io.BytesIO()
            _packs.write(stream, place.estate.library, place.labels[1].digest, base, codec)
            made.append(stream.getvalue())
    return tuple(made)


def unpacked(pack):
    stream = io.BytesIO(pack)
    header_ = _pack.read_header(stream)
    with _codec.reader(header_.codec, stream) as read_bytes:
        return read_bytes(MOST_OUT)


def pack_contents_reader(place):
    """Return what reads a pack that was decompressed, and believes the digest of its manifest."""
    count = len(_manifest.render(place.manifests[1]))

    def read(data):
        digest = _manifest.digest_of(data[:count])
        header_ = _pack.Header(digest, None, "gzip", count)
        _pack.read(io.BytesIO(data).read, header_, digest, None, drain)

    return read


def layer_of(place):
    """Return (entries, the tar of a component as it was packed)."""
    stored = place.estate.library.get(place.labels[1].digest)
    (component,) = stored.manifest.components
    with place.estate.library.read_layer(stored, component) as read_bytes:
        return component.entries, read_bytes(MOST_OUT)


def read_layer(entries, data):
    _layer.read(entries, io.BytesIO(data).read, lambda entry: None)


def read_public_key(data):
    _keys.parse(text_of(data))


def read_manifest_in(data):
    _manifest_in.chooser(text_of(data), True)("src/app.py")


def read_compressed(data):
    for codec in ("gzip", "zstd"):
        with contextlib.suppress(_codec.CodecError):
            with _codec.reader(codec, io.BytesIO(data)) as read_bytes:
                left = MOST_OUT
                while left > 0 and (chunk := read_bytes(_codec.CHUNK_BYTES)):
                    left -= len(chunk)


def state_reader(place):
    """Return what asks a root for its state, and foresees what calls would do with it."""
    host = place.host
    look = _look.Look(str(host.root), verify=True, runtime_paths=())

    def read(data):
        place.ours("state.json").write_bytes(data)
        json.dumps(_look.answer(look))
        for label in (None, *place.labels):
            for state in ("live", "absent", "reverted"):
                with contextlib.suppress(*REFUSALS):
                    host.answer(host.request(label, check=True, state=state))

    return read


# What the module on a host tells in a line.
OF_PACKS = (_pack.PackError, _codec.CodecError, _manifest.ManifestError)
REFUSALS = (OSError, ReleaseError)
OF_ARCHIVES = (_scan.ScanError, _codec.CodecError)


def history_reader(place):
    def read(data):
        place.ours("history.jsonl").write_bytes(data)
        with _directory.opened(str(place.host.root)) as root:
            json.dumps(_history.read(root, 1000))

    return read


def trust_reader(folder):
    def read(data):
        path = folder / "trust.yml"
        path.write_bytes(data)
        _trust.read(str(path))

    return read


def ask_library(place):
    """Ask the media library for all that it knows; what is damaged must not hide the rest."""
    library, label = place.estate.library, place.labels[1]
    library.survey()
    library.labels()
    for question in (
        lambda: library.find("shop:2"),
        lambda: library.get(label.digest),
        lambda: library.prune(_retention.Rules(1, None, ()), keep=False),
        lambda: _signatures.describe(library, label, signing.trust(release=(1, signing.key(1)))),
        lambda: _attachments.read(library, label),
    ):
        with contextlib.suppress(_layout.LibraryError):
            question()


def index_reader(place):
    def read(data):
        (place.library / "index.json").write_bytes(data)
        ask_library(place)

    return read


def document_reader(place, entry):
    """Return what reads a library in which a document stands in place of that of *entry*."""

    def read(data):
        digest = "sha256:" + _manifest.digest_of(data)
        other = {"digest": digest, "size": len(data)}
        items = [
            {**item, **other} if item["digest"] == entry["digest"] else item
            for item in place.index["manifests"]
        ]
        blob = place.blob(other)
        is_new = not blob.exists()
        blob.write_bytes(data)
        index = {**place.index, "manifests": items}
        (place.library / "index.json").write_text(json.dumps(index), encoding="utf-8")
        try:
            ask_library(place)
        finally:
            if is_new:
                blob.unlink()

    return read


def judge(data):
    """Judge a release to which *data* is attached; whatever it is, the verdict is a line."""
    line = signing.verdict(signing.trust(release=(1, signing.key(1))), data).line
    assert line.isprintable()


def read_envelope(data):
    judge(data)
    _dsse.parse(data)


def read_statement(data):
    judge(_dsse.render(signing.envelope(1, payload=data)))
    _statement.parse(data)


def read_evidence(data):
    """Read a statement that a known key signed, and an envelope that nobody vouches for."""
    known = {signing.public_key(1).fingerprint: signing.public_key(1)}
    signed = _dsse.render(signing.envelope(1, payload=data))
    for envelope, keys in ((signed, known), (data, known), (data, None)):
        attached = _referrers.Attached("sha256:" + "0" * 64, envelope, {})
        found = _attachments.examine(attached, signing.LABEL, keys)
        assert found.problem.isprintable()


def bill_reader(folder):
    def read(data):
        path = folder / "bom.json"
        path.write_bytes(data)
        _sbom_file.read(str(path))

    return read


def package_reader(*paths):
    """Return what looks for packages in a tree with files that hold the same at all *paths*."""

    def read(data):
        files = dict.fromkeys(paths, data)
        for package in _packages.find(entries_of(files), stream_of(files)).packages:
            for text in (*package[:4], *package.licences):
                assert text.isprintable(), text

    return read


def read_archive(data):
    """Read an archive as the limited child does, here without it: nothing may depend on that."""
    caps = _archive.Caps(archive_bytes=len(data), **{**LIMITS, "size": MOST_OUT})
    with tempfile.TemporaryFile() as archive, tempfile.TemporaryFile() as spool:
        archive.write(data)
        archive.seek(0)
        collector = _archive.Collector(spool, _scan.Rules(), 0, caps)
        _archive_stream.read(archive, caps, collector.add)
        collector.result()


TAR = tar(
    header("a", b"content"),
    header("d/"),
    header("d/l@", "../a"),
    header("h=", "a"),
    header("é" * 90, b"x"),
    header("n" * 120, b"y", form=1),  # as GNU tar writes long names
)
RELEASE_YML = b"""\
name: shop
version: "1.0"  # as tagged
serial: 7
components:
  - {name: app, kind: files, source: src, include: ["**"], private: [key]}
  - name: vendor
    kind: archive
    source: vendor.tar.gz
    path: opt/vendor
    limits: {size: 1000000, ratio: 50}
"""
CHECKSUMS = b"".join(
    (
        b"# made by hand\n",
        b"ab" * 32 + b"  src/app\n",
        b"\\" + b"cd" * 32 + b" *a\\nb\\\\c\n",
        b"SHA512 (lib/x) = " + b"ef" * 64 + b"\n",
    )
)
MANIFEST_IN = (
    b"include *.py\nrecursive-exclude docs *.md\ngraft src\nprune build\nglobal-include x\n"
)
PACKAGES = (
    b"Metadata-Version: 2.1\nName: a\nVersion: 1\nLicense: x\n y\nClassifier: License :: MIT\n\n-",
    b"Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: b\nVersion: 2\n",
    b"Format: x\nLicense: GPL-2+\n text\n",
    b'NAME=Debian\nID="debian"\n',
)


def as_json(text):
    """Return YAML as JSON, which is YAML, too."""
    import yaml

    return json.dumps(yaml.safe_load(text)).encode("utf-8")


def table(folder):
    """Return all Readers; what they need on disk is made below *folder*."""
    place = Workplace(folder)
    return (
        *_sealed(place),
        *_on_a_host(place),
        *_written_by_people(folder),
        *_in_library(place),
        *_of_evidence(folder),
        *_of_builds(folder),
    )


def _sealed(place):
    """Return what reads a release, and what it was sealed from."""
    manifests = tuple(map(_manifest.render, place.manifests))
    difference = (_making.make(*place.manifests),)
    made, (entries, layer) = packs(place), layer_of(place)
    compressed = tuple(codec(TAR) for codec in (gzip.compress, bz2.compress, lzma.compress))
    compressed += (zstandard.compress(TAR),)
    refusals = (_manifest.ManifestError,)
    reads_layer = functools.partial(read_layer, entries)
    reads_difference = difference_reader(*place.manifests)
    zip_ = zipped({"a": b"content" * 9, "d/": b"", "d/l@": b"../a", "é": b""})
    return (
        Reader("manifest", read_manifest, refusals, manifests, manifests),
        Reader("difference of manifests", reads_difference, refusals, difference, difference),
        Reader("pack", pack_reader(place), OF_PACKS, made, (), WITH_ZSTD),
        Reader("contents of a pack", pack_contents_reader(place), OF_PACKS, (unpacked(made[0]),)),
        Reader("layer", reads_layer, (_layer.LayerError,), (layer,)),
        Reader("compressed stream", read_compressed, (), compressed[::3], (), WITH_ZSTD),
        Reader("tar", read_archive, OF_ARCHIVES, (TAR,)),
        Reader("compressed tar", read_archive, OF_ARCHIVES, compressed, (), WITH_XZ),
        Reader("zip", read_archive, OF_ARCHIVES, (zip_,)),
    )


def _on_a_host(place):
    """Return what reads what a host remembers."""
    state, history = (place.ours(name).read_bytes() for name in ("state.json", "history.jsonl"))
    states, histories = (state, without_sums(state)), (history, without_sums(history))
    return (
        Reader("state", state_reader(place), REFUSALS, states, states[1:]),
        Reader("history", history_reader(place), (_directory.RootError,), histories),
    )


def without_sums(lines):
    """Return JSON *lines* as they were written before they had sums, which end all changes."""
    plain = [json.loads(line) for line in lines.splitlines()]
    rests = [{key: item[key] for key in item if key != "sum"} for item in plain]
    return b"\n".join([*map(_canonical.dumps, rests), b""])


def record_reader(library, src, workspace):
    """Return what seals, but for the adding, what a build left by its record."""

    def read(data):
        (workspace / _record.NAME).write_bytes(data)
        host = _source_hosts.ThisMachine(str(src), "release.yml", str(workspace))
        definition = host.read()
        release = _release_file.parse(text_of(definition), "release.yml")
        release = _built.prepare(release, host, definition)
        _sealing.seal(_store.Library(str(library)), release, host.pack, keep=False)

    return read


def read_declarations(data):
    plain = _canonical.loads(data)
    if isinstance(plain, dict):
        keys = _manifest.ABOUT_RELEASE | _manifest.ABOUT_COMPONENT
        about = _manifest.about_from_plain(plain, keys)
        _about.check(_manifest.Manifest("shop", "1", 1, (), about))


def _written_by_people(folder):
    """Return what reads files that people, and other tools, write."""
    importlib.import_module("jsonschema")  # it takes a second, and else each child's
    release = as_json(RELEASE_YML)
    trust = signing.trust_text(
        release=(1, signing.key(1, not_after="2027-01-01"), signing.key(2)),
        build=(1, signing.key(3)),
    ).encode("utf-8")
    key = (signing.public_line(1).encode("ascii"),)
    refusals = (_lines.ChecksumError,)
    return (
        Reader(
            "release.yml",
            lambda data: _release_file.parse(text_of(data), "release.yml"),
            (_release_file.ReleaseFileError,),
            (RELEASE_YML, release),
            (release,),
        ),
        Reader("trust.yml", trust_reader(folder), (_trust.TrustError,), (trust,), (trust,)),
        Reader("public key", read_public_key, (_keys.KeyFormatError,), key),
        Reader("checksum file", _lines.parse, refusals, (CHECKSUMS,)),
        Reader("MANIFEST.in", read_manifest_in, refusals, (MANIFEST_IN,)),
    )


def _in_library(place):
    """Return what reads the documents of a media library, to which others may write."""
    index = ((place.library / "index.json").read_bytes(),)
    envelope = (_dsse.render(signing.envelope(1, 2)),)
    statement = (_statement.render(signing.LABEL, "release"),)
    refusals, of_statements = (_layout.LibraryError,), (_statement.StatementError,)
    named = {
        "media library's OCI manifest": place.entry_of("shop-2"),
        "media library's list of what is attached": place.entry_of("oci.image.index"),
    }
    documents = []
    for name, entry in named.items():
        seeds = (place.blob(entry).read_bytes(),)
        documents.append(Reader(name, document_reader(place, entry), refusals, seeds, seeds))
    return (
        Reader("media library's index", index_reader(place), refusals, index, index),
        *documents,
        Reader("DSSE envelope", read_envelope, (_dsse.EnvelopeError,), envelope, envelope),
        Reader("in-toto statement", read_statement, of_statements, statement, statement),
    )


def _of_evidence(folder):
    """Return what reads evidence, and what others' installers and programs wrote."""
    statements = (_statement.render_any(signing.LABEL, "urn:x", {"share": 0.5}),)
    package = {"name": "@a/b", "version": "1", "licenses": [{"type": "MIT"}]}
    packages = (json.dumps(package).encode("utf-8"),)
    part = {"type": "library", "name": "six", "licenses": [{"license": {"id": "MIT"}}]}
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [part]}
    bills, metadata = (json.dumps(bill).encode("utf-8"),), PACKAGES[0].decode("utf-8")
    reads_bill, reads_npm = bill_reader(folder), package_reader("node_modules/a/package.json")
    refusals = (_sbom_file.SbomError,)
    reads_packages = package_reader(
        *("a.dist-info/METADATA", "var/lib/dpkg/status", "etc/os-release"),
        "usr/share/doc/a/copyright",
    )
    wheels = (zipped({"a-1.dist-info/METADATA": metadata}),)
    return (
        Reader("evidence", read_evidence, (), statements, statements),
        Reader("bill of materials", reads_bill, refusals, bills, bills, 192),
        Reader("files of packages", reads_packages, (), PACKAGES),
        Reader("package.json", reads_npm, (), packages, packages),
        Reader("wheel", package_reader("a-1-py3-none-any.whl"), (), wheels),
    )


def _of_builds(folder):
    """Return what reads what a build left, and what a manifest declares of it."""
    src, workspace = folder / "shop", folder / "workspace"
    builds.commit(folder / "repository", {"ui/page": "1"})
    origin = {"git": "../repository", "revision": "main"}
    component = {"name": "web", "kind": "files", "source": "ui", "from": origin}
    release = {"name": "shop", "version": "1", "serial": 1, "components": [component]}
    src.mkdir()
    (src / "release.yml").write_bytes(json.dumps(release).encode("utf-8"))
    records = (_record.render(builds.build(src, workspace)),)
    refusals = (
        *(_as_built.AsBuiltError, _record.RecordError),
        *(_manifest.ManifestError, _sealing.SealingError),
    )
    material = {"kind": "git", "place": "../repository", "commit": "0" * 40}
    declared = {
        "materials": [material],
        "provides": {"web": "1"},
        "requires": ["api >=1"],
        "requires_hosts": {"os": ["debian"], "free_disk": 1},
        "versions": "semver",
        "scripts": {"hooks": [{"path": "hooks/a.yml", "sha256": "0" * 64}]},
    }
    about = (_canonical.dumps(declared),)
    of_declared = (_canonical.CanonicalError, _manifest.ManifestError)
    reads_record = record_reader(folder / "library of builds", src, workspace)
    return (
        Reader("record of a build", reads_record, refusals, records, records),
        Reader("declarations", read_declarations, of_declared, about, about),
    )
