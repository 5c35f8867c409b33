# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host through its releases: deployed, tried, put back, rolled back, cleaned and removed."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import sys

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import (
    _removal,
    _service,
    _trial,
)
from ansible_collections.itops.release.plugins.module_utils.files import _durable
from ansible_collections.itops.release.plugins.module_utils.root import (
    _claim,
    _directory,
    _history,
    _state,
)
from ansible_collections.itops.release.plugins.module_utils.tree import _layout
from ansible_collections.itops.release.tests.fakes.estate import snapshot
from ansible_collections.itops.release.tests.fakes.processes import as_plain_user, exit_status

KILLED = 9
ONE = {"app*": "one", "lib/a": "same", "lib/b": "b", "latest@": "app"}
TWO = {"app*": "two", "lib/a": "same", "new/": ""}
THREE = {"app*": "three", "lib/a": "same"}
WELL = {"command": [sys.executable, "-c", ""]}
ILL = {"command": [sys.executable, "-c", "raise SystemExit('not well')"]}


@pytest.fixture
def releases(estate):
    return [estate.seal(f"{number}.0", files) for number, files in enumerate((ONE, TWO, THREE), 1)]


@pytest.fixture
def host(estate):
    return estate.host()


def noting(path, condition="True"):
    """Return a command that notes at *path* which release it found and fails unless *condition*."""
    code = (
        "import os,sys; c = os.path.join(os.path.dirname(sys.argv[1]), 'srv/shop/current')\n"
        "there = open(c + '/app').read() if os.path.exists(c) else 'nothing'\n"
        "open(sys.argv[1], 'a').write(there + ' ')\n"
        f"sys.exit(0 if {condition} else 3)"
    )
    return [sys.executable, "-c", code, str(path)]


def test_the_first_deployment_brings_everything(host, releases):
    result = host.deploy(releases[0])

    assert result["changed"]
    assert result["before"]["phase"] == "none"
    assert result["after"] == {
        **releases[0]._asdict(),
        "phase": "live",
        "tree": host.tree_of(releases[0]),
        "since": host.state.since,
        "releases": [host.tree_of(releases[0])],
        "links": {},
    }
    assert host.read("app") == host.read("latest") == "one"
    assert os.readlink(host.root / "current") == "releases/" + host.tree_of(releases[0])
    assert host.drift() == []
    assert host.calls == 2


def test_the_next_one_replaces_it_and_takes_contents_over(host, releases):
    host.deploy(releases[0])
    before = host.root / "releases" / host.tree_of(releases[0])

    result = host.deploy(releases[1])

    assert result["before"]["version"] == "1.0"
    assert result["after"]["version"] == "2.0"
    assert (host.read("app"), host.read("lib/a")) == ("two", "same")
    assert (before / "lib/a").stat().st_ino == (host.root / "current/lib/a").stat().st_ino
    assert (before / "app").read_text() == "one"
    assert host.drift() == host.drift(before.name) == []


@pytest.mark.parametrize("state", ["live", "staged"])
def test_a_second_run_has_nothing_to_do_and_touches_nothing(host, releases, state):
    host.deploy(releases[0], state=state)
    before = snapshot(host.root)

    result = host.deploy(releases[0], state=state)

    assert not result["changed"]
    assert result["before"] == result["after"]
    assert host.calls == 1
    assert snapshot(host.root) == before


def test_a_staged_release_is_whole_and_not_live(host, releases):
    host.deploy(releases[0])

    result = host.deploy(releases[1], state="staged")

    assert result["changed"]
    assert host.read("app") == "one"
    assert host.drift(host.tree_of(releases[1])) == []
    host.deploy(releases[1])
    assert host.calls == 1
    assert host.read("app") == "two"


def test_rolling_back_twice_goes_two_releases_back_and_a_third_time_is_refused(host, releases):
    for release in releases:
        host.deploy(release)

    assert host.deploy(None)["after"]["version"] == "2.0"
    assert host.read("app") == "two"
    assert host.deploy(None)["after"]["version"] == "1.0"
    assert host.read("app") == "one"
    with pytest.raises(_state.NoWayBack, match="no earlier good release"):
        host.deploy(None)
    assert host.read("app") == "one"


def test_the_way_back_after_a_rollback_and_a_new_deployment(host, releases):
    for release in releases:
        host.deploy(release)
    host.deploy(None)
    host.deploy(releases[2])

    assert host.deploy(None)["after"]["version"] == "2.0"
    assert host.deploy(None)["after"]["version"] == "1.0"


def test_deploying_an_older_release_is_going_back_too(host, releases):
    for release in releases:
        host.deploy(release)

    result = host.deploy(releases[0])

    assert host.calls == 1
    assert result["after"]["version"] == "1.0"
    with pytest.raises(_state.NoWayBack):
        host.deploy(None)


def test_a_rollback_that_there_is_nothing_for_is_refused(host, releases):
    with pytest.raises(_claim.DeploymentError, match=r"nothing is deployed at .*/srv/shop"):
        host.deploy(None)
    host.deploy(releases[0])
    with pytest.raises(_state.NoWayBack):
        host.deploy(None)
    assert host.read("app") == "one"


