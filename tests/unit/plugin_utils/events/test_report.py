# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the closing report says of runs that are told to it event by event."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.events import (
    _answers,
    _facts,
    _lines,
    _recorder,
    _report,
    _words,
)

NONE = _facts.NOTHING.to_plain(with_links=False)


def at(version, phase="live", name="shop"):
    return {
        "phase": phase,
        "name": name,
        "version": version,
        "serial": int(version.partition(".")[0]),
        "digest": version[0] * 64,
    }


ONE, TWO, TRIAL = at("1.0.0"), at("2.0.0"), at("2.0.0", "on trial")


def deployed(before=None, after=None, status="ok", host="web1", state="live", **result):
    """Return the event of an answer of release_deployment."""
    args = {"root": result.pop("root", "/srv/shop"), "state": state}
    args["release"] = result.pop("release", "shop:2.0.0")
    moments = {key: value for key, value in (("before", before), ("after", after)) if value}
    changed = status == "ok" and before != after
    return _answers.deployment(host, status, args, {"changed": changed, **moments, **result})


# pylint: disable-next=dangerous-default-value # nothing changes it
def inspected(after=ONE, host="web1", **result):
    """Return the event of an answer of release_deployment_info."""
    current = {key: value for key, value in after.items() if key != "phase"}
    role = "trial" if after["phase"] == "on trial" else "live"
    deployment = {"phase": after["phase"], role: None if after["phase"] == "none" else current}
    return _answers.inspection(
        host, "ok", {"root": "/srv/shop"}, {"deployment": deployment, **result}
    )


def other_failure(reason="no such unit", status="failed"):
    """Return the event of a handler that failed."""
    return _answers.failure("web1", status, "Restart", "ansible.builtin.uri", {"msg": reason})


def plan(*hosts, left_out=()):
    return _facts.Plan(hosts=hosts, left_out=tuple(left_out))


def end(failed=(), unreachable=()):
    return _facts.End(failed=tuple(failed), unreachable=tuple(unreachable))


def told(*events, check_mode=False):
    recorder = _recorder.Recorder(check_mode)
    for event in events:
        recorder.note(_facts.from_plain(json.loads(json.dumps(event.to_plain()))))
    return recorder


def report(*events, check_mode=False):
    return [line for _tone, line in _report.render(told(*events, check_mode=check_mode))]


ADOPTED = {**at("2.0.0", name="adopted"), "version": "20231114", "serial": 0, "digest": None}
STAGED = deployed(ONE, ONE, state="staged", changed=True, sent_bytes=41_234)
ACTIVATED = deployed(ONE, TRIAL)
ACCEPTED = deployed(TRIAL, TWO)
PROBE_FAILED = deployed(TRIAL, ONE, "failed", switched_back=True, msg="2.0.0: probe failed")
SWITCHED_BACK = deployed(TRIAL, ONE)
LOST = deployed(status="unreachable", msg="ssh: connect to host web1 port 22: No route to host")
DRIFT = [{"path": f"lib/{number}.py", "change": "modified"} for number in range(5)]


