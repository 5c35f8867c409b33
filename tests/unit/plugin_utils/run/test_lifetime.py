# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers end with the main process, however that ends, and with all that they started."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.run import _lifetime

# From Python 3.12 on it warns of a fork beside threads.
QUIET = (sys.executable, "-W", "ignore::DeprecationWarning")
PATIENCE_S = 20
COLLECTIONS = Path(__file__).resolve().parents[4] / ".dev"
only_linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux ends workers with their main process"
)


@pytest.fixture
def life():
    """Return the two ends of a pipe; the reading one ends when no worker has the other any more."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


def main_process(function):
    """Fork a process that calls *function* and waits to be killed; return its number."""
    main = os.fork()
    if not main:
        try:
            function()
            while True:
                signal.pause()
        finally:
            os._exit(1)
    return main


def work(writing, before):
    """Do in a worker as Ansible's do: lead a session, and pass SIGTERM on to all that is in it."""
    os.setsid()

    def term(number, _frame):
        signal.signal(number, signal.SIG_DFL)
        os.killpg(os.getpid(), number)

    signal.signal(signal.SIGTERM, term)
    before()
    client = "import os, time; os.write({0}, b'ready'); time.sleep({1})"
    command = [sys.executable, "-c", client.format(writing, 2 * PATIENCE_S)]
    subprocess.run(command, pass_fds=[writing], check=False)
    os._exit(0)


def assert_all_end_with(main, life):
    """Kill *main* once its worker's client is ready; the worker and the client must end."""
    reading, writing = life
    os.close(writing)
    try:
        assert os.read(reading, 5) == b"ready"
    finally:
        os.kill(main, signal.SIGKILL)
        os.waitpid(main, 0)
    assert select.select([reading], [], [], PATIENCE_S)[0], "a worker outlived its main process"
    assert os.read(reading, 5) == b""


@only_linux
def test_a_worker_that_asks_for_it_ends_with_its_main_process_and_takes_its_client_along(life):
    def fork_worker():
        main = os.getpid()
        if not os.fork():
            work(life[1], before=lambda: _lifetime.end_with(main))
        os.close(life[1])

    assert_all_end_with(main_process(fork_worker), life)


@only_linux
def test_any_worker_that_is_forked_later_ends_with_its_main_process(life):
    def fork_worker():
        _lifetime.end_workers_with_this_process()
        if not os.fork():
            work(life[1], before=lambda: None)
        os.close(life[1])

    assert_all_end_with(main_process(fork_worker), life)


@only_linux
def test_a_worker_whose_main_process_was_gone_before_it_asked_ends():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()

    worker = os.fork()
    if not worker:
        _lifetime.end_with(main=ended.pid)
        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) == -signal.SIGTERM


@only_linux
def test_what_a_worker_leaves_behind_on_purpose_stays(life):
    """As a daemon does, whose parent ends at once."""

    def fork_daemon():
        _lifetime.end_workers_with_this_process()
        worker = os.fork()
        if worker:
            os.waitpid(worker, 0)
            os.close(life[1])
            return
        worker = os.getpid()
        if not os.fork():
            while os.getppid() == worker:
                time.sleep(0.001)
            os.write(life[1], b"alive")
        os._exit(0)

    main = main_process(fork_daemon)
    os.close(life[1])
    try:
        assert os.read(life[0], 5) == b"alive"
    finally:
        os.kill(main, signal.SIGKILL)
        os.waitpid(main, 0)


def test_a_new_worker_does_not_run_the_handlers_of_the_main_process(life):
    """A worker that is told to end before it has handlers of its own just ends."""

    def fork_worker():
        signal.signal(signal.SIGTERM, lambda *_: os.write(life[1], b"the handler ran"))
        _lifetime.end_workers_with_this_process()
        worker = os.fork()
        if not worker:
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
        os.write(life[1], str(status).encode())

    main = main_process(fork_worker)
    os.close(life[1])
    try:
        assert os.read(life[0], 100) == b"-15"
    finally:
        os.kill(main, signal.SIGKILL)
        os.waitpid(main, 0)


TELLING = """
import signal, sys
from ansible_collections.itops.release.plugins.plugin_utils.run import _lifetime
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _frame: (print("as before", number), sys.exit(number)))
_lifetime.tell_of_the_end(lambda cause: print("told", cause))
{}
"""


@pytest.mark.parametrize(
    ("last_line", "said", "status"),
    [
        (
            "signal.raise_signal(signal.SIGTERM)",
            ["told SIGTERM", "as before 15"],
            15,
        ),
        ("signal.raise_signal(signal.SIGINT)", ["as before 2", "told SIGINT"], 2),
        ("sys.exit(3)", ["told an error"], 3),
    ],
)
def test_an_end_is_told_and_comes_as_it_would_have(last_line, said, status):
    done = subprocess.run(
        [sys.executable, "-c", TELLING.format(last_line)],
        cwd=COLLECTIONS,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines() == said
    assert done.returncode == status


def test_an_interrupt_that_python_drops_is_not_lost():
    """Python drops what is raised in functions that it calls before and after a fork."""
    code = """
import os, signal, time
from ansible_collections.itops.release.plugins.plugin_utils.run import _lifetime
signal.signal(signal.SIGINT, signal.default_int_handler)
_lifetime.tell_of_the_end(lambda cause: print("told", cause))
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))
try:
    if not os.fork():
        os._exit(0)
    time.sleep({patience})
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run(
        [*QUIET, "-c", code.format(patience=PATIENCE_S)],
        cwd=COLLECTIONS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines() == ["interrupted", "told SIGINT"], done.stderr
    assert done.stderr == ""


def test_a_signal_ends_a_process_although_telling_fails_or_takes_for_ever():
    for telling in ("lambda cause: 1 / 0", "lambda cause: (print(flush=True), signal.pause())"):
        code = TELLING.format("").replace('lambda cause: print("told", cause)', telling)
        code += "print(flush=True); signal.pause()"
        with subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=COLLECTIONS,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            if "pause" in telling:
                process.stdout.readline()
                process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 15
