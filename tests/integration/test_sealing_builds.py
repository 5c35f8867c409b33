# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a build to a host: what was built is what is sealed, and sealed scripts are what runs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.itops.release.tests.integration import building as b
from ansible_collections.itops.release.tests.integration.applications import (
    current_tree,
    deploying,
    failures,
    is_one_line,
    live_version,
    play,
    sealing,
    task,
)

pytestmark = pytest.mark.slow

KEEP_GOING = {"ignore_errors": True}
HOOK = """
- name: Note the moment
  ansible.builtin.shell: echo "{moment}" >>noted
  args: {{chdir: "{{{{ srv }}}}"}}
"""
MOMENTS = {
    "deploy_hooks": ("before_stage", "after_commit", "after_failure"),
    "rollback_hooks": ("before_rollback", "after_failure"),
}


@pytest.fixture
def src(tmp_path):
    """Return a folder with a release.yml of a built component and one that is not, and scripts."""
    b.commit(tmp_path / "repository", a="1\n")
    src = tmp_path / "src"
    origin = {"git": "../repository", "revision": "main"}
    declare = [
        b.component("web", origin, {"shell": "mkdir d; cp a d/b"}, source="d", artifacts=["d/*"]),
        {"name": "docs", "kind": "files", "source": "docs", "path": "docs"},
    ]
    b.declare(src, *declare)
    release = json.loads((src / "release.yml").read_text())
    release["scripts"] = {"migrations": ["migrations/*.sql"], "build": ["release.yml"]}
    (src / "release.yml").write_text(json.dumps(release))
    for path in ("docs/manual", "migrations/1.sql"):
        (src / path).parent.mkdir()
        (src / path).write_text(path)
    return src


