# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a build note takes over 10,000 commits and 20,000 files, beside what it is made of.

That is ``git log --name-status`` over the same commits, and one comparison of the two releases by
``release_package_info``'s own code; each is a process of its own, measured in turn, as is the note
with its Markdown and JSON. Budget: twice the two together.

    .venv/bin/python tests/bench/notes.py [--rounds 5] [--commits 10000] [--files 20000]
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / ".dev"))

from ansible_collections.itops.release.plugins.module_utils.building import _checkout, _record  # noqa: E402 - path first
from ansible_collections.itops.release.plugins.module_utils.release import _manifest  # noqa: E402 - path first
from ansible_collections.itops.release.plugins.plugin_utils.library import _store  # noqa: E402
from ansible_collections.itops.release.plugins.plugin_utils.notes import (  # noqa: E402
    _composition,
    _rendered,
    _workspace,
)
from ansible_collections.itops.release.plugins.plugin_utils.release import _comparison  # noqa: E402

REPOSITORY = "/srv/git/shop.git"
TIME = "2026-01-02T00:00:00Z"
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
TYPES = ("feat", "fix", "chore", "docs", "refactor")
FILES_OF_A_COMMIT = 4
OPERATIONS = ("log", "compare", "note")
UNITS = {"seconds": "seconds", "cpu": "CPU seconds"}
BUDGET = 2


def main():
    options = parse_options()
    if options.operation:
        print(json.dumps(measure(options.operation, pathlib.Path(options.folder))))
    else:
        print(section(options.rounds, options.commits, options.files))


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--commits", type=int, default=10000)
    parser.add_argument("--files", type=int, default=20000)
    parser.add_argument("operation", nargs="?", choices=OPERATIONS)
    parser.add_argument("folder", nargs="?")
    return parser.parse_args()


def section(rounds, commits=10000, files=20000):
    """Measure, and return the Markdown of all figures."""
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        prepare(pathlib.Path(folder), commits, files)
        costs = [one_round(folder) for _number in range(rounds)]
    load = f"{before:.1f} at the beginning and {os.getloadavg()[0]:.1f} at the end"
    lines = [
        f"## A build note over {commits:,} commits and {files:,} files",
        "",
        f"{time.strftime('%Y-%m-%d')}, {rounds} rounds; load average {load}. The budget is "
        f"{BUDGET} x (`git log --name-status` + comparison of the releases).",
        "",
        "| | used of the budget: median (least to most) | |",
        "|---|---|---|",
    ]
    for unit, name in UNITS.items():
        shares = [share(cost, unit) for cost in costs]
        mark = "met" if statistics.median(shares) <= 1.005 else "**missed**"
        lines.append(f"| {name} | {spread(shares)} | {mark} |")
    lines += ["", "| | s | CPU s |", "|---|---|---|"]
    for name in OPERATIONS:
        told = [spread([cost[name][unit] for cost in costs]) for unit in UNITS]
        lines.append(f"| {name} | {' | '.join(told)} |")
    return "\n".join(lines) + "\n"


def share(costs, unit):
    """Return how much of the budget a note used."""
    return costs["note"][unit] / BUDGET / (costs["log"][unit] + costs["compare"][unit])


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def one_round(folder):
    """Return what each operation cost, each in a process of its own."""
    costs = {}
    for name in OPERATIONS:
        argv = [sys.executable, __file__, name, folder]
        done = subprocess.run(argv, stdout=subprocess.PIPE, check=True)
        costs[name] = json.loads(done.stdout)
    return costs


def measure(operation, folder):
    """Do an operation in this process; return its seconds and CPU seconds, with those of git."""
    before, start = used(), time.monotonic()
    {"log": log, "compare": compare, "note": note}[operation](folder)
    return {"seconds": time.monotonic() - start, "cpu": used() - before}


def used():
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(r.ru_utime + r.ru_stime for r in map(resource.getrusage, whose))


def log(folder):
    """Have git tell the commits and their files."""
    git(folder, "log", "--name-status", "old..new", stdout=subprocess.DEVNULL)


def compare(folder):
    """Compare the two releases."""
    library = _store.Library(str(folder / "library"))
    old, new = (library.get(library.find(f"shop:{version}").digest) for version in (1, 2))
    _comparison.compare(old.manifest, new.manifest)


def note(folder):
    """Compose the note, with its Markdown and JSON."""
    library = _store.Library(str(folder / "library"))
    workspace = _workspace.ThisMachine(str(folder / "workspace"), ENVIRONMENT)
    notes = _composition.Notes(library, workspace, None)
    composed = notes.of_build(library.find("shop:2")).to_plain()
    _rendered.render(composed, "build")
    _rendered.to_json(composed)


