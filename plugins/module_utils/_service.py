# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarting a service and probing it, on the host where it runs."""

from __future__ import annotations

import subprocess
import tempfile
import time

RESTART_SECONDS = 300
OUTPUT_BYTES = 2000


class ServiceError(ValueError):
    """A restart failed, or a probe did not find the service well; its text is one line."""


def restart(argv):
    """Run the command *argv*; raise ServiceError with the end of its output unless it returns 0."""
    code, output = _run(argv, RESTART_SECONDS)
    if code != 0:
        raise ServiceError("restart failed: %s: %s" % (_ended(argv, code), output))


def probe(spec, sleep=time.sleep):
    """Return once the service answers well as often as *spec* asks; else raise ServiceError.

    *spec* has either ``url`` (with ``status``, a list, and ``contains``) or ``command``, and
    ``timeout`` (seconds a try), ``retries`` (more tries after the first), ``interval`` (seconds
    between tries) and ``successes`` (how many in a row make it good).
    """
    attempt = _ask_url if spec.get("url") else _ask_command
    in_a_row = 0
    for left in range(spec["retries"] + spec["successes"], 0, -1):
        problem = attempt(spec)
        in_a_row = 0 if problem else in_a_row + 1
        if in_a_row >= spec["successes"]:
            return
        if left > 1:
            sleep(spec["interval"])
    raise ServiceError("probe failed: %s" % (problem or "not well often enough in a row"))


def _ask_url(spec):
    """Return None when the URL answers as wanted, else in a line what it did."""
    import urllib.error
    import urllib.request

    # No proxy: a probe asks this very host.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(spec["url"], timeout=spec["timeout"]) as answer:
            status, body = answer.status, answer.read(1024 * 1024)
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read(1024 * 1024)
    except Exception as error:  # refused, reset, timed out, not HTTP: all the same to a probe
        return "%s: %s" % (spec["url"], getattr(error, "reason", None) or error)
    if status not in spec["status"]:
        return "%s answered %d" % (spec["url"], status)
    wanted = spec.get("contains")
    if wanted and wanted.encode("utf-8") not in body:
        return "%s answered without %r" % (spec["url"], wanted)
    return None


def _ask_command(spec):
    code, output = _run(spec["command"], spec["timeout"])
    return None if code == 0 else "%s: %s" % (_ended(spec["command"], code), output)


def _run(argv, timeout):
    """Run *argv*; return its exit code, None when it took too long, and the end of its output.

    Output goes to a file: a daemon that keeps a pipe open must not keep us waiting.
    """
    with tempfile.TemporaryFile() as output:
        try:
            code = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                cwd="/",
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            code = None
        except OSError as error:
            return 127, str(error)
        size = output.seek(0, 2)
        output.seek(max(0, size - OUTPUT_BYTES))
        text = output.read().decode("utf-8", "replace")
    return code, " ".join(text.split())[-300:] or "no output"


def _ended(argv, code):
    how = "took too long" if code is None else "ended with %d" % code
    return "%s %s" % (argv[0], how)
