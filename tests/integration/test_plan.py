# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of real playbooks by a plan: proposed, agreed, gated, deployed and closed."""

from __future__ import annotations

import getpass
import os
import subprocess

import pytest
import yaml

from ansible_collections.itops.release.plugins.plugin_utils.gates._redirection import (
    NAMED_IN_INVENTORY,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.tests.fakes.evidence_packs import VERIFIER
from ansible_collections.itops.release.tests.fakes.plans import POLICY, changed
from ansible_collections.itops.release.tests.integration.ansible_run import Controller
from ansible_collections.itops.release.tests.integration.applications import (
    failures,
    is_one_line,
    live_version,
    seal_all,
    snapshot,
    write_application,
)

pytestmark = pytest.mark.slow
CALENDAR = """
format: 1
timezone: UTC
windows:
  always: {days: [mon, tue, wed, thu, fri, sat, sun], from: "00:00", to: "24:00"}
"""
FROZEN = """freezes:
  - {name: For ever, from: "2020-01-01", to: "2999-12-31"}
"""
PLAN = {
    "format": 1,
    "plan": "shop-2",
    "author": "ada",
    "release": "shop:2.0.0",
    "why": "Checkout in two steps",
    "change": "normal",
    "path": [
        {"environment": "staging", "hosts": "staging"},
        {
            "environment": "production",
            "hosts": "production",
            "window": "always",
            "acknowledge": ["support desk"],
            "waves": [1, "100%"],
        },
    ],
}


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with shop 1.0.0 to 3.0.0."""
    directory = tmp_path_factory.mktemp("sealed")
    made = [
        write_application(directory / f"{n}", {"version": f"{n}.0.0"}, f"{n}.0.0", n)
        for n in (1, 2, 3)
    ]
    seal_all(Controller(directory / "controller", _sockets), directory / "media", made)
    return directory / "media"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Return the paths of private keys of ada, ben and cleo."""
    folder = tmp_path_factory.mktemp("keys")
    for name in POLICY["people"]:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    return {name: str(folder / name) for name in POLICY["people"]}


class Office:
    """Three hosts in two environments, a policy, and people with keys."""

    def __init__(self, hosts, inventory, run, library, keys, folder):
        self.hosts, self.keys, self.folder = hosts, keys, folder
        self._run = run
        self.place = str(folder / "ledger.db")
        names = [host.name for host in hosts]
        self.settings = {
            "deploy_root": "{{ srv }}/shop",
            "deploy_media_library": str(library),
            "deploy_probe": {"command": ["test", "!", "-e", "{{ srv }}/sick"], "retries": 0},
        }
        self.groups = {"staging": names[:1], "production": names[1:]}
        self.planning = {
            "release_ledger": self.place,
            "release_policy": str(folder / "policy.yml"),
            "release_calendar": str(folder / "calendar.yml"),
            "release_approvals": str(folder / "approvals"),
        }
        self._inventory = inventory
        self.inventory = inventory(hosts, self.groups, **self.settings, **self.planning)
        self.without = inventory(hosts, self.groups, **self.settings)
        self.rules = POLICY
        for name, path in keys.items():
            with open(f"{path}.pub", encoding="utf-8") as stream:
                self.rules = changed(self.rules, "people", name, keys=[stream.read().strip()])
        self.write(policy=self.rules, calendar=CALENDAR, plan=PLAN)

    def write(self, **files):
        """Write files by their name without .yml."""
        for name, content in files.items():
            text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
            (self.folder / f"{name}.yml").write_text(text)

    def run(self, playbook, *, inventory=None, check=False, limit=None, plan="plan", **variables):
        if plan:
            variables = {"release_plan": str(self.folder / f"{plan}.yml"), **variables}
        return self._run(
            f"itops.release.{playbook}",
            inventory or self.inventory,
            check=check,
            limit=limit,
            extra_vars=variables,
            env={"HOME": str(self.folder)},
        )

    def propose(self, person="ada", **options):
        return self.done("plan", release_key=self.keys[person], **options)

    def done(self, *arguments, **options):
        run = self.run(*arguments, **options)
        assert run.rc == 0, run.output
        return run

    def refused(self, *arguments, **options):
        """Run what must be refused without a call that changes a host; return the line."""
        before = [snapshot(host.seen) for host in self.hosts]
        run = self.run(*arguments, **options)
        assert run.rc == 2, run.output
        assert [snapshot(host.seen) for host in self.hosts] == before
        line = next(iter(failures(run).values()))
        assert is_one_line(line)
        return line

    def deploy(self, environment, **variables):
        return self.run("deploy", release_env=environment, **variables)

    def agree(self):
        """Propose the plan, approve it for production by both, and acknowledge it."""
        self.propose()
        for person in ("ben", "cleo"):
            self.done("approve", release_env="production", release_key=self.keys[person])
        self.done("register", release_kind="acknowledgement", release_by="support desk")

    def live(self):
        """Return the version that is live on each host, None for nothing."""
        there = [(host.seen / "shop/current").is_symlink() for host in self.hosts]
        return [
            live_version(host) if live else None
            for host, live in zip(self.hosts, there, strict=True)
        ]

    def events(self, kind):
        ledger = Ledger(self.place)
        return [event.body for event in ledger.events(kind=kind)]


@pytest.fixture
def office(local_hosts, inventory, run_playbook, library, keys, tmp_path):
    return Office(local_hosts(3), inventory, run_playbook, library, keys, tmp_path)


def test_a_release_goes_by_its_plan_from_proposal_to_closing(office):
    assert (
        "closed: approvals" in office.run("plan", check=True, release_key=office.keys["ada"]).stdout
    )
    assert not os.path.exists(office.place)
    proposed = office.propose().result("Propose the plan")
    assert proposed["revision"] == 1
    assert office.propose().result("Propose the plan")["changed"] is False
    line = office.refused("deploy", release_env="production")
    assert "operations 0 of 1, product 0 of 1 (needs operations: ben; product: cleo)" in line
    assert "promotion: not committed in staging" in line
    assert "acknowledgements: 0 of 1 (needs support desk)" in line

    statement = str(office.folder / "approvals/shop-2/production-operations.ben.json")
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "approval@itops.release"]
    subprocess.run([*command, "-f", office.keys["ben"], statement], check=True)
    office.done("approve", release_env="production", release_key=office.keys["cleo"])
    office.done("register", release_kind="acknowledgement", release_by="support desk")
    assert office.deploy("staging").rc == 0
    assert office.live() == ["2.0.0", None, None]
    prognosis = office.run(
        "deploy", check=True, release_env="production", release_at="2999-01-01T00:00Z"
    )
    assert "approvals: operations 0 of 1" in prognosis.stdout  # expired by then
    assert office.run("deploy", check=True, release_env="production").rc == 0
    run = office.deploy("production")
    assert run.rc == 0, run.output
    assert office.live() == ["2.0.0"] * 3
    assert run.stdout.count("gates open") == 1
    assert len(run.find("Check the gates")) == 3  # before staging, and before each wave
    status = office.done("status", plan=None)
    assert "shop-2  to be closed: it is in all its environments" in status.stdout
    office.done("close", release_key=office.keys["ada"])
    assert office.events("plan_ended")[-1]["how"] == "closed"
    began = office.events("run_began")
    assert {body["plan"]["name"] for body in began} == {"shop-2"}
    assert "closed" in office.refused("deploy", release_env="production")


