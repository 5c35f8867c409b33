# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes docs/images: pictures of the pages, by Chromium, of a ledger that was told a story.

Run it by hand after the pages have changed:
``PYTHONPATH=.dev .venv/bin/python -m tests.tooling.pictures``.
"""

from __future__ import annotations

import base64
import pathlib
import shutil
import struct
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import yaml
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from ansible_collections.itops.release.plugins.plugin_utils.calendar import _file as _calendar
from ansible_collections.itops.release.plugins.plugin_utils.handover._items import OfPackage
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor, Draft
from ansible_collections.itops.release.plugins.plugin_utils.plan import _statement_files
from ansible_collections.itops.release.plugins.plugin_utils.plan._resolved import Resolved
from ansible_collections.itops.release.plugins.plugin_utils.policy import _file as _policy
from ansible_collections.itops.release.plugins.plugin_utils.report import _pages, _site
from ansible_collections.itops.release.plugins.plugin_utils.report._package import (
    Component,
    Line,
    Package,
)
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.told_ledgers import ToldLedger

IMAGES = pathlib.Path(__file__).parents[2] / "docs/images"
WIDTH = 1200
HEIGHTS = {"index": 1000, "plan": 1640}
COLOURS = 64  # of a picture: text, its edges, and a few grounds
CALENDAR = """
format: 1
timezone: Europe/Vienna
windows:
  nightly: {days: [tue, wed, thu], from: "22:00", to: "02:00"}
freezes:
  - {name: Year end, from: "2026-12-10", to: "2027-01-04", environments: [production]}
"""
SHOP = {"staging": ["shop9"], "production": ["shop1", "shop2", "shop3", "shop4"]}
BILLING = {"staging": ["bill9"], "production": ["bill1", "bill2"]}
SERVICE = {
    "owner": "shop team",
    "on_call": "pager 7, shop-oncall@example.org",
    "levels": [{"name": "checkout answers", "target": "99.9 % below 300 ms"}],
    "guides": [
        {
            "title": "Prices in two currencies",
            "url": "https://wiki.example.org/prices",
            "audience": "support desk",
        }
    ],
}
PACKAGE = Package(
    (
        Component("checkout", "1.4.2", "1.5.0", "modified"),
        Component("prices", "", "1.0.0", "added"),
        Component("static", "1.4.2", "1.4.2", "unchanged"),
    ),
    (Line("Evidence", "bill of materials, signed by ci"), Line("Signature", "role build")),
)


def main() -> None:
    """Write the pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        told = story()
        site = _site.read(inputs(told), told.ledger.head())
        _pages.write(site, str(folder), lambda view: PACKAGE)
        pages = {"index": folder / "index.html", "plan": folder / "plans/shop-1.5.html"}
        for name, png in taken(pages):
            path = IMAGES / f"{name}.png"
            path.write_bytes(small(png))
            print(f"{path.name}: {path.stat().st_size} bytes")


def story() -> ToldLedger:
    """Return a ledger: releases of three weeks, one that was backed out, one that waits."""
    told = ToldLedger(begin=datetime(2026, 11, 10, 8, 0, tzinfo=timezone.utc))
    waves = [["shop1"], ["shop2", "shop3", "shop4"]]

    def brought(name: str, version: str, hosts: dict[str, list[str]], **plan: object) -> None:
        resolved = told.propose(name, version, hosts, **plan)
        told.clock.pass_(hours=2)
        told.deploy(resolved, "staging", [hosts["staging"]])
        told.clock.pass_(hours=5)
        approve(told, resolved)
        told.clock.pass_(hours=6)
        last = hosts["production"]
        told.deploy(resolved, "production", waves if last == SHOP["production"] else [last])

    brought("shop-1.4", "1.4.2", SHOP, why="Faster search")
    told.clock.pass_(days=2)
    told.end("shop-1.4")
    brought("billing-3.0", "3.0.1", BILLING, application="billing", why="New invoices")
    told.clock.pass_(days=4)
    told.end("billing-3.0")
    handed = {"early_life": "5d", "handover": "light", "service": SERVICE}
    brought("shop-1.5", "1.5.0", SHOP, why="Prices in two currencies", **handed)
    told.clock.pass_(days=2)
    fields = {"known_error": True, "workaround": "Reload the page", "affects": "shop"}
    told.issue("I-1", title="Prices flicker on old phones", severity="low", **fields)
    bad = told.propose(
        "billing-3.1", "3.1.0", BILLING, application="billing", why="Invoices by mail"
    )
    told.clock.pass_(hours=2)
    told.deploy(bad, "staging", [BILLING["staging"]])
    approve(told, bad)
    why = "bill1: probe failed: http://127.0.0.1/health answered 500 (3 measurements)"
    run = told.deploy(bad, "production", [["bill1"]], "backed_out", why, ["bill1"])
    title = "billing 3.1.0 in production: bill1 answered 500"
    told.issue("I-2", title=title, severity="high", blocker=True, affects="billing", run=run)
    told.clock.pass_(hours=4)
    told.end("billing-3.1", "cancelled")
    path = [
        {"environment": "staging", "hosts": "staging"},
        {"environment": "production", "hosts": "production", "window": "nightly"},
    ]
    told.propose("shop-1.6", "1.6.0", SHOP, why="Checkout in two steps", path=path)
    return told


