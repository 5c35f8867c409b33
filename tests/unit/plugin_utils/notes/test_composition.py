# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes of releases that were built and sealed from real repositories."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys

import jsonschema
import pytest

from ansible_collections.itops.release.plugins.module_utils.building import _record
from ansible_collections.itops.release.plugins.plugin_utils.definition import _schema_file
from ansible_collections.itops.release.plugins.plugin_utils.environment._state import (
    DeployedRelease,
    EnvironmentState,
    HostState,
)
from ansible_collections.itops.release.plugins.plugin_utils.evidence import _attachments
from ansible_collections.itops.release.plugins.plugin_utils.notes import (
    _baseline,
    _build_note,
    _composition,
    _rendered,
    _workspace,
)
from ansible_collections.itops.release.tests.fakes.shops import Shop
from ansible_collections.itops.release.tests.fakes.signing import public_key, signer


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def check(note, schema="build-note"):
    """Return a note as plain data that is as its schema has it."""
    note = note.to_plain()
    jsonschema.Draft202012Validator(_schema_file.schema(schema)).validate(note)
    return note


def note_of(shop, label, **options):
    return check(shop.notes(**options).of_build(label))


def texts(note):
    return [commit["text"] for commit in note["commits"]]


def test_a_build_is_told_from_its_workspace(shop):
    shop.commit("feat: begin", app="1")
    shop.seal("1.0", 1)
    shop.commit("fix(cart): sums, see #12", app="2", new="n")
    label = shop.seal("1.1", 2)

    note = note_of(shop, label)

    assert texts(note) == ["sums, see #12"]
    assert note["previous"]["version"] == "1.0"
    (web,) = note["components"]
    assert (web["added"], web["modified"]) == (["new"], ["app"])
    assert web["source"]["commit"] == shop.git("rev-parse", "HEAD")
    assert note["built"]["builder"]["user"] == "ci"
    assert note["findings"] == note["lacks"] == []
    assert note_of(shop, label) == note


def test_only_a_note_that_nobody_keeps_may_lack_packages(shop, monkeypatch):
    shop.commit("one", **{"a.whl": "1"})
    label = shop.seal("1.0", 1)
    monkeypatch.setitem(sys.modules, "cyclonedx", None)

    with pytest.raises(_schema_file.MissingLibrary):
        shop.notes().of_build(label)
    passing = _composition.Notes(shop.library, None, None, may_lack_packages=True)
    assert "which packages of others changed is not known without cyclonedx" in str(
        note := passing.of_build(label).difference.lacks
    ), note


def test_a_repository_at_a_path_is_told_by_its_address(shop):
    shop.commit("one", app="1")
    label = shop.seal("1.0", 1)
    record = json.loads((shop.workspace / "build.json").read_text())
    record["components"][0]["origin"]["address"] = "https://git.example.org/shop.git"
    (shop.workspace / "build.json").write_bytes(_record.render(record))

    note = note_of(shop, label)

    assert texts(note) == ["one"]
    assert note["components"][0]["source"]["address"] == "https://git.example.org/shop.git"
    assert "; from https://git.example.org/shop.git at main" in _rendered.render(
        note, "build"
    ).replace("\\", "")


def test_a_first_build_has_all_history(shop):
    shop.commit("one", app="1")
    shop.commit("two", app="2")

    note = note_of(shop, shop.seal("1.0", 1))
    assert note["previous"] is None
    assert texts(note) == ["two", "one"]


def test_without_a_workspace_a_note_says_what_it_lacks(shop):
    shop.commit("one", app="1")
    shop.seal("1.0", 1)
    shop.commit("two", app="2")

    note = note_of(shop, shop.seal("1.1", 2), workspace=False)
    assert note["built"] is None
    assert note["commits"] == []
    assert note["components"][0]["modified"] == ["app"]
    assert note["components"][0]["source"]["kind"] == "git"
    assert [lack.partition(":")[0] for lack in note["lacks"]] == ["no workspace was given"] * 2


def test_a_component_that_is_new_counts_from_where_its_repository_was(shop):
    shop.commit("old", web__app="1", api__app="1")
    shop.seal("1.0", 1, [("web", "web", {})])
    shop.commit("api", api__app="2")

    note = note_of(shop, shop.seal("1.1", 2, [("api", "api", {}), ("web", "web", {})]))
    assert [(c["text"], c["components"]) for c in note["commits"]] == [("api", ["api"])]


def test_a_release_before_that_tells_no_commit_is_told(shop, estate):
    old = estate.seal("1.0", {"app": "0"}, serial=1)
    shop.commit("one", app="1")
    label = shop.seal("1.1", 2, [("app", ".", {})])

    note = note_of(shop, label)
    assert note["commits"] == []
    assert note["lacks"] == [
        f"app: shop:{old.version} does not tell from which commit it was built, so its commits are "
        "not known"
    ]


