# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of component: a new kind is a new file, named here."""

from __future__ import annotations

from . import _kind_files

# Each has pack(root, globs, path, codec), which writes a component's layer and returns its entries.
KINDS = {"files": _kind_files}
