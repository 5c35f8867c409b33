# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever happens to a run, its exit status and closing report are true of every host."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.itops.release.tests.integration.ansible_run import Controller
from ansible_collections.itops.release.tests.integration.applications import (
    play,
    sealing,
    write_application,
)

pytestmark = pytest.mark.slow
EXHAUSTIVE = pytest.mark.every_point

DEPLOY = "itops.release.deploy"
ROLLBACK = "itops.release.rollback"
VERIFY = "itops.release.verify"
UNINSTALL = "itops.release.uninstall"
NOWHERE = {
    "ansible_connection": "ssh",
    "ansible_host": "127.0.0.1",
    "ansible_port": 1,
    "ansible_ssh_common_args": "-o BatchMode=yes -o StrictHostKeyChecking=no",
}
LOSE = """
- name: Lose the host
  ansible.builtin.set_fact: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}
  when: inventory_hostname in lost
"""
TOUCH_LOST = LOSE + "- name: Touch the host\n  ansible.builtin.ping:\n"
FAIL = """
- name: Run the migration
  ansible.builtin.command: "false"
  when: inventory_hostname in failing
"""
BREAK = """
- name: Break the root
  ansible.builtin.shell: rm {{ deploy_root }}/current && mkdir {{ deploy_root }}/current && false
  when: inventory_hostname in failing
"""
# A play of a user's own, with a handler that is clumsy on some hosts.
PLAY = """
- hosts: all
  gather_facts: false
  serial: "{{ batches | default('100%') }}"
  max_fail_percentage: 0
  ignore_errors: "{{ forgiving | default(false) }}"
  vars: {clumsy: [], cure: "1.0.0"}
  roles: [itops.release.deploy]
  handlers:
    - name: Restart by handler
      ansible.builtin.shell: >-
        readlink {{ deploy_root }}/current >>{{ srv }}/handled &&
        {{ 'grep -q ' ~ cure ~ ' ' ~ srv ~ '/handled' if inventory_hostname in clumsy else 'true' }}
      listen: release activated
"""
# A play that reads how the role ended on each host, and decides itself.
REPORTING = """
- hosts: all
  gather_facts: false
  vars: {deploy_on_failure: report}
  roles: [itops.release.deploy]
  post_tasks:
    - name: Decide
      ansible.builtin.debug:
        msg:
          - "{{ __release_outcome is failed }}"
          - "{{ __release_outcome.code | default('') }}"
          - "{{ __release_outcome.msg | default('') }}"
"""


@pytest.fixture(scope="module")
def sealed(tmp_path_factory, _sockets):
    """Return a media library with shop 1.0.0, 2.0.0 and 3.0.0, and a root where 1.0.0 is live."""
    directory = tmp_path_factory.mktemp("sealed")
    library, root = directory / "library", directory / "root"
    seals = []
    for serial in (1, 2, 3):
        version = f"{serial}.0.0"
        files = {"version": f"{version}\n", "readme": "the same in all\n"}
        source = write_application(directory / version, files, version, serial)
        seals.append(sealing(f"Seal {version}", source, library))
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "deploy_root": str(root),
        "deploy_media_library": str(library),
        "deploy_release": "shop:1.0.0",
        "deploy_restart": ["true"],
    }
    inventory = directory / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"template": variables}}}))
    controller = Controller(directory / "controller", _sockets)
    for playbook in (play(*seals), DEPLOY):
        run = controller.run(playbook, inventory)
        assert run.rc == 0, run.output
    return SimpleNamespace(library=library, root=root)