def test_the_workspace_of_another_release_is_refused(shop):
    shop.commit("one", app="1")
    old = shop.seal("1.0", 1)
    shop.commit("two", app="2")
    shop.seal("1.1", 2)

    with pytest.raises(
        _workspace.WorkspaceError,
        match=r"holds the build of shop:1\.1 serial 2, not of shop:1\.0",
    ):
        shop.notes().of_build(old)


def test_the_workspace_of_another_build_of_the_same_release_is_refused(shop):
    shop.commit("one", app="1")
    label = shop.seal("1.0", 1)
    shop.commit("two", app="2")
    shop.library.remove(label.digest)
    shop.seal("1.0", 1)
    other = json.loads((shop.workspace / "build.json").read_text())
    other["components"][0]["tree"] = "0" * 64
    (shop.workspace / "build.json").write_text(json.dumps(other))

    with pytest.raises(_workspace.WorkspaceError, match=r"another build of shop:1\.0 than"):
        shop.notes().of_build(shop.library.find("shop:1.0"))


def test_history_that_was_rewritten_is_told(shop):
    shop.commit("one", app="1")
    shop.commit("as it was", app="2")
    shop.seal("1.0", 1)
    shop.git("reset", "--quiet", "--hard", "HEAD^")
    shop.commit("as it is", app="3")

    note = note_of(shop, shop.seal("1.1", 2))
    assert [(c["text"], c["is_taken_back"]) for c in note["commits"]] == [
        ("as it is", False),
        ("as it was", True),
    ]
    (finding,) = note["findings"]
    assert "history was rewritten, or it is another branch" in finding


def test_a_commit_that_is_not_in_the_repository_is_told(shop):
    shop.commit("gone", app="1")
    shop.seal("1.0", 1)
    shutil.rmtree(shop.repository)
    shutil.rmtree(shop.workspace)
    shop.commit("anew", app="2")

    note = note_of(shop, shop.seal("1.1", 2))
    assert texts(note) == ["anew"]
    assert "is not in the repository" in note["lacks"][0]


def test_a_repository_that_is_a_shallow_clone_is_told(shop, tmp_path):
    for number in range(3):
        shop.commit(f"to {number}", app=str(number))
    shop.repository.rename(tmp_path / "whole")
    there = f"file://{tmp_path}/whole"
    subprocess.run(["git", "clone", "-q", "--depth=2", there, shop.repository], check=True)

    note = note_of(shop, shop.seal("1.0", 1))
    assert texts(note) == ["to 2", "to 1"]
    assert note["lacks"] == [
        "web: the repository is a shallow clone: commits before its beginning are missing"
    ]


def test_packages_that_changed_are_told(shop):
    shop.commit("one", **{"site__requests-1.0.dist-info__METADATA": metadata("requests", "1.0")})
    shop.seal("1.0", 1)
    shop.git("rm", "--quiet", "-r", "site")
    shop.commit("two", **{"site__requests-2.0.dist-info__METADATA": metadata("requests", "2.0")})
    label = shop.seal("1.1", 2)

    expected = {
        "package": "pkg:pypi/requests",
        "change": "upgraded",
        "from_versions": ["1.0"],
        "to_versions": ["2.0"],
        "from_licences": ["MIT"],
        "to_licences": ["MIT"],
    }
    assert note_of(shop, label)["dependencies"] == [expected]


def metadata(name, version):
    return f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nLicense-Expression: MIT\n"


def test_the_release_to_compare_with_may_be_chosen(shop):
    labels = []
    for serial in range(1, 4):
        shop.commit(f"to {serial}", app=str(serial))
        labels.append(shop.seal(f"1.{serial}", serial))

    note = check(shop.notes().of_build(labels[2], "shop:1.1"))
    assert texts(note) == ["to 3", "to 2"]
    with pytest.raises(
        _composition.NoteError, match=r"previous: shop:1\.3 is no other release of shop"
    ):
        shop.notes().of_build(labels[2], "shop:1.3")


class History:
    """Releases 1 to *count* of a shop, each with a commit and its build note, signed by key 1."""

    def __init__(self, shop, count, without=()):
        self.shop = shop
        self.labels = {}
        for serial in range(1, count + 1):
            shop.commit(f"feat: {serial} (#{serial})", **{f"f{serial}": "x", "app": str(serial)})
            label = self.labels[serial] = shop.seal(f"{serial}", serial)
            if serial not in without:
                self.attach(label, check(shop.notes().of_build(label)))

    def attach(self, label, note, key=1):
        _attachments.attach(self.shop.library, label, _build_note.PREDICATE_TYPE, note, signer(key))

    def live(self, serial, previous=None):
        """Return what a host tells on which release *serial* is live."""
        return {"live": self._on_host(serial), "previous": self._on_host(previous)}

    def _on_host(self, serial):
        return DeployedRelease(**self.labels[serial]._asdict()) if serial else None

    def note(self, serial, workspace=False, trusted=(1,), **deployed):
        known = trusted and {public_key(n).fingerprint: public_key(n) for n in trusted}
        notes = self.shop.notes(workspace, known)
        hosts = tuple(HostState(host, **said) for host, said in deployed.items())
        note = notes.consolidated(self.labels[serial], "production", EnvironmentState(hosts))
        return check(note, "consolidated-note")


