# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import socket

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.telemetry import _posting
from ansible_collections.itops.release.plugins.plugin_utils.telemetry._webhook_bodies import Body
from ansible_collections.itops.release.tests.fakes import receivers

SECRET = "s3cret"
BODY = Body("application/json", b'{"text": "well"}')


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def receiver():
    with receivers.running(receivers.Webhook) as server:
        yield server


def refused(url, **more):
    """Return why a body was not posted, which never has the secret."""
    with pytest.raises(_posting.PostingError) as caught:
        _posting.post(url, BODY, SECRET, **more)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_a_body_is_posted_once_with_its_type_and_token(receiver):
    receiver.up()
    _posting.post(f"http://127.0.0.1:{receiver.port}/hook?key={SECRET}", BODY, "t0ken")

    ((path, headers, data),) = receiver.took
    assert (path, data) == (f"/hook?key={SECRET}", BODY.data)
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer t0ken"


def test_user_and_password_are_basic_authentication(receiver):
    receiver.up()
    _posting.post(f"http://ada:p%40ss@127.0.0.1:{receiver.port}/", BODY)

    ((_path, headers, _data),) = receiver.took
    coded = base64.b64encode(b"ada:p@ss").decode()
    assert headers["Authorization"] == f"Basic {coded}"
    assert "@" not in headers["Host"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver, status):
    with receivers.running(receivers.Webhook) as other:
        for server in (receiver, other):
            server.up()
        receiver.status, receiver.location = status, f"http://127.0.0.1:{other.port}/"

        said = refused(f"http://127.0.0.1:{receiver.port}/{SECRET}")

        assert said == f"HTTP {status}, which redirects; set the URL that it redirects to"
        assert other.took == []


@pytest.mark.parametrize("status", [400, 503])
def test_what_is_not_taken_is_not_tried_again(receiver, status):
    receiver.up()
    receiver.status = status

    assert refused(f"http://127.0.0.1:{receiver.port}/{SECRET}") == f"HTTP {status}"
    assert len(receiver.took) == 1


def test_a_receiver_that_is_down_is_told(receiver):
    assert refused(f"http://127.0.0.1:{receiver.port}/{SECRET}") == "Connection refused"


def test_a_receiver_that_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/{SECRET}"

        assert refused(url, timeout_s=0.2) == "no answer within 0.2 s"


@pytest.mark.parametrize(
    "url",
    [
        f"file:///etc/{SECRET}",
        f"ftp://host/{SECRET}",
        f"http:///{SECRET}",
        f"http://host:port/{SECRET}",
        f"http://[{SECRET}/",
        SECRET,
        f"http://host/{SECRET}\r\nX: y",
        f"http://host/{SECRET} x",
    ],
)
def test_a_url_that_is_not_valid_is_refused(url):
    refused(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            f"https://ada:{SECRET}@hooks.example.org:8443/{SECRET}?{SECRET}",
            "https://hooks.example.org:8443",
        ),
        (f"https://hooks.example.org/{SECRET}", "https://hooks.example.org"),
        (f"{SECRET}", "the URL"),
        (f"http://host:{SECRET}/", "the URL"),
    ],
)
def test_what_is_shown_of_a_url_has_no_secrets(url, shown):
    assert _posting.shown(url) == shown
