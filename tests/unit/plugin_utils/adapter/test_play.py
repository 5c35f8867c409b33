# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables as a task sees them: no error has their values."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.itops.release.plugins.plugin_utils.adapter import _play

VARIABLES = {
    "vault_url": "json://s3cret",
    "of_inventory": trust_as_template("{{ vault_url }}/x"),
    "of_people": "{{ vault_url }}",
    "number": 5,
    "odd": trust_as_template("s3cret {{ missing }}"),
}


@pytest.fixture
def action():
    return SimpleNamespace(_templar=Templar(loader=DataLoader(), variables=VARIABLES))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vault_url", "json://s3cret"),
        ("of_inventory", "json://s3cret/x"),
        ("of_people", "{{ vault_url }}"),
    ],
)
def test_a_text_is_templated_where_the_inventory_has_a_template(action, name, expected):
    assert _play.text_of(action, VARIABLES, name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nothing", "the variable nothing is not defined"),
        ("number", "the variable number is not text"),
        ("odd", "the variable odd cannot be templated"),
    ],
)
def test_what_is_no_text_is_an_error_without_its_value(action, name, expected):
    with pytest.raises(_play.PlayError) as caught:
        _play.text_of(action, VARIABLES, name)

    assert str(caught.value) == expected
