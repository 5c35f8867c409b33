# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recording is killed, or fails, at each system call; PostgreSQL is stopped in the middle."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import sys
import time

import pytest

from ansible_collections.itops.release.tests.fakes import postgresql
from ansible_collections.itops.release.tests.faults import ledger, points, sweeping

FIRST, MORE = (1,), (2, 3)
OPERATIONS = {"the first": ((), FIRST), "more": (FIRST, MORE)}
STOPS = 30
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"


@pytest.fixture
def broken(tmp_path):
    """Return ``broken(operation, fault, most)``: how many points there were, and problems."""

    def sweep(operation, fault, most):
        before, numbers = OPERATIONS[operation]
        template = tmp_path / "template"
        template.mkdir()
        if before:
            ledger.append(str(template / "ledger.db"), str(template / "before"), before)
        serial, found = 0, []

        def prepared():
            nonlocal serial
            serial += 1
            folder = tmp_path / f"point{serial}"
            shutil.copytree(template, folder)
            (folder / "tmp").mkdir()
            job = {
                "place": str(folder / "ledger.db"),
                "acknowledged": str(folder / "acknowledged"),
                "numbers": numbers,
            }
            (folder / "job").write_text(json.dumps(job))
            command = [sys.executable, "-B", sweeping.DRIVER, "ledger", str(folder / "job")]
            return folder, command, sweeping.environment(folder)

        folder, command, environment = prepared()
        done, all_points = points.trace(command, folder, environment)
        assert done.status == 0, done
        all_points = [point for point in all_points if not (fault == points.KILL and point.waits)]
        chosen = sweeping.sampled(all_points, most)
        for point in chosen:
            folder, command, environment = prepared()
            done = points.broken(command, point, fault, environment)
            wrong = sweeping.said(done, fault, str(folder))
            wrong += ledger.problems(
                str(folder / "ledger.db"), str(folder / "acknowledged"), numbers
            )
            found += [f"{fault} at {point.number}. {point.line}: {line}" for line in wrong]
            shutil.rmtree(folder)
        return len(chosen), found

    return sweep


@pytest.fixture
def most(every_point):
    """Return at how many points something is broken: at each with ``--every-point``."""
    return None if every_point else 6


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", [points.KILL, *points.ERRORS])
def test_what_was_acknowledged_is_recorded_once(broken, operation, fault, most):
    count, found = broken(operation, fault, most)

    assert found == []
    assert count > 5


@pytest.fixture
def server():
    with postgresql.running() as running:
        yield running


def test_a_server_that_stops_in_the_middle_loses_nothing(server, tmp_path, most):
    """A crash of the server: what it had not answered yet may be there or not."""
    place = server.database()
    chance = random.Random(7)
    ledger.append(place, str(tmp_path / "first"), FIRST)
    stopped = 0
    for round_ in range(STOPS if most is None else 4):
        numbers = range(10 + 20 * round_, 30 + 20 * round_)
        path = str(tmp_path / f"acknowledged{round_}")
        fork = multiprocessing.get_context("fork")
        going = fork.Process(target=ledger.append, args=(place, path, numbers))
        going.start()
        while not ledger.read(path) and going.is_alive():
            time.sleep(0.001)
        time.sleep(chance.random() * 0.1)
        server.stop(signal.SIGQUIT)
        going.join()
        stopped += len(ledger.read(path)) < 2 * len(numbers)
        server.start()
        assert ledger.problems(place, path, numbers) == []
    assert stopped  # else it was never in the middle


def test_processes_that_are_killed_at_any_moment_lose_nothing(tmp_path, most):
    place, chance = str(tmp_path / "ledger.db"), random.Random(11)
    ledger.append(place, str(tmp_path / "first"), FIRST)
    fork = multiprocessing.get_context("fork")
    for round_ in range(500 if most is None else 20):
        numbers = range(10 + 5 * round_, 15 + 5 * round_)
        path = str(tmp_path / f"acknowledged{round_}")
        going = fork.Process(target=ledger.append, args=(place, path, numbers))
        going.start()
        time.sleep(chance.random() * 0.06)
        os.kill(going.pid, signal.SIGKILL)
        going.join()
        keys = {event.key for event in ledger.Ledger(place).events()}
        assert set(ledger.read(path)) <= keys
    assert ledger.problems(place, str(tmp_path / "none"), range(10, 15)) == []


def rows_of(place):
    """Return all that is stored, or None where that cannot be read."""
    try:
        with contextlib.closing(sqlite3.connect(place)) as connection:
            tables = [name for (name,) in connection.execute(TABLES)]
            return {name: list(connection.execute(f"SELECT * FROM {name}")) for name in tables}
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def test_a_byte_that_flips_in_the_file_is_found_or_changes_nothing(tmp_path, most):
    place = tmp_path / "ledger.db"
    assert ledger.append(str(place), str(tmp_path / "acknowledged"), FIRST) == {"changed": True}
    whole, wanted = place.read_bytes(), rows_of(place)
    copy = tmp_path / "copy.db"
    found = 0
    offsets = [offset for offset, byte in enumerate(whole) if byte]  # the rest is empty
    for offset in sweeping.sampled(offsets, 150 if most else None):
        copy.write_bytes(whole[:offset] + bytes([whole[offset] ^ 0x21]) + whole[offset + 1 :])
        try:
            wrong = ledger.problems_now(str(copy))
        except ledger.LedgerError as error:
            wrong = [str(error)]
        assert wrong or rows_of(copy) == wanted, offset
        found += bool(wrong)
        for path in tmp_path.glob("copy.db*"):
            path.unlink()
    assert found > 20