@pytest.mark.every_point
def test_what_release_build_left_is_sealed_and_nothing_else(
    src, tmp_path, local_hosts, inventory, run_playbook
):
    (host,) = local_hosts(1)
    workspace, library = tmp_path / "workspace", tmp_path / "media"
    here = {"src": str(src), "workspace": str(workspace)}
    changed = task("Change", "x", {})
    del changed["itops.release.x"]
    changed["ansible.builtin.copy"] = {"content": "2\n", "dest": f"{workspace}/web/d/b"}

    run = run_playbook(
        play(
            sealing("Too early", src, library, KEEP_GOING, workspace=str(workspace)),
            b.building("Build", **here),
            sealing("Foresee", src, library, {"check_mode": True}, workspace=str(workspace)),
            sealing("Seal", src, library, workspace=str(workspace)),
            sealing("There", src, tmp_path / "other", workspace=str(workspace), remote_src=True),
            b.building("Build anew", src, tmp_path / "elsewhere"),
            sealing("Seal anew", src, library, workspace=str(tmp_path / "elsewhere")),
            deploying("Deploy", "shop:1", library),
            changed,
            sealing("Changed", src, library, KEEP_GOING, workspace=str(workspace)),
            sealing("Other", src, library, KEEP_GOING, workspace=str(workspace), version="2"),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    assert run.result("Too early")["msg"].startswith(f"{workspace}/build.json: No such file")
    sealed = run.result("Seal")["release"]
    for title in ("Foresee", "There", "Seal anew"):
        assert run.result(title)["release"]["digest"] == sealed["digest"], title
    assert not run.result("Seal anew")["changed"]
    assert [script["path"] for script in sealed["scripts"]["migrations"]] == ["migrations/1.sql"]
    docs, web = sealed["components"]
    assert "materials" not in docs
    assert web["materials"] == [
        {
            "kind": "git",
            "place": "../repository",
            "revision": "main",
            "commit": b.git(tmp_path / "repository", "rev-parse", "HEAD"),
            "folder": web["materials"][0]["folder"],
        }
    ]
    assert current_tree(host) == {
        "b": (b"1\n", False),
        "docs/": None,
        "docs/manual": (b"docs/manual", False),
    }
    assert run.result("Changed")["msg"] == (
        "component web was changed after it was built ('b'): build again"
    )
    assert is_one_line(run.result("Other")["msg"])
    assert "shop 1 serial 1, not of shop 2 serial 1" in run.result("Other")["msg"]


@pytest.fixture
def shop(tmp_path, local_hosts, inventory, run_playbook):
    """Return ``shop({host's variables}, …)``: Targets, and how to run roles on them.

    shop 1 and 2 are sealed with their hooks, which note their moment, and shop 3 with none.
    """
    src, library = tmp_path / "src", tmp_path / "media"
    (src / "app").mkdir(parents=True)
    (src / "hooks").mkdir()
    for moments in MOMENTS.values():
        for moment in moments:
            (src / f"hooks/{moment}.yml").write_text(HOOK.format(moment=moment))
    tasks = []
    for version in ("1", "2", "3"):
        release = {"name": "shop", "version": version, "serial": int(version)}
        release["components"] = [{"name": "app", "kind": "files", "source": "app"}]
        release["scripts"] = {} if version == "3" else {"hooks": ["hooks/*.yml"]}
        definition = f"release{version}.yml"
        (src / definition).write_text(json.dumps(release))
        tasks.append(sealing(f"Seal {version}", src, library, definition=definition))
    (src / "app/file").write_text("x")
    run = run_playbook(play(*tasks), "localhost,")
    assert run.rc == 0, run.output
    hooks = {
        name: {moment: str(src / f"hooks/{moment}.yml") for moment in moments}
        for name, moments in MOMENTS.items()
    }

    def spread(*each):
        hosts = [
            replace(host, variables={**host.variables, **hooks, **variables})
            for host, variables in zip(local_hosts(len(each)), each, strict=True)
        ]
        options = {"deploy_root": "{{ srv }}/shop", "deploy_media_library": str(library)}
        written = inventory(hosts, deploy_release="shop:1", **options)
        return hosts, lambda *roles, **keywords: run_playbook(
            play(*map(playing, roles)), written, **keywords
        )

    return spread


def playing(given):
    role, variables = given
    return {
        "ansible.builtin.include_role": {"name": f"itops.release.{role}"},
        "vars": variables,
        "ignore_errors": False,
    }


def noted(host):
    path = host.seen / "noted"
    return path.read_text().split() if path.exists() else []


def test_only_hooks_that_were_sealed_run_and_verify_proves_it(shop, tmp_path):
    src, other = tmp_path / "src", tmp_path / "other"
    (other / "hooks").mkdir(parents=True)
    for hook in (src / "hooks").iterdir():
        (other / "hooks" / hook.name).write_bytes(hook.read_bytes())
    changed = other / "hooks/before_stage.yml"
    changed.write_text(HOOK.format(moment="never"))
    wrong = {"before_stage": str(changed)}
    going_back = {"before_rollback": str(changed), "after_failure": str(changed)}
    (right, unsealed, free, behind), run = shop(
        {"verify_scripts_from": str(src)},
        {"deploy_hooks": wrong},
        {"deploy_hooks": wrong, "deploy_release": "shop:3"},
        {"rollback_hooks": going_back, "verify_scripts_from": str(other)},
    )

    first = run(("deploy", {}), ("verify", {}))

    told = failures(first)
    assert set(told) == {unsealed.name, behind.name}
    not_sealed = f"{changed} is not what was sealed with shop 1 (sha256 "
    assert f"deploy_hooks: hook {not_sealed}" in told[unsealed.name]
    assert told[behind.name].startswith(f"hook {not_sealed}")
    assert "; script hooks/before_stage.yml is not what was sealed" in told[behind.name]
    assert all(map(is_one_line, told.values()))
    proof = "Fail where other scripts would be run than were sealed"
    assert "What was sealed of scripts: hooks." in first.result(proof, host=right.name)["msg"]
    assert noted(unsealed) == []
    assert not (unsealed.seen / "shop").exists()
    assert noted(free) == ["never"]
    assert noted(right) == ["before_stage", "after_commit"]

    forward = ("deploy", {"deploy_release": "shop:2", "deploy_hooks": {}})
    second = run(forward, ("rollback", {}), limit=f"{right.name},{behind.name}")

    told = failures(second)
    assert set(told) == {behind.name}
    not_sealed = f"hook {changed} is not what was sealed with shop 2 (sha256 "
    assert told[behind.name].startswith(
        f"Rolling back to previous failed: rollback_hooks: {not_sealed}"
    )
    assert (noted(behind), live_version(behind)) == (["before_stage", "after_commit"], "2")
    assert (noted(right)[2:], live_version(right)) == (["before_rollback"], "1")