def test_production_goes_by_a_plan_only_and_hosts_know_it(office):
    office.done("deploy", plan=None, limit="staging", deploy_release="shop:1.0.0")
    refused = office.refused("deploy", plan=None, deploy_release="shop:1.0.0")
    assert refused.startswith("production requires a plan")
    office.agree()
    office.done("deploy", release_env="staging")
    office.done("deploy", release_env="production")

    stranger = {"inventory": office.without, "plan": None, "limit": "production"}
    line = office.refused("deploy", deploy_release="shop:3.0.0", **stranger)
    assert "is governed by ledger" in line
    line = office.refused("rollback", rollback_release="shop:3.0.0", **stranger)
    assert "is governed by ledger" in line
    line = office.refused("rollback", rollback_release="shop:3.0.0", plan=None, limit="production")
    assert "was not committed here before" in line
    office.write(plan=changed(PLAN, plan="shop-3", release="shop:3.0.0"))
    office.agree()
    office.done("deploy", release_env="staging")
    office.done("deploy", release_env="production")
    assert office.live() == ["3.0.0"] * 3
    office.done("rollback", **stranger)  # a way back needs nothing
    assert office.live()[1:] == ["2.0.0"] * 2


def test_without_an_input_the_gate_is_closed_before_any_call(office):
    office.agree()
    office.done("deploy", release_env="staging")
    trust = office.folder / "trust.yml"
    for name, expected in (
        ("policy.yml", "release_policy: "),
        ("calendar.yml", "closed: window: "),
        ("plan.yml", "release_plan: "),
        ("ledger.db", "release_ledger: there is no ledger at"),
    ):
        (office.folder / name).rename(office.folder / "away")
        assert expected in office.refused("deploy", release_env="production")
        (office.folder / "away").rename(office.folder / name)
    other = office.planning | office.settings
    for more, expected in (
        ({"deploy_media_library": str(office.folder / "nowhere")}, "does not exist"),
        ({"deploy_trust": str(trust)}, "closed: signatures: "),
        ({"release_ledger": ""}, "release_ledger is required"),
    ):
        changed_ = office._inventory(office.hosts, office.groups, **{**other, **more})
        assert expected in office.refused("deploy", inventory=changed_, release_env="production")
    office.write(policy="people: [")
    assert "policy.yml:1: not YAML" in office.refused("deploy", release_env="production")


