# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions share: where packs are kept, what the host's half gets."""

from __future__ import annotations

from ansible_collections.itops.release.plugins.plugin_utils import _action


def test_packs_are_kept_in_the_users_cache(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/cache")
    assert _action.cache_directory() == "/var/tmp/cache/itops-release/packs"

    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/home/olga")
    assert _action.cache_directory() == "/home/olga/.cache/itops-release/packs"


def test_an_option_left_out_is_left_out_for_the_host_too():
    given = {"a": 0, "b": None, "c": False, "d": [], "probe": {"url": "u", "command": None}}

    assert _action.to_module(given) == {"a": 0, "c": False, "d": [], "probe": {"url": "u"}}
