# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import html.parser
import json
import re
from datetime import timedelta

import pytest
import yaml

from ansible_collections.itops.release.plugins.plugin_utils.policy import _file as _policy_file
from ansible_collections.itops.release.plugins.plugin_utils.report import _pages, _site
from ansible_collections.itops.release.plugins.plugin_utils.report._package import (
    Component,
    Line,
    Package,
)
from ansible_collections.itops.release.tests.fakes import told_ledgers
from ansible_collections.itops.release.tests.fakes.plans import POLICY
from ansible_collections.itops.release.tests.fakes.told_ledgers import ToldLedger

HOSTILE = "</script><img src=x onerror=alert(1)>{{ 7 * 7 }}|`# \x1b[31m\u202e' \" & <b>"
POLICY_READ = _policy_file.parse(yaml.safe_dump(POLICY), "policy.yml")
NO_PACKAGE = Package()
VOID = {"meta", "br", "img", "link", "input", "hr"}


def site_of(told, policy=POLICY_READ, later=timedelta(minutes=5)):
    now = told.clock.now + later
    options = {"deploy_root": told_ledgers.ROOT}
    inputs = _site.Inputs(
        told.ledger,
        policy,
        (None, ""),
        ("staging", "production"),
        now,
        options_of=lambda host: options,
        root_of=lambda host: told_ledgers.ROOT,
    )
    return _site.read(inputs, told.ledger.head())


def written(told, folder, package=NO_PACKAGE, **options):
    found = _pages.write(site_of(told, **options), str(folder), lambda view: package)
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*.*")}, found


