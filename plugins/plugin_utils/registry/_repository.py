# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository in an OCI registry as a media library: its tags are the index, and its blobs come to
a folder on the controller when they are needed, verified.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from ...module_utils.formats import _canonical
from ..oci import _index, _layout, _referrers
from ..oci._index import Descriptor
from . import _client as _registry_client
from ._answers import Answers
from ._client import Client
from ._place import Place, RegistryError
from ._trouble import TooLarge

CACHE_BYTES = 2 * 1024**3
IN_USE_S = 3600
MANIFEST_TYPES = _registry_client.MANIFEST_TYPES


class Registry(_layout.Layout):
    """The repository of a Place. The folder is a cache of its blobs, in the form of a layout.

    *client* asks, and *answers* remembers for all workers of this run. No lock keeps other machines
    from writing: before a tag is written, it is compared with what was read of it.
    """

    is_shared = True
    keeps_notes = False

    def __init__(
        self,
        place: Place,
        folder: str,
        client: Client,
        answers: Answers,
        most_bytes: int = CACHE_BYTES,
    ) -> None:
        super().__init__(str(place), folder)
        self._client = client
        self._answers = answers
        self._most_bytes = most_bytes
        self._sent: set[str] = set()

    def exists(self) -> bool:
        """Tell whether anything was ever stored there."""
        return self._tags() is not None

    def descriptors(self, tags: Iterable[str] | None = None) -> list[Descriptor]:
        """Return a descriptor, with its tag, of each manifest that has one, or one of *tags*."""
        found = []
        for tag in self._tags() or () if tags is None else tags:
            item = self._answers.get(f"tag {tag}", functools.partial(self._resolve, tag))
            if item and item.get("refused") and tags is not None:
                raise RegistryError(item["refused"])
            # Whatever else there is, it must not keep releases from being listed.
            if item and not item.get("refused"):
                found.append({**item, "annotations": {_index.TAG: tag}})
        return found

    def attaching(self, subjects: Collection[str]) -> list[Descriptor]:
        """Return descriptors in which all is that is attached to the digests *subjects*.

        A registry lists it itself, or else a tag does, as the specification has it; some have both.
        """
        found = self.descriptors(list(map(_referrers.tag_of_list, subjects)))
        for subject in sorted(subjects):
            listed = self._answers.get(
                f"referrers {subject}", functools.partial(self._referrers_of, subject)
            )
            # What they are called is not theirs to say: only tags are.
            found += [{**item, "annotations": {}} for item in listed]
        return found

    def bring(self, descriptor: Descriptor) -> str:
        """Return the path of a blob in the cache, to which it comes unless it is there, intact."""
        digest = descriptor["digest"]
        if not self._is_here(digest):
            self._answers.alone(f"blob {digest}", lambda: self._fetch(descriptor))
        os.utime(self.blob(digest))
        return self.blob(digest)

    def read(self, descriptor: Descriptor, limit: int = _layout.LARGEST_DOCUMENT) -> bytes:
        """Return the bytes of a blob, at most *limit*, verified against its descriptor."""
        with contextlib.suppress(_layout.LibraryError):
            return super().read(descriptor, limit)
        if self._size(descriptor) > limit:
            raise RegistryError(
                f"{self.path}: blob {descriptor['digest']} is larger than {limit:,} bytes"
            )
        self.bring(descriptor)
        return super().read(descriptor, limit)

    def is_intact(self, digest: str) -> bool:
        """Tell whether the registry has the blob; what it takes in, it verifies itself."""
        return self._client.has("blobs", digest)

    def send(self, descriptor: Descriptor) -> None:
        """Send the blobs that an OCI manifest names, unless they are there."""
        plain = self.read_json(descriptor)
        for blob in [plain["config"], *plain["layers"]]:
            self._send_blob(blob)
        self._answers.forget()

    def write_index(
        self,
        descriptors: list[Descriptor],
        before: Iterable[Descriptor] = (),
        again: Collection[str] = (),
    ) -> None:
        """Have the tags in *descriptors* that *before* has otherwise; *again*, whether or not.

        Blobs come first, then what is attached, then tags, that by which a release is known last.
        Whatever is cut short, all that has a tag is whole.
        """
        had = {_index.tag_of(item): item["digest"] for item in before}
        new = [
            item
            for item in descriptors
            if _index.tag_of(item)
            and (item["digest"] in again or had.get(_index.tag_of(item)) != item["digest"])
        ]
        try:
            for item in sorted(new, key=lambda each: _is_known_by(_index.tag_of(each))):
                tag = _index.tag_of(item)
                self._push(item, tag, functools.partial(self._compare, tag, item, had))
        finally:
            self._answers.forget()

    def remove(self, doomed: Collection[str]) -> None:
        """Delete the manifests with the digests *doomed*, and so their tags."""
        try:
            for digest in doomed:
                self._client.delete_manifest(digest)
        finally:
            self._answers.forget()

    def create(self) -> None:
        """Make the cache, unless it is there; for its owner alone, since files may be private."""
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        for name in ("uploads", "partial"):
            os.makedirs(os.path.join(self.folder, name), mode=0o700, exist_ok=True)
        self._make()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of those who write from this machine; what was answered is asked anew."""
        self.create()
        with super().locked():
            self._answers.forget()
            yield

    def manifests_of(self, descriptors: Iterable[Descriptor]) -> list[str]:
        """Return the digests of what goes with *descriptors*: of lists also what they name."""
        found = []
        for item in descriptors:
            found.append(item["digest"])
            if _referrers.is_list(item):
                with contextlib.suppress(_layout.LibraryError, KeyError, TypeError):
                    found += [each["digest"] for each in self.read_json(item)["manifests"]]
        return list(dict.fromkeys(found))

    def _referrers_of(self, subject: str) -> list[Descriptor]:
        return self._client.referrers(subject) or []

    def _tags(self) -> list[str] | None:
        return self._answers.get("tags", self._client.tags)

    def _resolve(self, tag: str) -> Descriptor | None:
        """Return the descriptor of what has the *tag*, which is in the cache then; None of none."""
        try:
            answer = self._client.manifest(tag)
        except TooLarge as error:
            return {"digest": "", "refused": str(error)}
        if answer is None:
            return None
        kind, data = answer
        self.create()
        item = self.store_bytes(data, kind)
        with contextlib.suppress(_canonical.CanonicalError, AttributeError):
            plain = _canonical.loads(data)
            item["mediaType"] = plain.get("mediaType") or kind
            item.update({key: plain[key] for key in ("artifactType",) if plain.get(key)})
        return item

    def _fetch(self, descriptor: Descriptor) -> None:
        """Bring a blob, or a manifest, to the cache, unless somebody else has."""
        digest, path = descriptor["digest"], self.blob(descriptor["digest"])
        if self._is_here(digest):
            return
        self.create()
        if descriptor.get("mediaType") in MANIFEST_TYPES:
            answer = self._client.manifest(digest)
            if answer is None:
                raise RegistryError(f"{self.path}: manifest {digest} is missing")
            self._write_durably(path, answer[1])
        else:
            partial = os.path.join(self.folder, "partial", os.path.basename(path))
            self._client.download(digest, self._size(descriptor), partial)
            os.rename(partial, path)
        self._trim()

    def _size(self, descriptor: Descriptor) -> int:
        size = descriptor.get("size")
        if not isinstance(size, int) or size < 0:
            raise RegistryError(f"{self.path}: {descriptor['digest']} is described without a size")
        return size

    def _compare(self, tag: str, item: Descriptor, had: Mapping[str, str]) -> None:
        """Refuse to write *tag* when it is not as it was read any more."""
        there = self._resolve(tag)
        if there and there["digest"] not in (had.get(tag), item["digest"]):
            raise _layout.Overtaken(
                f"{self.path}: somebody else has written {tag} meanwhile, and that stays: try again"
            )

    def _push(
        self, item: Descriptor, reference: str, compare: Callable[[], object] = lambda: None
    ) -> bool:
        """Store a manifest, after what it names; tell whether the registry lists it by its subject.

        The list in a tag is left out where the registry has one of its own of all that is new.
        """
        plain = self.read_json(item)
        if _referrers.is_list(item):
            new = [each for each in plain["manifests"] if not self._is_there(each)]
            listed = [self._push(each, each["digest"]) for each in new]
            if listed and all(listed):
                return True
        else:
            for blob in filter(None, [plain.get("config"), *plain.get("layers", ())]):
                self._send_blob(blob)
        compare()
        return self._client.put_manifest(reference, item["mediaType"], self.read(item))

    def _is_there(self, item: Descriptor) -> bool:
        return self._client.has("manifests", item["digest"])

    def _send_blob(self, blob: Descriptor) -> None:
        if blob["digest"] in self._sent:
            return
        path = self.blob(blob["digest"])
        if os.path.exists(path):
            note = os.path.join(self.folder, "uploads", os.path.basename(path))
            self._client.upload(blob["digest"], self._size(blob), path, note)
        elif not self._client.has("blobs", blob["digest"]):
            raise RegistryError(f"{self.path}: blob {blob['digest']} is missing")
        self._sent.add(blob["digest"])

    def _trim(self) -> None:
        """Remove from the cache what was used longest ago, but nothing of the last hour."""
        self._answers.trim()
        found = []
        for folder in (self.blobs, os.path.join(self.folder, "partial")):
            with os.scandir(folder) as listing:
                for item in listing:
                    with contextlib.suppress(FileNotFoundError):
                        there = item.stat()
                        found.append((there.st_mtime, there.st_size, item.path))
        total = sum(size for _time, size, _path in found)
        for used, size, path in sorted(found):
            if total <= self._most_bytes or used > time.time() - IN_USE_S:
                break
            _layout.remove(path)
            total -= size


def _is_known_by(tag: str) -> bool:
    """Tell whether a release is known by *tag*, and by no other for certain."""
    return bool(_index.RELEASE_TAG.match(tag))
