# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of a plan with domains is read, and is the one on the page about plans."""

from __future__ import annotations

from pathlib import Path

import yaml

from ansible_collections.itops.release.plugins.plugin_utils.plan import _file

ROOT = Path(__file__).resolve().parents[3]


def test_the_example_is_read_and_is_the_one_on_the_page():
    plan, _lines = _file.read(str(ROOT / "examples/train.yml"))
    page = (ROOT / "docs/plan.md").read_text(encoding="utf-8")
    shown = page.partition("# plans/checkout-2.yml\n")[2].partition("```")[0]

    assert [domain.name for domain in plan.domains] == ["db", "api", "web"]
    assert plan.domain("web").back_out_with == ("api",)
    assert yaml.safe_load(shown) == plan.plain
