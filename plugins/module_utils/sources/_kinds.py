# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of component: a new kind is a new file, named here."""

from __future__ import annotations

from . import _kind_archive, _kind_files

# Each has SOURCE and is_source(path), what it is made of, and pack(source, globs, path, codec),
# which writes a component's layer and returns its entries.
KINDS = {"archive": _kind_archive, "files": _kind_files}
# To a host, these are the same: a release that is made of the same files has the same digest.
LAID_OUT_AS = {"archive": "files"}