def test_going_back_from_the_trial_of_a_first_release_leaves_nothing_live(host, releases):
    host.deploy(releases[0], commit=False)

    back = host.deploy(None)

    assert back["changed"]
    assert (back["after"]["phase"], back["after"]["version"]) == ("none", None)
    assert not (host.root / "current").is_symlink()
    assert host.deploy(releases[0])["after"]["phase"] == "live"


def test_a_trial_is_no_way_back_until_it_is_accepted(host, releases):
    host.deploy(releases[0])

    trial = host.deploy(releases[1], commit=False)

    assert trial["after"]["phase"] == "on trial"
    assert trial["deployment"]["live"]["version"] == "1.0"
    assert trial["deployment"]["trial"]["version"] == "2.0"
    assert host.read("app") == "two"
    back = host.deploy(None)
    assert (back["after"]["phase"], back["after"]["version"]) == ("live", "1.0")
    with pytest.raises(_state.NoWayBack):
        host.deploy(None)


def test_a_trial_left_alone_is_nothing_to_do_until_it_is_to_be_accepted(host, releases):
    host.deploy(releases[0])
    host.deploy(releases[1], commit=False)

    assert not host.deploy(releases[1], commit=False)["changed"]
    accepted = host.deploy(releases[1])
    assert accepted["changed"]
    assert accepted["after"]["phase"] == "live"
    assert host.deploy(None)["after"]["version"] == "1.0"


def test_a_trial_that_a_run_finds_is_probed_and_put_back_when_it_fails(host, releases):
    host.deploy(releases[0])
    host.deploy(releases[1], commit=False)

    with pytest.raises(_trial.PutBack, match=r"2\.0: probe failed: .*not well.*back on 1\.0"):
        host.deploy(releases[1], probe=ILL)
    assert host.read("app") == "one"
    assert host.state.trial is None


def test_a_release_that_fails_its_trial_is_put_back_and_restarted_again(estate, host, releases):
    log = estate.folder / "restarts"
    restart = noting(log)
    host.deploy(releases[0], restart=restart, probe=WELL)

    with pytest.raises(_trial.PutBack) as caught:
        host.deploy(releases[1], restart=restart, probe=ILL)

    assert log.read_text() == "one two one "
    result = caught.value.outcome
    assert result["switched_back"]
    assert (result["after"]["phase"], result["after"]["version"]) == ("live", "1.0")
    assert "deployment" not in result  # it would be printed for every host
    assert _state.previous_tree(host.state, set(host.state.trees)) is None
    assert host.read("app") == "one"
    assert host.drift() == []


def test_a_restart_that_fails_puts_back_too(estate, host, releases):
    log = estate.folder / "restarts"
    restart = noting(log, condition="there == 'one'")
    host.deploy(releases[0], restart=restart)

    with pytest.raises(_trial.PutBack, match=r"2\.0: restart failed: .* ended with 3"):
        host.deploy(releases[1], restart=restart)

    assert log.read_text() == "one two one "
    assert not host.deploy(releases[0], restart=restart)["changed"]


def test_a_restart_that_fails_after_putting_back_is_told(estate, host, releases):
    log = estate.folder / "restarts"
    host.deploy(releases[0])

    with pytest.raises(_trial.PutBack, match=r"back on 1\.0, but its restart failed"):
        host.deploy(releases[1], restart=noting(log, condition="False"))
    assert host.read("app") == "one"


def test_a_restart_that_putting_back_could_not_do_is_done_by_the_next_run(estate, host, releases):
    log = estate.folder / "restarts"
    host.deploy(releases[0], restart=noting(log))
    with pytest.raises(_trial.PutBack):
        host.deploy(releases[1], restart=noting(log, condition="False"))

    assert host.deploy(releases[0], restart=noting(log))["changed"]
    assert not host.deploy(releases[0], restart=noting(log))["changed"]
    assert log.read_text() == "one two one one "


def test_the_first_release_failing_its_trial_leaves_nothing_live(estate, host, releases):
    log = estate.folder / "restarts"

    with pytest.raises(_trial.PutBack, match="nothing is live, as before"):
        host.deploy(releases[0], restart=noting(log), probe=ILL)

    assert not os.path.lexists(host.root / "current")
    assert log.read_text() == "one nothing "
    assert host.state.current is None
    assert host.deploy(releases[0], probe=WELL)["after"]["phase"] == "live"


def test_a_service_is_restarted_once_for_each_switch(estate, host, releases):
    log = estate.folder / "restarts"
    restart = noting(log)

    host.deploy(releases[0], restart=restart, commit=False)
    host.deploy(releases[0], restart=restart)
    host.deploy(releases[0], restart=restart)
    host.deploy(releases[1], restart=restart)
    host.deploy(None, restart=restart)

    assert log.read_text() == "one two one "


def test_what_is_on_trial_is_left_before_another_one_is_tried(host, releases):
    host.deploy(releases[0])
    host.deploy(releases[1], commit=False)

    with pytest.raises(_trial.PutBack, match=r"back on 1\.0"):
        host.deploy(releases[2], probe=ILL)
    assert host.read("app") == "one"


def test_a_release_marked_bad_does_not_go_live(host, releases):
    for release in releases[:2]:
        host.deploy(release)

    assert host.deploy(releases[2], mark="bad")["changed"]
    assert not host.deploy(releases[2], mark="bad")["changed"]
    with pytest.raises(_claim.DeploymentError, match=r"3\.0 was marked bad by the test's run"):
        host.deploy(releases[2])
    assert host.read("app") == "two"
    assert host.deploy(releases[2], mark="good")["changed"]
    assert host.deploy(releases[2])["after"]["version"] == "3.0"


