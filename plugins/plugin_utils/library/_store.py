# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The media library: how releases come into it, are pinned in it, and go."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import NamedTuple

from ...module_utils.formats import _canonical
from ...module_utils.release import _manifest
from ..oci import _index, _layout, _referrers
from ..oci._index import Descriptor
from ..oci._layout import LibraryError
from ..release._stored import Label, Stored
from . import _catalogue, _garbage, _retention
from ._catalogue import Entry

MANIFEST_TYPE = "application/vnd.itops.release.manifest.v1+json"
ATTEMPTS = 3  # to attach something to a release to which others attach, too
COMPONENT_TYPE = "application/vnd.itops.release.component.v1.tar"


class Pruned(NamedTuple):
    """What pruning removes: Labels; what it keeps: ``{Label: reasons}``; and the bytes freed.

    *damaged* are the Entries of releases that cannot be read, which stay as they are.
    """

    removed: list[Label]
    kept: dict[Label, list[str]]
    damaged: list[Entry]
    freed_bytes: int
    changed: bool


class Library(_catalogue.Catalogue):
    """A media library in the directory *path*, made when the first release is added; or in a
    registry, for ``oci://host/name``.

    Sealing a damaged release again mends it. *now* returns the time, as an aware datetime.
    Without *keep*, nothing is written by any method: each does all the rest, and answers as ever.
    """

    def __init__(
        self, path: str, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
    ) -> None:
        super().__init__(path)
        self._now = now

    @contextlib.contextmanager
    def new_layers(self, keep: bool) -> Iterator[str]:
        """Give a folder to write layers to, on the library's file system if they are to be kept."""
        if keep:
            self.layout.create()
            for path in self.layout.leftovers():
                _layout.remove(path)
        with tempfile.TemporaryDirectory(
            prefix=".layers-", dir=self.layout.blobs if keep else None
        ) as folder:
            yield folder

    def add(
        self, manifest: _manifest.Manifest, layers: Mapping[str, tuple[str, str]], keep: bool = True
    ) -> tuple[Stored, bool]:
        """Add a release; return (its Stored form, whether it is new).

        *layers* is ``{component: (path, codec)}``; the files are taken over. A version or serial
        that is known with another digest is refused: a release is never changed afterwards. One
        that is known and damaged is mended, and counts as new.
        """
        data = _manifest.render(manifest)
        label = Label(_manifest.digest_of(data), manifest.name, manifest.version, manifest.serial)
        with self._turn(keep):
            there = self.entries_of(label.digest)
            if there and self._is_whole(there[0], label):
                return self.open(there[0]), False
            entries = self.entries()
            self._check_new(label, entries)
            if not keep:
                sizes = [os.path.getsize(path) for path, _codec_name in layers.values()]
                return Stored(label, manifest, {}, len(data) + sum(sizes)), True
            self._enter(label, self._store(manifest, data, layers), entries)
            return self.get(label.digest), True

    def remove(self, digest: str, keep: bool = True) -> bool:
        """Remove a release and what only it needed; return whether it was there."""
        if not self.entries_of(digest):
            return False
        with self._turn(keep):
            entries = self.entries()
            gone = [entry for entry in entries if entry.digest == digest]
            for entry in gone:
                if entry.pinned:
                    raise LibraryError(f"{self.path}: {entry.called} is pinned: unpin it first")
            if keep:
                before = self.layout.descriptors()
                index, attached = self._without(gone, before)
                doomed = self._unneeded(index, entries, gone, attached)
                self._commit(index, before, doomed)
        return True

    def attach(
        self,
        digest: str,
        kind: str,
        data: bytes,
        notes: Mapping[str, str],
        media_type: str | None = None,
    ) -> None:
        """Attach the document *data*, of type *kind*, to a release; *notes* are for other tools.

        *media_type* is that of its bytes where it is not *kind*, such as that of an envelope.

        It goes when the release goes, and stays with it in every other case.
        """
        with self.layout.locked():
            entries = self.entries_of(digest)
            if not entries:
                raise LibraryError(f"{self.path} has no release sha256:{digest}")
            subject = entries[0].descriptor
            for attempt in range(1, ATTEMPTS + 1):
                before = self.layout.attaching({subject["digest"]})
                index = _referrers.attach(
                    self.layout, before, subject, kind, data, notes, media_type
                )
                try:
                    return self.layout.write_index(index, before)
                except _layout.Overtaken:
                    if attempt == ATTEMPTS:
                        raise

    def pin(self, digest: str, pinned: bool, keep: bool = True) -> bool:
        """Have a release *pinned*, or not; return whether that changed anything."""
        if not self.layout.keeps_notes:
            raise LibraryError(f"{self.path}: a registry has no room for marks: none was changed")
        if not self.entries_of(digest):
            raise LibraryError(f"{self.path} has no release sha256:{digest}")
        with self._turn(keep):
            entries = self.entries_of(digest)
            changed = any(entry.pinned != pinned for entry in entries)
            if changed and keep:
                index = self.layout.descriptors()
                self.layout.write_index(_index.with_pin(index, _digests(entries), pinned))
        return changed

    def prune(self, rules: _retention.Rules, keep: bool = True) -> Pruned:
        """Remove the releases that no rule of the Rules keeps; return what was Pruned.

        What a killed pruning or sealing left is removed, too. Damaged releases stay.
        """
        if rules.min_age_days is not None and not self.layout.keeps_notes:
            raise LibraryError(
                f"{self.path}: a registry does not tell since when it has a release: leave "
                "min_age_days (prune_min_age_days of the playbook) out"
            )
        if not self.layout.exists():
            raise LibraryError(f"media_library {self.path} does not exist")
        with self._turn(keep):
            entries = self.entries()
            in_use = self._digests_in_use(rules.in_use, entries)
            reasons = _retention.reasons(entries, rules, in_use, self._now())
            gone = [entry for entry in entries if entry.label and not reasons[entry.label]]
            before = self.layout.descriptors()
            index, attached = self._without(gone, before)
            doomed = self._unneeded(index, entries, gone, attached)
            doomed += [] if self.layout.is_shared else self.layout.leftovers()
            pruned = Pruned(
                removed=[label for label, why in reasons.items() if not why],
                kept={label: why for label, why in reasons.items() if why},
                damaged=[entry for entry in entries if not entry.label],
                freed_bytes=sum(map(_garbage.size, doomed)),
                changed=bool(gone or doomed),
            )
            if keep and pruned.changed:
                self._commit(index, before, doomed)
        return pruned

    def _turn(self, keep: bool) -> contextlib.AbstractContextManager[None]:
        """Give a context in which nobody else writes, if anything is to be written."""
        return self.layout.locked() if keep else contextlib.nullcontext()

    def _enter(self, label: Label, descriptor: Descriptor, entries: list[Entry]) -> None:
        """Have the index name the release whose OCI manifest *descriptor* is, instead of a damaged
        form of it among the *entries*.
        """
        self.layout.send(descriptor)
        if self.layout.is_shared:  # that took time, in which others may have entered something
            entries = self.entries()
            self._check_new(label, entries)
        before = self.layout.descriptors()
        there = [entry for entry in entries if entry.digest == label.digest]
        index = _index.with_release(before, label, descriptor, _digests(there), self._now())
        index = _referrers.moved(self.layout, index, _digests(there), descriptor)
        doomed = []
        if there and not self.layout.is_shared:
            doomed = self._unneeded(index, entries, there)
        self._commit(index, before, doomed, {descriptor["digest"]})

    def _commit(
        self,
        index: list[Descriptor],
        before: list[Descriptor],
        doomed: list[str],
        again: Collection[str] = (),
    ) -> None:
        """Replace the index, and only then remove what is *doomed*, which it does not need.

        Whenever this is cut short, all that the index names is there. The next pruning does the
        rest.
        """
        self.layout.write_index(index, before, again)
        self.layout.remove(doomed)

    def _without(
        self, gone: list[Entry], index: list[Descriptor]
    ) -> tuple[list[Descriptor], list[Descriptor]]:
        """Return the *index* without the Entries *gone*, and what is attached to those, from it."""
        digests = _digests(gone)
        if self.layout.is_shared:
            index = index + [item for item in self.layout.attaching(digests) if item not in index]
        attached = _referrers.belonging(self.layout, index, digests)
        digests |= {item["digest"] for item in attached}
        return _index.without(index, digests), attached

    def _unneeded(
        self,
        index: list[Descriptor],
        entries: list[Entry],
        gone: list[Entry],
        attached: Iterable[Descriptor] = (),
    ) -> list[str]:
        """Return the paths of the blobs that nothing in *index* needs; of a registry, the manifests
        to delete: the rest is its own business.

        It is the one without the Entries *gone* and the entries *attached* to them. There are none
        while a release that stays is damaged: it may share any with those gone.
        """
        descriptors = [*(entry.descriptor for entry in gone), *attached]
        if self.layout.is_shared:
            return self.layout.manifests_of(descriptors)
        if any(entry.damage for entry in entries if entry not in gone):
            return []
        return _garbage.unneeded(self.layout, index, descriptors)

    def _digests_in_use(self, references: Iterable[str], entries: list[Entry]) -> set[str]:
        """Return the release digests that *references* name; those gone already do no harm."""
        labels = [entry.label for entry in entries if entry.label]
        known = {(label.name, label.version): label.digest for label in labels}
        damaged = {tag for entry in entries if entry.damage for tag in entry.tags}
        found = set()
        for reference in references:
            try:
                wanted = _catalogue.parse_reference(reference)
                if isinstance(wanted, str):
                    found.add(wanted)
                elif wanted in known:
                    found.add(known[wanted])
                elif _index.name_tag(*wanted) not in damaged:  # damaged ones stay in any case
                    self.find(reference)  # tells what there is: an unknown name may be a slip
            except LibraryError as error:
                raise LibraryError(f"in_use: {error}") from None
        return found

    def _store(
        self, manifest: _manifest.Manifest, data: bytes, layers: Mapping[str, tuple[str, str]]
    ) -> Descriptor:
        """Store a release's documents and layers; return the descriptor of its OCI manifest."""
        plain = {
            "schemaVersion": 2,
            "mediaType": _layout.OCI_MANIFEST_TYPE,
            "artifactType": _index.RELEASE_TYPE,
            "config": self.layout.store_bytes(data, MANIFEST_TYPE),
            "layers": [
                self._store_layer(component, *layers[component.name])
                for component in manifest.components
            ],
            "annotations": {
                _catalogue.TITLE: manifest.name,
                _catalogue.VERSION: manifest.version,
                _catalogue.SERIAL: str(manifest.serial),
            },
        }
        data = _canonical.dumps(plain)
        return {
            **self.layout.store_bytes(data, _layout.OCI_MANIFEST_TYPE),
            "artifactType": _index.RELEASE_TYPE,
        }

    def _store_layer(self, component: _manifest.Component, path: str, codec: str) -> Descriptor:
        is_private = any(entry.private for entry in component.entries)
        # The group is that of the folder, where this has its set-group-ID bit: a team's, perhaps.
        mode = 0o640 if is_private else 0o644
        descriptor = self.layout.take_over(path, f"{COMPONENT_TYPE}+{codec}", mode)
        return {**descriptor, "annotations": {_catalogue.COMPONENT_NAME: component.name}}

    def _check_new(self, label: Label, entries: list[Entry]) -> None:
        """Refuse a name with a version or serial that another release has."""
        for there in (entry.label for entry in entries if entry.label):
            if there.name != label.name or there.digest == label.digest:
                continue
            for key in ("version", "serial"):
                if getattr(there, key) == getattr(label, key):
                    raise LibraryError(
                        f"{self.path} has {there.name} with {key} {getattr(there, key)} already "
                        f"(version {there.version}, serial {there.serial}), sealed from other "
                        f"contents: give this release a new {key}"
                    )
        others = [entry for entry in entries if entry.digest != label.digest]
        _catalogue.refuse_damaged(others, _index.name_tag(label.name, label.version))

    def _is_whole(self, entry: Entry, label: Label) -> bool:
        """Tell whether all blobs of the release of an Entry are as they should be."""
        try:
            stored = self.open(entry)
            blobs = [f"sha256:{label.digest}"]
            blobs += [layer["digest"] for layer in stored.layers.values()]
            tags_it = _index.digest_tag(label.digest) in entry.tags or not self.layout.is_shared
            return tags_it and stored.label == label and all(map(self.layout.is_intact, blobs))
        except (LibraryError, KeyError):
            return False


def _digests(entries: Iterable[Entry]) -> set[str]:
    """Return the digests of the OCI manifests of *entries*."""
    return {entry.descriptor["digest"] for entry in entries}