def prepare(folder, commits, files):
    """Make a repository, two releases of it, and the workspace of the second."""
    (folder / "repository").mkdir()
    git(folder, "init", "--quiet", "--bare", ".")
    text = "".join(history(commits, files)).encode("utf-8")
    git(folder, "fast-import", "--quiet", input=text)
    git(folder, "gc", "--quiet")
    there = {
        name: git(folder, "rev-parse", name).stdout.decode().strip() for name in ("old", "new")
    }
    library = _store.Library(str(folder / "library"))
    releases = [release(folder, version, there) for version in (1, 2)]
    for manifest in releases:
        with library.new_layers(keep=True) as place:
            layer = pathlib.Path(place, "web")
            layer.write_bytes(b"")
            library.add(manifest, {"web": (str(layer), "gzip")})
    caches = folder / "workspace/.build/git"
    caches.mkdir(parents=True)
    cache = _checkout.cache_of(REPOSITORY, str(caches))
    (folder / "repository").rename(cache)
    (folder / "repository").symlink_to(cache)
    record = _record.render(build_record(releases[1], there["new"]))
    (folder / "workspace/build.json").write_bytes(record)


def git(folder, *arguments, stdout=subprocess.PIPE, **options):
    argv = ["git", "-C", folder / "repository", *arguments]
    return subprocess.run(argv, env=ENVIRONMENT, stdout=stdout, check=True, **options)


def path_of(number):
    return f"d{number % 20}/e{number // 400}/f{number}.txt"


def history(commits, files):
    """Yield what git fast-import reads: a first commit with all files, and those that change them.

    Each twentieth is a merge.
    """
    yield "blob\nmark :1\ndata 2\nx\n"
    yield "reset refs/heads/new\ncommit refs/heads/new\nmark :2\n" + said("begin", 0)
    yield "".join(f"M 100644 :1 {path_of(number)}\n" for number in range(files))
    yield "\nreset refs/heads/old\nfrom :2\n\n"
    last, mark = 2, 3
    for number in range(commits):
        kind = TYPES[number % len(TYPES)]
        message = f"{kind}(part{number % 7}): change {number} (#{number})\n\nWhy, in a few words.\n"
        yield f"blob\nmark :{mark}\ndata {len(str(number)) + 1}\n{number}\n\n"
        yield f"commit refs/heads/new\nmark :{mark + 1}\n{said(message, number)}from :{last}\n"
        if number % 20 == 19:
            yield f"merge :{mark - 3}\n"
        for step in range(FILES_OF_A_COMMIT):
            path = path_of((number * FILES_OF_A_COMMIT + step) * 7919 % files)
            yield f"M 100644 :{mark} {path}\n"
        yield "\n"
        last, mark = mark + 1, mark + 2


def said(message, number):
    who = f"author A{number % 30} <a@example.org> {1767312000 + number} +0000\n"
    size = len(message.encode("utf-8"))
    return f"{who}{who.replace('author', 'committer')}data {size}\n{message}\n"


def release(folder, version, there):
    """Return the manifest of what a branch of the repository holds."""
    commit = there["old" if version == 1 else "new"]
    told = git(folder, "ls-tree", "-r", "-z", commit).stdout.decode("utf-8")
    entries = []
    for item in told.split("\0")[:-1]:
        about, path = item.split("\t")
        digest = about.split(" ")[2].ljust(64, "0")
        entries.append(_manifest.Entry(path, "file", size=2, sha256=digest))
    folders = {path.rpartition("/")[0] for path, *_rest in entries}
    folders |= {name.partition("/")[0] for name in folders}
    entries = sorted([*entries, *(_manifest.Entry(name, "dir") for name in folders)])
    about = (("materials", [source(commit)]),)
    web = _manifest.Component("web", str(version), "files", ".", tuple(entries), about)
    return _manifest.Manifest("shop", str(version), version, (web,))


def source(commit):
    return {
        "kind": "git",
        "place": REPOSITORY,
        "revision": "new",
        "commit": commit,
        "folder": ".",
    }


def build_record(manifest, commit):
    (web,) = manifest.components
    origin = source(commit)
    folder = origin.pop("folder")
    return {
        "format": _record.FORMAT,
        "run": "bench",
        "inputs": "0" * 64,
        "release": {"name": "shop", "version": "2", "serial": 2},
        "definition": {"path": "release.yml", "sha256": "0" * 64},
        "started": TIME,
        "ended": TIME,
        "builder": {"host": "h", "user": "u", "system": "s", "architecture": "a", "python": "3"},
        "ci": None,
        "tools": [],
        "environment": {},
        "components": [
            {
                "name": "web",
                "version": web.version,
                "source": ".",
                "folder": folder,
                "tree": _record.tree_digest(web.entries),
                "origin": {**origin, "is_dirty": False},
                "steps": [],
                "artifacts": [],
            }
        ],
    }


if __name__ == "__main__":
    main()