@pytest.fixture
def shop(sealed, local_hosts, inventory, run_playbook, controller, tmp_path):
    """Return ``shop(count)``: hosts where 1.0.0 is live, and the means to run playbooks on them."""

    class Shop:
        def __init__(self, count, unreachable=()):
            self.targets = local_hosts(count)
            for target in self.targets:
                shutil.copytree(sealed.root, target.seen / "shop", symlinks=True)
            self.names = [target.name for target in self.targets]
            self.inventory = self.write(dict.fromkeys(unreachable, NOWHERE))

        def write(self, changes, **variables):
            """Return an inventory in which some hosts have other variables."""
            targets = [
                dataclasses.replace(
                    target, variables={**target.variables, **changes.get(target.name, {})}
                )
                for target in self.targets
            ]
            # An owner that does not exist is found out on the host, while staging.
            owner = "{{ 'nobody-here' if inventory_hostname in unstaged | default([]) else '' }}"
            restart = "readlink {{ deploy_root }}/current >>{{ srv }}/restarted || true"
            return inventory(
                targets,
                deploy_root="{{ srv }}/shop",
                deploy_release="shop:2.0.0",
                deploy_media_library=str(sealed.library),
                deploy_restart=["sh", "-c", restart],
                deploy_probe={"command": ["test", "!", "-e", "{{ srv }}/broken"], "retries": 0},
                deploy_owner=owner,
                **variables,
            )

        def breaks_on(self, *numbers):
            for number in numbers:
                (self.targets[number].seen / "broken").touch()

        def hook(self, name, text):
            path = tmp_path / f"{name}.yml"
            path.write_text(text)
            return {name: str(path)}

        def run(self, playbook=DEPLOY, inventory=None, **options):
            return Told(run_playbook(playbook, inventory or self.inventory, **options))

        def live(self):
            """Return the version that each host really serves."""
            return [
                self.read(number, "shop/current/version") for number in range(len(self.targets))
            ]

        def read(self, number, path):
            file = self.targets[number].seen / path
            return file.read_text().strip() if file.exists() else None

    return Shop


class Told:
    """A run that has ended, as its closing report and exit status tell it."""

    def __init__(self, run):
        self.run = run
        self.rc = run.rc
        _before, _banner, report = run.stdout.partition("\nRELEASES *")
        self.lines = report.splitlines()[1:]
        told = [line for line in self.lines if line]
        verdicts = [line for line in told if re.match(r"(Check mode: )?Verdict", line)]
        self.verdict = verdicts[-1] if verdicts else None
        self.summary = next((line for line in reversed(told) if line not in verdicts), None)

    def outcomes(self):
        """Return the outcome of each host, in the order of the report."""
        rows = self.lines[: self.lines.index("")]
        return [re.split(" {2,}", row)[1] for row in rows]

    def line(self, host):
        return next(line for line in self.lines if line.startswith(f"{host} "))


def test_all_hosts_go_live(shop):
    hosts = shop(3)

    told = hosts.run()

    assert told.rc == 0, told.run.output
    assert told.outcomes() == ["deployed"] * 3
    assert told.summary.startswith("3 deployed; ")
    assert "shop 1.0.0 → 2.0.0" in told.line("local1")
    assert hosts.live() == ["2.0.0"] * 3


def test_nothing_to_do_is_said_and_runs_no_hook(shop):
    hosts = shop(2)
    hook = hosts.hook("before_activate", FAIL)

    told = hosts.run(
        extra_vars={"deploy_release": "shop:1.0.0", "deploy_hooks": hook, "failing": hosts.names}
    )

    assert told.rc == 0, told.run.output
    assert told.outcomes() == ["unchanged"] * 2
    assert all(counts["changed"] == 0 for counts in told.run.stats.values())
    assert hosts.read(0, "restarted") is None


def test_check_mode_predicts_and_restarts_nothing(shop):
    hosts = shop(2)

    told = hosts.run(check=True)

    assert told.rc == 0, told.run.output
    assert told.outcomes() == ["would be deployed"] * 2
    assert told.summary == "Check mode: 2 would be deployed."
    assert told.verdict == "Check mode: Verdict: done"
    assert hosts.live() == ["1.0.0"] * 2
    assert hosts.read(0, "restarted") is None
    assert not list((hosts.targets[0].seen / "shop" / "releases").glob("2*"))


@EXHAUSTIVE
def test_every_host_fails(shop):
    hosts = shop(3)

    told = hosts.run(extra_vars={"unstaged": hosts.names})

    assert told.rc != 0
    assert told.outcomes() == ["failed"] * 3
    assert "nobody-here" in told.line("local3")
    assert told.summary == "3 failed."
    assert hosts.live() == ["1.0.0"] * 3


def test_every_host_refuses_the_arguments(shop):
    hosts = shop(2)

    told = hosts.run(extra_vars={"deploy_access": "everybody"})

    assert told.rc != 0
    assert told.outcomes() == ["failed"] * 2
    assert "deploy_access" in told.line("local2")
    assert hosts.live() == ["1.0.0"] * 2


