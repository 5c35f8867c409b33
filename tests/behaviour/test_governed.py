# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A root that a ledger governs: no release comes there without a plan, ways back are open."""

from __future__ import annotations

import json

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _look, _trial
from ansible_collections.itops.release.plugins.module_utils.root import _claim, _directory
from ansible_collections.itops.release.plugins.plugin_utils.ledger import _answer_form
from ansible_collections.itops.release.tests.fakes.estate import snapshot

ONE, TWO, THREE = 0, 1, 2
LEDGER, OTHER = "3f2a" * 8, "9b1c" * 8
PLANNED = {"ledger": LEDGER, "plan_required": True}
FREE = {"ledger": LEDGER, "plan_required": False}
ELSEWHERE = {"ledger": OTHER, "plan_required": True}
FREE_ELSEWHERE = {"ledger": OTHER, "plan_required": False}
ILL = {"command": ["false"]}
BOTH = pytest.mark.parametrize("check", [False, True], ids=["run", "check mode"])
UNPLANNED = pytest.mark.parametrize(
    "governed", [None, ELSEWHERE, FREE_ELSEWHERE], ids=["none", "another", "another, free"]
)


@pytest.fixture
def labels(estate):
    return [estate.seal(f"{number}.0", {"app": str(number), "lib": "same"}) for number in (1, 2, 3)]


@pytest.fixture
def host(estate, labels):
    """Return a host with two releases that were committed with a plan."""
    found = estate.host()
    found.forward = True  # as the role deploy asks by name
    for label in (labels[ONE], labels[TWO]):
        found.deploy(label, governed=PLANNED)
    return found


def refuse(host, label, check=False, **params):
    """Demand that the call is refused in its first answer, with nothing changed; return why."""
    before, sent = snapshot(host.root), list(host.sent)
    with pytest.raises(_claim.DeploymentError) as refused:
        host.deploy(label, check, **params)
    assert refused.value.code == "plan_required"
    assert (host.calls, host.sent, snapshot(host.root)) == (1, sent, before)
    return refused.value


def recorded(host):
    return json.loads((host.root / ".release/state.json").read_bytes())


def look(host):
    return _look.answer(_look.Look(str(host.root), history=100))


@UNPLANNED
@BOTH
@pytest.mark.parametrize("state", ["staged", "live"])
def test_a_new_release_without_a_plan_is_refused(host, labels, state, check, governed):
    refusal = refuse(host, labels[THREE], check, state=state, governed=governed)

    other = f", not by {OTHER[:12]}…" if governed else ""
    assert str(refusal) == (
        f"{host.root} is governed by ledger {LEDGER[:12]}…{other}: deploy it with a plan "
        "(release_plan)"
    )
    assert "rollback" in refusal.hint


def test_a_release_with_a_plan_of_the_ledger_goes_live(host, labels):
    assert host.deploy(labels[THREE], governed=PLANNED)["after"]["version"] == "3.0"
    assert host.state.governed == LEDGER


def test_a_release_that_is_staged_already_needs_a_plan_too(host, labels):
    host.deploy(labels[THREE], state="staged", governed=PLANNED)

    refuse(host, labels[THREE])
    refuse(host, labels[THREE], state="staged")


def test_a_root_is_governed_once_a_release_is_committed_and_not_before(estate, labels):
    host = estate.host()

    host.deploy(labels[ONE], state="staged", governed=PLANNED)
    assert host.state.governed is None
    host.deploy(labels[ONE], commit=False, governed=PLANNED)
    assert host.state.governed is None
    assert host.deploy(labels[ONE], governed=PLANNED)["deployment"]["governed"] == LEDGER
    assert host.state.governed == LEDGER


def test_a_release_that_is_put_back_leaves_the_root_as_it_was(estate, labels):
    host = estate.host()
    host.deploy(labels[ONE])

    with pytest.raises(_trial.PutBack):
        host.deploy(labels[TWO], governed=PLANNED, probe=ILL)

    assert host.state.governed is None


@pytest.mark.parametrize("governed", [None, FREE, FREE_ELSEWHERE], ids=["none", "free", "other"])
def test_a_root_is_not_governed_where_no_plan_is_required(estate, labels, governed):
    host = estate.host()
    host.deploy(labels[ONE], governed=governed)

    assert host.state.governed is None
    assert host.deploy(labels[TWO])["changed"]


