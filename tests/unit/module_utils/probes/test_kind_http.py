# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a URL answers: what counts as good, how long it may take, and what no message tells."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import socket
import ssl
import threading
import time

import pytest

from ansible_collections.itops.release.plugins.module_utils.probes import _kind_http
from ansible_collections.itops.release.tests.fakes.certificates import certificates

SECRET = "s3cr3t"
HERE = ("127.0.0.1", 0)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what is next in the list of its server, (status, body)."""

    def do_GET(self):
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        status, body = self.server.answers.pop(0) if self.server.answers else (200, b"well")
        self.send_response(status)
        if status == 307:
            self.send_header("Location", self.server.elsewhere)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


for method in ("HEAD", "OPTIONS", "POST"):
    setattr(Handler, f"do_{method}", Handler.do_GET)


@contextlib.contextmanager
def serving(context=None):
    """Give a service on loopback, with TLS by the *context* if any; its URL is ``url``."""
    with http.server.ThreadingHTTPServer(HERE, Handler) as server:
        server.answers, server.asked, server.elsewhere = [], [], "/elsewhere"
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.place = f"127.0.0.1:{server.server_port}"
        server.url = f"http{'s' if context else ''}://{server.place}/health"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


@pytest.fixture
def service():
    with serving() as server:
        yield server


def measure(**probe):
    return _kind_http.measure({"timeout": 10, **probe})


def test_a_service_that_answers_is_well(service):
    assert measure(url=service.url) == (True, f"{service.url} answered 200")
    assert measure(url=service.url, contains="well")[0]


@pytest.mark.parametrize("status", [204, 302, 404, 500])
def test_the_status_decides(service, status):
    service.answers = [(status, b"")] * 2

    assert measure(url=service.url) == (False, f"{service.url} answered {status}")
    assert measure(url=service.url, status=[200, status]) == (
        True,
        f"{service.url} answered {status}",
    )


def test_a_redirect_is_followed_unless_it_is_what_is_wanted(service):
    service.answers = [(307, b""), (200, b""), (307, b"")]

    assert measure(url=service.url)[0]
    assert measure(url=service.url, status=[307])[0]
    assert [path for _method, path, _headers in service.asked] == [
        "/health",
        "/elsewhere",
        "/health",
    ]


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://127.0.0.1:9/"])
def test_a_redirect_to_what_no_probe_asks_is_not_followed(service, place):
    service.answers, service.elsewhere = [(307, b"")], place

    assert measure(url=service.url) == (False, f"{service.url} answered 307")


def test_a_redirect_that_leads_nowhere_is_told_without_where(service):
    service.answers, service.elsewhere = [(307, b"")], f"http://user:{SECRET}@127.0.0.1/"

    assert measure(url=service.url) == (
        False,
        f"{service.url}: it redirects to a URL that is not valid",
    )


def test_what_the_body_must_contain_decides_too(service):
    service.answers = [(200, b"version 1")]

    assert measure(url=service.url, contains="version 2") == (
        False,
        f"{service.url} answered without 'version 2'",
    )


def test_a_search_that_backtracks_without_end_is_ended(service):
    service.answers = [(200, b"a" * 64 + b"!")]

    assert measure(url=service.url, matches="^(a+)+$", timeout=0.3) == (
        False,
        f"{service.url} answered, and a search for '^(a+)+$' took too long",
    )


def test_a_regular_expression_is_searched_in_the_body(service):
    service.answers = [(200, "größe 12".encode())] * 2

    assert measure(url=service.url, matches=r"^größe \d+$")[0]
    assert measure(url=service.url, matches=r"^größe$") == (
        False,
        f"{service.url} answered without a match of '^größe$'",
    )


STATE = {"checks": [{"name": "database", "ready": True, "lag": 3}], "state": "up"}


@pytest.mark.parametrize(
    ("path", "equals", "found"),
    [
        ("state", "up", 'state is "up"'),
        ("checks.0.ready", True, "checks.0.ready is true"),
        ("checks.0.lag", 3, "checks.0.lag is 3"),
        ("checks.0", STATE["checks"][0], 'checks.0 is {"name": "database"'),
    ],
)
def test_a_value_in_json_is_compared(service, path, equals, found):
    service.answers = [(200, json.dumps(STATE).encode())]

    is_good, told = measure(url=service.url, json={"path": path, "equals": equals})

    assert is_good
    assert told.startswith(f"{service.url} answered 200, {found}")


@pytest.mark.parametrize(
    ("path", "equals", "told"),
    [
        ("state", "down", 'answered: state is "up", not "down"'),
        ("checks.0.lag", "3", 'answered: checks.0.lag is 3, not "3"'),
        ("checks.0.ready", 1, "answered: checks.0.ready is true, not 1"),
        ("stat", "up", "answered without 'stat': no 'stat' at the top"),
        ("checks.1.ready", True, "answered without 'checks.1.ready': no '1' at 'checks'"),
        ("checks.-1", True, "answered without 'checks.-1': no '-1' at 'checks'"),
        ("checks.0.lag.x", 3, "answered without 'checks.0.lag.x': no 'x' at 'checks.0.lag'"),
    ],
)
def test_a_path_in_json_that_leads_nowhere_or_to_another_value_says_so(service, path, equals, told):
    service.answers = [(200, json.dumps(STATE).encode())]

    assert measure(url=service.url, json={"path": path, "equals": equals}) == (
        False,
        f"{service.url} {told}",
    )


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000])
def test_a_body_that_is_not_json_says_so(service, body):
    service.answers = [(200, body)]

    assert measure(url=service.url, json={"path": "a", "equals": 1}) == (
        False,
        f"{service.url} answered what is not JSON",
    )


def test_method_host_and_headers_are_sent(service):
    headers = {"X-Probe": "yes", "X-Count": 3}
    for method in ("GET", "HEAD", "OPTIONS", "POST"):
        assert measure(url=service.url, method=method, host="shop.example", headers=headers)[0]

    assert [method for method, _path, _headers in service.asked] == [
        "GET",
        "HEAD",
        "OPTIONS",
        "POST",
    ]
    sent = service.asked[0][2]
    assert (sent["Host"], sent["X-Probe"], sent["X-Count"]) == ("shop.example", "yes", "3")


def test_a_service_that_does_not_answer_is_told_in_a_line(service):
    url = service.url
    service.shutdown()
    service.server_close()

    is_good, told = measure(url=url)

    assert not is_good
    assert told.startswith(f"{url}: ")
    assert "Connection refused" in told
    assert "\n" not in told


@contextlib.contextmanager
def answering(*parts, pause):
    """Give the URL of a service that answers once, with *parts* and a *pause* after each."""
    with socket.create_server(HERE) as server:

        def answer():
            connection, _address = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(1000)
                for part in parts:
                    connection.sendall(part)
                    time.sleep(pause)

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def test_a_bad_answer_that_breaks_off_is_still_a_bad_answer():
    head = b"HTTP/1.1 500 Oops\r\nContent-Length: 500\r\n\r\n"
    with answering(head + b"part", pause=1) as url:
        assert measure(url=url, timeout=0.2) == (False, f"{url} answered 500")


@pytest.mark.parametrize("status", [200, 500])
def test_a_body_that_has_no_end_takes_no_longer_than_allowed(status):
    head = b"HTTP/1.1 %d Well\r\nContent-Type: text/event-stream\r\n\r\n" % status
    began = time.monotonic()

    with answering(head, *[b"data\n"] * 100, pause=0.1) as url:
        is_good, told = measure(url=url, timeout=0.5)

    assert time.monotonic() - began < 5
    assert (is_good, told) == (
        False,
        f"{url}: timed out" if status == 200 else f"{url} answered 500",
    )


def test_headers_that_have_no_end_take_no_longer_than_allowed():
    """Each byte that comes would begin the socket's time limit anew."""
    began = time.monotonic()

    with answering(b"HTTP/1.1 200 OK\r\n", *[b"X: 1\r\n"] * 100, pause=0.1) as url:
        assert measure(url=url, timeout=0.5) == (False, f"{url}: timed out")

    assert time.monotonic() - began < 5


