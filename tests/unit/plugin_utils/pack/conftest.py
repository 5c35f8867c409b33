# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A closed plan, which the tests of this room only read."""

from __future__ import annotations

import os
import pathlib
import tempfile

import pytest

from ansible_collections.itops.release.tests.fakes.evidence_packs import Closed


@pytest.fixture(scope="package")
def closed():
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="itops-release-", dir=memory) as folder:
        yield Closed(pathlib.Path(folder))
