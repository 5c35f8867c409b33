# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases in a real registry: sealed, deployed, taken back and removed, whatever comes between."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess

import pytest

from ansible_collections.itops.release.tests.fakes.registries import Gate
from ansible_collections.itops.release.tests.integration.applications import (
    Operator,
    current_tree,
    deploying,
    failures,
    is_one_line,
    live_version,
    looking,
    play,
    read_tree,
    sealing,
    snapshot,
    task,
    write_application,
)
from ansible_collections.itops.release.tests.integration.docker_registry import DockerRegistry

pytestmark = pytest.mark.slow

PASSWORD = "never-to-be-seen-anywhere"
ONCE = {"run_once": True}
FORGIVING = {"ignore_errors": True}
LARGE = "".join(random.Random(7).choices("abcdefghijklmnop", k=2_000_000))
IMPATIENT = {"ITOPS_RELEASE_REGISTRY_PATIENCE": "2"}


@pytest.fixture
def registry(tmp_path):
    """Return a registry on loopback that wants no password."""
    with DockerRegistry(tmp_path / "registry") as server:
        yield server


@pytest.fixture
def gate(registry):
    """Return a gate before the registry; it passes everything on unless told otherwise."""
    with Gate(registry.host) as server:
        yield server


def make_key(path):
    """Make a key as OpenSSH does; return the line of its public key."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", path]
    subprocess.run(command, check=True)
    return path.with_suffix(".pub").read_text().strip()


def in_library(title, library, **options):
    module = (
        "release_package" if "state" in options or "mark" in options else "release_package_info"
    )
    return task(title, module, {"media_library": library, **options}, run_once=True)


def application(folder, number, **component):
    """Write version *number* of the application; most of its files stay the same."""
    files = {"version": f"{number}\n", "bin/run": "#!/bin/sh\n", "lib/large": LARGE}
    return write_application(folder / str(number), files, f"{number}.0.0", number, **component)


def digests(run, *titles):
    return [run.result(title)["release"]["digest"] for title in titles]


def test_a_release_lives_in_a_registry_as_in_a_directory(
    local_hosts, inventory, run_playbook, tmp_path
):
    hosts = local_hosts(3)
    line = make_key(tmp_path / "ada")
    roles = {"release": {"keys": [{"key": line}]}}
    trust = tmp_path / "trust.yml"
    trust.write_text(json.dumps({"format": 1, "roles": roles, "deploy": ["release"]}))
    pair = base64.b64encode(f"ci:{PASSWORD}".encode()).decode()
    file = tmp_path / "auth.json"
    sign = {"role": "release", "private_key": str(tmp_path / "ada")}
    one, two, three = (application(tmp_path, number) for number in (1, 2, 3))
    log = tmp_path / "ansible.log"
    environment = {
        "REGISTRY_AUTH_FILE": str(file),
        "ANSIBLE_LOG_PATH": str(log),
        "ANSIBLE_DEBUG": "0",
    }
    with (
        DockerRegistry(tmp_path / "registry", PASSWORD) as registry,
        Gate(registry.host) as gate,
    ):
        file.write_text(json.dumps({"auths": {gate.host: {"auth": pair}}}))
        library = f"oci://{gate.host}/team/shop"
        packs = {"pack_cache": str(tmp_path / "packs")}
        trusting = {"trust": str(trust), **packs}
        tasks = [
            sealing("Seal here", one, tmp_path / "media", ONCE),
            sealing("Foresee 1", one, library, {**ONCE, "check_mode": True}),
            sealing("Seal 1", one, library, ONCE, sign=sign),
            sealing("Seal 1 again", one, library, ONCE, sign=sign),
            sealing("Seal 2", two, library, {**ONCE, "diff": True}, remote_src=True),
            deploying("Deploy 1", "shop:1.0.0", library, **trusting),
            deploying("Deploy 2 unsigned", "shop:2.0.0", library, FORGIVING, **trusting),
            in_library("Sign 2", library, state="signed", release="shop:2.0.0", sign=sign),
            deploying("Deploy 2", "shop:2.0.0", library, **trusting),
            in_library("List", library),
            in_library(
                "Compare", library, release="shop:2.0.0", compare_to="shop:1.0.0", trust=str(trust)
            ),
            looking("Look", release="shop:2.0.0", media_library=library),
            deploying("Go back", "previous", library, **packs),
            in_library("Pin", library, release="shop:1.0.0", mark="pinned") | FORGIVING,
        ]
        run = run_playbook(play(*tasks), inventory(hosts), env=environment, args=["-vvv"])
        assert run.rc == 0, run.output
        here, there, again = digests(run, "Seal here", "Seal 1", "Seal 1 again")
        assert here == there == again
        assert run.result("Foresee 1")["changed"]
        assert run.result("Seal 1")["changed"]
        assert not run.result("Seal 1 again")["changed"]
        assert all("signed" in each.result["msg"] for each in run.find("Deploy 2 unsigned"))
        assert [each["version"] for each in run.result("List")["releases"]] == ["1.0.0", "2.0.0"]
        compared = run.result("Compare")
        assert compared["comparison"]["components"]
        assert compared["signatures"]
        assert compared["roles"][0]["met"]
        assert all(each.result["ok"] for each in run.find("Look"))
        assert "no room for marks" in run.result("Pin")["msg"]
        assert {live_version(host) for host in hosts} == {"1.0.0"}
        assert current_tree(hosts[0]) == read_tree(one / "src")
        seen = {path.name for path in (tmp_path / "controller").rglob("*")}
        assert "registries" in seen

        # The roles, with nothing to do: all hosts together cost few requests.
        operator = Operator(
            run_playbook,
            inventory(
                hosts,
                deploy_media_library=library,
                deploy_root="{{ srv }}/shop",
                deploy_trust=str(trust),
                deploy_pack_cache=str(tmp_path / "packs"),
            ),
        )
        gate.requests.clear()
        same = operator.deploy("1.0.0", env=environment)
        assert same.rc == 0, same.output
        assert not any(stats["changed"] for stats in same.stats.values())
        asked = [path for _method, path in gate.requests]
        assert len(asked) <= 6, asked  # two of them only learn that it wants credentials
        forward = operator.deploy("2.0.0", env=environment)
        back = operator.rollback(env=environment)
        verified = operator.verify(env=environment)
        assert (forward.rc, back.rc, verified.rc) == (0, 0, 0), forward.output + back.output
        assert {live_version(host) for host in hosts} == {"1.0.0"}

        rest = run_playbook(
            play(
                sealing("Seal 3", three, library, ONCE),
                in_library("Foresee", library, state="pruned", keep=1, in_use=["shop:1.0.0"])
                | {"check_mode": True},
                in_library("Prune", library, state="pruned", keep=1, in_use=["shop:1.0.0"]),
                in_library("Prune again", library, state="pruned", keep=1, in_use=["shop:1.0.0"]),
                in_library("Remove 1", library, state="absent", release="shop:1.0.0"),
                in_library("Left", library),
                in_library("By age", library, state="pruned", keep=1, min_age_days=3) | FORGIVING,
            ),
            inventory(hosts),
            env=environment,
        )
        assert rest.rc == 0, rest.output
        removed = [each["version"] for each in rest.result("Prune")["removed"]]
        assert (
            removed == [each["version"] for each in rest.result("Foresee")["removed"]] == ["2.0.0"]
        )
        assert not rest.result("Prune again")["changed"]
        assert [each["version"] for each in rest.result("Left")["releases"]] == ["3.0.0"]
        assert "does not tell since when" in rest.result("By age")["msg"]
        digest = rest.result("Seal 3")["release"]["digest"]
        assert registry.tags("team/shop") == [f"sha256-{digest}", "shop-3.0.0"]

    for name in (PASSWORD, pair):
        for done in (run, same, forward, back, verified, rest):
            assert name not in done.output
            assert name not in json.dumps([outcome.result for outcome in done.outcomes])
        assert name not in log.read_text()
        for path in (tmp_path / "controller").rglob("*"):
            assert not path.is_file() or name.encode() not in path.read_bytes(), path


def skopeo(*arguments):
    subprocess.run(
        ["skopeo", *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )


@pytest.mark.every_point
def test_skopeo_copies_between_a_directory_and_a_registry(
    registry, local_hosts, inventory, run_playbook, tmp_path
):
    if not shutil.which("skopeo"):
        if os.environ.get("ITOPS_RELEASE_REQUIRE_HOSTS") == "1":
            pytest.fail("skopeo is not installed")
        pytest.skip("skopeo is not installed")
    hosts = local_hosts(2)
    make_key(tmp_path / "ada")
    sign = {"role": "release", "private_key": str(tmp_path / "ada")}
    source = application(tmp_path, 1)
    media, back = tmp_path / "media", tmp_path / "back"
    there, copied = (f"oci://{registry.host}/{name}" for name in ("shop", "copied"))
    seals = play(
        sealing("Seal here", source, media, ONCE, sign=sign),
        sealing("Seal there", source, there, ONCE, sign=sign),
    )
    run = run_playbook(seals, inventory(hosts))
    assert run.rc == 0, run.output
    here, sealed = digests(run, "Seal here", "Seal there")
    assert here == sealed
    index = json.loads((media / "index.json").read_text())["manifests"]
    tags = [item["annotations"]["org.opencontainers.image.ref.name"] for item in index]
    assert sorted(tags) == registry.tags("shop")  # also that of what is attached

    for tag in tags:
        everything = ["--all"] if tag == tags[-1] else []
        skopeo(
            "copy",
            "--quiet",
            "--dest-tls-verify=false",
            *everything,
            f"oci:{media}:{tag}",
            f"docker://{registry.host}/copied:{tag}",
        )
        skopeo(
            "copy",
            "--quiet",
            "--src-tls-verify=false",
            *everything,
            f"docker://{registry.host}/shop:{tag}",
            f"oci:{back}:{tag}",
        )

    run = run_playbook(
        play(
            *(
                step
                for number, library in enumerate((copied, str(back)))
                for step in (
                    in_library(f"Describe {number}", library, release="shop:1.0.0"),
                    deploying(
                        f"Deploy {number}",
                        "shop:1.0.0",
                        library,
                        root="{{ srv }}/" + str(number),
                        pack_cache=str(tmp_path / "p"),
                    ),
                )
            ),
            sealing("Seal again", source, copied, ONCE),
        ),
        inventory(hosts),
    )
    assert run.rc == 0, run.output
    for number in range(2):
        described = run.result(f"Describe {number}")
        assert described["releases"][0]["digest"] == here
        assert len(described["signatures"]) == 1
        assert current_tree(hosts[0], str(number)) == read_tree(source / "src")
    assert not run.result("Seal again")["changed"]


def test_what_breaks_between_loses_nothing_and_deceives_nobody(
    registry, gate, local_hosts, inventory, run_playbook, tmp_path
):
    hosts = local_hosts(2)
    source, other = application(tmp_path, 1), application(tmp_path, 2)
    library = f"oci://{gate.host}/shop"
    hosts_file = inventory(hosts)

    def run(*tasks):
        return run_playbook(play(*tasks), hosts_file, env=IMPATIENT)

    # Half-way through an upload, and again whenever it is tried.
    seal = sealing("Seal", source, library, {**ONCE, **FORGIVING})
    gate.fail(
        "PATCH",
        "uploads",
        lambda each: each.pass_on(most=500_000) if each.length() > 10**6 else None,
        times=10**6,
    )
    broken = run(seal)
    assert is_one_line(broken.result("Seal")["msg"]), broken.output
    assert f"{library}: the registry cannot be used: " in broken.result("Seal")["msg"]
    assert registry.tags("shop") == []
    gate.faults.clear()
    gate.received.clear()

    # The registry dies between, and comes back: what arrived is not sent again.
    def die(handler):
        registry.stop()
        registry.start()
        return False

    gate.fail("PUT", "uploads", die)
    sealed = run(seal, deploying("Deploy", "shop:1.0.0", library, pack_cache=str(tmp_path / "p")))
    assert sealed.rc == 0, sealed.output
    assert {live_version(host) for host in hosts} == {"1.0.0"}
    digest = sealed.result("Seal")["release"]["digest"]
    assert registry.tags("shop") == [f"sha256-{digest}", "shop-1.0.0"]
    assert gate.received["PATCH"] < 1_500_000  # once: it is 1 MB compressed
    gate.received.clear()
    direct = f"oci://{registry.host}/shop"
    assert run(sealing("Seal 2", other, direct, ONCE)).rc == 0

    # Wrong bytes, then a download that breaks off and goes on.
    before = [snapshot(host.seen) for host in hosts]

    def flip(data, offset):
        return bytes([data[0] ^ 1]) + data[1:] if offset == 0 else data

    gate.fail("GET", "blobs/", lambda each: each.pass_on(change=flip), times=10**6)
    deploy = deploying("Deploy 2", "shop:2.0.0", library, FORGIVING, pack_cache=str(tmp_path / "q"))
    wrong = run(deploy)
    for outcome in wrong.find("Deploy 2"):
        assert "the registry sends other bytes than sha256:" in outcome.result["msg"]
        assert is_one_line(outcome.result["msg"])
    assert {live_version(host) for host in hosts} == {"1.0.0"}
    assert [
        {key: value for key, value in snapshot(host.seen).items() if "current" in key}
        for host in hosts
    ] == [{key: value for key, value in seen.items() if "current" in key} for seen in before]
    gate.faults.clear()
    gate.requests.clear()

    def break_off(data, offset):
        return data if offset < 300_000 else None

    gate.fail("GET", "blobs/", lambda each: each.pass_on(change=break_off), times=2)
    whole = run(deploy)
    assert failures(whole) == {}, whole.output
    assert {live_version(host) for host in hosts} == {"2.0.0"}
    assert current_tree(hosts[1]) == read_tree(other / "src")
    assert len(gate.asked("GET", "blobs/")) <= 5  # both hosts together

    # Without any registry, hosts go back to what they hold.
    registry.stop()
    back = run(deploying("Back", "previous", library, pack_cache=str(tmp_path / "q")))
    assert back.rc == 0, back.output
    assert {live_version(host) for host in hosts} == {"1.0.0"}


def test_a_registry_that_does_not_delete_is_told_in_a_line(
    local_hosts, inventory, run_playbook, tmp_path
):
    one, two = application(tmp_path, 1), application(tmp_path, 2)
    with DockerRegistry(tmp_path / "registry", deletes=False) as registry:
        library = f"oci://{registry.host}/shop"
        run = run_playbook(
            play(
                sealing("Seal 1", one, library),
                sealing("Seal 2", two, library),
                in_library("Remove", library, state="absent", release="shop:1.0.0") | FORGIVING,
                in_library("Prune", library, state="pruned", keep=1) | FORGIVING,
                in_library("List", library),
            ),
            inventory(local_hosts(1)),
        )
    assert run.rc == 0, run.output
    for title in ("Remove", "Prune"):
        assert run.result(title)["msg"] == (
            f"{library}: the registry does not let releases be deleted"
        )
    assert len(run.result("List")["releases"]) == 2
