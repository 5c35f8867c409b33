# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that lacks what a release requires is told what that is, and what it has."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.definition import (
    _host_requirements,
    _ranges,
    _release_file,
)

DEBIAN = {
    "os": 'ID=debian\nVERSION_ID="12"\n',
    "architecture": "x86_64",
    "python": "3.11.2",
}


def problems(required, **there):
    return _host_requirements.find_problems(required, {**DEBIAN, **there}, "web1")


@pytest.mark.parametrize(
    ("required", "there"),
    [
        ({}, {"os": "", "architecture": "vax", "python": "2.7.1"}),
        ({"os": ["debian"]}, {}),
        ({"os": ["debian"]}, {"os": "ID=debian\n"}),
        ({"os": ["ubuntu >=22.04", "debian >=12,<14"]}, {}),
        ({"os": ["ubuntu ==22.04"]}, {"os": "VERSION_ID='22.04'\nID=ubuntu\n"}),
        ({"os": ["opensuse-leap ~=15.4"]}, {"os": 'ID="opensuse-leap"\nVERSION_ID="15.6"\n'}),
        ({"architecture": ["aarch64", "x86_64"]}, {}),
        ({"python": ">=3.9,<4"}, {}),
        ({"free_disk": 10**15}, {}),
    ],
    ids=str,
)
def test_a_host_that_has_what_is_required_will_do(required, there):
    assert problems(required, **there) == []


@pytest.mark.parametrize(
    ("required", "there", "said"),
    [
        ({"os": ["debian >=13"]}, {}, "requires debian >=13; web1 is debian 12"),
        (
            {"os": ["ubuntu", "rocky >=9"]},
            {},
            "requires ubuntu or rocky >=9; web1 is debian 12",
        ),
        ({"os": ["debian >=12"]}, {"os": "ID=debian\n"}, "requires debian >=12; web1 is debian"),
        ({"os": ["debian >=12"]}, {"os": ""}, "requires debian >=12; web1 is an unknown system"),
        (
            {"os": ["arch >=1"]},
            {"os": "ID=arch\nVERSION_ID='rolling"},
            "requires arch >=1; web1 is arch 'rolling",
        ),
        (
            {"architecture": ["aarch64", "riscv64"]},
            {},
            "requires the architecture aarch64 or riscv64; web1 has x86_64",
        ),
        ({"python": ">=3.12"}, {}, "requires python >=3.12; web1 has python 3.11.2"),
    ],
    ids=str,
)
def test_what_a_host_lacks_is_told_with_what_it_has(required, there, said):
    assert problems(required, **there) == [said]


def test_all_that_is_missing_is_told():
    assert len(problems({"os": ["rocky"], "architecture": ["vax"], "python": ">=4"})) == 3


@pytest.mark.parametrize("required", [{"os": ["debian 12"]}, {"python": "three"}, {"os": ["=="]}])
def test_what_cannot_be_read_is_refused_before_it_is_sealed(required):
    with pytest.raises(_ranges.RangeError):
        _host_requirements.check(required)


def test_what_cannot_be_read_is_refused_with_its_place():
    text = """
name: shop
version: "1"
serial: 1
requires_hosts:
  python: three
components: [{name: app, kind: files}]
"""
    with pytest.raises(_release_file.ReleaseFileError) as caught:
        _release_file.parse(text, "release.yml")
    assert str(caught.value).startswith("release.yml:5: requires_hosts: 'python three'; expected a")
