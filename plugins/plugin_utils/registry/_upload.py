# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a blob is sent to a registry in chunks, and goes on where an earlier upload broke off."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ..oci import _layout
from ._place import RegistryError
from ._session import Session
from ._trouble import Broken

if TYPE_CHECKING:
    import requests

CHUNK_BYTES = 16 * 1024 * 1024
OCTETS = "application/octet-stream"
UPLOADED = re.compile(r"(?:bytes=)?0-(\d+)\Z")


class Upload:
    """The upload of one blob, in chunks, of which each attempt sends those that are still missing.

    *furthest* is how many bytes the registry has had at best.
    """

    def __init__(self, session: Session, digest: str, size: int, path: str, note: str) -> None:
        self.furthest = 0
        self._session = session
        self._digest, self._size, self._path, self._note = digest, size, path, note
        self._chunk_bytes = CHUNK_BYTES

    def attempt(self) -> None:
        """Send what is missing, and have it made a blob."""
        location, offset = self._resumed() or self._begun()
        while offset < self._size:
            location, offset = self._send(location, offset)
        try:
            self._finish(location)
        finally:
            self._forget()

    def _begun(self) -> tuple[str, int]:
        url = self._session.url("blobs/uploads/")
        headers = {"Content-Length": "0"}
        with self._session.open("POST", url, headers, expected=(202,)) as response:
            location = self._session.within(response.headers.get("Location"), url)
            least = response.headers.get("OCI-Chunk-Min-Length", "")
        if least.isdigit() and int(least) <= self._size:
            self._chunk_bytes = max(CHUNK_BYTES, int(least))
        self._remember(location)
        return location, 0

    def _resumed(self) -> tuple[str, int] | None:
        """Return where to go on, and the bytes that the registry has; None when it has forgotten.

        It may have less than was sent, or some of a chunk that broke off.
        """
        try:
            with open(self._note, encoding="utf-8") as stream:
                location = self._session.within(stream.read(4096), self._session.url("blobs/"))
        except (FileNotFoundError, UnicodeDecodeError, RegistryError):
            return None
        forgotten = (400, 403, 404, 405, 416)
        with self._session.open("GET", location, expected=(204, *forgotten)) as response:
            offset = _uploaded(response)
            if response.status_code != 204 or offset is None or offset > self._size:
                self._forget()
                return None
            location = self._session.within(response.headers.get("Location") or location, location)
        self.furthest = max(self.furthest, offset)
        return location, offset

    def _send(self, location: str, offset: int) -> tuple[str, int]:
        """Send one chunk; return where the next one goes, and from which byte."""
        count = min(self._chunk_bytes, self._size - offset)
        headers = {
            "Content-Type": OCTETS,
            "Content-Range": f"{offset}-{offset + count - 1}",
            "Content-Length": str(count),
        }
        with _Slice(self._path, offset, count) as body:
            opened = self._session.open("PATCH", location, headers, body.again, (202, 404, 416))
            with opened as response:
                if response.status_code != 202:  # the next attempt asks what it has
                    raise Broken("it does not go on with an upload")
                had = _uploaded(response)
                location = self._session.within(response.headers.get("Location"), location)
        if had is not None and had != offset + count:
            raise Broken("it has not had what was sent")
        self._remember(location)
        self.furthest = max(self.furthest, offset + count)
        return location, offset + count

    def _finish(self, location: str) -> None:
        url = f"{location}{'&' if '?' in location else '?'}digest={self._digest}"
        headers = {"Content-Length": "0", "Content-Type": OCTETS}
        with self._session.open("PUT", url, headers, expected=(201, 204, 404)) as response:
            if response.status_code == 404:
                raise Broken("it has forgotten an upload")

    def _remember(self, location: str) -> None:
        scratch = f"{self._note}.new"
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(location)
        os.rename(scratch, self._note)

    def _forget(self) -> None:
        _layout.remove(self._note)


class _Slice:
    """A part of a file, read as often as it is asked for, without being held in memory."""

    def __init__(self, path: str, offset: int, count: int) -> None:
        self._path, self._offset, self._count = path, offset, count

    def __enter__(self) -> _Slice:
        self._stream = open(self._path, "rb")
        return self

    def __exit__(self, *exception: object) -> None:
        self._stream.close()

    def __len__(self) -> int:
        return self._count

    def again(self) -> _Slice:
        """Return itself, at its beginning."""
        self._stream.seek(self._offset)
        return self

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes of the part."""
        left = self._offset + self._count - self._stream.tell()
        return self._stream.read(left if count < 0 else min(count, left))


def _uploaded(response: requests.Response) -> int | None:
    """Return how many bytes a registry says it has of an upload; None when it does not say."""
    said = UPLOADED.match(response.headers.get("Range", ""))
    if not said:
        return None
    last = int(said.group(1))
    return last + 1 if last else 0  # "0-0" is what it says of none, and no chunk has one byte
