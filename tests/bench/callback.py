# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the callback costs over results of 1,000 hosts x 200 tasks, beside Ansible's own cost.

.venv/bin/python tests/bench/callback.py --rounds 3

A process hands the handlers made-up results, as Ansible does: of 200 tasks, five are of the
collection, as in a deployment. It writes a record and the metrics. The baseline is the same loop
with a callback that does nothing. Ansible's own cost is the CPU of a real run of
``ansible.builtin.debug``, the cheapest task, without the callback: controller and workers, and
without the start, since a larger run is compared with a smaller one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / ".dev")]

HOSTS, TASKS = 1000, 200
BUDGET_SHARE, BUDGET_MB = 0.02, 100
REAL_HOSTS, FEW_TASKS, MORE_TASKS = 20, 5, 45
ROOT = "/srv/shop"
BIN = Path(sys.executable).parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--handle", nargs=2, metavar=("CALLBACK", "FILE"))
    options = parser.parse_args()
    if options.handle:
        handle(*options.handle)
    else:
        print(section(options.rounds))


def section(rounds):
    """Measure, and return the Markdown of all figures."""
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        found = [measured(Path(folder)) for _round in range(rounds)]
    load = f"{before:.1f} at the beginning and {os.getloadavg()[0]:.1f} at the end"
    rows = {name: [each[name] for each in found] for name in found[0]}
    share = met(rows["share"], BUDGET_SHARE)
    memory = met(rows["megabytes"], BUDGET_MB)
    return "\n".join(
        [
            f"## The callback over {HOSTS:,} hosts x {TASKS} tasks",
            "",
            f"{time.strftime('%Y-%m-%d')}, {rounds} rounds; load average {load}. Median (least to "
            "most).",
            "",
            "| | | |",
            "|---|---|---|",
            f"| callback, microseconds of CPU a result | {spread(rows['callback'])} | |",
            f"| Ansible, microseconds of CPU a result | {spread(rows['ansible'], 0)} | |",
            f"| share, budget {BUDGET_SHARE} | {spread(rows['share'], 4)} | {share} |",
            f"| memory, MB, budget {BUDGET_MB} | {spread(rows['megabytes'], 1)} | {memory} |",
            f"| report and metrics at the end, seconds of CPU | {spread(rows['end'])} | |",
            "",
        ]
    )


def met(values, budget):
    return "met" if statistics.median(values) <= budget else "**missed**"


def spread(values, digits=2):
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


def measured(folder):
    """Return the figures of one round."""
    nothing, callback = (handled(name, folder) for name in ("nothing", "metrics"))
    few, more = (cpu_of_a_run(tasks, folder) for tasks in (FEW_TASKS, MORE_TASKS))
    ansible = (more - few) / (REAL_HOSTS * (MORE_TASKS - FEW_TASKS)) * 1e6
    cost = (callback["cpu"] - nothing["cpu"]) / (HOSTS * TASKS) * 1e6
    return {
        "callback": cost,
        "ansible": ansible,
        "share": cost / ansible,
        "megabytes": (callback["memory"] - nothing["memory"]) / 1e6,
        "end": callback["end"],
    }


def handled(callback, folder):
    """Return what the loop costs with a *callback*, in a process of its own."""
    said = folder / "said.json"
    environment = {**os.environ, "HOME": str(folder), "ANSIBLE_LOCAL_TEMP": str(folder / "tmp")}
    argv = [sys.executable, __file__, "--handle", callback, str(said)]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=environment)
    return json.loads(said.read_text(encoding="utf-8"))


def cpu_of_a_run(tasks, folder):
    """Return the CPU seconds of a real run of so many tasks, with its workers."""
    play = {
        "hosts": "all",
        "gather_facts": False,
        "connection": "local",
        "tasks": [{"ansible.builtin.debug": {"msg": "well"}} for _task in range(tasks)],
    }
    (folder / "play.json").write_text(json.dumps([play]), encoding="utf-8")
    hosts = ",".join(f"host{number}" for number in range(REAL_HOSTS))
    argv = [str(BIN / "ansible-playbook"), "-i", hosts, str(folder / "play.json")]
    environment = {**os.environ, "HOME": str(folder)}
    environment.pop("ANSIBLE_CALLBACKS_ENABLED", None)
    options = {"cwd": folder, "stdout": subprocess.DEVNULL, "env": environment}
    with subprocess.Popen(argv, **options) as process:
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench: a run of {tasks} tasks failed")
    return used.ru_utime + used.ru_stime


