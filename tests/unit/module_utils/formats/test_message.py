# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The envelope: what is secret travels apart, and another format is refused in one line."""

from __future__ import annotations

import json

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _answer
from ansible_collections.itops.release.plugins.module_utils.formats import _message

BODY = {"root": "/srv/shop", "resend": []}
SECRET = {"restart": ["login", "hunter2"]}


def sent(options):
    """Return module *options* as they arrive; Ansible hands on what it is given as JSON."""
    return json.loads(json.dumps(options))


@pytest.mark.parametrize("secret", [None, {}, SECRET])
def test_what_is_packed_is_unpacked(secret):
    options = _message.pack(BODY, secret)

    assert set(options) == set(_message.OPTIONS)
    assert _message.unpack(sent(options)) == {**BODY, **(secret or {})}


def test_what_is_secret_is_in_the_option_that_no_log_has():
    options = _message.pack(BODY, SECRET)

    assert "hunter2" not in json.dumps(options["_request"])
    assert _message.OPTIONS["_secret"]["no_log"]
    # A list or dict would be taken apart, and each "login" be censored in what a module returns.
    assert isinstance(options["_secret"], str)


@pytest.mark.parametrize("format_", [0, 2, "1", None, "a\nb", {}], ids=repr)
def test_a_message_of_another_format_is_refused_in_one_line(format_):
    message = {**_message.pack(BODY)["_request"], "format": format_}

    for read in (
        lambda: _message.unpack({"_request": message, "_secret": ""}),
        lambda: _answer.Answer.from_plain({"code": "ok", "format": format_}),
    ):
        with pytest.raises(_message.MessageError) as refused:
            read()
        assert refused.value.code == "unknown_format"
        assert f"has format {format_!r}, and this version of" in str(refused.value)
        assert str(refused.value).isprintable()


@pytest.mark.parametrize("request_", [None, {}])
def test_a_module_that_is_called_by_itself_says_so(request_):
    with pytest.raises(_message.MessageError, match="works only through its action") as refused:
        _message.unpack({"_request": request_, "_secret": None})
    assert refused.value.code == "invalid_message"


def test_a_message_without_a_format_is_refused():
    with pytest.raises(_message.MessageError, match="format None"):
        _message.unpack({"_request": BODY, "_secret": ""})
