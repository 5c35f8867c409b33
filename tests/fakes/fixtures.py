# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where tests of plugins keep their files: in memory, where a thousand barriers cost nothing."""

from __future__ import annotations

import os
import pathlib
import tempfile

import pytest

from ansible_collections.itops.release.tests.fakes.estate import Estate

MEMORY = "/dev/shm"


@pytest.fixture
def tmp_path():
    folder = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="itops-release-", dir=folder) as path:
        yield pathlib.Path(path)


@pytest.fixture
def estate(tmp_path):
    return Estate(tmp_path)
