# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pruning the media library by playbook: what any host may need stays, or nothing goes."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from types import SimpleNamespace

import pytest

from ansible_collections.itops.release.tests.integration.ansible_run import Controller
from ansible_collections.itops.release.tests.integration.applications import (
    deploying,
    is_one_line,
    looking,
    play,
    read_tree,
    report_line,
    sealing,
    task,
    write_application,
)

pytestmark = pytest.mark.slow

PRUNE = "itops.release.prune"
REMOVE = "Remove what nothing needs from the media library"
STOP = "Stop when it is not known what is deployed on a host"
NOWHERE = {
    "ansible_connection": "ssh",
    "ansible_host": "127.0.0.1",
    "ansible_port": 1,
    "ansible_ssh_common_args": "-o BatchMode=yes -o StrictHostKeyChecking=no",
}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory, _sockets):
    """Return a media library with shop 1.0.0 to 6.0.0, and the digests by version."""
    directory = tmp_path_factory.mktemp("sealed")
    seals = []
    for serial in range(1, 7):
        version = f"{serial}.0.0"
        files = {"version": f"{version}\n", "readme": "the same in all\n"}
        source = write_application(directory / version, files, version, serial)
        seals.append(sealing(version, source, directory / "library"))
    hosts = directory / "hosts.json"
    hosts.write_text(json.dumps({"all": {"hosts": {"localhost": None}}}))
    run = Controller(directory / "controller", _sockets).run(play(*seals), hosts)
    assert run.rc == 0, run.output
    digests = {title["name"]: run.result(title["name"])["release"]["digest"] for title in seals}
    return SimpleNamespace(library=directory / "library", digests=digests)


@pytest.fixture
def estate(sealed, inventory, run_playbook, tmp_path):
    """Return ``estate(targets)``: hosts with their own media library, and means to prune it."""

    class Estate:
        library = tmp_path / "library"
        digests = sealed.digests

        def __init__(self, targets, **changes):
            self.targets = targets
            self.names = [target.name for target in targets]
            self.inventory = self.write(**changes)

        def write(self, **changes):
            """Return an inventory in which some hosts have other variables."""
            targets = [
                dataclasses.replace(
                    target, variables={**target.variables, **changes.get(target.name, {})}
                )
                for target in self.targets
            ]
            return inventory(
                targets,
                deploy_root="{{ srv }}/shop",
                deploy_media_library=str(self.library),
            )

        def run(self, *tasks, **options):
            run = run_playbook(play(*tasks), self.inventory, **options)
            assert run.rc == 0, run.output
            return run

        def prune(self, keep=1, variables=None, **options):
            extra = {"prune_keep": keep, **(variables or {})}
            options = {"inventory": self.inventory, "extra_vars": extra, **options}
            return run_playbook(options.pop("playbook", PRUNE), options.pop("inventory"), **options)

        @property
        def versions(self):
            """The versions in the library's index, sorted."""
            plain = json.loads((self.library / "index.json").read_bytes())
            tags = {
                item["annotations"]["org.opencontainers.image.ref.name"]
                for item in plain["manifests"]
            }
            return sorted(v for v, digest in self.digests.items() if f"sha256-{digest}" in tags)

    shutil.copytree(sealed.library, Estate.library)
    return Estate


ALL = ["1.0.0", "2.0.0", "3.0.0", "4.0.0", "5.0.0", "6.0.0"]


def removed(run):
    return [item["version"] for item in run.result(REMOVE)["removed"]]


def only(host, *versions):
    return {"when": f"inventory_hostname == '{host.name}'", "loop": list(versions)}


