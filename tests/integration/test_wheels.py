# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pinned wheels: what is not the pinned one, or is not safe to unpack, is refused."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest

from ansible_collections.itops.release.tests.integration.wheels import (
    FetchError,
    SourceArchive,
    Wheel,
)


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """Return ``cached(files)``, which puts a wheel into an empty cache and returns it."""
    monkeypatch.setenv("ITOPS_RELEASE_CACHE", str(tmp_path / "cache"))

    def put(files):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        wheel = Wheel("sample", "1", hashlib.sha256(content.getvalue()).hexdigest())
        kept = tmp_path / "cache/wheels" / f"{wheel.sha256}.whl"
        kept.parent.mkdir(parents=True)
        kept.write_bytes(content.getvalue())
        return wheel, kept

    return put


def test_unpack_writes_the_files_below_a_folder(cached, tmp_path):
    wheel, _kept = cached({"a/one": "1", "b/two": "2"})

    wheel.unpack(tmp_path / "tree", below="b/")

    assert (tmp_path / "tree/b/two").read_text() == "2"
    assert not (tmp_path / "tree/a").exists()


def test_a_cached_wheel_that_was_altered_is_refused(cached):
    wheel, kept = cached({"a": "1"})
    kept.write_bytes(kept.read_bytes() + b"more")

    with pytest.raises(FetchError, match="is not the pinned sample 1"):
        wheel.fetch()


def test_a_source_archive_is_kept_beside_the_wheels(cached):
    wheel, kept = cached({"a": "1"})
    kept.rename(kept.with_suffix(".tar.gz"))

    assert SourceArchive(wheel.project, "1", wheel.sha256).fetch() == kept.with_suffix(".tar.gz")


@pytest.mark.parametrize("name", ["/absolute", "a/../../out", "back\\slash"])
def test_a_path_that_leads_out_is_refused(cached, tmp_path, name):
    wheel, _kept = cached({name: "1"})

    with pytest.raises(FetchError, match="is not a safe path"):
        wheel.unpack(tmp_path / "tree")
