# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts: what globs name is found with its digest, and nothing else is read."""

from __future__ import annotations

import os

import pytest

from ansible_collections.itops.release.plugins.module_utils.sources import _script_digests
from ansible_collections.itops.release.tests.fakes.estate import sha256, write_tree

FILES = {
    "hooks/after.yml": "a",
    "hooks/before.yml": "b",
    "hooks/deep/er.yml": "d",
    "migrations/1/up.sql": "1",
    "build.sh*": "#!/bin/sh\n",
    ".git/hooks/odd.yml": "",
    "node_modules/x/y.js": "",
}


def found(folder, **uses):
    return {
        use: {script["path"]: script["sha256"] for script in scripts}
        for use, scripts in _script_digests.find(str(folder), sorted(uses.items())).items()
    }


@pytest.mark.parametrize(
    ("glob", "paths"),
    [
        ("hooks/*.yml", ["hooks/after.yml", "hooks/before.yml"]),
        ("hooks/**", ["hooks/after.yml", "hooks/before.yml", "hooks/deep/er.yml"]),
        ("hooks/", ["hooks/after.yml", "hooks/before.yml", "hooks/deep/er.yml"]),
        ("**/*.yml", ["hooks/after.yml", "hooks/before.yml", "hooks/deep/er.yml"]),
        ("*/1/*", ["migrations/1/up.sql"]),
        ("build.sh", ["build.sh"]),
        ("*", ["build.sh"]),
    ],
)
def test_globs_name_files_below_the_folder(tmp_path, glob, paths):
    write_tree(tmp_path, FILES)

    scripts = found(tmp_path, hooks=(glob,))["hooks"]

    assert list(scripts) == paths
    assert all(digest == sha256((tmp_path / path).read_text()) for path, digest in scripts.items())


def test_a_script_may_have_two_uses_and_no_use_is_empty(tmp_path):
    write_tree(tmp_path, FILES)

    scripts = found(
        tmp_path, build=(), hooks=("hooks/a*", "hooks/*r.yml"), migrations=("hooks/a*",)
    )

    assert {use: list(paths) for use, paths in scripts.items()} == {
        "hooks": ["hooks/after.yml"],
        "migrations": ["hooks/after.yml"],
    }


def _big(folder):
    with open(folder / "hooks/after.yml", "r+b") as stream:
        stream.truncate(_script_digests.LARGEST_BYTES + 1)


def _link(name, target):
    def make(folder):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return make


def _deep(folder):
    here = folder / "hooks"
    for _step in range(130):
        here /= "d"
    here.mkdir(parents=True)


@pytest.mark.parametrize(
    ("change", "glob", "reason"),
    [
        (None, "gone/*.yml", "scripts.hooks: 'gone/*.yml' names no file below {folder}"),
        (None, "hooks", "scripts.hooks: 'hooks' names no file below {folder}"),
        (None, "../*", "scripts.hooks: '../*' names no file below {folder}"),
        (None, "/etc/passwd", "scripts.hooks: '/etc/passwd' names no file below {folder}"),
        (None, ".git/hooks/*", "scripts.hooks: '.git/hooks/*' names no file below {folder}"),
        (_big, "hooks/*", "script 'hooks/after.yml' is larger than 16777216 bytes"),
        (
            _link("hooks/after.yml", "/etc/passwd"),
            "hooks/*",
            "script 'hooks/after.yml' is a link: name the file that it leads to",
        ),
        (_link("linked", "hooks"), "linked/*", "scripts.hooks: 'linked/*' names no file below"),
        (
            lambda folder: os.mkfifo(folder / "hooks/pipe"),
            "hooks/*",
            "script 'hooks/pipe' is no regular file",
        ),
        (
            lambda folder: (folder / "hooks/a\nb").write_text(""),
            "hooks/*",
            "script 'hooks/a\\nb' has a control character in its name",
        ),
        (_deep, "hooks/**", "'hooks/d/d/"),
    ],
)
def test_what_cannot_be_sealed_is_told_in_a_line(tmp_path, change, glob, reason):
    write_tree(tmp_path, FILES)
    if change:
        change(tmp_path)

    with pytest.raises(_script_digests.ScriptError) as caught:
        found(tmp_path, hooks=("build.sh", glob))

    assert str(caught.value).startswith(reason.format(folder=tmp_path))
    assert "\n" not in str(caught.value)


def test_more_scripts_than_anybody_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_script_digests, "MOST_SCRIPTS", 2)
    write_tree(tmp_path, FILES)

    with pytest.raises(_script_digests.ScriptError, match="more than 2 files are named"):
        found(tmp_path, hooks=("hooks/**",))


def test_folders_in_which_nothing_is_named_are_not_entered(tmp_path):
    write_tree(tmp_path, FILES)
    write_tree(tmp_path / "elsewhere", {"a": ""})
    entered = []
    opening = os.open

    def note(path, *arguments, **keywords):
        entered.append(path)
        return opening(path, *arguments, **keywords)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_script_digests.os, "open", note)
        found(tmp_path, hooks=("hooks/*.yml",))

    assert "hooks" in entered
    assert not {"node_modules", "elsewhere", "deep", ".git"} & set(entered)
