# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealed scripts: those here are the same, or each that is not is told."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.plugins.module_utils.sources import _script_digests
from ansible_collections.itops.release.plugins.plugin_utils.release import _scripts
from ansible_collections.itops.release.tests.fakes.estate import (
    component,
    file,
    manifest,
    sha256,
    write_tree,
)

FILES = {"hooks/before.yml": "b", "hooks/after.yml": "a", "build.sh*": "s", "up.sql": "1"}
USES = (("build", ("build.sh",)), ("hooks", ("hooks/*",)), ("migrations", ("*.sql",)))


@pytest.fixture
def sealed(tmp_path):
    """Return the manifest of a release with scripts."""
    return with_scripts(_script_digests.find(str(write_tree(tmp_path, FILES)), USES))


def with_scripts(scripts):
    plain = manifest(component(file("a")), version="1.4.0")
    return plain._replace(about=(("scripts", scripts),))


def test_hooks_that_hold_what_was_sealed_pass_wherever_they_lie(sealed, tmp_path):
    elsewhere = write_tree(tmp_path / "elsewhere", {"leave.yml": "b", "after.yml": "a"})

    assert _scripts.unsealed_hooks(sealed, list(map(str, elsewhere.iterdir()))) == []


def test_hooks_that_hold_something_else_are_told_with_what_is_right(sealed, tmp_path):
    write_tree(tmp_path, {"hooks/before.yml": "c", "other.yml": "x", "build.yml": "s"})
    paths = [str(tmp_path / name) for name in ("hooks/before.yml", "other.yml", "hooks", "gone")]

    changed, other, folder, gone = _scripts.unsealed_hooks(sealed, paths * 2)

    assert changed == (
        f"hook {paths[0]} is not what was sealed with shop 1.4.0 (sha256 {sha256('b')[:12]}…, here "
        f"{sha256('c')[:12]}…): use the sealed file, or seal again"
    )
    assert other == (
        f"hook {paths[1]} was not sealed with shop 1.4.0: seal it with the others under "
        "scripts.hooks, or leave it out"
    )
    assert folder.startswith(f"hook {paths[2]} ")
    assert gone == f"hook {paths[3]} cannot be read: No such file or directory"
    # What was sealed as a build script is no hook.
    assert len(_scripts.unsealed_hooks(sealed, [str(tmp_path / "build.yml")])) == 1


@pytest.mark.parametrize("scripts", [None, {"build": [{"path": "a", "sha256": "0" * 64}]}])
def test_a_release_without_sealed_hooks_says_nothing_of_any(tmp_path, scripts):
    write_tree(tmp_path, FILES)
    release = with_scripts(scripts) if scripts else manifest(component(file("a")))

    assert _scripts.unsealed_hooks(release, [str(tmp_path / "hooks/before.yml")]) == []


def test_a_folder_has_all_that_was_sealed_or_each_difference_is_told(sealed, tmp_path):
    assert _scripts.differences(sealed, str(tmp_path)) == []

    write_tree(tmp_path, {"up.sql": "2"})
    (tmp_path / "hooks/after.yml").unlink()
    (tmp_path / "build.sh").unlink()
    (tmp_path / "build.sh").symlink_to("up.sql")

    link, gone, changed = _scripts.differences(sealed, str(tmp_path))

    assert link.startswith("script build.sh cannot be read: Too many levels of symbolic links")
    assert gone == "script hooks/after.yml cannot be read: No such file or directory"
    assert changed.startswith("script up.sql is not what was sealed with shop 1.4.0 (sha256 ")
    assert _scripts.differences(sealed, str(tmp_path / "gone")) == [
        f"{tmp_path}/gone: No such file or directory"
    ]


@pytest.mark.parametrize(
    "odd",
    [
        5,
        [],
        {"hooks": []},
        {"hooks": {}},
        {"hooks": 5},
        {"other": [{"path": "a", "sha256": "0" * 64}]},
        {"hooks": ["a"]},
        {"hooks": [{"path": "../a", "sha256": "0" * 64}]},
        {"hooks": [{"path": "a", "sha256": "0"}]},
        {"hooks": [{"path": "a", "sha256": None}]},
        {"hooks": [{"path": "a"}]},
        {"hooks": [{"path": "a", "sha256": "0" * 64, "more": 1}]},
    ],
)
def test_scripts_of_another_form_are_refused(odd):
    with pytest.raises(_manifest.ManifestError):
        _scripts.sealed(with_scripts(odd))
