# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files held to a schema: what is quickly found to fit is what the library for schemas accepts."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.definition import _schema_file

RELEASE = {
    "name": "shop",
    "version": "1.0",
    "serial": 1,
    "components": [{"name": "app", "kind": "files", "include": ["**"], "case_sensitive": True}],
}
VALUES = st.sampled_from(
    [None, True, 0, -1, 1.0, 2**60, "", "x", "A b", "shop\n", [], ["a"], [1], {}, {"name": "a"}]
)
PLACES = [
    (),
    *((key,) for key in [*RELEASE, "unknown", 7]),
    ("components", 0),
    *(("components", 0, key) for key in ["name", "kind", "include", "case_sensitive", "more"]),
    ("components", 0, "include", 0),
]


def with_change(place, value):
    """Return RELEASE with *value* at *place*, or without what is there where value is ``...``."""
    plain = {"": copy.deepcopy(RELEASE)}
    holder, key = plain, ""
    for part in place:
        holder, key = holder[key], part
    if value is ... and key != "":
        if isinstance(holder, list) or key in holder:
            del holder[key]
    else:
        holder[key] = value
    return plain[""]


@settings(max_examples=300)
@given(st.sampled_from(PLACES), VALUES | st.just(...))
def test_what_fits_quickly_is_what_the_library_accepts(place, value):
    rules = _schema_file.schema("release")
    plain = with_change(place, value)

    assert _schema_file.fits(plain, rules, rules) == (not _schema_file.find_errors(plain, rules))


@pytest.mark.parametrize(
    "rule", [{}, {"type": "string", "format": "uri"}, {"additionalProperties": True}]
)
def test_what_is_not_known_of_a_schema_is_left_to_the_library(rule):
    assert not _schema_file.fits("x", rule, rule)
    assert not _schema_file.find_errors("x", rule)
