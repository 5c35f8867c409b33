# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a release, shown on the eight hosts of inventories/sandbox: `make demo` runs it.

Every step runs a playbook of the collection and then looks for itself: over HTTP, at the exit
status, at the files. A line says what was seen. The sandbox is a folder of its own, on ports that
are free; it is gone afterwards, whatever happened, and so is every process that was started in it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import history
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sandbox import MARK, NotShownError, free_ports, processes, remove

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SHOP = Path(__file__).resolve().parent
VERSIONS = ["1.0.0", "1.1.0", "1.2.0"]
HOSTS = ["test1", "test2", "staging1", "staging2", "prod1", "prod2", "prod3", "prod4"]
# The file that somebody edits where it is live. Its content is the same in 1.0.0 and 1.1.0.
EDITED_HOST, EDITED_FILE = "prod3", "templates/card.html"
INTERRUPTED = 130  # the exit status, as shells have it
# The hosts are on this machine; a proxy for the world outside knows nothing of them.
HTTP = build_opener(ProxyHandler({}))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument(
        "--log",
        type=Path,
        default=CHECKOUT / ".cache" / "demo.log",
        help="where Ansible's own output goes (default: %(default)s)",
    )
    log = arguments.parse_args().log.resolve()
    if missing := what_is_missing():
        sys.exit(missing)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)

    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as log_file:
        sandbox = Sandbox(log_file, free_ports(len(HOSTS), usual=[18080]))
        try:
            status = tell(sandbox)
        except KeyboardInterrupt:
            status = INTERRUPTED
        finally:
            remove(sandbox.directory)
    if status == INTERRUPTED:
        say("\n  interrupted: whatever ran was ended, and the sandbox is gone")
    sys.exit(status)


def what_is_missing():
    if not Path("/proc/self/environ").exists():
        return "the demo needs Linux: it finds its own processes in /proc"
    if not shutil.which("git"):
        return "the demo needs git: the shop's history is a git history"
    return None


def tell(sandbox):
    """Run every step, say what each showed, and return the exit status."""
    say("A release from build to removal, on eight hosts of this machine")
    say(f"(Ansible's own output: {os.path.relpath(sandbox.log.name)})\n")
    began = time.monotonic()
    for number, step in enumerate(STEPS, start=1):
        title = step.__name__.replace("_", " ")
        step_began = time.monotonic()
        pending(f"  {number:2}  {title} …")
        try:
            shown = step(sandbox)
        except NotShownError as difference:
            say(f"  {number:2}  {title:<12} NOT SHOWN: {difference}\n")
            say(f"The end of {sandbox.log.name}:")
            say("".join(f"  | {line}\n" for line in sandbox.last_lines(40)))
            return 1
        say(f"  {number:2}  {title:<12} {shown:<76} {time.monotonic() - step_began:4.1f} s")
    kept = " and ".join(
        f"{sandbox.log_folder}/shop-1.1.0{ending}" for ending in (".md", ".cdx.json")
    )
    say(f"\nAll of it was shown, in {time.monotonic() - began:.0f} s.")
    say(f"The build note of 1.1.0 and its bill of materials: {kept}")
    return 0


# The steps. Each returns what it showed, or raises NotShownError.


def built(sandbox):
    repository, sources = sandbox.directory / "shop", sandbox.directory / "source"
    history.load(repository)
    for version in VERSIONS:
        history.export(repository, f"v{version}", sources / version)
    sandbox.builds.mkdir()
    key = sandbox.directory / "signing_key"
    key.write_bytes(new_private_key())
    run = sandbox.play(
        str(SHOP / "build.yml"),
        shop_source=str(sources),
        shop_builds=str(sandbox.builds),
        shop_key=str(key),
    )
    run.must_succeed()
    steps = re.findall(r"(\w+): step \d of \d took", run.output)
    expect("steps that ran", sorted(steps), ["app"] * 3 + ["web"] * 3)
    return "1.0.0, 1.1.0 and 1.2.0 of the shop, from its git history, tested, sealed, signed"


def described(sandbox):
    note = sandbox.kept("shop-1.1.0.json")
    sandbox.kept("shop-1.1.0.md")
    bill = sandbox.kept("shop-1.1.0.cdx.json")
    issues = " and ".join(note["issues"])
    expect("issues in the build note of 1.1.0", issues, "#12 and #7")
    expect("findings in it", note["findings"], [])
    expect("components in the bill", [part["name"] for part in bill["components"]], ["app", "web"])
    text = f"1.1.0: {len(note['commits'])} commits since 1.0.0, for {issues}, {files(note)}"
    return f"{text}; CycloneDX {bill['specVersion']}"