def test_a_release_marked_bad_is_never_gone_back_to(host, releases):
    for release in releases:
        host.deploy(release)
    host.deploy(releases[1], mark="bad")

    assert host.deploy(None)["after"]["version"] == "1.0"


def test_marking_where_nothing_is_deployed_is_refused(host, releases):
    with pytest.raises(_claim.DeploymentError, match="nothing is deployed"):
        host.deploy(releases[0], mark="bad")


def test_retention_keeps_as_many_as_asked(host, estate):
    labels = [estate.seal(f"{number}", {"app": str(number)}) for number in range(6)]

    removed = [host.deploy(label, keep=3)["removed"] for label in labels]

    names = [host.tree_of(label) for label in labels]
    assert removed == [[], [], [], [names[0]], [names[1]], [names[2]]]
    assert host.trees == sorted(names[3:])
    assert sorted(os.listdir(host.root / ".release/manifests")) == sorted(
        label.digest for label in labels[3:]
    )


def test_retention_goes_by_the_order_of_staging(host, estate):
    names = ["9-oldest", "1-second", "5-third", "3-fourth"]
    labels = [estate.seal(name, {"app": name}) for name in names]
    for label in labels[:3]:
        host.deploy(label)
    for age, label in enumerate(labels[:3]):  # the directories say the opposite
        os.utime(host.root / "releases" / host.tree_of(label), (1e9 - age, 1e9 - age))

    assert host.deploy(labels[3], keep=2)["removed"] == [
        host.tree_of(labels[0]),
        host.tree_of(labels[1]),
    ]


def test_retention_never_takes_what_is_live_or_the_way_back(host, releases):
    for release in releases:
        host.deploy(release)

    host.deploy(None, keep=1)

    assert host.read("app") == "two"
    # The way back from 2 is 1, although 3 was staged later.
    assert host.trees == sorted(host.tree_of(release) for release in releases[:2])
    assert host.deploy(None, keep=0)["after"]["version"] == "1.0"
    assert host.trees == [host.tree_of(releases[0])]


def test_retention_spares_what_is_on_trial(host, releases):
    host.deploy(releases[0])
    host.deploy(releases[1], commit=False)

    host.deploy(releases[2], state="staged", keep=0)

    assert set(host.trees) == {host.tree_of(release) for release in releases}


def test_cleaning_removes_contents_that_nobody_needs_any_more(host, releases):
    for release in releases:
        host.deploy(release, keep=1)

    objects = {
        path.name.partition(".")[0] for path in (host.root / ".release/objects").rglob("*.x")
    }
    kept = [host.root / "releases" / tree / "app" for tree in host.trees]
    assert len(objects) == len(kept) == 2
    assert host.drift() == []
    assert host.deploy(None)["after"]["version"] == "2.0"


def test_absent_with_a_release_removes_only_that(host, releases):
    for release in releases:
        host.deploy(release)

    assert host.deploy(releases[0], state="absent")["removed"] == [host.tree_of(releases[0])]
    assert not host.deploy(releases[0], state="absent")["changed"]
    assert host.trees == sorted(host.tree_of(release) for release in releases[1:])
    assert host.read("app") == "three"


@pytest.mark.parametrize(("index", "reason"), [(1, "the way back"), (2, "live")])
def test_absent_refuses_what_is_needed(host, releases, index, reason):
    for release in releases:
        host.deploy(release)
    before = snapshot(host.root)

    with pytest.raises(_claim.DeploymentError, match=f"is {reason}: it is not removed"):
        host.deploy(releases[index], state="absent")
    assert snapshot(host.root) == before


def test_absent_refuses_what_is_on_trial(host, releases):
    host.deploy(releases[0])
    host.deploy(releases[1], commit=False)

    for index, reason in ((0, "live"), (1, "on trial")):
        with pytest.raises(_claim.DeploymentError, match=f"is {reason}: it is not removed"):
            host.deploy(releases[index], state="absent")


def test_absent_without_a_release_removes_all_of_ours_and_keeps_shared(host, releases):
    host.deploy(releases[0], linked_paths=["log/"])
    (host.root / "shared/log/today").write_text("kept")
    (host.root / "theirs").write_text("not ours")

    result = host.deploy(None, state="absent")

    assert result["changed"]
    assert result["after"]["phase"] == "none"
    assert sorted(os.listdir(host.root)) == ["shared", "theirs"]
    assert (host.root / "shared/log/today").read_text() == "kept"
    assert not host.deploy(None, state="absent")["changed"]


def test_absent_removes_shared_too_when_asked(host, releases):
    host.deploy(releases[0], linked_paths=["log/"])

    host.deploy(None, state="absent", purge_shared=True)

    assert not host.root.exists()
    assert not host.deploy(None, state="absent", purge_shared=True)["changed"]


def test_removing_follows_no_link_out_of_the_root(host, releases, estate):
    host.deploy(releases[0])
    theirs = estate.folder / "theirs"
    theirs.mkdir()
    (theirs / "file").write_text("not ours")
    (host.root / "current/lib/out").symlink_to(theirs)
    (host.root / "shared/out").symlink_to(theirs)

    host.deploy(None, state="absent", purge_shared=True)

    assert (theirs / "file").read_text() == "not ours"


