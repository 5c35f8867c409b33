# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small release of which a byte is flipped: in the library, on its way, or on the host.

What comes of a flip is a line that refuses it or finds it, or None where nothing was noticed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import zlib

from ansible_collections.itops.release.plugins.module_utils.deployment import _look, _transaction
from ansible_collections.itops.release.plugins.module_utils.formats import _codec
from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.plugins.module_utils.root import _claim, _directory
from ansible_collections.itops.release.plugins.module_utils.tree import _layout
from ansible_collections.itops.release.plugins.plugin_utils.deployment import _packs
from ansible_collections.itops.release.plugins.plugin_utils.evidence import _signatures
from ansible_collections.itops.release.plugins.plugin_utils.library import _store
from ansible_collections.itops.release.tests.fakes import signing
from ansible_collections.itops.release.tests.fakes.estate import Estate, Host
from ansible_collections.itops.release.tests.faults.operations import LINKS, RULES, files, look

MASKS = (0x01, 0x20, 0x80)
TRUST = signing.trust(release=(1, signing.key(1)))
ON_CONTROLLER = (  # what the action tells as a line
    _claim.DeploymentError,
    _codec.CodecError,
    _store.LibraryError,
    _manifest.ManifestError,
    _signatures.Refused,
    _layout.TreeError,
)
ON_HOST = (OSError, _manifest.ManifestError, _directory.RootError, _layout.TreeError)
SEALED = {"linked_paths": LINKS, "seed": True}
(WRITABLE,) = RULES["writable"]
ZSTD = b"(\xb5/\xfd"


class Target:
    """An application whose release 1 is live on a host, and whose signed release 2 comes next."""

    def __init__(self, folder):
        self.estate = Estate(folder)
        self.labels = {
            version: self.estate.seal(version, files(version), **RULES) for version in ("1", "2")
        }
        for label in self.labels.values():
            _signatures.sign(self.estate.library, label.digest, "release", signing.signer(1))
        self.host = Sender(self.estate, folder / "srv/shop", {"keep": 3})
        self.host.deploy(self.labels["1"], **SEALED)
        self.packs = {version: self.packed(version) for version in self.labels}
        self.pack = self.packed("2", "1")

    def packed(self, version, base=None, trust=TRUST):
        """Return the pack of a release, found by its name and, with *trust*, signed."""
        library = self.estate.library
        label = library.find(f"shop:{version}")
        assert label == self.labels[version]
        if trust:
            _signatures.demand(library, label, trust, signing.NOW)
        stream = io.BytesIO()
        base = self.labels[base].digest if base else None
        _packs.write(stream, library, label.digest, base, "gzip")
        return stream.getvalue()

    def leave_one(self):
        """Leave release 2 alone in the library: each of its files is of that release then."""
        self.estate.library.remove(self.labels["1"].digest)
        del self.packs["1"]

    def noticed_in_library(self):
        """Return the line by which the library refuses a release, or tells that it is damaged."""
        try:
            for version, pack in self.packs.items():
                assert self.packed(version) == pack, "wrong bytes are packed"
            _whole, damaged = self.estate.library.survey()
        except ON_CONTROLLER as error:
            return line_of(error)
        return damaged[0].reason if damaged else None

    def noticed_on_the_way(self, sent):
        """Return the line by which the host refuses the pack *sent*, None where it is whole."""
        self.host.instead = sent
        try:
            self.host.deploy(self.labels["2"], state="staged", **SEALED)
        except ValueError as error:
            answer = _transaction.refusal(error, self.host.request())
            assert len(self.host.trees) == 1, "a tree is left"
            return line_of(answer.text)
        assert self.host.drift(self.host.tree_of(self.labels["2"])) == []
        asked_again = self.host.asked > 1
        self.host.deploy(self.labels["2"], state="absent")
        return "asked for all of it" if asked_again else None

    def noticed_on_host(self):
        """Return what verification finds on the host, in a line, None where all is well."""
        look = _look.Look(str(self.host.root), verify=True, history=1000, runtime_paths=())
        try:
            told = _look.answer(look)
        except ON_HOST as error:
            return line_of(error)
        found = [f"{item['change']} {item['path']}" for item in told["drift"]]
        return ", ".join(found) or None

    def go_live(self):
        """Let release 2 go live, which release 1 is the way back from."""
        self.host.instead = None
        self.host.deploy(self.labels["2"], **SEALED)
        assert self.noticed_on_host() is None
        self.looks = {"2": look(self.host.root / "current")}
        self.host.deploy(None)
        self.looks["1"] = look(self.host.root / "current")
        self.host.deploy(self.labels["2"], **SEALED)

    def wrong_in_use(self, path, altered):
        """Return what is wrong when the releases go live although the file *path* is *altered*.

        Both trees lack a file, so that they are built again from what is held.
        """
        root = self.host.root.parent / "copy"
        subprocess.run(["cp", "-a", str(self.host.root), str(root)], check=True)
        (root / path.relative_to(self.host.root)).write_bytes(altered)
        host, found = Sender(self.estate, root, {"keep": 3}), []
        for version, label in (("1", None), ("2", self.labels["2"])):
            tree = root / "releases" / host.tree_of(self.labels[version])
            (tree / "secret").unlink()
            drift = host.deploy(label, **SEALED)["drift"]
            if look(root / "current") != self.looks[version]:
                found.append(f"{version} is live, and not whole")
            with contextlib.suppress(ValueError):
                wanted = str(path.relative_to(self.host.root / "releases" / tree.name))
                if wanted not in (WRITABLE, *(item["path"] for item in drift)):
                    found.append(f"{wanted} of {version} is not named")
        shutil.rmtree(root)
        return found


