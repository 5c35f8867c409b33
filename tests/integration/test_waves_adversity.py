# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adversity while a plan is deployed in waves to SSH hosts: a stated end, and no silent split."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import threading
import urllib.request

import pytest
import yaml

from ansible_collections.itops.release.tests.integration.ansible_run import CHECKOUT, until
from ansible_collections.itops.release.tests.integration.applications import (
    read_state,
    seal_all,
    write_application,
)
from ansible_collections.itops.release.tests.integration.fleets import (
    FleetOfShop,
    end_of,
    seal_versions,
)
from ansible_collections.itops.release.tests.integration.moments import bytes_sent

pytestmark = pytest.mark.slow

MEGABYTE = 1_000_000
BIG_BYTES = 24 * MEGABYTE  # takes a second to send, so that there is a "while it is sent"
WAVES = [1, "50%", "100%"]
# A link that hangs is given up after two seconds, and no other way of sending is tried then.
IMPATIENT = {
    "ansible_ssh_extra_args": "-o ServerAliveInterval=1 -o ServerAliveCountMax=2",
    "ansible_ssh_transfer_method": "sftp",
    "ansible_sftp_extra_args": "-o ServerAliveInterval=1 -o ServerAliveCountMax=2",
}
# Does $2 (restart, probe, …) on a host with the folder $1: it stands still at hold-$2-VERSION until
# that is let go, and fails with fail-$2-VERSION.
STEP = """\
v=$(cat "$1/shop/current/version" 2>/dev/null); cd "$1" || exit
if mv "hold-$2-$v" "at-$2" 2>/dev/null; then
  while test -e "at-$2"; do sleep 0.05; done
fi
test ! -e "fail-$2-$v"
"""
# A probe that answers by the digits in flaps-VERSION, one after the other: 1 is good.
FLAPPING = """\
v=$(cat "$1/shop/current/version" 2>/dev/null); cd "$1" || exit
test -e "flaps-$v" || exit 0
read -r digits <"flaps-$v"; test -n "$digits" || exit 0; rest=${digits#?}
echo "$rest" >"flaps-$v"; test "${digits%"$rest"}" = 1
"""
# Ends all connections of a host, whose sshd starts anew; what they started goes on.
RESTART_SSHD = """\
import os, signal, glob
os.kill(1, signal.SIGHUP)
for path in glob.glob("/proc/[0-9]*/comm"):
    pid = int(path.split("/")[2])
    if pid > 1 and open(path).read().startswith("sshd"):
        os.kill(pid, signal.SIGKILL)
"""

# Serves the version that was live when it began, as a service has the code that it loaded.
SERVER = """\
import http.server, os, sys
version = open("/srv/shop/current/version").read()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if os.path.exists("/srv/sick-" + version) else 200)
        self.end_headers()
        self.wfile.write(version.encode())
    def log_message(self, *_arguments):
        pass
server = http.server.ThreadingHTTPServer(("", 8080), Handler)
open("/srv/server.pid", "w").write(str(os.getpid()))
server.serve_forever()
"""
# A service that takes its time to stop and to start.
RESTART = """\
cd /srv
if test -e server.pid; then
  pid=$(cat server.pid); rm server.pid; kill "$pid"
  while test -e "/proc/$pid"; do sleep 0.05; done
fi
sleep 0.3
test -e shop/current || exit 1
setsid python3 server.py >/dev/null 2>&1 </dev/null &
while test ! -e server.pid; do sleep 0.05; done
"""
PROBER_S = 0.05


def step(what):
    return ["sh", "-c", STEP, "sh", "{{ srv }}", what]


