# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller does in a sweep: each is a function of a folder, and tells what it changed.

The folder has a media library, ``library``, packs, ``packs``, and the sources of a release, ``3``,
the same as ``3.tar``, and a tree that is not ours, ``delivery``.
"""

from __future__ import annotations

import contextlib
import os

from ansible_collections.itops.release.plugins.module_utils.checksums import _file
from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file
from ansible_collections.itops.release.plugins.plugin_utils.deployment import _packs
from ansible_collections.itops.release.plugins.plugin_utils.evidence import _signatures
from ansible_collections.itops.release.plugins.plugin_utils.library import _retention, _store
from ansible_collections.itops.release.tests.fakes import archives, signing

ANY = {"include": ("**",), "exclude": (), "private": (), "writable": (), "case_sensitive": False}
CHECKSUMS = "SHA256SUMS"


def library_of(folder):
    """Return the media library below *folder*."""
    return _store.Library(os.path.join(folder, "library"))


def seal(folder, version="3"):
    """Seal the release whose sources are below *folder*."""
    source = _release_file.ComponentSource("app", version, "files", version, ".", **ANY)
    return _seal(folder, source)


def seal_archive(folder):
    """Seal the release whose sources are an archive."""
    rules = {**archives.RULES, "case_sensitive": False}
    source = _release_file.ComponentSource("app", "3", "archive", "3.tar", ".", **rules)
    return _seal(folder, source)


def _seal(folder, source):
    release = _release_file.ReleaseFile("shop", source.version, int(source.version), (source,))
    return _sealing.seal(library_of(folder), release, _sealing.pack_here(folder))[1]


def sign(folder):
    """Sign the newest release."""
    library = library_of(folder)
    return _signatures.sign(library, library.find("shop:2").digest, "release", signing.signer(1))


def prune(folder):
    """Let only the newest release stay."""
    return library_of(folder).prune(_retention.Rules(1, None, ())).changed


def remove(folder):
    """Remove the older release."""
    library = library_of(folder)
    digests = [label.digest for label in library.labels() if label.version == "1"]
    return any(library.remove(digest) for digest in digests)


def pin(folder):
    """Pin the newest release."""
    library = library_of(folder)
    return library.pin(library.find("shop:2").digest, True)


def pack(folder):
    """Make the pack of the newest release on top of the older one."""
    library, cache = library_of(folder), _packs.PackCache(os.path.join(folder, "packs"))
    wanted, base = (library.find(f"shop:{version}").digest for version in "21")
    there = set(os.listdir(cache.path)) if os.path.isdir(cache.path) else set()
    return os.path.basename(cache.get(library, wanted, base, "gzip")) not in there


def checksums(folder):
    """Write the checksum file of the tree that is not ours."""
    tree = os.path.join(folder, "delivery")
    with contextlib.closing(_file.ChecksumFile(tree, CHECKSUMS)) as checksum_file:
        data, before, _count, _links = checksum_file.make("sha256")
        if data != before:
            checksum_file.write(data)
        return data != before


ACTS = {
    act.__name__: act for act in (seal, seal_archive, sign, prune, remove, pin, pack, checksums)
}