def test_extra_variables_cannot_redirect_what_a_plan_rests_on(office):
    office.propose()
    for name in NAMED_IN_INVENTORY:
        line = office.refused("deploy", release_env="staging", **{name: str(office.folder)})
        assert line.startswith(f"{name}: not by --extra-vars")


def test_a_policy_is_not_taken_away_by_an_extra_variable(office):
    line = office.refused("deploy", plan=None, deploy_release="shop:1.0.0", release_policy="")

    assert line.startswith("release_policy: not by --extra-vars")


@pytest.mark.every_point
def test_what_was_not_agreed_closes_the_gate(office):
    office.propose()
    for name, value in {
        "deploy_restart": ["touch", "{{ srv }}/mine"],
        "deploy_probe": {"command": ["true"]},
        "deploy_root": "{{ srv }}/elsewhere",
        "deploy_keep": 1,
        "deploy_hooks": {"before_stage": "/nowhere/hook.yml"},
        "deploy_serial": "100%",
    }.items():
        other = office._inventory(
            office.hosts, office.groups, **{**office.settings, **office.planning, name: value}
        )
        line = office.refused("deploy", inventory=other, release_env="staging")
        assert "closed: plan: not as proposed in revision 1" in line
        assert name in line or "before_stage" in line
        assert name in office.refused("deploy", release_env="staging", **{name: value})
        assert name in office.refused("plan", **{name: value})


@pytest.mark.every_point
def test_hosts_of_another_environment_are_refused(office):
    path = [{"environment": "staging", "hosts": "production"}]
    office.write(plan=changed(PLAN, path=path))
    line = office.refused("plan", release_key=office.keys["ada"])

    assert line.startswith(f"{office.groups['production'][0]} is in production, and the plan says")


def test_a_gate_that_was_passed_over_refuses(office):
    plain = {"plan": None, "deploy_release": "shop:1.0.0"}
    for start in ("Record the intent of the run", "Stage the release"):
        run = office._run(
            "itops.release.deploy",
            office.inventory,
            extra_vars={"deploy_release": "shop:1.0.0"},
            args=("--start-at-task", start),
        )
        assert run.rc == 2
        assert office.live() == [None] * 3
    for name, value in {
        "__release_reference": "shop:1.0.0",
        "__release_gated": {"governed": {"ledger": "1" * 32, "plan_required": True}},
        "inventory_dir": "/tmp",
    }.items():
        assert office.refused("deploy", **plain, **{name: value}).startswith(f"{name}: not by")