@pytest.mark.parametrize(
    ("events", "outcome", "releases", "detail"),
    [
        pytest.param([deployed(ONE, ONE)], "unchanged", "shop 1.0.0", "", id="nothing to do"),
        pytest.param([STAGED], "staged", "shop 1.0.0", "", id="stage"),
        pytest.param([inspected(ONE)], "asked", "shop 1.0.0", "", id="only asked"),
        pytest.param(
            [deployed(TWO, TWO, state="staged", is_live=False, release="shop:1.0.0")],
            "staged",
            "shop 2.0.0",
            "shop:1.0.0 is held, not live",
            id="held already, and held back",
        ),
        pytest.param(
            [deployed(ONE, ONE, state="staged", is_live=False, release="sha256:" + "2" * 64)],
            "staged",
            "shop 1.0.0",
            "sha256:222222222222 is held, not live",
            id="held back, named by its digest",
        ),
        pytest.param(
            [deployed(ONE, ONE, state="staged", is_live=True)],
            "unchanged",
            "shop 1.0.0",
            "",
            id="live already",
        ),
        pytest.param(
            [inspected(ONE), deployed(ONE, ONE, state="absent")],
            "unchanged",
            "shop 1.0.0",
            "",
            id="asked, and nothing to remove",
        ),
        pytest.param(
            [deployed(censored="hidden", changed=True)],
            "hidden",
            "",
            "no_log keeps from this report what was done",
            id="no_log",
        ),
        pytest.param(
            [deployed(status="failed", censored="hidden"), end(failed=["web1"])],
            "failed",
            "",
            "no_log hides why",
            id="no_log of a task that failed",
        ),
        pytest.param(
            [deployed(status="failed", censored="hidden"), deployed(ONE, TWO)],
            "deployed",
            "shop 1.0.0 → 2.0.0",
            "",
            id="no_log of a task that failed, and another that succeeded",
        ),
        pytest.param(
            [deployed(TWO, ADOPTED, release="previous")],
            "rolled back",
            "shop 2.0.0 → 20231114",
            "",
            id="rollback to what was adopted",
        ),
        pytest.param(
            [deployed(ADOPTED, ONE)],
            "deployed",
            "shop 20231114 → 1.0.0",
            "",
            id="first over adopted",
        ),
        pytest.param(
            [deployed(at("1.0.0", "on trial"), TWO, release="previous")],
            "rolled back",
            "shop 1.0.0 → 2.0.0",
            "",
            id="rollback from the trial of an older release",
        ),
        pytest.param(
            [inspected(ADOPTED, ok=False, drift=[{"path": ".", "change": "unverified"}])],
            "drifted",
            "adopted 20231114",
            "was adopted and never sealed, so it cannot be verified",
            id="adopted cannot be verified",
        ),
        pytest.param([deployed(ONE, ONE, changed=True)], "mended", "shop 1.0.0", "", id="mended"),
        pytest.param([deployed(NONE, ONE)], "deployed", "shop none → 1.0.0", "", id="first"),
        pytest.param(
            [STAGED, ACTIVATED, ACCEPTED],
            "deployed",
            "shop 1.0.0 → 2.0.0",
            "",
            id="stage to commit",
        ),
        pytest.param([STAGED, ACTIVATED], "on trial", "shop 1.0.0 → 2.0.0", "", id="trial"),
        pytest.param([ACCEPTED], "deployed", "shop 2.0.0", "", id="accept a trial of another run"),
        pytest.param([deployed(TWO, ONE)], "rolled back", "shop 2.0.0 → 1.0.0", "", id="rollback"),
        pytest.param(
            [deployed(ONE, {**ONE, "digest": "9" * 64})],
            "deployed",
            "shop 1.0.0-111111111111 → 1.0.0-999999999999",
            "",
            id="sealed anew under one version",
        ),
        pytest.param(
            [deployed(ONE, NONE, state="absent")], "removed", "shop 1.0.0 → none", "", id="removed"
        ),
        pytest.param([inspected(ok=True, drift=[])], "verified", "shop 1.0.0", "", id="verify"),
        pytest.param(
            [inspected(ok=False, drift=DRIFT), end(["web1"])],
            "drifted",
            "shop 1.0.0",
            "lib/0.py modified; lib/1.py modified; lib/2.py modified; and 2 more",
            id="drift",
        ),
        pytest.param(
            [inspected(ok=False, drift=[{"path": "current", "change": "release"}])],
            "drifted",
            "shop 1.0.0",
            "another release is current",
            id="another release than expected",
        ),
        pytest.param(
            [inspected(TRIAL, ok=False, drift=[{"path": "current", "change": "trial"}])],
            "drifted",
            "shop 2.0.0",
            "is on trial, not accepted",
            id="the expected release is on trial",
        ),
        pytest.param(
            [
                inspected(ok=False, drift=DRIFT[:1]),
                deployed(ONE, ONE, status="failed", switched_back=True, msg="probe failed"),
                end(["web1"]),
            ],
            "put back",
            "shop 1.0.0",
            "probe failed",
            id="mended, and that failed",
        ),
        pytest.param(
            [inspected(NONE, ok=True, drift=[])],
            "drifted",
            "",
            "nothing is deployed",
            id="empty host",
        ),
        pytest.param(
            [deployed(status="failed", msg="No space left"), end(["web1"])],
            "failed",
            "",
            "No space left",
            id="failed before anything",
        ),
        pytest.param(
            [STAGED, ACTIVATED, PROBE_FAILED, inspected(ONE), end(["web1"])],
            "put back",
            "shop 1.0.0",
            "2.0.0: probe failed",
            id="module puts back",
        ),
        pytest.param(
            [STAGED, ACTIVATED, other_failure(), inspected(TRIAL), SWITCHED_BACK, end(["web1"])],
            "put back",
            "shop 1.0.0",
            "Restart: no such unit",
            id="role puts back",
        ),
        pytest.param(
            [PROBE_FAILED, end(["web1"])],
            "put back",
            "shop 2.0.0 → 1.0.0",
            "2.0.0: probe failed",
            id="module puts a trial of another run back",
        ),
        pytest.param(
            [inspected(TRIAL), other_failure(), SWITCHED_BACK, end(["web1"])],
            "put back",
            "shop 2.0.0 → 1.0.0",
            "Restart: no such unit",
            id="role puts a trial of another run back",
        ),
        pytest.param(
            [ACTIVATED, SWITCHED_BACK], "put back", "shop 1.0.0", "", id="taken back at will"
        ),
        pytest.param(
            [SWITCHED_BACK], "rolled back", "shop 2.0.0 → 1.0.0", "", id="rollback from a trial"
        ),
        pytest.param(
            [
                ACTIVATED,
                other_failure(),
                deployed(status="failed", msg="tree damaged"),
                end(["web1"]),
            ],
            "failed",
            "shop 1.0.0 → 2.0.0",
            "left on trial: Restart: no such unit; then: tree damaged",
            id="the way back fails too",
        ),
        pytest.param(
            [deployed(TRIAL, TRIAL), other_failure(), inspected(TRIAL), end(["web1"])],
            "failed",
            "shop 2.0.0",
            "still on trial: Restart: no such unit",
            id="as an earlier run left it",
        ),
        pytest.param(
            [deployed(ONE, TWO), other_failure(), inspected(TWO), end(["web1"])],
            "failed",
            "shop 1.0.0 → 2.0.0",
            "Restart: no such unit",
            id="hook fails after the commit",
        ),
        pytest.param(
            [LOST, end(["web1"])],
            "unreachable",
            "",
            "ssh: connect to host web1 port 22: No route to host",
            id="never reached",
        ),
        pytest.param(
            [ACTIVATED, LOST, LOST, end(["web1"])],
            "unreachable",
            "shop 1.0.0 → 2.0.0",
            "left on trial: ssh: connect to host web1 port 22: No route to host",
            id="lost on trial",
        ),
        pytest.param(
            [ACTIVATED, other_failure("timed out", "unreachable"), end((), ["web1"])],
            "unreachable",
            "shop 1.0.0 → 2.0.0",
            "left on trial: Restart: timed out",
            id="lost in a hook",
        ),
        pytest.param(
            [other_failure(), STAGED, ACTIVATED, ACCEPTED],
            "deployed",
            "shop 1.0.0 → 2.0.0",
            "",
            id="an earlier failure was rescued",
        ),
        pytest.param(
            [ACTIVATED, PROBE_FAILED, ACTIVATED, ACCEPTED],
            "deployed",
            "shop 1.0.0 → 2.0.0",
            "",
            id="the second attempt went well",
        ),
        pytest.param(
            [LOST, deployed(ONE, TWO)], "deployed", "shop 1.0.0 → 2.0.0", "", id="found again"
        ),
        pytest.param([deployed(status="skipped"), plan("web1")], "skipped", "", "", id="skipped"),
        pytest.param(
            [plan("web1"), other_failure(), end(["web1"])],
            "failed",
            "",
            "Restart: no such unit",
            id="before us",
        ),
    ],
)
def test_a_host_gets_the_line_that_is_true_of_it(events, outcome, releases, detail):
    (row,) = told(*events).rows()

    assert (row.outcome, row.releases, row.detail) == (outcome, releases, detail)


