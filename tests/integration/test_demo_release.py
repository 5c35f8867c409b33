# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo-release` shows what it promises, and leaves nothing but its pages and its log."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.every_point]

CHECKOUT = Path(__file__).resolve().parents[2]
DEMO = CHECKOUT / "examples" / "shop" / "demo_release.py"
PATIENCE_S = 1200
# A line that each step must show, as the collection prints it.
KEY_LINES = [
    "4 deployed; ",
    "approvals: operations 0 of 1 (needs ben) · closed: promotion: not committed in staging on"
    " staging1 (needs a deployment to staging) · closed: acknowledgements: 0 of 1",
    "taken in: approve of ben for production",
    "answered 503 (1 measurement); back on 1.1.0 (issue I-1)",
    "open: approvals: emergency, declared by ada, ratified: operations 1 of 1",
    "backed out: db, api",
    "staging1 rolled back shop 1.2.0 → 1.1.0",
    "evidence evidence/shop-1.2.1.tar: ",
    "statements/",
]


def processes(folder):
    """Return {process number: command} of what the demo started and still runs."""
    inherited = f"TMPDIR={folder}".encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended while we looked
            there = (process / "environ").read_bytes()
            if inherited in there:  # also in a folder below
                found[int(process.name)] = (process / "cmdline").read_bytes()
    return found


@pytest.fixture
def temporary(tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    yield folder
    for number in processes(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def test_demo_shows_each_step_in_80_columns_and_leaves_nothing(temporary, tmp_path):
    pages = tmp_path / "my pages"
    demo = subprocess.run(
        [sys.executable, DEMO, "--log", tmp_path / "demo.log", "--pages", pages],
        cwd=CHECKOUT,
        env={**os.environ, "TMPDIR": str(temporary), "KEEP": "", "VERBOSE": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    print(demo.stdout)
    assert demo.returncode == 0
    head, *steps = re.split(r"^\d  ", demo.stdout, flags=re.MULTILINE)
    assert "A release manager's releases" in head
    assert len(steps) == len(KEY_LINES)
    for step, line in zip(steps, KEY_LINES, strict=True):
        assert line in " ".join(step.split())
        assert "   $ " in step  # the command
    shown = "".join(steps).rpartition("\nAll of it was shown")[0]
    assert [line for line in shown.splitlines() if len(line) > 80] == []
    assert "\033" not in demo.stdout
    assert demo.stdout.splitlines()[-1] == str(pages / "index.html")
    assert "shop-1.2.1" in (pages / "index.html").read_text(encoding="utf-8")
    assert processes(temporary) == {}
    assert list(temporary.iterdir()) == []
