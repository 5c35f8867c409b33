# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components of kind ``files``: a tree, packed where it lies."""

from __future__ import annotations

from . import _compressor, _layer, _scan


def pack(root, globs, path, codec):
    """Write the layer of the files below *root* to *path*; return their entries with digests.

    *globs* has include, exclude, private and writable, as in ``release.yml``.
    Raises ScanError, LayerError, and OSError with a path in it.
    """
    root = _scan.to_os(root)
    rules = _scan.Rules(globs["include"], globs["exclude"], globs["private"], globs["writable"])
    entries = _scan.scan(root, rules)
    try:
        with open(path, "wb") as stream, _compressor.writer(codec, stream) as write_bytes:
            return _layer.write(entries, root, write_bytes)
    except OSError as error:
        if error.filename:
            raise
        raise OSError(error.errno, error.strerror, path) from None  # a full disk has no name
