# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release as a media library holds it, and its label: digest, name, version and serial."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...module_utils.release import _manifest


class Label(NamedTuple):
    """What a release is called; only the digest is its identity, the rest is checked against it."""

    digest: str
    name: str
    version: str
    serial: int


class Stored(NamedTuple):
    """A release in the library: its Label, its verified Manifest, and its layers by component.

    Each layer is an OCI descriptor.
    """

    label: Label
    manifest: _manifest.Manifest
    layers: dict[str, dict[str, Any]]
    stored_bytes: int
    pinned: bool = False
