# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases in a media library: found by name, version or digest, and verified when read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from ...module_utils.formats import _codec
from ...module_utils.release import _manifest
from ..oci import _index, _referrers
from ..oci._index import Descriptor
from ..oci._layout import LibraryError
from ..release import _about
from ..release._stored import Label, Stored
from . import _layout_at

COMPONENT_NAME = "vnd.itops.release.component"
TITLE = "org.opencontainers.image.title"
VERSION = "org.opencontainers.image.version"
SERIAL = "vnd.itops.release.serial"
NAMED = 5  # so many releases, or names, are told where there is none as asked for


class Entry(NamedTuple):
    """A release as the index has it.

    *descriptor* is that of its OCI manifest. Of a damaged release, *label* is None, *damage* tells
    what is wrong, and only a tag still tells the release digest, if at all. *created* is when it
    was sealed into this library, in UTC, as RFC 3339 has it, "" when that is not known.
    """

    descriptor: Descriptor
    digest: str | None
    label: Label | None
    damage: str
    tags: frozenset[str]
    pinned: bool
    created: str

    @property
    def called(self) -> str:
        """How people call the release: ``name:version``, else a tag, else its digest."""
        if self.label:
            return f"{self.label.name}:{self.label.version}"
        tags = [tag for tag in sorted(self.tags) if not _index.RELEASE_TAG.match(tag)]
        return next(filter(None, tags), f"sha256:{self.digest}")


class Damaged(NamedTuple):
    """A release that cannot be read: what is still known of it, and what is wrong."""

    digest: str | None
    name: str | None
    version: str | None
    serial: int | None
    called: str
    pinned: bool
    reason: str