class Nothing:
    """A callback that does nothing."""

    def v2_playbook_on_start(self, playbook):
        pass

    def v2_runner_on_start(self, host, task):
        pass

    def v2_runner_on_ok(self, result):
        pass

    def v2_playbook_on_stats(self, stats):
        pass


def handle(name, said):
    """Hand results to the callback called *name*; write what that cost to the file *said*."""
    folder = Path(said).parent
    # Both import what the callback needs, so that their memory can be compared.
    callback = metrics(folder)
    callback = callback if name == "metrics" else Nothing()
    start = time.process_time()
    loop(callback)
    cpu = time.process_time() - start
    start = time.process_time()
    callback.v2_playbook_on_stats(SimpleNamespace(failures={}, dark={}))
    end = time.process_time() - start
    if name == "metrics" and f'outcome="deployed"}} {HOSTS}' not in textfile(folder).read_text():
        sys.exit("bench: the callback did not see what was deployed")
    textfile(folder).unlink(missing_ok=True)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    Path(said).write_text(json.dumps({"cpu": cpu, "end": end, "memory": memory}))


def textfile(folder):
    return folder / "metrics.prom"


def metrics(folder):
    """Return the callback, with a record and metrics, before a run."""
    from ansible_collections.itops.release.plugins.callback.metrics import CallbackModule

    callback = CallbackModule()
    options = dict.fromkeys(("webhook", "webhook_token", "webhook_template"))
    record = str(folder / "record.jsonl")
    callback._plugin_options = {**options, "textfile": str(textfile(folder)), "record": record}
    callback.watching = True  # it need not hear of signals
    return callback


def loop(callback):
    """Hand *callback* the results of all hosts, task by task."""
    hosts = [SimpleNamespace(name=f"host{number}") for number in range(HOSTS)]
    callback.v2_playbook_on_start(SimpleNamespace(get_plays=list))
    for task in tasks():
        for host in hosts:
            callback.v2_runner_on_start(host, task)
            answer = task.answer(host.name)
            callback.v2_runner_on_ok(SimpleNamespace(host=host, task=task, result=answer))


def tasks():
    """Yield what stands for the tasks of a deployment among others."""
    others = TASKS - 5
    for number in range(others // 2):
        yield task(f"Task {number}", "ansible.builtin.command", {}, other)
    deployment, info = (f"itops.release.release_deployment{suffix}" for suffix in ("", "_info"))
    yield task("Look", info, {"root": ROOT}, looked)
    for state, before, after in (
        ("checked", "live", "live"),
        ("staged", "live", "live"),
        ("live", "live", "on trial"),
        ("live", "on trial", "live"),
    ):
        yield task("Deploy", deployment, {"root": ROOT, "state": state}, answering(before, after))
    for number in range(others // 2, others):
        yield task(f"Task {number}", "ansible.builtin.command", {}, other)


def task(name, action, args, answer):
    return SimpleNamespace(
        name=name,
        resolved_action=action,
        args=args,
        delegate_to=None,
        ignore_unreachable=False,
        get_name=lambda: name,
        answer=answer,
    )


def other(_host):
    return {"changed": True, "rc": 0, "stdout": "x" * 200, "stdout_lines": ["x" * 200], "cmd": "x"}


def looked(_host):
    live = release("1.0.0")
    return {"deployment": {"phase": "live", "live": live, "root": ROOT}, "changed": False}


def answering(before, after):
    """Return how a host answers that goes from 1.0.0 to 2.0.0 through these phases."""
    found = release("1.0.0" if before == "live" else "2.0.0", before)
    is_last = before == "on trial"
    left = release("2.0.0" if is_last or after == "on trial" else "1.0.0", after)

    def answer(_host):
        return {
            "changed": True,
            "before": dict(found),
            "after": dict(left),
            "sent_bytes": 41_234,
            "code": "ok",
        }

    return answer


def release(version, phase="live"):
    serial = int(version[0])
    return {
        "phase": phase,
        "name": "shop",
        "version": version,
        "serial": serial,
        "digest": str(serial) * 64,
        "tree": str(serial) * 64,
        "links": {str(serial) * 64: ["bin/shop"]},
    }


if __name__ == "__main__":
    main()
