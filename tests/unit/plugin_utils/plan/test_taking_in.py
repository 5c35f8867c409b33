# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements as files: written for people, signed by ssh-keygen, taken into the ledger once."""

from __future__ import annotations

import os
import subprocess

import pytest
import yaml

from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor, Draft
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.plan import (
    _standing,
    _statement_files,
    _taking_in,
)
from ansible_collections.itops.release.plugins.plugin_utils.policy import _file, _sshsig
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.plans import NOW, PLAN, POLICY, changed


class Desk:
    """A ledger with a plan on record, a folder of statements, and people who sign."""

    def __init__(self, tmp_path):
        self.tmp_path = tmp_path
        self.folder = tmp_path / "approvals" / "shop-1.5"
        self.ledger = Ledger(str(tmp_path / "ledger.db"))
        self.rules = POLICY
        for name in POLICY["people"]:
            path = str(tmp_path / name)
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path]
            subprocess.run(command, check=True)
            self.rules = changed(self.rules, "people", name, keys=[_sshsig.public_key(path)])
        self.warnings = []
        self.propose(PLAN)

    @property
    def policy(self):
        return _file.parse(yaml.safe_dump(self.rules, sort_keys=False), "policy.yml")

    @property
    def standing(self):
        return _standing.of_ledger(self.ledger)["shop-1.5"]

    @property
    def id(self):
        return self.ledger.head().ledger

    def propose(self, plan):
        what = plans.resolved(plan)
        known = _standing.of_ledger(self.ledger).get("shop-1.5")
        revision = known.revision + 1 if known else 1
        body = {
            "plan": "shop-1.5",
            "revision": revision,
            "digest": what.digest,
            "resolved": what.to_plain(),
            "expires": "2026-12-31T12:00:00.000Z",
            "person": "ada",
            "strength": "signed",
        }
        self.append(Draft("plan_proposed", "shop-1.5", body, f"plan/{revision}"))
        self.write()

    def append(self, draft):
        self.ledger.append([draft], Actor("ada", "claimed"))

    def write(self):
        wanted = _statement_files.wanted(
            self.policy, self.standing, [plans.demands(rules=self.rules)], self.id, NOW
        )
        return _statement_files.put(str(self.folder), wanted)

    def sign(self, name, person):
        path = self.folder / name
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", _sshsig.APPROVAL]
        subprocess.run([*command, "-f", str(self.tmp_path / person), str(path)], check=True)

    def take_in(self, keep=True):
        self.warnings.clear()
        taken = _taking_in.take_in(
            self.ledger,
            self.policy,
            _standing.of_ledger(self.ledger),
            _statement_files.signed(str(self.folder)),
            NOW,
            self.warnings.append,
            keep,
        )
        return [each.statement.person for each in taken]


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.ledger.close()


BEN, CLEO = "production-operations.ben.json", "production-product.cleo.json"


def test_a_statement_is_written_for_each_person_who_can_approve(desk):
    assert sorted(os.listdir(desk.folder)) == [BEN, CLEO]
    assert desk.write() == []


def test_what_is_signed_is_taken_in_once(desk):
    desk.sign(BEN, "ben")

    assert desk.take_in(keep=False) == ["ben"]
    assert desk.take_in() == ["ben"]
    assert desk.take_in() == []
    event = next(iter(desk.ledger.events(kind="statement_recorded")))
    assert (event.actor, event.strength) == ("ben", "signed")
    verify = _taking_in.verifier(desk.policy)
    assert [verify(recorded) for recorded in desk.standing.recorded] == [""]


def test_the_signature_of_another_person_is_not_taken_in(desk):
    desk.sign(BEN, "cleo")

    assert desk.take_in() == []
    assert "not signed by a key of ben" in desk.warnings[0]


def test_an_edited_statement_is_not_taken_in(desk):
    desk.sign(BEN, "ben")
    text = (desk.folder / BEN).read_text()
    (desk.folder / BEN).write_text(text.replace("production", "staging"))

    assert desk.take_in() == []
    assert desk.warnings


def test_a_statement_of_an_earlier_revision_is_not_taken_in(desk):
    desk.sign(BEN, "ben")
    kept = {name: (desk.folder / name).read_bytes() for name in (BEN, f"{BEN}.sig")}
    desk.propose(changed(PLAN, why="Another reason"))
    assert sorted(os.listdir(desk.folder)) == [BEN, CLEO, "revision-1"]
    for name, data in kept.items():
        (desk.folder / name).write_bytes(data)

    assert desk.take_in() == []
    assert "it is for revision 1" in desk.warnings[0]


def test_a_revoked_key_takes_away_what_it_signed(desk):
    desk.sign(BEN, "ben")
    desk.take_in()
    key = desk.rules["people"]["ben"]["keys"][0]
    desk.rules = changed(desk.rules, "people", "ben", keys=[{"key": key, "revoked": True}])

    verify = _taking_in.verifier(desk.policy)
    assert [verify(recorded) for recorded in desk.standing.recorded] == ["the key is revoked (ben)"]


def test_a_key_that_expired_before_is_not_taken_in(desk):
    desk.sign(BEN, "ben")
    key = desk.rules["people"]["ben"]["keys"][0]
    old = [{"key": key, "not_after": "2026-11-01"}]
    desk.rules = changed(desk.rules, "people", "ben", keys=old)

    assert desk.take_in() == []
    assert "the key expired on 2026-11-02" in desk.warnings[0]


def test_what_was_withdrawn_is_not_taken_in_again(desk):
    desk.sign(BEN, "ben")
    desk.take_in()
    digest = desk.standing.recorded[0].statement.digest
    sorry = plans.said(desk.standing, "ben", "withdraw", ledger=desk.id, withdraws=digest).statement
    signature = _sshsig.sign(sorry.data, str(desk.tmp_path / "ben"))
    recorded = plans.Recorded(sorry, NOW, "signed", signature)
    _taking_in.check(
        desk.policy, desk.standing, recorded, desk.id, NOW, _taking_in.verifier(desk.policy)
    )
    desk.ledger.append([_taking_in.draft(recorded)], Actor("ben", "signed"))

    assert desk.take_in() == []
    assert "was withdrawn; a new approval needs a new revision" in desk.warnings[0]


def test_a_statement_for_a_plan_that_ended_is_not_taken_in(desk):
    desk.sign(BEN, "ben")
    body = {"plan": "shop-1.5", "revision": 1, "how": "cancelled", "reason": "x"}
    desk.append(Draft("plan_ended", "shop-1.5", body, "ended"))

    assert desk.take_in() == []
    assert "the plan is cancelled" in desk.warnings[0]


def test_an_event_whose_statement_was_changed_does_not_verify(desk):
    desk.sign(BEN, "ben")
    desk.take_in()
    recorded = desk.standing.recorded[0]
    other = type(recorded.statement)(**{**recorded.statement.__dict__, "environment": "staging"})

    verify = _taking_in.verifier(desk.policy)
    forged = plans.Recorded(other, NOW, "signed", recorded.signature)
    assert verify(forged).startswith("not signed by a key of ben in policy.yml")