def test_after_a_removal_all_begins_anew(host, releases):
    host.deploy(releases[0])
    host.deploy(None, state="absent")

    assert host.deploy(releases[1])["before"]["phase"] == "none"
    assert host.read("app") == "two"


def foreign_directory(root):
    (root / "current").mkdir(parents=True)
    (root / "current/app").write_text("theirs")


def foreign_link(root):
    (root / "elsewhere").mkdir(parents=True)
    (root / "current").symlink_to("elsewhere")


def foreign_capistrano(root):
    (root / "releases/20260101").mkdir(parents=True)
    (root / "shared").mkdir()
    (root / "current").symlink_to("releases/20260101")


def foreign_dangling(root):
    root.mkdir(parents=True)
    (root / "current").symlink_to("releases/gone")


FOREIGN = [foreign_directory, foreign_link, foreign_capistrano, foreign_dangling]


@pytest.mark.parametrize("make", FOREIGN)
@pytest.mark.parametrize("check_mode", [False, True])
def test_what_somebody_else_deployed_is_refused_and_untouched(host, releases, make, check_mode):
    make(host.root)
    before = snapshot(host.root)

    with pytest.raises(_directory.RootError, match="current is not ours: nothing was touched"):
        host.deploy(releases[0], check_mode)
    assert snapshot(host.root) == before


@pytest.mark.parametrize("make", [foreign_directory, foreign_link, foreign_dangling])
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_current_that_somebody_changed_is_refused_and_untouched(host, releases, make, check_mode):
    host.deploy(releases[0])
    (host.root / "current").unlink()
    host.root.rename(host.root.with_name("aside"))
    make(host.root)
    for path in host.root.with_name("aside").iterdir():
        path.rename(host.root / path.name)
    before = snapshot(host.root)

    for wanted, state in ((releases[1], "live"), (releases[0], "live"), (None, "live")):
        with pytest.raises((_directory.RootError, _state.NoWayBack)):
            host.deploy(wanted, check_mode, state=state)
    assert {k: v for k, v in snapshot(host.root).items() if k.startswith("current")} == {
        k: v for k, v in before.items() if k.startswith("current")
    }
    assert host.state.live == host.tree_of(releases[0])


def test_a_current_that_somebody_removed_is_made_again(host, releases):
    host.deploy(releases[0])
    (host.root / "current").unlink()

    assert host.deploy(releases[0])["changed"]
    assert host.read("app") == "one"
    assert not host.deploy(releases[0])["changed"]


@pytest.mark.parametrize("name", ["releases", "shared", ".release", ".release/objects"])
def test_a_folder_of_ours_that_is_a_link_is_refused(host, releases, estate, name):
    there = host.root / name
    there.parent.mkdir(parents=True, exist_ok=True)
    (estate.folder / "theirs").mkdir()
    there.symlink_to(estate.folder / "theirs")

    with pytest.raises(_directory.RootError, match="is not a directory: nothing was touched"):
        host.deploy(releases[0])
    assert os.listdir(estate.folder / "theirs") == []


def test_another_user_is_refused_by_name(host, releases):
    host.deploy(releases[0])
    with _directory.opened(str(host.root)) as root:
        state = root.read_state()
        state.uid = 4242
        root.write_state(state)

    for wanted in (releases[1], None):
        with pytest.raises(_claim.DeploymentError, match=r"is written by uid 4242; this run is"):
            host.deploy(wanted, mark=None, state="live" if wanted else "absent")
    assert host.read("app") == "one"


TO_OTHERS = pytest.mark.root("asks for files of other users")


@pytest.mark.parametrize(
    "changes",
    [
        {"access": "group"},
        pytest.param({"owner": "4242"}, marks=TO_OTHERS),
        pytest.param({"group": "4242"}, marks=TO_OTHERS),
    ],
)
@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("check_mode", [False, True])
def test_another_owner_group_or_access_is_refused(host, releases, changes, index, check_mode):
    host.deploy(releases[0])

    with pytest.raises(_claim.DeploymentError, match="has owner, group and access"):
        host.deploy(releases[index], check_mode, **changes)
    assert host.read("app") == "one"
    assert host.drift() == []


@pytest.mark.parametrize("changes", [{"owner": "4242"}, {"group": "4242"}])
def test_files_of_others_are_refused_without_root(host, releases, tmp_path, changes):
    host.deploy(releases[0], state="staged")  # loads all the code: others may not read that
    host.deploy(None, state="absent")

    def ask():
        with pytest.raises(_claim.DeploymentError) as refused:
            host.deploy(releases[0], **changes)
        return str(refused.value)

    told = as_plain_user(ask, tmp_path)

    assert re.search(r"cannot give files to owner \d+ and group \d+: become root", told)
    assert not host.root.exists()


