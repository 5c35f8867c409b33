# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries by playbook: verified and listed on the host, and sealed only when they are whole."""

from __future__ import annotations

import os
import subprocess

from ansible_collections.itops.release.tests.integration.applications import (
    is_one_line,
    play,
    read_tree,
    sealing,
    task,
    write_application,
)

FILES = {"bin/start": "#!/bin/sh\n", "lib/core.so.1": "core", "docs/Grüße aus Köln.txt": "hello"}
HOSTILE = b"not UTF-8 \xff\nand more"


def deliver(host):
    """Write a delivery with its SHA256SUMS below the host's directory; return its path."""
    tree = host.seen / "delivery"
    for path, text in FILES.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text, encoding="utf-8")
    with open(os.path.join(os.fsencode(tree), HOSTILE), "wb") as stream:
        stream.write(b"odd")
    (tree / "lib/core.so").symlink_to("core.so.1")
    names = [*map(os.fsencode, FILES), HOSTILE]
    done = subprocess.run(["sha256sum", "--", *names], cwd=tree, capture_output=True, check=True)
    (tree / "SHA256SUMS").write_bytes(done.stdout)
    return tree


def checksums(title, keywords=None, **options):
    options = {"path": "{{ srv }}/delivery", **options}
    return task(title, "release_checksums", options, **(keywords or {}))


def test_a_delivery_is_verified_and_listed_on_the_host(targets, inventory, run_playbook):
    (host,) = targets(1)
    tree = deliver(host)
    later = {"ignore_errors": True}
    pin = subprocess.run(["sha256sum", "SHA256SUMS"], cwd=tree, capture_output=True, check=True)

    run = run_playbook(
        play(
            checksums("Verify"),
            checksums("Verify in check mode", {"check_mode": True}),
            checksums("Pinned", checksum_file_sha256=pin.stdout[:64].decode()),
            checksums("Another pin", later, checksum_file_sha256="0" * 64),
            checksums("No pin", later, checksum_file_sha256=""),
            checksums(
                "Predict", {"check_mode": True, "diff": True}, state="written", algorithm="sha512"
            ),
            checksums("Write", state="written", algorithm="sha512", exclude=["SHA256SUMS"]),
            checksums("Write again", state="written", algorithm="sha512", exclude=["SHA256SUMS"]),
            checksums("Verify what was written", algorithm="sha512", exclude=["SHA256SUMS"]),
            checksums("Foreign files", later),
            checksums("Allowed", allow_added="yes"),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    for title in ("Verify", "Verify in check mode", "Pinned", "Verify what was written", "Allowed"):
        assert not run.result(title)["changed"], title
        assert run.result(title)["checked"] == 4, title
        assert run.result(title)["links"] == ["lib/core.so"], title
    assert [run.find(title)[0].status for title in ("Another pin", "No pin", "Foreign files")] == [
        "failed"
    ] * 3
    assert "its SHA-256 is " + pin.stdout[:64].decode() in run.result("Another pin")["msg"]
    assert "is not 64 hex digits" in run.result("No pin")["msg"]
    assert run.result("Predict")["changed"]
    assert "docs/Grüße aus Köln.txt" in run.result("Predict")["diff"]["after"]
    assert run.result("Write")["changed"]
    assert not run.result("Write again")["changed"]
    assert run.result("Foreign files")["added"] == run.result("Allowed")["added"] == ["SHA512SUMS"]
    done = subprocess.run(
        ["sha512sum", "--check", "--strict", "--quiet", "SHA512SUMS"], cwd=tree, check=False
    )
    assert done.returncode == 0


def test_what_is_wrong_with_a_delivery_is_told_in_a_line(local_hosts, inventory, run_playbook):
    (host,) = local_hosts(1)
    tree = deliver(host)
    (tree / "bin/start").write_text("#!/bin/sh\nrm -rf /\n")
    (tree / "docs/Grüße aus Köln.txt").unlink()
    (tree / "lib/more").write_text("")
    before = read_tree(tree / "lib"), (tree / "SHA256SUMS").read_bytes()
    later = {"ignore_errors": True}

    run = run_playbook(
        play(
            checksums("Verify", later),
            checksums("In check mode", {**later, "check_mode": True}),
            checksums("Strict", later, allow_links="no"),
            checksums("Nothing left", later, exclude=["**"]),
            checksums("No such file", later, algorithm="sha512"),
            checksums("No such tree", later, path="{{ srv }}/none"),
        ),
        inventory([host]),
    )

    told = run.result("Verify")
    assert (told["modified"], told["removed"], told["added"]) == (
        ["bin/start"],
        ["docs/Grüße aus Köln.txt"],
        ["lib/more"],
    )
    assert told["msg"] == (
        "SHA256SUMS: 1 modified: 'bin/start'; 1 removed: 'docs/Grüße aus Köln.txt'; "
        "1 added: 'lib/more'"
    )
    assert run.result("In check mode")["msg"] == told["msg"]
    assert run.result("Strict")["msg"].endswith("2 added: 'lib/more', 'lib/core.so'")
    assert "nothing was checked" in run.result("Nothing left")["msg"]
    assert run.result("No such file")["msg"] == "SHA512SUMS: it is not there"
    for outcome in run.outcomes:
        assert outcome.status == "failed", outcome
        assert is_one_line(outcome.result["msg"])
    assert (read_tree(tree / "lib"), (tree / "SHA256SUMS").read_bytes()) == before


def test_a_source_that_demands_its_checksums_is_sealed_only_when_it_is_whole(
    local_hosts, inventory, run_playbook, tmp_path
):
    (host,) = local_hosts(1)
    whole = write_application(tmp_path / "whole", FILES, checksums="SHA256SUMS")
    names = [*FILES]
    done = subprocess.run(["sha256sum", *names], cwd=whole / "src", capture_output=True, check=True)
    (whole / "src/SHA256SUMS").write_bytes(done.stdout)
    foreign = write_application(tmp_path / "foreign", FILES, checksums="SHA256SUMS")
    (foreign / "src/SHA256SUMS").write_bytes(done.stdout)
    (foreign / "src/lib/more").write_text("")
    later, library = {"ignore_errors": True}, tmp_path / "media"

    run = run_playbook(
        play(
            sealing("Foreign", foreign, library, later),
            sealing("Foreign on a build host", foreign, library, later, remote_src=True),
            sealing("Whole", whole, library),
            sealing("Whole on a build host", whole, library, remote_src=True),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    for title in ("Foreign", "Foreign on a build host"):
        assert run.find(title)[0].status == "failed"
        assert run.result(title)["msg"] == "SHA256SUMS: 1 added: 'lib/more'"
    assert run.result("Whole")["changed"]
    assert not run.result("Whole on a build host")["changed"]
    assert run.result("Whole")["release"]["files"] == len(FILES) + 1
