# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example shop: its history is whole, its releases are what they say, its service ends."""

import ast
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

import pytest
import yaml

SHOP = Path(__file__).resolve().parents[3] / "examples" / "shop"
VERSIONS = ["1.0.0", "1.1.0", "1.2.0"]


def run(*arguments, cwd=None, check=True):
    return subprocess.run(
        [str(argument) for argument in arguments],
        cwd=cwd,
        check=check,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    directory = tmp_path_factory.mktemp("shop") / "repository"
    run(sys.executable, SHOP / "history.py", "load", directory)
    return directory


@pytest.fixture(scope="module")
def checkouts(repository):
    """Return {version: a checkout of its tag}."""
    checkouts = {version: repository.parent / version for version in VERSIONS}
    for version, directory in checkouts.items():
        run("git", "worktree", "add", "--detach", directory, f"v{version}", cwd=repository)
    return checkouts


def test_history_has_the_three_tags_in_order(repository):
    assert run("git", "tag", "--merged", "main", cwd=repository).stdout.split() == [
        "v1.0.0",
        "v1.1.0",
        "v1.2.0",
    ]


def test_history_names_no_person(repository):
    authors = run("git", "log", "--all", "--format=%an <%ae>%n%cn <%ce>", cwd=repository).stdout
    assert set(authors.splitlines()) == {"The itops.release authors <authors@example.org>"}


def test_saving_what_was_loaded_gives_the_same_bytes(repository, tmp_path):
    copy = tmp_path / "examples"
    copy.mkdir()
    shutil.copy(SHOP / "history.py", copy)
    run(sys.executable, copy / "history.py", "save", repository)
    assert (copy / "history.fi").read_bytes() == (SHOP / "history.fi").read_bytes()


@pytest.mark.parametrize("serial", [1, 2, 3])
def test_release_yml_says_the_version_that_the_shop_answers(checkouts, serial):
    version = VERSIONS[serial - 1]
    release = yaml.safe_load((checkouts[version] / "release.yml").read_text())
    assert (release["version"], release["serial"]) == (version, serial)
    assert f'VERSION = "{version}"' in (checkouts[version] / "app/shop/__init__.py").read_text()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_can_be_read_by_python_38(checkouts, version):
    for path in checkouts[version].rglob("*.py"):
        ast.parse(path.read_text(), path, feature_version=(3, 8))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_passes_its_own_tests(checkouts, version):
    run(sys.executable, "-B", "-m", "unittest", "discover", "-s", "tests", cwd=checkouts[version])


@pytest.fixture
def service(checkouts, tmp_path):
    service = Service(tmp_path, checkouts)
    yield service
    service.stop()


class Service:
    """The shop under examples/shop/service.py, in a root laid out as on a host."""

    def __init__(self, root, checkouts):
        self.root = root
        self.checkouts = checkouts
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        (root / "shared" / "data").mkdir(parents=True)

    def restart(self, version, check=True):
        tree = self.root / "releases" / version
        if not tree.exists():
            shutil.copytree(self.checkouts[version] / "app", tree)
            shutil.copytree(self.checkouts[version] / "web", tree / "web")
            (tree / "data").symlink_to("../../shared/data")
        current = self.root / "current"
        current.unlink(missing_ok=True)
        current.symlink_to(f"releases/{version}")
        return self.command("restart", "--port", self.port, check=check)

    def stop(self):
        return self.command("stop")

    def command(self, action, *options, check=True):
        # A service that kept its starter's output open would keep this from returning.
        return run(
            sys.executable, SHOP / "service.py", action, "--root", self.root, *options, check=check
        )

    def get(self, path):
        opener = build_opener(ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
            return json.load(response)

    def pid(self):
        return int((self.root / "shared" / "run" / "shop.pid").read_text())


def test_service_follows_the_live_release(service):
    for version in VERSIONS[:2]:
        service.restart(version)
        assert service.get("/health")["version"] == version
    service.stop()
    with pytest.raises(URLError, match="refused"):
        service.get("/health")


def test_third_version_is_well_only_where_nothing_was_sold_before(service):
    service.restart("1.2.0")
    assert service.get("/health")["status"] == "ok"
    service.stop()
    (service.root / "shared/data/orders.json").unlink()

    service.restart("1.1.0")
    service.restart("1.2.0")
    with pytest.raises(HTTPError) as refusal:
        service.get("/health")
    refusal.value.close()
    assert refusal.value.code == 503


def test_service_that_was_killed_is_no_obstacle(service):
    service.restart("1.0.0")
    os.kill(service.pid(), signal.SIGKILL)
    service.restart("1.0.0")
    assert service.get("/health")["status"] == "ok"


def test_stop_never_signals_a_process_that_only_has_the_number(service):
    stranger = subprocess.Popen(["sleep", "30"])
    try:
        service.restart("1.0.0")
        service.stop()
        (service.root / "shared" / "run" / "shop.pid").write_text(f"{stranger.pid}\n")
        service.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_restart_says_what_a_dying_service_said_last(service):
    service.restart("1.0.0")
    (service.root / "releases/1.0.0/shop/catalogue.py").write_text("raise OSError('no beans')")
    died = service.restart("1.0.0", check=False)
    assert died.returncode == 1
    assert died.stdout.strip() == "the shop ended with status 1: OSError: no beans"


def test_restart_refuses_a_port_that_somebody_else_has(service):
    with socket.create_server(("127.0.0.1", service.port)):
        refused = service.restart("1.0.0", check=False)
    assert refused.stdout.strip() == f"port {service.port} is taken by another process"