@UNPLANNED
@BOTH
def test_a_trial_is_committed_only_with_the_plan(host, labels, check, governed):
    host.deploy(labels[THREE], commit=False, hold=False, governed=PLANNED)

    refuse(host, labels[THREE], check, governed=governed)
    refuse(host, None, check, governed=governed, release="current")

    assert host.deploy(labels[THREE], governed=PLANNED)["after"]["phase"] == "live"


@BOTH
def test_a_rollback_needs_no_plan_and_leaves_the_root_governed(host, labels, check):
    result = host.deploy(None, check)

    assert (result["changed"], result["after"]["version"]) == (True, "1.0")
    assert result["deployment"]["governed"] == host.state.governed == LEDGER


@BOTH
def test_a_release_that_was_committed_is_gone_back_to_by_its_name(host, labels, check):
    host.deploy(labels[THREE], governed=PLANNED)
    host.forward = False  # as the role rollback asks, with allow_downgrade

    assert host.deploy(labels[ONE], check)["after"]["version"] == "1.0"


@BOTH
def test_going_back_to_a_release_that_was_removed_from_the_host_needs_no_plan(host, labels, check):
    host.deploy(labels[THREE], keep=1, governed=PLANNED)
    assert host.tree_of(labels[ONE]) not in host.trees
    host.forward = False

    assert host.deploy(labels[ONE], check)["after"]["version"] == "1.0"


@BOTH
def test_going_back_to_a_release_that_was_never_committed_is_refused(host, labels, check):
    host.deploy(labels[THREE], state="staged", governed=PLANNED)
    host.forward = False

    refuse(host, labels[THREE], check)


@BOTH
def test_going_forward_again_after_a_rollback_needs_a_plan(host, labels, check):
    host.deploy(None)
    host.forward = False

    refuse(host, labels[TWO], check)


@BOTH
def test_a_trial_is_left_without_a_plan(host, labels, check):
    host.deploy(labels[THREE], commit=False, hold=False, governed=PLANNED)

    assert host.deploy(None, check)["after"]["version"] == "2.0"


@BOTH
def test_the_trial_of_a_first_release_is_left_without_a_plan(estate, labels, check):
    host = estate.host()
    host.deploy(labels[ONE], governed=PLANNED)
    host.deploy(None, state="reverted", run=host.run)
    assert (host.current, host.state.governed) == (None, LEDGER)
    host.deploy(labels[TWO], commit=False, hold=False, governed=PLANNED)

    assert host.deploy(None, check)["after"]["phase"] == "none"


@BOTH
def test_what_is_live_and_accepted_needs_no_plan(host, labels, check):
    assert not host.deploy(labels[TWO], check)["changed"]
    assert not host.deploy(None, check, release="current")["changed"]


@BOTH
def test_what_is_live_is_mended_without_a_plan(host, labels, check):
    host.damage(labels[TWO], "app")

    result = host.deploy(None, check, release="current", verify=True)

    assert [item["path"] for item in result["drift"]] == ["app"]


@BOTH
@pytest.mark.parametrize("forward", [True, False], ids=["by name", "by digest"])
def test_other_links_of_what_is_live_need_a_plan(host, labels, check, forward):
    host.forward = forward

    refuse(host, labels[TWO], check, linked_paths=["log/"])


@BOTH
def test_what_a_run_did_is_undone_without_a_plan(host, labels, check):
    host.deploy(labels[THREE], governed=PLANNED)

    result = host.deploy(None, check, state="reverted", run=host.run)

    assert result["changed"]
    assert result["deployment"]["governed"] == LEDGER


def test_what_is_removed_needs_no_plan_and_the_root_is_free_then(host, labels):
    host.deploy(labels[THREE], governed=PLANNED)
    assert host.deploy(labels[ONE], state="absent")["changed"]
    assert host.state.governed == LEDGER

    assert "governed" not in host.deploy(None, True, state="absent")["deployment"]
    assert "governed" not in host.deploy(None, state="absent")["deployment"]

    assert host.deploy(labels[ONE])["after"]["version"] == "1.0"


