# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release manager's releases, on six hosts of this machine: `make demo-release` runs it.

Each step prints the commands that it runs in the folder of the demo, and what the collection says
to them; it stops where that is not what the step promises. The folder is deleted at the end, with
every process that was started in it, unless KEEP=1. VERBOSE=1 prints the whole output of Ansible.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import history
from sandbox import MARK, NotShownError, free_ports, remove

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SHOP = Path(__file__).resolve().parent
PREFIX = "itops-release-demo-"
SELLING = {"staging1": 1, "prod1": 2, "prod2": 3, "prod3": 4}  # hosts of the shop, and their ports
PRODUCTION = ["prod1", "prod2", "prod3"]
PROGRAMS = ("git", "ssh-keygen")
WIDTH = 80
INTERRUPTED = 130  # the exit status, as shells have it
EARLY_LIFE = 30  # seconds, as plans/shop-1.2.1.yml has it
CLOSE = """
    ansible-playbook itops.release.close -i hosts.yml \\
      -e release_plan=plans/shop-1.2.1.yml -e release_key=ada
    """
# In 1.2.0, an orders file that an older version wrote has no vouchers.
BROKEN = 'return self.read()["vouchers"]'
MENDED = 'return self.read().get("vouchers", {"WELCOME": 10})'
ANSIBLES_OWN = re.compile(r"^\[ERROR\]: Task failed: Action failed: ")
# The hosts are on this machine; a proxy for the world outside knows nothing of them.
HTTP = build_opener(ProxyHandler({}))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument(
        "--pages",
        type=Path,
        default=CHECKOUT / ".sandbox" / "demo-release" / "pages",
        help="where a copy of the pages stays (default: %(default)s)",
    )
    arguments.add_argument(
        "--log",
        type=Path,
        default=CHECKOUT / ".cache" / "demo-release.log",
        help="where Ansible's own output goes (default: %(default)s)",
    )
    arguments.add_argument(
        "--remove", type=Path, metavar="FOLDER", help="remove what a demo with KEEP=1 has left"
    )
    given = arguments.parse_args()
    if given.remove:
        remove_kept(given.remove.resolve())
        return
    if missing := what_is_missing():
        sys.exit(missing)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)

    log = given.log.resolve()
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as log_file:
        demo = Demo(log_file, free_ports(len(SELLING)))
        try:
            status = tell(demo, given.pages.resolve())
        except KeyboardInterrupt:
            status = INTERRUPTED
        finally:
            if not demo.is_kept:
                remove(demo.folder)
    if status == INTERRUPTED and not demo.is_kept:
        print("\ninterrupted: what ran was ended, and the folder of the demo is gone")
    sys.exit(status)


def what_is_missing():
    if not Path("/proc/self/environ").exists():
        return "the demo needs Linux: it finds its own processes in /proc"
    for program in PROGRAMS:
        if not shutil.which(program):
            return f"the demo needs {program}"
    return None


def remove_kept(folder):
    if not folder.name.startswith(PREFIX) or not (folder / "hosts.yml").is_file():
        sys.exit(f"{folder} is not the folder of a demo")
    # What was started by hand later does not have the mark of the demo.
    for root in sorted(folder.glob("hosts/*/shop")):
        stop = [sys.executable, str(SHOP / "service.py"), "stop", "--root", str(root)]
        subprocess.run(stop, check=True)
    remove(folder)


def tell(demo, pages):
    """Run every step, and return the exit status."""
    began = time.monotonic()
    demo.say("A release manager's releases, on six hosts of this machine", style="1")
    demo.say(f"DEMO={demo.folder}; cd $DEMO")
    demo.say(f"The whole output of Ansible: {os.path.relpath(demo.log.name)}")
    for number, (title, step) in enumerate(STEPS):
        demo.say(f"\n{number}  {title}", style="1")
        cpu = os.times().children_user + os.times().children_system
        demo.log.write(f"# {time.monotonic() - began:.1f} s, {cpu:.1f} s of CPU: {title}\n")
        try:
            step(demo)
        except NotShownError as difference:
            demo.say(f"\nNOT SHOWN: step {number}: {difference}", style="31")
            demo.say(f"The end of {demo.log.name}:")
            demo.say("".join(f"  | {line}\n" for line in demo.last_lines(40)))
            demo.say_where()
            return 1
    keep_pages(demo.folder / "pages", pages)
    demo.say(f"\nAll of it was shown, in {time.monotonic() - began:.0f} s.", style="1")
    demo.say_where()
    if not demo.is_kept:
        demo.say("The folder of the demo is removed. A copy of its pages stays: open")
    demo.say(str((demo.folder / "pages" if demo.is_kept else pages) / "index.html"))
    return 0