def test_what_took_too_long_ends_by_itself():
    before = set(threading.enumerate())
    head = b"HTTP/1.1 200 Well\r\n\r\n"
    with answering(head, *[b"data\n"] * 100, pause=0.1) as url:
        measure(url=url, timeout=0.5)
        left = {each for each in set(threading.enumerate()) - before if each.name == "probe"}
        for thread in left:
            thread.join(5)

        assert not any(thread.is_alive() for thread in left)


@pytest.mark.parametrize("head", [b"Content-Length: 4", b"Transfer-Encoding: chunked"])
def test_a_body_ends_where_it_says_although_the_connection_does_not(head):
    body = b"well" if b"Length" in head else b"4\r\nwell\r\n0\r\n\r\n"
    began = time.monotonic()

    with answering(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body, pause=10) as url:
        assert measure(url=url, contains="well", timeout=30)[0]

    assert time.monotonic() - began < 5


def test_a_body_is_looked_at_in_full(service):
    service.answers = [(200, b"." * 500_000 + b"well")]

    assert measure(url=service.url, contains="well")[0]


def test_a_proxy_in_the_environment_is_not_asked(service, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert measure(url=service.url)[0]


# --- secrets


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("user:{}@{}/health", "http://…@{}/health"),
        ("{}@{}/health?", "http://…@{}/health"),
        ("{1}/health?token={0}", "http://{}/health?…"),
        ("{1}/health;v=1?{0}#{0}", "http://{}/health;v=1?…"),
        ("{1}/health#{0}", "http://{}/health"),
        ("u:{0}@{1}?{0}", "http://…@{}?…"),
    ],
)
def test_of_a_url_no_user_password_or_query_is_told(service, place, told):
    url = "http://" + place.format(SECRET, service.place)
    for spec in ({}, {"status": [500]}, {"contains": "something else"}):
        _is_good, line = measure(url=url, **spec)
        assert SECRET not in line
        assert line.startswith(f"{told.format(service.place)} answered")
    service.shutdown()
    service.server_close()

    is_good, line = measure(url=url)

    assert not is_good
    assert "Connection refused" in line
    assert SECRET not in line


