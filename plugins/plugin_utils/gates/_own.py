# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates of the organisation's own: a command, or an address asked by https."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.client
import os
import re
import selectors
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlencode, urljoin, urlsplit, urlunsplit

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ..policy._policy import OwnGate
from ._answer import Answer

LONGEST_SECONDS = 600
LARGEST_BYTES = 64 * 1024  # of an answer; of each stream of a command
MOST_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
TICK_SECONDS = 0.05
REAPING_SECONDS = 5  # a killed process that a dead file system holds is not waited for
# Whoever runs it, and wherever: no variable, no start-up file and no folder changes the answer.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/nonexistent"}
ACCEPTED = "text/plain, application/json"


class GateError(ReleaseError):
    """A gate of one's own is not as it must be; the text names the gate and the key."""

    code = "invalid_gate"


class NoAnswer(ReleaseError):
    """A gate of one's own did not answer; the text is the reason, and holds no secret."""

    code = "no_answer"


class Ended(NamedTuple):
    """How a command ended: its exit status (negative: the signal), and what it wrote."""

    status: int
    out: bytes
    err: bytes


class Reply(NamedTuple):
    """What a server replied: the HTTP status, its name, and the body."""

    status: int
    reason: str
    body: bytes


Run = Callable[[Sequence[str], Mapping[str, str], float], Ended]
Fetch = Callable[[str, Mapping[str, str], float, ssl.SSLContext | None], Reply]


def check(gate: OwnGate) -> None:
    """Raise GateError unless *gate* can be asked; that its command is there is not looked at."""
    name = _canonical.one_line(gate.name)
    if bool(gate.command) == bool(gate.url):
        raise GateError(f"gate {name}: expected either command or url")
    if gate.command and not gate.command[0]:
        raise GateError(f"gate {name}: command: expected the path of a program first")
    if not 0 < gate.timeout <= LONGEST_SECONDS:
        raise GateError(
            f"gate {name}: timeout: {gate.timeout} is not a valid number of seconds; valid: more "
            f"than 0, at most {LONGEST_SECONDS}"
        )
    if gate.url:
        try:
            _split(gate.url)
        except ValueError:  # whose text may have the credentials
            raise GateError(
                f"gate {name}: url is not valid; expected https://host/path, in ASCII"
            ) from None


def answer(
    gate: OwnGate,
    facts: Mapping[str, str],
    fetch: Fetch | None = None,
    run: Run | None = None,
    trust: ssl.SSLContext | None = None,
) -> Answer:
    """Ask *gate*, which gets the *facts* of the run; whatever goes wrong closes it.

    *facts* such as ``plan`` are RELEASE_PLAN to a command, and parameters of the query of a URL.
    *trust* is how a server is verified, by default by the authorities of the system.
    """
    needs = ""
    try:
        check(gate)
        needs = _needs(gate)
        if gate.command:
            environment = {**ENVIRONMENT, **{_variable(key): facts[key] for key in facts}}
            is_open, text = _judged((run or by_process)(gate.command, environment, gate.timeout))
        else:
            is_open, text = _read_reply((fetch or by_https)(gate.url, facts, gate.timeout, trust))
    except ReleaseError as error:
        is_open, text = False, str(error)
    except Exception as error:  # pylint: disable=broad-except # a gate that fails is closed
        is_open, text = False, f"it cannot be asked: {type(error).__name__}"
    text = _canonical.one_line(_canonical.printable(_masked(text, gate)))
    return Answer(gate.name, is_open, text, needs="" if is_open else needs)


def by_process(command: Sequence[str], environment: Mapping[str, str], timeout: float) -> Ended:
    """Run *command* without a shell, with no other *environment*, for *timeout* seconds at most.

    Of each stream 64 KiB are kept, and the rest is read all the same. All processes of its group
    end with it. Raises NoAnswer.
    """
    deadline = time.monotonic() + timeout
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise NoAnswer(f"{command[0]} cannot run: {error.strerror}") from None
    said = {stream.fileno(): bytearray() for stream in (process.stdout, process.stderr) if stream}
    try:
        with selectors.DefaultSelector() as selector:
            for number in said:
                selector.register(number, selectors.EVENT_READ)
            while not _has_ended(process):
                if time.monotonic() >= deadline:
                    raise NoAnswer(_late(timeout))
                _keep(selector, said, TICK_SECONDS)
            while _keep(selector, said, 0):
                pass
    finally:
        _end(process)
    out, err = map(bytes, said.values())
    return Ended(process.returncode, out, err)