@pytest.mark.parametrize(
    ("events", "before", "after"),
    [
        ([ACTIVATED, ACCEPTED], ONE, TWO),
        ([ACTIVATED, PROBE_FAILED], ONE, ONE),
        ([deployed(NONE, TWO)], NONE, TWO),
        ([inspected(ONE)], ONE, ONE),
    ],
)
def test_a_row_has_what_was_current_at_first_and_at_last(events, before, after):
    (row,) = told(*events).rows()

    assert [row.before.digest, row.after.digest] == [before["digest"], after["digest"]]
    assert row.after.version == after["version"]


@pytest.mark.parametrize("size", [1, 2, 50])
def test_hosts_that_the_run_did_not_come_to_are_named(size):
    later = [f"later{number}" for number in range(size)]

    recorder = told(plan("web1", *later), PROBE_FAILED, end(["web1"]))

    assert [row.outcome for row in recorder.rows()] == ["put back"] + ["not reached"] * size


def test_the_report_is_laid_out_in_columns_and_ends_with_the_counts():
    assert report(
        plan("web1", "web10", "web2", left_out=["db1", "db2"]),
        STAGED,
        ACTIVATED,
        ACCEPTED,
        deployed(ONE, ONE, host="web10"),
        deployed(status="failed", host="web2", msg="No space left"),
        end(["web2"]),
    ) == [
        "web1   deployed   shop 1.0.0 → 2.0.0  41.2 kB sent",
        "web10  unchanged  shop 1.0.0",
        "web2   failed                                       No space left",
        "db1    left out by --limit",
        "db2    left out by --limit",
        "",
        "1 deployed, 1 unchanged, 1 failed; 2 left out by --limit: partial; 41.2 kB sent.",
    ]


