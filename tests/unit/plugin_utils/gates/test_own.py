# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import contextlib
import datetime
import fcntl
import http.server
import ipaddress
import json
import os
import pathlib
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.itops.release.plugins.plugin_utils.gates import _own
from ansible_collections.itops.release.plugins.plugin_utils.gates._answer import Answer
from ansible_collections.itops.release.plugins.plugin_utils.gates._own import GateError, OwnGate

FACTS = {"plan": "shop-7", "release": "shop 1.5.0", "check": "true"}
HOST = "127.0.0.1"
PATIENCE_S = 60  # far more than anything takes
ALIVE_S = 20  # how long the processes live that nothing ends
LIMIT = 64 * 1024
# A child that holds standard output and the lock of the file in argv[1].
CHILD = f"""
import fcntl, os, subprocess, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
sleeping = [sys.executable, "-c", "import time; time.sleep({ALIVE_S})"]
subprocess.Popen(sleeping, pass_fds=[file.fileno()])
"""

ENDLESS = """
import os, time
end = time.time() + 30
while time.time() < end: os.write({}, b'x' * 65536)
"""


def python(code: str, *arguments: str, timeout: float = PATIENCE_S) -> Answer:
    """Return the answer of a gate whose command is Python *code*."""
    command = (sys.executable, "-c", code, *arguments)
    return _own.answer(OwnGate("cab", command=command, timeout=timeout), FACTS)


def is_unlocked(path: pathlib.Path) -> bool:
    with path.open("a") as file, contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def becomes_true(claim: Callable[[], bool], patience_s: float = ALIVE_S / 2) -> bool:
    deadline = time.monotonic() + patience_s
    while not claim() and time.monotonic() < deadline:
        time.sleep(0.01)
    return claim()


@pytest.mark.parametrize(
    ("code", "is_open", "text"),
    [
        ("print('agreed'); print('more')", True, "agreed"),
        ("print('\\n \\n  agreed ')", True, "agreed"),
        ("", True, "exit status 0"),
        ("print('no CAB'); raise SystemExit(1)", False, "no CAB"),
        ("import sys; sys.exit('on stderr')", False, "on stderr"),
        ("import sys; print('agreed'); print('a warning', file=sys.stderr)", True, "agreed"),
        ("raise SystemExit(3)", False, "exit status 3"),
        (
            "import os; print('so far', flush=True); os.kill(os.getpid(), 9)",
            False,
            "ended by signal 9",
        ),
        ("import os; os.write(1, b'\\xff\\x1b[31mred\\n')", True, "\ufffd\\x1b[31mred"),
    ],
)
def test_the_exit_status_decides_and_the_first_line_is_the_text(
    code: str, is_open: bool, text: str
) -> None:
    answer = python(code)

    assert (answer.gate, answer.is_open) == ("cab", is_open)
    assert answer.text.startswith(text)
    assert answer.needs == ("" if is_open else f"exit status 0 of {sys.executable}")


def test_the_text_is_short_and_printable() -> None:
    answer = python("print('\\0' * 1000)")

    assert len(answer.text) == 200
    assert answer.text.isprintable()


def test_a_command_sees_the_facts_and_no_other_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "s3cret")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    code = "import json, os; print(json.dumps(dict(os.environ)))"

    assert json.loads(python(code).text) == {
        "PATH": _own.PATH,
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "RELEASE_PLAN": "shop-7",
        "RELEASE_RELEASE": "shop 1.5.0",
        "RELEASE_CHECK": "true",
    }


def test_a_fact_does_not_become_another_variable() -> None:
    environments = []

    def run(command: object, environment: Mapping[str, str], timeout: float) -> _own.Ended:
        environments.append(environment)
        return _own.Ended(0, b"", b"")

    _own.answer(OwnGate("cab", ("x",)), {"PATH": "/tmp", "a-b=c": "d"}, run=run)

    assert environments == [
        {**_own.ENVIRONMENT, "RELEASE_PATH": "/tmp", "RELEASE_A_B_C": "d"},
    ]


@pytest.fixture
def typed() -> Iterator[None]:
    """Give this process something to read as its standard input."""
    reading, writing = os.pipe()
    os.write(writing, b"yes\n")
    os.close(writing)
    before = os.dup(0)
    os.dup2(reading, 0)
    os.close(reading)
    yield
    os.dup2(before, 0)
    os.close(before)