class Structure(html.parser.HTMLParser):
    """Tags of a page that nest, its links and its text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.said = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.links += [value for name, value in attrs if name == "href"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.said).split())


@pytest.fixture
def told():
    """Return a ledger: 1.0.0 is live everywhere, and 2.0.0 was backed out of production."""
    found = ToldLedger()
    hosts = {"staging": ["s1"], "production": ["p1", "p2", "p3"]}
    one = found.propose("shop-1", "1.0.0", hosts)
    for environment, names in hosts.items():
        found.deploy(one, environment, [names])
    found.clock.pass_(days=2)
    two = found.propose("shop-2", "2.0.0", hosts)
    found.deploy(two, "staging", [["s1"]])
    why = "p3: probe failed: answered 500"
    run = found.deploy(two, "production", [["p1"], ["p2", "p3"]], "backed_out", why, ["p3"])
    found.issue("I-1", title="2.0.0 answers 500", blocker=True, run=run, severity="high")
    return found


def test_the_index_says_what_needs_attention_and_what_is_live(told, tmp_path):
    pages, _found = written(told, tmp_path)

    said = Structure(pages["index.html"]).text
    assert "shop-2 approval of operations and product for production" in said
    assert "I-1 2.0.0 answers 500 (high) blocks releases" in said
    assert "deploy shop 2.0.0 in production ( shop-2 )" in said
    assert "backed out p3: probe failed: answered 500 ada@control1" in said
    assert said.index("Needs attention") < said.index("What is live where")
    assert "1.0.0" in pages["index.md"]
    assert ": deploy shop 2.0.0 in production: backed\\_out: p3: probe" in pages["index.md"]
    plain = json.loads(pages["index.json"])
    assert plain["head"] == told.ledger.head().to_plain()
    assert [plan["plan"] for plan in plain["plans"]] == ["shop-2", "shop-1"]


def test_the_page_of_a_plan_says_how_it_stands(told, tmp_path):
    pages, _found = written(told, tmp_path)

    said = Structure(pages["plans/shop-2.html"]).text
    assert said.count("The last run, in production, is backed out: p3: probe failed") == 1
    assert "staging: 1.0.0 → 2.0.0 live" in said
    assert "p3 failed" in said
    assert "Live in staging." in pages["plans/shop-2.md"]


def test_the_page_of_a_host_says_what_was_there_when(told, tmp_path):
    pages, _found = written(told, tmp_path)

    said = Structure(pages["hosts/p1.html"]).text
    assert said.index("1.0.0 → 2.0.0") < said.index("nothing → 1.0.0")


def test_every_link_leads_to_a_page_or_a_section(told, tmp_path):
    pages, _found = written(told, tmp_path)

    for name, text in pages.items():
        if not name.endswith(".html"):
            continue
        here = (tmp_path / name).parent
        ids = {attrs.get("id") for _tag, attrs in Structure(text).tags}
        for link in Structure(text).links:
            file, _, section = link.partition("#")
            assert not file or (here / file).is_file(), (name, link)
            assert file or section in ids, (name, link)


def test_pages_need_nothing_else_and_allow_nothing_else(told, tmp_path):
    pages, _found = written(told, tmp_path)

    for text in (text for name, text in pages.items() if name.endswith(".html")):
        structure = Structure(text)
        tags = {tag for tag, _attrs in structure.tags}
        assert not tags & {"script", "img", "link", "iframe", "form", "object"}
        assert not any(
            name.startswith("on") or name == "style" for _t, a in structure.tags for name in a
        )
        (policy,) = (a["content"] for t, a in structure.tags if a.get("http-equiv"))
        assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_hostile_text_stays_text_in_all_pages(tmp_path):
    told = ToldLedger()
    hosts = {"staging": ["../../s1", "<b>host</b>"]}
    risk = {"id": "R1", "risk": HOSTILE, "owner": HOSTILE, "response": HOSTILE}
    bad = told.propose("shop-1", "1.0.0", hosts, why=HOSTILE, scope=["A-1"], risks=[risk])
    run = told.deploy(bad, "staging", [hosts["staging"]], "failed", HOSTILE, hosts["staging"][:1])
    told.issue("I-1", title=HOSTILE, blocker=True, run=run, workaround=HOSTILE)
    package = Package((Component(HOSTILE, HOSTILE, HOSTILE, "modified"),), (Line("SBOM", HOSTILE),))
    folder = tmp_path / "pages"

    pages, _found = written(told, folder, package)

    assert all(path.is_relative_to(folder) for path in tmp_path.rglob("*.*"))
    for name, text in pages.items():
        assert "\x1b" not in text, name
        assert "\u202e" not in text.replace("\\u202e", ""), name
        if name.endswith(".html"):
            tags = {tag for tag, _attrs in Structure(text).tags}
            assert not tags & {"img", "script"}, name
        if name.endswith((".html", ".md")):
            assert not re.search(r"(?<!\\)<(img|/script)", text), name
    assert "onerror=alert(1)" in Structure(pages["plans/shop-1.html"]).text
    assert "49" not in Structure(pages["plans/shop-1.html"]).text.split("Timeline")[0]


def test_pages_of_what_has_ended_are_not_written_again(told, tmp_path):
    told.end("shop-1")
    pages, first = written(told, tmp_path)
    told.issue("I-2", title="Something else")

    again, second = written(told, tmp_path, later=timedelta(hours=3))

    assert second.pages == first.pages
    kept = {name for name in pages if pages[name] == again[name]}
    assert "plans/shop-1.html" in kept
    assert {f"hosts/{name}.html" for name in ("s1", "p1", "p2", "p3")} <= kept
    assert "index.html" not in kept


def test_a_page_of_what_has_ended_is_written_again_when_something_is_known_of_it(told, tmp_path):
    told.end("shop-1")
    before, _found = written(told, tmp_path)
    told.issue("I-3", title="Found later", run="run-1")

    after, _found = written(told, tmp_path)

    assert before["plans/shop-1.html"] != after["plans/shop-1.html"]
    assert "Found later" in after["plans/shop-1.html"]


def test_a_dry_run_writes_nothing(told, tmp_path):
    found = _pages.write(site_of(told), str(tmp_path / "x"), lambda view: Package(), keep=False)

    assert found.changed > 5
    assert list(tmp_path.iterdir()) == []


def test_without_a_policy_there_are_pages_too(told, tmp_path):
    pages, _found = written(told, tmp_path, policy=None)

    assert "Nothing needs attention" not in pages["plans/shop-2.html"]
    assert "2.0.0" in pages["index.html"]


def test_a_runbook_does_not_claim_that_there_are_no_dependencies(told, tmp_path):
    pages, _found = written(told, tmp_path)

    assert "not known without a media library" in pages["runbooks/shop.html"]


def test_the_runbook_of_what_is_gone_has_no_commands_any_more(tmp_path):
    told = ToldLedger()
    plan = told.propose("shop-1", "1.0.0", {"production": ["p1"]})
    told.deploy(plan, "production", [["p1"]])
    pages, _found = written(told, tmp_path)
    assert "itops.release.uninstall" in pages["runbooks/shop.html"]
    told.remove(plan, "production", ["p1"])

    pages, _found = written(told, tmp_path)

    assert "Nothing is live." in pages["runbooks/shop.html"]
    assert "itops.release." not in pages["runbooks/shop.html"] + pages["runbooks/shop.md"]
    assert "runbooks/shop" not in pages["index.html"] + pages["plans/shop-1.html"]


def test_what_a_release_replaces_is_what_was_live_in_its_last_environment(tmp_path):
    told = ToldLedger()
    one = told.propose("shop-1", "1.0.0", {"staging": ["s1"]})
    told.deploy(one, "staging", [["s1"]])
    hosts = {"staging": ["s1"], "production": ["p1"]}
    two = told.propose("shop-2", "2.0.0", hosts, handover="full")
    told.deploy(two, "staging", [["s1"]])

    pages, _found = written(told, tmp_path)

    said = Structure(pages["plans/shop-2.html"]).text
    assert "What does it replace? nothing: it is new" in said