def by_https(
    url: str, facts: Mapping[str, str], timeout: float, trust: ssl.SSLContext | None = None
) -> Reply:
    """Get *url* with the *facts* in its query, within *timeout* seconds in all; raise NoAnswer.

    Proxies are those of the environment. A redirect is followed within the same host and port.
    """
    cutoff, reply = _Cutoff(), Future[Reply]()

    def ask() -> None:
        try:
            reply.set_result(_get(_with_query(url, facts), timeout, trust, cutoff))
        except BaseException as error:  # pylint: disable=broad-except # raised by result()
            reply.set_exception(error)

    # The time limits of sockets are for each read: a server that dribbles would never meet one.
    threading.Thread(target=ask, daemon=True).start()
    try:
        return reply.result(timeout)
    except NoAnswer:
        raise
    except (TimeoutError, OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(_trouble(error, timeout)) from None
    finally:
        cutoff.end()


class _Cutoff:
    """Ends the connections of one question, at the latest when nobody waits for it any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_over = False
        self._sockets: list[socket.socket] = []

    def add(self, connected: socket.socket) -> None:
        """End *connected*, too, when the time comes; raises TimeoutError when it has come."""
        with self._lock:
            if self._is_over:
                raise TimeoutError
            self._sockets.append(connected)

    def end(self) -> None:
        """Let whoever reads from the connections read their end."""
        with self._lock:
            self._is_over = True
            for connected in self._sockets:
                with contextlib.suppress(OSError):
                    # Not that of SSLSocket, which changes what the other thread works with.
                    socket.socket.shutdown(connected, socket.SHUT_RDWR)


class _Handler(urllib.request.HTTPSHandler):
    """Opens connections that a _Cutoff ends."""

    def __init__(self, trust: ssl.SSLContext, cutoff: _Cutoff) -> None:
        super().__init__(context=trust)

        class Connection(http.client.HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                cutoff.add(self.sock)

        self._connection = functools.partial(Connection, context=trust)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)


def _get(url: str, timeout: float, trust: ssl.SSLContext | None, cutoff: _Cutoff) -> Reply:
    opener = urllib.request.OpenerDirector()  # knows nothing but https: no file, no ftp
    opener.add_handler(urllib.request.ProxyHandler())
    opener.add_handler(_Handler(trust or ssl.create_default_context(), cutoff))
    headers = {"Accept": ACCEPTED, "User-Agent": "itops.release", **_authorization(url)}
    for _attempt in range(MOST_REDIRECTS + 1):
        bare = _split(url)._replace(netloc=_origin(url), fragment="")
        request = urllib.request.Request(urlunsplit(bare), headers=headers)
        with opener.open(request, timeout=timeout) as response:
            if response.status not in REDIRECTS:
                body = response.read(LARGEST_BYTES + 1)
                if len(body) > LARGEST_BYTES:
                    raise NoAnswer(f"the answer has more than {LARGEST_BYTES:,} bytes")
                if response.length:  # what was announced and did not come
                    raise NoAnswer("the connection broke")
                return Reply(response.status, response.reason, body)
            url = _followed(url, response.headers.get("Location", ""))
    raise NoAnswer(f"too many redirects ({MOST_REDIRECTS})")


def _followed(url: str, location: str) -> str:
    """Return where a redirect from *url* leads, or raise NoAnswer."""
    try:
        there = urljoin(url, location)
        if location and _origin(there) == _origin(url):
            return there
        host = re.sub(r"[^A-Za-z0-9.:-]", "?", _origin(there))
    except ValueError:
        host = "an address that is not https"
    raise NoAnswer(f"redirect to {host} refused; valid: the same host and port, by https")


def _split(url: str) -> SplitResult:
    """Return the parts of an https *url*; raises ValueError."""
    parts = urlsplit(url)
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme != "https" or not parts.hostname or parts.port == 0 or not is_plain:
        raise ValueError
    return parts


def _origin(url: str) -> str:
    """Return host and port of *url*, without the credentials; raises ValueError."""
    parts = _split(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, 443) else f"{host}:{parts.port}"


def _with_query(url: str, facts: Mapping[str, str]) -> str:
    parts = _split(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(facts))))))


def _authorization(url: str) -> dict[str, str]:
    """Return the header for the credentials in *url* (RFC 7617)."""
    parts = _split(url)
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _trouble(error: Exception, timeout: float) -> str:
    """Return why a server did not answer, in words that hold no part of its URL."""
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"certificate: {reason.verify_message}"
    if isinstance(reason, TimeoutError):
        return _late(timeout)
    if isinstance(reason, OSError):
        return f"the connection failed: {reason.strerror or type(reason).__name__}"
    return "the answer is not valid HTTP"


def _late(timeout: float) -> str:
    return f"no answer within {timeout:g} s"


def _read_reply(reply: Reply) -> tuple[bool, str]:
    """Return whether a *reply* opens the gate, and its text; raises NoAnswer."""
    if reply.status != http.HTTPStatus.OK:
        return False, f"HTTP status {reply.status} {reply.reason}".rstrip()
    try:
        text = reply.body.decode("utf-8")
    except UnicodeDecodeError:
        raise NoAnswer("the answer is not UTF-8") from None
    try:
        said = _canonical.loads(reply.body, floats=True)
    except _canonical.CanonicalError as error:
        if text.lstrip("\ufeff\0 \t\r\n").startswith("{"):  # it may have said false
            raise NoAnswer(f"the answer is not valid JSON: {error}") from None
        said = text
    if said is False or said is None:
        return False, text.strip()
    if not isinstance(said, dict):
        return True, _first_line(reply.body)
    is_open, told = said.get("open", True), said.get("text", "")
    if not isinstance(is_open, bool):
        raise NoAnswer("open in the answer is not valid; valid: true, false")
    return is_open, _first_line(told.encode("utf-8", "replace")) if isinstance(told, str) else ""


def _judged(ended: Ended) -> tuple[bool, str]:
    """Return whether a command that *ended* so opens the gate, and its text."""
    text = _first_line(ended.out) or _first_line(ended.err)
    if ended.status < 0:
        return False, f"ended by signal {-ended.status}" + (f": {text}" if text else "")
    return not ended.status, text or f"exit status {ended.status}"


def _first_line(data: bytes) -> str:
    lines = data.decode("utf-8", "replace").splitlines()
    return next(filter(None, map(str.strip, lines)), "")


def _needs(gate: OwnGate) -> str:
    if gate.command:
        return f"exit status 0 of {gate.command[0]}"
    return f"an open answer of {_origin(gate.url)}"


def _masked(text: str, gate: OwnGate) -> str:
    """Return *text* without the credentials of the URL, which a server may have sent back."""
    if not gate.url:
        return text
    with contextlib.suppress(ValueError):
        parts = urlsplit(gate.url)
        secrets = [parts.password or "", parts.username or ""]  # a token may be either
        words = {*secrets, *map(unquote, secrets)} - {""}
        for word in sorted(words, key=len, reverse=True):
            text = text.replace(word, "***")
    return text


def _variable(fact: str) -> str:
    return "RELEASE_" + re.sub(r"[^A-Z0-9]", "_", fact.upper())


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    # It is not reaped before its group is killed: its number cannot be another's by then.
    return bool(os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT))


def _keep(selector: selectors.BaseSelector, said: Mapping[int, bytearray], wait_s: float) -> int:
    """Read what there is, waiting for it for *wait_s*; return how many bytes of it were kept."""
    kept = 0
    for key, _events in selector.select(wait_s):
        data = os.read(key.fd, LARGEST_BYTES)
        if not data:
            selector.unregister(key.fd)
        data = data[: LARGEST_BYTES - len(said[key.fd])]
        said[key.fd] += data
        kept += len(data)
    return kept


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the group of *process*, and reap it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(REAPING_SECONDS)
    for stream in filter(None, (process.stdout, process.stderr)):
        stream.close()