def test_an_owner_that_does_not_exist_is_refused(host, releases):
    with pytest.raises(_claim.DeploymentError, match="there is no 'nobody-knows' on this host"):
        host.deploy(releases[0], owner="nobody-knows")
    assert not host.root.exists()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize(
    ("level", "modes"),
    [
        ("public", {"app": 0o755, "lib": 0o755, "lib/b": 0o644, "key": 0o600, "run": 0o700}),
        ("group", {"app": 0o750, "lib": 0o750, "lib/b": 0o640, "key": 0o600, "run": 0o700}),
    ],
)
def test_modes_are_those_of_the_root_whatever_the_umask(host, estate, umask, level, modes):
    release = estate.seal("1", {**ONE, "key": "", "run*": ""}, private=("key", "run"))
    before = os.umask(umask)
    try:
        host.deploy(release, access=level, linked_paths=["log/"])
    finally:
        os.umask(before)

    top = host.root / "current"
    assert {path: (top / path).stat().st_mode & 0o7777 for path in modes} == modes
    directory = modes["lib"]
    assert (host.root / "shared/log").stat().st_mode & 0o7777 == directory
    assert (host.root / "releases").stat().st_mode & 0o7777 == directory
    assert top.stat().st_mode & 0o7777 == directory
    assert (host.root / ".release/objects").stat().st_mode & 0o7777 == 0o700
    assert host.drift() == []


@pytest.mark.root("gives files to other users")
def test_everything_of_a_release_belongs_to_the_roots_owner_and_group(host, estate):
    release = estate.seal("1", {**ONE, "key": ""}, private=("key",))

    host.deploy(release, owner="4242", group="4343", linked_paths=["log/"])

    top = (host.root / "current").resolve()
    for path in [top, *top.rglob("*"), host.root / "shared/log"]:
        assert (path.lstat().st_uid, path.lstat().st_gid) == (4242, 4343), path
    assert (host.root / ".release/state.json").stat().st_uid == 0
    assert host.drift() == []


def test_linked_paths_lead_to_shared(host, releases):
    host.root.mkdir(parents=True)
    (host.root / "shared/etc").mkdir(parents=True)
    (host.root / "shared/etc/app.conf").write_text("set by ops")

    host.deploy(releases[0], linked_paths=["log/", "var/cache/deep/", "etc/app.conf"])

    assert host.read("etc/app.conf") == "set by ops"
    (host.root / "current/var/cache/deep/file").write_text("cached")
    host.deploy(releases[1], linked_paths=["log/", "var/cache/deep/", "etc/app.conf"])
    assert host.read("var/cache/deep/file") == "cached"
    assert os.readlink(host.root / "current/log") == "../../shared/log"
    assert host.drift() == []


def test_a_linked_file_that_is_missing_is_refused(host, releases):
    host.deploy(releases[0])

    with pytest.raises(_claim.DeploymentError, match=r"app\.conf does not exist: put it"):
        host.deploy(releases[1], linked_paths=["app.conf"])
    assert host.read("app") == "one"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("lib/a", "linked path 'lib/a' is also part of the release"),
        ("lib/", "linked path 'lib' is also part of the release"),
        ("lib/a/b", "lies below 'lib/a', which is no directory"),
        ("latest/x", "lies below 'latest', which is no directory"),
        ("../out", "is not a plain path"),
        ("/etc", "is an absolute path"),
        ("a\nb", "control character"),
    ],
)
def test_a_linked_path_in_the_way_of_the_release_is_refused(host, releases, path, reason):
    host.deploy(releases[1])

    with pytest.raises((_layout.TreeError, ValueError), match=reason):
        host.deploy(releases[0], linked_paths=[path])
    assert host.read("app") == "two"


def test_other_linked_paths_mean_a_new_tree(host, releases):
    host.deploy(releases[0])

    result = host.deploy(releases[0], linked_paths=["log/"])

    assert result["after"]["tree"] == host.tree_of(releases[0]) + ".2"
    assert (host.root / "current/log").is_dir()
    assert not host.deploy(releases[0], linked_paths=["log/"])["changed"]


def test_a_rollback_has_the_links_that_the_release_had(host, releases):
    host.deploy(releases[0], linked_paths=["log/"])
    host.deploy(releases[1])

    host.deploy(None)

    assert (host.root / "current/log").is_dir()
    assert host.trees == sorted(map(host.tree_of, releases[:2]))


def test_contents_are_shared_but_for_other_exec_bits_private_and_writable_ones(host, estate):
    files = {"a": "x", "b": "x", "run*": "x", "key": "x", "db": "x"}
    first = estate.seal("1", files, private=("key",), writable=("db",))
    second = estate.seal("2", {**files, "new": ""}, private=("key",), writable=("db",))
    host.deploy(first)
    host.deploy(second)

    def inode(release, path):
        return (host.root / "releases" / host.tree_of(release) / path).stat().st_ino

    assert inode(first, "a") == inode(first, "b") == inode(second, "a")
    assert inode(first, "run") == inode(second, "run") != inode(first, "a")
    for path in ("key", "db"):
        assert inode(first, path) != inode(second, path)
        assert inode(first, path) != inode(first, "a")
    (host.root / "releases" / host.tree_of(second) / "db").write_text("written by the service")
    assert host.drift(host.tree_of(first)) == []


def test_a_damaged_content_that_the_next_release_needs_is_sent_again(host, releases):
    host.deploy(releases[0])
    host.damage(releases[0], "lib/a")

    host.deploy(releases[1])

    assert host.calls == 3
    assert host.read("lib/a") == "same"
    assert host.drift() == []