def test_the_host_that_tells_the_verdict_of_the_run_has_not_failed():
    ended = _facts.End(failed=("web1",), unreachable=(), ended_by="web1")

    lines = report(plan("web1", left_out=["web2"]), STAGED, ACTIVATED, ACCEPTED, ended)

    assert lines[0] == "web1  deployed  shop 1.0.0 → 2.0.0  41.2 kB sent"
    assert lines[-1] == "1 deployed; 1 left out by --limit: partial; 41.2 kB sent."


def test_what_the_verdict_of_a_run_tells_is_not_hidden():
    ended = _facts.End(failed=("web2",), unreachable=(), ended_by="web2")

    lines = report(plan("web1", "web2"), PROBE_FAILED, ended)

    assert not any("hides this" in line for line in lines)


def test_check_mode_says_would():
    assert report(plan("web1"), STAGED, ACTIVATED, deployed(ONE, TWO), check_mode=True)[::2] == [
        "web1  would be deployed  shop 1.0.0 → 2.0.0  41.2 kB sent",
        "Check mode: 1 would be deployed; 41.2 kB sent.",
    ]


def test_a_run_that_handles_no_release_is_not_reported():
    assert report(other_failure(), end(["web1"])) == []
    assert report(plan("web2"), other_failure(), end(["web1"])) == []


def test_hosts_that_fail_before_a_release_is_handled_are_reported():
    refused = _answers.failure(
        "web1",
        "failed",
        "itops.release.deploy : Validating arguments against arg spec 'main'",
        "ansible.builtin.validate_argument_spec",
        {
            "msg": "Validation of arguments failed:\nmissing required arguments: deploy_root",
            "argument_errors": ["missing required arguments: deploy_root"],
        },
    )

    lines = report(plan("web1", "web2"), refused, end(["web1"]))

    assert lines[0] == "web1  failed       missing required arguments: deploy_root"
    assert lines[1] == "web2  not reached  the run stopped before this host"


def begin(host="web1"):
    return _answers.begin(host, "itops.release.deploy : Stage the release")


def stopped(by="SIGTERM"):
    return _facts.Stopped(by=by)


