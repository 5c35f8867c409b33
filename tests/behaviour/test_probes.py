# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of one host: before the switch, after it, on the way back, and as a baseline."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import (
    _host_call,
    _service,
    _trial,
)

BAD = {"command": ["false"]}
GOOD = {"command": ["true"]}
LATER = "a later run"


@pytest.fixture
def host(estate):
    return estate.host()


@pytest.fixture
def labels(estate):
    return [estate.seal(f"{number}.0", {"app": f"{number}"}) for number in (1, 2, 3)]


@pytest.fixture
def noting(tmp_path):
    """Return ``noting(text, **options)``: a probe that notes *text*, and is bad where it is "bad".

    The notes are in ``noting.notes``.
    """

    def probe(text, **options):
        script = 'echo "$1" >>"$0"; test "$1" != bad'
        return {"command": ["sh", "-c", script, str(tmp_path / "notes"), text], **options}

    probe.notes = lambda: (tmp_path / "notes").read_text().split()
    return probe


def before_switch(host, *words):
    """Return a probe that is bad once ``current`` leads to the release that it is asked of."""
    script = 'test -e "$1/app" && test "$(readlink -f "$0/current")" != "$1"'
    command = ["sh", "-c", script, str(host.root), "{release}", *words]
    return {"command": command, "before_switch": True}


def test_a_probe_before_the_switch_is_asked_of_the_staged_release(host, labels):
    host.deploy(labels[0])

    done = host.deploy(labels[1], probe=[before_switch(host), GOOD])

    assert host.read("app") == "2"
    assert [each["result"] for each in done["probes"]] == ["good", "good"]


@pytest.mark.parametrize("earlier", [True, False])
@pytest.mark.parametrize("state", ["live", "staged"])
def test_a_bad_probe_before_the_switch_leaves_current_alone(host, labels, state, earlier):
    if earlier:
        host.deploy(labels[0])
    current = host.current
    bad = {**BAD, "before_switch": True, "name": "schema"}

    for _time in range(2):  # to stage, and when it is staged already
        answer = _answer_to(host, labels[1], state=state, probe=[GOOD, bad])

        assert answer.text == (
            "2.0: probe schema failed: false ended with 1: no output (1 measurement); "
            "nothing was switched"
        )
        assert answer.code == "service_failed"
        assert [each["name"] for each in answer.outcome["probes"]] == ["schema"]
        assert host.current == current
        assert (host.state.trial, host.state.lease) == (None, None)
        assert host.tree_of(labels[1]) in host.trees


def _answer_to(host, label, **params):
    """Return what the host answers, also where it refuses."""
    request = host.request(label, **params)
    answer = _host_call.answer(request, host.now)
    while answer.need:
        request = host.supply(request, answer.need)
        answer = _host_call.answer(request, host.now)
    return answer


def test_an_inconclusive_probe_before_the_switch_has_its_own_code(host, labels):
    odd = {**BAD, "before_switch": True, "count": 2, "failures": 5}

    answer = _answer_to(host, labels[0], state="staged", probe=odd)

    assert (answer.code, answer.failed) == ("probe_inconclusive", True)
    assert "probe is inconclusive: false ended with 1" in answer.text


def test_a_bad_probe_before_the_switch_that_observes_stops_nothing(host, labels):
    probe = {**BAD, "before_switch": True, "observe": True}

    done = host.deploy(labels[0], probe=probe)

    assert (host.read("app"), done["probes"][0]["result"]) == ("1", "bad")


def test_probes_before_the_switch_are_not_asked_where_nothing_is_to_be_switched(
    host, labels, noting
):
    before = noting("before", before_switch=True)
    host.deploy(labels[0], probe=[before, noting("after")])
    host.deploy(labels[0], probe=[before, noting("after")])
    host.deploy(labels[0], state="staged", probe=before)
    host.deploy(labels[1], check_mode=True, probe=before)

    assert noting.notes() == ["before", "after"]


@pytest.mark.parametrize("how", [{}, {"state": "reverted", "run": LATER}])
def test_a_way_back_depends_on_no_probe_before_the_switch(host, labels, noting, how):
    host.deploy(labels[0])
    host.run = LATER
    host.deploy(labels[1])

    done = host.deploy(None, probe=[noting("bad", before_switch=True), noting("after")], **how)

    assert host.read("app") == "1"
    assert noting.notes() == ["after"]
    assert [each["result"] for each in done["probes"]] == ["good"]


