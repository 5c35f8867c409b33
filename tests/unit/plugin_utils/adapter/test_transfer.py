# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import subprocess

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.loader import become_loader, shell_loader

from ansible_collections.itops.release.plugins.plugin_utils.adapter import _transfer

BLOCK = _transfer.BLOCK_BYTES
PART = _transfer.PART_BYTES


class Connection:
    """A connection to this very machine, with Ansible's interface."""

    def __init__(self):
        self._shell = shell_loader.get("sh")
        self.put = []
        self.options = {"pipelining": False}
        self.origin = "var: ansible_pipelining"
        self.become = None
        self.failure = None
        self.sees_volumes = True

    def get_option_and_origin(self, name):
        return self.options[name], self.origin

    def set_option(self, name, value):
        self.options[name] = value
        self.origin = "Direct"  # as Ansible has it, whatever it was before

    def put_file(self, source, target):
        if not self.sees_volumes and "/drop" in target:
            raise FileNotFoundError(target)
        self.put.append((os.path.getsize(source), target))
        shutil.copy(source, target)
        if self.failure:
            raise self.failure


class Action:
    """An action of Ansible whose host is this very machine."""

    def __init__(self, tmp_path, unprivileged):
        self._connection = Connection()
        self._tmp_path = tmp_path
        self._unprivileged = unprivileged
        self.parts = []
        self.twice = False

    def _is_become_unprivileged(self):
        return self._unprivileged

    def _make_tmp_path(self):
        (self._tmp_path / "near").mkdir()
        return f"{self._tmp_path}/near/"

    def _low_level_execute_command(self, command, sudoable=True, in_data=None):
        for _time in range(1 + (self.twice and in_data is not None)):
            done = subprocess.run(
                ["sh", "-c", command], input=in_data or b"", capture_output=True, check=False
            )
        if in_data:
            self.parts.append(len(in_data))
        return {
            "rc": done.returncode,
            "stdout": done.stdout.decode(),
            "stderr": done.stderr.decode(),
        }


@pytest.fixture
def pack(tmp_path):
    """A pack of two parts and a bit."""
    path = tmp_path / "cache/0123456789abcdef-none-zstd"
    path.parent.mkdir()
    path.write_bytes(os.urandom(2 * PART + 12345))
    return path


@pytest.fixture
def drop(tmp_path):
    path = tmp_path / "drop"
    path.mkdir()
    return path


def send(action, pack, drop, start=0):
    return _transfer.send(action, str(pack), str(drop), start)


def test_a_whole_pack_is_put_as_one_file(tmp_path, pack, drop):
    action = Action(tmp_path, unprivileged=False)

    assert send(action, pack, drop) == pack.stat().st_size

    assert (drop / "pack").read_bytes() == pack.read_bytes()
    assert action._connection.put == [(pack.stat().st_size, f"{drop}/pack")]


def test_only_the_rest_is_put_and_no_copy_of_it_stays(tmp_path, pack, drop):
    action = Action(tmp_path, unprivileged=False)

    assert send(action, pack, drop, start=1000) == pack.stat().st_size - 1000

    assert (drop / "kept.1000").read_bytes() == pack.read_bytes()[1000:]
    assert list(pack.parent.iterdir()) == [pack]


def test_nothing_is_put_when_all_is_there(tmp_path, pack, drop):
    action = Action(tmp_path, unprivileged=False)

    assert send(action, pack, drop, start=pack.stat().st_size) == 0

    assert action._connection.put == []


@pytest.mark.parametrize("start", [0, 1000])
def test_a_connection_that_sees_no_volumes_gets_it_there_all_the_same(tmp_path, pack, drop, start):
    action = Action(tmp_path, unprivileged=False)
    action._connection.sees_volumes = False

    send(action, pack, drop, start)

    (arrived,) = drop.iterdir()
    assert arrived.read_bytes() == pack.read_bytes()[start:]


@pytest.mark.parametrize("twice", [False, True], ids=["once", "each part twice"])
def test_another_user_gets_it_in_bounded_parts(tmp_path, pack, drop, twice):
    """Ansible sends a part again when a connection breaks, if it is told to."""
    action = Action(tmp_path, unprivileged=True)
    action.twice = twice

    assert send(action, pack, drop) == pack.stat().st_size

    assert (drop / "pack").read_bytes() == pack.read_bytes()
    assert action.parts == [PART, PART, 12345]


