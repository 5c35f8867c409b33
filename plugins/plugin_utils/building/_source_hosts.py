# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the sources of a release are: on this machine, or on a build host that packs them."""

from __future__ import annotations

import os
import tempfile

from ...module_utils.building import _as_built, _record
from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical, _codec
from ...module_utils.release import _layer, _manifest
from ...module_utils.sources import _script_digests
from ..definition import _release_file
from ..release import _scripts
from . import _sealing


class BuildHostError(ReleaseError):
    """The build host could not do its part."""

    code = "build_host_failed"


class ThisMachine:
    """Sources on the controller, in the folder of the file *definition* below *src*.

    What was built of them is in the folder *workspace*.
    """

    def __init__(self, src, definition, workspace=None):
        self.definition = os.path.join(src, definition)
        self.workspace = workspace
        self.built = None
        self._trees = {}

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

    def record(self):
        """Return the record of the build, and lines on what is not as it was left by that."""
        record = _record.read(self.workspace)
        self.built, self._trees = record, _trees(record)
        return record, _as_built.find_changes(self.workspace, record)

    def scripts(self, uses):
        """Return the digests of the scripts that the pairs *uses* name, as in a manifest."""
        return _script_digests.find(os.path.dirname(self.definition) or ".", uses)

    def pack(self, source, path):
        """Write the layer of a ComponentSource to *path*; return its entries and codec."""
        if source.origin is None:
            return _sealing.pack_here(os.path.dirname(self.definition))(source, path)
        folder = os.path.join(self.workspace, source.name)
        entries, codec = _sealing.pack_here(folder)(source, path)
        root = os.path.join(folder, source.source)
        tree = self._trees[source.name]
        _as_built.check_tree(source.name, entries, tree, root, self.workspace)
        return entries, codec


class BuildHost:
    """Sources in *src* on another host: packed there, and fetched.

    ``call(asked)`` has the half of the module there do something and returns its result, and
    ``fetch(path there, path)`` fetches a file; both raise BuildHostError. *folder* is there, for
    what is to be fetched; its path ends in a slash.
    """

    def __init__(self, src, definition, workspace, folder, call, fetch):
        self.definition = os.path.join(src, definition)
        self.workspace = workspace
        self._below_src = definition
        self._problems = []
        self.built = None
        self._trees = {}
        self._folder = folder
        self._call = call
        self._fetch_file = fetch

    def read(self):
        """Return the bytes of ``release.yml``."""
        asked = {"read": self._below_src, "to": self._folder + "definition"}
        if self.workspace is not None:
            asked["record"] = self._folder + _record.NAME
        self._problems = self._call(asked).get("problems", [])
        return self._fetch("definition")

    def record(self):
        """Return the record of the build, and lines on what is not as it was left by that."""
        path = os.path.join(self.workspace, _record.NAME)
        record = _record.parse(self._fetch(_record.NAME), path)
        self.built, self._trees = record, _trees(record)
        return record, self._problems

    def scripts(self, uses):
        """Return the digests of the scripts that the pairs *uses* name, as in a manifest."""
        answer = self._call({"scripts": uses, "folder": os.path.dirname(self._below_src)})
        return _scripts.checked(answer.get("scripts"))

    def pack(self, source, path):
        """Have the layer packed on the host, fetch it to *path*; return its entries and codec."""
        asked = {
            "pack": source.packing(),
            "root": os.path.join(os.path.dirname(self._below_src), source.source),
            "layer": self._folder + "layer",
            "entries": self._folder + "entries",
        }
        if source.origin is not None:
            asked.update(tree=self._trees[source.name], root=source.source)
        answer = self._call(asked)
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


def _trees(record):
    """Return ``{component: digest of its tree}`` of the *record* of a build."""
    return {component["name"]: component["tree"] for component in record["components"]}
