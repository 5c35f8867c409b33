# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarting a service and probing it, on the host where it runs.

The URL and the commands may hold secrets, and what is said of them ends in logs. So of a URL the
user, the password and the query are never told, and of a command only its program.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from typing import IO, TYPE_CHECKING, Any, Callable, Mapping, Optional, Sequence, Tuple, cast

from ..errors._release_error import ReleaseError
from ..files import _paths

if TYPE_CHECKING:
    import http.client
    import urllib.request

Probe = Mapping[str, Any]  # as option ``probe`` of release_deployment has it
OUTPUT_BYTES = 2000
BODY_BYTES = 1024 * 1024
MOST_SECONDS = 7 * 24 * 3600
NOT_FOUND = 127  # as a shell says
UNSENDABLE = re.compile(r"[\x00-\x20\x7f]")  # in a URL, to http.client


class ServiceError(ReleaseError):
    """A restart failed, or a probe did not find the service well; its text is one line."""

    code = "service_failed"


def check(spec: Probe) -> None:
    """Raise ServiceError unless the probe *spec* can be asked at all; called before acting."""
    if spec.get("command"):
        check_command("probe: command", spec["command"])
    if spec.get("url") and not _can_be_asked(spec["url"]):
        raise ServiceError(
            "probe: url (not told, as it may be secret) is not http:// or https:// with a host, or "
            "its port is no number, or it has a blank (%20) or an @ behind the host (%40)"
        )
    if not (0 < spec["timeout"] <= MOST_SECONDS and 0 <= spec["interval"] <= MOST_SECONDS):
        raise ServiceError(
            "probe: timeout must be more than 0 seconds, interval 0 or more, and both at most %d"
            % MOST_SECONDS
        )
    if not (spec["retries"] >= 0 and spec["successes"] >= 1):
        raise ServiceError("probe: retries must be 0 or more, and successes 1 or more")


def check_command(name: str, argv: Sequence[str]) -> None:
    """Raise ServiceError unless the command *argv*, of the option *name*, has a program."""
    if not argv[0].strip():
        raise ServiceError("%s: its first word, the program, is empty" % name)


def restart(argv: Sequence[str], timeout: float) -> None:
    """Run the command *argv* for at most *timeout* seconds.

    Raises ServiceError with the end of its output unless it returns 0.
    """
    code, output = _run(argv, timeout)
    if code != 0:
        raise ServiceError("restart failed: %s: %s" % (_ended(argv, code), output))


def probe(spec: Probe, sleep: Callable[[float], None] = time.sleep) -> None:
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


def without_secrets(url: str) -> str:
    """Return *url* as it may be told: with ``…`` for the user and password, and for the query."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    _userinfo, at, place = parts.netloc.rpartition("@")
    told = "%s://%s%s%s" % (parts.scheme, "…@" if at else "", place, parts.path)
    return told + "?…" if parts.query else told


def _can_be_asked(url: str) -> bool:
    """Tell whether *url* is whole, so that no part of a password in it is taken for another part.

    What the library says of one that is not could repeat it.
    """
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        has_place = parts.hostname and parts.port != 0
    except ValueError:
        return False
    is_known = url.startswith(("http://", "https://"))
    is_clear = "@" not in "".join(parts[2:]) and not UNSENDABLE.search(url)
    return bool(is_known and has_place and is_clear)


def _ask_url(spec: Probe) -> Optional[str]:
    """Return None when the URL answers as wanted, else in a line what it did."""
    told = without_secrets(spec["url"])
    try:
        status, body = _get(spec["url"], spec["timeout"])
    except Exception as error:  # refused, reset, timed out, not HTTP: all the same to a probe
        return "%s: %s" % (told, getattr(error, "reason", None) or error)
    if status not in spec["status"]:
        return "%s answered %d" % (told, status)
    wanted = spec.get("contains")
    if wanted and wanted.encode("utf-8") not in body:
        return "%s answered without %r" % (told, wanted)
    return None


def _get(url: str, timeout: float) -> Tuple[int, bytes]:
    """Return the status and the body of what *url* answers; a body may break off."""
    import urllib.error
    import urllib.request

    # No proxy: a probe asks this very host.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + timeout
    try:
        with opener.open(_request(url), timeout=timeout) as answer:
            return answer.status, _read_body(answer, deadline)
    except urllib.error.HTTPError as error:
        with error, contextlib.suppress(Exception):
            # It hands on what the response has.
            return error.code, _read_body(cast("http.client.HTTPResponse", error), deadline)
        return error.code, b""


def _request(url: str) -> urllib.request.Request:
    """Return what asks for *url*; user and password go as a header, but nowhere by redirection."""
    import urllib.request
    from urllib.parse import unquote, urlsplit, urlunsplit

    parts = urlsplit(url)
    userinfo, at, place = parts.netloc.rpartition("@")
    request = urllib.request.Request(urlunsplit(parts._replace(netloc=place)))
    if at:
        user, _colon, password = userinfo.partition(":")
        pair = "%s:%s" % (unquote(user), unquote(password))
        encoded = base64.b64encode(pair.encode("utf-8")).decode("ascii")
        request.add_unredirected_header("Authorization", "Basic " + encoded)
    return request


def _read_body(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    """Return the body of an answer, as much of it as is looked at.

    Raises TimeoutError for one that goes on after *deadline*: the socket's timeout begins anew
    with each byte that comes.
    """
    # Old Pythons ask for more behind a body's end, which need not be the connection's.
    size = BODY_BYTES if answer.length is None else min(answer.length, BODY_BYTES)
    body = b""
    while len(body) < size:
        chunk = answer.read1(size - len(body))
        if not chunk:
            break
        body += chunk
        if time.monotonic() > deadline:
            raise TimeoutError("timed out")
    return body


def _ask_command(spec: Probe) -> Optional[str]:
    code, output = _run(spec["command"], spec["timeout"])
    return None if code == 0 else "%s: %s" % (_ended(spec["command"], code), output)


def _run(argv: Sequence[str], timeout: float) -> Tuple[Optional[int], str]:
    """Run *argv*; return its exit code, None when it took too long, and the end of its output.

    Output goes to a file: a daemon that keeps a pipe open must not keep us waiting.
    """
    try:
        with tempfile.TemporaryFile() as output:
            code = _wait(argv, output, timeout)
            size = output.seek(0, 2)
            output.seek(max(0, size - OUTPUT_BYTES))
            text = output.read().decode("utf-8", "replace")
    except OSError as error:
        # Its text repeats the program's name, which is all of a command that was given as text.
        return NOT_FOUND, error.strerror or type(error).__name__
    return code, " ".join(text.split())[-300:] or "no output"


def _wait(argv: Sequence[str], output: IO[bytes], timeout: float) -> Optional[int]:
    """Return the exit code of *argv*; None when it took too long, and it and its like are ended."""
    process = subprocess.Popen(
        [_paths.local(argument) for argument in argv],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd="/",
        start_new_session=True,
    )
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def _ended(argv: Sequence[str], code: Optional[int]) -> str:
    how = "took too long" if code is None else "ended with %d" % code
    program, *more = argv[0].split() or [""]
    if more and len(argv) == 1 and code == NOT_FOUND:
        how += " (it is one text: give a list of arguments)"
    return "%s %s" % (program + "…" if more else program, how)
