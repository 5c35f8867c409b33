# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each operation syncs contents before it names them, and names before it says that it is done.

First the lint itself, on traces written by hand; then on the traces of all operations.
"""

from __future__ import annotations

import os
import pathlib
import tempfile

import pytest

from ansible_collections.itops.release.tests.faults import controller, points, sweeping, traces
from ansible_collections.itops.release.tests.faults.durability import (
    ALL_SYNCED,
    CALLS,
    SYNCED,
    Lasts,
    Promise,
    lint,
)
from ansible_collections.itops.release.tests.faults.library_operations import Operation
from ansible_collections.itops.release.tests.faults.sweeping import OPERATIONS

ON_A_HOST = Promise(
    rules=(
        (r"(.*/)?[^/]*\.new(/.*)?|srv/\.release/lock", Lasts.NOTHING),
        (r"srv/(current|shared(/.*)?|releases(/[^/]+)?)", Lasts.GOING),
        (r"srv(/\.release(/(state\.json|history\.jsonl|[a-z]+))?)?", Lasts.GOING),
        (r"srv/\.release/manifests/.*", Lasts.COMING),
        (r"srv/\.release/objects/.*", Lasts.CONTENT),  # asked for again where its name is lost
    ),
    tells=r"srv/(current|releases/[^/]+|\.release/state\.json)",
    logs=r"srv/\.release/history\.jsonl",
)
ON_THE_CONTROLLER = Promise(
    rules=(
        (r"(.*/)?\.(new|layers)-.*", Lasts.NOTHING),
        (r"library(/.*)?|delivery/SHA256SUMS", Lasts.GOING),
        (r"packs/[^.].*", Lasts.CONTENT),  # made again where its name is lost
    ),
    tells=r"library/index\.json",
    logs="",
)
NOTHING_LASTS = {"ask for a pack"}


class SealAgain(Operation):
    """The seal of a release of which only the layer is lost."""

    def prepare(self, bench, folder):
        super().prepare(bench, folder)
        library = controller.library_of(str(folder))
        (layer,) = library.get(library.find("shop:3").digest).layers.values()
        os.unlink(library.layout.blob(layer["digest"]))


ALL = {
    **OPERATIONS,
    "seal again": SealAgain("seal again", "seal", before=("1", "2", "3")),
}

BY_HAND = Promise(
    rules=(
        (r".*\.new", Lasts.NOTHING),
        (r"live/.*", Lasts.GOING),
        (r"held/.*", Lasts.COMING),
        (r"store/.*", Lasts.CONTENT),
    ),
    tells="live/state",
    logs="live/log",
)
MADE = 'openat(3</f/live>, "a.new", O_WRONLY|O_CREAT|O_EXCL, 0600) = 4</f/live/a.new>'
WRITTEN = 'write(4</f/live/a.new>, "x), y", 5) = 5'
SYNCED_FILE = "fsync(4</f/live/a.new>) = 0"
NAMED = 'renameat(3</f/live>, "a.new", 3</f/live>, "a") = 0'
SYNCED_NAME = "fsync(3</f/live>) = 0"
SAID = 'write(1<pipe:[7]>, "{}", 2) = 2'
TREE = [
    'mkdirat(3</f>, "tree.new", 0700) = 0',
    'openat(5</f/tree.new>, "b", O_WRONLY|O_CREAT|O_EXCL, 0600) = 6</f/tree.new/b>',
    'write(6</f/tree.new/b>, "x", 1) = 1',
]
TREE_NAMED = ['renameat(3</f>, "tree.new", 4</f/live>, "tree") = 0', SYNCED_NAME, SAID]
UNSYNCED_NAME = ["live/a: its name is not synced when success is told"]
UNSYNCED_CONTENT = ["live/a: it gets its name before the content of live/a.new is synced"]
IN_PLACE = "it is written under its final name"


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        ([MADE, WRITTEN, SYNCED_FILE, NAMED, SYNCED_NAME, SAID], []),
        ([MADE, WRITTEN, NAMED, SYNCED_FILE, SYNCED_NAME, SAID], UNSYNCED_CONTENT),
        ([MADE, SYNCED_FILE, WRITTEN, NAMED, SYNCED_NAME, SAID], UNSYNCED_CONTENT),
        ([MADE, WRITTEN, SYNCED_FILE.replace("= 0", "= -1 EIO"), NAMED], UNSYNCED_CONTENT),
        ([MADE, WRITTEN, SYNCED_FILE, NAMED, SAID, SYNCED_NAME], UNSYNCED_NAME),
        ([MADE, WRITTEN, SYNCED_FILE, SYNCED_NAME, NAMED, SAID], UNSYNCED_NAME),
        ([MADE, WRITTEN, "syncfs(3</f/live>) = 0", NAMED, "sync() = 0", SAID], []),
        (
            [
                f"12 {MADE}",
                f"12 {WRITTEN}",
                "12 fsync(4</f/live/a.new> <unfinished ...>",
                "13 write(1<pipe:[7]>, ...) = 2",
                "12 <... fsync resumed>) = 0",
                f"12 {NAMED}",
                f"13 {SAID}",
                f"12 {SYNCED_NAME}",
                f"12 {SAID}",
            ],
            [],
        ),
        (['renameat(3</f>, "live/a", 3</f>, "elsewhere") = 0', SAID], UNSYNCED_NAME),
        (['unlink("/f/live/a") = 0', SAID, SYNCED_NAME], UNSYNCED_NAME),
        (['unlink("/f/held/a") = 0', 'unlink("/f/store/a") = 0', SAID], []),
        (['symlink("b", "/f/store/a.new") = 0', 'rename("/f/store/a.new", "/f/store/a") = 0'], []),
        (
            ['symlink("b", "/f/held/a.new") = 0', 'rename("/f/held/a.new", "/f/held/a") = 0'],
            ["held/a: its name is not synced at the end"],
        ),
        (
            ['symlinkat("b", 3</f/live>, "a") = 0', SYNCED_NAME],
            ["live/a: it is not given its name in one step"],
        ),
        (
            ['unlinkat(3</f/live>, "a", 0) = 0', MADE, SYNCED_FILE, NAMED, SYNCED_NAME],
            ["live/a: it is not replaced in one step"],
        ),
        (['open("/f/live/a", O_WRONLY|O_TRUNC) = 4</f/live/a>'], [f"live/a: {IN_PLACE}"]),
        (['write(4</f/live/a>, "x", 1) = 1', "fsync(4</f/live/a>) = 0"], [f"live/a: {IN_PLACE}"]),
        (['write(4</f/live/log>, "x", 1) = 1', "fdatasync(4</f/live/log>) = 0", SAID], []),
        (
            ['write(4</f/live/log>, "x", 1) = 1', SAID, "fsync(4</f/live/log>) = 0"],
            ["live/log: its content is not synced when success is told"],
        ),
        ([*TREE, "syncfs(3</f>) = 0", *TREE_NAMED], []),
        (
            [*TREE, "fsync(6</f/tree.new/b>) = 0", *TREE_NAMED],
            ["live/tree: it gets its name before tree.new/b is synced"],
        ),
        (
            [*TREE, "fsync(5</f/tree.new>) = 0", *TREE_NAMED],
            [
                "live/tree: it gets its name before the content of tree.new/b is synced",
            ],
        ),
        (
            [
                'write(6</f/store/b.new>, "x", 1) = 1',
                TREE[0],
                'linkat(5</f/store>, "b.new", 5</f/tree.new>, "b", 0) = 0',
                "fsync(6</f/store/b.new>) = 0",
                "fsync(5</f/tree.new>) = 0",
                *TREE_NAMED,
            ],
            [],
        ),
        (
            [
                "ioctl(6</f/store/b.new>, BTRFS_IOC_CLONE or FICLONE, 7</f/store/a>) = 0",
                'link("/f/store/b.new", "/f/store/b") = 0',
                "fsync(6</f/store/b.new>) = 0",
            ],
            ["store/b: it gets its name before the content of store/b.new is synced"],
        ),
        (
            [
                'mkdir("/f/held/m", 0700) = 0',
                'rename("/f/live/state.new", "/f/live/state") = 0',
                "syncfs(3</f>) = 0",
            ],
            ["held/m: its name is not synced when live/state is changed"],
        ),
        (['mkdir("/f/live/\\303\\244", 0700) = 0'], ["live/ä: its name is not synced at the end"]),
    ],
)
def test_the_lint_tells_first_what_is_not_on_the_medium_in_time(lines, problems):
    assert lint(traces.calls(lines), "/f", BY_HAND)[:1] == problems


def test_a_file_that_was_there_is_no_new_name():
    lines = ['openat(3</f/live>, "log", O_RDWR|O_CREAT|O_APPEND, 0600) = 4</f/live/log>', SAID]

    assert lint(traces.calls(lines), "/f", BY_HAND, ["live/log"]) == []
    assert lint(traces.calls(lines), "/f", BY_HAND) != []


@pytest.mark.parametrize("name", ALL)
def test_an_operation_has_on_the_medium_what_it_names_and_what_it_says(name, bench, memory):
    operation = ALL[name]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="traced-", dir=memory))
    operation.prepare(bench, folder)
    on_controller = isinstance(operation, Operation)
    promise = ON_THE_CONTROLLER if on_controller else ON_A_HOST
    there = [str(path.relative_to(folder)) for path in folder.rglob("*")]
    calls = list(traces.calls(recorded(operation, folder)))

    assert lint(calls, folder, promise, there) == []
    unsynced = [call for call in calls if call.name not in {*SYNCED, *ALL_SYNCED}]
    assert bool(lint(unsynced, folder, promise, there)) == (name not in NOTHING_LASTS)


def recorded(operation, folder):
    """Return the lines of the trace of an operation in *folder*."""
    log = f"{folder}.trace"
    options = ["-f", "-y", "-s", "4096", "-o", log, "-e", "trace=" + ",".join(CALLS)]
    run, environment = sweeping.command(operation, folder), sweeping.environment(folder)
    with points.Traced(run, environment, options) as process:
        done = process.end()
    assert done.status == operation.fails, done
    with open(log, encoding="utf-8", errors="replace") as stream:
        return stream.read().splitlines()