@pytest.fixture
def history(shop):
    return lambda count, **options: History(shop, count, **options)


def both(note):
    """Return the texts of the commits that come, and of those that go."""
    return tuple(
        [c["text"] for c in note["commits"] if c["is_taken_back"] is wanted]
        for wanted in (False, True)
    )


def test_a_note_counts_from_what_is_live_and_not_from_the_serial_before(history):
    three = history(4)

    note = three.note(4, h1=three.live(2), h2=three.live(2))
    assert both(note) == (["4 (#4)", "3 (#3)"], [])
    assert note["issues"] == ["#3", "#4"]
    (since,) = note["since"]
    assert (since["release"]["version"], since["hosts"], since["why"]) == (
        "2",
        ["h1", "h2"],
        "live",
    )
    (web,) = note["components"]
    assert (web["added"], web["modified"], web["from_versions"]) == (["f3", "f4"], ["app"], ["2"])
    assert [item["version"] for item in note["releases"]] == ["4", "3"]
    assert note["releases"][0]["built_by"] == "ci"
    assert note["lacks"] == note["findings"] == []


def test_what_a_release_brought_that_was_rolled_back_is_told_again(history):
    three = history(3)

    # 2 was live and was rolled back: the host says that 1 is, and 3 brings what 2 brought.
    assert both(three.note(3, h1=three.live(1))) == (["3 (#3)", "2 (#2)"], [])


def test_hosts_with_different_releases_have_the_union(history):
    three = history(3)

    note = three.note(3, old=three.live(1), new=three.live(2))
    assert both(note) == (["3 (#3)", "2 (#2)"], [])
    assert [(item["release"]["version"], item["hosts"]) for item in note["since"]] == [
        ("1", ["old"]),
        ("2", ["new"]),
    ]
    (web,) = note["components"]
    assert (web["added"], web["from_versions"]) == (["f2", "f3"], ["1", "2"])


def test_going_back_tells_what_is_taken_back(history):
    three = history(3)

    note = three.note(1, h1=three.live(3, 1))
    assert both(note) == ([], ["3 (#3)", "2 (#2)"])
    assert note["since"][0]["is_newer"]
    assert note["issues"] == []
    assert note["issues_taken_back"] == ["#2", "#3"]
    assert note["components"][0]["removed"] == ["f2", "f3"]
    assert [item["version"] for item in note["releases_taken_back"]] == ["3", "2"]


def test_where_the_release_is_live_already_the_note_counts_from_what_was_before(history):
    three = history(3)

    note = three.note(3, h1=three.live(3, 1))
    assert both(note) == (["3 (#3)", "2 (#2)"], [])
    assert note["since"][0]["why"] == "earlier"
    assert "- h1: live already, was 1 (serial 1)\n" in _rendered.render(note, "operations")


def test_a_host_without_a_release_does_not_have_all_history_told(history):
    three = history(3)

    note = three.note(3, old=three.live(2), new={})
    assert both(note) == (["3 (#3)"], [])
    assert [item["why"] for item in note["since"]] == ["live", "nothing"]
    first = three.note(3, new={})
    assert both(first) == (["3 (#3)", "2 (#2)", "1 (#1)"], [])


def test_hosts_of_which_nothing_is_known_are_named(history):
    two = history(2)
    adopted = {"live": DeployedRelease("x", "1", 0, None)}
    other = {"live": dataclasses.replace(two.live(1)["live"], name="api")}

    note = two.note(2, h1=two.live(1), h2={"unknown": "unreachable"}, h3=adopted, h4=other)
    assert both(note) == (["2 (#2)"], [])
    assert note["lacks"] == [
        "h2: it is not known what changes there: unreachable",
        "h3: it is not known what changes there: what is live there was adopted: it was not made "
        "of a release package",
        "h4: it is not known what changes there: another application is live there, api",
    ]
    with pytest.raises(
        _baseline.BaselineError, match=r"to count from: cannot know .* on h2 \(unre"
    ):
        two.note(2, h2={"unknown": "unreachable"})
    with pytest.raises(_baseline.BaselineError, match="to count from: deployed: it names no hosts"):
        two.note(2)