def test_a_missing_content_that_the_next_release_needs_is_sent_again(host, releases):
    host.deploy(releases[0])
    for path in (host.root / ".release/objects").glob("*/*"):
        path.unlink()

    host.deploy(releases[1])

    assert host.drift() == []


def test_a_damaged_manifest_of_what_is_held_makes_the_whole_be_sent(host, releases):
    host.deploy(releases[0])
    path = host.root / ".release/manifests" / releases[0].digest
    path.write_bytes(path.read_bytes().replace(b"app", b"abb"))

    host.deploy(releases[1])

    assert host.read("app") == "two"
    assert host.drift() == []


def tampered(tree):
    (tree / "lib/b").unlink()
    (tree / "lib/b").write_text("tampered")


def missing(tree):
    (tree / "lib/a").unlink()


def with_an_extra_file(tree):
    (tree / "lib/planted").write_text("")


def with_another_mode(tree):
    (tree / "lib/b").chmod(0o666)


@pytest.mark.parametrize("damage", [tampered, missing, with_an_extra_file, with_another_mode])
def test_a_damaged_rollback_target_is_rebuilt_not_activated(host, releases, damage):
    host.deploy(releases[0])
    host.deploy(releases[1])
    damage(host.root / "releases" / host.tree_of(releases[0]))

    result = host.deploy(None)

    assert result["after"]["version"] == "1.0"
    assert host.current == host.tree_of(releases[0]) + ".2"
    assert host.drift() == []
    assert host.read("app") == "one"


def test_what_a_service_left_in_a_rollback_target_does_no_harm(host, releases):
    host.deploy(releases[0])
    (host.root / "current/lib/__pycache__").mkdir()
    host.deploy(releases[1])

    host.deploy(None)

    assert host.calls == 1
    assert host.current == host.tree_of(releases[0])


def test_what_is_current_and_damaged_is_repaired_by_deploying_another_way_back(host, releases):
    host.deploy(releases[0])
    host.damage(releases[0], "lib/b")
    host.deploy(releases[1])

    host.deploy(releases[0])

    assert host.drift() == []


def test_a_pack_that_went_missing_is_told(host, releases):
    host.deploy(releases[0])
    gone = str(host.root / ".release/drop/gone")

    with pytest.raises(_claim.DeploymentError, match=r"the pack in .* is gone"):
        host.answer(host.request(releases[1]).after(upload_dir=gone))
    assert host.read("app") == "one"


@pytest.mark.parametrize("how", ["link", "fifo"])
def test_a_pack_that_is_no_file_is_refused(host, releases, estate, how):
    host.deploy(releases[0])
    upload_dir = host.root / ".release/drop/asked"
    upload_dir.mkdir()
    path = upload_dir / "pack"
    host.send(str(estate.folder / "whole"), releases[1].digest, None)
    if how == "link":
        path.symlink_to(estate.folder / "whole")
    else:
        os.mkfifo(path)
    request = host.request(releases[1]).after(upload_dir=str(upload_dir), full_pack=True)

    with pytest.raises((OSError, _claim.DeploymentError), match=r"is not a file|symbolic"):
        host.answer(request)
    assert host.read("app") == "one"


def test_a_state_of_a_newer_version_is_refused_and_untouched(host, releases):
    host.deploy(releases[0])
    path = host.root / ".release/state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 5}))
    before = snapshot(host.root)

    refusal = r"has format 5, and this itops\.release reads up to 4: upgrade it"
    for wanted, state in ((releases[1], "live"), (releases[0], "live"), (None, "absent")):
        for check_mode in (False, True):
            with pytest.raises(_directory.RootError, match=refusal):
                host.deploy(wanted, check_mode, state=state)
    assert snapshot(host.root) == before


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"format":1,"token":1,"token":2}', '{"format":1,"more":1}', "{}"],
)
def test_a_state_that_cannot_be_read_is_refused_and_untouched(host, releases, text):
    host.deploy(releases[0])
    (host.root / ".release/state.json").write_text(text)
    before = snapshot(host.root)

    with pytest.raises(_directory.RootError, match=r"state\.json"):
        host.deploy(releases[1])
    assert snapshot(host.root) == before


def test_the_history_tells_everything_in_order(host, releases):
    host.deploy(releases[0])
    host.deploy(releases[1], commit=False)
    host.deploy(None)

    lines = (host.root / ".release/history.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == [
        "staged",
        "activated",
        "accepted",
        "staged",
        "activated",
        "went back",
    ]


def test_a_torn_line_of_history_is_dropped(host, releases):
    host.deploy(releases[0])
    path = host.root / ".release/history.jsonl"
    path.write_bytes(path.read_bytes()[:-10])

    host.deploy(releases[1])

    events = ["staged", "activated", "staged", "activated", "accepted"]
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == events
    path.write_bytes(path.read_bytes()[:-10])
    with _directory.opened(str(host.root)) as root:
        assert [event["event"] for event in _history.read(root, 3)] == events[1:-1]