def test_a_run_that_was_stopped_tells_where_it_left_each_host():
    hosts = [f"web{number}" for number in range(1, 7)]
    staged, on_trial = ([begin(host), deployed(ONE, ONE, host=host)] for host in hosts[1:3])
    on_trial[1] = replace(on_trial[1], after=_facts.Release.from_plain(TRIAL))
    lost = _answers.failure("web4", "failed", "Migrate", "m", {"msg": "no"})

    lines = report(
        *(plan(*hosts), begin(), *staged, begin("web2"), *on_trial, lost),
        *(deployed(ONE, TWO, host="web5"), stopped()),
    )

    assert lines == [
        "web1  interrupted                      stopped in: Stage the release",
        "web2  interrupted  shop 1.0.0          stopped in: Stage the release",
        "web3  on trial     shop 1.0.0 → 2.0.0  left on trial; run again: it is settled then",
        "web4  failed                           Migrate: no",
        "web5  deployed     shop 1.0.0 → 2.0.0",
        "web6  not reached                      the run stopped before this host",
        "",
        "1 deployed, 1 on trial, 2 interrupted, 1 failed, 1 not reached.",
        "Stopped by SIGTERM: the next run settles what is open.",
    ]


def test_a_run_that_an_error_ends_says_where_the_error_is_told():
    lines = report(plan("web1"), ACTIVATED, stopped("an error"))

    assert lines[0].endswith("left on trial; run again: it is settled then")
    assert lines[-1] == (
        "Stopped by an error, which Ansible has told above: the next run settles what is open."
    )


def test_what_was_pruned_is_told_below_the_hosts():
    removed = {"msg": "shop:5.0.0 removed, 1,234 bytes freed; 3 stay", "changed": True}

    lines = _report.render(told(inspected(ONE), _answers.pruning("web1", removed), end()))

    assert lines[-2:] == [
        ("ok", "1 asked."),
        ("changed", "Media library: shop:5.0.0 removed, 1,234 bytes freed; 3 stay."),
    ]


def test_a_refusal_is_told_with_all_that_can_be_done():
    run = "deployer@control.example.net.1234567.0a1b2c3d-4e5f"
    message = (
        f"/srv/applications/shop is held by {run}, which has 1.3.0 on trial since "
        "2026-11-23T10:00:00Z: wait for it or, if that run is over, set takeover "
        f"(deploy_takeover in the role) to {run}"
    )

    assert _lines.one_line(message) == message


def test_a_task_that_has_answered_was_not_interrupted():
    for answer in (deployed(ONE, ONE), LOST, deployed(status="skipped"), inspected(ONE)):
        assert told(plan("web1"), begin(), answer, stopped()).rows()[0].outcome != "interrupted"


def test_a_run_that_comes_to_its_end_interrupts_nothing():
    assert told(plan("web1"), begin(), end()).rows()[0].outcome == "not reached"


def test_a_run_that_takes_over_from_another_says_from_which_and_what_was_open():
    other = "olga@control.4711.1f-abcd-01234567"

    (trial,) = told(deployed(TRIAL, at("3.0.0"), took_over=other)).rows()
    (nothing,) = told(deployed(ONE, TWO, took_over=other)).rows()
    (failed,) = told(deployed(ONE, ONE, "failed", msg="no room", took_over=other)).rows()
    foretelling = _recorder.Recorder(check_mode=True)
    foretelling.note(deployed(ONE, TWO, took_over=other))
    (foretold,) = foretelling.rows()

    assert trial.detail == f"took over from {other}, whose trial of 2.0.0 was open"
    assert nothing.detail == f"took over from {other}"
    assert failed.detail == f"no room; took over from {other}"
    assert foretold.detail == f"would take over from {other}"


def test_files_that_were_mended_are_counted():
    mended = deployed(ONE, ONE, changed=True, drift=DRIFT)

    assert report(mended)[0] == "web1  mended  shop 1.0.0  mended 5 files"
    check = report(mended, check_mode=True)[0]
    assert check == "web1  would be mended  shop 1.0.0  would mend 5 files"
    assert report(deployed(ONE, ONE, drift=DRIFT))[0] == "web1  unchanged  shop 1.0.0"
    assert "mended 1 file" in report(deployed(ONE, ONE, changed=True, drift=DRIFT[:1]))[0]