@pytest.mark.every_point
def test_what_the_inventory_names_does_not_depend_on_extra_variables(office):
    planning = {**office.planning, "release_policy": "{{ site }}/policy.yml", "site": "/nowhere"}
    office.inventory = office._inventory(office.hosts, office.groups, **office.settings, **planning)
    line = office.refused("deploy", plan=None, deploy_release="shop:1.0.0", site=str(office.folder))

    assert line.startswith("site: not by --extra-vars: release_policy depends on it")


@pytest.mark.every_point
def test_a_policy_cannot_be_left_out_to_close_a_blocker_or_to_uninstall(office):
    office.propose()
    ada = {"release_key": office.keys["ada"]}
    issue = {"plan": None, "release_kind": "issue"}
    office.done("register", release_title="x", release_blocker="yes", **issue)
    closing = {"release_id": "I-1", "release_state": "closed", "release_corrective_action": "x"}
    line = office.refused("register", release_policy="", **closing, **issue)
    assert line.startswith("release_policy: not by --extra-vars")
    office.done("deploy", plan=None, deploy_release="shop:1.0.0", limit="staging")
    office.write(policy=changed(office.rules, "environments", "production", plan_required=None))
    office.done("deploy", plan=None, deploy_release="shop:1.0.0", limit="production")
    office.write(policy=office.rules)
    away = {"plan": None, "limit": "production"}
    assert "to uninstall from production needs a person" in office.refused("uninstall", **away)
    assert "release_ledger: not by" in office.refused("uninstall", release_ledger="", **ada, **away)
    office.done("uninstall", **ada, **away)
    office.done("uninstall", plan=None, limit="staging")


def test_a_rollback_brings_nothing_new_where_there_is_a_policy(office):
    run = office.run("rollback", plan=None, rollback_release="shop:3.0.0")

    assert run.rc == 2
    assert "the release was not committed here before" in next(iter(failures(run).values()))
    assert office.live() == [None] * 3


@pytest.mark.every_point
def test_a_release_that_is_not_that_of_the_plan_is_refused(office):
    office.propose()

    line = office.refused("deploy", release_env="staging", deploy_release="shop:3.0.0")
    assert line.startswith("deploy_release is shop:3.0.0, and the plan deploys shop:2.0.0")


def test_a_freeze_is_overridden_by_who_may_once(office):
    office.write(calendar=CALENDAR + FROZEN)
    office.write(policy=changed(office.rules, "override", freeze=["release_manager"]))
    office.agree()
    assert "closed: freeze: For ever" in office.refused("deploy", release_env="staging")
    why = {"release_override": "freeze", "release_reason": "Must be"}
    assert "freeze needs the key of ada" in office.refused("deploy", release_env="staging", **why)
    ben = {"release_key": office.keys["ben"]}
    assert "ben may not override freeze" in office.refused(
        "deploy", release_env="staging", **why, **ben
    )
    ada = {"release_key": office.keys["ada"]}
    for gate in ("signatures", "plan", "lease"):
        assert f"{gate} can never be overridden" in office.refused(
            "deploy", release_env="staging", **{**why, "release_override": gate}, **ada
        )
    office.done("deploy", release_env="staging", **why, **ada)
    assert office.live()[0] == "2.0.0"
    assert "closed: freeze" in office.refused("deploy", release_env="staging")
    passed = [
        (answer["gate"], answer["override"])
        for body in office.events("gates_answered")
        for answer in body["answers"]
        if answer.get("override")
    ]
    assert set(passed) == {("freeze", "ada")}