def refused(sandbox):
    shutil.copytree(SHOP / "mixed", sandbox.directory / "mixed")
    run = sandbox.play(
        "itops.release.build",
        build_hosts=HOSTS[0],
        build_src=str(sandbox.directory / "mixed"),
        build_workspace=str(sandbox.builds / "mixed"),
        build_media_library=str(sandbox.directory / "media-library"),
    )
    run.must_fail()
    reason = re.search(r"web 1\.1\.0 requires app \S+; this release has app \S+", run.output)
    expect("the reason was told", bool(reason), True)
    return reason[0]


def live(sandbox):
    run = sandbox.play("itops.release.deploy", deploy_release="shop:1.0.0")
    run.must_succeed()
    sandbox.must_answer_as("1.0.0")
    for host in HOSTS:
        sandbox.post(host, "/orders", {"product": "night-shift"})
    sandbox.first_sent = run.sent_to_each()
    return f"1.0.0 on 8 hosts, each answers over HTTP; {kilobytes(sandbox.first_sent)} sent to each"


def replaced(sandbox):
    run = sandbox.play("itops.release.deploy", deploy_release="shop:1.1.0")
    run.must_succeed()
    sandbox.must_answer_as("1.1.0")
    sent = run.sent_to_each()
    expect("less was sent than for the first release", sent < sandbox.first_sent, True)
    return f"by 1.1.0 on 8 hosts; only what is new was sent: {kilobytes(sent)} to each"


def put_back(sandbox):
    run = sandbox.play("itops.release.deploy", deploy_release="shop:1.2.0")
    run.must_fail()
    back = {event["host"] for event in run.record if event.get("switched_back")}
    expect("hosts that switched back", back, set(HOSTS))
    sandbox.must_answer_as("1.1.0")
    return f"1.2.0 failed its probe; 8 hosts answer as 1.1.0 again (exit status {run.status})"


def found(sandbox):
    with open(sandbox.root(EDITED_HOST) / "current" / EDITED_FILE, "a", encoding="utf-8") as file:
        file.write("<!-- a quick fix, straight in production -->\n")
    run = sandbox.play("itops.release.verify")
    run.must_fail()
    expect("drift", run.drift(), {EDITED_HOST: [f"{EDITED_FILE} modified"]})
    return f"verify named {EDITED_FILE}, edited on {EDITED_HOST} (exit status {run.status})"


def rolled_back(sandbox):
    run = sandbox.play("itops.release.rollback")
    run.must_succeed()
    sandbox.must_answer_as("1.0.0")
    orders = {host: len(sandbox.get(host, "/orders")) for host in HOSTS}
    expect("orders on each host", orders, dict.fromkeys(HOSTS, 1))
    # What both releases hold alike lies on a host once, so the edit spoilt 1.0.0 too.
    sent = {host: size for host, size in run.sent_bytes().items() if size}
    expect("hosts that were sent anything", list(sent), [EDITED_HOST])
    mended = f"{kilobytes(sent[EDITED_HOST])} to mend {EDITED_HOST}"
    return f"to 1.0.0 on 8 hosts; sent: {mended}, else nothing"


def verified(sandbox):
    run = sandbox.play("itops.release.verify")
    run.must_succeed()
    expect("drift", run.drift(), {})
    return "8 hosts hold 1.0.0 to the byte as it was sealed"


def removed(sandbox):
    sandbox.play("itops.release.uninstall", uninstall_purge_shared=True).must_succeed()
    expect("processes", processes(sandbox.directory), [])
    expect("hosts that answer", [host for host in HOSTS if sandbox.listens(host)], [])
    left = [str(path) for host in HOSTS for path in sandbox.root(host).glob("*")]
    expect("left in the deployment roots", left, [])
    return "no release, no process and no open port is left on 8 hosts"


STEPS = [
    built,
    described,
    refused,
    live,
    replaced,
    put_back,
    found,
    rolled_back,
    verified,
    removed,
]


def expect(what, seen, wanted):
    if seen != wanted:
        raise NotShownError(f"{what}: {seen or 'none'} instead of {wanted or 'none'}")


def files(note):
    """Return how many files a build note says were introduced, and how many modified."""
    counts = [
        sum(len(component[key]) for component in note["components"])
        for key in ("added", "modified")
    ]
    return "{} files new, {} changed".format(*counts)


def new_private_key():
    """Return an Ed25519 key as ``ssh-keygen -t ed25519`` writes it, without a passphrase."""
    return Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )


def kilobytes(size):
    return f"{size / 1000:.1f} kB"


