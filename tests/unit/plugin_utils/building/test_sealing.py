# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealing: the same inputs give the same release anywhere; what may not be sealed is refused."""

from __future__ import annotations

import os
import subprocess

import pytest

from ansible_collections.itops.release.plugins.module_utils.release import _layer, _manifest, _scan
from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file
from ansible_collections.itops.release.tests.fakes.estate import RULES, sha256, snapshot, write_tree

FILES = {"app*": "one", "lib/a": "a", "lib/ü": "u", "link@": "app", "empty/": ""}


def seal(estate, folder, *components, keep=True):
    release = _release_file.ReleaseFile("shop", "1.0", 1, components)
    pack = _sealing.pack_here(str(folder))
    return _sealing.seal(estate.library, release, pack, keep)[0].label


def source(name="app", source=".", path=".", **rules):
    return _release_file.ComponentSource(name, "1.0", "files", source, path, **{**RULES, **rules})


def test_order_umask_and_clock_do_not_change_the_digest(estate):
    one = write_tree(estate.folder / "one", FILES)
    umask = os.umask(0o002)
    try:
        other = write_tree(estate.folder / "other", dict(reversed(FILES.items())))
    finally:
        os.umask(umask)
    for path in other.rglob("*"):
        os.utime(path, (7, 7), follow_symlinks=False)
    components = [source("app"), source("again", path="again", include=("lib/**",))]

    label = seal(estate, one, *sorted(components))

    before = snapshot(estate.folder / "library")
    assert seal(estate, other, *sorted(components)) == label
    assert snapshot(estate.folder / "library") == before


def test_check_mode_gives_the_same_digest_and_writes_nothing(estate):
    folder = write_tree(estate.folder / "src", FILES)
    before = snapshot(estate.folder)

    label = seal(estate, folder, source(), keep=False)

    assert snapshot(estate.folder) == before
    assert seal(estate, folder, source()) == label


def test_how_layers_are_compressed_does_not_change_the_digest(estate, monkeypatch):
    folder = write_tree(estate.folder / "src", FILES)
    label = seal(estate, folder, source(), keep=False)

    monkeypatch.setattr(_sealing._codec, "readable", lambda: ["gzip"])
    assert seal(estate, folder, source(), keep=False) == label


@pytest.mark.parametrize(
    ("files", "rules", "reason"),
    [
        ({"README": "", "readme": ""}, {}, "component app has names .*'README' and 'readme'"),
        ({"Lib/a": "", "lib/b": ""}, {}, "'Lib' and 'lib'"),
        ({"\u00e9": "", "e\u0301": ""}, {}, "take for one"),
        ({"\u00e9": "", "e\u0301": ""}, {"case_sensitive": True}, "take for one"),
        ({"a": ""}, {"include": ("b",)}, "component app holds no files: check its globs"),
        ({"b/a": ""}, {"include": ("b",)}, "component app holds no files: check its globs"),
        ({"b/": ""}, {}, "component app holds no files: check its globs"),
    ],
)
@pytest.mark.parametrize("keep", [True, False])
def test_what_some_host_could_not_hold_is_refused_by_name(estate, files, rules, reason, keep):
    folder = write_tree(estate.folder / "src", files)

    with pytest.raises(_sealing.SealingError, match=reason):
        seal(estate, folder, source(**rules), keep=keep)
    assert estate.library.labels() == []


def test_names_that_differ_by_case_are_fine_when_that_is_wanted(estate):
    folder = write_tree(estate.folder / "src", {"README": "", "readme": ""})

    assert seal(estate, folder, source(case_sensitive=True)).name == "shop"


def test_components_must_not_collide_by_case_either(estate):
    folder = write_tree(estate.folder / "src", {"one/App": "", "other/app": ""})

    with pytest.raises(_sealing.SealingError, match=r"the release has names .*'App' and 'app'"):
        seal(estate, folder, source("one", "one"), source("other", "other"))


def test_components_that_want_one_place_are_refused(estate):
    folder = write_tree(estate.folder / "src", {"one/app": "", "other/app": ""})

    with pytest.raises(_manifest.ManifestError, match="two components bring 'app'"):
        seal(estate, folder, source("one", "one"), source("other", "other"))