def test_every_host_is_put_back(shop):
    hosts = shop(2)
    hosts.breaks_on(0, 1)

    told = hosts.run()

    assert told.rc != 0
    assert told.outcomes() == ["put back"] * 2
    assert "probe failed" in told.line("local2")
    assert hosts.live() == ["1.0.0"] * 2
    versions = [line[9:14] for line in hosts.read(0, "restarted").splitlines()]
    assert versions == ["2.0.0", "1.0.0"]


def test_every_host_is_unreachable(shop):
    hosts = shop(3, unreachable=["local1", "local2", "local3"])

    told = hosts.run()

    assert told.rc != 0
    assert told.outcomes() == ["unreachable"] * 3
    assert told.summary == "3 unreachable."
    assert told.verdict.startswith("Verdict: refused: local1: ")
    assert told.verdict.endswith(" (and 2 more hosts)")


@pytest.mark.parametrize(
    ("serial", "first_batch"),
    [
        pytest.param(1, 1, marks=EXHAUSTIVE),
        pytest.param(2, 2, marks=EXHAUSTIVE),
        pytest.param("50%", 2, id="half"),
        pytest.param([1, "100%"], 1, id="canary"),
    ],
)
def test_a_host_of_the_first_batch_stops_the_later_ones(shop, serial, first_batch):
    hosts = shop(4)
    hosts.breaks_on(0)

    told = hosts.run(extra_vars={"deploy_serial": serial})

    assert told.rc != 0
    reached = ["put back", "deployed"][:first_batch]
    assert told.outcomes() == reached + ["not reached"] * (4 - first_batch)
    assert (
        hosts.live() == ["1.0.0", "2.0.0", "1.0.0", "1.0.0"] if first_batch == 2 else ["1.0.0"] * 4
    )


def test_the_first_batch_fails_whole(shop):
    hosts = shop(3)

    told = hosts.run(extra_vars={"deploy_serial": 2, "unstaged": hosts.names[:2]})

    assert told.rc != 0
    assert told.outcomes() == ["failed", "failed", "not reached"]


def test_a_host_that_cannot_be_staged_keeps_its_batch_from_switching(shop):
    hosts = shop(3, unreachable=["local2"])

    told = hosts.run(extra_vars={"deploy_serial": 2})

    assert told.rc != 0
    assert told.outcomes() == ["staged", "unreachable", "not reached"]
    assert hosts.live() == ["1.0.0"] * 3

    told = hosts.run(extra_vars={"deploy_serial": 2})

    assert told.outcomes() == ["staged", "unreachable", "not reached"]
    assert told.line("local1").endswith("shop 1.0.0  shop:2.0.0 is held, not live")


@EXHAUSTIVE
def test_later_batches_that_go_well_do_not_hide_the_first(shop):
    hosts = shop(4)
    hosts.breaks_on(0)

    told = hosts.run(extra_vars={"deploy_serial": 2, "deploy_max_fail_percentage": 100})

    assert told.rc != 0
    assert told.outcomes() == ["put back", "deployed", "deployed", "deployed"]
    assert told.summary.startswith("3 deployed, 1 put back; ")


def test_a_host_lost_on_trial_is_reported_and_the_others_are_accepted(shop):
    hosts = shop(3)
    hook = hosts.hook("before_commit", LOSE)

    told = hosts.run(PLAY, extra_vars={"batches": 2, "deploy_hooks": hook, "lost": ["local1"]})

    assert told.rc != 0
    assert told.outcomes() == ["unreachable", "deployed", "not reached"]
    assert "left on trial" in told.line("local1")
    assert hosts.live() == ["2.0.0", "2.0.0", "1.0.0"]

    told = hosts.run()

    assert told.rc == 0, told.run.output
    assert told.outcomes() == ["deployed", "unchanged", "deployed"]


def test_a_host_lost_in_a_hook_stops_the_later_batches(shop):
    """Ansible drops it without rescue and does not count it in max_fail_percentage."""
    hosts = shop(3)
    hook = hosts.hook("after_activate", TOUCH_LOST)

    told = hosts.run(extra_vars={"deploy_serial": 2, "deploy_hooks": hook, "lost": ["local1"]})

    assert told.rc != 0
    assert told.outcomes() == ["unreachable", "deployed", "not reached"]
    assert "left on trial: Touch the host: " in told.line("local1")


def test_hosts_that_limit_leaves_out_make_it_partial(shop):
    hosts = shop(3)

    told = hosts.run(limit="local2")

    assert told.rc == 0, told.run.output
    assert told.line("local1") == "local1  left out by --limit"
    assert told.summary.startswith("1 deployed; 2 left out by --limit: partial; ")
    assert hosts.live() == ["1.0.0", "2.0.0", "1.0.0"]


