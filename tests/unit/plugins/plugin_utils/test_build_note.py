# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build notes: each change is found from the files themselves, and what commits do not explain."""

from __future__ import annotations

import json

import pytest

from ansible_collections.itops.release.plugins.module_utils import _canonical, _commits, _manifest
from ansible_collections.itops.release.plugins.plugin_utils import _build_note, _catalogue
from ansible_collections.itops.release.tests.unit.plugins.estate import (
    component,
    directory,
    file,
    manifest,
)

REPOSITORY = "https://git.example.org/shop.git"


def release(version, serial, *components):
    sealed = manifest(*components, version=version, serial=serial)
    digest = _manifest.digest_of(_manifest.render(sealed))
    return _catalogue.Label(digest, sealed.name, version, serial), sealed


def web(version, **files):
    entries = [directory("etc"), *(file(name, text) for name, text in sorted(files.items()))]
    return component(*sorted(entries), name="web", version=version)


def commit(number, message, *paths):
    files = tuple(("M", path) for path in paths)
    return _commits.Commit(f"{number:040x}", 1, "Ada", 1767312000, message, files)


def built(*commits, removed=(), lacks=(), **changes):
    span = _commits.Span(commits, removed, lacks)
    plain = _build_note.Built("web", REPOSITORY, "v2", "f" * 40, ".", False, False, span)
    return plain._replace(**changes)


ONE = release("1", 1, web("1", app="1", gone="x", same="s"))
TWO = release("2", 2, web("2", app="2", new="n", same="s"))
EXPLAINED = commit(1, "feat(cart)!: lists (#7)", "app", "new", "gone")


def compose(new, old, *builts):
    return _build_note.compose(new, old, {item.name: item for item in builts}, {})


def test_a_note_tells_what_changed_by_which_commits():
    note = compose(TWO, ONE, built(EXPLAINED, commit(2, "docs: x", "README")))

    (change,) = note["components"]
    assert (change["name"], change["change"]) == ("web", "modified")
    assert (change["from_version"], change["to_version"]) == ("1", "2")
    assert (change["added"], change["modified"], change["removed"]) == (["new"], ["app"], ["gone"])
    assert change["source"] == {
        "repository": REPOSITORY,
        "revision": "v2",
        "commit": "f" * 40,
        "folder": ".",
    }
    first = note["commits"][0]
    assert (first["type"], first["scope"], first["text"]) == ("feat", "cart", "lists (#7)")
    assert first["breaking"] == "lists (#7)"
    assert [item["components"] for item in note["commits"]] == [["web"], ["web"]]
    assert note["issues"] == ["#7"]
    assert note["findings"] == note["lacks"] == []
    assert note["release"]["version"] == "2"
    assert note["previous"]["version"] == "1"
    assert json.loads(_canonical.dumps(note)) == note


def test_a_first_build_introduces_all_and_has_nothing_to_explain():
    note = compose(ONE, None, built(commit(1, "one", "app")))

    assert note["previous"] is None
    assert [(part["name"], part["change"]) for part in note["components"]] == [("web", "added")]
    assert note["findings"] == []


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        (
            {"span": _commits.Span((commit(1, "x", "app"),), (), ())},
            "web: gone, new changed, but no commit since the build before says so",
        ),
        (
            {"span": _commits.Span((), (), ()), "is_derived": True},
            "web: app, gone, new changed, but no commit since the build before says so",
        ),
        (
            {"folder": "ui"},
            "web: app, gone, new changed, but no commit since the build before says so",
        ),
        ({"is_dirty": True}, "web: its checkout had changes that are in no commit"),
    ],
)
def test_what_no_commit_explains_is_found(changes, finding):
    assert compose(TWO, ONE, built(EXPLAINED, **changes))["findings"] == [finding]


def test_what_steps_made_of_files_that_commits_touch_is_explained():
    note = compose(TWO, ONE, built(commit(1, "x", "src/app.c"), is_derived=True))

    assert note["findings"] == []


def test_commits_that_a_build_takes_back_explain_what_changed():
    note = compose(TWO, ONE, built(removed=(EXPLAINED,)))

    assert note["findings"] == []
    assert [item["is_taken_back"] for item in note["commits"]] == [True]


def test_a_version_that_stayed_while_its_content_changed_is_found():
    again = release("1.1", 2, web("1", app="2", gone="x", same="s"))

    note = compose(again, ONE, built(commit(1, "x", "app")))
    assert note["findings"] == ["web: its content changed, its version 1 did not"]
    only_version = release("1.1", 2, web("1.1", app="1", gone="x", same="s"))
    assert compose(only_version, ONE, built())["findings"] == []


def test_commits_belong_to_the_components_in_whose_folder_they_touch_files():
    api = component(file("app", "1"), name="api", version="1")._replace(path="api")
    both = release("2", 2, api, web("2", app="2"))
    shared = commit(1, "x", "web/app", "api/app")
    only_api = commit(2, "y", "api/app")

    note = compose(
        both,
        None,
        built(shared, only_api, folder="web"),
        built(shared, only_api, folder="api", name="api"),
    )
    assert [item["components"] for item in note["commits"]] == [["web", "api"], ["api"]]
    assert {part["name"]: len(part["commits"]) for part in note["components"]} == {
        "api": 2,
        "web": 1,
    }


def test_many_files_are_named_in_a_line():
    old = release("1", 1, web("1", app="1"))
    new = release("2", 2, web("2", **{f"f{number}": "" for number in range(9)}))

    (finding,) = compose(new, old, built())["findings"]
    assert finding.startswith("web: app, f0, f1, f2, f3 and 5 more changed, but no commit")


def test_what_a_repository_lacks_is_told_with_its_component():
    note = compose(TWO, ONE, built(EXPLAINED, lacks=("the repository is a shallow clone",)))

    assert note["lacks"] == ["web: the repository is a shallow clone"]


def test_sources_that_are_no_repository_need_no_commits():
    note = compose(TWO, ONE, built(span=None, commit=""))

    assert note["components"][0]["source"] is None
    assert note["findings"] == []