def test_a_source_that_is_no_directory_is_told(estate):
    folder = write_tree(estate.folder / "src", {"app": ""})

    for name in ("none", "app"):
        with pytest.raises(_sealing.SealingError, match=f"component app: .*/{name} is not a dir"):
            seal(estate, folder, source(source=name))


def test_a_failed_sealing_leaves_nothing_behind(estate):
    folder = write_tree(estate.folder / "src", {"app": ""})
    seal(estate, folder, source())
    before = snapshot(estate.folder / "library")
    os.mkfifo(folder / "bad")

    with pytest.raises(_scan.ScanError, match="'bad'"):
        seal(estate, folder, source("app"), source("more", path="more"))
    assert snapshot(estate.folder / "library") == before


def write_checksums(folder, *names):
    lines = [f"{sha256((folder / name).read_text())}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(lines))


LISTED = ("app", "lib/a", "lib/ü")


def test_a_source_that_is_as_its_checksum_file_says_is_sealed(estate):
    folder = write_tree(estate.folder / "src", FILES)
    write_checksums(folder, *LISTED)

    label = seal(estate, folder, source(checksums="SHA256SUMS"))

    assert seal(estate, folder, source()) == label


@pytest.mark.parametrize("keep", [True, False])
def test_a_source_that_differs_from_its_checksum_file_is_not_sealed(estate, keep):
    folder = write_tree(estate.folder / "src", FILES)
    demanding = source(checksums="SHA256SUMS")
    with pytest.raises(_scan.ScanError, match=r"^SHA256SUMS: it is not there$"):
        seal(estate, folder, demanding, keep=keep)
    write_checksums(folder, *LISTED[:-1])
    with pytest.raises(_scan.ScanError, match=r"^SHA256SUMS: 1 added: 'lib/ü'$"):
        seal(estate, folder, demanding, keep=keep)
    write_checksums(folder, *LISTED)
    (folder / "app").write_text("two")
    (folder / "lib/a").unlink()
    with pytest.raises(_scan.ScanError, match=r"1 modified: 'app'; 1 removed: 'lib/a'$"):
        seal(estate, folder, demanding, keep=keep)
    (folder / "SHA256SUMS").write_text("")
    with pytest.raises(_scan.ScanError, match=r"^SHA256SUMS: it is empty$"):
        seal(estate, folder, demanding, keep=keep)
    assert estate.library.labels() == []


def test_only_what_is_sealed_must_be_listed(estate):
    folder = write_tree(estate.folder / "src", {**FILES, "more/x": ""})
    write_checksums(folder, *LISTED)
    (folder / "app").write_text("two")
    rules = {"include": ("app", "lib/**"), "exclude": ("app",), "checksums": "SHA256SUMS"}

    assert seal(estate, folder, source(**rules)).name == "shop"


@pytest.mark.parametrize("program", ["sha256sum", "sha512sum"])
def test_what_is_sealed_is_what_was_verified(estate, monkeypatch, program):
    folder = write_tree(estate.folder / "src", FILES)
    listed = subprocess.run([program, *LISTED], cwd=folder, capture_output=True, check=True).stdout
    (folder / "SUMS").write_bytes(listed)
    scan = _scan.scan

    def change_and_scan(*arguments):
        (folder / "app").write_text("two")
        return scan(*arguments)

    monkeypatch.setattr(_scan, "scan", change_and_scan)
    with pytest.raises(_layer.LayerError, match=r"^'app' changed while it was sealed; seal again$"):
        seal(estate, folder, source(checksums="SUMS"))


def test_components_that_do_not_work_together_are_not_sealed(estate):
    folder = write_tree(estate.folder / "src", FILES)
    api, web = source("api", path="api"), source("web", path="web")
    needs = (("requires", ["api >=2"]), ("versions", "pep440"))

    with pytest.raises(_sealing.SealingError, match=r"^web 1.0 requires api >=2; this release has"):
        seal(estate, folder, api, web._replace(about=needs))
    assert seal(estate, folder, api, web._replace(about=(("requires", ["api >=1"]),)))
