# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed releases, from key files, an ssh-agent and a trust file to hosts; and what stays away."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess

import pytest

from ansible_collections.itops.release.tests.fakes.signing import ssh_agent
from ansible_collections.itops.release.tests.integration.applications import (
    Operator,
    deploying,
    failures,
    is_one_line,
    live_version,
    play,
    sealing,
    snapshot,
    task,
    write_application,
)

pytestmark = pytest.mark.slow

PASSPHRASE = "never-to-be-seen-anywhere"
ONCE = {"run_once": True}


def make_key(path, passphrase=""):
    """Make a key as OpenSSH does; return the line of its public key."""
    kind = ["-t", "ed25519", "-N", passphrase, "-C", path.name]
    subprocess.run(["ssh-keygen", "-q", *kind, "-f", path], check=True)
    return path.with_suffix(".pub").read_text().strip()


@pytest.fixture
def keys(tmp_path):
    """Return a folder with the key of CI, which is locked, and that of somebody who releases."""
    folder = tmp_path / "keys"
    folder.mkdir()
    make_key(folder / "ci", PASSPHRASE)
    make_key(folder / "ada")
    make_key(folder / "ben")
    return folder


@pytest.fixture
def trust(keys, tmp_path):
    """Return ``trust(name, **dates)``: the path of a trust file; *dates* hold for ada's key."""

    def write(name="trust.yml", **dates):
        lines = {path.stem: path.read_text().strip() for path in keys.glob("*.pub")}
        roles = {
            "build": {"keys": [{"key": lines["ci"]}]},
            "release": {"keys": [{"key": lines["ada"], **dates}]},
        }
        path = tmp_path / name
        path.write_text(json.dumps({"format": 1, "roles": roles, "deploy": ["build", "release"]}))
        return str(path)

    return write


@pytest.fixture
def agent(keys, tmp_path):
    """Return the socket of an ssh-agent that holds ada's key, whose file is gone."""
    socket = str(tmp_path / "agent")
    with contextlib.ExitStack() as stack:
        stack.enter_context(ssh_agent(socket))(keys / "ada")
        (keys / "ada").unlink()
        yield socket


def by_ci(keys):
    return {"role": "build", "private_key": str(keys / "ci"), "passphrase_env": "CI_PASSPHRASE"}


def countersigning(title, release, library, **sign):
    options = {"release": release, "media_library": str(library), "state": "signed", "sign": sign}
    return task(title, "release_package", options, **ONCE)


def attesting(title, release, library, **sign):
    options = {"release": release, "media_library": str(library), "state": "signed", "sign": sign}
    return task(title, "release_package", {**options, "evidence": ["sbom"]}, **ONCE)


def asking(title, release, library, trust):
    options = {"release": release, "media_library": str(library), "trust": trust}
    return task(title, "release_package_info", options, **ONCE)


def sealed(run_playbook, library, application, *tasks, **options):
    run = run_playbook(play(sealing("Seal", application, library), *tasks), "localhost,", **options)
    assert run.rc == 0, run.output
    return run


def test_what_is_signed_is_deployed_and_no_secret_is_seen(
    local_hosts, inventory, run_playbook, keys, trust, agent, tmp_path
):
    hosts = local_hosts(2)
    library = tmp_path / "media"
    one = write_application(tmp_path / "one", {"app": "one"})
    two = write_application(tmp_path / "two", {"app": "two"}, version="2.0.0", serial=2)
    expired = trust("expired.yml", not_after="2020-12-31")
    ada = {"role": "release", "public_key": str(keys / "ada.pub")}
    forgiving = {"ignore_errors": True}
    playbook = play(
        sealing("Seal 1", one, library, ONCE, sign=by_ci(keys)),
        countersigning("Countersign 1", "shop:1.0.0", library, **ada),
        deploying("Deploy 1", "shop:1.0.0", library, trust=trust()),
        sealing("Seal 2", two, library, ONCE, remote_src=True, sign=by_ci(keys)),
        countersigning("Countersign 2", "shop:2.0.0", library, **ada),
        asking("Ask", "shop:2.0.0", library, trust()),
        asking("Ask when it is too late", "shop:2.0.0", library, expired),
        deploying("Deploy 2", "shop:2.0.0", library, trust=trust()),
        deploying("Go back to the one by name", "shop:1.0.0", library, forgiving, trust=expired),
        deploying("Go back to the one before", "previous", library, trust=expired),
    )
    options = {"env": {"CI_PASSPHRASE": PASSPHRASE, "SSH_AUTH_SOCK": agent}, "args": ["-vvv"]}

    foreseen = run_playbook(
        play(sealing("Seal", one, library, ONCE, sign=by_ci(keys))),
        inventory(hosts),
        check=True,
        **options,
    )
    assert foreseen.result("Seal")["changed"]
    assert not library.exists()
    run = run_playbook(playbook, inventory(hosts), **options)

    assert run.rc == 0, run.output
    for title in ("Seal 1", "Countersign 1"):
        assert run.result(title)["changed"]
        signature = run.result(title)["signature"]
        assert signature["key"].startswith("SHA256:")
    assert [role["met"] for role in run.result("Ask")["roles"]] == [True, True]
    assert [role["met"] for role in run.result("Ask when it is too late")["roles"]] == [True, False]
    for host in hosts:
        assert live_version(host) == "1.0.0"
        message = run.result("Go back to the one by name", host=host.name)["msg"]
        assert "role release of shop:1.0.0" in message
        assert "the key ada expired on 2020-12-31T23:59:59Z" in message
        assert is_one_line(message)
    for seen in (run.output, foreseen.output):
        assert PASSPHRASE not in seen
    written = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in written if PASSPHRASE.encode() in path.read_bytes()] == []

    again = run_playbook(
        play(
            sealing("Seal", one, library, ONCE, sign=by_ci(keys)),
            countersigning("Countersign", "shop:1.0.0", library, **ada),
            deploying("Deploy", "shop:1.0.0", library, trust=trust()),
        ),
        inventory(hosts),
        **options,
    )
    assert again.rc == 0, again.output
    assert [stats["changed"] for stats in again.stats.values()] == [0, 0]