@pytest.mark.usefixtures("typed")
def test_a_command_has_no_terminal_and_no_input() -> None:
    code = "import os, sys; print([sys.stdin.read(), os.getsid(0) == os.getpid(), os.getcwd()])"

    assert python(code).text == "['', True, '/']"


def test_arguments_are_not_for_a_shell() -> None:
    assert python("import sys; print(sys.argv[1])", "$(id); *").text == "$(id); *"


def test_a_name_is_looked_up_in_the_fixed_path_only(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "cab-check"
    program.write_text("#!/bin/sh\necho agreed\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert _own.answer(OwnGate("cab", (str(program),)), FACTS).is_open
    answer = _own.answer(OwnGate("cab", ("cab-check",)), FACTS)
    assert answer.line() == (
        "closed: cab: cab-check cannot run: No such file or directory "
        "(needs exit status 0 of cab-check)"
    )
    assert _own.answer(OwnGate("cab", ("true",)), FACTS).is_open


def test_a_command_that_cannot_run_is_closed_with_the_reason(tmp_path: pathlib.Path) -> None:
    reasons = []
    (tmp_path / "data").write_text("no program")
    (tmp_path / "data").chmod(0o755)
    for name in ("missing", ".", "data"):
        answer = _own.answer(OwnGate("cab", (str(tmp_path / name),)), FACTS)
        assert not answer.is_open
        reasons.append(answer.text.partition(" cannot run: ")[2])

    assert reasons == ["No such file or directory", "Permission denied", "Exec format error"]


@pytest.mark.parametrize("facts", [{"plan": "a\0b"}, {"plan": "a" * 10_000_000}, {"plan": None}])
def test_facts_that_cannot_be_passed_close_the_gate(facts: dict[str, str]) -> None:
    assert not _own.answer(OwnGate("cab", ("true",)), facts).is_open


def test_an_unexpected_error_closes_the_gate() -> None:
    def run(command: object, environment: object, timeout: float) -> _own.Ended:
        raise RuntimeError("s3cret")

    answer = _own.answer(OwnGate("cab", ("true",)), FACTS, run=run)

    assert (answer.is_open, answer.text) == (False, "it cannot be asked: RuntimeError")


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(30)",
        "import os, time; os.close(1); os.close(2); time.sleep(30)",
        ENDLESS.format(1),
        ENDLESS.format(2),
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(30)",
    ],
)
def test_a_command_ends_at_its_time_limit(code: str) -> None:
    answer = python(code, timeout=0.5)

    assert (answer.is_open, answer.text) == (False, "no answer within 0.5 s")


def test_of_much_output_the_beginning_is_kept_and_the_command_goes_on() -> None:
    code = "import os\nfor _ in range(200): os.write(1, b'o' * 65536); os.write(2, b'e' * 65536)"

    ended = _own.by_process((sys.executable, "-c", code), {}, PATIENCE_S)

    assert ended == (0, b"o" * LIMIT, b"e" * LIMIT)


def test_what_a_command_started_ends_with_it(tmp_path: pathlib.Path) -> None:
    lock = tmp_path / "lock"

    answer = python(CHILD + "print('agreed')", str(lock))

    assert (answer.is_open, answer.text) == (True, "agreed")
    assert becomes_true(lambda: is_unlocked(lock))


def test_what_a_command_started_ends_at_its_time_limit(tmp_path: pathlib.Path) -> None:
    lock = tmp_path / "lock"

    answer = python(CHILD + f"time.sleep({ALIVE_S})", str(lock), timeout=1.5)

    assert answer.text == "no answer within 1.5 s"
    assert becomes_true(lambda: is_unlocked(lock))


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        (OwnGate("cab"), "expected either command or url"),
        (OwnGate("cab", ("true",), "https://cab.example.org"), "expected either command or url"),
        (OwnGate("cab", ("",)), "command: expected the path of a program first"),
        (OwnGate("cab", ("true",), timeout=0), "timeout: 0 is not a valid number"),
        (OwnGate("cab", ("true",), timeout=601), "timeout: 601 is not a valid number"),
        (OwnGate("cab", ("true",), timeout=float("nan")), "timeout: nan is not a valid number"),
        *(
            (OwnGate("cab", url=url), "url is not valid; expected https://host/path, in ASCII")
            for url in (
                "http://ops:s3cret@cab.example.org/",
                "cab.example.org",
                "file:///etc/passwd",
                "https://",
                "https:///path",
                "https://ops:s3cret@cab.example.org:port/",
                "https://ops:s3cret@cab.example.org:0/",
                "https://ops:s3cret@[::1/",
                "https://ops:s3cret@cab\u2100.example.org/",
                "https://cab.example.org/a b",
                "https://cab.example.org/a\nb",
            )
        ),
    ],
)
def test_a_gate_that_cannot_be_asked_is_refused_and_closed(gate: OwnGate, message: str) -> None:
    with pytest.raises(GateError) as caught:
        _own.check(gate)

    assert str(caught.value).startswith(f"gate cab: {message}")
    assert caught.value.code == "invalid_gate"
    assert "s3cret" not in str(caught.value)
    answer = _own.answer(gate, FACTS)
    assert (answer.is_open, answer.text) == (False, str(caught.value))


