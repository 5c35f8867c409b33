# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``releases_live``: only what hosts said in this run counts."""

from __future__ import annotations

from ansible_collections.itops.release.plugins.filter import releases_live

LIVE = {"name": "shop", "version": "1", "serial": 1, "digest": "a" * 64, "tree": "t"}


def test_what_is_live_on_hosts_is_gathered_or_why_it_is_not_known():
    answered = {"deployment": {"live": LIVE, "previous": None, "trial": None, "releases": []}}
    hostvars = {
        "h1": {"info": answered},
        "h2": {"info": {"unreachable": True, "msg": "x"}},
        "h3": {"info": {"msg": "Task failed: no such\nroot"}},
        "h4": {},
        "h5": {"info": answered},
    }

    found = releases_live.FilterModule().filters()["releases_live"](
        list(hostvars), hostvars, "info", ["h1", "h2", "h3", "h4"]
    )
    assert found == {
        "h1": {"live": LIVE, "previous": None},
        "h2": {"unknown": "unreachable"},
        "h3": {"unknown": "no such root"},
        "h4": {"unknown": "was not asked"},
        "h5": {"unknown": "left out by --limit, or lost earlier in this run"},
    }
