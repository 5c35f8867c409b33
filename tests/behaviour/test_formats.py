# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a newer version wrote on a host: refused by name where it has to be read, never damaged."""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.plugins.module_utils.root import _directory, _history
from ansible_collections.itops.release.tests.fakes.estate import snapshot


def test_a_manifest_of_a_newer_version_is_not_taken_for_a_damaged_one(estate, monkeypatch):
    host = estate.host()
    with monkeypatch.context() as newer:
        newer.setattr(_manifest, "FORMAT", 2)
        label = estate.seal("1.0", {"app": "1"})
        host.deploy(label)
    before = snapshot(host.root)

    refusal = r"manifests/.* has format 2, and this itops\.release reads up to 1: upgrade it"
    with pytest.raises(_directory.RootError, match=refusal):
        host.drift()
    with pytest.raises(_directory.RootError, match=refusal):
        host.deploy(label, verify=True)

    assert snapshot(host.root) == before


def test_a_history_of_a_newer_version_is_refused_and_appended_to(estate):
    host = estate.host()
    host.deploy(estate.seal("1.0", {"app": "1"}))
    path = host.root / ".release/history.jsonl"
    with open(path, "ab") as stream:
        stream.write(b'{"event":"novelty","format":3}\n')

    with _directory.opened(os.fspath(host.root)) as root:
        with pytest.raises(_directory.RootError, match=r"history\.jsonl has format 3, .* up to 2"):
            _history.read(root, 10)
        _history.append(root, {"event": "accepted"})
        assert _history.read(root, 1) == [{"event": "accepted", "format": 1}]
        _history.append(root, {"event": "accepted", "ledger": {"sequence": 1}})
        assert _history.read(root, 1)[0]["format"] == 2
    assert b"novelty" in path.read_bytes()


@pytest.mark.parametrize("line", [b"{\n", b"[]\n", b"{}\n"])
def test_a_history_that_cannot_be_read_is_told_in_a_line(estate, line):
    host = estate.host()
    host.deploy(estate.seal("1.0", {"app": "1"}))
    with open(host.root / ".release/history.jsonl", "ab") as stream:
        stream.write(line)

    with _directory.opened(os.fspath(host.root)) as root:
        with pytest.raises(_directory.RootError, match=r"history\.jsonl cannot be read"):
            _history.read(root, 10)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("state.json", _directory.Root.read_state),
        ("history.jsonl", lambda root: _history.read(root, 10)),
    ],
)
@pytest.mark.parametrize("mask", [0x01, 0x02, 0x20])
def test_what_a_root_remembers_is_refused_when_any_byte_was_altered(estate, name, read, mask):
    host = estate.host()
    host.deploy(estate.seal("1.0", {"app": "1"}))
    path = host.root / ".release" / name
    data = path.read_bytes()

    with _directory.opened(os.fspath(host.root)) as root:
        for at in range(len(data) - 1):
            path.write_bytes(data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :])
            with pytest.raises(_directory.RootError, match=rf"{name} (cannot be read|has )"):
                read(root)


def test_what_an_earlier_version_remembered_has_no_sum(estate):
    host = estate.host()
    host.deploy(estate.seal("1.0", {"app": "1"}))
    path = host.root / ".release/state.json"
    plain = json.loads(path.read_bytes())
    del plain["sum"]
    path.write_text(json.dumps(plain))

    assert host.deploy(estate.seal("2.0", {"app": "2"}))["before"]["version"] == "1.0"
    assert "sum" in json.loads(path.read_bytes())


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("access", {"uid": 0, "gid": 0, "access": "all"}),
        ("access", {"uid": 0, "gid": 0}),
        ("lease", {"run": "one"}),
        ("switching", {}),
        ("trees", {"1.0": []}),
    ],
)
def test_a_state_whose_parts_are_not_whole_is_told_in_a_line(estate, part, value):
    host = estate.host()
    host.deploy(estate.seal("1.0", {"app": "1"}))
    path = host.root / ".release/state.json"
    plain = {**json.loads(path.read_bytes()), part: value}
    del plain["sum"]
    path.write_text(json.dumps(plain))

    with pytest.raises(_directory.RootError, match=r"state\.json cannot be read"):
        host.deploy(estate.seal("2.0", {"app": "2"}))
