# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host answers: how that travels, what it needs, and what it writes down as told."""

from __future__ import annotations

import json
import os
import platform

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.module_utils.deployment import _answer
from ansible_collections.itops.release.plugins.module_utils.root import _claim, _directory, _history

OS_RELEASE = 'PRETTY_NAME="Debian 12"\nID=debian\nID_LIKE=none\nVERSION_ID="12"\n\xff\n'


@pytest.fixture
def label(estate):
    return estate.seal("1.0", {"app": "1"})


def need_of(estate, label, check_mode=False):
    """Return what a host without the release answers that it needs."""
    host = estate.host()
    return host.answer(host.request(label, check=check_mode)).need


def overridden(host, *lines):
    """Let each request of *host* say what was incompatible and allowed."""
    request = host.request
    host.request = lambda *args, **params: request(*args, **params).after(overrides=lines)


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_host_tells_its_system_where_it_asks_for_a_release(
    estate, label, check_mode, tmp_path, monkeypatch
):
    (tmp_path / "os-release").write_text(OS_RELEASE, encoding="latin-1")
    monkeypatch.setattr(_answer, "OS_RELEASE", str(tmp_path / "os-release"))

    assert need_of(estate, label, check_mode).host == {
        "os": 'ID=debian\nVERSION_ID="12"\n',
        "architecture": os.uname().machine,
        "python": platform.python_version().rstrip("+"),
    }


def test_a_host_that_does_not_say_what_it_is_asks_all_the_same(estate, label, monkeypatch):
    monkeypatch.setattr(_answer, "OS_RELEASE", "/nowhere/os-release")

    assert need_of(estate, label).host["os"] == ""


def test_what_was_allowed_is_in_the_history_beside_what_was_done(estate, label):
    host = estate.host()
    overridden(host, "web requires api")

    host.deploy(label, state="staged")
    host.deploy(label, state="staged")  # nothing was done, so there is nothing to write
    host.deploy(label)

    with _directory.opened(str(host.root)) as root:
        events = [event["event"] for event in _history.read(root, 10)]
    assert events == [
        "staged",
        "despite: web requires api",
        "activated",
        "despite: web requires api",
        "accepted",
    ]


def test_only_the_release_that_was_asked_about_is_gone_back_to(estate):
    first, second, third = (estate.seal(f"{n}.0", {"app": str(n)}) for n in (1, 2, 3))
    host = estate.host()
    for label in (first, second):
        host.deploy(label)
    host.deploy(third)  # by another run, which asked nobody
    back = host.request(None)

    with pytest.raises(_claim.DeploymentError, match=r"another run changed .*: run again"):
        host.answer(back.after(expected_digest=first.digest))
    assert host.current == host.tree_of(third)
    answer = host.answer(back.after(expected_digest=second.digest))
    assert answer.outcome["after"]["version"] == "2.0"


TEXTS = st.text(max_size=8)
TUPLES = st.lists(TEXTS, max_size=3).map(tuple)
OPTIONAL = st.none() | TEXTS
NEEDS = st.builds(
    _answer.Need,
    digest=TEXTS,
    links=TUPLES,
    held=TUPLES,
    resend=TUPLES,
    base=OPTIONAL,
    damaged=OPTIONAL,
    codecs=TUPLES,
    free=st.builds(_answer.Free, st.integers(), st.none() | st.integers()),
    host=st.dictionaries(TEXTS, TEXTS, max_size=3),
    unshared=st.dictionaries(TEXTS, st.booleans(), max_size=3),
    seed=st.booleans(),
    upload_dir=OPTIONAL,
    partial=st.none() | st.builds(_answer.Partial, st.integers(), TEXTS),
)
OUTCOMES = st.dictionaries(
    st.sampled_from(["changed", "before", "after", "drift", "warnings"]),
    st.booleans() | TEXTS | st.lists(TEXTS, max_size=2),
)
ANSWERS = st.one_of(
    st.builds(_answer.Answer, outcome=OUTCOMES),
    st.builds(_answer.Answer, st.just(_answer.NEED), need=NEEDS, outcome=OUTCOMES),
    st.builds(
        _answer.Answer,
        code=st.sampled_from(["refused", "lease_held", "rolled_back"]),
        text=TEXTS,
        hint=OPTIONAL,
        lease=st.none() | st.just({"run": "anna", "since": "then", "pid": None}),
        outcome=OUTCOMES,
    ),
)


@settings(deadline=None)
@given(ANSWERS)
def test_an_answer_arrives_as_it_was_given(answer):
    plain = json.loads(json.dumps(answer.to_plain()))

    assert _answer.Answer.from_plain(plain) == answer


@settings(deadline=None)
@given(NEEDS)
def test_a_need_arrives_as_it_was_told(need):
    assert _answer.Need.from_plain(json.loads(json.dumps(need.to_plain()))) == need


@pytest.mark.parametrize(
    ("code", "failed"), [("ok", False), ("need", False), ("refused", True), ("host_lost", True)]
)
def test_only_what_failed_has_a_message(code, failed):
    answer = _answer.Answer(code, "what is wrong", "what to do")

    plain = answer.to_plain()

    assert answer.failed == failed
    assert ("msg" in plain, "hint" in plain) == (failed, failed)


def test_a_part_of_an_outcome_can_be_changed():
    answer = _answer.Answer(outcome={"changed": True, "removed": []})

    assert answer.with_outcome(changed=False).outcome == {"changed": False, "removed": []}
    assert answer.outcome["changed"]