def test_a_failure_before_the_switch_takes_nothing_back(shop):
    hosts = shop(1)
    hosts.run()
    hook = hosts.hook("before_activate", FAIL)
    third = {"deploy_release": "shop:3.0.0", "deploy_hooks": hook, "failing": ["local1"]}

    told = hosts.run(extra_vars=third)

    assert told.rc != 0
    assert told.outcomes() == ["failed"]
    assert hosts.live() == ["2.0.0"]


@pytest.mark.every_point
def test_a_hook_that_fails_puts_its_host_back(shop):
    hosts = shop(2)
    hook = hosts.hook("before_commit", FAIL)

    told = hosts.run(extra_vars={"deploy_hooks": hook, "failing": ["local2"]})

    assert told.rc != 0
    assert told.outcomes() == ["deployed", "put back"]
    assert "Run the migration: " in told.line("local2")
    assert hosts.live() == ["2.0.0", "1.0.0"]


def test_a_failure_that_is_reported_stays_in_the_play_and_in_the_closing_report(shop):
    """``local1`` is well; the others fail staging, in the probe, and in a hook after the commit."""
    hosts = shop(4)
    hosts.breaks_on(2)
    hook = hosts.hook("after_commit", FAIL)

    told = hosts.run(
        REPORTING,
        extra_vars={"unstaged": ["local2"], "deploy_hooks": hook, "failing": ["local4"]},
    )

    assert told.rc == 0, told.run.output
    decided = {name: told.run.result("Decide", host=name)["msg"] for name in hosts.names}
    assert decided["local1"] == [False, "", ""]
    assert [decided[name][0] for name in hosts.names[1:]] == [True] * 3
    assert "nobody-here" in decided["local2"][2]
    assert decided["local3"][1] == "rolled_back"
    assert "probe failed" in decided["local3"][2]
    assert "non-zero return code" in decided["local4"][2]
    assert told.outcomes() == ["deployed", "failed", "put back", "failed"]
    assert "Run the migration: " in told.line("local4")
    assert "on_failure: report hides this" in told.lines[-1] + told.lines[-2]
    assert hosts.live() == ["2.0.0", "1.0.0", "1.0.0", "2.0.0"]


def test_a_way_back_that_fails_too_is_told(shop):
    hosts = shop(2)
    hook = hosts.hook("before_commit", BREAK)

    told = hosts.run(extra_vars={"deploy_hooks": hook, "failing": ["local2"]})

    assert told.rc != 0
    assert told.outcomes() == ["deployed", "failed"]
    assert "left on trial: Break the root: " in told.line("local2")
    assert "; then: " in told.line("local2")


def test_a_handler_that_fails_puts_its_host_back_and_runs_again(shop):
    hosts = shop(2)

    told = hosts.run(PLAY, extra_vars={"clumsy": ["local1"]})

    assert told.rc != 0
    assert told.outcomes() == ["put back", "deployed"]
    versions = [line[9:14] for line in hosts.read(0, "handled").splitlines()]
    assert versions == ["2.0.0", "1.0.0"]
    assert "; then: " not in told.line("local1")


@EXHAUSTIVE
def test_a_handler_that_fails_after_putting_back_too_is_told(shop):
    hosts = shop(1)

    told = hosts.run(PLAY, extra_vars={"clumsy": ["local1"], "cure": "nothing"})

    assert told.rc != 0
    assert told.outcomes() == ["put back"]
    assert "; then: Restart by handler: " in told.line("local1")
    assert hosts.live() == ["1.0.0"]


@EXHAUSTIVE
def test_the_handlers_run_again_when_the_probe_fails(shop):
    hosts = shop(1)
    hosts.breaks_on(0)

    told = hosts.run(PLAY)

    assert told.rc != 0
    versions = [line[9:14] for line in hosts.read(0, "handled").splitlines()]
    assert versions == ["2.0.0", "1.0.0"]


def test_a_play_that_ignores_errors_still_puts_back_and_fails(shop):
    hosts = shop(2)
    hosts.breaks_on(0)

    told = hosts.run(PLAY, extra_vars={"forgiving": True})

    assert told.rc != 0
    assert told.outcomes() == ["put back", "deployed"]


