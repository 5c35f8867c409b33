# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sweep without one safe step after another: it must notice each."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

import pytest

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
NEEDED = ("plugins", "schemas", "tests/unit/plugins", "tests/faults", ".dev")
SWEEP = """
import pathlib, sys
sys.path.insert(0, ".dev")
from ansible_collections.itops.release.tests.faults import sweeping
folder, operation, fault = sys.argv[1:]
bench = sweeping.Bench(pathlib.Path(folder))
for problem in bench.sweep(sweeping.OPERATIONS[operation], fault, until_found=True)[1]:
    print("found:", problem)
"""


class Mutant(NamedTuple):
    """One safe step: what is lost *without* it, the file in plugins/, its text, what stands there
    instead, and the operation that is swept."""

    without: str
    path: str
    old: str
    new: str
    operation: str
    fault: str = "KILL"


DURABLE = "module_utils/_durable.py"
TRIAL = "module_utils/_trial.py"
MUTANTS = (
    Mutant(
        "replacing a link in one step",
        DURABLE,
        "    os.symlink(target, scratch, dir_fd=directory)\n"
        "    os.rename(scratch, name, src_dir_fd=directory, dst_dir_fd=directory)\n",
        "    remove_file(directory, name)\n    os.symlink(target, name, dir_fd=directory)\n",
        "roll back",
    ),
    Mutant(
        "replacing a file in one step",
        DURABLE,
        'scratch = scratch or name + ".new"',
        "scratch = name",
        "roll back",
    ),
    Mutant(
        "saying before a switch what is about to be",
        TRIAL,
        '    state.switching = {"to": tree}\n    claim.root.write_state(state)\n',
        '    state.switching = {"to": tree}\n',
        "replace, then remove",
    ),
    Mutant(
        "clearing what a killed run left in staging",
        "module_utils/_claim.py",
        'self.discard(staging, name, "staging")\n        name = str(self.token)',
        "pass\n        name = str(self.token)",
        "stage",
    ),
    Mutant(
        "recording a tree before it gets its name",
        "module_utils/_staging.py",
        "        claim.root.write_state(state)\n"
        '        os.rename("tree", tree, src_dir_fd=place.staging, dst_dir_fd=releases)\n',
        '        os.rename("tree", tree, src_dir_fd=place.staging, dst_dir_fd=releases)\n'
        "        claim.root.write_state(state)\n",
        "stage",
    ),
    Mutant(
        "restarting whatever is switched to",
        "module_utils/_claim.py",
        "    state.restarted = False\n",
        "",
        "replace",
    ),
    Mutant(
        "a lease that ends with its process",
        "module_utils/_lease.py",
        '    if pid is None or lease["boot"] != _boot(proc):',
        '    return pid is not None\n    if pid is None or lease["boot"] != _boot(proc):',
        "stage",
    ),
    Mutant(
        "moving a tree out of the releases before it is deleted",
        "module_utils/_removal.py",
        "os.rename(tree, tree, src_dir_fd=releases, dst_dir_fd=staging)",
        "_deletion.remove(releases, tree)",
        "clean",
    ),
    Mutant(
        "cleaning after the new release is accepted only",
        "module_utils/_transaction.py",
        "        _try_and_accept(root, claim, before, params)\n",
        "        _removal.clean(claim, lambda state: [t for t in state.trees if t != tree])\n"
        "        _try_and_accept(root, claim, before, params)\n",
        "put back",
    ),
    Mutant(
        "removing from the library only what its index names no more",
        "plugin_utils/_library.py",
        "        self.layout.write_index(index)\n        for path in doomed:\n"
        "            _layout.remove(path)\n",
        "        for path in doomed:\n            _layout.remove(path)\n"
        "        self.layout.write_index(index)\n",
        "prune",
    ),
    Mutant(
        "giving a pack its name when it is whole",
        "plugin_utils/_packs.py",
        '        handle, scratch = tempfile.mkstemp(prefix=".new-", dir=self.path)\n',
        "        scratch = path\n        handle = os.open(path, os.O_WRONLY | os.O_CREAT)\n",
        "make a pack",
    ),
)


@pytest.mark.every_point
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.without)
def test_the_sweep_notices_a_lost_safe_step(mutant, memory):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mutant-", dir=memory))
    copy = folder / "copy"
    for name in NEEDED:
        ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
        shutil.copytree(CHECKOUT / name, copy / name, symlinks=True, ignore=ignored)
    path = copy / "plugins" / mutant.path
    text = path.read_text("utf-8")
    assert text.count(mutant.old) == 1
    path.write_text(text.replace(mutant.old, mutant.new), "utf-8")
    command = [sys.executable, "-B", "-c", SWEEP, str(folder / "bench")]
    done = subprocess.run(
        [*command, mutant.operation, mutant.fault],
        cwd=copy,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "found:" in done.stdout
