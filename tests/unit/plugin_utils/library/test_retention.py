# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.library import _catalogue
from ansible_collections.itops.release.plugins.plugin_utils.library._retention import Rules, reasons

NOW = datetime(2026, 3, 31, 12, tzinfo=timezone.utc)


def entry(
    name: str, serial: int, created: str = "2026-01-01T00:00:00Z", pinned: bool = False
) -> _catalogue.Entry:
    digest = f"{name}{serial}"
    label = _catalogue.Label(digest, name, f"{serial}.0", serial)
    return _catalogue.Entry({}, digest, label, "", frozenset(), pinned, created)


def kept(
    *entries: _catalogue.Entry, in_use: tuple[str, ...] = (), **rules: int
) -> dict[str, list[str]]:
    """Return the reasons by digest; without *keep* only a release beyond all others is newest."""
    newest = entry("shop", 10**6)
    found = reasons([*entries, newest], Rules(**{"keep": 1, **rules}), in_use, NOW)
    return {label.digest: why for label, why in found.items() if label != newest.label}


def test_the_newest_of_each_application_stay() -> None:
    entries = [entry("shop", 9), entry("shop", 10), entry("shop", 11), entry("api", 1)]

    assert kept(*entries, keep=3) == {
        "api1": ["newest"],
        "shop9": [],
        "shop10": ["newest"],
        "shop11": ["newest"],
    }


def test_a_release_that_a_host_holds_stays() -> None:
    assert kept(entry("shop", 1), entry("shop", 2), in_use=("shop1",)) == {
        "shop1": ["in use"],
        "shop2": [],
    }


def test_a_pin_on_any_tag_of_a_release_keeps_it() -> None:
    assert kept(entry("shop", 1), entry("shop", 1, pinned=True)) == {"shop1": ["pinned"]}


def test_all_reasons_are_named() -> None:
    found = kept(entry("shop", 1, pinned=True), in_use=("shop1",), keep=2, min_age_days=365)

    assert found == {"shop1": ["in use", "newest", "pinned", "recent"]}


@pytest.mark.parametrize(
    ("created", "days", "why"),
    [
        ("2026-03-21T11:59:59Z", 10, []),
        ("2026-03-21T12:00:00Z", 10, ["recent"]),
        ("2026-03-31T12:00:00Z", 0, ["recent"]),
        ("2026-04-30T12:00:00Z", 10, ["recent"]),  # by a clock that was wrong
        ("", 10, ["recent"]),
        ("yesterday", 10, ["recent"]),
        ("2026-01-01T00:00:00", 10, ["recent"]),  # of no known time zone
        ("2026-01-01T00:00:00Z", 10**12, ["recent"]),
    ],
)
def test_a_release_stays_until_it_is_known_to_be_old_enough(
    created: str, days: int, why: list[str]
) -> None:
    assert kept(entry("shop", 1, created), min_age_days=days) == {"shop1": why}
