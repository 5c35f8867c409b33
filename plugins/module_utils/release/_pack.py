# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs: what travels to a host that holds one release and wants another.

A line of JSON, then one compressed stream: the manifest (whole, or as a difference against the
base), then the contents that the base lacks, end to end. Both ends work out from the two manifests
which contents those are and how long each is, so a pack has no names and no paths to be trusted.
"""

from __future__ import annotations

import hashlib
from typing import BinaryIO, Callable, Collection, Iterable, Iterator, NamedTuple, Optional

from ..errors._release_error import ReleaseError
from ..formats import _canonical, _codec
from ..formats._codec import ReadBytes
from . import _delta, _manifest
from ._manifest import Manifest

FORMAT = 1
LONGEST_HEADER = 4096
LARGEST_MANIFEST = 256 * 1024 * 1024

Take = Callable[[str, int, Iterator[bytes]], object]  # sha256, size, chunks
Sink = Callable[[Manifest], Take]


class PackError(ReleaseError):
    """A pack is damaged, cut, or not the one that was asked for."""

    code = "invalid_pack"


class Header(NamedTuple):
    """A pack's first line: which release it brings on top of which, and how it is compressed."""

    release: str
    base: Optional[str]
    codec: str
    manifest_bytes: int
    again: Optional[str] = None  # the digest of which contents travel although the base has them


def render_header(header: Header) -> bytes:
    """Return the first line of a pack."""
    return _canonical.dumps({"format": FORMAT, **header._asdict()}) + b"\n"


def read_header(stream: BinaryIO) -> Header:
    """Return the Header of the pack in the binary file *stream*, or raise PackError."""
    line = stream.readline(LONGEST_HEADER)
    try:
        plain = _canonical.loads(line)
        format_ = plain.pop("format")
        if format_ != FORMAT:
            said = _canonical.one_line(format_)
            raise PackError("the pack has format %s; this host's code reads %d" % (said, FORMAT))
        header = Header(**plain)
        others = [digest for digest in (header.base, header.again) if digest is not None]
        # pylint: disable=unidiomatic-typecheck # True is an int, and must not pass for one
        good = all(_manifest.DIGEST.match(digest) for digest in (header.release, *others)) and (
            type(header.codec) is str and type(header.manifest_bytes) is int
        )
    except (KeyError, TypeError, AttributeError, _canonical.CanonicalError):
        raise PackError("the pack does not begin with its header") from None
    if not (good and 0 < header.manifest_bytes <= LARGEST_MANIFEST):
        raise PackError("the header of the pack is malformed")
    return header


def digest_of_again(again: Collection[str]) -> str | None:
    """Return what stands in the header for the contents *again*, SHA-256s; None for none."""
    return _canonical.sha256_hex("".join(sorted(again)).encode("ascii")) if again else None


def travelling(
    manifest: Manifest, base: Manifest | None, again: Collection[str] = ()
) -> dict[str, int]:
    """Return ``{sha256: size}`` of the contents in a pack, in order.

    They are those that *base* lacks, and of the others those that are sent *again*.
    """
    held = _manifest.contents(base) if base else {}
    wanted = _manifest.contents(manifest)
    return {key: size for key, size in wanted.items() if key not in held or key in again}


def read(
    read_bytes: ReadBytes,
    header: Header,
    digest: str,
    base: Manifest | None,
    sink: Sink,
    again: Collection[str] = (),
) -> tuple[Manifest, bytes]:
    """Return the wanted Manifest and its bytes, having handed all contents to *sink*.

    *digest* is the release that was asked for; *base* is the Manifest of ``header.base``, or None;
    *again* are the contents that were asked for although the base has them.
    ``sink(manifest)`` returns a function that is called with each content, as (sha256, size,
    chunks), and must exhaust the chunks: the last one is given only after the digest was checked.
    Raises PackError, ManifestError or CodecError; whatever was handed over before is not verified.
    """
    if header.again != digest_of_again(again):
        raise PackError("the pack does not bring what was asked for again")
    data = b"".join(_chunks(read_bytes, header.manifest_bytes, "its manifest"))
    if base is None:
        manifest = _manifest.parse(data, digest)
    else:
        manifest = _delta.apply(base, data)
        data = _manifest.verified(manifest, digest)
    take = sink(manifest)
    for sha256, size in travelling(manifest, base, again).items():
        take(sha256, size, _verified(_chunks(read_bytes, size, sha256[:12]), sha256))
    if read_bytes(1):
        raise PackError("the pack goes on behind its end")
    return manifest, data


def _verified(chunks: Iterable[bytes], sha256: str) -> Iterator[bytes]:
    """Yield *chunks*, the last one only once all of them hash to *sha256*."""
    digest, held = hashlib.sha256(), b""
    for chunk in chunks:
        digest.update(chunk)
        if held:
            yield held
        held = chunk
    if digest.hexdigest() != sha256:
        raise PackError("the content %s… of the pack is altered" % sha256[:12])
    if held:
        yield held


def _chunks(read_bytes: ReadBytes, count: int, name: str) -> Iterator[bytes]:
    while count:
        chunk = read_bytes(min(count, _codec.CHUNK_BYTES))
        if not chunk:
            raise PackError("the pack ends within %s" % name)
        count -= len(chunk)
        yield chunk
