# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives by playbook: sealed here and on a build host, deployed as tar and unzip lay them out."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile

import pytest

from ansible_collections.itops.release.tests.integration.applications import (
    current_tree,
    deploying,
    describe_application,
    is_one_line,
    looking,
    play,
    read_tree,
    sealing,
    write_application,
)

FILES = {"bin/start": "#!/bin/sh\n", "lib/core.so.1": "core", "docs/Grüße aus Köln.txt": "hello"}


def describe_archive(directory, archive, version="1.0.0", serial=1, **component):
    """Write a release.yml beside a copy of the file *archive* in *directory*; return it."""
    directory.mkdir()
    shutil.copy(archive, directory / "vendor.bin")
    component = {"kind": "archive", "source": "vendor.bin", "exclude": [], **component}
    return describe_application(directory, version, serial, **component)


def test_an_archive_is_the_release_that_its_tree_is(targets, inventory, run_playbook, tmp_path):
    (host,) = targets(1)
    unpacked = write_application(tmp_path / "tree", FILES)
    packed = tmp_path / "vendor-2.1.tar.xz"
    with tarfile.open(packed, "w:xz") as archive:
        archive.add(unpacked / "src", "vendor-2.1")
    application = describe_archive(tmp_path / "archive", packed, strip=1)
    remote = host.seen / "build"
    shutil.copytree(application, remote)
    library = tmp_path / "media"

    run = run_playbook(
        play(
            sealing("Predict", application, library, {"check_mode": True}),
            sealing("Archive", application, library),
            sealing("Archive again", application, library),
            sealing("On a build host", "{{ srv }}/build", library, remote_src=True),
            sealing("Tree", unpacked, library),
            deploying("Deploy", "shop:1.0.0", library),
            looking("Verify"),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    titles = ("Predict", "Archive", "Archive again", "On a build host", "Tree")
    assert [run.result(title)["changed"] for title in titles] == [True, True, False, False, False]
    assert run.result("Verify")["ok"]
    assert current_tree(host) == read_tree(unpacked / "src")


def hostile_tar():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../escaped"))
        link = tarfile.TarInfo("out")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("out/passwd"))
    return stream.getvalue()


def test_a_hostile_archive_is_refused_in_a_line(local_hosts, inventory, run_playbook, tmp_path):
    (host,) = local_hosts(1)
    hostile, bomb, not_one = (tmp_path / name for name in ("hostile", "bomb", "text"))
    hostile.write_bytes(hostile_tar())
    with tarfile.open(bomb, "w:gz") as archive:
        large = tarfile.TarInfo("large")
        large.size = 100_000_000
        archive.addfile(large, io.BytesIO(bytes(large.size)))
    not_one.write_text("hello")
    applications = [
        describe_archive(tmp_path / "1", hostile),
        describe_archive(tmp_path / "2", bomb),
        describe_archive(tmp_path / "3", not_one),
        describe_archive(tmp_path / "4", bomb, sha256="0" * 64),
    ]
    later, library = {"ignore_errors": True}, tmp_path / "media"

    run = run_playbook(
        play(
            *(sealing(f"Here {path.name}", path, library, later) for path in applications),
            *(
                sealing(f"There {path.name}", path, library, later, remote_src=True)
                for path in applications[:2]
            ),
        ),
        inventory([host]),
    )

    expected = {
        "1": "vendor.bin: '../../escaped' is not a plain path below its component; "
        "link 'out' points to the absolute path '/etc'",
        "2": "vendor.bin: more than limits.ratio, 200 times its own size, comes out of it",
        "3": "vendor.bin: it is no archive: neither tar, plain or compressed, nor zip",
        "4": "vendor.bin: its SHA-256 is ",
    }
    for title in ("Here 1", "Here 2", "Here 3", "Here 4", "There 1", "There 2"):
        assert run.find(title)[0].status == "failed", title
        message = run.result(title)["msg"]
        assert message.startswith(expected[title[-1]]), title
        assert is_one_line(message)
    assert not list(tmp_path.rglob("escaped"))
    assert not [path for path in (library / "blobs").rglob("*") if path.is_file()]


@pytest.mark.every_point
def test_real_archives_are_laid_out_as_tar_and_unzip_do(
    real_archives, local_hosts, inventory, run_playbook, tmp_path
):
    (host,) = local_hosts(1)
    source, wheel = real_archives
    by_tar, by_unzip = tmp_path / "by-tar", tmp_path / "by-unzip"
    by_tar.mkdir()
    argv = ["tar", "--extract", "--strip-components=1", f"--directory={by_tar}", f"--file={source}"]
    subprocess.run(argv, check=True)
    subprocess.run(["unzip", "-q", wheel, "-d", by_unzip], check=True)
    applications = [
        describe_archive(tmp_path / "1", source, strip=1, version="1", serial=1),
        describe_archive(tmp_path / "2", wheel, version="2", serial=2),
    ]
    library = tmp_path / "media"

    for application, expected in zip(applications, (by_tar, by_unzip), strict=True):
        run = run_playbook(
            play(
                sealing("Seal", application, library),
                deploying("Deploy", f"shop:{application.name}", library),
                looking("Verify"),
            ),
            inventory([host]),
        )
        assert run.rc == 0, run.output
        assert run.result("Seal")["release"]["files"] > 3000
        assert run.result("Verify")["ok"]
        assert current_tree(host) == read_tree(expected)