def test_a_root_with_an_adopted_release_is_free_once_all_of_ours_is_removed(estate, labels):
    host = estate.host()
    (host.root / "releases/20250101").mkdir(parents=True)
    (host.root / "current").symlink_to("releases/20250101")
    host.deploy(labels[ONE], adopt=True, governed=PLANNED)
    assert host.deploy(None)["deployment"]["governed"] == LEDGER

    host.deploy(None, state="absent")

    assert host.current == "20250101"
    assert "governed" not in look(host)["deployment"]


def test_a_release_is_marked_without_a_plan(host, labels):
    assert host.deploy(labels[ONE], mark="bad")["changed"]
    assert host.state.governed == LEDGER


def test_the_same_ledger_ends_it_with_a_release_that_it_commits(host, labels):
    host.deploy(labels[THREE], commit=False, governed=FREE)
    assert host.state.governed == LEDGER

    predicted = host.deploy(labels[THREE], True, governed=FREE)
    done = host.deploy(labels[THREE], governed=FREE)

    assert "governed" not in {**predicted["deployment"], **done["deployment"]}
    assert host.state.governed is None


@pytest.mark.parametrize("governed", [ELSEWHERE, FREE_ELSEWHERE], ids=["planned", "free"])
def test_a_rollback_of_another_ledger_does_not_change_which_one_governs(host, governed):
    host.deploy(None, governed=governed)

    assert (host.read("app"), host.state.governed) == ("1", LEDGER)


def test_a_plan_that_came_between_two_calls_counts(estate, labels):
    host = estate.host()
    host.forward = True
    host.deploy(labels[ONE])
    request = host.request(labels[THREE])
    request = host.supply(request, host.answer(request).need)
    host.deploy(labels[TWO], governed=PLANNED)

    with pytest.raises(_claim.DeploymentError) as refused:
        host.answer(request)

    assert refused.value.code == "plan_required"
    assert host.read("app") == "2"


@BOTH
def test_check_mode_predicts_that_the_root_is_governed(estate, labels, check):
    host = estate.host()
    assert host.deploy(labels[ONE], check, governed=PLANNED)["deployment"]["governed"] == LEDGER
    host.deploy(labels[ONE])

    assert host.deploy(labels[TWO], check, governed=PLANNED)["deployment"]["governed"] == LEDGER
    trial = host.deploy(labels[TWO], check, governed=PLANNED, commit=False)
    assert trial["deployment"].get("governed") == (None if check else LEDGER)


@BOTH
@pytest.mark.parametrize("ledger", ["", "shop", LEDGER + "\n", LEDGER.upper()], ids=ascii)
def test_an_id_that_no_ledger_has_is_refused_before_it_is_recorded(estate, labels, ledger, check):
    host = estate.host()

    with pytest.raises(_claim.DeploymentError, match=r"^governed\.ledger: .* 32 hexadecimal"):
        host.deploy(labels[ONE], check, governed={"ledger": ledger, "plan_required": True})

    assert not host.root.exists()


def test_info_returns_the_ledger_in_a_form_that_a_ledger_takes(host, labels):
    told = look(host)

    assert told["deployment"]["governed"] == LEDGER
    assert _answer_form.is_well_formed(told["deployment"], told["history"])


def test_the_state_of_a_governed_root_has_a_format_of_its_own(host, labels, monkeypatch):
    assert (recorded(host)["format"], recorded(host)["governed"]) == (4, LEDGER)

    monkeypatch.setattr(_directory, "READ_FORMATS", (1, 2, 3))  # as an earlier version
    with pytest.raises(_directory.RootError, match=r"has format 4, .* reads up to 3: upgrade it"):
        host.deploy(labels[THREE])

    monkeypatch.undo()
    host.deploy(labels[THREE], governed=FREE)
    assert (recorded(host)["format"], "governed" in recorded(host)) == (3, False)


def test_the_state_of_a_root_that_no_ledger_governs_is_written_as_before(estate, labels):
    host = estate.host()
    host.deploy(labels[ONE])
    there = recorded(host)
    assert (there["format"], "governed" in there) == (3, False)

    assert host.deploy(labels[TWO], governed=PLANNED)["before"]["version"] == "1.0"
    assert host.state.governed == LEDGER
