# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives for tests, good and hostile, and sealing them as a component of kind ``archive``."""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import zipfile
import zlib

from ansible_collections.itops.release.plugins.module_utils.formats import _codec
from ansible_collections.itops.release.plugins.module_utils.release import _layer
from ansible_collections.itops.release.plugins.module_utils.sources import _kind_archive

BLOCK = tarfile.BLOCKSIZE
LIMITS = {"size": 64 * 1024**2, "entries": 1000, "ratio": 200}
RULES = {
    "include": ("**",),
    "exclude": (),
    "private": (),
    "writable": (),
    "strip": 0,
    "sha256": None,
    "limits": LIMITS,
}
TYPES = {
    "/": tarfile.DIRTYPE,
    "@": tarfile.SYMTYPE,
    "=": tarfile.LNKTYPE,
    "|": tarfile.FIFOTYPE,
    "#": tarfile.CHRTYPE,
    "%": tarfile.BLKTYPE,
}


def pack(folder, data, name="vendor.bin", **rules):
    """Seal the archive *data*; return (its entries, {path: content} read from the layer)."""
    archive, layer = folder / name, folder / "layer"
    archive.write_bytes(data)
    entries = _kind_archive.pack(str(archive), {**RULES, **rules}, str(layer), "gzip")
    return entries, contents(layer, entries)


def contents(layer, entries):
    """Return {path: content} of the files in the gzipped *layer*."""
    found = {}

    def sink(entry):
        found[entry.path] = bytearray()
        return found[entry.path].extend

    with open(layer, "rb") as stream, _codec.reader("gzip", stream) as read_bytes:
        _layer.read(entries, read_bytes, sink)
    return {path: bytes(content) for path, content in found.items()}


def header(name, content=b"", mode=0o644, form=tarfile.PAX_FORMAT, **fields):
    """Return the tar blocks of one entry. A mark at the end of *name* says its type: ``a/`` is a
    directory, ``a@`` a link and ``a=`` a hard link to what *content* names, ``a|`` a FIFO."""
    information = tarfile.TarInfo(name)
    kind = TYPES.get(name[-1:])
    if kind:
        information.name, information.type = name[:-1], kind
        if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            information.linkname, content = content, b""
    information.mode = mode
    information.size = len(content)
    for field, value in fields.items():
        setattr(information, field, value)
    return information.tobuf(form, "utf-8", "surrogateescape") + padded(content)


def padded(content):
    return content + bytes(-len(content) % BLOCK)


def tar(*entries):
    """Return a tar of *entries*, each the blocks that ``header`` gives."""
    return b"".join(entries) + bytes(2 * BLOCK)


def resummed(block, **fields):
    """Return a tar header with the bytes at some offsets replaced and its checksum put right."""
    block = bytearray(block)
    for at, value in fields.items():
        at = int(at.lstrip("_"))
        block[at : at + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:BLOCK])
    return bytes(block)


def zipped(files, method=zipfile.ZIP_DEFLATED):
    """Return a zip of *files*, ``{"file": …, "script*": …, "dir/": b"", "link@": target}``."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            kind, mode = stat.S_IFREG, 0o755 if name.endswith("*") else 0o644
            if name.endswith("@"):
                kind, mode = stat.S_IFLNK, 0o777
            elif name.endswith("/"):
                kind, mode = stat.S_IFDIR, 0o755
            information = zipfile.ZipInfo(name.rstrip("*@"))
            information.create_system = 3
            information.external_attr = (kind | mode) << 16
            information.compress_type = method
            archive.writestr(information, content)
    return stream.getvalue()


class Zip:
    """A zip written field by field, so that its parts can disagree."""

    def __init__(self):
        self.data, self.directory, self.count = b"", b"", 0

    def add(self, name, content=b"", **fields):
        """Add an entry; *fields* stand for what is true. Those that begin with ``local_`` stand
        in the entry's own header only."""
        self.list(name, len(self.data), content, **fields)
        local = {key[6:]: value for key, value in fields.items() if key.startswith("local_")}
        self.data += self.local(name, content, **{**only_shared(fields), **local})
        self.data += fields.get("behind", b"")
        return self

    @staticmethod
    def local(name, content, **fields):
        """Return an entry's own header and content."""
        name = fields.get("raw", name.encode("utf-8"))
        values = numbers(content, fields)
        extra = fields.get("extra", b"")
        lengths = len(name), len(extra)
        head = struct.pack("<4s5H3L2H", b"PK\3\4", 20, *values[:2], 0, 0, *values[2:], *lengths)
        return head + name + extra + fields.get("stored", content)

    def list(self, name, offset, content, **fields):
        """Add a line to the directory only."""
        fields = only_shared(fields)
        name = fields.get("raw", name.encode("utf-8"))
        extra = fields.get("extra", b"")
        values = numbers(content, fields)
        attributes = fields.get("mode", stat.S_IFREG | 0o644) << 16
        self.directory += (
            struct.pack(
                "<4s6H3L5H2L",
                b"PK\1\2",
                fields.get("system", 3) << 8 | 20,
                20,
                *values[:2],
                0,
                0,
                *values[2:],
                len(name),
                len(extra),
                0,
                0,
                0,
                attributes,
                offset,
            )
            + name
            + extra
        )
        self.count += 1
        return self

    def bytes(self, comment=b"", count=None):
        count = self.count if count is None else count
        end = struct.pack(
            "<4s4H2LH",
            b"PK\5\6",
            0,
            0,
            count,
            count,
            len(self.directory),
            len(self.data),
            len(comment),
        )
        return self.data + self.directory + end + comment


def only_shared(fields):
    return {key: value for key, value in fields.items() if not key.startswith("local_")}


def numbers(content, fields):
    """Return flags, method, checksum and both sizes of an entry."""
    stored = fields.get("stored", content)
    return (
        fields.get("flags", 1 << 11),
        fields.get("method", 0),
        fields.get("crc", zlib.crc32(content)),
        fields.get("packed", len(stored)),
        fields.get("size", len(content)),
    )