class Sender(Host):
    """A Host to which something else is sent *instead* of the first pack."""

    instead = None
    asked = 0

    def deploy(self, *args, **params):
        self.asked = 0
        return super().deploy(*args, **params)

    def send(self, path, *args):
        super().send(path, *args)
        self.asked += 1
        if self.instead is not None and self.asked == 1:
            with open(path, "wb") as stream:
                stream.write(self.instead)


def line_of(error):
    """Return the text of *error*, which is one line."""
    line = str(error)
    assert line
    assert line.isprintable(), repr(line)
    return line


def flips(data, most=None, masks=MASKS):
    """Yield (offset, *data* with a bit flipped there): at all bytes, or at *most*, evenly."""
    chosen = range(len(data))
    if most is not None and most < len(data):
        chosen = sorted({index * len(data) // most for index in range(most)})
        masks = masks[:1]
    for offset in chosen:
        for mask in masks:
            yield offset, data[:offset] + bytes([data[offset] ^ mask]) + data[offset + 1 :]


def keys_changed(before, after):
    """Return which keys' values differ between two JSON documents, as ``a.*.b``."""

    def flat(value, path):
        if isinstance(value, dict):
            for key, item in value.items():
                yield from flat(item, f"{path}.{key}")
        elif isinstance(value, list):
            for number, item in enumerate(value):
                yield from flat(item, f"{path}.{number}")
        else:
            yield path, value

    one, other = (dict(flat(json.loads(data), "")) for data in (before, after))
    changed = {path for path in {*one, *other} if one.get(path, one) != other.get(path, one)}
    return {re.sub(r"\.\d+", ".*", path)[1:] for path in changed & {*one}}


def uncompressed(pack):
    """Return the header of a gzip *pack*, and what is compressed behind it."""
    header, _newline, rest = pack.partition(b"\n")
    return header + b"\n", zlib.decompress(rest, 31)


def compressed(header, data):
    """Return the pack of *header* and *data*, its checksum right whatever *data* is."""
    packer = zlib.compressobj(wbits=31)
    return header + packer.compress(data) + packer.flush()


def unpacked(data):
    """Return what is in a zstd frame, None where that cannot be read."""
    try:
        with _codec.reader("zstd", io.BytesIO(data)) as read_bytes:
            return read_bytes(10**6)
    except _codec.CodecError:
        return None


def files_below(folder):
    """Return the regular files below *folder*, each of its inodes once."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            found.setdefault(os.stat(path).st_ino, path)
    return list(found.values())
