# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The media library: releases in a directory of OCI image-layout form (OCI image spec 1.1)."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from typing import NamedTuple

from ..module_utils import _canonical, _codec, _manifest

RELEASE_TYPE = "application/vnd.itops.release.v1"
MANIFEST_TYPE = "application/vnd.itops.release.manifest.v1+json"
COMPONENT_TYPE = "application/vnd.itops.release.component.v1.tar"
OCI_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json"
COMPONENT_NAME = "vnd.itops.release.component"
TAG = "org.opencontainers.image.ref.name"
TITLE = "org.opencontainers.image.title"
VERSION = "org.opencontainers.image.version"
SERIAL = "vnd.itops.release.serial"
RELEASE_TAG = re.compile(r"sha256-[0-9a-f]{64}\Z")
LARGEST_DOCUMENT = 256 * 1024 * 1024
LEFTOVER_SECONDS = 24 * 3600


class LibraryError(ValueError):
    """The media library lacks what was asked for, or what it holds is damaged."""


class Label(NamedTuple):
    """What a release is called; only the digest is its identity, the rest is checked against it."""

    digest: str
    name: str
    version: str
    serial: int


class Stored(NamedTuple):
    """A release in the library: its Label, its verified Manifest, and its layers by component."""

    label: Label
    manifest: _manifest.Manifest
    layers: dict
    stored_bytes: int


