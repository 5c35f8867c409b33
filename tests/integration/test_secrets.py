# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets stay where their users put them: planted everywhere, and searched for in every sink."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.itops.release.tests.integration import building as b
from ansible_collections.itops.release.tests.integration.ansible_run import until
from ansible_collections.itops.release.tests.integration.applications import (
    deploying,
    play,
    sealing,
    task,
    write_application,
)
from ansible_collections.itops.release.tests.integration.canaries import (
    CONTROL,
    KNOWN,
    Scene,
    leaks,
    look,
    watched_processes,
)

pytestmark = pytest.mark.slow

FAILS = {"ignore_errors": True}
LINKED = {"linked_paths": ["shared-key"], "seed": True}
# What a host reads messages to its syslog with, since the test hosts have no such service.
SYSLOG = """
import os, socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log, open("/srv/syslog", "wb", 0) as out:
    log.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    while True:
        out.write(log.recv(1 << 20) + b"\\n")
"""
# A signing command: it has the key in a file, and an argument that it does not need.
SIGN = """
import sys, time
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
time.sleep(0.6)
with open(sys.argv[1], "rb") as stream:
    key = load_ssh_private_key(stream.read(), None)
sys.stdout.buffer.write(key.sign(sys.stdin.buffer.read()))
"""
HOOK = {
    "name": "Give the service what it needs",
    "ansible.builtin.copy": {
        "content": "{{ hook_variable }}",
        "dest": "{{ srv }}/given",
        "mode": "0600",
    },
    "no_log": True,
}


# A host's Python that writes down the arguments of all processes, and its own environment. In there
# is what a command line gave it, so that no process has to be seen while it runs.
WITNESS = """#!/bin/sh
cat /proc/[0-9]*/cmdline >>{seen}.arguments 2>/dev/null
cat /proc/$$/environ >>{seen}.environment
exec {python} "$@"
"""
# What a step of a build and a restart do: they have the token, and leave a digest of it.
WITH_TOKEN = """
cat /proc/[0-9]*/cmdline >>{seen}.arguments 2>/dev/null || :
printf %s "$TOKEN" | sha256sum >>{seen}.digests
echo {control} >${{TMPDIR:-/tmp}}/{control}.said
"""