class Adversity(FleetOfShop):
    """A fleet on SSH hosts, where 1.0.0 is live, whose steps can be held and made to fail."""

    def __init__(self, fleet, hosts, *args, **variables):
        steps = {
            "deploy_restart": step("restart"),
            "deploy_probe": {"command": step("probe"), "retries": 0, "timeout": 120},
        }
        super().__init__(hosts, *args, **{**IMPATIENT, **steps, **variables})
        self.fleet = fleet
        self._cut = set()
        self.begin_with("1.0.0")

    def hold(self, host, what, version="2.0.0"):
        """Let *host* stand still at a step on *version*, once."""
        (host.seen / f"hold-{what}-{version}").touch()

    def until_held(self, host, what):
        until((host.seen / f"at-{what}").exists, f"{host.name} at {what}")

    def let_go(self, host, what):
        (host.seen / f"at-{what}").unlink()

    def make_fail(self, host, what="probe", version="2.0.0"):
        (host.seen / f"fail-{what}-{version}").touch()

    def mend(self, host, what="probe", version="2.0.0"):
        (host.seen / f"fail-{what}-{version}").unlink()

    def cut(self, host):
        self.fleet.cut([host.host])
        self._cut.add(host.name)

    def restore(self, host):
        self.fleet.restore([host.host])
        self._cut.remove(host.name)

    def begin(self, plan):
        """Begin to deploy *plan*; return the run while it goes on."""
        return self.start("deploy", release_plan=plan, release_env="production")

    def back_out(self, plan):
        return self.deploy(plan, release_as="backed_out")

    def close_issue(self, id_="I-1"):
        run = self.run(
            "register",
            release_id=id_,
            release_state="closed",
            release_corrective_action="Mended",
        )
        assert run.rc == 0, run.output

    def assert_no_silent_split(self, named=(), open_runs=0):
        """Compare what hosts have with the ledger and with the playbook status.

        The ledger may be wrong about hosts in *named*, which a run has said to be late or lost.
        """
        live = dict(zip(self.names, self.live(), strict=True))
        recorded = dict(zip(self.names, self.recorded(), strict=True))
        sure = [name for name in self.names if name not in named]
        assert [recorded[name] for name in sure] == [live[name] for name in sure]
        dest = self.folder / "status.json"
        run = self.run("status", release_dest=str(dest))
        assert run.rc == 0, run.output
        status = json.loads(dest.read_text())
        asked = {row["host"]: row["version"] for row in status["deployments"] if row["asked"]}
        assert asked == {name: live[name] for name in self.names if name not in self._cut}
        assert set(status["unknown"]) == self._cut
        assert {row["host"] for row in status["held"]} <= set(self.on_trial()) | self._cut
        assert {entry["host"] for entry in status["unrecorded"]} <= set(named)
        assert len(status["open"]) == open_runs, run.output

    def assert_all_have(self, version):
        self.assert_recorded_on_all(version)
        self.assert_no_silent_split()

    def assert_recorded_on_all(self, version):
        """Compare hosts and ledger, where a test has compared the status before."""
        assert self.live() == self.recorded() == [version] * len(self.hosts)
        assert self.on_trial() == []


