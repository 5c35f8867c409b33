# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switch of a trial, forward and back: durable, and never over a foreign ``current``."""

from __future__ import annotations

import os
import sys

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _trial
from ansible_collections.itops.release.plugins.module_utils.root import _directory
from ansible_collections.itops.release.tests.fakes.estate import Estate
from ansible_collections.itops.release.tests.fakes.steps import durable_steps

TAKEN_AWAY = """
import os, sys
os.unlink(sys.argv[1])
os.symlink("/elsewhere", sys.argv[1])
sys.exit(1)
"""


def test_a_current_removed_with_a_first_release_is_durable_before_the_state(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, label = estate.host(), estate.seal("1", {"app": "one"})
    fails = {"command": [sys.executable, "-c", "raise SystemExit(1)"]}

    with durable_steps(monkeypatch) as steps, pytest.raises(_trial.PutBack):
        host.deploy(label, probe=fails)

    after = steps[steps.index(("unlink", "current")) + 1 :]
    assert after.index(("fsync", host.root.name)) < after.index(("rename", "state.json"))
    assert host.current is None


@pytest.mark.parametrize("earlier", [True, False])
def test_a_current_made_foreign_during_a_trial_is_refused_and_untouched(
    estate: Estate, earlier: bool
) -> None:
    host, current = estate.host(), estate.folder / "srv/shop/current"
    first, second = estate.seal("1", {"app": "one"}), estate.seal("2", {"app": "two"})
    if earlier:
        host.deploy(first)
    takes_away = {"command": [sys.executable, "-c", TAKEN_AWAY, str(current)]}

    with pytest.raises(_directory.RootError, match="not ours: nothing was touched"):
        host.deploy(second, probe=takes_away)

    assert os.readlink(current) == "/elsewhere"