def test_going_back_from_a_switch_that_was_killed_is_going_to_what_was_live(host, releases):
    host.deploy(releases[0])
    host.deploy(releases[1])

    def killed():
        _durable.replace_link = lambda *args: (real(*args), os._exit(KILLED))
        # pylint: disable-next=unreachable # the lambda ends the process, not its definition
        host.deploy(releases[2])

    real = _durable.replace_link
    assert exit_status(killed) == KILLED
    assert host.read("app") == "three"

    assert host.deploy(None)["after"]["version"] == "2.0"
    assert host.deploy(None)["after"]["version"] == "1.0"


@pytest.mark.parametrize("make", [foreign_directory, foreign_link])
@pytest.mark.parametrize("index", [0, None])
def test_nothing_is_removed_where_current_is_somebody_elses(host, releases, make, index):
    for release in releases:
        host.deploy(release)
    (host.root / "current").unlink()
    aside = host.root.with_name("aside")
    host.root.rename(aside)
    make(host.root)
    for path in aside.iterdir():
        path.rename(host.root / path.name)
    trees = snapshot(host.root / "releases")

    for check_mode in (True, False):
        with pytest.raises(_directory.RootError, match="not ours: nothing was touched"):
            host.deploy(None if index is None else releases[index], check_mode, state="absent")
    assert snapshot(host.root / "releases") == trees
    assert os.path.lexists(host.root / "current")


def test_going_back_from_a_trial_of_the_live_release_ends_the_trial(host, releases):
    host.deploy(releases[0])
    live = host.current
    host.deploy(releases[0], commit=False, linked_paths=["log/"])
    assert host.current != live

    back = host.deploy(None)

    assert host.current == live
    assert (back["after"]["phase"], back["after"]["tree"]) == ("live", live)


def test_a_trial_that_fails_goes_to_an_earlier_release_where_the_live_one_is_gone(host, releases):
    for release in releases[:2]:
        host.deploy(release)
    shutil.rmtree(host.root / "releases" / host.current)

    with pytest.raises(_trial.PutBack, match=r"back on 1\.0"):
        host.deploy(releases[2], probe={"command": ["false"]})

    assert host.read("app") == "one"
    assert host.state.live == host.current


def test_a_way_back_that_somebody_removed_is_laid_out_anew_under_its_name(host, releases):
    for release in releases[:2]:
        host.deploy(release)
    shutil.rmtree(host.root / "releases" / host.tree_of(releases[0]))

    back = host.deploy(None)

    assert (back["after"]["name"], back["after"]["version"]) == ("shop", "1.0")
    assert host.current == host.tree_of(releases[0])


def test_a_trial_that_fails_stays_where_nothing_else_is_left(host, releases):
    host.deploy(releases[0])
    shutil.rmtree(host.root / "releases" / host.current)

    with pytest.raises(_claim.DeploymentError, match=r"no earlier release is left, so 2\.0"):
        host.deploy(releases[1], probe={"command": ["false"]})

    assert host.read("app") == "two"


def test_a_trial_that_fails_names_what_differs_in_the_release_it_goes_back_to(host, releases):
    host.deploy(releases[0])
    host.damage(releases[0], "app")

    with pytest.raises(_trial.PutBack, match=r"back on 1\.0, which differs .*modified app"):
        host.deploy(releases[1], probe={"command": ["false"]})


def test_a_trial_that_fails_passes_over_a_live_release_marked_bad(host, releases):
    for release in releases[:2]:
        host.deploy(release)
    host.deploy(releases[1], mark="bad")

    with pytest.raises(_trial.PutBack, match=r"back on 1\.0"):
        host.deploy(releases[2], probe={"command": ["false"]})

    host.deploy(releases[2], commit=False)
    assert host.deploy(None)["after"]["version"] == "1.0"


def test_a_way_back_that_is_not_here_any_more_is_sent_again(host, releases):
    for release in releases[:3]:
        host.deploy(release, keep=2)
    host.deploy(None)
    assert len(host.trees) == 2

    back = host.deploy(None)

    assert back["after"]["version"] == "1.0"
    assert host.read("app") == "one"


def test_a_rebuilt_way_back_keeps_its_linked_paths(host, releases):
    host.deploy(releases[0], linked_paths=["log/"])
    host.deploy(releases[1], linked_paths=["log/"])
    host.damage(releases[0], "app")

    host.deploy(None)

    assert host.read("app") == "one"
    assert (host.root / "current" / "log").is_symlink()


def test_another_run_that_comes_while_all_is_removed_begins_anew(host, releases, monkeypatch):
    host.deploy(releases[0])
    sweep = _removal.sweep

    def slow(path):
        host.deploy(releases[1])
        return sweep(path)

    monkeypatch.setattr(_removal, "sweep", slow)
    host.deploy(None, state="absent")

    assert host.read("app") == "two"
    assert host.drift() == []
    assert not host.deploy(releases[1])["changed"]


def test_a_removal_that_was_killed_is_finished_by_the_next(host, releases):
    for missing in (".release/staging", ".release/objects", "releases", ".release/manifests"):
        host.deploy(releases[0])
        shutil.rmtree(host.root / missing)

        host.deploy(None, state="absent")

        assert not host.root.exists()