@pytest.mark.parametrize("called", [("", ""), ("Shop!", "1"), ("sha256", "1 2")])
def test_what_is_deployed_must_be_named(history, called):
    odd = DeployedRelease(*called, 1, "a" * 64)

    with pytest.raises(_baseline.BaselineError, match="deployed: h1: expected name, version and"):
        history(1).note(1, h1={"live": odd})


def test_a_host_with_two_roots_of_the_application_is_named_once_for_each_release(shop, history):
    two = history(3)
    hosts = [HostState("h1", root, **two.live(n)) for root, n in (("/a", 1), ("/b", 1), ("/c", 2))]

    note = shop.notes().consolidated(two.labels[3], "production", EnvironmentState(tuple(hosts)))
    assert [(item.release.serial, item.hosts) for item in note.since] == [
        (1, ("h1",)),
        (2, ("h1",)),
    ]


def test_a_release_without_a_note_on_the_way_is_told(history):
    four = history(4, without=[3])

    note = four.note(4, h1=four.live(2))
    assert both(note) == (["4 (#4)"], [])
    assert note["lacks"] == ["shop:3: it has no build note, so its commits are not known"]


def test_a_note_that_nobody_trusted_signed_does_not_count(history):
    three = history(3, without=[2])
    label = three.labels[2]
    three.attach(label, check(three.shop.notes(False).of_build(label)), key=2)

    note = three.note(3, h1=three.live(1))
    assert both(note) == (["3 (#3)"], [])
    assert note["lacks"][0].startswith("shop:2: its build note is not believed: ")
    assert three.note(3, trusted=None, h1=three.live(1))["lacks"][-1] == _composition.UNVERIFIED


@pytest.mark.parametrize("odd", [{"commits": [{"id": 1}]}, {"built": "x"}, {"previous": {}}])
def test_a_note_that_is_malformed_does_not_count(history, odd):
    two = history(2, without=[2])
    note = check(two.shop.notes().of_build(two.labels[2]))
    two.attach(two.labels[2], {**note, **odd})

    found = two.note(2, h1=two.live(1))
    assert found["commits"] == []
    assert found["lacks"] == ["shop:2: its build note is malformed, so its commits are not known"]


def test_a_release_that_is_pruned_is_told_and_its_commits_are_known(history):
    three = history(3)
    live = three.live(1)
    three.shop.library.remove(three.labels[1].digest)

    note = three.note(3, h1=live)
    assert both(note) == (["3 (#3)", "2 (#2)"], [])
    assert note["components"] == []
    assert note["lacks"][0].startswith("shop:1 is not in the media library: which files")


def test_commits_of_a_branch_beside_are_taken_back(history, shop):
    one = history(1)
    shop.git("checkout", "--quiet", "-b", "side")
    shop.commit("fix: hot", hot="1")
    shop.git("branch", "--force", "main", "side")
    hot = one.labels[2] = shop.seal("1.1", 2)
    one.attach(hot, check(shop.notes().of_build(hot)))
    shop.git("checkout", "--quiet", "-B", "main", "HEAD^")
    shop.commit("feat: next", next="1")
    following = one.labels[3] = shop.seal("2", 3)
    one.attach(following, check(shop.notes().of_build(following, "shop:1")))

    note = one.note(3, h1=one.live(2))
    assert both(note) == (["next"], ["hot"])
    assert [item["version"] for item in note["releases_taken_back"]] == ["1.1"]


def test_what_comes_and_goes_on_the_way_is_in_no_note(history, shop):
    one = history(1)
    shop.commit("feat: short-lived", brief="1")
    two = one.labels[2] = shop.seal("2", 2)
    one.attach(two, check(shop.notes().of_build(two)))
    shop.git("reset", "--quiet", "--hard", "HEAD^")
    shop.commit("feat: stays", stays="1")
    three = one.labels[3] = shop.seal("3", 3)
    one.attach(three, check(shop.notes().of_build(three)))

    assert both(one.note(3, h1=one.live(1))) == (["stays"], [])


def test_with_a_workspace_commits_come_from_the_repository(history):
    three = history(3, without=[1, 2, 3])

    note = three.note(3, workspace=True, h1=three.live(1))
    assert both(note) == (["3 (#3)", "2 (#2)"], [])
    assert note["lacks"] == []


def test_notes_are_readable_by_each_audience(history):
    three = history(3)
    note = three.note(3, h1=three.live(1), h2=three.live(3, 2), h3={})

    for audience in ("operations", "users", "management"):
        text = _rendered.render(note, audience)
        assert text.startswith("# ")
        assert "\n\n\n\n" not in text
    assert "- New features: 2\n" in _rendered.render(note, "management")
    assert "## New\n\n- 3 (#3)\n- 2 (#2)\n" in _rendered.render(note, "users")
    assert "- h1: from 1 (serial 1)\n" in _rendered.render(note, "operations")
