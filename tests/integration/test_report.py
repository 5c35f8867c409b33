# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages at the end of runs, handover and early life of a plan, and a runbook that is followed."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from ansible_collections.itops.release.tests.integration.applications import failures
from ansible_collections.itops.release.tests.integration.fleets import (
    FleetOfShop,
    seal_versions,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with shop 1.0.0 to 3.0.0."""
    return seal_versions(tmp_path_factory.mktemp("sealed"), _sockets)


class Shop(FleetOfShop):
    """A fleet that keeps pages."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.pages = self.folder / "my pages"
        self.settings["release_pages"] = str(self.pages)
        self.inventory = self.written()

    def done(self, playbook, **variables):
        run = self.run(playbook, **variables)
        assert run.rc == 0, run.output
        return run

    def page(self, path):
        return (self.pages / path).read_text()

    def accept(self, plan, item, reason):
        about = {"release_kind": "acceptance", "release_item": item, "release_reason": reason}
        return self.done("register", release_plan=plan, **about)


@pytest.fixture
def shop(local_hosts, inventory, controller, library, tmp_path):
    return Shop(local_hosts(2), inventory, controller, library, tmp_path)


def test_pages_follow_a_plan_until_it_is_handed_over_and_closed(shop):
    shop.begin_with("1.0.0")
    assert "2 hosts, since" in shop.page("index.html")
    service = {"owner": "ada", "levels": [{"name": "answers", "target": "99 %"}]}
    more = {"early_life": "1s", "handover": "light", "service": service}
    plan = shop.plan("2.0.0", waves=[1, "100%"])
    path = shop.folder / "shop-2.0.0.yml"
    shop.write(**{"shop-2.0.0": {**yaml.safe_load(path.read_text()), **more}})
    shop.done("plan", release_plan=plan)
    assert "Not live anywhere" in shop.page("plans/shop-2.0.0.html")

    run = shop.deploy(plan)
    assert run.rc == 0, run.output
    assert f"pages        {shop.pages}/index.html" in run.stdout
    page = shop.page("plans/shop-2.0.0.html")
    assert "production: 1.0.0 → 2.0.0" in page
    assert "Live in production" in page
    assert page.count('<li class="ok">') == 2

    refused = shop.run("close", release_plan=plan)
    line = next(iter(failures(refused).values()))
    assert "verification: run the playbook verify in production: " in line
    assert "service level answers: not confirmed" in line
    assert "handover (light): not answered: on_call, commands, user_notes" in line
    shop.done("verify")
    for item, answer in (
        ("on_call", "pager 7"),
        ("commands", "tried on Monday"),
        ("user_notes", "none needed"),
        ("level answers", "99.4 % this week"),
    ):
        shop.accept(plan, item, answer)
    wrong = shop.run("register", release_plan=plan, release_kind="acceptance", release_item="x")
    assert "'x' is not on the acceptance list; valid: owner, on_call" in wrong.output
    assert "pager 7" in shop.page("plans/shop-2.0.0.html")
    shop.done("close", release_plan=plan)
    review = shop.page("reviews/shop-2.0.0.md")
    assert "- verify" not in review
    assert "## Deviations\n\nNone is on record." in review
    assert f"\npages: {shop.pages}/index.html" in shop.done("status").stdout
    assert "Closed. Live in production." in shop.page("plans/shop-2.0.0.html")


def test_a_problem_with_the_pages_does_not_change_the_run(shop):
    shop.begin_with("1.0.0")
    plan = shop.propose("2.0.0")
    for name in shop.pages.rglob("*"):
        if name.is_file():
            name.unlink()
    (shop.pages / "index.html").mkdir()

    run = shop.deploy(plan)

    assert run.rc == 0, run.output
    assert "the pages are not up to date" in run.output
    assert shop.live() == ["2.0.0"] * 2


def test_the_playbook_report_asks_hosts_and_a_dry_run_writes_nothing(shop):
    shop.begin_with("1.0.0")
    without = shop.written(release_ledger="", release_pages="")
    run = shop.run("deploy", inventory=without, deploy_release="shop:2.0.0", limit=shop.names[0])
    assert run.rc == 0, run.output
    before = {path: path.read_bytes() for path in shop.pages.rglob("*.html")}

    dry = shop.run("report", check=True)
    assert dry.rc == 0, dry.output
    assert {path: path.read_bytes() for path in shop.pages.rglob("*.html")} == before
    assert "Hosts were not asked" in shop.page("index.html")
    shop.done("report")

    index = shop.page("index.html")
    assert "Unrecorded changes" in index
    assert f"{shop.names[0]} " in index
    assert json.loads(shop.page("index.json"))["status"]["unrecorded"]


def commands_of(page):
    """Return the commands of a runbook in Markdown, by their titles."""
    return dict(re.findall(r"^### (.+?)\n\n(?:[^`#]+\n\n)?```\n(.+)\n```$", page, re.MULTILINE))


def test_the_runbook_followed_literally_works_on_ssh_hosts(
    ssh_hosts, inventory, controller, library, tmp_path
):
    shop = Shop(ssh_hosts(2), inventory, controller, library, tmp_path)
    shop.begin_with("1.0.0")
    assert shop.deploy(shop.propose("2.0.0")).rc == 0
    page = shop.page("runbooks/shop.md")
    assert "- deployment root: /srv/shop" in page
    commands = commands_of(page)

    def follow(title):
        (line,) = [command for name, command in commands.items() if title in name]
        controller.paste(line)

    follow("Verify")
    assert shop.live() == ["2.0.0"] * 2
    follow("Back out")
    assert shop.live() == ["1.0.0"] * 2
    assert shop.run("deploy", deploy_release="shop:3.0.0").rc == 0
    follow("Roll back")
    assert shop.live() == ["1.0.0"] * 2
    follow("Remove")
    assert shop.live() == [None] * 2