@pytest.mark.parametrize(
    "gate",
    [
        OwnGate("cab", ("not-there", "argument"), timeout=600),
        OwnGate("cab", url="https://ops:s3cret@[::1]:8443/gate?team=shop", timeout=0.1),
    ],
)
def test_a_gate_that_can_be_asked_is_accepted(gate: OwnGate) -> None:
    _own.check(gate)


class Server:
    """An https server on the loopback address that answers as *answers* says, by path."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.answers: dict[str, Callable[[http.server.BaseHTTPRequestHandler], None]] = {}
        self.open = 0  # conversations
        path = certificate(folder)
        self.trust = ssl.create_default_context(cafile=path)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(path)
        self._http = http.server.ThreadingHTTPServer((HOST, 0), self._handler())
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_about: None  # type: ignore[method-assign]
        # The handshake is left to the thread of each conversation.
        self._http.socket = tls.wrap_socket(
            self._http.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def setup(self) -> None:
                server.open += 1
                super().setup()

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                server.requests.append(
                    (parts.path, dict(parse_qsl(parts.query)), dict(self.headers.items()))
                )
                server.answers[parts.path](self)

            def finish(self) -> None:
                with contextlib.suppress(OSError):
                    super().finish()
                server.open -= 1

            def log_message(self, *_about: object) -> None:
                pass

        return Handler

    def url(self, path: str = "/", credentials: str = "", host: str = HOST) -> str:
        return f"https://{credentials}{host}:{self.port}{path}"

    def ask(self, url: str = "", timeout: float = PATIENCE_S, trusted: bool = True) -> Answer:
        """Return the answer of the gate at *url*, here."""
        gate = OwnGate("cab", url=url or self.url(), timeout=timeout)
        return _own.answer(gate, FACTS, trust=self.trust if trusted else None)

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def certificate(folder: pathlib.Path) -> pathlib.Path:
    """Return the path of a new certificate for the loopback address, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gate")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(HOST))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "gate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def server(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    made = Server(tmp_path)
    yield made
    made.close()


def reply(
    body: bytes = b"", status: int = 200, reason: str | None = None, **headers: str
) -> Callable[[http.server.BaseHTTPRequestHandler], None]:
    """Return what has a server reply so."""

    def act(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status, reason)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return act


def test_a_url_gets_the_facts_and_says_what_it_accepts(server: Server) -> None:
    server.answers["/gate"] = reply(b"agreed\nmore\n")

    answer = server.ask(server.url("/gate?team=a%20b#part"))

    assert answer == Answer("cab", True, "agreed")
    [(_path, query, headers)] = server.requests
    assert query == {"team": "a b", **FACTS}
    assert headers["Accept"] == "text/plain, application/json"
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("body", "is_open", "text"),
    [
        (b"", True, ""),
        (b"\n\n agreed \nmore", True, "agreed"),
        (b'{"open": true, "text": "agreed\\nmore"}', True, "agreed"),
        (b'{"open": false, "text": "no CAB"}', False, "no CAB"),
        (b' {"open": false, "text": 7, "since": 1.5}', False, ""),
        (b'{"text": "agreed"}', True, "agreed"),
        (b"{}", True, ""),
        (b'["agreed"]', True, '["agreed"]'),
        (b"false", False, "false"),
        (b"null\n", False, "null"),
        (b'{"open": "no"}', False, "open in the answer is not valid; valid: true, false"),
        (b'{"open": 1}', False, "open in the answer is not valid; valid: true, false"),
        (b'{"open": false, "open": true}', False, "the answer is not valid JSON: key 'open' is "),
        (b'{"open": false', False, "the answer is not valid JSON: "),
        (b'\xef\xbb\xbf{"open": false}', False, "the answer is not valid JSON: "),
        ('{"open": false}'.encode("utf-16-be"), False, "the answer is not valid JSON: "),
        ('{"open": false}'.encode("utf-16"), False, "the answer is not UTF-8"),
        (b"[" * 60_000, True, "[["),
        (b"\x1b[31mred", True, "\\x1b[31mred"),
    ],
)
def test_the_body_of_an_answer_is_understood_or_closes_the_gate(
    body: bytes, is_open: bool, text: str
) -> None:
    gate = OwnGate("cab", url="https://cab.example.org/gate")

    answer = _own.answer(gate, FACTS, fetch=lambda *_asked: _own.Reply(200, "OK", body))

    assert answer.is_open == is_open
    assert answer.text.startswith(text)
    assert bool(answer.text) == bool(text)
    assert answer.needs == ("" if is_open else "an open answer of cab.example.org")


