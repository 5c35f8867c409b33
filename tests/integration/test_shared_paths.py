# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What releases share with each other and what they do not, and whose their files are."""

from __future__ import annotations

import os

import pytest

from ansible_collections.itops.release.tests.integration.ansible_run import Controller
from ansible_collections.itops.release.tests.integration.applications import (
    deploying,
    is_one_line,
    looking,
    objects_of,
    play,
    seal_all,
    write_application,
)

pytestmark = pytest.mark.slow

SEALED = "as sealed\n"
FILES = {
    "bin/tool": "#!/bin/sh\n",
    "conf/app.ini": SEALED,
    "conf/more/list": "a list\n",
    "cache": SEALED,
    "key": SEALED,
    "twin": SEALED,
}
RULES = {"writable": ["cache"], "private": ["key"]}
IGNORED = {"ignore_errors": True}
PREDICTED = {"ignore_errors": True, "check_mode": True}
UMASK_077 = """
echo 'session optional pam_umask.so umask=077' >>/etc/pam.d/common-session
echo 'Defaults umask=0077, umask_override' >/etc/sudoers.d/umask
sudo -u deploy sh -c umask
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with shop 1.0.0 and 1.1.0: same paths, another conf/app.ini."""
    directory = tmp_path_factory.mktemp("shop")
    newer = {**FILES, "conf/app.ini": "sealed anew\n", "conf/new": "new\n"}
    applications = [
        write_application(directory / "1.0.0", FILES, **RULES),
        write_application(directory / "1.1.0", newer, "1.1.0", 2, **RULES),
    ]
    controller = Controller(directory / "controller", _sockets)
    seal_all(controller, directory / "media", applications)
    return directory / "media"


def shell(title, command):
    return {"name": title, "ansible.builtin.shell": {"cmd": command, "chdir": "{{ srv }}/shop"}}


def what_was_done(result):
    """Return what check mode must say of a run before it."""
    after = {key: value for key, value in result["after"].items() if key != "since"}
    return result["changed"], result["before"], after, result["removed"]


def tree_of(run, title):
    return run.result(title)["after"]["tree"]


