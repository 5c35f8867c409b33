# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests are found beside what they test: tests/unit/<side>/<room>/test_<file>.py."""

from __future__ import annotations

import pathlib

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = ROOT / "tests/unit"
# What is tested is not a plugin file, or one file of tests is not enough.
OTHERWISE = {
    "action/test_attesting.py": "evidence that sealing attaches, through release_package",
    "action/test_sealing_builds.py": "sealing what was built, through release_package",
    "filter/test_beside.py": "hosts_beside and releases_beside, which work on each other's results",
    "module_utils/deployment/test_host_call_check_mode.py": "_host_call: predictions against runs",
    "module_utils/sources/test_archive_hostile.py": "_archive: damaged and hostile archives",
    "modules/test_documentation.py": "all modules and actions alike",
    "plugin_utils/events/test_report_of_builds.py": "_report: runs that build",
    "plugin_utils/gates/test_prognosis.py": "all gates: a prognosis against the answers then",
    "plugin_utils/library/test_store_pruning.py": "_store: pruning",
    "plugin_utils/registry/test_repository_access.py": "_repository: credentials, TLS, redirects",
}
NO_PLUGINS = ("examples", "roles", "scripts")  # what these folders mirror lies beside plugins
TESTS = sorted(
    path.relative_to(UNIT).as_posix()
    for path in UNIT.glob("*/**/test_*.py")
    if path.relative_to(UNIT).parts[0] not in NO_PLUGINS
)


def plugin_of(test: str) -> list[pathlib.Path]:
    """Return the plugin files that a file of tests may be named for."""
    folder, name = ROOT / "plugins" / pathlib.Path(test).parent, pathlib.Path(test).name
    return [folder / name.replace("test_", prefix, 1) for prefix in ("_", "")]


@pytest.mark.parametrize("test", TESTS)
def test_each_file_of_tests_is_named_for_a_plugin_file_or_has_a_reason(test: str) -> None:
    named = any(path.is_file() for path in plugin_of(test))

    assert named != (test in OTHERWISE)


def test_each_reason_is_for_a_file_that_is_there() -> None:
    assert OTHERWISE.keys() - set(TESTS) == set()


def test_what_was_never_released_has_no_fixes() -> None:
    released = yaml.safe_load((ROOT / "changelogs/changelog.yaml").read_text("utf-8"))["releases"]
    fragments = (ROOT / "changelogs/fragments").glob("*.yml")
    sections = {key for path in fragments for key in yaml.safe_load(path.read_text("utf-8"))}

    assert released or sections <= {"release_summary", "major_changes", "minor_changes"}
