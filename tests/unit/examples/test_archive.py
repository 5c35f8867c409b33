# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of an archive: it is a release as this version reads it."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file

EXAMPLE = Path(__file__).resolve().parents[3] / "examples/archive/release.yml"


def test_the_example_is_read():
    config, vendor = _release_file.parse(EXAMPLE.read_text("utf-8"), "release.yml").components

    assert (config.kind, vendor.kind, vendor.strip) == ("files", "archive", 1)
    assert vendor.limits == {"size": 8 * 1024**3, "entries": 200_000, "ratio": 500}
