# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts, inventories, playbook runs and real inputs that integration tests ask for by name."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.itops.release.tests.hosts import Fleet, Host, why_not
from ansible_collections.itops.release.tests.integration.ansible_run import CHECKOUT, Controller
from ansible_collections.itops.release.tests.integration.wheels import (
    FetchError,
    SourceArchive,
    Wheel,
)

MOLECULE = CHECKOUT / "extensions/molecule"
NEEDS = {  # a test that asks for this fixture gets this marker
    "fleet": "hosts",
    "ssh_hosts": "hosts",
    "real_archives": "slow",
    "real_project": "slow",
    "podman_collection": "slow",
    "podman_hosts": "podman",
}
# Where files run side by side these begin first, since each takes a minute or more.
LONGEST = {"test_ends_of_runs": 0, "test_transfer": 1, "test_adversity": 2}
# Between these two versions of one project some 140 of 3,668 files changed: 2.5 of 23 MB.
DJANGO = (
    Wheel("django", "5.2.6", "60549579b1174a304b77e24a93d8d9fafe6b6c03ac16311f3e25918ea5a20058"),
    Wheel("django", "5.2.8", "37e687f7bd73ddf043e2b6b97cfe02fcbb11f2dbb3adccc6a2b18c6daa054d7f"),
)
DJANGO_SOURCE = SourceArchive(
    "django", "5.2.6", "da5e00372763193d73cecbf71084a3848458cecf4cee36b9a1e8d318d114a87b"
)
# It carries containers.podman 1.18.0, whose connection plugin reaches containers without SSH.
ANSIBLE = Wheel(
    "ansible", "12.3.0", "cd156f82fa87f7a899212b0efa9f7ca3a24d609212de9f78428a572eb01e5414"
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        for fixture in set(NEEDS) & set(getattr(item, "fixturenames", ())):
            item.add_marker(NEEDS[fixture])
        parameters = getattr(item, "callspec", SimpleNamespace(params={})).params
        if parameters.get("targets") == "local" and item.get_closest_marker("slow"):
            item.add_marker("every_point")  # the same test runs on SSH hosts
    items.sort(key=lambda item: LONGEST.get(item.path.stem, len(LONGEST)))


def pytest_runtest_setup(item):
    reason = item.get_closest_marker("hosts") and no_hosts_reason()
    if reason:
        unless_required(reason)


@functools.cache
def no_hosts_reason():
    return why_not()


def unless_required(reason):
    """Skip for *reason*, or fail where ITOPS_RELEASE_REQUIRE_HOSTS says that nothing may skip."""
    if os.environ.get("ITOPS_RELEASE_REQUIRE_HOSTS") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@dataclass(frozen=True)
class Target:
    """A host as a test sees it: what Ansible needs to reach it, and where to look at its files.

    *srv* is a directory on the host for tests to use; *seen* is the same one on this machine.
    """

    name: str
    srv: str
    seen: Path
    variables: dict = field(repr=False)
    host: Host | None = None


@pytest.fixture(scope="session")
def fleet():
    """Return the session's Fleet; ``fleet.take(10)`` gives ten hosts as new."""
    Fleet.sweep()
    with Fleet(f"t{os.getpid()}") as session_fleet:
        session_fleet.own()
        yield session_fleet


@pytest.fixture
def ssh_hosts(fleet):
    """Return ``ssh_hosts(count, user="root", become=False, pipelining=True, store="tmpfs")``.

    It gives Targets that are as new. *user* is root or deploy, who may use sudo; ``/srv`` is
    on *store*: tmpfs or disk.
    """

    def take(count, user="root", become=False, pipelining=True, store="tmpfs"):
        return [
            Target(
                name=host.name,
                srv="/srv",
                seen=host.srv,
                host=host,
                variables={
                    **host.variables(user),
                    "ansible_become": become,
                    "ansible_pipelining": pipelining,
                },
            )
            for host in fleet.take(count, store)
        ]

    return take


@pytest.fixture
def local_hosts(tmp_path):
    """Return ``local_hosts(count, pipelining=True)``: Targets on this machine, a folder each."""

    def make(count, pipelining=True):
        targets = []
        for number in range(1, count + 1):
            srv = tmp_path / "hosts" / f"local{number}"
            srv.mkdir(parents=True)
            variables = {
                "ansible_connection": "local",
                "ansible_python_interpreter": sys.executable,
                "ansible_pipelining": pipelining,
            }
            targets.append(Target(f"local{number}", str(srv), srv, variables))
        return targets

    return make


@pytest.fixture(scope="session")
def _podman_image():
    """Return the name of the image that Molecule's hosts are made of."""
    done = subprocess.run(
        [MOLECULE / "run.sh", "check"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        unless_required(done.stdout.strip())
    return done.stdout.strip()


@pytest.fixture
def podman_hosts(_podman_image, podman_collection, controller, tmp_path):
    """Return ``podman_hosts(count)``: Targets in containers, reached by podman's connection."""
    controller.collections.append(podman_collection)
    targets = []

    def make(count):
        for number in range(len(targets) + 1, len(targets) + count + 1):
            name = f"itops-release-{os.getpid()}-{number}"
            srv = tmp_path / "hosts" / f"podman{number}"
            srv.mkdir(parents=True)
            # the time limit removes containers that a killed test run leaves behind
            limits = ["--rm", "--timeout=1800", "--network=none"]
            _podman(
                "run",
                "--detach",
                *limits,
                f"--name={name}",
                f"--volume={srv}:/srv",
                _podman_image,
                "sleep",
                "infinity",
            )
            variables = {
                "ansible_connection": "containers.podman.podman",
                "ansible_python_interpreter": "/usr/bin/python3",
            }
            targets.append(Target(name, "/srv", srv, variables))
        return targets[-count:]

    yield make
    for target in targets:
        _podman("rm", "--force", "--ignore", "--time=0", target.name)


def _podman(*arguments):
    settings = {
        **os.environ,
        "CONTAINERS_CONF": str(CHECKOUT / "extensions/molecule/containers.conf"),
    }
    done = subprocess.run(
        ["podman", *arguments],
        env=settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(params=["local", pytest.param("ssh", marks=pytest.mark.hosts)])
def targets(request):
    """Return ``targets(count)``; the test runs with local hosts, and again with SSH hosts."""
    return request.getfixturevalue(f"{request.param}_hosts")


@pytest.fixture
def inventory(tmp_path):
    """Return ``inventory(targets, groups=None, **variables)``, which gives an inventory's path.

    Each host has its ``srv`` as a variable. *groups* is ``{group: [host names]}``; *variables*
    hold for all hosts. Calling it again writes another inventory.
    """

    def write(targets, groups=None, **variables):
        hosts = {target.name: {"srv": target.srv, **target.variables} for target in targets}
        children = {
            group: {"hosts": {name: {} for name in names}}
            for group, names in (groups or {}).items()
        }
        number = len(list(tmp_path.glob("inventory*.json"))) + 1
        path = tmp_path / f"inventory{number}.json"
        data = {"all": {"hosts": hosts, "children": children, "vars": variables}}
        path.write_text(json.dumps(data, indent=2), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def _sockets():
    with tempfile.TemporaryDirectory(prefix="itr-") as directory:
        yield directory


@pytest.fixture
def controller(tmp_path, _sockets):
    """Return a Controller: ``run(playbook, inventory, …)`` → Run, ``start(…)`` → Running."""
    return Controller(tmp_path / "controller", _sockets)


@pytest.fixture
def run_playbook(controller):
    """Return ``Controller.run``."""
    return controller.run


@pytest.fixture(scope="session")
def real_project(tmp_path_factory):
    """Return two directories with successive versions of a real project below ``src/``.

    They are (Django 5.2.6, Django 5.2.8), from wheels; a test may write a release.yml beside
    ``src``, and must not change what is in it.
    """
    directories = []
    try:
        for wheel in DJANGO:
            directory = tmp_path_factory.mktemp(f"{wheel.project}-{wheel.version}")
            wheel.unpack(directory / "src")
            directories.append(directory)
    except FetchError as error:
        unless_required(str(error))
    return tuple(directories)


@pytest.fixture(scope="session")
def real_archives():
    """Return the paths of a real source archive, a .tar.gz, and a real wheel, a zip: of Django."""
    try:
        return DJANGO_SOURCE.fetch(), DJANGO[0].fetch()
    except FetchError as error:
        unless_required(str(error))


@pytest.fixture(scope="session")
def podman_collection(tmp_path_factory):
    """Return a collections path that holds containers.podman, for ANSIBLE_COLLECTIONS_PATH."""
    directory = tmp_path_factory.mktemp("collections") / "path"
    try:
        ANSIBLE.unpack(directory, below="ansible_collections/containers/podman/")
    except FetchError as error:
        unless_required(str(error))
    return directory
