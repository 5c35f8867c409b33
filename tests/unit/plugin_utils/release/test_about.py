# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations in manifests: what sealing writes is read, and any other form is refused."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing
from ansible_collections.itops.release.plugins.plugin_utils.library import _store
from ansible_collections.itops.release.plugins.plugin_utils.release import _about
from ansible_collections.itops.release.tests.fakes.estate import (
    component,
    file,
    manifest,
    write_tree,
)

SCRIPT = {"path": "a", "sha256": "0" * 64}
GIT = {"kind": "git", "place": "x", "revision": "v1", "commit": "0" * 40, "folder": "."}
COMPONENT = {
    "conflicts": (["legacy"], ["a\x1b[m"]),
    "materials": (
        [GIT],
        GIT,
        [{"kind": "git"}],
        [{**GIT, "kind": "x"}],
        [{**GIT, "more": ""}],
        [{**GIT, "commit": "-p"}],
    ),
    "provides": ({"web-api": "2"}, ["web-api"], {"web-api": 2}),
    "requires": (["api >=3,<4"], "api", [3]),
    "versions": ("semver", "other", ["semver"], {}),
}
RELEASE = {
    "requires_hosts": (
        {"os": ["debian >=12"], "architecture": ["x86_64"], "python": ">=3.9", "free_disk": 1},
        {"os": "debian"},
        {"python": 3},
        {"free_disk": -1},
        {"free_disk": True},
        {"free_disk": "1"},
        {"more": []},
        [],
    ),
    "scripts": ({"hooks": [SCRIPT]}, {"hooks": [5]}, []),
}


def declaring(**about):
    """Return a manifest with declarations of the release and of its component."""
    told = {"component": [], "release": []}
    for item in sorted(about.items()):
        told["release" if item[0] in RELEASE else "component"].append(item)
    part = component(file("a"))._replace(about=tuple(told["component"]))
    return manifest(part)._replace(about=tuple(told["release"]))


FORMS = {**COMPONENT, **RELEASE}


def test_every_declaration_has_a_form():
    assert set(_about.FORMS) == _manifest.ABOUT_COMPONENT | _manifest.ABOUT_RELEASE
    assert set(_about.FORMS) == set(FORMS)


def test_what_may_be_declared_is_read():
    _about.check(declaring(**{key: good for key, (good, *_odds) in FORMS.items()}))


@pytest.mark.parametrize(
    ("key", "odd"),
    [(key, odd) for key, (_good, *odds) in FORMS.items() for odd in odds],
)
def test_another_form_is_refused(key, odd):
    with pytest.raises(_manifest.ManifestError):
        _about.check(declaring(**{key: odd}))


def test_what_nobody_can_read_is_neither_sealed_nor_given_by_a_library(estate):
    source = write_tree(estate.folder / "src", {"a": ""})
    release = estate.declare("1")._replace(about=(("scripts", {"hooks": [5]}),))
    pack = _sealing.pack_here(str(source))

    with pytest.raises(_manifest.ManifestError, match="scripts are malformed"):
        _sealing.seal(estate.library, release, pack)
    assert estate.library.labels() == []

    layer = str(estate.folder / "layer")
    entries, codec = pack(release.components[0], layer)
    odd = manifest(component(*entries))._replace(about=release.about)
    with pytest.raises(_store.LibraryError, match="a release in it is malformed: scripts are"):
        estate.library.add(odd, {"app": (layer, codec)})