def test_all_that_any_host_holds_stays(targets, estate):
    hosts = targets(3)
    first, second, third = hosts
    shop = estate(
        hosts, **{third.name: {"prune_roots": ["{{ srv }}/shop", "{{ srv }}/other", "/srv/no"]}}
    )
    shop.run(
        deploying("Twice", "shop:{{ item }}", shop.library, only(first, "1.0.0", "2.0.0")),
        deploying("Trial", "shop:{{ item }}", shop.library, only(second, "4.0.0"), commit=False),
        deploying(
            "Stage",
            "shop:{{ item }}",
            shop.library,
            only(third, "3.0.0"),
            root="{{ srv }}/other",
            state="staged",
        ),
    )
    before = read_tree(shop.library)

    predicted = shop.prune(check=True, diff=True)
    assert read_tree(shop.library) == before
    pruned = shop.prune(diff=True)
    again = shop.prune()

    for run in (predicted, pruned, again):
        assert run.rc == 0, run.output
    assert predicted.result(REMOVE)["changed"]
    assert predicted.result(REMOVE) == {
        **pruned.result(REMOVE),
        "msg": predicted.result(REMOVE)["msg"],
    }
    assert removed(pruned) == ["5.0.0"]
    assert f"-shop:5.0.0 serial 5 sha256:{shop.digests['5.0.0']}" in pruned.stdout
    assert "shop:5.0.0 would be removed" in predicted.stdout
    assert "shop:5.0.0 removed" in pruned.stdout
    assert len(pruned.find(REMOVE)) == 1
    assert shop.versions == [version for version in ALL if version != "5.0.0"]
    assert not again.result(REMOVE)["changed"]
    assert "asked" in report_line(pruned, first.name)
    assert "\nMedia library: shop:5.0.0 removed, " in pruned.stdout.partition("RELEASES")[2]
    unasked = shop.prune("")
    assert unasked.rc == 2
    assert "prune_keep is not given" in report_line(unasked, first.name)
    assert not unasked.find(action="itops.release.release_deployment_info")
    packs = f"{shop.library}-new"
    shop.run(
        deploying("Back", "previous", shop.library, only(first, "")),
        *(
            deploying(version, f"sha256:{shop.digests[version]}", shop.library, pack_cache=packs)
            for version in shop.versions
        ),
        looking("Look", release="shop:6.0.0", media_library=str(shop.library)),
    )


@pytest.mark.parametrize("lost", ["first", "all"])
def test_nothing_goes_when_a_host_cannot_be_reached(local_hosts, estate, lost):
    hosts = local_hosts(3)
    names = [host.name for host in hosts][: 1 if lost == "first" else 3]
    shop = estate(hosts, **dict.fromkeys(names, NOWHERE))
    before = read_tree(shop.library)

    for check in (True, False):
        run = shop.prune(check=check)

        assert run.rc == 2, run.output
        assert not run.find(REMOVE)
        message = run.result(STOP)["msg"]
        assert is_one_line(message)
        named = f"{', '.join(names)} (unreachable)"
        assert message == f"nothing was removed: cannot know what is deployed on {named}"
        for name in names:
            assert "unreachable" in report_line(run, name)
    assert read_tree(shop.library) == before

    ignored = shop.prune(variables={"prune_ignore_hosts": names})
    assert ignored.rc == 0, ignored.output
    assert removed(ignored) == ALL[:5]


def test_nothing_goes_when_a_host_cannot_say_what_it_holds(local_hosts, estate):
    hosts = local_hosts(3)
    damaged, fine, rootless = hosts
    shop = estate(hosts, **{rootless.name: {"prune_roots": "{{ nothing_of_the_kind }}"}})
    shop.run(deploying("Deploy", "shop:1.0.0", shop.library))
    (damaged.seen / "shop/.release/state.json").write_text("{")

    run = shop.prune()

    assert run.rc == 2, run.output
    message = run.result(STOP)["msg"]
    assert is_one_line(message)
    assert f"{damaged.name} ({damaged.srv}/shop/.release/state.json" in message
    assert f"{rootless.name} (" in message
    assert "nothing_of_the_kind" in message
    assert fine.name not in message
    assert shop.versions == ALL
    ignored = shop.prune(variables={"prune_ignore_hosts": f"{damaged.name},{rootless.name}"})
    assert ignored.rc == 0, ignored.output
    assert shop.versions == ["1.0.0", "6.0.0"]


def test_nothing_goes_when_a_limit_leaves_hosts_out(local_hosts, estate):
    hosts = local_hosts(3)
    shop = estate(hosts)

    limited = shop.prune(limit=f"{shop.names[0]},{shop.names[1]}")

    assert limited.rc == 2, limited.output
    assert limited.result(STOP)["msg"].endswith(
        f"deployed on {shop.names[2]} (left out by --limit, or lost earlier in this run)"
    )
    assert shop.versions == ALL
    ignored = shop.prune(limit=shop.names[0], variables={"prune_ignore_hosts": shop.names[1:]})
    assert ignored.rc == 0, ignored.output
    assert shop.versions == ["6.0.0"]


def test_a_pattern_names_the_hosts_that_matter(local_hosts, estate):
    hosts = local_hosts(3)
    shop = estate(hosts, **{hosts[2].name: NOWHERE})
    variables = {"prune_hosts": f"all:!{hosts[2].name}"}

    assert shop.prune(variables=variables, limit=hosts[0].name).rc == 2
    assert shop.versions == ALL
    run = shop.prune(variables=variables)
    assert run.rc == 0, run.output
    assert shop.versions == ["6.0.0"]


def test_what_skips_tasks_does_not_skip_asking(local_hosts, estate):
    hosts = local_hosts(2)
    shop = estate(hosts)

    started_later = shop.prune(args=["--start-at-task", REMOVE])
    freely = shop.prune(env={"ANSIBLE_STRATEGY": "free"}, check=True)

    assert shop.versions == ALL
    assert {outcome.status for outcome in started_later.find(REMOVE)} == {"skipped"}
    assert freely.rc == 0, freely.output
    assert len(freely.find(REMOVE)) == 1


