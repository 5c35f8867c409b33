# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of real playbooks that send notices, to receivers that are down for a while."""

from __future__ import annotations

import getpass

import pytest
import yaml

from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.tests.fakes import receivers
from ansible_collections.itops.release.tests.fakes.plans import changed
from ansible_collections.itops.release.tests.integration.ansible_run import Controller
from ansible_collections.itops.release.tests.integration.applications import (
    failures,
    seal_all,
    write_application,
)

pytestmark = pytest.mark.slow
SECRET = "s3cret-of-the-chat"
POLICY = {
    "format": 1,
    "people": {
        "ada": {"roles": ["release_manager"], "os_user": getpass.getuser()},
        "ben": {"roles": ["operations"], "os_user": "ben"},
    },
    "environments": {"production": {"strength": "claimed"}},
    "channels": {"mail": "", "chat": "{{ vault_chat }}"},
}
PLAN = {
    "format": 1,
    "plan": "shop-2",
    "author": "ada",
    "release": "shop:2.0.0",
    "why": "Checkout <b>in two</b> steps",
    "change": "normal",
    "path": [{"environment": "production", "hosts": "production", "waves": [1, "100%"]}],
    "notify": {"users": "mail", "on call": ["chat", "mail"]},
}
CALENDAR = "format: 1\ntimezone: UTC\n"
FREEZE = CALENDAR + 'freezes: [{name: Year end, from: "2020-01-01", to: "2999-12-31"}]\n'
NO_APPRISE = "raise ImportError('not here')\n"


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with shop 2.0.0."""
    directory = tmp_path_factory.mktemp("sealed")
    made = [write_application(directory / "2", {"version": "2.0.0"}, "2.0.0", 2)]
    seal_all(Controller(directory / "controller", _sockets), directory / "media", made)
    return directory / "media"


class Office:
    """Two hosts, a plan that notifies by mail and by chat, and the two receivers."""

    def __init__(self, hosts, inventory, run, library, folder, mail, chat):
        self.hosts, self.folder, self.mail, self.chat = hosts, folder, mail, chat
        self._run = run
        self.place = str(folder / "ledger.db")
        address = f"mailto://127.0.0.1:{mail.port}"
        address += "?from=releases@example.org&to=users@example.org&format=text"
        self.write(policy=changed(POLICY, "channels", mail=address), calendar=CALENDAR, plan=PLAN)
        self.inventory = inventory(
            hosts,
            {"production": [host.name for host in hosts]},
            deploy_root="{{ srv }}/shop",
            deploy_media_library=str(library),
            deploy_probe={"command": ["test", "!", "-e", "{{ srv }}/sick"], "retries": 0},
            release_ledger=self.place,
            release_policy=str(folder / "policy.yml"),
            release_calendar=str(folder / "calendar.yml"),
            vault_secret=SECRET,
            vault_chat=f"json://ada:{{{{ vault_secret }}}}@127.0.0.1:{chat.port}/{SECRET}",
        )

    def write(self, **files):
        for name, content in files.items():
            text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
            (self.folder / f"{name}.yml").write_text(text)

    def run(self, playbook, rc=0, check=False, env=None, **variables):
        """Run a playbook; nothing secret is ever said or recorded."""
        if playbook != "status":
            variables |= {"release_plan": str(self.folder / "plan.yml")}
        run = self._run(
            f"itops.release.{playbook}",
            self.inventory,
            check=check,
            extra_vars=variables,
            env={"HOME": str(self.folder), **(env or {})},
        )
        assert run.rc == rc, run.output
        assert SECRET not in run.output
        assert SECRET not in str([(e.result, e.task) for e in run.outcomes])
        assert SECRET not in str([event.to_plain() for event in Ledger(self.place).events()])
        return run

    def sent(self):
        """Return the ids of the notices that are on record as sent."""
        return sorted(e.body["notice"] for e in Ledger(self.place).events(kind="notice_sent"))

    def up(self):
        for receiver in (self.mail, self.chat):
            receiver.up()

    def titles(self):
        """Return the titles that both receivers took since the last question."""
        both = [[title for title, _text in server.took] for server in (self.mail, self.chat)]
        self.mail.took, self.chat.took = [], []
        assert both[0] == both[1]
        return both[0]


@pytest.fixture
def office(local_hosts, inventory, run_playbook, library, tmp_path):
    with receivers.running(receivers.Smtp) as mail, receivers.running(receivers.Http) as chat:
        yield Office(local_hosts(2), inventory, run_playbook, library, tmp_path, mail, chat)


def warnings(run):
    """Return what a run says of notices, in one line."""
    return " ".join(run.output.split())


def ids(texts):
    return sorted(text.rpartition("id: ")[2] for _title, text in texts)


def test_receivers_that_are_down_get_their_notices_by_a_later_run(office):
    office.write(plan=changed(PLAN, notify={"users": "pager"}))
    refused = office.run("plan", rc=2)
    line = next(iter(failures(refused).values()))
    assert "plan.yml:14: notify.users: pager is not a channel of policy.yml" in line

    office.write(plan=PLAN)
    proposed = office.run("plan")
    waiting = proposed.result("Send notices")["waiting"]
    assert len(waiting) == 2
    said = warnings(proposed)
    for channel in ("mail", "chat"):
        assert f"notices: channel {channel}: not delivered; 1 notice to be sent by a later" in said
    assert office.sent() == []

    office.up()
    office.run("status", check=True)
    assert office.mail.took == office.chat.took == []
    done = office.run("status")
    assert done.result("Send notices")["sent"] == waiting
    assert ids([*office.mail.took, *office.chat.took]) == sorted(waiting) == office.sent()
    assert "why: Checkout ‹b›in two‹/b› steps (normal, by ada)" in office.mail.took[0][1]
    assert office.mail.took[0][1].splitlines()[:-1] == office.chat.took[0][1].splitlines()[:-1]
    assert office.titles() == ["shop-2: proposed"]
    again = office.run("status").result("Send notices")
    assert (again["sent"], again["waiting"]) == ([], [])
    assert office.titles() == []


def test_a_deployment_tells_what_became_of_it(office):
    office.up()
    office.run("plan")
    office.titles()
    office.write(calendar=FREEZE)
    office.run("deploy", rc=2, release_env="production")
    assert office.titles() == ["shop-2 in production: postponed"]
    office.write(calendar=CALENDAR)
    office.run("deploy", check=True, release_env="production")
    assert office.titles() == []
    (office.hosts[1].seen / "sick").touch()
    office.run("deploy", rc=2, release_env="production")
    started, held = "shop-2 in production: starting", "shop-2 in production: backed out"
    assert office.titles() == [started, held]
    assert office.run("status").result("Send notices")["waiting"] == []


def test_without_apprise_a_deployment_goes_on_with_one_warning(office):
    modules = office.folder / "modules"
    modules.mkdir()
    (modules / "apprise.py").write_text(NO_APPRISE)
    without = {"PYTHONPATH": str(modules)}
    said = warnings(office.run("plan", env=without))
    assert said.count("the Python library apprise is not installed on the control machine") == 1
    said = warnings(office.run("deploy", env=without, release_env="production"))
    assert said.count("the Python library apprise is not installed on the control machine") == 1
    office.up()
    assert len(office.run("status").result("Send notices")["sent"]) == 6
