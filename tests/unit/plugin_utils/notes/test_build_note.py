# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build notes: each change is found from the files themselves, and what commits do not explain."""

from __future__ import annotations

import json

import jsonschema
import pytest

from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.module_utils.git import _commits
from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.plugins.plugin_utils.definition import _schema_file
from ansible_collections.itops.release.plugins.plugin_utils.library import _catalogue
from ansible_collections.itops.release.plugins.plugin_utils.notes import _build_note
from ansible_collections.itops.release.tests.fakes.estate import (
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


class Repository:
    """What a repository tells of the components in *folders*, ``{component: folder}``."""

    def __init__(self, *commits, removed=(), lacks=(), more=0, **folders):
        self.folders = folders or {"web": "."}
        owners = _commits._Owners(self.folders)
        told = [[owners.told(commit) for commit in some] for some in (commits, removed)]
        self.touched = owners.touched
        self.history = _commits.History(list(self.folders), *told, more, list(lacks), {})

    def built(
        self, name="web", place=REPOSITORY, is_derived=False, is_dirty=False, kind="git", **more
    ):
        source = {
            "kind": kind,
            "place": place,
            "revision": "v2",
            "commit": "f" * 40,
            "folder": self.folders[name],
        }
        touched = frozenset(self.touched[name])
        return _build_note.Built(name, source, is_derived, is_dirty, touched, **more)


ONE = release("1", 1, web("1", app="1", gone="x", same="s"))
TWO = release("2", 2, web("2", app="2", new="n", same="s"))
EXPLAINED = commit(1, "feat(cart)!: lists (#7)", "app", "new", "gone")


def compose(new, old, repository, lacks=(), **changes):
    builts = {name: repository.built(name, **changes) for name in repository.folders}
    histories = [(REPOSITORY, repository.history)]
    note = _build_note.compose(new, old, builts, histories, lacks=lacks).to_plain()
    check_schema(note)
    return note


def check_schema(note):
    jsonschema.Draft202012Validator(_schema_file.schema("build-note")).validate(note)


def test_a_note_tells_what_changed_by_which_commits():
    note = compose(TWO, ONE, Repository(EXPLAINED, commit(2, "docs: x", "README")))

    (change,) = note["components"]
    assert (change["name"], change["change"]) == ("web", "modified")
    assert (change["from_version"], change["to_version"]) == ("1", "2")
    assert (change["added"], change["modified"], change["removed"]) == (["new"], ["app"], ["gone"])
    assert change["source"]["commit"] == "f" * 40
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
    note = compose(ONE, None, Repository(commit(1, "one", "app")))

    assert note["previous"] is None
    assert [(part["name"], part["change"]) for part in note["components"]] == [("web", "added")]
    assert note["findings"] == []


ALONE = "web: app, gone, new changed, but no commit since the build before says so"


@pytest.mark.parametrize(
    ("repository", "changes", "finding"),
    [
        (
            Repository(commit(1, "x", "app")),
            {},
            "web: gone, new changed, but no commit since the build before says so",
        ),
        (Repository(), {"is_derived": True}, ALONE),
        (Repository(EXPLAINED, web="ui"), {}, ALONE),
        (
            Repository(EXPLAINED),
            {"is_dirty": True, "changed": ("a", "b\u202e")},
            "web: its steps changed files that the repository tracks: a, b\ufffd",
        ),
        (
            Repository(EXPLAINED),
            {"is_dirty": True},
            "web: its steps went to another commit, or changed files of this one",
        ),
        (
            Repository(EXPLAINED),
            {"is_dirty": True, "kind": "directory"},
            "web: its directory had changes that are in no commit",
        ),
    ],
)
def test_what_no_commit_explains_is_found(repository, changes, finding):
    assert compose(TWO, ONE, repository, **changes)["findings"] == [finding]


def test_what_steps_made_of_files_that_commits_touch_is_explained():
    note = compose(TWO, ONE, Repository(commit(1, "x", "src/app.c")), is_derived=True)

    assert note["findings"] == []


def test_commits_that_a_build_takes_back_explain_what_changed_and_are_found():
    note = compose(TWO, ONE, Repository(removed=(EXPLAINED,)))

    assert [item["is_taken_back"] for item in note["commits"]] == [True]
    assert note["issues"] == []
    assert note["findings"] == [
        "web: 1 commit of the build before is not in this one: this build goes back"
    ]


def test_rewritten_history_is_found():
    note = compose(TWO, ONE, Repository(EXPLAINED, removed=(commit(3, "x"), commit(4, "y"))))

    assert note["findings"] == [
        "web: 2 commits of the build before are not in this one: history was rewritten, or it is "
        "another branch"
    ]


def test_a_build_from_another_repository_is_found():
    before = web("1", app="1")._replace(
        about=(("materials", [{"kind": "git", "place": "/old.git", "commit": "1" * 40}]),)
    )
    note = compose(TWO, release("1", 1, before), Repository(commit(1, "x", "app", "new", "same")))

    assert note["findings"] == [f"web: it was built from /old.git before, now from {REPOSITORY}"]


def test_a_version_that_stayed_while_its_content_changed_is_found():
    again = release("1.1", 2, web("1", app="2", gone="x", same="s"))

    note = compose(again, ONE, Repository(commit(1, "x", "app")))
    assert note["findings"] == ["web: its content changed, its version 1 did not"]
    only_version = release("1.1", 2, web("1.1", app="1", gone="x", same="s"))
    assert compose(only_version, ONE, Repository())["findings"] == []


def test_commits_belong_to_the_components_in_whose_folder_they_touch_files():
    api = component(file("app", "1"), name="api", version="1")._replace(path="api")
    both = release("2", 2, api, web("2", app="2"))
    shared = commit(1, "x", "web/app", "api/app")
    only_api = commit(2, "y", "api/app")

    note = compose(both, None, Repository(shared, only_api, web="web", api="api"))
    assert [sorted(item["components"]) for item in note["commits"]] == [["api", "web"], ["api"]]
    assert {part["name"]: len(part["commits"]) for part in note["components"]} == {
        "api": 2,
        "web": 1,
    }


def test_a_commit_that_two_histories_have_is_told_once():
    repository = Repository(EXPLAINED)
    api = repository.history._replace(
        components=["api"],
        commits=[told._replace(components=["api"]) for told in repository.history.commits],
    )
    histories = [(REPOSITORY, repository.history), (REPOSITORY, api)]

    note = _build_note.compose(TWO, ONE, {}, histories).to_plain()
    assert [item["components"] for item in note["commits"]] == [["api", "web"]]


def test_many_files_are_named_in_a_line():
    old = release("1", 1, web("1", app="1"))
    new = release("2", 2, web("2", **{f"f{number}": "" for number in range(9)}))

    (finding,) = compose(new, old, Repository())["findings"]
    assert finding.startswith("web: app, f0, f1, f2, f3 and 5 more changed, but no commit")


def test_a_submodule_explains_what_lies_in_it_and_is_told():
    old = release("1", 1, web("1", app="1"))
    new = release("2", 2, component(file("lib/x/y", "1"), name="web", version="2"))

    note = compose(new, old, Repository(commit(1, "x", "app", "lib")))
    assert note["findings"] == []
    assert note["lacks"] == ["web: lib is a repository of its own, whose commits are not listed"]


def test_a_file_that_became_a_folder_is_no_submodule():
    old = release("1", 1, component(file("lib", "1"), name="web", version="1"))
    new = release("2", 2, component(file("lib/x", "1"), name="web", version="2"))

    assert compose(new, old, Repository(commit(1, "x", "lib", "lib/x")))["lacks"] == []


def test_submodules_that_were_left_out_are_told():
    note = compose(TWO, ONE, Repository(EXPLAINED), left_out=("lib/x", "lib/y"))

    told = (
        "its submodules were left out: lib/x, lib/y; say submodules: true where they belong to it"
    )
    assert note["lacks"] == [f"web: {told}"]


def test_what_a_repository_lacks_is_told_with_its_components():
    repository = Repository(EXPLAINED, lacks=("the repository is a shallow clone",), more=7)
    note = compose(TWO, ONE, repository, lacks=["no tool"])

    assert note["lacks"] == [
        "no tool",
        "web: the repository is a shallow clone",
        "web: 7 more commits are not listed, only the newest are",
    ]


def test_what_a_commit_says_is_cut_to_a_line_that_can_be_read():
    issues = " ".join(f"#{number}" for number in range(1, 200))
    said = commit(1, "x" * 1000 + "\n\n" + issues, "app", "new", "gone")
    note = compose(TWO, ONE, Repository(said))

    assert note["commits"][0]["text"] == "x" * 299 + "…"
    assert len(note["issues"]) == 100


def test_sources_that_are_no_repository_need_no_commits():
    source = {"kind": "archive", "place": "x.tgz", "sha256": "a" * 64}
    builts = {"web": _build_note.Built("web", source, False, False, None)}

    note = _build_note.compose(TWO, ONE, builts, []).to_plain()
    assert note["components"][0]["source"] == source
    assert note["findings"] == []
    check_schema(note)


@pytest.mark.parametrize(
    ("kind", "called"), [("directory", "a directory"), ("archive", "an archive"), ("wheel", "")]
)
def test_a_component_without_a_repository_lacks_commits_if_it_changed(kind, called):
    source = {"kind": kind, "place": "x", "sha256": "a" * 64}
    builts = {"web": _build_note.Built("web", source, False, False, None)}

    changed = _build_note.compose(TWO, ONE, builts, []).to_plain()
    same = _build_note.compose(ONE, ONE, builts, []).to_plain()

    lack = f"web: its sources are {called}: no commits are known"
    assert changed["lacks"] == ([lack] if called else [])
    assert same["lacks"] == []
