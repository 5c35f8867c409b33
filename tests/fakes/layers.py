# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a component, given as a layer is read: one after another, in pieces."""

from __future__ import annotations

import hashlib

from ansible_collections.itops.release.tests.fakes.estate import file, link

PIECE_BYTES = 1000


def entries_of(files):
    """Return the Entries of ``{path: text or bytes, "link@": target}``, in their order."""
    return [
        link(path[:-1], content) if path.endswith("@") else _file(path, _bytes(content))
        for path, content in sorted(files.items())
    ]


def stream_of(files):
    """Return ``stream(sink)``, which reads *files* as ``_layer.read`` would."""

    def stream(sink):
        for entry in entries_of(files):
            take = sink(entry) if entry.type == "file" else None
            if take:
                data = _bytes(files[entry.path])
                for start in range(0, len(data), PIECE_BYTES):
                    take(data[start : start + PIECE_BYTES])

    return stream


def _file(path, data):
    return file(path)._replace(size=len(data), sha256=hashlib.sha256(data).hexdigest())


def _bytes(content):
    return content if isinstance(content, bytes) else content.encode("utf-8")