class Catalogue:
    """The releases in the media library at *path*. A damaged one is in nobody's way."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.layout = _layout_at.open_layout(path)

    def find(self, reference: str) -> Label:
        """Return the Label of the release *reference*: ``name:version`` or ``sha256:<hex>``.

        This reads no more than the index and small documents, so every worker can afford it.
        """
        wanted = parse_reference(reference)
        name = None if isinstance(wanted, str) else wanted[0]
        tag = _index.digest_tag(wanted) if isinstance(wanted, str) else _index.name_tag(*wanted)
        for tags in ([tag], None):  # its tag may be another's, or not have been copied
            entries = self.entries(tags)
            for label in _labels(entries):
                if wanted in (label.digest, (label.name, label.version)):
                    return label
        if not self.layout.exists():
            raise LibraryError(f"media_library {self.path} does not exist")
        refuse_damaged(entries, tag)
        there = _what_there_is(_labels(entries), name)
        raise LibraryError(f"{self.path} has no release {reference}: {there}")

    def labels(self) -> list[Label]:
        """Return the Labels of all releases that can be read, sorted by name and serial."""
        return _labels(self.entries())

    def holds(self, digest: str) -> bool:
        """Tell whether the release *digest* is there, can be read, and is found by its tag."""
        entries = self.entries([_index.digest_tag(digest)])
        return any(entry.label and entry.digest == digest for entry in entries)

    def get(self, digest: str) -> Stored:
        """Return the Stored release of *digest*; LibraryError when it is missing or damaged."""
        for entry in self.entries_of(digest):
            try:
                return self.open(entry)
            except LibraryError:
                self._refuse_removed(digest)
                raise
        raise LibraryError(f"{self.path} has no release sha256:{digest}")

    def document(self, digest: str) -> bytes:
        """Return the bytes of the manifest of the release *digest*, without reading what is in it.

        They hash to *digest*. LibraryError when they are missing or damaged.
        """
        for entry in self.entries_of(digest):
            if entry.label:
                return self.layout.read(self.layout.read_json(entry.descriptor)["config"])
            raise LibraryError(entry.damage)
        raise LibraryError(f"{self.path} has no release sha256:{digest}")

    def survey(self) -> tuple[list[Stored], list[Damaged]]:
        """Return all releases: the Stored ones, sorted by name and serial, and the Damaged."""
        stored, damaged = [], []
        for entry in self.entries():
            try:
                stored.append(self.open(entry))
            except LibraryError as error:
                damaged.append(_damaged(entry, str(error)))
        return sorted(stored, key=lambda item: _order(item.label)), damaged

    @contextlib.contextmanager
    def read_layer(
        self, stored: Stored, component: _manifest.Component
    ) -> Iterator[Callable[[int], bytes]]:
        """Give ``read(count)`` over the tar of *component* in a Stored release."""
        descriptor = stored.layers[component.name]
        codec = descriptor["mediaType"].rpartition("+")[2]
        try:
            with open(self.layout.bring(descriptor), "rb") as stream:
                with _codec.reader(codec, stream) as read_bytes:
                    yield read_bytes
        except FileNotFoundError:
            self._refuse_removed(stored.label.digest)
            raise LibraryError(
                f"{self.path}: the layer of {component.name} in {stored.manifest.name} "
                f"{stored.manifest.version} is missing"
            ) from None

    def attached(self, digest: str, kind: str, limit: int) -> list[_referrers.Attached]:
        """Return what is attached to the release *digest* in documents of type *kind*.

        Each is an Attached; one that is larger than *limit* bytes counts as damaged.
        """
        subjects = {entry.descriptor["digest"] for entry in self.entries_of(digest)}
        index = self.layout.attaching(subjects)
        return _referrers.read(self.layout, index, subjects, kind, limit)

    def entries(self, tags: Collection[str] | None = None) -> list[Entry]:
        """Return an Entry for each release in the index, or at least for those with one of *tags*.

        An Entry then may not tell all tags of the release.
        """
        found: dict[str, list[Descriptor]] = {}
        for descriptor in self.layout.descriptors(tags):
            found.setdefault(descriptor["digest"], []).append(descriptor)
        return [entry for entry in map(self._entry, found.values()) if entry]

    def entries_of(self, digest: str) -> list[Entry]:
        """Return the Entries of the release *digest*: of more than one form of its layers, too."""
        for tags in ([_index.digest_tag(digest)], None):
            entries = [entry for entry in self.entries(tags) if entry.digest == digest]
            if entries:
                break
        return entries

    def open(self, entry: Entry) -> Stored:
        """Return the Stored release of an Entry; LibraryError when it is damaged."""
        if entry.label is None:
            raise LibraryError(entry.damage)
        label, plain = entry.label, self.layout.read_json(entry.descriptor)
        try:
            manifest = _manifest.parse(self.layout.read(plain["config"]), label.digest)
            _about.check(manifest)
            layers = {item["annotations"][COMPONENT_NAME]: item for item in plain["layers"]}
            stored_bytes = sum(item["size"] for item in [plain["config"], *plain["layers"]])
            for item in layers.values():
                self.layout.blob(item["digest"])
                item["mediaType"].rpartition("+")
        except _manifest.UnknownFormat as error:
            raise LibraryError(f"{self.path}: {label.name} {label.version}: {error}") from None
        except (KeyError, TypeError, AttributeError, _manifest.ManifestError) as error:
            raise LibraryError(f"{self.path}: a release in it is malformed: {error}") from None
        if label[1:] != (manifest.name, manifest.version, manifest.serial):
            raise LibraryError(f"{self.path}: the labels of {label.name} are not its manifest's")
        missing = {component.name for component in manifest.components} - set(layers)
        if missing:
            raise LibraryError(f"{self.path}: {manifest.name} lacks layers of {sorted(missing)}")
        return Stored(label, manifest, layers, stored_bytes, entry.pinned)

    def _entry(self, descriptors: list[Descriptor]) -> Entry | None:
        """Return the Entry of the OCI manifest that all *descriptors* name; None of other things.

        Tools that copy libraries keep the tags and may forget the type.
        """
        tags = frozenset(map(_index.tag_of, descriptors))
        digests = [match.group(1) for match in map(_index.RELEASE_TAG.match, sorted(tags)) if match]
        typed = any(item.get("artifactType") == _index.RELEASE_TYPE for item in descriptors)
        if _referrers.is_list(descriptors[-1]) or (not typed and not digests):
            return None
        try:
            label, damage = self._label(descriptors[-1]), ""
            digests = [label.digest]
        except LibraryError as error:
            label, damage = None, str(error)
        return Entry(
            descriptor=descriptors[-1],
            digest=digests[0] if digests else None,
            label=label,
            damage=damage,
            tags=tags,
            pinned=_index.is_pinned(descriptors),
            created=_index.created(descriptors),
        )

    def _label(self, descriptor: Descriptor) -> Label:
        """Return the Label in an OCI manifest, whose bytes are checked."""
        plain = self.layout.read_json(descriptor)
        try:
            names = plain["annotations"]
            digest = plain["config"]["digest"].partition(":")[2]
            return Label(digest, str(names[TITLE]), str(names[VERSION]), int(names[SERIAL]))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise LibraryError(f"{self.path}: a release in it is malformed: {error}") from None

    def _refuse_removed(self, digest: str) -> None:
        """Raise LibraryError when the release is not in the index any more."""
        if not self.entries_of(digest):
            raise LibraryError(
                f"{self.path}: release sha256:{digest} was removed from it meanwhile"
            ) from None


def parse_reference(reference: str) -> str | tuple[str, str]:
    """Return the release digest, or (name, version), that *reference* names."""
    kind, _colon, rest = reference.partition(":")
    if kind == "sha256":
        if _manifest.DIGEST.match(rest):
            return rest
    elif _manifest.NAME.match(kind) and _manifest.VERSION.match(rest):
        return kind, rest
    raise LibraryError(f"release {reference!r} is neither name:version nor sha256:<release digest>")


def refuse_damaged(entries: Iterable[Entry], wanted: str) -> None:
    """Raise LibraryError when a release with the tag *wanted* cannot be read."""
    for entry in entries:
        if entry.damage and wanted in entry.tags:
            raise LibraryError(entry.damage)


def _what_there_is(labels: list[Label], name: str | None) -> str:
    """Return in words what could be meant instead: of an application *name*, or of any."""
    names = list(dict.fromkeys(label.name for label in labels))
    if not names:
        return "it has none"
    if name and name not in names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return f"there is nothing of that name, but of {', '.join(names[:NAMED])}{more}"
    known = [label for label in labels if name in (None, label.name)][-NAMED:]
    return "the latest there are " + ", ".join(f"{each.name}:{each.version}" for each in known)


def _damaged(entry: Entry, reason: str) -> Damaged:
    """Return what is known of an Entry whose release cannot be read, for a *reason*."""
    return Damaged(
        digest=entry.digest,
        name=entry.label.name if entry.label else None,
        version=entry.label.version if entry.label else None,
        serial=entry.label.serial if entry.label else None,
        called=entry.called,
        pinned=entry.pinned,
        reason=reason,
    )


def _labels(entries: Iterable[Entry]) -> list[Label]:
    return sorted({entry.label for entry in entries if entry.label}, key=_order)


def _order(label: Label) -> tuple[str, int, str]:
    return label.name, label.serial, label.digest
