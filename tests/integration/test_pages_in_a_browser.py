# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages as Chromium shows them, from files: nothing overflows, no error, no serious barrier."""

from __future__ import annotations

import contextlib
import functools
import shutil
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

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromedriver"), reason="needs chromium and its driver"),
]
DESKTOP, PHONE = (1280, 900), (390, 844)
LONG = "x" * 300
SAID = f"{LONG} </td><script>document.title='hacked'</script> {LONG}"
SERIOUS = {"serious", "critical"}
OVERFLOWS = """
const wide = document.documentElement.clientWidth;
return [...document.querySelectorAll('body *')].filter(e => {
  for (let p = e.parentElement; p; p = p.parentElement)
    if (getComputedStyle(p).overflowX === 'auto') return false;
  return e.getBoundingClientRect().right > wide + 1;
}).map(e => e.outerHTML.slice(0, 120)).slice(0, 3);
"""


@pytest.fixture(scope="module")
def browser():
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """Return ``sites(hosts)``: the folder of pages about so many hosts."""
    policy = _policy_file.parse(yaml.safe_dump(POLICY), "policy.yml")
    package = Package((Component(SAID, SAID, SAID, "modified"),), (Line("SBOM", SAID, False),))

    @functools.lru_cache(maxsize=None)
    def made(hosts):
        told = told_ledgers.many(None, plans=3, hosts=hosts)
        names = {"staging": [LONG[:200]], "production": ["web0001.example.org"]}
        bad = told.propose("hostile", "9.0.0", names, why=SAID, risks=[RISK], service=SERVICE)
        run = told.deploy(bad, "staging", [names["staging"]], "failed", SAID, names["staging"])
        fields = {"title": SAID[:500], "severity": "high", "known_error": True, "workaround": SAID}
        told.issue("I-99", blocker=True, run=run, **fields)
        now = told.clock.now + timedelta(minutes=5)
        inputs = _site.Inputs(
            told.ledger, policy, (None, ""), ("staging", "production"), now, inventories=(LONG,)
        )
        folder = tmp_path_factory.mktemp("some pages") / "with spaces"
        site = _site.read(inputs, told.ledger.head())
        _pages.write(site, str(folder), lambda view: package)
        return folder

    return made


RISK = {"id": "R1", "risk": SAID[:500], "owner": LONG[:100], "response": SAID[:500]}
SERVICE = {
    "owner": LONG,
    "guides": [{"title": LONG, "url": f"https://example.org/{LONG}", "audience": "support desk"}],
    "levels": [{"name": LONG[:100], "target": LONG}],
}


def pages(folder):
    """Return a page of each kind, those with hostile text among them."""
    host = next(path for path in sorted(folder.glob("hosts/*")) if path.stem.startswith("x-"))
    return [
        folder / "index.html",
        folder / "hosts.html",
        folder / "plans/hostile.html",
        folder / "plans/shop-1.3.html",
        folder / "runbooks/shop.html",
        host,
    ]


@contextlib.contextmanager
def scheme(browser, name):
    feature = {"features": [{"name": "prefers-color-scheme", "value": name}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
    yield
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def shown(browser, path, size):
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(path.as_uri())


@pytest.mark.parametrize("hosts", [1, 50, 1000])
def test_nothing_overflows_and_nothing_is_wrong(browser, sites, hosts):
    folder = sites(hosts)
    for path in pages(folder):
        for size in (DESKTOP, PHONE):
            shown(browser, path, size)
            wide = browser.execute_script("return document.documentElement.scrollWidth")
            assert wide <= size[0], (path.name, size, browser.execute_script(OVERFLOWS))
            assert browser.execute_script(OVERFLOWS) == [], (path.name, size)
            assert browser.title != "hacked"
            assert browser.get_log("browser") == [], path.name
            assert browser.execute_script("return document.scripts.length") == 0
        assert path.stat().st_size < 2_000_000, path.name


@pytest.mark.parametrize("name", ["light", "dark"])
def test_there_is_no_serious_barrier(browser, sites, name):
    from axe_core_python.selenium import Axe

    for path in pages(sites(50)):
        with scheme(browser, name):
            shown(browser, path, DESKTOP)
            found = Axe().run(browser)
        serious = [each for each in found["violations"] if each["impact"] in SERIOUS]
        told = [(each["id"], each["nodes"][0]["html"][:200]) for each in serious]
        assert told == [], path.name