class Library:
    """A media library in the directory *path*; it is made when the first release is added.

    What is read is verified against its digest before it is used. Writers take turns by a lock on
    ``oci-layout``; ``index.json`` is replaced in one step, so readers need none. A damaged release
    is in nobody's way: it can be removed by its digest, and sealing it again mends it.
    """

    def __init__(self, path):
        self.path = path

    def find(self, reference):
        """Return the Label of the release *reference*: ``name:version`` or ``sha256:<hex>``.

        This reads no more than the index and small documents, so every worker can afford it.
        """
        kind, _colon, rest = reference.partition(":")
        labels = self.labels()
        if kind == "sha256" and _manifest.DIGEST.match(rest):
            found = [label for label in labels if label.digest == rest]
        elif _manifest.NAME.match(kind) and _manifest.VERSION.match(rest):
            found = [label for label in labels if (label.name, label.version) == (kind, rest)]
        else:
            raise LibraryError(
                f"release {reference!r} is neither name:version nor sha256:<release digest>"
            )
        if not found and not os.path.isdir(self.path):
            raise LibraryError(f"there is no media library at {self.path}")
        if not found:
            self._refuse_damaged(f"sha256-{rest}" if kind == "sha256" else _tag(kind, rest))
            known = [f"{label.name}:{label.version}" for label in labels][-5:]
            there = f"the latest there are {', '.join(known)}" if known else "it has none"
            raise LibraryError(f"{self.path} has no release {reference}: {there}")
        return found[0]

    def labels(self):
        """Return the Labels of all releases that can be read, sorted by name and serial."""
        found = set()
        for descriptor in self._releases():
            with contextlib.suppress(LibraryError):
                found.add(self._label(descriptor))
        return sorted(found, key=lambda label: (label.name, label.serial, label.digest))

    def get(self, digest):
        """Return the Stored release of *digest*; LibraryError when it is missing or damaged."""
        for descriptor in self._descriptors_of(digest):
            return self._open(descriptor)
        raise LibraryError(f"{self.path} has no release sha256:{digest}")

    @contextlib.contextmanager
    def read_layer(self, stored, component):
        """Give ``read(count)`` over the tar of *component* in a Stored release."""
        descriptor = stored.layers[component.name]
        codec = descriptor["mediaType"].rpartition("+")[2]
        try:
            with open(self._blob(descriptor["digest"]), "rb") as stream:
                with _codec.reader(codec, stream) as read_bytes:
                    yield read_bytes
        except FileNotFoundError:
            raise LibraryError(
                f"{self.path}: the layer of {component.name} in {stored.manifest.name} "
                f"{stored.manifest.version} is missing"
            ) from None

    @contextlib.contextmanager
    def new_layers(self, keep):
        """Give a folder to write layers to, on the library's file system if they are to be kept."""
        if keep:
            self._create()
            self._drop_leftovers()
        with tempfile.TemporaryDirectory(
            prefix=".layers-", dir=self._blobs() if keep else None
        ) as folder:
            yield folder

    def add(self, manifest, layers, keep=True):
        """Add a release; return (its Stored form, whether it is new).

        *layers* is ``{component: (path, codec)}``; the files are taken over. A version or serial
        that is known with another digest is refused: a release is never changed afterwards. One
        that is known and damaged is mended, and counts as new. Without *keep* nothing is written.
        """
        data = _manifest.render(manifest)
        label = Label(_manifest.digest_of(data), manifest.name, manifest.version, manifest.serial)
        with self._locked() if keep else contextlib.nullcontext():
            there = self._descriptors_of(label.digest)
            if there and self._is_whole(there[0], label):
                return self._open(there[0]), False
            self._check_new(label)
            if not keep:
                sizes = [os.path.getsize(path) for path, _codec_name in layers.values()]
                return Stored(label, manifest, {}, len(data) + sum(sizes)), True
            descriptor = self._store_manifest(manifest, data, layers)
            self._sync(self._blobs())
            index = _with(self._descriptors(), label, descriptor, there)
            self._write_index(index)
            if there:
                self._drop_unused(index, there)
            return self.get(label.digest), True

    def remove(self, digest):
        """Remove a release and what only it needed; return whether it was there."""
        if not self._descriptors_of(digest):
            return False
        with self._locked():
            gone = self._descriptors_of(digest)
            digests = {item["digest"] for item in gone}
            kept = [item for item in self._descriptors() if item["digest"] not in digests]
            self._write_index(kept)
            self._drop_unused(kept, gone)
        return True

    def _store_manifest(self, manifest, data, layers):
        """Store a release's documents and layers; return the descriptor of its OCI manifest."""
        plain = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST_TYPE,
            "artifactType": RELEASE_TYPE,
            "config": self._store_bytes(data, MANIFEST_TYPE),
            "layers": [
                self._store_layer(component.name, *layers[component.name])
                for component in manifest.components
            ],
            "annotations": {
                TITLE: manifest.name,
                VERSION: manifest.version,
                SERIAL: str(manifest.serial),
            },
        }
        return {
            **self._store_bytes(_canonical.dumps(plain), OCI_MANIFEST_TYPE),
            "artifactType": RELEASE_TYPE,
        }

    def _check_new(self, label):
        """Refuse a name with a version or serial that another release has."""
        for there in self.labels():
            if there.name != label.name or there.digest == label.digest:
                continue
            for key in ("version", "serial"):
                if getattr(there, key) == getattr(label, key):
                    raise LibraryError(
                        f"{self.path} has {there.name} with {key} {getattr(there, key)} already "
                        f"(version {there.version}, serial {there.serial}), sealed from other "
                        f"contents: give this release a new {key}"
                    )
        own = {item["digest"] for item in self._descriptors_of(label.digest)}
        self._refuse_damaged(_tag(label.name, label.version), own)

    def _refuse_damaged(self, tag, but=()):
        """Raise LibraryError when a release with this *tag* cannot be read."""
        releases = {item["digest"] for item in self._releases()}.difference(but)
        for descriptor in self._descriptors():
            if _tag_of(descriptor) == tag and descriptor["digest"] in releases:
                self._label(descriptor)

    def _descriptors_of(self, digest):
        """Return the descriptors of the release *digest*; of a damaged one the tag tells it."""
        found, tag = [], f"sha256-{digest}"
        tagged = {item["digest"] for item in self._descriptors() if _tag_of(item) == tag}
        for descriptor in self._releases():
            try:
                ours = self._label(descriptor).digest == digest
            except LibraryError:
                ours = descriptor["digest"] in tagged
            if ours:
                found.append(descriptor)
        return found

    def _is_whole(self, descriptor, label):
        """Tell whether all blobs of the release that *descriptor* names are as they should be."""
        try:
            stored = self._open(descriptor)
            blobs = [layer["digest"] for layer in stored.layers.values()]
            return stored.label == label and all(map(self._is_intact, blobs))
        except (LibraryError, KeyError):
            return False

    def _is_intact(self, digest):
        try:
            return f"sha256:{_hash(self._blob(digest))[0]}" == digest
        except FileNotFoundError:
            return False

    def _releases(self):
        """Return a descriptor of each release in the index, once."""
        found = {}
        for descriptor in self._descriptors():
            # Tools that copy libraries keep the tags and may forget the type.
            typed = descriptor.get("artifactType") == RELEASE_TYPE
            if typed or RELEASE_TAG.match(_tag_of(descriptor)):
                found[descriptor["digest"]] = descriptor
        return list(found.values())

    def _label(self, descriptor):
        """Return the Label in an OCI manifest, whose bytes are checked."""
        plain = self._read_json(descriptor)
        try:
            names = plain["annotations"]
            digest = plain["config"]["digest"].partition(":")[2]
            return Label(digest, names[TITLE], names[VERSION], int(names[SERIAL]))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise LibraryError(f"{self.path}: a release in it is malformed: {error}") from None

    def _open(self, descriptor):
        label, plain = self._label(descriptor), self._read_json(descriptor)
        try:
            manifest = _manifest.parse(self._read(plain["config"]), label.digest)
            layers = {item["annotations"][COMPONENT_NAME]: item for item in plain["layers"]}
            stored_bytes = sum(item["size"] for item in [plain["config"], *plain["layers"]])
        except (KeyError, TypeError, AttributeError, _manifest.ManifestError) as error:
            raise LibraryError(f"{self.path}: a release in it is malformed: {error}") from None
        if label[1:] != (manifest.name, manifest.version, manifest.serial):
            raise LibraryError(f"{self.path}: the labels of {label.name} are not its manifest's")
        missing = {component.name for component in manifest.components} - set(layers)
        if missing:
            raise LibraryError(f"{self.path}: {manifest.name} lacks layers of {sorted(missing)}")
        return Stored(label, manifest, layers, stored_bytes)

    def _read_json(self, descriptor):
        try:
            return _canonical.loads(self._read(descriptor))
        except _canonical.CanonicalError as error:
            raise LibraryError(
                f"{self.path}: blob {descriptor['digest']} is malformed: {error}"
            ) from None

    def _read(self, descriptor):
        """Return the bytes of a blob, verified against its descriptor."""
        try:
            with open(self._blob(descriptor["digest"]), "rb") as stream:
                data = stream.read(LARGEST_DOCUMENT + 1)
        except FileNotFoundError:
            raise LibraryError(f"{self.path}: blob {descriptor['digest']} is missing") from None
        if "sha256:" + _canonical.sha256_hex(data) != descriptor["digest"]:
            raise LibraryError(f"{self.path}: blob {descriptor['digest']} is altered")
        return data

    def _descriptors(self):
        """Return the descriptors in ``index.json``."""
        try:
            with open(os.path.join(self.path, "index.json"), "rb") as stream:
                plain = _canonical.loads(stream.read())
            return [item for item in plain["manifests"] if isinstance(item["digest"], str)]
        except FileNotFoundError:
            if os.path.isdir(self.path) and self._holds_other_things():
                raise LibraryError(f"{self.path} is not a media library") from None
            return []
        except (KeyError, TypeError, _canonical.CanonicalError) as error:
            raise LibraryError(f"{self.path}/index.json is malformed: {error}") from None

    def _write_index(self, descriptors):
        plain = {"schemaVersion": 2, "mediaType": OCI_INDEX_TYPE, "manifests": descriptors}
        self._write_durably(os.path.join(self.path, "index.json"), _canonical.dumps(plain))

    def _store_bytes(self, data, media_type):
        digest = "sha256:" + _canonical.sha256_hex(data)
        if not self._is_intact(digest):
            self._write_durably(self._blob(digest), data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def _store_layer(self, component, path, codec):
        """Take the layer at *path* over as a blob and return its descriptor."""
        name, size = _hash(path, os.fsync)
        digest = "sha256:" + name
        os.chmod(path, 0o644)
        os.rename(path, self._blob(digest))
        return {
            "mediaType": f"{COMPONENT_TYPE}+{codec}",
            "digest": digest,
            "size": size,
            "annotations": {COMPONENT_NAME: component},
        }

    def _drop_unused(self, kept, gone):
        """Remove the blobs that no descriptor in *kept* leads to, now that *gone* are not there.

        Others may keep artifacts here, too: where one of them cannot be followed, only what the
        OCI manifests in *gone* name is removed.
        """
        removed = {item["digest"] for item in gone} - {item["digest"] for item in kept}
        named, _all_followed = self._follow(gone, set())
        needed, all_followed = self._follow(kept, removed)
        for name in os.listdir(self._blobs()):
            digest = f"sha256:{name}"
            ours = all_followed or digest in named
            if ours and digest not in needed and _manifest.DIGEST.match(name):
                os.unlink(os.path.join(self._blobs(), name))

    def _follow(self, descriptors, removed):
        """Return the digests that *descriptors* lead to, and whether all could be followed.

        What a signature or the like is about may be *removed* before it: that is not followed.
        """
        found, followed, waiting = set(), set(removed), list(descriptors)
        all_followed = True
        while waiting:
            descriptor = waiting.pop()
            try:
                digest = descriptor["digest"]
                if digest not in followed:
                    followed.add(digest)
                    found.add(digest)
                    parts, documents = self._parts(descriptor)
                    found.update(item["digest"] for item in parts)
                    waiting.extend(documents)
            except (LibraryError, OSError, KeyError, TypeError, AttributeError):
                all_followed = False
        return found, all_followed

    def _parts(self, descriptor):
        """Return the descriptors of the plain blobs, and of the documents, that one names."""
        plain, kind = self._read_json(descriptor), descriptor["mediaType"]
        documents = [plain["subject"]] if plain.get("subject") else []
        if kind in (OCI_MANIFEST_TYPE, DOCKER_MANIFEST_TYPE):
            return [plain["config"], *plain["layers"]], documents
        if kind in (OCI_INDEX_TYPE, DOCKER_INDEX_TYPE):
            return [], documents + plain["manifests"]
        raise LibraryError(f"{self.path}: documents of type {kind} are not known")

    def _create(self):
        self._descriptors()  # refuses a directory that is something else
        os.makedirs(self._blobs(), exist_ok=True)
        layout = os.path.join(self.path, "oci-layout")
        if not os.path.exists(layout):
            # Never replaced, since writers lock it: whoever comes first makes it.
            self._write_durably(layout, b'{"imageLayoutVersion":"1.0.0"}', give_name=_link)
        with self._locked():
            if not os.path.exists(os.path.join(self.path, "index.json")):
                self._write_index([])

    def _drop_leftovers(self):
        """Remove what sealings that were killed more than a day ago left behind."""
        with os.scandir(self._blobs()) as listing:
            left = [item for item in listing if item.name.startswith((".layers-", ".new-"))]
        for item in left:
            with contextlib.suppress(FileNotFoundError):
                if item.stat(follow_symlinks=False).st_mtime > time.time() - LEFTOVER_SECONDS:
                    continue
                if item.is_dir(follow_symlinks=False):
                    shutil.rmtree(item.path)
                else:
                    os.unlink(item.path)

    def _holds_other_things(self):
        """Tell whether the directory is neither empty nor a library that is being made."""
        names = os.listdir(self.path)
        being_made = all(name == "blobs" or name.startswith(".new-") for name in names)
        return not being_made and not os.path.exists(os.path.join(self.path, "oci-layout"))

    @contextlib.contextmanager
    def _locked(self):
        with contextlib.ExitStack() as stack:
            try:
                stream = stack.enter_context(open(os.path.join(self.path, "oci-layout"), "rb"))
            except FileNotFoundError:
                raise LibraryError(
                    f"{self.path}/oci-layout is missing: {self.path} is not a whole media library"
                ) from None
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _write_durably(self, path, data, give_name=os.rename):
        folder = os.path.dirname(path)
        handle, scratch = tempfile.mkstemp(prefix=".new-", dir=folder)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fchmod(handle, 0o644)
                os.fsync(handle)
            give_name(scratch, path)
        except BaseException:
            os.unlink(scratch)
            raise
        self._sync(folder)

    @staticmethod
    def _sync(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _blobs(self):
        return os.path.join(self.path, "blobs", "sha256")

    def _blob(self, digest):
        algorithm, _colon, name = digest.partition(":")
        if algorithm != "sha256" or not _manifest.DIGEST.match(name):
            raise LibraryError(f"{self.path}: {digest!r} is not the digest of a blob")
        return os.path.join(self._blobs(), name)


def _link(scratch, path):
    """Give the file *scratch* the name *path*, unless something has it."""
    with contextlib.suppress(FileExistsError):
        os.link(scratch, path)
    os.unlink(scratch)


def _hash(path, before_closing=None):
    """Return the SHA-256 of a file, in hex, and its size."""
    hashed = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(_codec.CHUNK_BYTES), b""):
            hashed.update(chunk)
        if before_closing:
            before_closing(stream.fileno())
        return hashed.hexdigest(), stream.tell()


def _with(index, label, descriptor, there):
    """Return the *index* with a release's *descriptor*, in place of those *there*, and its tags."""
    replaced = {item["digest"] for item in there}
    index = [{**item, **descriptor} if item["digest"] in replaced else item for item in index]
    taken = {_tag_of(item) for item in index}
    # Two names and versions can make one tag. The first has it: only others' tools look for it.
    tags = [f"sha256-{label.digest}", _tag(label.name, label.version)]
    return index + [{**descriptor, "annotations": {TAG: tag}} for tag in tags if tag not in taken]


def _tag_of(descriptor):
    annotations = descriptor.get("annotations")
    return str(annotations.get(TAG)) if isinstance(annotations, dict) else ""


def _tag(name, version):
    """Return the tag of a release, in which neither a plus sign nor a tilde is allowed."""
    return f"{name}-{re.sub('[+~]', '_', version)}"
