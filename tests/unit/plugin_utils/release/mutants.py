# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/release/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check

ABOUT = "plugin_utils/release/_about.py"
DISK_SPACE = "plugin_utils/release/_disk_space.py"
SCRIPTS = "plugin_utils/release/_scripts.py"
ABOUT_TESTS = "unit/plugin_utils/release/test_about.py"
DISK_SPACE_TESTS = "unit/plugin_utils/release/test_disk_space.py"
SCRIPTS_TESTS = "unit/plugin_utils/release/test_scripts.py"

MUTANTS = (
    Mutant(
        "reading no materials whose commits are none",
        ABOUT,
        '"commit" not in value or _command.COMMIT.match(value["commit"]) is not None',
        "True",
        f"{ABOUT_TESTS} another_form",
    ),
    Mutant(
        "room for whole blocks",
        DISK_SPACE,
        "return -(-size // BLOCK_BYTES) * BLOCK_BYTES",
        "return size",
        f"{DISK_SPACE_TESTS} whole_blocks",
    ),
    Mutant(
        "inodes as well as bytes",
        DISK_SPACE,
        'free["inodes"] is None or needed.inodes <= free["inodes"]',
        "True",
        f"{DISK_SPACE_TESTS} both",
    ),
    Mutant(
        "room for contents of the other exec bit",
        DISK_SPACE,
        "entry.exec",
        "False",
        f"{DISK_SPACE_TESTS} exec_bit",
        within="_objects",
    ),
    Mutant(
        "keeping free what a release requires",
        DISK_SPACE,
        "left < spare",
        "left < 0",
        f"{DISK_SPACE_TESTS} must_stay_free",
        within="check",
    ),
    check(
        "holding hooks to those that were sealed",
        SCRIPTS,
        "digest not in digests",
        f"{SCRIPTS_TESTS} what_is_right",
    ),
    check(
        "holding scripts to those that were sealed",
        SCRIPTS,
        'digest != script["sha256"]',
        f"{SCRIPTS_TESTS} difference",
    ),
    Mutant(
        "reading the scripts of a manifest only in their form",
        SCRIPTS,
        'return checked(dict(manifest.about).get("scripts", {}))',
        'return dict(manifest.about).get("scripts", {})',
        f"{SCRIPTS_TESTS} another_form",
    ),
)
