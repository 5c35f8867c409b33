# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the sources of a release are: on this machine, or on a build host that packs them."""

from __future__ import annotations

import os
import tempfile

from ..module_utils import _canonical, _codec, _layer, _manifest
from . import _release_file, _sealing


class BuildHostError(ValueError):
    """The build host could not do its part."""


class ThisMachine:
    """Sources on the controller, in the folder of the file *definition* below *src*."""

    def __init__(self, src, definition):
        self.definition = os.path.join(src, definition)

    def read(self):
        """Return the bytes of ``release.yml``."""
        try:
            with open(self.definition, "rb") as stream:
                return stream.read()
        except OSError as error:
            raise _release_file.ReleaseFileError(
                f"{self.definition}: {error.strerror}; src is the folder with the file that says "
                "what is released, and definition its path there"
            ) from None

    def pack(self, source, path):
        """Write the layer of a ComponentSource to *path*; return its entries and codec."""
        return _sealing.pack_here(os.path.dirname(self.definition))(source, path)


class BuildHost:
    """Sources in *src* on another host: packed there, and fetched.

    ``call(asked)`` has the half of the module there do something and returns its result, and
    ``fetch(path there, path)`` fetches a file; both raise BuildHostError. *folder* is there, for
    what is to be fetched; its path ends in a slash.
    """

    def __init__(self, src, definition, folder, call, fetch):
        self.definition = os.path.join(src, definition)
        self._below_src = definition
        self._folder = folder
        self._call = call
        self._fetch_file = fetch

    def read(self):
        """Return the bytes of ``release.yml``."""
        self._call({"read": self._below_src, "to": self._folder + "definition"})
        return self._fetch("definition")

    def pack(self, source, path):
        """Have the layer packed on the host, fetch it to *path*; return its entries and codec."""
        answer = self._call(
            {
                "pack": source.packing(),
                "root": os.path.join(os.path.dirname(self._below_src), source.source),
                "layer": self._folder + "layer",
                "entries": self._folder + "entries",
            }
        )
        self._fetch_file(self._folder + "layer", path)
        try:
            plain = _canonical.loads(self._fetch("entries"))
            entries = [_manifest.entry_from_plain(item) for item in plain]
        except (TypeError, _canonical.CanonicalError) as error:
            raise BuildHostError(f"what the build host says it packed is odd: {error}") from None
        # The layer is believed only after it was read through with these entries.
        with open(path, "rb") as stream, _codec.reader(answer["codec"], stream) as read_bytes:
            _layer.read(entries, read_bytes, lambda entry: None)
        return entries, answer["codec"]

    def _fetch(self, name):
        """Return the bytes of a file in the folder there."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, name)
            self._fetch_file(self._folder + name, path)
            with open(path, "rb") as stream:
                return stream.read()
