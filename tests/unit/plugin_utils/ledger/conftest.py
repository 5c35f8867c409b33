# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where ledgers of tests are: each test runs on SQLite, and again on PostgreSQL."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.tests.fakes import postgresql


@pytest.fixture(scope="session")
def postgresql_server():
    """Return a running Server, the same for all tests of this process."""
    with postgresql.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Return a place where no ledger is yet."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    return request.getfixturevalue("postgresql_server").database()
