# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the closing report says of builds that are told to it event by event."""

from __future__ import annotations

import json

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.building import _diff
from ansible_collections.itops.release.plugins.plugin_utils.events import (
    _answers,
    _facts,
    _recorder,
    _report,
)
from ansible_collections.itops.release.plugins.plugin_utils.evidence import _attesting

ARGS = {"workspace": "/srv/build/shop"}
DIGEST = "12d312dc94ab" + "0" * 52
RELEASE = {"name": "shop", "version": "1.1.0", "serial": 2}
COMMIT = "9b909ce4d9bd" + "1" * 28
APP = {"kind": "git", "place": "../shop", "revision": "v1.1.0", "commit": COMMIT}
WEB = {"kind": "directory", "place": "web", "sha256": "2" * 64}
FORESEEN = [
    {"name": "app", "version": "1.1.0", "origin": APP},
    {"name": "web", "version": "1.0.0", "origin": WEB},
]
BUILT = [{**component, "tree": "3" * 64} for component in FORESEEN]
SEAL, DESCRIBE = "itops.release.build : Seal", "itops.release.build : Describe"
FULLY = [{"predicate_type": kind, "attached": True} for kind in _attesting.KINDS.values()]


def building(status="ok", host="build1", built=True, components=(), workspace=None, **result):
    """Return the event of an answer of release_build."""
    result = {"release": RELEASE, "built": built, "changed": built, **result}
    args = {"workspace": workspace or ARGS["workspace"]}
    return _answers.building(
        host, status, args, {"components": list(components or BUILT), **result}
    )


def sealing(status="ok", changed=True, **result):
    """Return the event of an answer of release_package."""
    result = {"release": {**RELEASE, "digest": DIGEST}, "changed": changed, **result}
    return _answers.sealing("build1", status, SEAL, ARGS, result)


def noting(**result):
    return _answers.noting(
        "build1", "ok", DESCRIBE, ARGS, {"release": {**RELEASE, "digest": DIGEST}, **result}
    )


def other_failure(reason="no such file", status="failed"):
    return _answers.failure("build1", status, "Test", "a.b.c", {"msg": reason})


def begin(task=SEAL):
    return _answers.begin("build1", task)


PLAN = _facts.Plan(hosts=("build1",), left_out=())
STOPPED = _facts.Stopped(by="SIGINT")
FAILED = _facts.End(failed=("build1",), unreachable=())
LOST = _facts.End(failed=(), unreachable=("build1",))
SIGNED = {"signature": {"role": "build"}, "evidence": FULLY}


def report(*events, check_mode=False):
    """Return the lines of the hosts, their columns one space apart, after a trip through JSON."""
    recorder = _recorder.Recorder(check_mode)
    for event in [PLAN, *events]:
        recorder.note(_facts.from_plain(json.loads(json.dumps(event.to_plain()))))
    lines = [line for _tone, line in _report.render(recorder)]
    return [" ".join(line.split()) for line in lines[: lines.index("")]]


@pytest.mark.parametrize(
    ("events", "lines"),
    [
        pytest.param([building()], ["built shop 1.1.0 app, web"], id="built"),
        pytest.param(
            [building(), sealing(**SIGNED), noting(attached=True)],
            [
                "built shop 1.1.0 app, web",
                "sealed shop 1.1.0 sha256:12d312dc94ab signed as build, "
                "with sbom, provenance and note",
            ],
            id="built, sealed, signed and described",
        ),
        pytest.param(
            [building(), sealing(), noting()],
            ["built shop 1.1.0 app, web", "sealed shop 1.1.0 sha256:12d312dc94ab"],
            id="sealed without a key",
        ),
        pytest.param(
            [building(built=False), sealing(changed=False, **SIGNED), noting(attached=False)],
            ["unchanged shop 1.1.0"],
            id="nothing to do",
        ),
        pytest.param(
            [building(built=False, changed=True), sealing(changed=False)],
            ["unchanged shop 1.1.0"],
            id="only the record is of another definition",
        ),
        pytest.param(
            [building(built=False), sealing(changed=False), noting(attached=True)],
            ["sealed shop 1.1.0 sha256:12d312dc94ab, with note"],
            id="only the note is new",
        ),
        pytest.param(
            [building("failed", msg="app: step 2 of 3 (make dist) ended with 2"), FAILED],
            ["failed shop 1.1.0 app: step 2 of 3 (make dist) ended with 2"],
            id="a step failed",
        ),
        pytest.param(
            [building("failed", msg="no"), building(), sealing()],
            ["built shop 1.1.0 app, web", "sealed shop 1.1.0 sha256:12d312dc94ab"],
            id="a build that failed, and was tried again",
        ),
        pytest.param(
            [building("unreachable", msg="no route"), LOST],
            ["unreachable shop 1.1.0 no route"],
            id="lost",
        ),
        pytest.param(
            [building(), sealing("failed", msg="web was changed"), FAILED],
            ["built shop 1.1.0 app, web", "failed shop 1.1.0 Seal: web was changed"],
            id="sealing failed",
        ),
        pytest.param(
            [building(), other_failure(), FAILED],
            ["built shop 1.1.0 app, web", "failed shop 1.1.0 Test: no such file"],
            id="a hook failed",
        ),
        pytest.param(
            [building(), other_failure(status="unreachable"), LOST],
            ["built shop 1.1.0 app, web", "unreachable shop 1.1.0 Test: no such file"],
            id="lost in a hook",
        ),
        pytest.param(
            [building(censored="hidden", release=None, components=[{"name": "x", "tree": ""}])],
            ["hidden no_log keeps from this report what was done", "built x"],
            id="no_log",
        ),
        pytest.param([begin(), building("skipped")], ["skipped"], id="skipped"),
        pytest.param(
            [begin("r : Build"), STOPPED], ["interrupted stopped in: Build"], id="stopped in a step"
        ),
        pytest.param(
            [begin(), building(), begin(), STOPPED],
            ["built shop 1.1.0 app, web", "interrupted shop 1.1.0 stopped in: Seal"],
            id="stopped while sealing",
        ),
        pytest.param(
            [begin(), building(), begin(), sealing("skipped"), STOPPED],
            ["built shop 1.1.0 app, web"],
            id="stopped between tasks",
        ),
        pytest.param(
            [begin(), building(), begin(), other_failure(), STOPPED],
            ["built shop 1.1.0 app, web", "failed shop 1.1.0 Test: no such file"],
            id="stopped after a failure",
        ),
        pytest.param(
            [building(components=[{"name": f"c{n}", "tree": ""} for n in range(12)])],
            [f"built shop 1.1.0 {', '.join(f'c{n}' for n in range(10))}, and 2 more"],
            id="many components",
        ),
    ],
)
def test_a_build_is_told_in_lines_that_are_true(events, lines):
    assert report(*events) == [f"build1 {line}" for line in lines]


