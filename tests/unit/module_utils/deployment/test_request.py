# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request arrives as it was sent, and its secrets only where no log has them."""

from __future__ import annotations

import json
from dataclasses import fields

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.module_utils.deployment import _request
from ansible_collections.itops.release.plugins.module_utils.formats import _message
from ansible_collections.itops.release.plugins.module_utils.root import _state

TEXTS = st.text(max_size=8)
TUPLES = st.lists(TEXTS, max_size=3).map(tuple)
NUMBERS = st.integers(-5, 5)
PROBES = st.dictionaries(TEXTS, st.one_of(TEXTS, NUMBERS, st.none(), st.lists(TEXTS, max_size=2)))
TYPES = {
    "str": TEXTS,
    "bool": st.booleans(),
    "int": NUMBERS,
    "Optional[str]": st.none() | TEXTS,
    "Optional[int]": st.none() | NUMBERS,
    "Tuple[str, ...]": TUPLES,
    "Optional[Tuple[str, ...]]": st.none() | TUPLES,
    "Optional[Mapping[str, Any]]": st.none() | PROBES.filter(bool),
    "Tuple[Mapping[str, Any], ...]": st.lists(PROBES, max_size=2).map(tuple),
}


def any_of(record, **known):
    """Return a strategy for a dataclass *record*: any values of the types that it declares."""
    others = {item.name: TYPES[item.type] for item in fields(record) if item.name not in known}
    return st.builds(record, **others, **known)


RELEASES = st.builds(_state.Release, TEXTS, TEXTS, TEXTS, NUMBERS, TUPLES)
REQUESTS = any_of(
    _request.Request,
    release=st.none() | RELEASES,
    retention=any_of(_request.Retention),
    service=any_of(_request.Service),
)


def arrived(request):
    """Return *request* as it arrives on a host."""
    options = json.loads(json.dumps(_message.pack(*request.to_plain())))
    return _request.Request.from_plain(_message.unpack(options))


@settings(deadline=None)
@given(REQUESTS)
def test_a_request_arrives_as_it_was_sent(request):
    assert arrived(request) == request


def test_the_least_that_a_request_says_travels_alone():
    request = _request.Request("/srv/shop", "a run")

    told, secret = request.to_plain()

    assert told == {
        "root": "/srv/shop",
        "run": "a run",
        "retention": {"keep": 5, "days": None},
        "timeout": 300,
    }
    assert secret == {}
    assert arrived(request) == request


def test_secrets_are_in_the_secret_part_only():
    service = _request.Service(
        ("login", "--password=hunter2"), probes=({"url": "http://user:hunter2@host"},)
    )
    request = _request.Request("/srv/shop", "a run", service=service)

    told, secret = request.to_plain()

    assert "hunter2" not in json.dumps(told)
    assert set(secret) == set(_request.SECRET)
    assert arrived(request).service == service


def test_what_follows_in_a_conversation_differs_in_what_is_named():
    request = _request.Request("/srv/shop", "a run", linked_paths=("log/",))

    after = request.after(upload_dir="/there", links=("log/",))

    assert (after.upload_dir, after.links) == ("/there", ("log/",))
    assert after.after(upload_dir=None, links=None) == request