@pytest.fixture
def scene(tmp_path):
    """Return a Scene without hosts, and three releases to seal, in ``1``, ``2`` and ``3``."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    temporary.chmod(0o1777)
    home = tmp_path / "controller"
    packs = home / ".cache/itops-release/packs"
    places = {"library": tmp_path / "media", "packs": packs, "home": home}
    scene = Scene(**places, temporary=[temporary, home / ".ansible/tmp"], hosts=[])
    private = ("a private file", "a private file in shared")
    for serial in range(1, 4):
        key, shared = (f"{scene.secret[name]}\n" for name in private)
        files = {"app": f"{serial}", "key": f"{serial} {key}", "shared-key": shared}
        folder = tmp_path / str(serial)
        globs = {"private": ["key", "shared-key"]}
        write_application(folder, files, f"{serial}.0.0", serial, CONTROL, **globs)
        (folder / "src/key").chmod(0o600)
    return scene


@pytest.fixture
def run(scene, controller, tmp_path):
    """Return ``run(playbook, inventory, …)``, which runs it at -vvv and keeps what it said.

    Variables are in a vault, as secrets should be.
    """
    password = tmp_path / "vault"
    password.write_text(scene.secret["the vault's password"])
    password.chmod(0o600)

    def start(playbook, inventory, variables=None, env=None, **options):
        vault = VaultLib([("default", VaultSecret(password.read_bytes()))])
        if variables:
            (tmp_path / "group_vars").mkdir(exist_ok=True)
            encrypted = vault.encrypt(json.dumps(variables))
            (tmp_path / "group_vars/all.yml").write_bytes(encrypted)
        env = {
            "ANSIBLE_VAULT_PASSWORD_FILE": str(password),
            "ANSIBLE_LOG_PATH": str(scene.home / "ansible.log"),
            "ITOPS_RELEASE_RECORD": str(scene.home / "runs.record"),
            "TMPDIR": str(scene.temporary[0]),
            "APPLICATION": CONTROL,
            **(env or {}),
        }
        return controller.start(playbook, inventory, env=env, diff=True, args=["-vvv"], **options)

    def run(*args, **options):
        done = start(*args, **options).wait()
        scene.runs.append(done)
        return done

    run.start = start
    return run


@pytest.fixture
def service(scene):
    """Return the URL, with user and password, of a service on loopback that asks for these."""
    password = scene.secret["the password in a probe's URL"]
    wanted = "Basic " + base64.b64encode(f"probe:{password}".encode()).decode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.headers["Authorization"] == wanted else 401)
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        place = f"127.0.0.1:{server.server_port}/health"
        token = scene.secret["the query of a probe's URL"]
        yield f"http://probe:{password}@{place}?token={token}"
        server.shutdown()


def undecided(target):
    """Return *target* with nothing said about pipelining, which Ansible then has off."""
    variables = dict(target.variables)
    del variables["ansible_pipelining"]
    return replace(target, variables=variables)


def deployed(title, version, scene, keywords=None, **options):
    """Return a task that deploys this version of what is released here."""
    common = {"root": f"{{{{ srv }}}}/{CONTROL}", "pack_cache": str(scene.packs), **LINKED}
    release = f"{CONTROL}:{version}.0.0"
    return deploying(title, release, scene.library, keywords, **common, **options)


def role(name, **variables):
    return {"name": name, "ansible.builtin.include_role": {"name": name}, "vars": variables}


def make_key(path, passphrase=""):
    """Make a key as OpenSSH does; return what the ``sign`` option needs for it."""
    kind = ["-q", "-a", "1", "-t", "ed25519", "-N", passphrase, "-C", path.name]
    subprocess.run(["ssh-keygen", *kind, "-f", path], check=True)
    return {"role": "build", "private_key": str(path)}


@pytest.fixture
def sealed(scene, tmp_path):
    """Return the tasks that seal and sign three releases, and the options for their run."""
    by_environment = make_key(tmp_path / "one", scene.secret["the passphrase in the environment"])
    passphrase = scene.secret["the passphrase behind a descriptor"]
    by_descriptor = make_key(tmp_path / "two", passphrase)
    make_key(tmp_path / "three")
    scene.secret["the private key"] = (tmp_path / "three").read_text().splitlines()[4]  # its seed
    (tmp_path / "sign.py").write_text(SIGN)
    argument = "{{ signing_argument }}"
    command = [sys.executable, str(tmp_path / "sign.py"), str(tmp_path / "three"), argument]
    by_command = {"role": "build", "public_key": str(tmp_path / "three.pub"), "command": command}
    by_file = {"role": "release", "private_key": str(tmp_path / "three")}
    mute = {**by_command, "command": ["sh", "-c", "echo $0 >&2; exit 3", argument]}
    (tmp_path / "passphrase").write_text(passphrase + "\n")
    library = scene.library
    with open(tmp_path / "passphrase", "rb") as stream:
        tasks = [
            sealing(
                "Seal 1",
                tmp_path / "1",
                library,
                sign={**by_environment, "passphrase_env": "SIGNING_PASSPHRASE"},
            ),
            sealing(
                "Seal 2",
                tmp_path / "2",
                library,
                remote_src=True,
                sign={**by_descriptor, "passphrase_fd": stream.fileno()},
            ),
            sealing("A signing command that fails", tmp_path / "3", library, FAILS, sign=mute),
            sealing("Seal 3", tmp_path / "3", library, sign=by_command),
            countersigning("Countersign 3", "3", library, by_file),
        ]
        environment = {"SIGNING_PASSPHRASE": scene.secret["the passphrase in the environment"]}
        yield tasks, {"env": environment, "pass_fds": [stream.fileno()]}


def countersigning(title, version, library, sign):
    options = {"release": f"{CONTROL}:{version}.0.0", "state": "signed", "sign": sign}
    return task(title, "release_package", {"media_library": str(library), **options})


def commands(host):
    """Write the commands of the service on a Target, and return the shell's words for each.

    They are slow enough to be seen among the processes, and leave something behind.
    """
    said = f"{CONTROL} >${{TMPDIR:-/tmp}}/{CONTROL}.said"
    texts = {
        "restart": f"echo {said}; sleep 0.2",
        "hang": f"echo {said}; touch {host.srv}/hanging; sleep 5",
        "fail": f"echo {said}; sleep 0.6; cat {host.srv}/printed; exit 3",
    }
    for name, text in texts.items():
        host.seen.joinpath(f"{CONTROL}-{name}").write_text(text + "\n")
    return {name: ["sh", f"{host.srv}/{CONTROL}-{name}"] for name in texts}


def planted(scene, host, url):
    """Return what stands in the vault: every option that may hold a secret, holding one."""
    secret, argv = scene.secret, commands(host)
    printed = host.seen / "printed"
    printed.write_text(secret["what a failing restart prints"])
    printed.chmod(0o600)
    return {
        "restart": [*argv["restart"], secret["an argument of a restart"]],
        "restart_hangs": [*argv["hang"], secret["an argument of a restart"]],
        "restart_fails": argv["fail"],
        "restart_as_text": f"service restart --token {secret['a restart that is one text']}",
        "url": url,
        "odd_url": f"{url.partition('?')[0]}?{secret['a URL that cannot be asked']} and more",
        "beside": secret["an option beside a wrong one"],
        "header": secret["a header of a probe"],
        "hidden_url": f"{url}&{secret['a deployment that says no_log']}",
        "probe_fails": [*argv["fail"], secret["an argument of a probe command"]],
        "hook_variable": secret["a variable of a hook"],
        "hidden": secret["a task that says no_log"],
        "signing_argument": secret["an argument of a signing command"],
        "ansible_become_password": secret["the password to become another user"],
    }


def failing(scene):
    """Return tasks that fail, each with a secret near at hand."""
    unwell = {"url": "{{ url }}", "status": [500], "retries": 0}
    by_command = {"command": "{{ probe_fails }}", "retries": 0}
    headed = {**unwell, "headers": {"Authorization": "Bearer {{ header }}"}}
    hidden = {**FAILS, "no_log": True}
    wrong = {"restart": "{{ beside }}", "keep": "x"}  # short, for Ansible shows only so much
    return [
        task("A wrong option", "release_deployment", wrong, **FAILS),
        deployed("A service that is unwell", 2, scene, FAILS, probe=unwell),
        deployed("A probe that fails", 2, scene, FAILS, probe=by_command),
        deployed("A header", 2, scene, FAILS, probe=headed),
        deployed("An odd URL", 2, scene, FAILS, probe={"url": "{{ odd_url }}"}),
        deployed("A restart that fails", 2, scene, FAILS, restart="{{ restart_fails }}"),
        deployed("A restart as text", 2, scene, FAILS, restart="{{ restart_as_text }}"),
        deployed("Hidden", 2, scene, hidden, probe={**unwell, "url": "{{ hidden_url }}"}),
    ]


def killed_in_a_restart(run, host, scene, inventory):
    """Run a deployment that is killed with a release on trial."""
    task = deployed("Deploy 3", 3, scene, restart="{{ restart_hangs }}")
    running = run.start(play(task), inventory)
    until((host.seen / "hanging").exists, "the restart begins")
    running.kill()
    scene.runs.append(running.wait())


def by_roles_and_modules(scene, host, hook):
    """Return tasks that deploy, predict, fail, go back and verify."""
    probe = {"url": "{{ url }}", "retries": 0}
    common = {
        "deploy_root": f"{host.srv}/{CONTROL}",
        "deploy_release": f"{CONTROL}:1.0.0",
        "deploy_media_library": str(scene.library),
        "deploy_linked_paths": LINKED["linked_paths"],
        "deploy_seed": True,
        "deploy_restart": "{{ restart }}",
        "deploy_probe": probe,
        "deploy_hooks": {"before_activate": str(hook)},
    }
    well = {"restart": "{{ restart }}", "probe": probe}
    hide = {"name": "Hide", "ansible.builtin.fail": {"msg": "{{ hidden }}"}, "no_log": True}
    rest = [role("itops.release.rollback", **common), role("itops.release.verify", **common)]
    return [
        role("itops.release.deploy", **common),
        deployed("Foresee 2", 2, scene, {"check_mode": True}, **well),
        *failing(scene),
        deployed("Deploy 2", 2, scene, **well),
        {"name": "Try", "block": [hide], "rescue": rest},
    ]


def test_no_secret_leaves_its_place(scene, run, service, sealed, local_hosts, inventory, tmp_path):
    host = undecided(*local_hosts(1))
    scene.hosts.append(host)
    seals, options = sealed
    hook = tmp_path / "hook.yml"
    hook.write_text(json.dumps([HOOK]))
    tasks = [*seals, *by_roles_and_modules(scene, host, hook)]
    removal = role("itops.release.uninstall", uninstall_root=f"{host.srv}/{CONTROL}")
    hosts = inventory([host])

    with watched_processes(scene):
        done = run(play(*tasks), hosts, planted(scene, host, service), **options)
        assert done.rc == 0, done.output
        look(scene)
        killed_in_a_restart(run, host, scene, hosts)
        look(scene)
        gone = run(play(removal), hosts)
        assert gone.rc == 0, gone.output
    look(scene)

    assert leaks(scene, without=["syslog of a host"]) == []
    assert set(KNOWN) - set(scene.seen) == set()  # what is gone from there has no excuse any more
    failed = {outcome.task for outcome in done.outcomes if outcome.status == "failed"}
    assert {task["name"] for task in [*seals, *failing(scene)] if "ignore_errors" in task} <= failed


def test_no_secret_stays_on_a_host(scene, run, ssh_hosts, fleet, inventory, tmp_path):
    """By SSH, as another user, with a syslog: there are more sinks than on the same machine."""
    host = undecided(*ssh_hosts(1, user="deploy", become=True))
    scene.hosts.append(host)
    upper = host.host.directory / "upper"
    scene.temporary += [upper / path for path in ("tmp", "var/tmp", "home/deploy", "root")]
    scene.syslog = host.seen / "syslog"
    password = scene.secret["the password to become another user"]
    fleet.run(host.host, ["sh", "-c", f"python3 -c '{SYSLOG}' >/dev/null 2>&1 &"])
    fleet.run(host.host, ["sh", "-c", f"echo 'deploy:{password}' | chpasswd"])
    fleet.run(host.host, ["sh", "-c", "echo 'deploy ALL=(ALL) ALL' >/etc/sudoers.d/deploy"])
    token = scene.secret["the query of a probe's URL"]
    word = scene.secret["the password in a probe's URL"]
    url = f"http://probe:{word}@127.0.0.1:9/?{token}"
    well = {"restart": "{{ restart }}", "probe": {"command": "{{ restart }}"}}
    seals = [sealing(f"Seal {each}", tmp_path / each, scene.library) for each in "123"]
    tasks = [*seals, deployed("Deploy 1", 1, scene, **well), *failing(scene)]
    hosts = inventory([host])

    with watched_processes(scene):
        done = run(play(*tasks), hosts, planted(scene, host, url))
        assert done.rc == 0, done.output
        killed_in_a_restart(run, host, scene, hosts)
    look(scene)

    assert leaks(scene) == []


def build_from_git(folder, serial, script):
    """Write the release.yml of a component that *script* builds, from a repository beside it."""
    b.commit(folder / "repository", a=f"{serial}\n")
    build = {"steps": [["sh", str(script)]], "pass": ["TOKEN"]}
    origin = {"git": "../repository", "revision": "main"}
    part = {"name": "app", "kind": "files", "source": ".", "from": origin, "build": build}
    release = {"name": CONTROL, "version": f"{serial}.0.0", "serial": serial, "components": [part]}
    src = folder / f"src{serial}"
    src.mkdir()
    (src / "release.yml").write_text(json.dumps(release))
    return src


def test_the_environment_of_a_play_is_in_no_command_line(
    scene, run, local_hosts, inventory, tmp_path
):
    seen, workspace, trace = tmp_path / "seen", tmp_path / "workspace", tmp_path / "trace"
    python, script = tmp_path / "python", tmp_path / f"{CONTROL}.sh"
    python.write_text(WITNESS.format(seen=seen, python=sys.executable))
    python.chmod(0o755)
    script.write_text(WITH_TOKEN.format(seen=seen, control=CONTROL))
    host = undecided(*local_hosts(1))
    host.variables["ansible_python_interpreter"] = str(python)
    scene.hosts.append(host)
    scene.temporary.append(workspace)
    token = scene.secret["a token that a step of a build needs"]
    there = {"workspace": "$WORK/workspace", "remote_src": True}
    noting = {"release": f"{CONTROL}:2.0.0", "media_library": str(scene.library), **there}
    common = {
        "deploy_root": f"$WORK/hosts/{host.name}/{CONTROL}",
        "deploy_media_library": str(scene.library),
        "deploy_restart": ["sh", str(script)],
    }
    tasks = []
    for serial in (1, 2):
        src = build_from_git(tmp_path, serial, script)
        tasks += [
            role(
                "itops.release.build",
                build_src=f"$WORK/{src.name}",
                build_workspace=there["workspace"],
                build_media_library=str(scene.library),
            ),
            role("itops.release.deploy", **common, deploy_release=f"{CONTROL}:{serial}.0.0"),
        ]
    tasks += [
        task("Note again", "release_notes", noting, environment={"GIT_TRACE": str(trace)}),
        role("itops.release.rollback", **common),
        role("itops.release.verify", **common),
    ]
    given = {"environment": {"TOKEN": "{{ token }}", "WORK": str(tmp_path)}}
    done = run(
        play(*tasks, **given), inventory([host]), {"token": token}, env={"ANSIBLE_VERBOSITY": "1"}
    )

    assert done.rc == 0, done.output
    scene.arguments.add((tmp_path / "seen.arguments").read_bytes())
    scene.environments.add((tmp_path / "seen.environment").read_bytes())
    look(scene)
    assert leaks(scene, without=["syslog of a host"]) == []
    digests = [line.split()[0] for line in (tmp_path / "seen.digests").read_text().splitlines()]
    assert digests == [hashlib.sha256(token.encode()).hexdigest()] * 5  # 2 builds, 3 restarts
    assert " log " in trace.read_text()
