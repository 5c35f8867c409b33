# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarting and probing: what counts as well, how often it is asked, and what is said if not."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
import time

import pytest

from ansible_collections.itops.release.plugins.module_utils import _service

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
            status, body = service.answers.pop(0) if service.answers else (200, b"well")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        service = server
        server.answers = []
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