def keep_pages(made, kept):
    """Copy the pages to the folder *kept*, in place of those of an earlier demo."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pages-", dir=kept.parent) as folder:
        shutil.copytree(made, Path(folder) / "new")
        if kept.exists():
            os.rename(kept, Path(folder) / "old")
        os.rename(Path(folder) / "new", kept)


# The steps. Each runs its commands, or raises NotShownError.


def before(demo):
    demo.write_all()
    demo.run(
        "Seal four versions of the shop and two of billing; deploy 1.0.0.",
        """
        ansible-playbook seal.yml itops.release.deploy -i hosts.yml \\
          -e deploy_release=shop:1.0.0 -e deploy_hosts=shop
        """,
        r"^\d+ deployed",
    )
    demo.expect_versions(dict.fromkeys(SELLING, "1.0.0"))
    demo.order("prod3")
    for host in SELLING.keys() - {"prod3"}:
        demo.prepare_vouchers(host)
    demo.write_policy()


def refused(demo):
    demo.run(
        "From now on production requires a plan. Ada proposes one.",
        """
        ansible-playbook itops.release.plan -i hosts.yml \\
          -e release_plan=plans/shop-1.1.yml -e release_key=ada
        """,
        r"^plan +shop-1.1 revision 1: shop 1\.1\.0",
        r"^production +1\.0\.0 → 1\.1\.0 +on 3 hosts",
        r"^sign  ",
    )
    demo.run(
        "It is too early to deploy it: the exit status is 2.",
        """
        ansible-playbook itops.release.deploy -i hosts.yml \\
          -e release_plan=plans/shop-1.1.yml -e release_env=production
        """,
        r"^Verdict: refused: (?=.*approvals: operations 0 of 1)(?=.*not committed in staging)"
        r"(?=.*support desk)",
        status=2,
    )
    demo.expect_versions(dict.fromkeys(SELLING, "1.0.0"))


def approved(demo):
    demo.run(
        "Staging needs no approval.",
        """
        ansible-playbook itops.release.deploy -i hosts.yml \\
          -e release_plan=plans/shop-1.1.yml -e release_env=staging
        """,
        r"^Verdict: done",
    )
    demo.run(
        "Ben of operations approves with his SSH key, without Ansible.",
        """
        ssh-keygen -Y sign -n approval@itops.release -f ben \\
          approvals/shop-1.1/production-operations.ben.json
        """,
        r"^Write signature to ",
    )
    demo.run(
        "The support desk acknowledges it.",
        """
        ansible-playbook itops.release.register -i hosts.yml \\
          -e release_kind=acknowledgement -e release_plan=plans/shop-1.1.yml \\
          -e release_by="support desk"
        """,
        r"^acknowledgement .*support desk opened",
    )
    demo.run(
        "Production: one host, then the others.",
        """
        ansible-playbook itops.release.deploy -i hosts.yml \\
          -e release_plan=plans/shop-1.1.yml -e release_env=production
        """,
        r"approve of ben",
        r"^wave 1 of 2: ",
        r"^wave 2 of 2: 3 of 3 hosts done",
        r"^Verdict: done",
    )
    demo.expect_versions(dict.fromkeys(SELLING, "1.1.0"))


def broken(demo):
    demo.run(
        "1.2.0 cannot read the orders that prod3 has from 1.0.0.",
        """
        ansible-playbook itops.release.plan -i hosts.yml \\
          -e release_plan=plans/shop-1.2.yml -e release_key=ada
        """,
        r"^production +1\.1\.0 → 1\.2\.0 +on 3 hosts",
    )
    demo.run(
        "Ben approves.",
        """
        ssh-keygen -Y sign -n approval@itops.release -f ben \\
          approvals/shop-1.2/production-operations.ben.json
        """,
    )
    demo.run(
        "It works in staging.",
        """
        ansible-playbook itops.release.deploy -i hosts.yml \\
          -e release_plan=plans/shop-1.2.yml -e release_env=staging
        """,
        r"^Verdict: done",
    )
    demo.run(
        "prod1 works, prod2 works, prod3 fails: all three return to 1.1.0.",
        """
        ansible-playbook itops.release.deploy -i hosts.yml \\
          -e release_plan=plans/shop-1.2.yml -e release_env=production
        """,
        r"^wave 1 of 2: 1 of 3 hosts done",
        r"^backing out \d of 3 hosts",
        r"^Verdict: backed_out: prod3: .*503.*issue I-1",
        status=2,
    )
    demo.expect_versions({"staging1": "1.2.0", **dict.fromkeys(PRODUCTION, "1.1.0")})
    demo.run(
        "The run opened an issue, which blocks 1.2.0 in all environments.",
        """
        ansible-playbook itops.release.deploy -i hosts.yml \\
          -e release_plan=plans/shop-1.2.yml -e release_env=production
        """,
        r"^Verdict: refused: .*blockers: open: I-1",
        status=2,
    )


def emergency(demo):
    demo.run(
        "Ada declares the emergency by her proposal.",
        """
        ansible-playbook itops.release.plan -i hosts.yml \\
          -e release_plan=plans/shop-1.2.1.yml -e release_key=ada
        """,
        r"^declared +emergency in production by ada",
    )
    demo.run(
        "It needs no approval before.",
        """
        ansible-playbook itops.release.deploy -i hosts.yml \\
          -e release_plan=plans/shop-1.2.1.yml -e release_env=production
        """,
        r"^wave 2 of 2: 3 of 3 hosts done",
        r"^Verdict: done",
    )
    demo.early_life_ends = time.monotonic() + EARLY_LIFE
    demo.expect_versions({"staging1": "1.2.0", **dict.fromkeys(PRODUCTION, "1.2.1")})
    demo.run(
        "Ben ratifies it afterwards.",
        """
        ansible-playbook itops.release.approve -i hosts.yml \\
          -e release_plan=plans/shop-1.2.1.yml -e release_key=ben \\
          -e release_reason="Read it in the morning"
        """,
        r"^open: approvals: emergency, declared by ada, ratified: operations 1 of 1",
    )
    demo.run(
        "Its early life has begun: it cannot be closed yet.",
        CLOSE,
        r"Action failed: shop-1.2.1 cannot be closed: .*verification",
        status=2,
    )


def together(demo):
    demo.run(
        "Billing has a database and an API, which belong together.",
        """
        ansible-playbook itops.release.plan -i hosts.yml \\
          -e release_plan=plans/billing-1.yml
        """,
        r"^test +(db|api): nothing → 1\.0\.0",
    )
    demo.run(
        "The API is deployed after the database.",
        """
        ansible-playbook itops.release.train -i hosts.yml \\
          -e release_plan=plans/billing-1.yml -e release_env=test
        """,
        r"^db +deployed",
        r"^api +deployed",
        r"^Verdict: done",
    )
    expect("billing on its hosts", demo.billing(), {"db": "1.0.0", "api": "1.0.0"})
    demo.run(
        "In version 2.0.0 the certificate of the API is empty.",
        """
        ansible-playbook itops.release.plan -i hosts.yml \\
          -e release_plan=plans/billing-2.yml
        """,
        r"^test +(db|api): 1\.0\.0 → 2\.0\.0",
    )
    demo.run(
        "The database works, the API fails: both return to 1.0.0.",
        """
        ansible-playbook itops.release.train -i hosts.yml \\
          -e release_plan=plans/billing-2.yml -e release_env=test
        """,
        r"^db +deployed",
        r"^Verdict: backed_out: api: .*; backed out: db, api",
        status=2,
    )
    expect("billing on its hosts", demo.billing(), {"db": "1.0.0", "api": "1.0.0"})


def by_hand(demo):
    page = demo.folder / "pages" / "runbooks" / "shop.md"
    commands = runbook(page)
    wanted = {("production", "Verify"), ("staging", "Roll back")}
    expect(f"commands that are missing in {page.name}", wanted - commands.keys(), set())
    demo.paste(
        "Verify every file in production.", commands["production", "Verify"], r"^Verdict: done"
    )
    demo.paste(
        "Staging still has the broken version: roll it back.",
        commands["staging", "Roll back"],
        r"^staging1 +rolled back +shop 1\.2\.0 → 1\.1\.0",
    )
    demo.expect_versions({"staging1": "1.1.0", **dict.fromkeys(PRODUCTION, "1.2.1")})


def closed(demo):
    demo.run(
        "One item of the acceptance list is open.",
        CLOSE,
        r"Action failed: .* cannot be closed: .*not answered: user_notes",
        status=2,
    )
    demo.run(
        "Ben answers it; plan and ledger have answered the others.",
        """
        ansible-playbook itops.release.register -i hosts.yml \\
          -e release_kind=acceptance -e release_plan=plans/shop-1.2.1.yml \\
          -e release_item=user_notes -e release_reason="In the newsletter" \\
          -e release_key=ben
        """,
        r"^acceptance .*/user_notes opened",
    )
    demo.wait_until(demo.early_life_ends)
    demo.run(
        "Early life is over: the plan is closed.", CLOSE, r"^shop-1\.2\.1 closed", r"^evidence  "
    )


def verified(demo):
    verify = "./release_verify_evidence {} --keys allowed_signers"
    pack = "evidence/shop-1.2.1.tar"
    demo.run(
        "Whole, by the keys of Ada, of Ben and of the build server.",
        verify.format(pack),
        r"^shop-1\.2\.1: whole: ",
    )
    name, place = byte_of(demo.folder / pack, "ben")
    demo.run(
        "One byte of the approval by Ben is changed.",
        f"""
        cp {pack} altered.tar
        printf '!' | dd of=altered.tar bs=1 seek={place} conv=notrunc status=none
        {verify.format("altered.tar")}
        """,
        r"^shop-1\.2\.1: not whole: ",
        rf"^{re.escape(name)}: ",
        status=1,
    )


STEPS = [
    ("Before: the shop 1.0.0 is live, deployed without a plan", before),
    ("A plan for production is refused, for three reasons at once", refused),
    ("Staging, an approval by ssh-keygen, an acknowledgement, production", approved),
    ("A broken version: its last wave fails, and both waves come back", broken),
    ("The fix is an emergency: deployed at once, ratified afterwards", emergency),
    ("Two domains go together, and come back together", together),
    ("Commands of the runbook, pasted: production is verified, staging rolled back", by_hand),
    ("Early life and acceptance, then the plan is closed", closed),
    ("The evidence is verified without Ansible; one byte is changed", verified),
]


def expect(what, seen, wanted):
    if seen != wanted:
        raise NotShownError(f"{what}: {seen or 'none'} instead of {wanted or 'none'}")


def runbook(page):
    """Return {(environment, first words of a title): command} of a runbook in Markdown."""
    found = {}
    environment = ""
    for part in re.split(r"^(?=##)", page.read_text(encoding="utf-8"), flags=re.MULTILINE):
        title = part.splitlines()[0]
        if title.startswith("## "):
            environment = title.removeprefix("## ").split()[-1]
        command = re.search(r"^```\n(.+)\n```$", part, re.MULTILINE)
        if command:
            words = re.match(r"#+ (Verify|Roll back|\w+)", title)
            found[environment, words[1]] = command[1]
    return found


def byte_of(pack, person):
    """Return the name of a statement of a *person* in a pack, and where its middle is."""
    with tarfile.open(pack) as tar:
        for member in tar:
            _plan, _, name = member.name.partition("/")
            if re.fullmatch(r"statements/\d+\.json", name):
                if json.load(tar.extractfile(member))["person"] == person:
                    return name, member.offset_data + member.size // 2
    raise NotShownError(f"{pack} has no statement of {person}")


def wrapped(command):
    """Return a long *command* on several lines, which a shell reads as the same."""
    playbook, *options = re.split(r" (?=-[ie] )", command)
    return " \\\n".join([playbook, *(f"  {option}" for option in options)])


@dataclass
class Demo:
    """A folder with six hosts in it, and all that people and the collection write there."""

    log: object
    port: int
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix=PREFIX)).resolve())
    early_life_ends: float = 0.0  # by time.monotonic()

    @property
    def is_kept(self):
        return os.environ.get("KEEP") == "1"

    @property
    def is_verbose(self):
        return os.environ.get("VERBOSE") == "1"

    def say(self, text, style=""):
        plain = not style or not sys.stdout.isatty() or "NO_COLOR" in os.environ
        print(text if plain else f"\033[{style}m{text}\033[0m", flush=True)

    def say_where(self):
        if not self.is_kept:
            return
        self.say("All is still there, and the shop still runs. To run commands:")
        self.say(f"  cd {shlex.quote(str(self.folder))}")
        self.say(f"  export DEMO=$PWD PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
        self.say("To remove it:")
        script = shlex.quote(str(Path(__file__).resolve()))
        self.say(f"  python {script} \\\n    --remove {shlex.quote(str(self.folder))}")

    # What the demo runs.

    def run(self, about, command, *wanted, status=0):
        """Run a *command*; print it, and the lines of its output that match what is *wanted*.

        Each of the *wanted* patterns must match a line, and the command end with the *status*.
        """
        command = textwrap.dedent(command).strip()
        self._run(about, command, command, wanted, status)

    def paste(self, about, command, *wanted):
        """Run a *command* of a page as it stands there; print it in several lines."""
        self._run(about, command, wrapped(command), wanted, 0)

    def _run(self, about, command, shown, wanted, status):
        self.say(f"   {about}")
        mark = "$"
        for line in shown.replace(str(self.folder), "$DEMO").split("\n"):
            self.say(f"   {mark} {line}", style="36")
            mark = " " if line.endswith("\\") else "$"
        self.log.write(f"$ {command}\n")
        ended, lines = self._output(command)
        if not self.is_verbose:
            for line in dict.fromkeys(lines):
                if any(re.search(pattern, line) for pattern in wanted):
                    self._say_output(line)
        if ended != status:
            raise NotShownError(f"exit status {ended} instead of {status}")
        for pattern in wanted:
            if not any(re.search(pattern, line) for line in lines):
                raise NotShownError(f"no line of the output matches {pattern}")

    def wait_until(self, moment):
        """Wait until a *moment* of time.monotonic()."""
        left = moment - time.monotonic()
        if left > 0:
            self.say(f"     (early life ends in {left:.0f} s)")
            time.sleep(left)

    def _output(self, command):
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self._environment(),
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
            lines.append(line.rstrip("\n"))
            self.log.write(line)
            self.log.flush()
            if self.is_verbose:
                self._say_output(lines[-1])
        return process.wait(), lines

    def _say_output(self, line):
        text = ANSIBLES_OWN.sub("", line.replace(f"{self.folder}/", ""))
        indent = " " * 5
        for part in textwrap.wrap(
            text,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent + "  ",
            break_on_hyphens=False,
            break_long_words=False,
        ):
            self.say(part)

    def _environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
        return {
            **kept,
            MARK: str(self.folder),
            "DEMO": str(self.folder),
            "ANSIBLE_NOCOLOR": "1",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            # Modules that are interrupted leave their folders: they go with the demo.
            "TMPDIR": str(self.folder / "tmp"),
            "XDG_CACHE_HOME": str(self.folder / "tmp"),
            "no_proxy": "127.0.0.1",
        }

    def last_lines(self, count):
        return Path(self.log.name).read_text(encoding="utf-8").splitlines()[-count:]

    # What is there before the first command.

    def write_all(self):
        shutil.copytree(SHOP / "release", self.folder, dirs_exist_ok=True)
        shutil.copy(CHECKOUT / "scripts" / "release_verify_evidence", self.folder)
        (self.folder / "tmp").mkdir()
        self.write_settings()
        for person in ("ada", "ben", "ci"):
            self.quietly(f"ssh-keygen -q -t ed25519 -N '' -C {person} -f {person}")
        signers = [f"{name} {self.public_key(name)}\n" for name in ("ada", "ben")]
        signers.append(f'ci namespaces="release@itops.release" {self.public_key("ci")}\n')
        (self.folder / "allowed_signers").write_text("".join(signers))
        self.write_policy(before=True)
        self.write_sources()

    def write_settings(self):
        python = sys.executable
        variables = {
            "sandbox_port": self.port,
            "shop_service": [python, str(SHOP / "service.py")],
        }
        (self.folder / "group_vars").mkdir()
        (self.folder / "group_vars" / "all.yml").write_text(json.dumps(variables))
        (self.folder / "ansible.cfg").write_text(
            "[defaults]\n"
            f"collections_path = {CHECKOUT / '.dev'}\n"
            f"home = {self.folder / '.ansible'}\n"
            f"remote_tmp = {self.folder / '.ansible' / 'tmp'}\n"
            "callbacks_enabled = itops.release.metrics\n"
            "callback_result_format = yaml\n"
            "[connection]\n"
            "pipelining = True\n"
        )

    def write_policy(self, before=False):
        """Write the policy; *before* the first step, production requires nothing."""
        text = (SHOP / "release" / "policy.yml").read_text(encoding="utf-8")
        for person in ("ada", "ben"):
            text = text.replace(f"key of {person}", self.public_key(person))
        if before:
            text = re.sub(r"  production:\n( {4}.*\n)+", "  production: {}\n", text)
        (self.folder / "policy.yml").write_text(text, encoding="utf-8")

    def public_key(self, person):
        return (self.folder / f"{person}.pub").read_text(encoding="utf-8").strip()

    def write_sources(self):
        """Write a folder for each release that is to be sealed."""
        repository = self.folder / "tmp" / "shop"
        history.load(repository)
        for serial, version in enumerate(("1.0.0", "1.1.0", "1.2.0", "1.2.1"), start=1):
            source = self.source("shop", version, serial)
            tag = f"v{'1.2.0' if version == '1.2.1' else version}"
            tar = history.git(repository, "archive", "--format=tar", tag, "app")
            with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
                archive.extractall(source, filter="data")
        self.mend(source / "app" / "shop")
        for serial, version in enumerate(("1.0.0", "2.0.0"), start=1):
            source = self.source("billing-db", version, serial) / "app"
            source.mkdir()
            (source / "schema.sql").write_text(f"-- version {version}\nCREATE TABLE bills (id);\n")
            source = self.source("billing-api", version, serial) / "app"
            source.mkdir()
            # Somebody forgot to renew the certificate in 2.0.0.
            text = "BEGIN CERTIFICATE\n" if version == "1.0.0" else ""
            (source / "server.pem").write_text(text)

    def source(self, name, version, serial):
        folder = self.folder / "source" / f"{name}-{version}"
        folder.mkdir(parents=True)
        about = {"name": name, "version": version, "serial": serial}
        component = {"name": "app", "kind": "files", "source": "app"}
        (folder / "release.yml").write_text(json.dumps({**about, "components": [component]}))
        return folder

    def mend(self, package):
        """Repair the shop 1.2.0 to 1.2.1."""
        for file, old, new in (
            ("orders.py", BROKEN, MENDED),
            ("__init__.py", "1.2.0", "1.2.1"),
        ):
            text = (package / file).read_text(encoding="utf-8")
            expect(f"what is to be repaired in {file}", text.count(old), 1)
            (package / file).write_text(text.replace(old, new), encoding="utf-8")

    def quietly(self, command):
        self.log.write(f"$ {command}\n")
        status, _lines = self._output(command)
        expect(f"exit status of {command}", status, 0)

    # What is seen on the hosts.

    def expect_versions(self, wanted):
        """See that the shop answers over HTTP as the *wanted* version, by host."""
        seen = {host: self.request(host, "/version")["version"] for host in SELLING}
        expect("versions that answer", seen, wanted)

    def billing(self):
        roots = {"db": "test-db", "api": "test-api"}
        seen = {}
        for name, host in roots.items():
            live = (self.folder / "hosts" / host / "billing" / "current").resolve()
            seen[name] = live.name.partition("-")[0]
        return seen

    def order(self, host):
        self.request(host, "/orders", {"product": "night-shift"})

    def prepare_vouchers(self, host):
        """Prepare the data of a host by hand for 1.2.0, which somebody forgets on prod3."""
        file = self.folder / "hosts" / host / "shop" / "shared" / "data" / "orders.json"
        data = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps({**data, "vouchers": {"WELCOME": 10}}), encoding="utf-8")

    def request(self, host, path, value=None):
        url = f"http://127.0.0.1:{self.port + SELLING[host]}{path}"
        data = None if value is None else json.dumps(value).encode()
        try:
            with HTTP.open(url, data, timeout=5) as response:
                return json.load(response)
        except (URLError, OSError) as error:
            raise NotShownError(f"{url}: {error}") from error


if __name__ == "__main__":
    main()
