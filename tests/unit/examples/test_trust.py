# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of a trust file: it is read, and says what the page on signatures says."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.itops.release.plugins.plugin_utils.evidence import _trust

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def test_the_example_is_read():
    trust = _trust.read(str(EXAMPLES / "trust.yml"))

    assert trust.deploy == ("build", "release")
    assert trust.roles["release"].threshold == 2
    assert [key.name for key in trust.roles["release"].keys] == [
        "ada@example.org",
        "Ben, on call",
        "eve@example.org",
    ]