@pytest.mark.parametrize(
    "url",
    [
        "http://user:s3cr3t@/health",
        "http://user:s3#cr3t@127.0.0.1/",
        "http://user:3/s3cr3t@127.0.0.1/",
        "http://user:3?s3cr3t@127.0.0.1/",
        "http://user:3#s3cr3t@127.0.0.1/",
        "http://user:s3cr3t@127.0.0.1:http/",
        "http://127.0.0.1:99999/?s3cr3t",
        "http://127.0.0.1:0/?s3cr3t",
        "http://[127.0.0.1/?s3cr3t",
        "http://s3cr3t\u2100@127.0.0.1/",
        "http://127.0.0.1/?s3cr3t and more",
        "http://127.0.0.1/?s3cr3t\n",
        "user:s3cr3t@127.0.0.1/health",
        "ftp://127.0.0.1/?s3cr3t",
    ],
)
def test_a_url_that_cannot_be_asked_is_refused_and_not_repeated(url):
    problem = _kind_http.wrong_with({"url": url})

    assert problem
    assert "as it may be secret" in problem
    assert "cr3t" not in problem


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "https://shop.example:8443/health?full=1",
        "http://user:p%40ss@[::1]:8080/%40",
        "http://größe.example/",
    ],
)
def test_a_url_that_can_be_asked_is_not_refused(url):
    assert _kind_http.wrong_with({"url": url}) is None


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"headers": {"X-Token": "s3cr3t\r\nX: 1"}},
            "headers: the value of X-Token is not one line",
        ),
        ({"headers": {"X-Token": "s3cr3t\u2100"}}, "headers: the value of X-Token is not one line"),
        ({"headers": {"X-Token": ["s3cr3t"]}}, "headers: the value of X-Token is not one line"),
        ({"headers": {"s3cr3t: 1": "1"}}, "headers: a name has a character"),
        ({"host": "a/b"}, "host: 'a/b' is not a host name"),
        ({"ca": "ca.pem"}, "ca: 'ca.pem' is not an absolute path on the host"),
        ({"matches": "(a"}, "matches: '(a' is not a regular expression: missing )"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_anything_is_asked(options, line):
    problem = _kind_http.wrong_with({"url": "http://127.0.0.1/", **options})

    assert problem
    assert problem.startswith(line)
    assert SECRET not in problem


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"X-Token": "a b;c=1", "X-Count": 3}},
        {"host": "shop.example:8443"},
        {"host": "[::1]:8080"},
        {"ca": "/etc/ssl/ca.pem", "matches": "a|b"},
    ],
)
def test_options_that_can_be_are_not_refused(options):
    assert _kind_http.wrong_with({"url": "http://127.0.0.1/", **options}) is None