def linked(release, *links):
    return {**release, "tree": "t", "links": {"t": list(links)}}


def test_linked_paths_that_go_and_come_are_named():
    again = deployed(linked(ONE, "conf", "log/"), linked(ONE, "log/", "db"), changed=True)
    forgotten = deployed(linked(ONE, "conf"), linked(TWO))
    same, first = (
        deployed(linked(ONE, "conf"), linked(TWO, "conf")),
        deployed(NONE, linked(ONE, "c")),
    )
    earlier = deployed(ONE, linked(ONE, "conf"), changed=True)  # as of a host that told no links

    assert report(again)[0] == (
        "web1  deployed  shop 1.0.0  no longer linked: conf; newly linked: db"
    )
    assert report(again, check_mode=True)[0].startswith("web1  would be deployed  shop 1.0.0")
    assert report(forgotten)[0] == "web1  deployed  shop 1.0.0 → 2.0.0  no longer linked: conf"
    assert report(same)[0] == "web1  deployed  shop 1.0.0 → 2.0.0"
    assert report(first)[0] == "web1  deployed  shop none → 1.0.0"
    assert report(earlier)[0] == "web1  mended  shop 1.0.0"


def test_what_was_adopted_has_no_links_that_anybody_knows():
    adopted = {**linked(at("2015", name="adopted")), "digest": None}

    assert report(deployed(adopted, linked(ONE, "conf")))[0] == (
        "web1  deployed  shop 2015 → 1.0.0"
    )


def test_what_goes_on_after_a_removal_is_told():
    adopted = {**at("2015", name="adopted"), "digest": None}
    gone = deployed(adopted, adopted, state="absent", changed=True)

    assert report(gone)[0] == "web1  removed  adopted 2015  adopted 2015 stays live"
    assert report(deployed(ONE, NONE, state="absent"))[0] == "web1  removed  shop 1.0.0 → none"


def test_a_transfer_that_was_resumed_is_told():
    (row,) = told(deployed(ONE, TWO, sent_bytes=10, resumed_bytes=2_000_000)).rows()

    assert (row.sent, row.detail) == (10, "resumed a transfer after 2.0 MB")


def test_what_was_allowed_although_it_does_not_fit_is_told_with_the_host():
    lines = ["web 2 requires api >=3", "web 2 conflicts with legacy"]
    (allowed,) = told(
        deployed(ONE, TWO, incompatible=lines), deployed(TWO, TWO, incompatible=[])
    ).rows()
    (refused,) = told(deployed(ONE, ONE, "failed", msg=lines[0], incompatible=lines)).rows()

    assert allowed.outcome == "deployed"
    assert allowed.detail == f"although {lines[0]}; {lines[1]}"
    assert refused.detail == lines[0]


def test_what_fails_after_a_host_was_put_back_is_told():
    again = _answers.failure("web1", "failed", "Restart", "m", {"msg": "dead"})
    verdict = _answers.failure(
        "web1", "failed", "itops.release.deploy : Fail", "ansible.builtin.fail", {"msg": "over"}
    )

    for events in ([other_failure(), SWITCHED_BACK], [PROBE_FAILED]):
        (plain,) = told(ACTIVATED, *events, verdict, end(["web1"])).rows()
        (row,) = told(ACTIVATED, *events, again, verdict, end(["web1"])).rows()

        assert plain.outcome == row.outcome == "put back"
        assert row.detail == f"{plain.detail}; then: Restart: dead"


def test_many_hosts_left_out_are_counted():
    lines = report(deployed(ONE, ONE), plan("web1", left_out=map(str, range(1000))))

    assert lines[21] == "… and 980 more left out by --limit"
    assert len(lines) == 24


def test_a_host_that_one_play_leaves_out_and_another_has_is_not_left_out():
    assert told(plan("web1", left_out=["web2"]), plan("web2")).left_out() == []


def test_two_applications_on_a_host_have_a_line_each():
    lines = report(deployed(ONE, TWO), deployed(ONE, ONE, root="/srv/api"))

    assert lines[:2] == [
        "web1 /srv/shop  deployed   shop 1.0.0 → 2.0.0",
        "web1 /srv/api   unchanged  shop 1.0.0",
    ]


