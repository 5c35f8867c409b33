# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry is asked (OCI distribution spec 1.1), patiently: attempts that break are repeated
for as long as the whole gets further, and for a limited time when it does not.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..oci import _layout
from ..oci._index import Descriptor
from . import _upload
from ._place import RegistryError
from ._session import Session
from ._trouble import Broken, TooLarge

if TYPE_CHECKING:
    import requests

Answer = TypeVar("Answer")
LARGEST_MANIFEST = 4 * 1024 * 1024  # as large as registries have to take
MOST_TAGS = 10_000
MOST_PAGES = 100
MOST_DELAY_S = 8
FURTHER_BYTES = 64 * 1024
MANIFEST_TYPES = (
    _layout.OCI_MANIFEST_TYPE,
    _layout.OCI_INDEX_TYPE,
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')


class Client:
    """Questions to the repository that a Session speaks to. Those to *sleep* and *clock* are for
    time between attempts, in seconds.
    """

    def __init__(
        self,
        session: Session,
        patience_s: float,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._patience_s = patience_s
        self._sleep = sleep
        self._clock = clock
        self.place = session.place

    def tags(self) -> list[str] | None:
        """Return the tags of the repository, sorted; None when there is no such repository."""
        found = self._pages(self._session.url("tags/list?n=1000"), "tags", MOST_TAGS)
        if found is None:
            return None
        return sorted({tag for tag in found if isinstance(tag, str) and TAG.match(tag)})

    def referrers(self, digest: str) -> list[Descriptor] | None:
        """Return the descriptors of what the registry knows to be attached to the manifest
        *digest*; None when it keeps no such list.
        """
        url = self._session.url("referrers", digest)
        found = self._pages(url, "manifests", MOST_TAGS, (400, 404, 405, 501))
        return None if found is None else [item for item in found if isinstance(item, dict)]

    def manifest(self, reference: str, limit: int = LARGEST_MANIFEST) -> tuple[str, bytes] | None:
        """Return the media type and the bytes of the manifest *reference*, a tag or a digest.

        None when there is none. The bytes are what the digest says, where the registry says one.
        """
        headers = {"Accept": ", ".join(MANIFEST_TYPES)}

        def ask() -> tuple[str, bytes] | None:
            url = self._session.url("manifests", reference)
            with self._session.open("GET", url, headers, expected=(200, 404)) as response:
                if response.status_code == 404:
                    return None
                self._refuse_large(response, reference, limit)
                data = b"".join(self._session.content(response, limit))
                named = response.headers.get("Docker-Content-Digest", "")
                kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
            wanted = reference if reference.startswith("sha256:") else named
            if wanted.startswith("sha256:") and wanted != _digest_of(data):
                raise RegistryError(f"{self.place}: the registry sends other bytes than {wanted}")
            return kind, data

        return self.patiently(ask)

    def has(self, kind: str, digest: str) -> bool:
        """Tell whether there is the blob or manifest (*kind*: ``blobs``, ``manifests``)."""
        headers = {"Accept": ", ".join(MANIFEST_TYPES)} if kind == "manifests" else {}

        def ask() -> bool:
            url = self._session.url(kind, digest)
            with self._session.open("HEAD", url, headers, expected=(200, 404)) as response:
                return response.status_code == 200

        return self.patiently(ask)

    def put_manifest(self, reference: str, media_type: str, data: bytes) -> bool:
        """Store a manifest under a tag or its digest; tell whether the registry itself lists what
        that is attached to.
        """

        def ask() -> bool:
            url = self._session.url("manifests", reference)
            headers = {"Content-Type": media_type}
            with self._session.open("PUT", url, headers, lambda: data, (200, 201, 202)) as response:
                return bool(response.headers.get("OCI-Subject"))

        return self.patiently(ask)

    def delete_manifest(self, digest: str) -> None:
        """Delete a manifest and its tags; it may be gone."""

        def ask() -> None:
            url = self._session.url("manifests", digest)
            with self._session.open("DELETE", url, expected=(200, 202, 404, 400, 405)) as response:
                if response.status_code in (400, 405):
                    raise RegistryError(
                        f"{self.place}: the registry does not let releases be deleted"
                    )

        self.patiently(ask)

    def download(self, digest: str, size: int, path: str) -> None:
        """Bring the blob of *size* bytes to the file *path*, going on where that file ends.

        What is there is what *digest* says, or RegistryError is raised and the file is gone.
        """
        goes_on = _size_of(path) > 0
        try:
            self.patiently(lambda: self._download_rest(digest, size, path), lambda: _size_of(path))
        except TooLarge:
            os.unlink(path)
            raise
        if _hash_of(path) != digest:
            os.unlink(path)
            if goes_on:  # what was there may have been wrong
                return self.download(digest, size, path)
            raise RegistryError(f"{self.place}: the registry sends other bytes than {digest}")
        return None

    def upload(self, digest: str, size: int, path: str, note: str) -> None:
        """Send the file *path* as a blob, unless it is there. An upload that broke off goes on.

        *note* is the path of a file that remembers, between runs, where an upload goes on.
        """
        upload = _upload.Upload(self._session, digest, size, path, note)

        def attempt() -> None:
            if not self.has("blobs", digest):  # it may have come, and only the answer been lost
                upload.attempt()

        self.patiently(attempt, lambda: upload.furthest)

    def patiently(
        self, act: Callable[[], Answer], progress: Callable[[], int] = lambda: 0
    ) -> Answer:
        """Return what *act* returns, repeating it when it is Broken, with more time between.

        It gives up when for so many seconds *progress*, in bytes, has hardly grown, or when the
        registry asks to wait for longer than that.
        """
        reached, delay = progress(), 0.25
        deadline = self._clock() + self._patience_s
        while True:
            try:
                return act()
            except Broken as error:
                reason, wait_s = str(error), error.wait_s
            if progress() >= reached + FURTHER_BYTES:
                reached, delay = progress(), 0.25
                deadline = self._clock() + self._patience_s
            wait = max(delay, wait_s)
            if self._clock() + wait > deadline:
                asks = f" and asks to wait {wait_s:g} s" if wait_s else ""
                raise RegistryError(
                    f"{self.place}: the registry cannot be used: {reason}{asks}; given up after "
                    f"{self._patience_s:g} s without getting further"
                )
            self._sleep(wait)
            delay = min(delay * 2, MOST_DELAY_S)

    def _pages(
        self, url: str, key: str, most: int, nothing: tuple[int, ...] = (404,)
    ) -> list[Any] | None:
        """Return the items of a list that may come in pages; None when there is none."""
        found: list[Any] = []
        for _page in range(MOST_PAGES):
            answer = self.patiently(functools.partial(self._page, url, key, nothing))
            if answer is None:
                return None
            items, following = answer
            found += items
            if len(found) > most:
                raise RegistryError(f"{self.place} has more than {most:,} {key}")
            if not following:
                return found
            url = following
        raise RegistryError(f"{self.place}: the list of {key} does not end")

    def _page(
        self, url: str, key: str, nothing: tuple[int, ...]
    ) -> tuple[list[Any], str | None] | None:
        with self._session.open("GET", url, expected=(200, *nothing)) as response:
            if response.status_code in nothing:
                return None
            data = b"".join(self._session.content(response, LARGEST_MANIFEST))
            link = NEXT.search(response.headers.get("Link", ""))
        try:
            items = json.loads(data)[key] or []
        except (ValueError, KeyError, TypeError, RecursionError):
            items = None
        if not isinstance(items, list):
            raise RegistryError(f"{self.place}: the list of {key} is malformed")
        return items, self._session.within(link.group(1), url) if link else None

    def _refuse_large(self, response: requests.Response, reference: str, limit: int) -> None:
        try:
            size = int(response.headers.get("Content-Length", "0"))
        except ValueError:
            size = 0
        if size > limit:
            raise TooLarge(f"{self.place}: {reference} is larger than {limit:,} bytes")

    def _download_rest(self, digest: str, size: int, path: str) -> None:
        """Append to the file at *path* what it lacks of the blob."""
        start = _size_of(path)
        if start >= size > 0:
            return
        headers = {"Range": f"bytes={start}-"} if start else {}
        url = self._session.url("blobs", digest)
        with self._session.open("GET", url, headers, expected=(200, 206, 404, 416)) as response:
            if response.status_code == 404:
                raise RegistryError(f"{self.place}: blob {digest} is missing")
            goes_on = response.status_code == 206
            if response.status_code == 416 or (goes_on and not _starts_at(response, start)):
                os.unlink(path)
                raise Broken("it does not go on with a download")
            with open(path, "ab" if goes_on else "wb") as stream:
                for chunk in self._session.content(response, size - (start if goes_on else 0)):
                    stream.write(chunk)
        if _size_of(path) < size:
            raise Broken("the connection broke")


def _starts_at(response: requests.Response, start: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _size_of(path: str) -> int:
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def _digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _hash_of(path: str) -> str:
    with open(path, "rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
