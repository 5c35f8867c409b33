# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever there is to be read, it is read or refused in a line: soon, and in bounded memory."""

from __future__ import annotations

import resource
import signal

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from ansible_collections.itops.release.tests.fakes.processes import in_child
from ansible_collections.itops.release.tests.faults import mutations, readers

MEGABYTE = 1024 * 1024
SECONDS = 120  # for one input by the clock; the other processes here need time, too
CHECKS = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}
settings.register_profile("quick", max_examples=40, derandomize=True, **CHECKS)
settings.register_profile("thorough", max_examples=2000, **CHECKS)
NAMES = [
    *("manifest", "difference of manifests", "pack", "contents of a pack", "layer"),
    *("compressed stream", "tar", "compressed tar", "zip", "state", "history"),
    *("release.yml", "trust.yml", "public key", "checksum file", "MANIFEST.in"),
    *("media library's index", "media library's OCI manifest"),
    *("media library's list of what is attached", "DSSE envelope", "in-toto statement"),
    *("evidence", "bill of materials", "files of packages", "package.json", "wheel"),
    *("record of a build", "declarations"),
]


class TooLong(BaseException):
    """Reading takes longer than any input is worth; no reader takes this for its own error."""


@pytest.fixture(scope="session")
def table(memory):
    folder = memory / "readers"
    folder.mkdir()
    return {reader.name: reader for reader in readers.table(folder)}


@pytest.fixture
def profile(every_point):
    return settings.get_profile("thorough" if every_point else "quick")


def inputs_of(reader):
    """Return strategies of inputs: noise, changed bytes, and changed values if there are any."""
    found = [mutations.noise(), mutations.changed_bytes(list(reader.seeds))]
    if reader.values:
        found.append(mutations.changed_values([seed.decode("utf-8") for seed in reader.values]))
    return found


def confined(reader, data):
    """Let *reader* have *data*; fail unless it is read, or refused in a line, within its limits."""
    with open("/proc/self/statm", "rb") as stream:
        taken = int(stream.read().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (taken + reader.megabytes * MEGABYTE, hard))
    signal.setitimer(signal.ITIMER_PROF, reader.seconds)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        reader.read(data)
    except reader.refusals as error:
        line = str(error)
    else:
        line = "read"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, hard))
    assert line, "a refusal says why"
    assert line.isprintable(), line


def fuzz(reader, profile):
    """Give *reader* inputs of all sorts, in a child process, whose memory can be limited."""

    def too_long(*_signal):
        raise TooLong

    def act():
        for number in (signal.SIGPROF, signal.SIGALRM):
            signal.signal(number, too_long)
        for strategy in inputs_of(reader):
            settings(profile)(given(strategy)(lambda data: confined(reader, data)))()

    in_child(act)


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_read_is_read_or_refused_in_a_line(table, profile, name):
    fuzz(table[name], profile)


def test_every_reader_of_the_table_is_tried_and_reads_what_was_written(table):
    assert list(table) == NAMES
    for reader in table.values():
        for seed in reader.seeds:
            confined(reader, seed)


def raise_key_error(data):
    return {}[data]


def go_on_for_ever(data):
    while data is not None:
        pass


def take_memory(data):
    return bytearray(len(data) + 2000 * MEGABYTE)


def say_it_in_lines(data):
    raise ValueError(f"two\nlines {data!r}")


@pytest.mark.parametrize(
    ("read", "noticed"),
    [
        (raise_key_error, "KeyError"),
        (go_on_for_ever, "TooLong"),
        (take_memory, "MemoryError"),
        (say_it_in_lines, "AssertionError: two"),
    ],
)
def test_a_reader_that_breaks_the_promise_is_noticed(read, noticed, capfd):
    bad = readers.Reader(read.__name__, read, (ValueError,), (b"seed",), seconds=0.2)
    once = settings(settings.get_profile("quick"), max_examples=1, phases=[Phase.generate])

    with pytest.raises(AssertionError, match="the child ended with 1"):
        fuzz(bad, once)
    assert noticed in capfd.readouterr().err