LOSE = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Lose a host
      ansible.builtin.fail:
      when: inventory_hostname == lost
"""


def test_a_host_that_was_lost_earlier_in_the_run_is_not_taken_at_its_word(
    local_hosts, estate, tmp_path
):
    shop = estate(local_hosts(2))
    pruning = "- ansible.builtin.import_playbook: itops.release.prune\n"

    run = shop.prune(
        playbook=f"{pruning}  vars: {{prune_keep: 6}}\n{LOSE}{pruning}  vars: {{prune_keep: 1}}\n",
        keep=None,
        extra_vars={"lost": shop.names[1]},
    )

    assert run.rc == 2, run.output
    assert f"{shop.names[1]} (left out by --limit, or lost" in run.result(STOP)["msg"]
    assert shop.versions == ALL


def test_what_a_survey_sends_is_understood(local_hosts, estate):
    shop = estate(local_hosts(1))
    variables = {
        "prune_in_use": f"shop:1.0.0, sha256:{shop.digests['2.0.0']}",
        "prune_min_age_days": "",
        "prune_hosts": "",
        "prune_media_library": "",
        "prune_ignore_hosts": "",
    }

    unsaid = shop.prune(keep="", variables=variables)
    slip = shop.prune(keep="2", variables={**variables, "prune_in_use": "shop"})
    recent = shop.prune(keep="2", variables={**variables, "prune_min_age_days": "1"})
    assert unsaid.rc == slip.rc == 2
    asking = "Ask for how many releases stay, before any host is asked"
    assert "prune_keep is not given" in unsaid.result(asking)["msg"]
    assert "'shop' is neither name:version nor" in slip.result(REMOVE)["msg"]
    assert recent.rc == 0, recent.output
    assert shop.versions == ALL

    run = shop.prune(keep="2", variables=variables)
    assert run.rc == 0, run.output
    assert shop.versions == ["1.0.0", "2.0.0", "5.0.0", "6.0.0"]


def test_what_is_pinned_stays_until_it_is_unpinned(local_hosts, estate):
    shop = estate(local_hosts(1))

    def marking(title, mark, **keywords):
        options = {"release": "shop:2.0.0", "media_library": str(shop.library), "mark": mark}
        return task(title, "release_package", options, **keywords)

    run = shop.run(
        marking("Predict", "pinned", check_mode=True),
        marking("Pin", "pinned"),
        marking("Pin again", "pinned"),
        task(
            "Remove",
            "release_package",
            {"release": "shop:2.0.0", "media_library": str(shop.library), "state": "absent"},
            ignore_errors=True,
        ),
        task("Tell", "release_package_info", {"media_library": str(shop.library)}),
    )
    pruned = shop.prune()

    changes = [run.result(title)["changed"] for title in ("Predict", "Pin", "Pin again")]
    assert changes == [True, True, False]
    assert is_one_line(run.result("Remove")["msg"])
    assert "shop:2.0.0 is pinned: unpin it first" in run.result("Remove")["msg"]
    told = {item["version"]: item["pinned"] for item in run.result("Tell")["releases"]}
    assert told == {version: version == "2.0.0" for version in ALL}
    assert pruned.rc == 0, pruned.output
    assert shop.versions == ["2.0.0", "6.0.0"]
    shop.run(marking("Unpin", "unpinned"))
    shop.prune()
    assert shop.versions == ["6.0.0"]


@pytest.mark.every_point
def test_a_release_that_was_just_removed_is_told_in_a_line(local_hosts, estate):
    (host,) = hosts = local_hosts(1)
    shop = estate(hosts)
    shop.run(deploying("Deploy", "shop:1.0.0", shop.library))
    shutil.rmtree(f"{shop.library}-packs")
    shop.prune(variables={"prune_ignore_hosts": [host.name], "prune_roots": []})
    assert shop.versions == ["6.0.0"]

    run = shop.run(
        deploying("Gone", "shop:2.0.0", shop.library, {"ignore_errors": True}),
        deploying("Still held", "shop:1.0.0", shop.library, {"ignore_errors": True}),
        deploying("By its digest", f"sha256:{shop.digests['1.0.0']}", shop.library),
        deploying("Newest", "shop:6.0.0", shop.library),
    )

    for title, version in (("Gone", "2.0.0"), ("Still held", "1.0.0")):
        assert is_one_line(run.result(title)["msg"])
        assert (
            f"has no release shop:{version}: the latest there are shop:6.0.0"
            in (run.result(title)["msg"])
        )
    assert os.readlink(host.seen / "shop/current").startswith("releases/6.0.0-")