def test_a_failure_is_put_down_to_the_application_that_the_host_was_at():
    api = deployed(ONE, ONE, root="/srv/api")

    rows = told(api, ACTIVATED, other_failure(), SWITCHED_BACK, end(["web1"])).rows()

    assert [row.outcome for row in rows] == ["unchanged", "put back"]


def test_a_failure_that_was_rescued_stays_with_its_application():
    api = deployed(ONE, ONE, root="/srv/api")

    rows = told(ACTIVATED, other_failure(), SWITCHED_BACK, api, end()).rows()

    assert [(row.outcome, row.detail) for row in rows] == [
        ("put back", "Restart: no such unit"),
        ("unchanged", ""),
    ]


def test_one_application_with_other_roots_on_other_hosts_has_plain_lines():
    lines = report(deployed(ONE, ONE), deployed(ONE, ONE, host="web2", root="/opt/shop"))

    assert lines[:2] == ["web1  unchanged  shop 1.0.0", "web2  unchanged  shop 1.0.0"]


@pytest.mark.parametrize(
    ("ended", "hidden"),
    [(end(), True), (end(["web1"]), False), (end((), ["web1"]), False)],
)
def test_failures_that_the_exit_status_does_not_show_are_pointed_out(ended, hidden):
    lines = report(ACTIVATED, PROBE_FAILED, ended)

    assert ("hides this" in lines[-1]) is hidden


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\x1b[31mred\x1b[0m alert", "red alert"),
        ("\x1b]0;title\x07text", "text"),
        ("bell\x07 and\ttab", "bell  and tab"),
        ("\n\n  second\nthird", "second"),
        ("\u202etxt.exe", "txt.exe"),
        ("Task failed: Module failed: no such file", "no such file"),
        ("Failed to connect to the host via ssh: ssh: connect to host a", "ssh: connect to host a"),
        ("x" * 300 + "y" * 200, "x" * 259 + "…" + "y" * 140),
        ("", ""),
    ],
)
def test_a_message_becomes_one_plain_line(text, line):
    assert _lines.one_line(text) == line


@pytest.mark.parametrize(
    ("task", "action", "reason"),
    [
        ("itops.release.deploy : Probe", "ansible.builtin.uri", "Probe: refused"),
        ("itops.release.deploy : Fail the host", "ansible.builtin.fail", "refused"),
    ],
)
def test_a_failure_says_which_task_unless_its_message_does(task, action, reason):
    event = _answers.failure("web1", "failed", task, action, {"msg": "refused"})

    assert event.reason == reason


def test_a_result_that_no_log_hides_still_counts():
    hidden = _answers.deployment("web1", "failed", {}, {"censored": "hidden"})

    assert [row.outcome for row in told(hidden, end(["web1"])).rows()] == ["failed"]


def test_events_of_a_later_version_are_passed_over():
    assert _facts.from_plain({"event": "weather"}) is None

    recorder = told(deployed(ONE, ONE))
    recorder.note(None)
    assert recorder.rows() == told(deployed(ONE, ONE)).rows()


def test_memory_does_not_grow_with_the_number_of_events():
    recorder = _recorder.Recorder()
    for number in range(1000):
        recorder.note(other_failure(f"failure {number}"))
        recorder.note(deployed(ONE, TWO) if number % 2 else PROBE_FAILED)

    assert len(recorder._traces) == 1
    assert len(recorder._failures) <= 1


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (41_234, "41.2 kB"),
        (999_960, "1.0 MB"),
        (1_300_000_000, "1.3 GB"),
    ],
)
def test_sizes_read_well(count, text):
    assert _words.size(count) == text


def test_a_host_that_an_answer_says_is_lost_is_unreachable():
    lost = deployed(status="failed", msg="No route to host", code="host_lost")

    (row,) = told(lost, end(["web1"])).rows()

    assert (row.outcome, row.detail) == ("unreachable", "No route to host")


def test_what_was_only_checked_has_not_come_to_be():
    (row,) = told(deployed(ONE, TWO, state="checked", changed=False)).rows()

    assert row.releases == "shop 1.0.0"