def test_what_is_not_signed_enough_never_reaches_a_host(
    local_hosts, inventory, run_playbook, keys, trust, tmp_path
):
    hosts = local_hosts(2)
    library = tmp_path / "media"
    application = write_application(tmp_path / "shop", {"app": "one"})
    # Two signatures, and still one role is not met: ben's key is in no role.
    run = sealed(
        run_playbook,
        library,
        application,
        countersigning("Sign", "shop:1.0.0", library, **by_ci(keys)),
        countersigning("Ben", "shop:1.0.0", library, role="release", private_key=str(keys / "ben")),
        env={"CI_PASSPHRASE": PASSPHRASE},
    )
    before = [snapshot(host.seen) for host in hosts]
    common = {"deploy_root": "{{ srv }}/shop", "deploy_media_library": str(library)}
    everything = inventory(hosts, **common)

    for check in (True, False):
        run = run_playbook(
            play(
                deploying("Deploy", "shop:1.0.0", library, trust=trust()),
            ),
            everything,
            check=check,
        )
        assert run.rc != 0
        for host in hosts:
            result = run.result("Deploy", host=host.name)
            assert result["calls"] == 0
            assert result["sent_bytes"] == 0
            assert result["msg"].startswith("shop:1.0.0 may not be deployed: role release of ")
            assert "which trust.yml does not list" in result["msg"]
            assert is_one_line(result["msg"])
    run = Operator(run_playbook, everything).deploy("1.0.0", deploy_trust=trust())

    assert run.rc != 0
    assert set(failures(run)) == {host.name for host in hosts}
    assert all("role release of shop:1.0.0" in message for message in failures(run).values())
    back = Operator(run_playbook, everything).rollback(
        rollback_release="shop:1.0.0", deploy_trust=trust()
    )
    assert failures(back)[hosts[0].name].endswith("; -e rollback_trust= lets it pass")
    assert [snapshot(host.seen) for host in hosts] == before
    assert all(not (host.seen / "shop").exists() for host in hosts)


def test_a_trust_file_that_is_wrong_stops_before_the_hosts_and_names_the_line(
    local_hosts, inventory, run_playbook, tmp_path
):
    (host,) = local_hosts(1)
    library = tmp_path / "media"
    application = write_application(tmp_path / "shop", {"app": "one"})
    sealed(run_playbook, library, application)
    (tmp_path / "trust.yml").write_text("format: 1\nroles: {}\ndeploy: [relese]\n")
    paths = (tmp_path / "trust.yml", tmp_path / "none.yml")
    forgiving = {"ignore_errors": True}

    run = run_playbook(
        play(
            *(
                deploying(path.name, "shop:1.0.0", library, forgiving, trust=str(path))
                for path in paths
            )
        ),
        inventory([host]),
    )

    wrong, gone = (run.result(path.name) for path in paths)
    assert wrong["msg"].startswith(f"{paths[0]}:3: deploy[0]: ")
    assert "No such file" in gone["msg"]
    for result in (wrong, gone):
        assert result["calls"] == 0
        assert is_one_line(result["msg"])
    assert not (host.seen / "shop").exists()


def skopeo(*arguments):
    """Run skopeo, and return what it wrote."""
    done = subprocess.run(
        ["skopeo", *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    return done.stdout


def test_debian_s_skopeo_copies_signatures_and_evidence_along(run_playbook, keys, trust, tmp_path):
    if not shutil.which("skopeo"):
        if os.environ.get("ITOPS_RELEASE_REQUIRE_HOSTS") == "1":
            pytest.fail("skopeo is not installed")
        pytest.skip("skopeo is not installed")
    library, copy = tmp_path / "media", tmp_path / "copy"
    application = write_application(tmp_path / "shop", {"app": "one"})
    run = sealed(
        run_playbook,
        library,
        application,
        countersigning("CI", "shop:1.0.0", library, **by_ci(keys)),
        countersigning("Ada", "shop:1.0.0", library, role="release", private_key=f"{keys}/ada"),
        attesting("Attest", "shop:1.0.0", library, role="release", private_key=f"{keys}/ada"),
        env={"CI_PASSPHRASE": PASSPHRASE},
    )
    release = f"sha256-{run.result('Seal')['release']['digest']}"

    raw = skopeo("inspect", "--raw", f"oci:{library}:{release}")
    for tag in (release, f"sha256-{hashlib.sha256(raw).hexdigest()}"):
        skopeo("copy", "--all", "--quiet", f"oci:{library}:{tag}", f"oci:{copy}:{tag}")

    run = run_playbook(play(asking("Ask", "shop:1.0.0", copy, trust())), "localhost,")
    assert run.rc == 0, run.output
    assert [role["met"] for role in run.result("Ask")["roles"]] == [True, True]
    (bill,) = run.result("Ask")["evidence"]
    assert (bill["signed_by"], bill["problem"]) == (["ada"], "")