def test_an_extra_file_whose_name_is_not_utf8_is_named(host, releases):
    host.deploy(releases[0])
    with open(os.fsencode(host.root / "current") + b"/\xe4", "wb"):
        pass

    assert ("\\xe4", "extra") in [tuple(item) for item in host.drift()]


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ({"url": "file:///etc/passwd"}, "is not http"),
        ({"command": ["true"], "interval": -1}, "interval"),
        ({"command": ["true"], "timeout": 0}, "timeout"),
        ({"command": ["true"], "retries": -1}, "retries"),
        ({"command": ["false"], "successes": 0}, "successes"),
    ],
)
def test_a_probe_that_cannot_be_asked_is_refused_before_anything_is_switched(
    host, releases, probe, message
):
    with pytest.raises(_service.ServiceError, match=message):
        host.deploy(releases[0], check_mode=True, probe=probe)
    assert not host.root.exists()
    host.deploy(releases[0])

    with pytest.raises(_service.ServiceError, match=message):
        host.deploy(releases[1], probe=probe)

    assert host.read("app") == "one"


def test_the_mode_of_a_folder_that_was_there_is_only_widened(host, releases):
    host.root.mkdir(parents=True)
    host.root.chmod(0o2770)

    host.deploy(releases[0])

    assert stat.S_IMODE(host.root.stat().st_mode) == 0o2775


def test_a_pinned_release_is_neither_cleaned_nor_removed_until_it_is_unpinned(host, releases):
    host.deploy(releases[0])
    assert host.deploy(releases[0], check_mode=True, mark="pinned")["changed"]
    assert host.deploy(releases[0], mark="pinned")["changed"]
    assert not host.deploy(releases[0], mark="pinned")["changed"]
    for release in releases[1:]:
        host.deploy(release, keep=1)

    assert host.tree_of(releases[0]) in host.trees
    with pytest.raises(_claim.DeploymentError, match="is pinned: it is not removed"):
        host.deploy(releases[0], state="absent")
    assert host.deploy(releases[0], mark="unpinned")["changed"]
    assert host.deploy(releases[0], state="absent")["removed"] == [host.tree_of(releases[0])]


def test_a_release_that_is_not_here_cannot_be_pinned(host, releases):
    host.deploy(releases[0])

    with pytest.raises(_claim.DeploymentError, match="is not here"):
        host.deploy(releases[1], mark="pinned")


def test_releases_that_are_too_old_are_removed(host, releases):
    for release in releases:
        host.deploy(release)

    predicted = host.deploy(releases[2], check_mode=True, keep_days=0, linked_paths=["log/"])
    done = host.deploy(releases[2], keep_days=0, linked_paths=["log/"])

    assert predicted["removed"] == done["removed"] == [host.tree_of(releases[0])]
    assert host.tree_of(releases[1]) in host.trees


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [("keep", -1, 0), ("keep_days", -1, 0), ("lock_timeout", -1, 0), ("restart_timeout", 0, 1)],
)
def test_a_number_that_is_too_small_is_refused(host, releases, name, value, least):
    told = rf"{name} \(deploy_{name} in the role\) is {value}: give {least} or more"
    with pytest.raises(_claim.DeploymentError, match=told):
        host.deploy(releases[0], **{name: value})
    assert not host.root.exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"restart": [""]}, "restart .deploy_restart in the role.: its first word"),
        ({"probe": {"command": [" ", "x"]}}, "probe: command: its first word"),
        ({"probe": {"command": ["true"], "interval": float("inf")}}, "probe: timeout must be"),
        ({"probe": {"command": ["true"], "timeout": float("nan")}}, "probe: timeout must be"),
    ],
    ids=str,
)
def test_a_service_that_could_never_be_well_is_refused_before_the_switch(
    host, releases, options, told
):
    with pytest.raises(_service.ServiceError, match=told):
        host.deploy(releases[0], **options)
    assert not host.root.exists()


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"state": "absent", "release": "current"},
        {"state": "absent", "release": "previous", "purge_shared": True},
        {"mark": "bad", "release": "current"},
        {"mark": "unpinned"},
    ],
    ids=str,
)
def test_what_is_removed_or_marked_has_to_be_named(host, releases, options, check_mode):
    for release in releases[:2]:
        host.deploy(release)
    before = snapshot(host.root)

    with pytest.raises(_claim.DeploymentError, match="needs the release that it is about"):
        host.deploy(None, check_mode, **options)

    assert snapshot(host.root) == before


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_is_current_or_previous_can_be_staged(host, releases, check_mode):
    """It is there, or is made whole again: where it is the way back, before that is needed."""
    for release in releases[:2]:
        host.deploy(release)
    before = snapshot(host.root)
    for reference, is_live in (("current", True), ("previous", False)):
        result = host.deploy(None, check_mode, state="staged", release=reference)
        assert (result["changed"], result["is_live"]) == (False, is_live)
    assert snapshot(host.root) == before
    shutil.rmtree(host.root / "releases" / host.tree_of(releases[0]))

    result = host.deploy(None, check_mode, state="staged", release="previous")

    assert result["changed"]
    assert host.read("app") == "two"
    assert (host.tree_of(releases[0]) in host.trees) == (not check_mode)


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_release_that_is_marked_bad_is_not_staged(host, releases, check_mode):
    host.deploy(releases[0])
    host.deploy(releases[1], mark="bad")
    before = snapshot(host.root)

    with pytest.raises(_claim.DeploymentError, match=r"2\.0 was marked bad by the test's run"):
        host.deploy(releases[1], check_mode, state="staged")

    assert (host.calls, snapshot(host.root)) == (1, before)