def test_linked_paths_may_change_with_no_transfer(targets, inventory, run_playbook, library):
    (host,) = targets(1)
    some, other = {"linked_paths": ["log/"]}, {"linked_paths": ["log/", "run/"]}
    lacking = {"linked_paths": ["etc/secret"]}

    run = run_playbook(
        play(
            deploying("Predict refusal", "shop:1.0.0", library, PREDICTED, **lacking),
            deploying("Refused", "shop:1.0.0", library, IGNORED, **lacking),
            deploying("One", "shop:1.0.0", library, **some),
            shell("Write", "echo of one > current/log/app"),
            deploying("Predict", "shop:1.0.0", library, {"check_mode": True}, **other),
            deploying("Other paths", "shop:1.0.0", library, **other),
            deploying("Again", "shop:1.0.0", library, **other),
            looking("Look"),
            deploying("Next, without", "shop:1.1.0", library),
            looking("Look at next"),
            deploying("Back", "previous", library),
            looking("Look back"),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    for title in ("Predict refusal", "Refused"):
        message = run.result(title).get("msg", "was done")
        assert is_one_line(message)
        assert f"{host.srv}/shop/shared/etc/secret does not exist" in message
    changed = run.result("Other paths")
    assert (changed["changed"], changed["calls"], changed["sent_bytes"]) == (True, 1, 0)
    assert what_was_done(run.result("Predict")) == what_was_done(changed)
    assert tree_of(run, "Other paths") != tree_of(run, "One")
    assert not run.result("Again")["changed"]
    assert all(run.result(title)["ok"] for title in ("Look", "Look at next", "Look back"))
    assert tree_of(run, "Back") == tree_of(run, "Other paths")
    root = host.seen / "shop"
    assert (root / "current/log/app").read_text() == "of one\n"
    assert (root / "current/run").is_symlink()
    assert not (root / "releases" / tree_of(run, "Next, without") / "log").exists()


def test_what_a_release_seeds_is_copied_once_and_never_replaced(
    targets, inventory, run_playbook, library
):
    (host,) = targets(1)
    seed = {"linked_paths": ["conf/", "twin"], "seed": True}
    more = {"linked_paths": ["conf/", "twin", "key"], "seed": True}
    root = host.seen / "shop"

    run = run_playbook(
        play(
            deploying("Without", "shop:1.0.0", library, IGNORED, linked_paths=["conf/"]),
            deploying("One", "shop:1.0.0", library, **seed),
            looking("Look"),
            shell("Look at it", "cat shared/conf/app.ini shared/conf/more/list shared/twin"),
            shell("Count its names", "stat -c %h shared/conf/app.ini shared/conf/more/list"),
            shell("Change it", "echo by hand >> current/conf/app.ini && rm shared/conf/more/list"),
            deploying("Again", "shop:1.0.0", library, **seed),
            deploying("Two", "shop:1.1.0", library, **seed),
            deploying("Three", "shop:1.1.0", library, **more),
            looking("Look again"),
            deploying("Not any more", "shop:1.1.0", library),
            looking("Look at what was sealed"),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    assert is_one_line(run.result("Without")["msg"])
    assert "set seed: true" in run.result("Without")["msg"]
    assert run.result("Look at it")["stdout"] == (SEALED + "a list\n" + SEALED).strip()
    assert run.result("Count its names")["stdout"].split() == ["1", "1"]
    assert not run.result("Again")["changed"]
    looks = ("Look", "Look again", "Look at what was sealed")
    assert all(run.result(title)["ok"] for title in looks)
    assert (root / "shared/conf/app.ini").read_text() == SEALED + "by hand\n"
    assert not (root / "shared/conf/more/list").exists()
    assert not (root / "shared/conf/new").exists()
    assert (root / "shared/key").stat().st_mode & 0o777 == 0o600
    assert (root / "current/conf/app.ini").read_text() == "sealed anew\n"
    (content,) = objects_of(host, SEALED)
    assert content.read_text() == SEALED


def test_only_a_writable_file_may_be_written_to(targets, inventory, run_playbook, library):
    """All have the same content, and the content is kept once; the copy is of no release else."""
    (host,) = targets(1)

    run = run_playbook(
        play(
            deploying("One", "shop:1.0.0", library),
            deploying("Two", "shop:1.1.0", library),
            shell("Write", "echo by the service >> current/cache"),
            looking("Look"),
            deploying("Nothing to mend", "shop:1.1.0", library, verify=True),
            deploying("Back", "previous", library),
            looking("Look back"),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    look = run.result("Look")
    assert (look["ok"], look["drift"], look["runtime"]) == (True, [], ["cache"])
    assert not run.result("Nothing to mend")["changed"]
    assert (run.result("Look back")["drift"], run.result("Look back")["runtime"]) == ([], [])
    written = host.seen / "shop/releases" / tree_of(run, "Two")
    assert (written / "cache").read_text() == SEALED + "by the service\n"
    assert (written / "twin").read_text() == SEALED
    (content,) = objects_of(host, SEALED)
    assert content.read_text() == SEALED
    assert content.stat().st_nlink > 2
    assert (written / "cache").stat().st_nlink == (written / "key").stat().st_nlink == 1


def listing(fleet, host, where):
    """Return ``{path: "user:group mode"}`` of what is below *where* in the root of shop."""
    form = "%P\t%u:%g %m\n"
    found = fleet.run(host.host, ["find", f"/srv/shop/{where}", "!", "-type", "l", "-printf", form])
    return dict(line.split("\t") for line in found.stdout.splitlines())


def reads(fleet, host, user, path):
    read = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "cat"]
    return fleet.run(host.host, [*read, f"/srv/shop/{path}"]).returncode == 0


def test_owner_group_and_modes_are_as_asked_for_and_mended(
    ssh_hosts, fleet, inventory, run_playbook, library
):
    """The login user's umask, and sudo's, is 077."""
    (host,) = ssh_hosts(1, user="deploy", become=True)
    assert fleet.run(host.host, ["sh", "-c", UMASK_077]).stdout.strip() == "0077"
    hosts = inventory([host])
    asked = {"owner": "deploy", "group": "app", "access": "group", "seed": True}
    asked["linked_paths"] = ["conf/app.ini", "log/"]

    first = run_playbook(
        play(
            deploying("One", "shop:1.0.0", library, **asked),
            deploying("Two", "shop:1.1.0", library, **asked),
            looking("Look"),
        ),
        hosts,
    )
    assert first.rc == 0, first.output
    assert first.result("Look")["ok"]
    wanted = listing(fleet, host, "current/")
    assert wanted.pop("key") == "deploy:app 600"
    assert wanted["cache"] == wanted["conf/new"] == "deploy:app 640"
    folders = {"", "bin", "bin/tool", "conf", "conf/more"}
    assert {path for path, found in wanted.items() if found == "deploy:app 750"} == folders
    assert set(wanted.values()) == {"deploy:app 640", "deploy:app 750"}
    shared = listing(fleet, host, "shared/")
    assert shared.pop("conf/app.ini") == "deploy:app 640"
    assert set(shared) == {"", "conf", "log"}
    assert shared["conf"] == shared["log"] == "deploy:app 750"
    assert reads(fleet, host, "app", "current/twin")
    assert reads(fleet, host, "app", "shared/conf/app.ini")
    assert not reads(fleet, host, "app", "current/key")
    assert not reads(fleet, host, "nobody", "current/twin")

    run = run_playbook(
        play(
            shell(
                "Change by hand", "chmod 644 current/key && chmod o+rx current/ current/bin/tool"
            ),
            shell("Give away", "chown root current/conf/new && chgrp root current/conf/more"),
            looking("Look"),
            deploying("Predict", "current", library, {"check_mode": True}, verify=True),
            deploying("Mend", "current", library, verify=True),
            looking("Look again"),
            deploying("Other group", "shop:1.1.0", library, IGNORED, group="deploy"),
        ),
        hosts,
    )

    assert run.rc == 0, run.output
    drift = {(item["path"], item["change"]) for item in run.result("Look")["drift"]}
    changed = {(".", "mode"), ("key", "mode"), ("bin/tool", "exec")}
    assert drift == changed | {("conf/new", "owner"), ("conf/more", "owner")}
    for title in ("Predict", "Mend"):
        named = {(item["path"], item["change"]) for item in run.result(title)["drift"]}
        assert named == drift, title
    assert run.result("Mend")["sent_bytes"] == 0
    assert run.result("Look again")["ok"]
    assert listing(fleet, host, "current/") == {**wanted, "key": "deploy:app 600"}
    assert is_one_line(run.result("Other group")["msg"])
    assert "deploy, app, group" in run.result("Other group")["msg"]


def test_only_the_user_who_writes_a_root_may_change_it(
    ssh_hosts, fleet, inventory, run_playbook, library
):
    """Another, be it root, is refused by name whatever it is about to do; so is a new uid."""
    (host,) = ssh_hosts(1)
    as_app = {"vars": {"ansible_become": True, "ansible_become_user": "app"}}
    fleet.run(host.host, ["install", "-d", "-o", "app", "/srv/shop"])
    asked = {
        "Deploy": ("shop:1.1.0", {}),
        "Predict": ("shop:1.1.0", {}),
        "Live already": ("shop:1.0.0", {}),
        "Go back": ("previous", {}),
        "Pin": ("shop:1.0.0", {"mark": "pinned"}),
        "Remove": (None, {"state": "absent"}),
    }
    keywords = {"Predict": PREDICTED}
    run = run_playbook(
        play(
            deploying("One", "shop:1.0.0", library, as_app),
            *(
                deploying(title, release, library, keywords.get(title, IGNORED), **options)
                for title, (release, options) in asked.items()
            ),
            looking("Look"),
            {"name": "Renumber", "ansible.builtin.command": "usermod -u 4711 app"},
            deploying("New uid", "shop:1.1.0", library, {**IGNORED, **as_app}),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    for title in asked:
        message = run.result(title).get("msg", "was done")
        assert is_one_line(message), title
        assert "/srv/shop is written by app; this run is root: become that user" in message, title
    assert run.result("Look")["ok"]
    assert run.result("Look")["deployment"]["live"]["version"] == "1.0.0"
    message = run.result("New uid").get("msg", "was done")
    assert is_one_line(message)
    assert "is written by uid" in message
    assert "this run is app" in message
    assert os.readlink(host.seen / "shop/current") == "releases/" + tree_of(run, "One")