RESCUED = """
- hosts: all
  gather_facts: false
  serial: 1
  tasks:
    - block:
        - ansible.builtin.include_role: {name: itops.release.deploy}
      rescue:
        - ansible.builtin.include_tasks: "{{ consolation }}"
"""


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param("probe", marks=EXHAUSTIVE),
        pytest.param("stage", marks=EXHAUSTIVE),
        "way back",
    ],
)
def test_serial_with_a_rescue_does_not_end_well_with_a_split_fleet(shop, broken):
    hosts = shop(2)
    variables = {
        "consolation": hosts.hook("consolation", "- ansible.builtin.ping:\n")["consolation"]
    }
    if broken == "probe":
        hosts.breaks_on(1)
    elif broken == "stage":
        variables["unstaged"] = ["local2"]
    else:
        variables.update(deploy_hooks=hosts.hook("before_commit", BREAK), failing=["local2"])

    told = hosts.run(RESCUED, extra_vars=variables)

    assert told.rc != 0
    assert told.outcomes() == ["deployed", "put back" if broken == "probe" else "failed"]


def test_a_rescue_that_deploys_again_ends_well(shop):
    hosts = shop(1)
    hosts.breaks_on(0)
    again = """
- ansible.builtin.file: {path: "{{ srv }}/broken", state: absent}
- ansible.builtin.include_role: {name: itops.release.deploy}
"""

    told = hosts.run(RESCUED, extra_vars=hosts.hook("consolation", again))

    assert told.rc == 0, told.run.output
    assert told.outcomes() == ["deployed"]
    assert hosts.live() == ["2.0.0"]


def test_hosts_of_a_play_that_never_started_are_named(shop):
    hosts = shop(2)
    site = """
- hosts: local1
  gather_facts: false
  roles: [itops.release.deploy]
- hosts: "{{ second }}"
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: itops.release.deploy}
"""

    told = hosts.run(site, extra_vars={"unstaged": ["local1"], "second": "local2"})

    assert told.rc != 0
    assert told.outcomes() == ["failed", "not reached"]


def test_hooks_handlers_and_restart_run_in_order(shop):
    hosts = shop(1)
    moments = (
        "before_stage after_stage before_activate after_activate before_commit after_commit".split()
    )
    hooks = {}
    for moment in moments:
        task = f"- ansible.builtin.shell: echo {moment} >>{{{{ srv }}}}/handled\n"
        hooks |= hosts.hook(moment, task)
    restart = ["sh", "-c", "echo restart >>{{ srv }}/handled"]

    told = hosts.run(PLAY, extra_vars={"deploy_hooks": hooks, "deploy_restart": restart})

    assert told.rc == 0, told.run.output
    said = ["handler" if "releases/" in line else line for line in hosts.read(0, "handled").split()]
    assert said == [
        "before_stage",
        "after_stage",
        "before_activate",
        "restart",
        "after_activate",
        "handler",
        "before_commit",
        "after_commit",
    ]


def test_the_texts_of_a_survey_are_understood(shop):
    hosts = shop(1)
    survey = {
        "deploy_hosts": "",
        "deploy_commit": "no",
        "deploy_keep": "3",
        "deploy_lock_timeout": "",
        "deploy_restart_timeout": "",
        "deploy_group": "",
        "deploy_access": "",
        "deploy_serial": "",
        "deploy_max_fail_percentage": "",
    }

    told = hosts.run(extra_vars=survey)

    assert told.rc == 0, told.run.output
    assert told.outcomes() == ["on trial"]
    assert hosts.live() == ["2.0.0"]


@pytest.mark.every_point
def test_rolling_back_goes_one_further_each_time(shop):
    hosts = shop(1)
    for version in ("2.0.0", "3.0.0"):
        hosts.run(extra_vars={"deploy_release": f"shop:{version}"})

    first = hosts.run(ROLLBACK, extra_vars={"rollback_media_library": ""})
    second = hosts.run(ROLLBACK)

    assert (first.rc, second.rc) == (0, 0), first.run.output + second.run.output
    assert "rolled back  shop 3.0.0 → 2.0.0" in first.line("local1")
    assert "rolled back  shop 2.0.0 → 1.0.0" in second.line("local1")
    assert hosts.live() == ["1.0.0"]


@EXHAUSTIVE
def test_a_rollback_that_does_not_work_stays_and_fails(shop):
    hosts = shop(2)
    hosts.run()
    hosts.breaks_on(1)

    told = hosts.run(ROLLBACK)

    assert told.rc != 0
    assert told.outcomes() == ["rolled back", "put back"]
    assert hosts.live() == ["1.0.0", "2.0.0"]


