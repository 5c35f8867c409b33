# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of a build: what they see, what is kept of what they say, and that none outlives them."""

from __future__ import annotations

import io
import json
import os
import sys
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.module_utils.building import _steps

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def run(argv, folder, timeout=20, secrets=(), environment=None):
    """Run a step in a process of its own, as a build does; return (Ended, its log)."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        log = io.BytesIO()
        try:
            _steps.prepare()
            environment = ENVIRONMENT if environment is None else environment
            ended = _steps.run(argv, folder, environment, timeout, secrets, log)
            os.write(writing, json.dumps([ended, log.getvalue().decode()]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        said = stream.read()
    os.waitpid(child, 0)
    ended, log = json.loads(said)
    return _steps.Ended(*ended), log


def python(code):
    return [sys.executable, "-c", code]


def test_a_step_sees_the_declared_environment_and_nothing_else(tmp_path):
    code = "import os, sys; print(sorted(os.environ), os.getcwd(), sys.stdin.read() == '')"

    ended, log = run(python(code), tmp_path, environment={"A": "1", "LC_ALL": "C"})

    assert ended.status == 0
    assert log == ended.tail == f"['A', 'LC_ALL'] {tmp_path} True\n"


def test_files_come_out_alike_whoever_builds(tmp_path):
    before = os.umask(0o077)
    try:
        run(python("open('made', 'w')"), tmp_path)
    finally:
        os.umask(before)

    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o644


def test_a_step_that_fails_is_told_with_the_end_of_what_it_said(tmp_path):
    ended, log = run(python("print('x' * 50_000); print('at last'); exit(7)"), tmp_path)

    assert ended.status == 7
    assert ended.tail.endswith("xx\nat last\n")
    assert len(ended.tail) == _steps.TAIL_BYTES < len(log)


@pytest.mark.parametrize("argv", [["no-such-program"], ["a\0b"], ["./"]])
def test_a_program_that_cannot_be_started_is_told_as_a_shell_does(tmp_path, argv):
    ended, _log = run(argv, tmp_path)

    assert ended.status == 127
    assert ended.tail


@pytest.mark.parametrize("how", ["start_new_session=True", ""])
@pytest.mark.parametrize("ends", ["", "time.sleep(60)"])
def test_nothing_that_a_step_started_outlives_it(tmp_path, how, ends):
    code = (
        "import subprocess, time\n"
        "for _number in range(3):\n"
        f"    child = subprocess.Popen(['sleep', '61'], {how})\n"
        "    print(child.pid, flush=True)\n"
        f"{ends}\n"
    )
    began = time.monotonic()

    ended, log = run(python(code), tmp_path, timeout=2)

    assert ended.status == (None if ends else 0)
    assert time.monotonic() - began < 15
    pids = log.split()
    assert len(pids) == 3
    assert not [pid for pid in pids if os.path.exists("/proc/" + pid)]


def test_what_is_secret_is_not_shown(tmp_path):
    code = "import sys; print('token=' + 's3cr3t' * 2, end=''); sys.stdout.flush(); print('tail')"

    ended, log = run(python(code), tmp_path, secrets=["s3cr3t", "x"])

    assert ended.tail == "token=" + "********" * 2 + "tail\n"
    assert "s3cr" not in log


KEY = '-----BEGIN KEY-----\nMIIE"vQ\nb3BlbnNz\n-----END KEY-----\n'


@pytest.mark.parametrize(
    "tell",
    [
        lambda text: text,
        lambda text: text.strip() + "!",
        lambda text: text.replace("\n", "\n  "),
        lambda text: text.replace("\n", "\r\n"),
        json.dumps,
        lambda text: json.dumps(text.splitlines()[1]),
    ],
)
def test_a_secret_of_several_lines_is_hidden_line_by_line(tell):
    mask = _steps.Mask([KEY])
    said = tell(KEY).encode()

    shown = b"".join(mask.hide(said[at : at + 5]) for at in range(0, len(said), 5))
    shown += mask.hide(b"", is_last=True)

    assert b"********" in shown
    assert not [word for word in (b"KEY", b"MIIE", b"vQ", b"b3Bl") if word in shown], shown


@example(["a-s3", "c-b"], ["s3c-"])
@example(["s3c-", "s3c-", "s3"], ["s3c-s3c", "s3c-"])
@given(st.lists(st.text("ab-s3c", max_size=9)), st.lists(st.sampled_from(["s3c-s3c", "s3c-"])))
def test_a_secret_is_hidden_however_it_is_cut(pieces, secrets):
    mask = _steps.Mask(secrets)
    said = "".join(pieces)

    shown = b"".join(mask.hide(piece.encode()) for piece in pieces) + mask.hide(b"", is_last=True)

    assert not [secret for secret in secrets if secret.encode() in shown]
    if not any(secret in said for secret in secrets):
        assert shown.decode() == said