@pytest.mark.parametrize(
    ("status", "reason", "text"),
    [
        (204, "No Content", "HTTP status 204 No Content"),
        (503, "Come\x1b back", "HTTP status 503 Come\\x1b back"),
        (404, "", "HTTP status 404"),
        (304, "Not Modified", "HTTP status 304 Not Modified"),
    ],
)
def test_any_other_status_closes_the_gate(
    server: Server, status: int, reason: str, text: str
) -> None:
    body = b"" if status in (204, 304) else b'{"open": true, "text": "agreed"}'
    server.answers["/"] = reply(body, status, reason)

    answer = server.ask()

    assert (answer.is_open, answer.text) == (False, text)


def test_a_server_that_is_not_trusted_is_not_asked(server: Server) -> None:
    server.answers["/"] = reply(b"agreed")

    answer = server.ask(trusted=False)

    assert not answer.is_open
    assert answer.text.startswith("certificate: self")
    assert server.requests == []


def test_a_certificate_of_another_name_is_refused(server: Server) -> None:
    server.answers["/"] = reply(b"agreed")

    answer = server.ask(server.url(host="127.0.0.2"))

    assert not answer.is_open  # whether or not 127.0.0.2 leads to this server
    assert server.requests == []


def test_a_server_that_is_not_there_closes_the_gate(server: Server) -> None:
    server.close()

    answer = server.ask()

    assert answer == Answer(
        "cab",
        False,
        "the connection failed: Connection refused",
        needs=f"an open answer of {HOST}:{server.port}",
    )
    server.close = lambda: None  # type: ignore[method-assign]  # it is closed already


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_host_is_followed_with_the_credentials(
    server: Server, status: int
) -> None:
    server.answers["/"] = reply(b"", status, Location="/there?a=b")
    server.answers["/there"] = reply(b"agreed")

    assert server.ask(server.url(credentials="ops:s3cret@")).text == "agreed"
    _first, (path, query, headers) = server.requests
    assert (path, query) == ("/there", {"a": "b"})
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"ops:s3cret").decode()


@pytest.mark.parametrize(
    ("location", "where"),
    [
        ("https://localhost:{port}/there", "localhost:{port}"),
        ("//localhost:{port}/there", "localhost:{port}"),
        (f"https://{HOST}/there", HOST),
        (f"https://ops:s3cret@{HOST}:1/there", f"{HOST}:1"),
        (f"http://{HOST}:{{port}}/there", "an address that is not https"),
        ("file:///etc/passwd", "an address that is not https"),
        ("https://[/", "an address that is not https"),
        ("/th\u00e9re", "an address that is not https"),
        ("", HOST + ":{port}"),
    ],
)
def test_a_redirect_elsewhere_is_refused(server: Server, location: str, where: str) -> None:
    server.answers["/"] = reply(b"", 302, Location=location.format(port=server.port))
    server.answers["/there"] = reply(b"agreed")

    answer = server.ask(server.url(credentials="ops:s3cret@"))

    assert not answer.is_open
    assert answer.text == (
        f"redirect to {where.format(port=server.port)} refused; valid: the same host and port, "
        "by https"
    )
    assert [path for path, *_rest in server.requests] == ["/"]


