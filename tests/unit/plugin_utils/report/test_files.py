# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.report import _files


@pytest.mark.parametrize("name", ["web1", "shop-1.5", "a" * 100])
def test_a_plain_name_names_its_file(name):
    assert _files.file_of(name) == name


@pytest.mark.parametrize(
    "name", ["../x", ".hidden", "a/b", "ü", "a" * 101, "", "web 1", "-x", "a\n"]
)
def test_any_other_name_gets_one_that_is_safe(name):
    assert re.fullmatch(r"x-[0-9a-f]{24}", _files.file_of(name))
