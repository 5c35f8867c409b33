# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo` shows what it promises, and leaves nothing behind, however it ends."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]
DEMO = CHECKOUT / "examples" / "shop" / "demo.py"
PATIENCE_S = 300


@pytest.fixture
def temporary(tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    yield folder
    for number in processes(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


@pytest.fixture
def log_folder(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def start(log_folder, temporary):
    """Return a function that starts the demo, whose sandbox will be in *temporary*."""
    demos = []

    def start():
        demo = subprocess.Popen(
            [sys.executable, DEMO, "--log", log_folder / "demo.log"],
            cwd=CHECKOUT,
            env={**os.environ, "TMPDIR": str(temporary)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        demos.append(demo)
        return demo

    yield start
    for demo in demos:
        if demo.poll() is None:
            demo.terminate()
            demo.communicate(timeout=30)


def processes(folder):
    """Return {process number: command} of what the demo started and still runs."""
    inherited = f"TMPDIR={folder}".encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended while we looked
            if inherited in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "cmdline").read_bytes()
    return found


@pytest.fixture
def a_usual_port_taken():
    with socket.socket() as taken:
        with contextlib.suppress(OSError):  # somebody else has it, which is as good
            taken.bind(("127.0.0.1", 18084))
            taken.listen()
        yield


def test_demo_shows_every_step_and_leaves_nothing(start, temporary, log_folder, a_usual_port_taken):
    demo = start()
    output, _errors = demo.communicate(timeout=PATIENCE_S)
    assert demo.returncode == 0, output
    numbers = re.findall(r"^  ( \d|\d\d)  ", output, re.MULTILINE)
    assert list(map(int, numbers)) == list(range(1, 11)), output
    assert (log_folder / "shop-1.1.0.md").read_text().startswith("# Build of shop 1.1.0\n")
    bill = json.loads((log_folder / "shop-1.1.0.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert processes(temporary) == {}
    assert list(temporary.iterdir()) == []


@pytest.mark.every_point
def test_demo_that_is_interrupted_ends_what_it_started(start, temporary):
    demo = start()
    for line in demo.stdout:
        if line.startswith("   4  "):
            break
    # The shop runs on eight hosts, and Ansible is at work on them.
    time.sleep(2)
    demo.send_signal(signal.SIGINT)
    output, _errors = demo.communicate(timeout=30)
    assert demo.returncode == 130, output
    assert processes(temporary) == {}
    assert list(temporary.iterdir()) == []
