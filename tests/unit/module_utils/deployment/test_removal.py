# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal: ``current`` goes first, and contents of which the need is unknown stay."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.itops.release.tests.fakes.estate import Estate, sha256
from ansible_collections.itops.release.tests.fakes.steps import durable_steps


def test_uninstalling_removes_current_durably_before_the_first_tree(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, label = estate.host(), estate.seal("1", {"app": "one"})
    host.deploy(label)

    with durable_steps(monkeypatch) as steps:
        host.deploy(None, state="absent")

    order = [("unlink", "current"), ("fsync", host.root.name), ("rename", host.tree_of(label))]
    assert [step for step in steps if step in order][:3] == order


def test_retention_removes_no_contents_while_a_kept_manifest_cannot_be_read(
    estate: Estate,
) -> None:
    host = estate.host()
    labels = [estate.seal(str(n), {"app": str(n), "lib": f"lib {n}"}) for n in range(1, 4)]
    for label in labels[:2]:
        host.deploy(label)
    manifest = host.root / ".release/manifests" / labels[1].digest
    loses = [sys.executable, "-c", "import os, sys; os.unlink(sys.argv[1])", str(manifest)]

    removed = host.deploy(labels[2], restart=loses, keep=2)["removed"]

    assert removed == [host.tree_of(labels[0])]
    held = {path.name.partition(".")[0] for path in (host.root / ".release/objects").rglob("*")}
    assert {sha256("2"), sha256("lib 2")} <= held
