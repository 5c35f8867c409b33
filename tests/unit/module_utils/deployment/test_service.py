# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarting and probing: what counts as well, how often it is asked, and what is said if not."""

from __future__ import annotations

import base64
import contextlib
import http.server
import socket
import threading
import time

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _service

DEFAULTS = {
    "url": None,
    "command": None,
    "status": [200],
    "contains": None,
    "timeout": 5,
    "retries": 0,
    "interval": 1,
    "successes": 1,
}


@pytest.fixture
def service():
    """Return a service on loopback whose answers, (status, body), are taken from its list."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            service.asked.append((self.path, self.headers["Authorization"]))
            status, body = service.answers.pop(0) if service.answers else (200, b"well")
            self.send_response(status)
            if status == 307:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        service = server
        server.answers, server.asked = [], []
        server.url = f"http://127.0.0.1:{server.server_port}/health"
        yield server
        server.shutdown()


def probe(**spec):
    waited = []
    _service.probe({**DEFAULTS, **spec}, waited.append)
    return waited


def test_a_service_that_answers_is_well(service):
    assert probe(url=service.url) == []
    assert probe(url=service.url, contains="well") == []


@pytest.mark.parametrize("status", [204, 302, 404, 500])
def test_the_status_decides(service, status):
    service.answers = [(status, b"")] * 2

    with pytest.raises(_service.ServiceError, match=f"answered {status}$"):
        probe(url=service.url)
    probe(url=service.url, status=[status])


def test_what_the_body_must_contain_decides_too(service):
    service.answers = [(200, b"version 1")] * 2

    with pytest.raises(_service.ServiceError, match="answered without 'version 2'"):
        probe(url=service.url, contains="version 2")


def test_a_service_that_does_not_answer_is_told_in_a_line(service):
    url = service.url
    service.shutdown()
    service.server_close()

    with pytest.raises(_service.ServiceError, match="Connection refused") as caught:
        probe(url=url)
    assert "\n" not in str(caught.value)


@contextlib.contextmanager
def answering(*parts, pause):
    """Give the URL of a service that answers once, with *parts* and a *pause* after each."""
    with socket.create_server(("127.0.0.1", 0)) as server:

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
        with pytest.raises(_service.ServiceError, match="answered 500"):
            probe(url=url, timeout=0.2)


@pytest.mark.parametrize("status", [200, 500])
def test_a_body_that_has_no_end_takes_no_longer_than_allowed(status):
    head = b"HTTP/1.1 %d Well\r\nContent-Type: text/event-stream\r\n\r\n" % status
    began = time.monotonic()

    with answering(head, *[b"data\n"] * 100, pause=0.1) as url:
        with pytest.raises(_service.ServiceError, match="timed out" if status == 200 else "500"):
            probe(url=url, timeout=0.5)

    assert time.monotonic() - began < 5


@pytest.mark.parametrize("head", [b"Content-Length: 4", b"Transfer-Encoding: chunked"])
def test_a_body_ends_where_it_says_although_the_connection_does_not(head):
    body = b"well" if b"Length" in head else b"4\r\nwell\r\n0\r\n\r\n"
    began = time.monotonic()

    with answering(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body, pause=10) as url:
        probe(url=url, contains="well", timeout=30)

    assert time.monotonic() - began < 5


def test_a_body_is_looked_at_in_full(service):
    service.answers = [(200, b"." * 500_000 + b"well")]

    probe(url=service.url, contains="well")


def test_a_restart_that_takes_too_long_is_ended_with_its_children(tmp_path):
    mark = tmp_path / "still-there"
    with pytest.raises(_service.ServiceError, match="took too long"):
        _service.restart(["sh", "-c", f"(sleep 1; touch {mark}) & wait"], 0.2)
    time.sleep(1.2)
    assert not mark.exists()


SECRET = "s3cr3t"


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
    host = f"127.0.0.1:{service.server_port}"
    url = "http://" + place.format(SECRET, host)
    for spec in ({"status": [500]}, {"contains": "something else"}):
        with pytest.raises(_service.ServiceError) as caught:
            probe(url=url, **spec)
        assert SECRET not in str(caught.value)
        assert f": {told.format(host)} answered" in str(caught.value)
    service.shutdown()
    service.server_close()
    with pytest.raises(_service.ServiceError, match="Connection refused") as caught:
        probe(url=url)
    assert SECRET not in str(caught.value)


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
    with pytest.raises(_service.ServiceError, match="as it may be secret") as caught:
        _service.check({**DEFAULTS, "url": url})
    assert "cr3t" not in str(caught.value)


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
    _service.check({**DEFAULTS, "url": url})


def test_user_and_password_are_sent_as_basic_authentication(service):
    place = f"127.0.0.1:{service.server_port}/health?a=1"

    probe(url=f"http://us%3Aer:p%40ss:w%C3%B6rd@{place}")
    probe(url=f"http://{place}")

    encoded = base64.b64encode("us:er:p@ss:wörd".encode()).decode()
    assert service.asked == [("/health?a=1", f"Basic {encoded}"), ("/health?a=1", None)]


def test_a_redirection_does_not_learn_the_password(service):
    service.answers = [(307, b"")]

    probe(url=f"http://user:{SECRET}@127.0.0.1:{service.server_port}/")

    assert service.asked[0][1]
    assert service.asked[1:] == [("/elsewhere", None)]


def test_a_command_that_is_one_text_is_told_by_its_program():
    with pytest.raises(_service.ServiceError) as caught:
        _service.restart([f"service restart --token {SECRET}"], 60)

    assert SECRET not in str(caught.value)
    assert "service… ended with 127 (it is one text: give a list of" in str(caught.value)


def test_of_a_command_s_arguments_none_is_told():
    with pytest.raises(_service.ServiceError) as caught:
        _service.restart(["sh", "-c", "exit 3", SECRET], 60)

    assert str(caught.value) == "restart failed: sh ended with 3: no output"


def test_a_service_gets_its_tries_with_pauses_between(service):
    service.answers = [(500, b"")] * 3

    assert probe(url=service.url, retries=3, interval=7) == [7, 7, 7]


def test_when_all_tries_fail_it_is_not_well(service):
    service.answers = [(500, b"")] * 10

    with pytest.raises(_service.ServiceError):
        probe(url=service.url, retries=3)
    assert len(service.answers) == 6


def test_successes_must_come_in_a_row(service):
    service.answers = [(200, b""), (500, b""), (200, b""), (200, b""), (500, b"")]

    assert len(probe(url=service.url, retries=5, successes=2)) == 3
    service.answers = [(200, b""), (500, b"")] * 10
    with pytest.raises(_service.ServiceError, match="probe failed"):
        probe(url=service.url, retries=5, successes=2)


def test_a_proxy_in_the_environment_is_not_asked(service, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    probe(url=service.url)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["false"], "false ended with 1: no output"),
        (["sh", "-c", "echo a; echo b >&2; exit 4"], "sh ended with 4: a b"),
        (["/no/such/program"], "/no/such/program ended with 127: .*No such file"),
        (["sleep", "60"], "sleep took too long"),
    ],
)
def test_a_command_that_fails_is_told_with_the_end_of_its_output(command, reason):
    with pytest.raises(_service.ServiceError, match=reason) as caught:
        probe(command=command, timeout=1 if command[0] == "sleep" else 20)
    assert "\n" not in str(caught.value)


def test_a_command_that_returns_0_is_well():
    probe(command=["true"])


def test_a_restart_that_fails_is_told():
    _service.restart(["true"], 60)
    with pytest.raises(_service.ServiceError, match="restart failed: sh ended with 2: sorry"):
        _service.restart(["sh", "-c", "echo sorry; exit 2"], 60)


def test_a_restart_that_leaves_a_daemon_is_not_waited_for():
    began = time.monotonic()

    _service.restart(["sh", "-c", "sleep 5 & echo started"], 60)

    assert time.monotonic() - began < 4


def test_commands_see_no_shell_and_no_standard_input():
    _service.restart(["test", "$HOME", "=", "$HOME"], 60)
    with pytest.raises(_service.ServiceError):
        _service.restart(["sh", "-c", "read line"], 60)
