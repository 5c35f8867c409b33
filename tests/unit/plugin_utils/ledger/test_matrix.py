# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.ledger import _matrix

NOW = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)
ENVIRONMENTS = ("test", "staging", "production")


def row(host, version="1.5.0", environment="test", since="2026-11-27T19:00:00.000Z", **changes):
    known = {"application": "shop", "phase": "live", "actor": "ada", "root": "/srv"}
    told = {"host": host, "version": version, "environment": environment, "since": since}
    return {**known, **told, **changes}


def test_each_application_has_a_cell_for_each_environment():
    cells = _matrix.cells(
        [
            row("web2", since="2026-11-28T00:00:00.000Z", actor="ben"),
            row("web1"),
            row("db1", "7", environment=None, application="billing"),
        ]
    )

    assert [(cell.application, cell.environment) for cell in cells] == [
        ("billing", "-"),
        ("shop", "test"),
    ]
    shop = cells[1].to_plain()
    assert shop["versions"] == [{"version": "1.5.0", "hosts": 2}]
    assert (shop["hosts"], shop["since"], shop["by"]) == (2, "2026-11-28T00:00:00.000Z", "ben")


def test_the_table_has_the_environments_in_their_order():
    cells = _matrix.cells(
        [
            row("web1"),
            row("web1", "1.4.2", "production"),
            row("web2", "1.4.2", "production"),
            row("web3", "1.5.0", "production", phase="on trial"),
            row("db1", "7", "elsewhere", application="billing"),
        ]
    )

    lines = _matrix.table(cells, ENVIRONMENTS, NOW)
    two = "1.4.2 on 2, 1.5.0 on 1, 1 on trial  2 d 17 h"
    assert [" ".join(line.split()) for line in lines] == [
        "application test production elsewhere",
        "billing - - 7 2 d 17 h",
        f"shop 1.5.0 2 d 17 h {' '.join(two.split())} -",
    ]
    assert lines[0].index("elsewhere") == lines[1].index("7") == len(lines[2]) - 1


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("2026-11-30T12:00:00.000Z", "just now"),
        ("2026-11-30T11:59:01.000Z", "just now"),
        ("2026-11-30T11:01:00.000Z", "59 min"),
        ("2026-11-30T10:30:00.000Z", "1 h 30 min"),
        ("2026-11-20T12:00:00.000Z", "10 d"),
        ("2026-11-30T12:30:00.000Z", "just now"),  # the clock of another controller
    ],
)
def test_an_age_has_two_units_at_most(time, said):
    assert _matrix.age(time, NOW) == said
