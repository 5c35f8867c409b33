# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a host does below a root is relative to an open directory, and follows no link.

First the lint itself, on traces written by hand; then on the traces of all operations; then links
are put at every name that operations make.
"""

from __future__ import annotations

import json
import os
import pathlib
import tempfile

import pytest

from ansible_collections.itops.release.tests.fakes.estate import write_tree
from ansible_collections.itops.release.tests.faults import (
    attacking,
    confinement,
    host_operations,
    points,
    sweeping,
    traces,
)

ON_A_HOST = {item.name: item for item in host_operations.ALL}
LOOKED_UP = {"renameat": (3,), "linkat": (3,), "renameat2": (3,), "symlinkat": (2,)}
MAKING = {**LOOKED_UP, "mkdirat": (1,), "openat": (1,)}
LURES_TRIED = 3


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('mkdirat(3</r>, "a", 0700) = 0', None),
        ('mkdir("/r/a", 0700) = 0', "by its path"),
        ('mkdirat(3</r>, "/r/a", 0700) = 0', "by its path"),
        ('mkdirat(AT_FDCWD</r>, "a", 0700) = 0', "from the working directory"),
        ('mkdirat(AT_FDCWD</>, "/r/a", 0700) = 0', "by its path"),
        ('rename("/r/a", "/r/b") = 0', "by its path"),
        ('renameat(3</r>, "a", 4</r/x>, "b") = 0', None),
        ('renameat(3</r>, "a/b", 4</r/x>, "b") = 0', "through other names"),
        ('renameat(3</r/.release/objects>, "a/b", 4</r/x>, "b") = 0', None),
        ('renameat(3</r>, "a", 4</out>, "b") = 0', "outside of the root"),
        ('unlinkat(3</r/releases>, "../../out", 0) = 0', "outside of the root"),
        ('openat(3</r>, "a", O_RDONLY|O_CLOEXEC) = 4</r/a>', "would be followed"),
        ('openat(3</r>, "a", O_RDONLY|O_NOFOLLOW|O_CLOEXEC) = 4</r/a>', None),
        ('openat(3</r>, "a", O_WRONLY|O_CREAT|O_EXCL, 0600) = 4</r/a>', None),
        ('openat(3</r>, "a", O_WRONLY|O_CREAT, 0600) = 4</r/a>', "would be followed"),
        ('openat(AT_FDCWD</>, "/etc/passwd", O_RDONLY) = 4</etc/passwd>', None),
        ('openat(AT_FDCWD</>, "/etc/passwd", O_RDWR) = 4</etc/passwd>', "outside of the root"),
        ('openat(AT_FDCWD</>, "/tmp/a", O_RDWR|O_CREAT|O_EXCL, 0600) = 4</tmp/a>', None),
        ('chmod("/r/a", 0644) = 0', "by its path"),
        ('fchmodat(3</r>, "a", 0644) = 0', "would be followed"),
        ('fchownat(3</r>, "a", 1, 1, AT_SYMLINK_NOFOLLOW) = 0', None),
        ('fchownat(3</r>, "a", 1, 1, 0) = 0', "would be followed"),
        ('unlink("/r2/a") = 0', "outside of the root"),
    ],
)
def test_the_lint_tells_what_could_be_led_elsewhere(line, problem):
    found = confinement.lint(traces.calls([line]), "/r")

    assert bool(found) == bool(problem), found
    assert all(problem in item for item in found)


@pytest.fixture
def recorded(bench, memory):
    """Return a function that does an operation in a new folder: (folder, its Calls)."""

    def record(name):
        operation = ON_A_HOST[name]
        folder = pathlib.Path(tempfile.mkdtemp(prefix="confined-", dir=memory))
        operation.prepare(bench, folder)
        command, environment = sweeping.command(operation, folder), sweeping.environment(folder)
        done, lines = points.record(command, environment, confinement.CALLS)
        assert done.status == operation.fails, done
        calls = list(traces.calls(lines))
        # Its children restart and probe, as the user has it.
        return folder, [call for call in calls if call.process == calls[0].process]

    return record


@pytest.mark.parametrize("name", ON_A_HOST)
def test_an_operation_can_be_led_nowhere_else(name, recorded):
    folder, calls = recorded(name)

    assert confinement.lint(calls, f"{folder}/srv", [f"{folder}/tmp"]) == []


@pytest.mark.parametrize("name", ["first release", "replace", "roll back", "clean", "remove all"])
def test_links_at_the_names_that_are_made_are_refused_or_replaced(
    name, bench, memory, recorded, every_point
):
    """The names are those of a run that nothing disturbs, so that none is forgotten."""
    operation = ON_A_HOST[name]
    folder, calls = recorded(name)
    made = {
        os.path.relpath(call.path(position), folder)
        for call in calls
        for position in MAKING.get(call.name, ())
        if call.name != "openat" or "O_CREAT" in "|".join(call.arguments)
    }
    names = sorted(path for path in made if path.startswith("srv") and "/drop/" not in path)
    most = len(names) if every_point else LURES_TRIED
    chosen = [names[index * len(names) // most] for index in range(min(most, len(names)))]
    template = pathlib.Path(tempfile.mkdtemp(prefix="lures-", dir=memory))
    operation.prepare(bench, template)
    canary = write_tree(memory / f"canary of {name}", {"a": "a", "app": "b", "lib/common": "c"})
    for path in chosen:
        for target in (canary, canary / "a"):
            with sweeping.Copy(template) as place, attacking.Canary(canary) as watched:
                if not _plant(place / path, target):
                    continue
                command = sweeping.command(operation, place)
                done, _lines = points.record(command, sweeping.environment(place), ["openat"])
                assert done.status in (0, 1), done
                assert done.status == 0 or json.loads(done.stdout)["msg"].isprintable()
                assert watched.problems() == [], path


def _plant(path, target):
    """Let *path* be a link to *target*, unless something is there; tell whether it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(path):
        return False
    path.symlink_to(target)
    return True
