# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be read counts as damaged: it is named, and mended like anything else."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.tests.fakes.estate import sha256
from ansible_collections.itops.release.tests.fakes.processes import as_plain_user

FILES = {"app": "one", "lib/a": "same"}


@pytest.fixture
def labels(estate):
    return [estate.seal(f"{n}.0", {**FILES, "app": str(n)}) for n in range(1, 4)]


@pytest.fixture
def host(estate, labels):
    host = estate.host()
    # Loads all the code: a plain user may not be allowed to read that.
    for label in labels:
        host.deploy(label, verify=True)
    host.deploy(None)
    host.deploy(None, state="absent")
    return host


def close(path):
    path.chmod(0)


def replace(path):
    """Put in the place of *path* what may not be read, as large: its content is another file."""
    size = path.stat().st_size
    path.unlink()
    path.write_bytes(bytes(size))
    path.chmod(0)


def replace_by_directory(path):
    path.unlink()
    (path / "deeper").mkdir(parents=True)


def drift_of(result):
    return {item["path"]: item["change"] for item in result["drift"]}


@pytest.mark.parametrize("harm", [close, replace], ids=lambda harm: harm.__name__)
def test_a_live_file_that_cannot_be_read_is_damage_and_is_mended(host, labels, tmp_path, harm):
    def mend():
        host.deploy(labels[0])
        harm(host.root / "current/app")
        found = dict(host.drift())
        foretold = host.deploy(labels[0], True, verify=True)
        return found, foretold, host.deploy(labels[0], verify=True), host.drift()

    found, foretold, mended, drift = as_plain_user(mend, tmp_path)

    assert "app" in found
    for result in (foretold, mended):
        assert "app" in drift_of(result)
        assert result["after"]["tree"] == host.tree_of(labels[0]) + ".2"
    assert drift == []


@pytest.mark.parametrize("harm", [close, replace], ids=lambda harm: harm.__name__)
def test_a_way_back_that_cannot_be_read_is_mended(host, labels, tmp_path, harm):
    def go_back():
        host.deploy(labels[0])
        host.deploy(labels[1])
        harm(host.root / "releases" / host.tree_of(labels[0]) / "app")
        host.deploy(None, True)
        return host.deploy(None), host.read("app"), host.drift()

    result, app, drift = as_plain_user(go_back, tmp_path)

    assert "app" in drift_of(result)
    assert (app, drift) == ("1", [])


HARMS = [close, replace, replace_by_directory]


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_a_content_that_cannot_be_read_is_sent_again(host, labels, tmp_path, harm):
    def deploy():
        host.deploy(labels[0])
        content = sha256("same")
        harm(host.root / ".release/objects" / content[:2] / content)
        host.deploy(labels[1], True)
        host.deploy(labels[1])
        return host.drift(), host.deploy(labels[2]), host.calls

    drift, _result, calls = as_plain_user(deploy, tmp_path)

    assert drift == []
    assert calls == 2  # the content is whole again


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_a_content_that_cannot_be_read_is_told_before_a_tree_is_laid_out_anew(
    host, labels, tmp_path, harm
):
    def mend():
        host.deploy(labels[0])
        content = sha256("same")
        harm(host.root / ".release/objects" / content[:2] / content)
        (host.root / "current/more").write_text("")
        foretold = host.deploy(labels[0], True, verify=True)
        return foretold, host.deploy(labels[0], verify=True), host.drift()

    foretold, mended, drift = as_plain_user(mend, tmp_path)

    assert foretold["after"]["tree"] == mended["after"]["tree"]
    assert drift == []


def test_a_manifest_that_cannot_be_read_comes_with_the_whole_release(host, labels, tmp_path):
    def mend():
        host.deploy(labels[0])
        close(host.root / ".release/manifests" / labels[0].digest)
        foretold = host.deploy(labels[0], True, verify=True)
        return foretold, host.deploy(labels[0], verify=True), host.drift()

    foretold, mended, drift = as_plain_user(mend, tmp_path)

    for result in (foretold, mended):
        assert drift_of(result) == {f".release/manifests/{labels[0].digest}": "missing"}
    assert drift == []
