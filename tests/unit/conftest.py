# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures that these tests have in common with others."""

from __future__ import annotations

from ansible_collections.itops.release.tests.fakes.fixtures import estate, tmp_path

__all__ = ["estate", "tmp_path"]