def test_an_emergency_goes_now_and_is_ratified_later(office):
    office.write(calendar=CALENDAR + FROZEN)
    path = [{"environment": "production", "hosts": "production"}]
    office.write(plan=changed(PLAN, plan="shop-2.0.1", change="emergency", path=path))
    office.propose("cleo")  # who may not declare it
    assert "the emergency is not declared" in office.refused("deploy")
    office.propose()
    run = office.run("deploy")
    assert run.rc == 0, run.output
    assert office.live() == [None, "2.0.0", "2.0.0"]
    ada = {"release_key": office.keys["ada"]}
    assert "not ratified" in office.refused("close", **ada)
    assert "needs a person of policy.yml" in office.refused("close")
    late = changed(office.rules["emergency"], within="1s")
    office.write(policy={**office.rules, "emergency": late})
    assert "shop-2.0.1  emergency not ratified in production in time (needs ben)" in (
        office.done("status", plan=None).stdout
    )
    assert "not ratified within 1 s" in office.refused("deploy")
    ((issue,),) = [[body["id"] for body in office.events("register_changed")]]
    assert issue == "E-shop-2.0.1-1"
    office.done("approve", release_key=office.keys["ben"])
    office.done("close", release_key=office.keys["ada"])


@pytest.mark.every_point
def test_a_rejection_and_a_withdrawal_close_the_gate(office):
    office.agree()
    office.done("deploy", release_env="staging")
    ben = {"release_env": "production", "release_key": office.keys["ben"]}
    assert "reason (release_reason) is required" in office.refused(
        "approve", release_decision="reject", **ben
    )
    office.done("approve", release_decision="withdraw", release_reason="Wait", **ben)
    assert "operations 0 of 1" in office.refused("deploy", release_env="production")
    assert "a new approval needs a new revision" in office.refused("approve", **ben)
    assert office.propose().result("Propose the plan")["revision"] == 2  # of the same plan
    office.write(plan=changed(PLAN, why="Changed"))
    office.agree()
    office.done("approve", release_decision="reject", release_reason="No", **ben)
    assert "rejected by ben: No" in office.refused("deploy", release_env="production")
    assert "withdraw that first" in office.refused("approve", **ben)
    office.done("approve", release_decision="withdraw", **ben)
    office.done("deploy", release_env="production")


@pytest.mark.every_point
def test_a_weak_approval_says_what_to_sign(office):
    office.write(policy=changed(office.rules, "people", "ben", os_user=getpass.getuser()))
    office.propose()
    line = office.refused("approve", release_env="production", release_role="operations")

    assert "production needs signed, and ben is claimed here" in line
    assert line.endswith("approvals/shop-2/production-operations.ben.json")


@pytest.mark.every_point
def test_a_claimed_approval_counts_where_the_policy_allows_it(office):
    rules = changed(office.rules, "people", "ben", os_user=getpass.getuser())
    rules = changed(
        rules, "environments", "production", strength="claimed", approvals={"operations": 1}
    )
    office.write(policy=rules)
    office.propose()
    decided = office.done("approve").result("Record the decision")  # one environment needs it

    assert (decided["person"], decided["strength"]) == ("ben", "claimed")
    assert office.done("approve").result("Record the decision")["changed"] is False


def test_a_limit_does_not_go_around_the_gates(office):
    first = office.groups["production"][0]
    office.propose(limit=first)
    assert "closed: approvals" in office.refused("deploy", limit=first, release_env="production")
    office.agree()
    office.done("deploy", release_env="staging")
    run = office.run("deploy", limit=first, release_env="production")
    assert "Verdict: held: left out by --limit" in run.output
    assert office.live() == ["2.0.0", "2.0.0", None]


def test_a_gate_that_closes_between_waves_holds_the_run(office):
    gate = office.folder / "gate"
    gate.write_text("#!/bin/sh\ntest ! -e " + str(office.hosts[1].seen / "shop/current") + "\n")
    gate.chmod(0o755)
    office.write(policy={**office.rules, "gates": {"empty": {"command": [str(gate)]}}})
    office.agree()
    office.done("deploy", release_env="staging")
    run = office.deploy("production")

    assert run.rc == 2
    assert "closed: empty" in run.output
    assert run.stdout.strip().splitlines()[-1].startswith("Verdict: held: shop-2 → production")
    assert office.live() == ["2.0.0", "2.0.0", None]
    last = Ledger(office.place).rows("runs", newest=1)[0]
    assert (last["verdict"], bool(last["ended"])) == ("held", True)
    gate.write_text("#!/bin/sh\ntrue\n")
    office.done("deploy", release_env="production")
    assert office.live() == ["2.0.0"] * 3