def say(text):
    print("\r\033[K" + text if sys.stdout.isatty() else text, flush=True)


def pending(text):
    if sys.stdout.isatty():
        print(text, end="", flush=True)


@dataclass
class Run:
    """One run of a playbook: its exit status, and the record that the metrics callback kept."""

    playbook: str
    status: int
    output: str
    record: list

    def sent_bytes(self):
        """Return {host: how much travelled there}."""
        sent = dict.fromkeys(HOSTS, 0)
        for event in self.record:
            if event["event"] == "deployment":
                sent[event["host"]] += event["sent_bytes"]
        return sent

    def sent_to_each(self):
        """Return how much travelled to a host, which must be the same for all of them."""
        sent = self.sent_bytes()
        size = max(sent.values())
        expect("bytes sent", sent, dict.fromkeys(HOSTS, size))
        return size

    def drift(self):
        """Return {host: [what differs there]} of the hosts that are not as they were sealed."""
        verdicts = [event for event in self.record if "ok" in event]
        expect("hosts that were verified", {event["host"] for event in verdicts}, set(HOSTS))
        return {event["host"]: event["first_drift"] for event in verdicts if not event["ok"]}

    def must_succeed(self):
        if self.status:
            raise NotShownError(f"{self.playbook} ended with exit status {self.status}")

    def must_fail(self):
        if not self.status:
            raise NotShownError(f"{self.playbook} ended with exit status 0")


@dataclass
class Sandbox:
    """A folder with eight hosts in it, and every process that was started there."""

    log: object
    port: int
    first_sent: int = 0  # bytes that the first release took to each host
    directory: Path = field(
        default_factory=lambda: Path(tempfile.mkdtemp(prefix="itops-release-demo-")).resolve()
    )

    def play(self, playbook, **variables):
        """Run *playbook* on the sandbox's hosts; its output goes to the log as well."""
        variables = {"sandbox_dir": str(self.directory), "sandbox_port": self.port, **variables}
        command = [sys.executable, "-m", "ansible", "playbook", playbook]
        command += ["--inventory", str(CHECKOUT / "inventories" / "sandbox")]
        command += ["--forks", str(len(HOSTS)), "--extra-vars", json.dumps(variables)]
        self.log.write(f"$ {shlex.join(command)}\n")
        record = self.directory / "record.jsonl"
        record.unlink(missing_ok=True)
        process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env={**self.environment(), "ITOPS_RELEASE_RECORD": str(record)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            # A Ctrl-C reaches this process alone, which then ends the others in order.
            start_new_session=True,
        )
        lines = []
        for line in process.stdout:
            lines.append(line)
            self.log.write(line)
            self.log.flush()
        status = process.wait()
        events = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
        return Run(playbook, status, "".join(lines), events)

    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
        # Modules that are interrupted leave their folders: they go with the sandbox.
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        return {
            **kept,
            MARK: str(self.directory),
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.directory / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "TMPDIR": str(temporary),
            "XDG_CACHE_HOME": str(self.directory / "cache"),
            "no_proxy": "127.0.0.1",
        }

    @property
    def builds(self):
        """The folder that the shop is built in, with its build notes."""
        return self.directory / "builds"

    @property
    def log_folder(self):
        return Path(os.path.relpath(Path(self.log.name).parent))

    def kept(self, name):
        """Keep a file of the builds beside the log; return what is in it, if that is JSON."""
        text = (self.builds / name).read_text(encoding="utf-8")
        (self.log_folder / name).write_text(text, encoding="utf-8")
        return json.loads(text) if name.endswith(".json") else None

    def root(self, host):
        return self.directory / host / "shop"

    def url(self, host, path):
        return f"http://127.0.0.1:{self.port + 1 + HOSTS.index(host)}{path}"

    def get(self, host, path):
        return self.request(self.url(host, path))

    def post(self, host, path, value):
        return self.request(self.url(host, path), json.dumps(value).encode())

    def request(self, url, data=None):
        try:
            with HTTP.open(url, data, timeout=5) as response:
                return json.load(response)
        except (URLError, OSError) as error:
            raise NotShownError(f"{url}: {error}") from error

    def must_answer_as(self, version):
        answers = {host: self.get(host, "/version")["version"] for host in HOSTS}
        expect("versions that answer", answers, dict.fromkeys(HOSTS, version))

    def listens(self, host):
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port + 1 + HOSTS.index(host))) == 0

    def last_lines(self, count):
        return Path(self.log.name).read_text(encoding="utf-8").splitlines()[-count:]


if __name__ == "__main__":
    main()