def test_another_user_gets_the_rest_from_a_whole_block_on(tmp_path, pack, drop):
    action = Action(tmp_path, unprivileged=True)
    arrived = PART + BLOCK + 77
    (drop / "kept").write_bytes(pack.read_bytes()[:arrived])

    sent = send(action, pack, drop, arrived)

    assert (drop / "kept").read_bytes() == pack.read_bytes()
    assert sent == pack.stat().st_size - PART - BLOCK == sum(action.parts)


def test_what_cannot_be_written_is_removed_and_told_in_a_line(tmp_path, pack, drop):
    action = Action(tmp_path, unprivileged=True)
    (drop / "pack").symlink_to("/dev/full")

    with pytest.raises(_transfer.TransferError, match=r"could not be sent: .*No space") as caught:
        send(action, pack, drop)

    assert "\n" not in str(caught.value)
    assert not drop.exists()


def test_what_cannot_be_put_is_removed_and_told_in_a_line(tmp_path, pack, drop):
    action = Action(tmp_path, unprivileged=False)
    action._connection.failure = AnsibleError("failed to transfer:\nno room")

    with pytest.raises(_transfer.TransferError, match=r"could not be sent: failed to .* no room"):
        send(action, pack, drop)

    assert not drop.exists()


def test_what_arrived_stays_when_the_link_breaks(tmp_path, pack, drop):
    action = Action(tmp_path, unprivileged=False)
    action._connection.failure = AnsibleConnectionFailure("gone")

    with pytest.raises(_transfer.TransferError) as caught:
        send(action, pack, drop)

    assert caught.value.code == "host_lost"

    assert (drop / "pack").exists()
    assert list(pack.parent.iterdir()) == [pack]


@pytest.mark.parametrize("unprivileged", [False, True])
def test_modules_go_through_input_for_another_unprivileged_user_only(tmp_path, unprivileged):
    action = Action(tmp_path, unprivileged)

    with contextlib.suppress(OSError), _transfer.modules_through_input(action):
        assert action._connection.options["pipelining"] is unprivileged
        raise OSError("a task that fails")

    assert action._connection.options["pipelining"] is False


def test_modules_go_through_input_where_nobody_has_decided(tmp_path):
    """What is sent as a file stays on the host, with its options, when the run is killed."""
    action = Action(tmp_path, unprivileged=False)
    action._connection.origin = "default"

    for _call in ("the first call of a task", "the second"):
        with _transfer.modules_through_input(action):
            assert action._connection.options["pipelining"] is True

        assert action._connection.options["pipelining"] is False


def test_an_unprivileged_user_does_not_undo_what_somebody_decided(tmp_path):
    action = Action(tmp_path, unprivileged=True)
    with _transfer.modules_through_input(action):
        assert action._connection.options["pipelining"] is True
    action._unprivileged = False

    with _transfer.modules_through_input(action):
        assert action._connection.options["pipelining"] is False


@pytest.mark.parametrize(("method", "pipelining"), [("sudo", True), ("su", False)])
def test_a_way_to_become_another_that_needs_a_terminal_keeps_it(tmp_path, method, pipelining):
    action = Action(tmp_path, unprivileged=True)
    action._connection.become = become_loader.get(method)
    action._connection.origin = "default"

    with _transfer.modules_through_input(action):
        assert action._connection.options["pipelining"] is pipelining


def test_a_connection_without_that_choice_is_left_alone(tmp_path):
    action = Action(tmp_path, unprivileged=True)
    action._connection.options.clear()

    with _transfer.modules_through_input(action):
        assert action._connection.options == {}


def test_a_link_that_is_gone_when_what_arrived_is_removed_is_a_lost_host(
    tmp_path, pack, drop, monkeypatch
):
    action = Action(tmp_path, unprivileged=False)
    action._connection.failure = AnsibleError("failed to transfer")

    def gone(*_arguments, **_options):
        raise AnsibleConnectionFailure("no route to host")

    monkeypatch.setattr(action, "_low_level_execute_command", gone)

    with pytest.raises(_transfer.TransferError, match="no route to host") as caught:
        send(action, pack, drop)

    assert caught.value.code == "host_lost"


def test_a_pack_is_read_where_others_look_for_leftovers(pack):
    """So that what a killed worker leaves there goes one day."""
    with _transfer.rest(str(pack), 1000) as path:
        assert pathlib.Path(path).parent == pack.parent
        assert pathlib.Path(path).name.startswith(".")
