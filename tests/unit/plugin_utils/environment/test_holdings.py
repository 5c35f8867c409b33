# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts hold, from their answers; a host that gave none is named with the reason."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.root import _state
from ansible_collections.itops.release.plugins.plugin_utils.environment import _holdings


def release(number):
    return {"name": "shop", "version": f"{number}", "serial": number, "digest": f"{number}" * 64}


def reference(number):
    return "sha256:" + f"{number}" * 64


def deployment(*releases, **special):
    told = {"live": None, "trial": None, "previous": None, **special}
    return {"deployment": {**told, "releases": list(releases)}}


def collect(*results, host="web1", **options):
    return _holdings.collect({host: {"results": list(results)}}, [host], **options)


def test_everything_that_any_root_holds_is_held():
    found = _holdings.collect(
        {
            "web1": {"results": [deployment(release(1), release(2)), deployment(release(3))]},
            "web2": {"results": [deployment(release(2))]},
            "db1": {"results": []},
        },
        ["web1", "web2", "db1"],
        also=("shop:9",),
    )

    assert found == {
        "references": [*map(reference, (1, 2, 3)), "shop:9"],
        "unknown": {},
        "problem": "",
    }


@pytest.mark.parametrize("which", ["live", "trial", "previous"])
def test_what_is_current_is_held_whatever_the_list_says(which):
    assert collect(deployment(**{which: release(4)}))["references"] == [reference(4)]


def test_what_was_there_before_has_no_digest():
    adopted = {**release(1), "digest": None}

    assert collect(deployment(adopted, live=adopted))["references"] == []


def test_the_summary_of_a_host_is_understood(estate):
    host = estate.host(keep=5)
    labels = [estate.seal(f"{n}.0", {"app": f"{n}"}) for n in (1, 2)]
    for label in labels:
        host.deploy(label)

    found = collect({"deployment": _state.summary(str(host.root), host.state)})

    assert found["references"] == sorted(f"sha256:{label.digest}" for label in labels)
    assert found["unknown"] == {}
    nothing = collect({"deployment": _state.summary("/srv/none", _state.State())})
    assert (nothing["references"], nothing["unknown"]) == ([], {})


FAILED = {"failed": True, "msg": "Task failed: Module failed: state.json\n cannot be read"}
LOST = {"unreachable": True, "msg": "ssh: connect to host web1"}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "was not asked"),
        ({"failed": True, "msg": "Task failed: 'deploy_root' is undefined"}, "'deploy_root' is"),
        ({"results": [FAILED], "failed": True}, "state.json cannot be read"),
        ({"results": [deployment(release(1)), LOST]}, "unreachable"),
        ({"unreachable": True}, "unreachable"),
        ({"results": [{"skipped": True}]}, "no answer"),
        ({"skipped": True}, "no answer"),
        ({"results": [{"failed": True, "msg": "x" * 500}]}, "x" * 119 + "…"),
    ],
)
def test_a_host_that_gave_no_answer_is_named_with_the_reason(answer, why):
    answers = {"web1": answer, "web2": {"results": [deployment(release(2))]}}

    found = _holdings.collect(answers, ["web1", "web2"])

    assert found["unknown"].keys() == {"web1"}
    assert why in found["unknown"]["web1"]
    assert found["problem"].startswith("nothing was removed: cannot know what they hold: web1 (")
    assert "\n" not in found["problem"]


def test_an_answer_of_before_does_not_count():
    answers = {"web1": {"results": [deployment(release(1))]}, "web2": None}

    found = _holdings.collect(answers, [])

    assert found["unknown"] == dict.fromkeys(
        answers, "left out by --limit, or lost earlier in this run"
    )
    assert found["references"] == []


def test_of_a_host_that_is_gone_for_good_nothing_needs_to_be_known():
    answers = {"web1": LOST, "web2": {"results": [deployment(release(2))]}, "web3": None}

    found = _holdings.collect(answers, ["web1", "web2"], ignored=["web1", "web2", "web3", "x"])

    assert found == {"references": [reference(2)], "unknown": {}, "problem": ""}


def test_a_pattern_that_was_not_understood_is_noticed():
    assert _holdings.collect({}, ["web1"])["unknown"].keys() == {"web1"}


def test_a_line_names_some_of_many():
    hosts = [f"web{n}" for n in range(25)]

    problem = _holdings.collect(dict.fromkeys(hosts), hosts)["problem"]

    assert problem.endswith("web19 (was not asked), and 5 more")
