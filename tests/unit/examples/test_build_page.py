# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/build.md: its examples are read as it says, and its tables tell what there is."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from ansible_collections.itops.release.plugins.module_utils.building import _component
from ansible_collections.itops.release.plugins.plugin_utils.building import _plan
from ansible_collections.itops.release.plugins.plugin_utils.definition import _recipe, _release_file

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/build.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def rows(section):
    """Return the first cells of the table below the heading *section*."""
    part = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| (`.*?) \|", part, re.MULTILINE)


def test_the_example_is_built_in_the_order_that_it_says():
    api, web = _plan.components(_release_file.parse(BLOCKS[0], "release.yml"))

    assert (api["after"], web["after"]) == ([], ["api"])
    assert [step["timeout"] for step in api["steps"]] == [3600, 600, 3600]
    assert api["steps"][2]["argv"][:2] == ("/bin/sh", "-euc")
    assert api["passed"] == ["NPM_TOKEN"]


def test_the_example_of_secrets_gives_the_role_what_it_requires():
    (play,) = yaml.safe_load(BLOCKS[1])
    path = ROOT / "roles/build/meta/argument_specs.yml"
    options = yaml.safe_load(path.read_text("utf-8"))["argument_specs"]["main"]["options"]

    required = {name for name, option in options.items() if option.get("required")}
    assert set(play["roles"][0]["vars"]) == required


def test_every_kind_of_source_and_every_variable_is_told():
    assert [re.match(r"`(\w+)`", row)[1] for row in rows("release.yml")[1:]] == list(_recipe.KINDS)
    told = set(re.findall(r"`(\w+)`", " ".join(rows("What a step sees"))))
    own = {"PATH", "HOME", "TMPDIR", "SOURCE_DATE_EPOCH", "RELEASE_WORKSPACE", "RELEASE_VERSION"}
    assert told == own | set(_component.COMMON)