@pytest.mark.every_point
def test_verify_names_what_drifted(shop):
    hosts = shop(3)
    (hosts.targets[1].seen / "shop/current/version").write_text("tampered\n")
    shutil.rmtree(hosts.targets[2].seen / "shop")

    told = hosts.run(VERIFY, extra_vars={"verify_release": ""})

    assert told.rc != 0
    assert told.outcomes() == ["verified", "drifted", "drifted"]
    assert [told.run.stats[name]["failures"] for name in hosts.names] == [0, 1, 1]
    assert "version modified" in told.line("local2")
    assert "nothing is deployed" in told.line("local3")
    assert "What is live has drifted in 1 path: version modified" in told.run.output


GUARDED = """
- hosts: all
  gather_facts: false
  ignore_errors: "{{ forgiving }}"
  ignore_unreachable: "{{ forgiving }}"
  tasks:
    - block:
        - ansible.builtin.include_role: {name: "{{ role }}"}
      rescue:
        - ansible.builtin.include_tasks: "{{ consolation }}"
"""


@pytest.mark.parametrize(
    "forgiving",
    [pytest.param(True, id="ignored", marks=EXHAUSTIVE), pytest.param(False, id="rescued")],
)
def test_drift_that_is_ignored_or_rescued_fails_the_run(shop, forgiving):
    hosts = shop(2)
    (hosts.targets[1].seen / "shop/current/version").write_text("tampered\n")
    variables = {"forgiving": forgiving, "role": VERIFY, "verify_release": ""}

    told = hosts.run(
        GUARDED, extra_vars=variables | hosts.hook("consolation", "- ansible.builtin.ping:\n")
    )

    assert told.rc != 0
    assert told.outcomes() == ["verified", "drifted"]
    assert "version modified" in told.line("local2")


@pytest.mark.parametrize("role", [pytest.param(VERIFY, marks=EXHAUSTIVE), UNINSTALL])
def test_a_lost_host_that_is_ignored_fails_the_run(shop, role):
    hosts = shop(2, unreachable=["local2"])
    variables = {"forgiving": True, "role": role, "verify_release": ""}

    told = hosts.run(GUARDED, extra_vars=variables)

    assert told.rc != 0
    assert told.outcomes() == ["verified" if role == VERIFY else "removed", "unreachable"]


@EXHAUSTIVE
def test_a_rescue_that_verifies_again_ends_well(shop):
    hosts = shop(1)
    (hosts.targets[0].seen / "shop/current/version").write_text("tampered\n")
    again = """
- ansible.builtin.copy: {dest: "{{ deploy_root }}/current/version", content: "1.0.0\\n"}
- ansible.builtin.include_role: {name: itops.release.verify}
"""
    variables = {"forgiving": False, "role": VERIFY, "verify_release": ""}

    told = hosts.run(GUARDED, extra_vars=variables | hosts.hook("consolation", again))

    assert told.rc == 0, told.run.output
    assert told.outcomes() == ["verified"]


@pytest.mark.parametrize(
    "forgiving",
    [pytest.param(True, id="ignored", marks=EXHAUSTIVE), pytest.param(False, id="rescued")],
)
def test_a_removal_that_is_ignored_or_rescued_fails_the_run(shop, forgiving):
    hosts = shop(2)
    hook = hosts.hook("before_remove", FAIL)
    variables = {
        "forgiving": forgiving,
        "role": UNINSTALL,
        "uninstall_hooks": hook,
        "failing": ["local2"],
    }

    told = hosts.run(
        GUARDED, extra_vars=variables | hosts.hook("consolation", "- ansible.builtin.ping:\n")
    )

    assert told.rc != 0
    assert told.outcomes() == ["removed", "failed"]
    assert hosts.read(1, "shop/current/version") == "1.0.0"


def test_verify_names_a_release_that_is_on_trial(shop):
    hosts = shop(1)
    hosts.run(extra_vars={"deploy_commit": "no"})

    told = hosts.run(VERIFY)

    assert told.rc != 0
    assert told.outcomes() == ["drifted"]
    assert told.line("local1").endswith("is on trial, not accepted")
    assert "shop:2.0.0 is on trial, not accepted" in told.run.output


