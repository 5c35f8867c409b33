# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations on a host that are swept, one a row."""

from __future__ import annotations

import os

from ansible_collections.itops.release.tests.faults.operations import (
    DAMAGED,
    FOREIGN,
    NOTHING,
    OLDER_FOREIGN,
    OWNER,
    Operation,
    made_live,
)

WELL = ["/bin/sh", "-c", "test -s {root}/current/app"]
ILL = ["/bin/sh", "-c", "grep -q 'version 1' {root}/current/app"]


def lose_and_add(tree):
    """Do what can be mended from what the host holds."""
    (tree / "lib/common").unlink()
    (tree / "extra").write_text("not ours")


def tamper(tree):
    """Do what needs a pack: a file and the content that is kept of it are one."""
    (tree / "app").write_text("tampered")


def look_old(tree):
    """Let the times of the trees tell another order than that in which they were staged."""
    for number, path in enumerate(sorted(tree.parent.joinpath("releases").iterdir(), reverse=True)):
        os.utime(path, (number, number))


ALL = (
    Operation("ask for a pack", ("1",), "2", old="1", new="2", stay=("1",), back="1"),
    Operation(
        "stage", ("1",), "2", "1", "1", ("1",), params={"state": "staged"}, sent=True, thorough=True
    ),
    Operation("first release", (), "1", new="1", sent=True),
    Operation(
        "replace",
        ("1",),
        "2",
        "1",
        "2",
        ("1",),
        back="1",
        params={"probe": WELL},
        sent=True,
        thorough=True,
    ),
    Operation(
        "put back",
        ("1",),
        "2",
        "1",
        "1",
        ("1",),
        tried="2",
        params={"probe": ILL},
        sent=True,
        fails=True,
    ),
    Operation(
        "roll back", ("1", "2"), None, "2", "1", ("1",), params={"probe": WELL}, thorough=True
    ),
    Operation(
        "mend",
        ("1", "2"),
        "2",
        DAMAGED,
        "2",
        ("1",),
        back="1",
        params={"verify": True},
        damage=lose_and_add,
    ),
    Operation(
        "mend by a pack",
        ("1", "2"),
        "2",
        DAMAGED,
        "2",
        ("1",),
        back="1",
        params={"verify": True},
        sent=True,
        damage=tamper,
    ),
    Operation(
        "clean",
        ("1", "2", "3"),
        "4",
        "1",
        "4",
        ("1", "3"),
        back="1",
        params={"keep": 3, "found": ("rolled back", "rolled back", "staged")},
        damage=look_old,
    ),
    Operation(
        "remove one",
        ("1", "2", "3"),
        "1",
        "3",
        "3",
        ("2", "3"),
        back="2",
        params={"state": "absent"},
    ),
    Operation(
        "replace, then remove", ("1",), "2", "1", "2", ("1",), back="1", sent=True, removed_next="2"
    ),
    Operation("roll back, then remove", ("1", "2"), None, "2", "1", ("1",), removed_next="1"),
    Operation("remove all", ("1", "2"), None, "2", NOTHING, params={"state": "absent"}),
    Operation(
        "give it to its owner",
        (),
        "1",
        new="1, owned",
        params=OWNER,
        sent=True,
    ),
    Operation(
        "adopt from Capistrano",
        (),
        "1",
        FOREIGN,
        "1",
        (FOREIGN, OLDER_FOREIGN),
        back=FOREIGN,
        layout="{root}/releases/" + FOREIGN,
        params={"adopt": True},
        sent=True,
    ),
    Operation(
        "adopt from ansistrano",
        (),
        "2",
        FOREIGN,
        FOREIGN,
        (FOREIGN, OLDER_FOREIGN),
        tried="2",
        layout="./releases/" + FOREIGN,
        params={"adopt": True, "probe": ILL},
        sent=True,
        fails=True,
    ),
    Operation(
        "remove all but the adopted",
        ("1", "2"),
        None,
        "2",
        NOTHING,
        (FOREIGN, OLDER_FOREIGN),
        layout="releases/" + FOREIGN,
        params={"state": "absent"},
    ),
    Operation(
        "revert a trial",
        ("1", "2"),
        None,
        "3",
        "2",
        ("1", "2"),
        back="1",
        params={"state": "reverted", "run": made_live("3"), "found": ("on trial",)},
        thorough=True,
    ),
    Operation(
        "revert a commit",
        ("1", "2", "3"),
        None,
        "3",
        "2",
        ("1", "2"),
        back="1",
        params={"state": "reverted", "run": made_live("3"), "probe": WELL},
        thorough=True,
    ),
    Operation(
        "revert a rollback",
        ("1", "2", "3"),
        None,
        "2",
        "3",
        ("2", "3"),
        back="2",
        params={"state": "reverted", "run": "a rollback", "found": ("rolled back",)},
    ),
    Operation(
        "revert the first",
        ("1",),
        None,
        "1",
        NOTHING,
        ("1",),
        params={"state": "reverted", "run": made_live("1")},
    ),
    Operation("mark bad", ("1", "2"), "1", "2", "2", ("1", "2"), params={"mark": "bad"}),
)
