# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components of kind ``files``: a tree, packed where it lies."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Mapping

from ..checksums import _file, _lines
from ..formats import _compressor
from ..release import _layer, _scan
from ..release._manifest import Entry

SOURCE = "a directory"


def is_source(path: str | bytes) -> bool:
    """Tell whether *path* could be a component's source."""
    return os.path.isdir(path)


def pack(root: str, globs: Mapping[str, Any], path: str, codec: str) -> list[Entry]:
    """Write the layer of the files below *root* to *path*; return their entries with digests.

    *globs* has include, exclude, private and writable, as in ``release.yml``, and may have
    checksums: the checksum file that what is packed must agree with.
    Raises ScanError, LayerError, and OSError with a path in it.
    """
    rules = _scan.Rules(globs["include"], globs["exclude"], globs["private"], globs["writable"])
    listed = _listed(root, globs["checksums"], rules) if globs.get("checksums") else None
    top = _scan.to_os(root)
    entries = _scan.scan(top, rules)
    try:
        with open(path, "wb") as stream, _compressor.writer(codec, stream) as write_bytes:
            sealed = _layer.write(entries, top, write_bytes)
    except OSError as error:
        if error.filename:
            raise
        raise OSError(error.errno, error.strerror, path) from None  # a full disk has no name
    for entry in sealed:
        if listed is not None and entry.type == "file" and listed.get(entry.path) != entry.sha256:
            raise _layer.LayerError("%r changed while it was sealed; seal again" % entry.path)
    return sealed


def _listed(root: str, checksum_file: str, rules: _scan.Rules) -> dict[str, str]:
    """Return {path: SHA-256} of the files that *rules* take, if all are as *checksum_file* says."""

    def leaves_out(path: str, is_directory: bool) -> bool:
        return bool(rules.excluded(path)) or not (is_directory or rules.included(path))

    try:
        with contextlib.closing(_file.ChecksumFile(root, checksum_file)) as opened:
            outcome = opened.verify(leaves_out=leaves_out, witness=True)[0]
        failure = outcome.failure()
        if failure:
            raise _lines.ChecksumError("%s: %s" % (checksum_file, failure))
    except _lines.ChecksumError as error:
        raise _scan.ScanError(str(error)) from None
    return outcome.sha256
