# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A local user who swaps directories for links, whenever and wherever it may, gains nothing.

Nothing outside of what root works on is written, given away, removed, or even opened.
"""

from __future__ import annotations

import os
import pathlib
import tempfile

import pytest

from ansible_collections.itops.release.tests.faults import attacks
from ansible_collections.itops.release.tests.faults.attacking import Attacker

FEWEST_SWAPS = 300
ROUNDS = 2
MANY_ROUNDS = 40


@pytest.fixture
def folder(memory):
    if os.geteuid() != 0:
        pytest.skip("only root can work for, and against, another user")
    with tempfile.TemporaryDirectory(prefix="attack-", dir=memory) as made:
        for path in (memory, pathlib.Path(made)):
            path.chmod(0o711)
        yield pathlib.Path(made)


@pytest.mark.parametrize("name", attacks.ATTACKS)
def test_nothing_outside_is_touched(name, folder, every_point, record_property):
    calls = done = swaps = 0
    for number in range(MANY_ROUNDS if every_point else ROUNDS):
        place = folder / str(number)
        place.mkdir()
        arena, canary = attacks.make_arena(place)
        with canary:
            with Attacker(canary.folder) as attacker:
                arena.attacker = attacker
                for act in attacks.ATTACKS[name](arena):
                    done += arena.attempt(act)
                    calls += 1
                    assert canary.problems() == []
                swaps += attacker.swaps
    record_property("attacked", [name, calls, done, swaps])

    assert swaps > FEWEST_SWAPS