@pytest.mark.every_point
def test_a_reason_is_recorded_whole_as_people_write_it(office):
    office.propose()
    line = "release_reason=Read it and = it"
    text = office._run(
        "itops.release.approve",
        office.inventory,
        extra_vars={"release_plan": str(office.folder / "plan.yml"), "release_env": "production"},
        args=("-e", line, "-e", f"release_key={office.keys['ben']}"),
        env={"HOME": str(office.folder)},
    )
    assert text.rc == 0, text.output
    (body,) = office.events("statement_recorded")
    assert '"reason":"Read it and = it"' in body["statement"]


@pytest.mark.every_point
def test_blockers_are_opened_and_closed(office):
    office.propose()
    issue = {"plan": None, "release_kind": "issue"}
    opened = office.done("register", release_title="Payments fail", release_blocker="yes", **issue)
    assert opened.result("Record the entry")["id"] == "I-1"
    assert "blockers: open: I-1 (Payments fail)" in office.refused("deploy", release_env="staging")
    assert "I-1  Payments fail" in office.done("status", plan=None).stdout
    closing = {**issue, "release_id": "I-1", "release_state": "closed"}
    mended = {**closing, "release_corrective_action": "Tested"}
    assert "needs a person of policy.yml" in office.refused("register", **mended)
    ada = {"release_key": office.keys["ada"]}
    line = office.refused("register", **closing, **ada)
    assert "corrective_action (release_corrective_action)" in line
    office.done("register", **mended, **ada)
    office.done("deploy", release_env="staging")


@pytest.mark.every_point
def test_text_of_people_is_no_template_and_no_markup(office):
    nasty = "{{ lookup('pipe', 'touch " + str(office.folder / "hacked") + "') }}"
    office.write(plan=changed(PLAN, why=f"{nasty} <script>alert(1)</script> \x1b[31m"))
    run = office.propose(release_pages=str(office.folder / "pages"))
    office.done("deploy", release_env="staging")
    page = (office.folder / "pages/plans/shop-2.html").read_text()

    assert not (office.folder / "hacked").exists()
    assert "<script" not in page
    assert "lookup" in page
    assert "\x1b[31m" not in run.stdout


def test_a_closed_plan_leaves_evidence_that_anybody_can_verify(office):
    office.agree()
    for environment in ("staging", "production"):
        office.done("deploy", release_env=environment)
    ada = {"release_key": office.keys["ada"]}
    folder = office.folder / "evidence"
    dry = office.done("evidence", check=True, release_dest=f"{folder}/", **ada)
    assert dry.result("Write the evidence pack")["changed"]
    assert not (folder / "shop-2.tar").exists()

    closed = office.done("close", release_evidence=str(folder), **ada)
    told = closed.result("Write the evidence pack")
    assert (told["dest"], told["signed_by"]) == (str(folder / "shop-2.tar"), "ada")
    again = office.done("evidence", release_dest=told["dest"], **ada)
    assert not again.result("Write the evidence pack")["changed"]

    signers = folder / "signers"
    people = office.rules["people"].items()
    signers.write_text("".join(f"{name} {each['keys'][0]}\n" for name, each in people))
    verify = [str(VERIFIER), told["dest"], "--keys", str(signers)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("shop-2: whole: ")
    head = subprocess.run([*verify, "--ledger-head", told["head"]["hash"]], check=False)
    assert head.returncode == 0

    pack = (folder / "shop-2.tar").read_bytes()
    at = pack.index(b"<html")
    (folder / "shop-2.tar").write_bytes(pack[:at] + b"X" + pack[at + 1 :])
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pages/plans/shop-2.html: its SHA-256 is not that in index.json" in done.stdout
    mended = office.done(
        "evidence", release_evidence=str(folder), release_whole_ledger="yes", **ada
    )
    assert mended.result("Write the evidence pack")["changed"]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert "the ledger is whole" in done.stdout

    unsigned = office.done("evidence", release_dest=str(folder / "unsigned.tar"))
    assert "is not signed: give the key of a person" in unsigned.output