def test_check_mode_says_what_would_be_built_from_what():
    assert report(building(components=FORESEEN), check_mode=True) == [
        "build1 would be built shop 1.1.0 app at 9b909ce4d9bd (v1.1.0), web from web"
    ]


def test_a_commit_that_is_named_by_itself_is_named_once():
    origin = {**APP, "revision": COMMIT}

    (line,) = report(building(components=[{**FORESEEN[0], "origin": origin}]), check_mode=True)

    assert line.endswith(" app at 9b909ce4d9bd")


def test_there_is_no_build_of_one_that_failed():
    event = building("failed", msg="no")

    assert not event.built
    assert report(event, FAILED) == ["build1 failed shop 1.1.0 no"]


def test_two_workspaces_on_a_host_are_told_apart():
    assert report(building(), building(workspace="/srv/build/api")) == [
        "build1 /srv/build/shop built shop 1.1.0 app, web",
        "build1 /srv/build/api built shop 1.1.0 app, web",
    ]


def test_sealing_what_was_not_built_is_no_line_of_the_report():
    args = {"release": {**RELEASE, "digest": DIGEST}, "changed": True}
    sealed = _answers.sealing("build1", "ok", SEAL, {}, args)
    recorder = _recorder.Recorder()

    for event in (begin(), sealed, noting(attached=True)):
        recorder.note(event)

    assert _report.render(recorder) == []


def test_every_kind_of_evidence_has_its_word():
    kinds = {predicate_type: kind for kind, predicate_type in _attesting.KINDS.items()}

    assert kinds == _answers.EVIDENCE


def test_memory_does_not_grow_with_the_number_of_builds():
    recorder = _recorder.Recorder()
    for number in range(1000):
        for event in (building("failed", msg=f"{number}"), building(), sealing(**SIGNED)):
            recorder.note(event)

    assert len(recorder.rows()) == 2
    assert recorder._failures == {}


def test_a_diff_has_what_was_built_and_what_is_now():
    after = {"release": RELEASE, "definition": {"sha256": "4" * 64}, "components": FORESEEN}
    earlier = [{**FORESEEN[0], "origin": {**APP, "place": "../a\x1b[2Jb", "commit": "5" * 40}}]
    before = {**after, "release": {**RELEASE, "serial": 1}, "components": earlier}

    diff = _diff.diff("/srv/build/shop", before, after)

    assert diff["before_header"] == "/srv/build/shop/build.json"
    assert diff["before"].splitlines() == [
        "shop 1.1.0 serial 1",
        "declared by sha256 " + "4" * 64,
        r"app 1.1.0 from git ../a\x1b[2Jb revision v1.1.0 commit " + "5" * 40,
    ]
    assert diff["after"].splitlines()[2:] == [
        f"app 1.1.0 from git ../shop revision v1.1.0 commit {COMMIT}",
        "web 1.0.0 from directory web sha256 " + "2" * 64,
    ]
    assert _diff.diff("/srv/build/shop", None, after)["before"] == ""