def test_user_and_password_are_sent_as_basic_authentication(service):
    measure(url=f"http://us%3Aer:p%40ss:w%C3%B6rd@{service.place}/health?a=1")
    measure(url=f"http://{service.place}/health?a=1")

    encoded = base64.b64encode("us:er:p@ss:wörd".encode()).decode()
    assert [(path, headers.get("Authorization")) for _method, path, headers in service.asked] == [
        ("/health?a=1", f"Basic {encoded}"),
        ("/health?a=1", None),
    ]


def test_a_redirection_does_not_learn_what_is_secret(service):
    service.answers = [(307, b"")]

    measure(url=f"http://user:{SECRET}@{service.place}/", headers={"X-Token": SECRET})

    (_method, _path, first), (_other, where, second) = service.asked
    assert (first["Authorization"], first["X-Token"]) == (first["Authorization"], SECRET)
    assert where == "/elsewhere"
    assert {"Authorization", "X-Token"} & set(second) == set()


# --- TLS


@contextlib.contextmanager
def serving_tls(folder, *names):
    """Give a service with a certificate for *names*; ``authority`` is the path of its authority."""
    authority, server = certificates(folder, *names)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server)
    with serving(context) as service:
        service.authority = str(authority)
        yield service


def test_an_authority_of_ones_own_is_named_by_ca(tmp_path):
    with serving_tls(tmp_path / "pki") as service:
        assert measure(url=service.url, ca=service.authority) == (
            True,
            f"{service.url} answered 200",
        )


def test_a_certificate_that_no_known_authority_signed_is_not_well(tmp_path):
    other, _server = certificates(tmp_path / "other")
    with serving_tls(tmp_path / "pki") as service:
        for options in ({}, {"ca": str(other)}):
            is_good, told = measure(url=service.url, **options)
            assert not is_good
            assert "certificate verify failed" in told


def test_a_certificate_is_compared_with_the_host_that_is_named(tmp_path):
    with serving_tls(tmp_path / "pki", "shop.example") as service:
        by_address = measure(url=service.url, ca=service.authority)
        by_name = measure(url=service.url, ca=service.authority, host="shop.example:8443")
        by_another = measure(url=service.url, ca=service.authority, host="web.example")

    assert by_name == (True, f"{service.url} answered 200")
    assert (by_address[0], by_another[0]) == (False, False)
    assert "not valid for '127.0.0.1'" in by_address[1]
    assert "not valid for 'web.example'" in by_another[1]


def test_an_authority_that_cannot_be_read_is_told(tmp_path):
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")

    missing = measure(url="https://127.0.0.1:9/", ca=str(tmp_path / "missing.pem"))
    not_pem = measure(url="https://127.0.0.1:9/", ca=str(broken))

    assert missing == (
        False,
        f"https://127.0.0.1:9/: ca: {tmp_path}/missing.pem: No such file or directory",
    )
    assert not_pem[1].startswith(f"https://127.0.0.1:9/: ca: {broken}: ")
