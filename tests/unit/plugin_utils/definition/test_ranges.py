# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of versions, by PEP 440 and by SemVer."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.definition import _ranges


@pytest.mark.parametrize(
    ("scheme", "text", "inside", "outside"),
    [
        ("pep440", "api", ["0", "99.9.dev1"], []),
        ("pep440", "api >=3.1,<4", ["3.1", "3.99.0", "3.2rc1"], ["3.0.2", "4.0", "3.1rc1"]),
        ("pep440", "api>= 3.1 , < 4", ["3.1"], ["4.0"]),
        ("pep440", "api ~=2.4", ["2.5"], ["3.0", "2.3"]),
        ("pep440", "api !=1.5", ["1.4"], ["1.5", "1.5.0"]),
        ("semver", "api", ["0.0.1"], []),
        ("semver", "api ^3.1", ["3.1.0", "3.99.0"], ["3.0.2", "4.0.0"]),
        ("semver", "api >=3.1.0, <4.0.0", ["3.1.0"], ["4.0.0", "4.0.0-rc.1", "3.1.0-x.7.z.92"]),
        ("semver", "api ~1.2.3", ["1.2.9"], ["1.3.0"]),
    ],
)
def test_a_range_has_the_versions_that_its_scheme_says(scheme, text, inside, outside):
    found = _ranges.parse(text, scheme)

    assert found.name == "api"
    assert [version for version in inside + outside if found.has(version)] == inside


@pytest.mark.parametrize("scheme", _ranges.SCHEMES)
@pytest.mark.parametrize(
    "text",
    ["", " ", ">=3", "Api >=3", "api >=", "api 3 4", "api; rm", "api\n>=x", "api <", "-x"],
)
def test_what_is_no_range_is_refused_with_an_example(scheme, text):
    with pytest.raises(_ranges.RangeError, match="expected a name and a range by"):
        _ranges.parse(text, scheme)


@pytest.mark.parametrize(
    ("scheme", "version"), [("pep440", "1.0.0-x.7.z.92"), ("semver", "1.2"), ("semver", "01.2.3")]
)
def test_a_version_of_another_scheme_is_refused(scheme, version):
    with pytest.raises(_ranges.RangeError, match="is no version by"):
        _ranges.parse("api >=1.0.0", scheme).has(version)
    with pytest.raises(_ranges.RangeError, match="is no version by"):
        _ranges.check_version(version, scheme)


def test_a_range_is_written_as_people_write_it():
    assert str(_ranges.parse("api >=3.1,<4", "pep440")) == "api >=3.1,<4"
    assert str(_ranges.parse(" api ", "pep440")) == "api"