def test_going_back_by_the_digest_depends_on_no_probe_before_the_switch(host, labels, noting):
    host.deploy(labels[0])
    host.deploy(labels[1])

    host.deploy(labels[0], probe=noting("bad", before_switch=True))

    assert host.read("app") == "1"


def test_a_probe_that_observes_never_puts_a_release_back(host, labels):
    host.deploy(labels[0])

    done = host.deploy(labels[1], probe=[{**BAD, "observe": True, "name": "cache"}, GOOD])

    assert (host.read("app"), host.state.trial) == ("2", None)
    assert done["probes"][0] == {
        "name": "cache",
        "kind": "command",
        "result": "bad",
        "measured": "false ended with 1: no output",
        "measurements": 1,
        "failed": 1,
        "observe": True,
    }


def test_an_inconclusive_probe_puts_a_release_back(host, labels, noting):
    host.deploy(labels[0])
    odd = {**BAD, "count": 2, "failures": 5}

    answer = _answer_to(host, labels[1], probe=[noting("before", before_switch=True), odd])

    assert answer.code == "rolled_back"
    assert answer.text == (
        "2.0: probe is inconclusive: false ended with 1: no output (2 measurements); back on 1.0"
    )
    assert [each["result"] for each in answer.outcome["probes"]] == ["good", "inconclusive"]
    assert host.read("app") == "1"


def test_a_release_that_is_undone_for_one_that_is_not_well_has_the_probe_s_code(host, labels):
    host.deploy(labels[0])
    host.run = LATER
    host.deploy(labels[1])
    odd = {**BAD, "count": 2, "failures": 5}

    answer = _answer_to(host, None, state="reverted", run=LATER, probe=odd)

    assert answer.code == "probe_inconclusive"
    assert [each["result"] for each in answer.outcome["probes"]] == ["inconclusive"]


def test_nothing_is_undone_where_a_probe_cannot_be_asked(host, labels):
    host.deploy(labels[0])
    host.run = LATER
    host.deploy(labels[1])

    answer = _answer_to(host, None, state="reverted", run=LATER, probe={"tcp": "nowhere"})

    assert answer.text.startswith("probe: tcp: 'nowhere' is not host:port")
    assert host.read("app") == "2"


def test_two_probes_must_both_be_good(host, labels):
    host.deploy(labels[0])

    with pytest.raises(_trial.PutBack, match="probe failed: false ended"):
        host.deploy(labels[1], probe=[GOOD, BAD])

    assert host.read("app") == "1"


# --- the baseline


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("probes", "in_service", "reason"),
    [
        ([GOOD], True, None),
        ([GOOD, BAD], False, "probe failed: false ended with 1: no output (3 measurements)"),
        ([{**BAD, "observe": True}], None, None),
        ([{**BAD, "before_switch": True}], None, None),
        ([GOOD, {**BAD, "observe": True}], True, None),
        ([], None, None),
    ],
)
def test_a_baseline_tells_whether_what_is_live_is_in_service(
    host, labels, check_mode, probes, in_service, reason
):
    host.deploy(labels[0])
    many = [{"count": 9, **probe} for probe in probes]
    state = "live" if check_mode else "staged"

    done = host.deploy(labels[0], check_mode, state=state, probe=many or None)
    request = host.request(labels[0], check=check_mode, state=state, probe=many or None)
    answer = _host_call.answer(request.after(baseline=True), host.now)

    assert "in_service" not in done
    assert not answer.failed
    assert (answer.outcome["in_service"], answer.outcome["out_of_service"]) == (in_service, reason)


def test_where_nothing_is_live_there_is_no_baseline(host, labels):
    request = host.request(labels[0], check=True, probe=BAD).after(baseline=True)

    answer = _host_call.answer(request, host.now)

    assert (answer.outcome["in_service"], answer.outcome["out_of_service"]) == (None, None)


def test_a_probe_that_cannot_be_asked_is_refused_before_the_baseline(host, labels):
    host.deploy(labels[0])

    with pytest.raises(_service.ServiceError, match="is not host:port"):
        host.deploy(labels[0], state="staged", probe={"tcp": "nowhere"})
