# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses are shown without credentials and queries; paths as they are."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.git import _address


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("https://ada:secret@example.org/shop.git", "https://example.org/shop.git"),
        ("https://example.org/a.tar.gz?token=secret", "https://example.org/a.tar.gz"),
        ("https://example.org/a.tar.gz#secret", "https://example.org/a.tar.gz"),
        ("ssh://git@example.org/shop.git", "ssh://example.org/shop.git"),
        ("/srv/what? #1", "/srv/what? #1"),
        ("requests==2.31.0", "requests==2.31.0"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(place, shown):
    assert _address.shown(place) == shown
