# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations on the controller that are swept: all work on a media library or on packs."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from dataclasses import dataclass

from ansible_collections.itops.release.plugins.plugin_utils.evidence import _dsse
from ansible_collections.itops.release.tests.fakes.estate import write_tree
from ansible_collections.itops.release.tests.faults import controller
from ansible_collections.itops.release.tests.faults.operations import files


@dataclass(frozen=True)
class Operation:
    """One act of the controller.

    *stay* are the releases that are whole at any time, *before* those that were sealed before.
    """

    name: str
    act: str
    stay: tuple = ("1", "2")
    new: str | None = None
    thorough: bool = False
    fails: bool = False
    before: tuple = ("1", "2")

    def prepare(self, bench, folder):
        """Make a library of the releases *before*, the sources of a third, and the file ``job``."""
        (folder / "tmp").mkdir()
        for version in ("1", "2", "3"):
            write_tree(folder / version, files(version, bench.more))
        with tarfile.open(folder / "3.tar", "w") as archive:
            archive.add(folder / "3", ".")
        for version in self.before:
            controller.seal(str(folder), version)
        for content in ("new", "old"):
            write_tree(folder / "delivery", {"a": content, "b": "the same"})
            controller.checksums(str(folder))
            os.rename(folder / "delivery" / controller.CHECKSUMS, folder / content)
        shutil.copy(folder / "old", folder / "delivery" / controller.CHECKSUMS)
        write_tree(folder / "delivery", {"a": "new"})
        (folder / "job").write_text(json.dumps({"act": self.act, "folder": str(folder)}))

    def problems(self, _bench, folder, _expected, answered=False):
        """Return what is not as promised after a process that was broken, and after a re-run.

        With *answered*, it had said that all is done: the first re-run changes nothing either.
        """
        found = self._lost(folder, self.stay) + self._half_written(folder, ("old", "new"))
        for again in (False, True):
            try:
                changed = controller.ACTS[self.act](str(folder))
            except Exception as error:
                return [*found, f"re-run {again + 1}: {type(error).__name__}: {error}"]
            if (again or answered) and changed:
                found.append(f"re-run {again + 1} changes something")
            stay = (*self.stay, self.new) if self.new else self.stay
            found += [f"re-run {again + 1}: {line}" for line in self._lost(folder, stay)]
        return found + self._unsettled(folder)

    def claims_too_much(self, answer, folder, _expected):
        """Return what is untrue of the *answer* of an act that did not fail."""
        lost = self._lost(folder, (*self.stay, self.new) if self.new else self.stay)
        if self.act == "checksums":
            lost += self._half_written(folder, ("new",))
        return [f"it says that all went well, but {line}" for line in lost]

    @staticmethod
    def _lost(folder, stay):
        library = controller.library_of(str(folder))
        try:
            versions = {label.version: label.digest for label in library.labels()}
            found = [f"{version} is lost" for version in stay if version not in versions]
            for digest in versions.values():
                layers = library.get(digest).layers.values()
                if not all(library.layout.is_intact(layer["digest"]) for layer in layers):
                    found.append(f"sha256:{digest} is listed, and not whole")
            return found
        except (OSError, ValueError) as error:
            return [f"the library: {error}"]

    def _unsettled(self, folder):
        library = controller.library_of(str(folder))
        labels = {label.version: label.digest for label in library.labels()}
        if self.act == "sign":
            attached = library.attached(labels["2"], _dsse.ENVELOPE_TYPE, _dsse.LARGEST_ENVELOPE)
            signed = [item for item in attached if not item.damage]
            return [] if len(signed) == 1 else [f"there are {len(signed)} signatures"]
        if self.act == "pack":
            return self._wrong_packs(folder)
        if self.act == "checksums":
            return self._half_written(folder, ("new",))
        gone = "1" in labels and "1" not in self.stay
        return ["1 is still there"] if gone else []

    @staticmethod
    def _half_written(folder, whole):
        """Return what is wrong with the checksum file, which is to be one of those in *whole*."""
        found = (folder / "delivery" / controller.CHECKSUMS).read_bytes()
        if found in [(folder / name).read_bytes() for name in whole]:
            return []
        return [f"the checksum file is none of {whole}"]

    @staticmethod
    def _wrong_packs(folder):
        """Return what differs from the pack that is made when nothing comes between."""
        packs = folder / "packs"
        made = {path.name: path.read_bytes() for path in packs.iterdir() if path.name[0] != "."}
        os.rename(packs, folder / "broken packs")
        controller.pack(str(folder))
        anew = {path.name: path.read_bytes() for path in packs.iterdir() if path.name[0] != "."}
        return [] if made == anew else ["the pack is not what it should be"]


ALL = (
    Operation("seal", "seal", new="3"),
    Operation("seal into a new library", "seal", stay=(), new="3", before=()),
    Operation("seal an archive", "seal_archive", new="3"),
    Operation("sign", "sign"),
    Operation("prune", "prune", stay=("2",)),
    Operation("remove from the library", "remove", stay=("2",)),
    Operation("pin", "pin"),
    Operation("make a pack", "pack"),
    Operation("write checksums", "checksums"),
)