def approve(told: ToldLedger, resolved: Resolved) -> None:
    """Record that two people approved a plan for production."""
    stands = plans.standing(resolved, proposed=told.clock.now)
    for person, role in (("ben", "operations"), ("cleo", "product")):
        told.clock.pass_(minutes=20)
        said = _statement_files.of(
            stands, told.ledger.head().ledger, "production", person, "approve", role=role
        )
        body = {
            "plan": said.plan,
            "revision": 1,
            "environment": "production",
            "decision": "approve",
            "person": person,
            "digest": said.digest,
            "statement": said.data.decode(),
        }
        actor = Actor(person, "signed")
        told.append(Draft("statement_recorded", said.plan, body, said.digest), actor=actor)


def inputs(told: ToldLedger) -> _site.Inputs:
    policy = _policy.parse(yaml.safe_dump(plans.POLICY), "policy.yml")
    calendar = _calendar.parse(CALENDAR, "calendar.yml")
    package = OfPackage((), ("MIT",), True)
    return _site.Inputs(
        told.ledger,
        policy,
        (calendar, ""),
        ("staging", "production"),
        told.clock.now + timedelta(minutes=20),
        package_of=lambda standing: package,
        inventories=("hosts.yml",),
        pages="pages",
    )


def taken(pages: dict[str, pathlib.Path]) -> Iterator[tuple[str, bytes]]:
    """Yield a picture of the first screen of each page, in light colours."""
    options = webdriver.ChromeOptions()
    quiet = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
    for word in ("--headless=new", *quiet):
        options.add_argument(word)
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    try:
        light = {"features": [{"name": "prefers-color-scheme", "value": "light"}]}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", light)
        for name, path in pages.items():
            size = {
                "width": WIDTH,
                "height": HEIGHTS[name],
                "deviceScaleFactor": 1,
                "mobile": False,
            }
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            driver.get(path.as_uri())
            shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
            yield name, base64.b64decode(shot["data"])
    finally:
        driver.quit()


def small(png: bytes) -> bytes:
    """Return a *png* in the COLOURS that it has most of: others become the nearest of these."""
    width, height, pixels = decoded(png)
    counted = Counter(pixels)
    palette = [colour for colour, _count in counted.most_common(COLOURS)]
    number = {colour: nearest(palette, colour) for colour in counted}
    rows = (pixels[at : at + width] for at in range(0, width * height, width))
    data = b"".join(b"\0" + bytes(number[pixel] for pixel in row) for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [
        (b"IHDR", head),
        (b"PLTE", b"".join(palette)),
        (b"IDAT", zlib.compress(data, 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def nearest(palette: list[bytes], colour: bytes) -> int:
    def distance(number: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(palette[number], colour, strict=True))

    return min(range(len(palette)), key=distance)


def chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def decoded(png: bytes) -> tuple[int, int, list[bytes]]:
    """Return width, height and pixels (three bytes each) of a *png* of 8 bits, RGB or RGBA."""
    at, data, width, height, kind = 8, b"", 0, 0, 0
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        if name == b"IHDR":
            width, height, _depth, kind = struct.unpack(">IIBB", body[:10])
        elif name == b"IDAT":
            data += body
        at += 12 + length
    size = {2: 3, 6: 4}[kind]
    raw, before, pixels = zlib.decompress(data), bytes(width * size), []
    for start in range(0, len(raw), width * size + 1):
        before = unfiltered(raw[start], raw[start + 1 : start + 1 + width * size], before, size)
        pixels += [bytes(before[x : x + 3]) for x in range(0, width * size, size)]
    return width, height, pixels


def unfiltered(kind: int, row: bytes, above: bytes, size: int) -> bytes:
    """Return a *row* of a PNG without its filter (PNG specification, section 9)."""
    found = bytearray(row)
    for x in range(len(found)):
        left = found[x - size] if x >= size else 0
        corner = above[x - size] if x >= size else 0
        guess = (0, left, above[x], (left + above[x]) // 2, paeth(left, above[x], corner))[kind]
        found[x] = (found[x] + guess) & 0xFF
    return bytes(found)


def paeth(left: int, above: int, corner: int) -> int:
    straight = left + above - corner
    return min((left, above, corner), key=lambda each: abs(straight - each))


if __name__ == "__main__":
    main()