class Prober:
    """Asks the service of each host from outside, again and again; counts those that answer."""

    def __init__(self, hosts):
        self._urls = [f"http://{host.host.address}:8080/" for host in hosts]
        self._up = [False] * len(hosts)
        self._over = threading.Event()
        self.counts = []

    def ask(self):
        """Ask all hosts once; note how many were up at each moment."""
        for number, url in enumerate(self._urls):
            try:
                with urllib.request.urlopen(url, timeout=2):
                    self._up[number] = True
            except OSError:
                self._up[number] = False
            self.counts.append(sum(self._up))

    @contextlib.contextmanager
    def asking(self):
        """Ask all the time, from a moment when all hosts are up."""
        until(lambda: self.ask() or all(self._up), "all hosts in service")
        self.counts.clear()
        self._over.clear()
        thread = threading.Thread(target=self._ask_until_over)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _ask_until_over(self):
        while not self._over.wait(PROBER_S):
            self.ask()


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with shop 1.0.0 to 3.0.0."""
    return seal_versions(tmp_path_factory.mktemp("sealed"), _sockets)


@pytest.fixture
def shop(fleet, ssh_hosts, inventory, controller, library, tmp_path):
    """Return ``shop(count, …)``: a fleet of so many hosts where 1.0.0 is live."""

    def make(count, **variables):
        hosts = ssh_hosts(count)
        return Adversity(fleet, hosts, inventory, controller, library, tmp_path, **variables)

    return make


@pytest.fixture
def big_library(controller, tmp_path):
    """Return a media library with shop 1.0.0, and 2.0.0, which takes a while to send."""
    text = base64.b64encode(os.urandom(BIG_BYTES)).decode()
    made = [
        write_application(tmp_path / "1.0.0", {"version": "1.0.0"}, "1.0.0", 1),
        write_application(tmp_path / "2.0.0", {"version": "2.0.0", "data": text}, "2.0.0", 2),
    ]
    seal_all(controller, tmp_path / "big media", made)
    return tmp_path / "big media"


@pytest.mark.every_point
def test_half_of_twenty_hosts_fail(shop):
    shop = shop(20)
    plan = shop.propose("2.0.0")
    for host in shop.hosts[10:]:
        shop.make_fail(host)

    run = shop.deploy(plan)

    assert run.rc == 2, run.output
    assert end_of(run).startswith("backed_out: h011: ")
    assert "; and 7 more" in end_of(run)
    shop.assert_all_have("1.0.0")


def test_the_last_host_fails_and_a_prober_outside_always_finds_enough_hosts(
    fleet, ssh_hosts, inventory, controller, library, tmp_path
):
    """Forward and back, 6 of 8 hosts stay in service; a wave is done in parts."""
    hosts = ssh_hosts(8)
    for host in hosts:
        (host.seen / "server.py").write_text(SERVER)
        (host.seen / "restart.sh").write_text(RESTART)
    service = {
        "deploy_restart": ["sh", "/srv/restart.sh"],
        "deploy_probe": {"url": "http://127.0.0.1:8080/", "interval": 0.1, "retries": 3},
    }
    shop = Adversity(fleet, hosts, inventory, controller, library, tmp_path, **service)
    plan = shop.propose("2.0.0", waves=WAVES, min_in_service="75%")
    (hosts[-1].seen / "sick-2.0.0").touch()
    prober = Prober(hosts)

    with prober.asking():
        run = shop.deploy(plan)

    assert run.rc == 2, run.output
    assert end_of(run).startswith("backed_out: h008: ")
    assert 6 <= min(prober.counts) < 8, "hosts out of service together, or nothing was restarted"
    assert prober.counts[-1] == 8
    shop.assert_all_have("1.0.0")


@pytest.mark.parametrize("what", ["restart", pytest.param("probe", marks=pytest.mark.every_point)])
def test_a_link_is_cut_during_activation(shop, what):
    """The host goes on by itself, and has what the others have not: it is said to be lost."""
    shop = shop(4)
    plan = shop.propose("2.0.0", waves=WAVES)
    host = shop.hosts[2]
    shop.hold(host, what)
    run = shop.begin(plan)
    shop.until_held(host, what)

    shop.cut(host)
    run = run.wait()

    assert run.rc == 2, run.output
    assert end_of(run).startswith("failed: h003: ")
    assert "lost: h003" in end_of(run)
    shop.let_go(host, what)
    until(lambda: not shop.on_trial(), "the end of the call on the host")
    assert shop.live() == ["1.0.0", "1.0.0", "2.0.0", "1.0.0"]
    shop.restore(host)
    shop.assert_no_silent_split(named=["h003"])
    back = shop.back_out(plan) if what == "restart" else shop.run("reconcile")
    assert back.rc == 0, back.output
    shop.assert_recorded_on_all("1.0.0")


def test_a_controller_is_killed_and_another_takes_over_while_its_call_goes_on(shop):
    shop = shop(4)
    plan = shop.propose("2.0.0", waves=WAVES)
    host = shop.hosts[2]
    shop.hold(host, "restart")
    run = shop.begin(plan)
    shop.until_held(host, "restart")
    pid = read_state(host)["run"]["pid"]

    run.kill()
    assert run.wait().rc == -9
    second = shop.deploy(plan)

    assert second.rc == 0, second.output
    shop.assert_all_have("2.0.0")
    assert shop.runs()[-2:] == [("deploy", "held"), ("deploy", "done")]
    before = read_state(host)
    shop.let_go(host, "restart")
    gone = ["test", "!", "-e", f"/proc/{pid}"]
    until(lambda: shop.fleet.run(host.host, gone).returncode == 0, "the end of the first call")
    assert read_state(host) == before


def test_a_second_controller_is_refused_while_the_first_one_works(shop):
    shop = shop(3)
    plan, other = (shop.propose(version, waves=[1, "100%"]) for version in ("2.0.0", "3.0.0"))
    host = shop.hosts[1]
    shop.hold(host, "restart")
    first = shop.begin(plan)
    shop.until_held(host, "restart")

    second = shop.deploy(other)

    assert second.rc == 2, second.output
    assert "lease: deploy by " in end_of(second, "Check the gates")
    shop.let_go(host, "restart")
    first = first.wait()
    assert first.rc == 0, first.output
    shop.assert_all_have("2.0.0")


@pytest.mark.every_point
def test_two_controllers_that_begin_together_leave_one_outcome(shop):
    shop = shop(3)
    plans = [shop.propose(version, waves=[1, "100%"]) for version in ("2.0.0", "3.0.0")]

    runs = [run.wait() for run in [shop.begin(plan) for plan in plans]]

    assert {run.rc for run in runs} <= {0, 2}, runs[0].output + runs[1].output
    (version,) = set(shop.live())
    done = [version for version, run in zip(("2.0.0", "3.0.0"), runs, strict=True) if run.rc == 0]
    assert version == (done[-1] if done else "1.0.0") or done == ["2.0.0", "3.0.0"]
    shop.assert_all_have(version)
    again = shop.deploy(plans[1])
    assert again.rc == 0, again.output
    shop.assert_recorded_on_all("3.0.0")


def with_handlers(folder):
    """Copy the playbook into *folder*, with a handler in each play; return its path."""
    shutil.copytree(CHECKOUT / "playbooks/tasks", folder / "tasks")
    plays = yaml.safe_load((CHECKOUT / "playbooks/deploy_plan.yml").read_text())
    handler = {
        "name": "Restart the shop",
        "ansible.builtin.command": {"argv": step("handler")},
        "changed_when": True,
        "listen": "release activated",
    }
    copy = folder / "deploy_shop.yml"
    copy.write_text(yaml.safe_dump([{**play, "handlers": [handler]} for play in plays]))
    return copy


@pytest.mark.parametrize(
    "waves",
    [
        pytest.param([2, "100%"], id="one of two", marks=pytest.mark.every_point),
        pytest.param([1, "100%"], id="the canary"),
    ],
)
@pytest.mark.every_point
def test_a_handler_loses_its_host(shop, waves):
    """Ansible drops the host, hence the exit status; one that was a whole wave ends the run."""
    shop = shop(3)
    plan = shop.propose("2.0.0", waves=waves)
    host = shop.hosts[waves[0] - 1]
    shop.hold(host, "handler")
    copy = with_handlers(shop.folder)
    run = shop.controller.start(
        copy,
        shop.inventory,
        extra_vars={"release_plan": plan, "release_env": "production"},
        env={"HOME": str(shop.folder)},
    )
    shop.until_held(host, "handler")

    shop.cut(host)
    run = run.wait()

    assert run.rc == 4, run.output
    if waves[0] == 2:
        lost = "h002: unreachable in a hook or a handler"
        assert end_of(run) == f"failed: {lost}; lost: h002 (issue I-1)"
        assert shop.live() == ["1.0.0", "2.0.0", "1.0.0"]
    else:
        assert shop.live() == ["2.0.0", "1.0.0", "1.0.0"]
    shop.let_go(host, "handler")
    shop.assert_no_silent_split(named=[host.name], open_runs=waves[0] == 1)
    shop.restore(host)
    if waves[0] == 2:
        again = shop.back_out(plan)
        version = "1.0.0"
    else:
        again = shop.deploy(plan)
        version = "2.0.0"
    assert again.rc == 0, again.output
    shop.assert_recorded_on_all(version)


@pytest.mark.every_point
@pytest.mark.parametrize("unhealthy", ["stop", "allow"])
def test_a_link_is_cut_while_the_release_is_sent(shop, big_library, unhealthy):
    shop = shop(3, deploy_media_library=str(big_library))
    plan = shop.propose("2.0.0", waves=[1, "100%"], unhealthy=unhealthy)
    host = shop.hosts[1]
    run = shop.begin(plan)
    until(lambda: MEGABYTE < bytes_sent(host) < BIG_BYTES / 2, "a pack on its way")

    shop.cut(host)
    run = run.wait()

    assert run.rc == 2, run.output
    if unhealthy == "stop":
        assert end_of(run).startswith("refused: h002: ")
        shop.assert_all_have("1.0.0")
    else:
        assert end_of(run) == "held: late: h002 (playbook reconcile brings the release)"
        assert shop.live() == ["2.0.0", "1.0.0", "2.0.0"]
        shop.assert_no_silent_split()
    shop.restore(host)
    again = shop.deploy(plan) if unhealthy == "stop" else shop.run("reconcile")
    assert again.rc == 0, again.output
    shop.assert_recorded_on_all("2.0.0")


def resize_disk(host, size):
    subprocess.run(["mount", "-o", f"remount,size={size}", host.seen], check=True)


@pytest.mark.every_point
def test_a_disk_fills_while_the_release_is_sent(shop, big_library):
    shop = shop(3, deploy_media_library=str(big_library))
    plan = shop.propose("2.0.0", waves=[1, "100%"])
    host = shop.hosts[1]
    run = shop.begin(plan)
    until(lambda: MEGABYTE < bytes_sent(host) < BIG_BYTES / 2, "a pack on its way")

    resize_disk(host, BIG_BYTES * 3 // 2)
    run = run.wait()

    assert run.rc == 2, run.output
    assert end_of(run).startswith("refused: h002: ")
    assert "No space left" in end_of(run)
    shop.assert_all_have("1.0.0")
    resize_disk(host, BIG_BYTES * 10)
    again = shop.deploy(plan)
    assert again.rc == 0, again.output
    shop.assert_recorded_on_all("2.0.0")


@pytest.mark.every_point
def test_a_disk_fills_during_activation(shop):
    """The host cannot even note that it goes back, and is said to be not backed out."""
    shop = shop(3)
    plan = shop.propose("2.0.0", waves=[1, "100%"])
    host = shop.hosts[1]
    shop.hold(host, "restart")
    run = shop.begin(plan)
    shop.until_held(host, "restart")

    with contextlib.suppress(OSError), open(host.seen / "filling", "wb", buffering=0) as filling:
        resize_disk(host, 4 * MEGABYTE)
        while True:
            filling.write(bytes(4096))
    shop.let_go(host, "restart")
    run = run.wait()

    assert run.rc == 2, run.output
    assert end_of(run).startswith("failed: h002: ")
    assert "No space left" in end_of(run)
    assert "not backed out: h002" in end_of(run)
    shop.assert_no_silent_split(named=["h002"])
    (host.seen / "filling").unlink()
    back = shop.back_out(plan)
    assert back.rc == 0, back.output
    shop.assert_recorded_on_all("1.0.0")


@pytest.mark.every_point
def test_a_ssh_server_restarts_during_activation(shop):
    """The call is lost, and the host is reached again on the way back."""
    shop = shop(4)
    plan = shop.propose("2.0.0", waves=WAVES)
    host = shop.hosts[2]
    shop.hold(host, "restart")
    run = shop.begin(plan)
    shop.until_held(host, "restart")

    done = shop.fleet.run(host.host, ["python3", "-c", RESTART_SSHD])
    assert done.returncode == 0, done.stderr
    run = run.wait()

    assert run.rc == 2, run.output
    assert end_of(run).startswith("backed_out: h003: ")
    shop.let_go(host, "restart")
    shop.assert_all_have("1.0.0")
    shop.close_issue()
    again = shop.deploy(plan)
    assert again.rc == 0, again.output
    shop.assert_recorded_on_all("2.0.0")


@pytest.mark.every_point
def test_a_probe_flaps(shop):
    """Two good measurements in a row are enough, and a host that never has them is bad."""
    command = ["sh", "-c", FLAPPING, "sh", "{{ srv }}"]
    probe = {"command": command, "successes": 2, "count": 6, "interval": 0.05}
    shop = shop(3, deploy_probe=probe)
    plan = shop.propose("2.0.0", waves=[1, "100%"])
    for host, digits in zip(shop.hosts, ("", "0100101011", "010101010101"), strict=True):
        (host.seen / "flaps-2.0.0").write_text(f"{digits}\n" * bool(digits))
    (shop.hosts[1].seen / "flaps-2.0.0").write_text("01011\n")

    run = shop.deploy(plan)

    assert run.rc == 2, run.output
    assert end_of(run).startswith("backed_out: h003: ")
    assert "inconclusive" in end_of(run)
    shop.assert_all_have("1.0.0")
    (shop.hosts[2].seen / "flaps-2.0.0").write_text("0011\n")
    shop.close_issue()
    again = shop.deploy(plan)
    assert again.rc == 0, again.output
    shop.assert_recorded_on_all("2.0.0")


@pytest.mark.every_point
def test_a_hook_hangs(shop, tmp_path):
    """The deadline of a hook is the keyword timeout of its task."""
    hook = {
        "name": "Leave the load balancer",
        "ansible.builtin.command": {"argv": step("hook")},
        "changed_when": True,
        "timeout": 15,
    }
    (tmp_path / "leave.yml").write_text(yaml.safe_dump([hook]))
    shop = shop(3, deploy_hooks={"before_activate": str(tmp_path / "leave.yml")})
    plan = shop.propose("2.0.0", waves=[1, "100%"])
    host = shop.hosts[2]
    shop.hold(host, "hook", version="1.0.0")

    run = shop.deploy(plan)

    assert run.rc == 2, run.output
    assert end_of(run).startswith("backed_out: h003: ")
    shop.let_go(host, "hook")
    shop.assert_all_have("1.0.0")
    shop.close_issue()
    again = shop.deploy(plan)
    assert again.rc == 0, again.output
    shop.assert_recorded_on_all("2.0.0")


@pytest.mark.every_point
def test_the_way_back_fails(shop):
    """The release before is live again, and does not start: the host is named with the reason."""
    shop = shop(3)
    plan = shop.propose("2.0.0", waves=[1, "100%"])
    canary, _second, last = shop.hosts
    shop.make_fail(last)
    shop.make_fail(canary, "restart", version="1.0.0")

    run = shop.deploy(plan)

    assert run.rc == 2, run.output
    assert end_of(run).startswith("failed: h003: ")
    assert "not in service: h001" in end_of(run)
    shop.assert_all_have("1.0.0")
    shop.mend(canary, "restart", version="1.0.0")
    shop.mend(last)
    shop.close_issue()
    again = shop.deploy(plan)
    assert again.rc == 0, again.output
    shop.assert_recorded_on_all("2.0.0")
