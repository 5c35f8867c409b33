# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own part of each operation: one process, without Ansible and SSH.

``in_process.py OPERATION FOLDER`` prints the seconds, CPU seconds and largest memory of one of
``seal``, ``pack``, ``first``, ``next``, ``back``, ``verify`` as JSON. ``FOLDER`` has ``v1`` and
``v2``, and keeps what an operation leaves to the next.
"""

from __future__ import annotations

import json
import os
import pathlib
import resource
import shutil
import sys
import time

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / ".dev"))

from ansible_collections.itops.release.plugins.module_utils.deployment import _host_call, _request  # noqa: E402 - path first
from ansible_collections.itops.release.plugins.module_utils.formats import _compressor  # noqa: E402 - path first
from ansible_collections.itops.release.plugins.module_utils.release import _manifest  # noqa: E402 - path first
from ansible_collections.itops.release.plugins.module_utils.root import (  # noqa: E402 - path first
    _directory,
    _inspection,
    _state,
)
from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing  # noqa: E402
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file  # noqa: E402
from ansible_collections.itops.release.plugins.plugin_utils.deployment import _packs  # noqa: E402
from ansible_collections.itops.release.plugins.plugin_utils.library import _store  # noqa: E402
from ansible_collections.itops.release.plugins.plugin_utils.release import _delta  # noqa: E402


class Operations:
    """Each operation as a method; it returns what does not belong to its time."""

    def __init__(self, folder):
        self.folder = folder
        self.library = _store.Library(str(folder / "in-library"))
        self.root = folder / "in-root"

    def seal(self, version="v1"):
        """Seal one version."""
        path = self.folder / version / "release.yml"
        release = _release_file.parse(path.read_text(), str(path))
        _sealing.seal(self.library, release, _sealing.pack_here(str(path.parent)))

    def seal_next(self):
        """Seal the other version."""
        self.seal("v2")

    def pack(self):
        """Make the pack of the first release."""
        self._write_pack("v1", None)

    def pack_next(self):
        """Make the pack of the next release."""
        self._write_pack("v2", "v1")

    def first(self):
        """Do what a host does to make the first release live."""
        self._deploy("v1")

    def next(self):
        """Do what a host does to make the next release live."""
        self._deploy("v2")

    def back(self):
        """Do what a host does for a rollback."""
        self._deploy(None)

    def verify(self):
        """Compare all that is live with what was sealed."""
        with _directory.opened(str(self.root)) as root:
            state = root.read_state()
            drift, _runtime = _inspection.look_through(root, state, state.live, ())
        if drift:
            sys.exit(f"the tree differs: {drift[:3]}")

    def bytes_of_next(self):
        """Return, for each codec, the bytes of the next release's pack, and of its parts alone."""
        self._write_pack("v2", "v1", "gzip")
        held, wanted = (self._get(version).manifest for version in ("v1", "v2"))
        sizes = {}
        for codec in ("zstd", "gzip"):
            self._write_pack("v2", "v1", codec)
            sizes[codec] = {
                "pack": os.path.getsize(self._pack_path("v2")),
                "contents": self._compressed(codec, self._changed(held, wanted)),
                "manifest": self._compressed(codec, [_delta.make(held, wanted)]),
            }
        self.pack_next()
        return sizes

    def _changed(self, held, wanted):
        """Return the contents of *wanted* that *held* lacks."""
        there = _manifest.contents(held)
        new = {}
        for entry in wanted.components[0].entries:
            if entry.type == "file" and entry.sha256 not in there:
                new[entry.sha256] = (self.folder / "v2/src" / entry.path).read_bytes()
        return new.values()

    def _compressed(self, codec, pieces):
        path = self.folder / "compressed"
        with open(path, "wb") as stream, _compressor.writer(codec, stream) as write:
            for piece in pieces:
                write(piece)
        return path.stat().st_size

    def _write_pack(self, wanted, base, codec="zstd"):
        base = base and self._get(base).label.digest
        with open(self._pack_path(wanted), "wb") as stream:
            _packs.write(stream, self.library, self._get(wanted).label.digest, base, codec)

    def _get(self, version):
        return self.library.get(self.library.find(f"app:{version}").digest)

    def _pack_path(self, version):
        return self.folder / f"in-pack-{version}"

    def _deploy(self, version):
        label = self.library.find(f"app:{version}") if version else None
        request = _request.Request(
            str(self.root), "bench", release=label and _state.Release(*label)
        )
        answer = _host_call.carry_out(request, time.ctime)
        need = answer.need
        if need:
            shutil.copy(self._pack_path(version), os.path.join(need.upload_dir, "pack"))
            request = request.after(upload_dir=need.upload_dir, links=need.links)
            answer = _host_call.carry_out(request, time.ctime)
        if answer.need or not answer.outcome["changed"]:
            sys.exit(f"nothing was deployed: {answer}")


def main():
    operation, folder = sys.argv[1:]
    operations = Operations(pathlib.Path(folder))
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    said = getattr(operations, operation)()
    seconds = time.monotonic() - start
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, -1))
    cpu = own.ru_utime + own.ru_stime - before.ru_utime - before.ru_stime
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu": cpu + children.ru_utime + children.ru_stime,
                "memory": max(own.ru_maxrss, children.ru_maxrss) * 1024,
                "said": said,
            }
        )
    )


if __name__ == "__main__":
    main()
