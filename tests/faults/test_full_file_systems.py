# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""File systems that are really full, out of inodes or read-only: nothing is lost, a line says why.

A deployment is tried again and again, each time with a little more room, until it fits.
"""

from __future__ import annotations

import errno
import os
import subprocess

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _transaction
from ansible_collections.itops.release.tests.fakes.estate import Host
from ansible_collections.itops.release.tests.faults.operations import LINKS, look

PAGE = 4096
MOST_STEPS = 200
SEALED = {"seed": True, "linked_paths": LINKS}


@pytest.fixture
def disk(tmp_path):
    """Make a small file system; its options can be changed with ``mount -o remount``."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = "size=2m,nr_inodes=2000"
    tried = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "itops-release", str(folder)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if tried.returncode:
        pytest.skip(f"no file system can be mounted here: {tried.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, stdin=subprocess.DEVNULL)


def remount(folder, options):
    command = ["mount", "-o", f"remount,{options}", str(folder)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def refused(host, label, **params):
    """Return the line by which a deployment is refused, None where it is not."""
    try:
        assert host.deploy(label, **SEALED, **params)["changed"]
    except OSError as error:
        line = _transaction.refusal(error, host.request()).text
        assert line.isprintable()
        assert str(host.root) in line
        return line
    return None


def leave_bytes(folder, pages):
    """Fill the file system *folder* but for some pages."""
    ballast = folder / "ballast"
    ballast.unlink(missing_ok=True)
    status = os.statvfs(folder)
    with open(ballast, "wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, (status.f_bfree - pages) * PAGE)


def leave_inodes(folder, inodes):
    """Fill the file system *folder* with files but for some inodes."""
    ballast = folder / "ballast"
    ballast.mkdir(exist_ok=True)
    while os.statvfs(folder).f_ffree > inodes:
        (ballast / str(len(os.listdir(ballast)))).touch()
    while os.statvfs(folder).f_ffree < inodes:
        next(ballast.iterdir()).unlink()


@pytest.mark.parametrize("leave", [leave_bytes, leave_inodes])
def test_with_too_little_room_the_old_release_stays_until_the_new_one_fits(bench, disk, leave):
    host = Host(bench.estate, disk / "srv", {})
    host.deploy(bench.labels["1"], **SEALED)
    lines = []

    for room in range(MOST_STEPS):
        leave(disk, room)
        line = refused(host, bench.labels["2"])
        if line is None:
            break
        lines.append(line)
        live = look(host.root / "current")
        assert live in (bench.expected["1"], bench.expected["2"])
        assert bench.expected["1"] in map(look, (host.root / "releases").iterdir())

    assert len(lines) > 5
    assert all(os.strerror(errno.ENOSPC) in line for line in lines)
    assert look(host.root / "current") == bench.expected["2"]
    assert host.deploy(bench.labels["2"], **SEALED)["changed"] is False
    assert host.deploy(None)["after"]["version"] == "1"


def test_a_read_only_file_system_is_named_and_the_next_run_goes_on(bench, disk):
    host = Host(bench.estate, disk / "srv", {})
    host.deploy(bench.labels["1"], **SEALED)
    host.deploy(bench.labels["2"], state="staged", **SEALED)

    remount(disk, "ro")
    for label, change in (
        ("2", {}),
        ("3", {"state": "staged"}),
        ("2", {"state": "absent"}),
        ("2", {"mark": "bad"}),
    ):
        assert os.strerror(errno.EROFS) in refused(host, bench.labels[label], **change), change
    assert host.deploy(bench.labels["1"], **SEALED)["changed"] is False
    assert look(host.root / "current") == bench.expected["1"]

    remount(disk, "rw")
    assert host.deploy(bench.labels["2"], **SEALED)["changed"]
    assert host.deploy(bench.labels["2"], **SEALED)["changed"] is False
