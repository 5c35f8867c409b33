# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the sources of a release are: on this machine, or on a build host that packs them."""

from __future__ import annotations

import os
from typing import Any, Protocol

from ...module_utils.building import _as_built, _record
from ...module_utils.formats import _canonical, _codec
from ...module_utils.release import _layer, _manifest
from ...module_utils.sources import _script_digests
from ..build_host._conversation import BuildHost, BuildHostError
from ..definition import _release_file
from ..release import _scripts
from . import _sealing

Uses = _script_digests.Uses
Record = dict[str, Any]
Entries = list[_manifest.Entry]


class Sources(Protocol):
    """Sources of a release, wherever they are.

    *definition* is the path of ``release.yml`` there, *workspace* that of the folder in which it
    was built, None where nothing was. After ``record`` was called, *built* is its first result.
    """

    definition: str
    workspace: str | None
    built: Record | None

    def read(self) -> bytes:
        """Return the bytes of ``release.yml``."""

    def record(self) -> tuple[Record, list[str]]:
        """Return the record of the build, and a line for each change since it was left."""

    def scripts(self, uses: Uses) -> dict[str, Any]:
        """Return the digests of the scripts that the pairs *uses* name, as in a manifest."""

    def pack(self, source: _release_file.ComponentSource, path: str) -> tuple[Entries, str]:
        """Write the layer of a ComponentSource to *path*; return its entries and codec."""


class ThisMachine:
    """Sources on the controller, in the folder of the file *definition* below *src*.

    What was built of them is in the folder *workspace*.
    """

    def __init__(self, src: str, definition: str, workspace: str | None = None) -> None:
        self.definition = os.path.join(src, definition)
        self.workspace = workspace
        self.built: Record | None = None
        self._trees: dict[str, str] = {}

    def read(self) -> bytes:
        """Return the bytes of ``release.yml``."""
        try:
            with open(self.definition, "rb") as stream:
                return stream.read()
        except OSError as error:
            raise _release_file.ReleaseFileError(
                f"{self.definition}: {error.strerror}; src is the folder with the file that says "
                "what is released, and definition its path there"
            ) from None

    def record(self) -> tuple[Record, list[str]]:
        """Return the record of the build, and lines on what is not as it was left by that."""
        workspace = _given(self.workspace)
        record = _record.read(workspace)
        self.built, self._trees = record, _trees(record)
        return record, _as_built.find_changes(workspace, record)

    def scripts(self, uses: Uses) -> dict[str, Any]:
        """Return the digests of the scripts that the pairs *uses* name, as in a manifest."""
        return _script_digests.find(os.path.dirname(self.definition) or ".", uses)

    def pack(self, source: _release_file.ComponentSource, path: str) -> tuple[Entries, str]:
        """Write the layer of a ComponentSource to *path*; return its entries and codec."""
        if source.origin is None:
            return _sealing.pack_here(os.path.dirname(self.definition))(source, path)
        workspace = _given(self.workspace)
        folder = os.path.join(workspace, source.name)
        entries, codec = _sealing.pack_here(folder)(source, path)
        root = os.path.join(folder, source.source)
        tree = self._trees[source.name]
        _as_built.check_tree(source.name, entries, tree, root, workspace)
        return entries, codec


class OnBuildHost:
    """Sources in *src* on a build host: packed there, and fetched.

    *folder* is a folder there for what is to be fetched; its path ends in a slash.
    """

    def __init__(
        self,
        src: str,
        definition: str,
        workspace: str | None,
        folder: str,
        build_host: BuildHost,
    ) -> None:
        self.definition = os.path.join(src, definition)
        self.workspace = workspace
        self._below_src = definition
        self._problems: list[str] = []
        self.built: Record | None = None
        self._trees: dict[str, str] = {}
        self._folder = folder
        self._build_host = build_host

    def read(self) -> bytes:
        """Return the bytes of ``release.yml``."""
        asked = {"read": self._below_src, "to": self._folder + "definition"}
        if self.workspace is not None:
            asked["record"] = self._folder + _record.NAME
        self._problems = self._build_host.ask(asked).get("problems", [])
        return self._read("definition")

    def record(self) -> tuple[Record, list[str]]:
        """Return the record of the build, and lines on what is not as it was left by that."""
        path = os.path.join(_given(self.workspace), _record.NAME)
        record = _record.parse(self._read(_record.NAME), path)
        self.built, self._trees = record, _trees(record)
        return record, self._problems

    def scripts(self, uses: Uses) -> dict[str, Any]:
        """Return the digests of the scripts that the pairs *uses* name, as in a manifest."""
        answer = self._build_host.ask({"scripts": uses, "folder": os.path.dirname(self._below_src)})
        return _scripts.checked(answer.get("scripts"))

    def pack(self, source: _release_file.ComponentSource, path: str) -> tuple[Entries, str]:
        """Have the layer packed on the host, fetch it to *path*; return its entries and codec."""
        asked = {
            "pack": source.packing(),
            "root": os.path.join(os.path.dirname(self._below_src), source.source),
            "layer": self._folder + "layer",
            "entries": self._folder + "entries",
        }
        if source.origin is not None:
            asked.update(tree=self._trees[source.name], root=source.source)
        answer = self._build_host.ask(asked)
        self._build_host.fetch(self._folder + "layer", path)
        try:
            plain = _canonical.loads(self._read("entries"))
            entries = [_manifest.entry_from_plain(item) for item in plain]
        except (TypeError, _canonical.CanonicalError) as error:
            raise BuildHostError(f"what the build host says it packed is odd: {error}") from None
        # The layer is believed only after it was read through with these entries.
        with open(path, "rb") as stream, _codec.reader(answer["codec"], stream) as read_bytes:
            _layer.read(entries, read_bytes, lambda entry: None)
        return entries, answer["codec"]

    def _read(self, name: str) -> bytes:
        """Return the bytes of a file in the folder there."""
        return self._build_host.read(self._folder + name)


def _given(workspace: str | None) -> str:
    """Return the path of the *workspace*, without which nothing that was built can be read."""
    if workspace is None:
        raise _sealing.SealingError("workspace is not given: nothing is known of a build")
    return workspace


def _trees(record: Record) -> dict[str, str]:
    """Return ``{component: digest of its tree}`` of the *record* of a build."""
    return {component["name"]: component["tree"] for component in record["components"]}
