# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences of manifests: small, exact, and nothing but an error when they make no sense."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.module_utils.release import _delta, _manifest
from ansible_collections.itops.release.plugins.plugin_utils.release._delta import make
from ansible_collections.itops.release.tests.fakes.estate import component, file, manifest
from ansible_collections.itops.release.tests.fakes.manifests import manifests

BASE = manifest(component(*(file(f"{number:04d}", str(number)) for number in range(2000))))


@settings(max_examples=60)
@given(manifests(), manifests())
def test_what_is_made_is_applied_to_the_same_bytes(base, wanted):
    data = _manifest.render(wanted)
    there = _delta.apply(base, make(base, wanted))

    assert there == wanted
    assert _manifest.verified(there, _manifest.digest_of(data)) == data


def test_what_did_not_change_costs_nearly_nothing():
    entries = list(BASE.components[0].entries)
    entries[700:703] = [file("0700", "new"), file("0700a", "newer")]
    wanted = manifest(component(*entries), version="2")

    delta = make(BASE, wanted)

    assert len(delta) < 600
    assert len(_manifest.render(wanted)) > 200_000
    assert _delta.apply(BASE, delta) == wanted


def plain(*items):
    return _canonical.dumps(
        {
            "name": "shop",
            "version": "2",
            "serial": 2,
            "components": [
                {
                    "name": "app",
                    "version": "2",
                    "kind": "files",
                    "path": ".",
                    "entries": list(items),
                }
            ],
        }
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"name":"shop","version":"2","serial":2,"components":[{}]}',
        b'{"name":"shop","version":"2","serial":2,"components":1}',
        plain([0, 2001]),
        plain([2000, 1]),
        plain([-1, 1]),
        plain([5, -2]),
        plain([5, 0]),
        plain([1]),
        plain([1, 1, 1]),
        plain([]),
        plain(["a", "b"]),
        plain([None, 1]),
        plain([[0], [1]]),
        plain(7),
        plain("0000"),
        plain({"path": "../up", "type": "dir"}),
        plain({"path": "a", "type": "fifo"}),
        plain({"path": "a", "type": "dir", "size": 5}),
    ],
)
def test_a_difference_that_makes_no_sense_is_refused(data):
    with pytest.raises(_manifest.ManifestError):
        _delta.apply(BASE, data)


@settings(max_examples=200)
@given(st.data())
def test_an_altered_difference_is_refused(data):
    wanted = manifest(component(file("0000", "new"), file("0001", "1")), version="2")
    delta = bytearray(make(BASE, wanted))
    at = data.draw(st.integers(0, len(delta) - 1))
    delta[at] ^= data.draw(st.integers(1, 255))
    digest = _manifest.digest_of(_manifest.render(wanted))

    with pytest.raises(_manifest.ManifestError):
        _manifest.verified(_delta.apply(BASE, bytes(delta)), digest)