def test_a_restart_that_takes_too_long_puts_its_host_back(shop):
    hosts = shop(1)
    restart = ["sh", "-c", "grep -q 1.0.0 {{ deploy_root }}/current/version || sleep 60"]

    told = hosts.run(extra_vars={"deploy_restart": restart, "deploy_restart_timeout": "1"})

    assert told.rc != 0
    assert told.outcomes() == ["put back"]
    assert "restart failed: sh took too long" in told.line("local1")
    assert hosts.live() == ["1.0.0"]


@pytest.mark.every_point
def test_uninstall_removes_all_but_what_is_shared(shop):
    hosts = shop(1)
    shared = hosts.targets[0].seen / "shop" / "shared"
    shared.mkdir(exist_ok=True)
    (shared / "orders").touch()
    hook = hosts.hook(
        "before_remove", "- ansible.builtin.file: {path: '{{ srv }}/stopped', state: touch}\n"
    )

    told = hosts.run(UNINSTALL, extra_vars={"uninstall_hooks": hook})

    assert told.rc == 0, told.run.output
    assert "removed  shop 1.0.0 → none" in told.line("local1")
    assert [path.name for path in (hosts.targets[0].seen / "shop").iterdir()] == ["shared"]
    assert hosts.read(0, "stopped") is not None

    (hosts.targets[0].seen / "stopped").unlink()
    told = hosts.run(UNINSTALL, extra_vars={"uninstall_hooks": hook})

    assert told.rc == 0, told.run.output
    assert told.outcomes() == ["unchanged"]
    assert hosts.read(0, "stopped") is None


def test_a_hook_that_is_not_there_is_refused_before_anything_is_switched(shop, tmp_path):
    hosts = shop(2)
    hook = {"after_activate": str(tmp_path / "nope.yml")}

    told = hosts.run(extra_vars={"deploy_hooks": hook})

    assert told.rc == 2, told.run.output
    assert hosts.live() == ["1.0.0", "1.0.0"]
    assert "nope.yml is not a file on the controller" in told.run.stdout
    assert [len(list((t.seen / "shop/releases").iterdir())) for t in hosts.targets] == [1, 1]


def test_a_killed_run_leaves_its_record(shop, controller, tmp_path):
    hosts = shop(2)
    record = tmp_path / "record.jsonl"
    hook = hosts.hook("after_activate", "- ansible.builtin.pause: {seconds: 20}\n")
    running = controller.start(
        DEPLOY,
        hosts.inventory,
        extra_vars={"deploy_hooks": hook, "deploy_serial": 1},
        env={"ITOPS_RELEASE_RECORD": str(record)},
    )
    try:
        wait_until(lambda: '"on trial"' in (record.read_text() if record.exists() else ""))
    finally:
        running.kill()
        end_workers_of(hosts.inventory)

    events = [json.loads(line) for line in record.read_text().splitlines()]
    assert {event["format"] for event in events} == {1}
    staged_and_activated = ["begin", "deployment"] * 2
    assert [event["event"] for event in events] == ["run", "plan", *staged_and_activated]
    assert events[1]["hosts"] == ["local1", "local2"]
    assert events[-1]["after"]["phase"] == "on trial"


def end_workers_of(inventory):
    """End the workers that outlive a killed run: each has a session of its own."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(inventory).encode() in (entry / "cmdline").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@EXHAUSTIVE
def test_a_line_that_was_cut_off_does_not_spoil_the_record_of_the_next_run(shop, tmp_path):
    record = tmp_path / "record.jsonl"
    record.write_text('{"format": 1, "event": "beg')

    told = shop(1).run(env={"ITOPS_RELEASE_RECORD": str(record)})

    assert told.rc == 0, told.run.output
    torn, *lines = record.read_text().splitlines()
    assert torn.endswith('"beg')
    events = [json.loads(line)["event"] for line in lines]
    assert (events[0], events[-1]) == ("run", "end")


def test_a_record_that_cannot_be_written_costs_a_warning(shop, tmp_path):
    hosts = shop(1)

    told = hosts.run(env={"ITOPS_RELEASE_RECORD": str(tmp_path / "missing" / "record")})

    assert told.rc == 0, told.run.output
    assert told.outcomes() == ["deployed"]
    assert "no record of itops.release" in told.run.output


def test_a_run_that_handles_no_release_has_no_report(shop):
    told = shop(1).run(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.ping:\n"
    )

    assert told.rc == 0, told.run.output
    assert told.lines == []