@pytest.mark.parametrize(("count", "text"), [(5, "agreed"), (6, "too many redirects (5)")])
def test_redirects_are_followed_five_times(server: Server, count: int, text: str) -> None:
    for number in range(count):
        server.answers[f"/{number}"] = reply(b"", 302, Location=f"/{number + 1}")
    server.answers[f"/{count}"] = reply(b"agreed")

    answer = server.ask(server.url("/0"))

    assert (answer.is_open, answer.text) == (count == 5, text)


@pytest.mark.parametrize(("size", "is_open"), [(LIMIT, True), (LIMIT + 1, False)])
def test_an_answer_is_limited(server: Server, size: int, is_open: bool) -> None:
    server.answers["/"] = reply(b"x" * size)

    answer = server.ask()

    assert answer.is_open == is_open
    assert ("more than 65,536 bytes" in answer.text) != is_open


def test_an_answer_without_end_is_not_read_to_its_end(server: Server) -> None:
    def act(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:  # until the client closes
            handler.wfile.write(b"x" * LIMIT)

    server.answers["/"] = act

    assert server.ask().text == "the answer has more than 65,536 bytes"
    assert becomes_true(lambda: not server.open)


def test_an_answer_that_breaks_off_closes_the_gate(server: Server) -> None:
    server.answers["/"] = reply(b"agreed", Content_Length="60")

    answer = server.ask()

    assert (answer.is_open, answer.text) == (False, "the connection broke")


def test_what_is_not_http_closes_the_gate(server: Server) -> None:
    def act(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"agreed\r\n\r\n")

    server.answers["/"] = act

    answer = server.ask()

    assert (answer.is_open, answer.text) == (False, "the answer is not valid HTTP")


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("begin", "more", "end"),
    [
        (b"", b"", HEAD + b"\r\n"),
        (HEAD + b"\r\nagreed", b"", b""),
        (HEAD + b"\r\nagreed", b".", b""),
        (HEAD + b"X: y", b"y", b"\r\n\r\nagreed"),
    ],
    ids=["silent", "silent in the body", "dribbling body", "dribbling header"],
)
def test_a_slow_server_ends_at_the_time_limit(
    server: Server, begin: bytes, more: bytes, end: bytes
) -> None:
    """It would answer "open", if somebody waited for long enough."""

    def act(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(begin)
        handler.connection.settimeout(0.02)
        deadline = time.monotonic() + ALIVE_S
        while time.monotonic() < deadline:
            handler.wfile.write(more)
            with contextlib.suppress(TimeoutError):
                if not handler.connection.recv(1):
                    return  # the client has closed
        handler.wfile.write(end)

    server.answers["/"] = act

    answer = server.ask(timeout=1)

    assert (answer.is_open, answer.text) == (False, "no answer within 1 s")
    assert becomes_true(lambda: not server.open)


@pytest.mark.parametrize(
    "credentials", ["ops:s3cret@", "s3cret@", "s3cret:x-token@", "ops:s3cr%65t@"]
)
def test_no_text_has_the_credentials_of_the_url(server: Server, credentials: str) -> None:
    url = server.url(credentials=credentials)
    texts = []
    for act in (
        reply(url.encode()),
        reply(b"you are ops:s3cret"),
        reply(b'{"open": false, "text": "s3cret is not valid"}'),
        reply(b"", 403, "s3cret is not valid"),
        reply(b"", 302, Location="https://s3cret.example.org/"),
        reply(b"", 302, Location="http://ops:s3cret@localhost/"),
        reply(b'{"s3cret": 1, "s3cret": 2}'),
    ):
        server.answers["/"] = act
        answer = server.ask(url)
        texts += [answer.line(), str(answer.to_plain())]
    texts.append(server.ask(url, trusted=False).line())

    assert [text for text in texts if "s3cret" in text or "s3cr%65t" in text] == []


def test_the_proxy_of_the_environment_is_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/"] = reply(b"agreed")
    monkeypatch.delenv("no_proxy")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("https_proxy", f"http://ops:s3cret@{HOST}:{server.port}")

    answer = server.ask()  # the server takes CONNECT, not within TLS, for rubbish

    assert not answer.is_open
    assert server.requests == []
    assert "s3cret" not in answer.line()
