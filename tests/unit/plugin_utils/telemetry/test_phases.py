# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.telemetry import _phases

ROOT = "/srv/shop"


def answer(state, host, status="ok"):
    return _facts.Deployment(host=host, root=ROOT, status=status, state=state)


def seconds(*happened, hosts=("web1", "web2")):
    """Return the seconds of each phase, by (second, host, state), or "begin" for a state."""
    now = [0.0]
    phases = _phases.Phases(lambda: now[0])
    for second, host, state in happened:
        now[0] = second
        if isinstance(state, _facts.Event):
            phases.note(state)
        elif state == "begin":
            phases.note(_facts.Begin(host=host, task="Deploy"))
        else:
            phases.note(answer(state, host))
    return phases.seconds({(host, ROOT) for host in hosts})


SIDE_BY_SIDE = [(0, "web1", "begin"), (1, "web2", "begin"), (4, "web1", "staged")]
SIDE_BY_SIDE += [(5, "web2", "staged")]
WAVES = [(0, "web1", "begin"), (2, "web1", "live"), (100, "web2", "begin"), (103, "web2", "live")]
LOOP = [(0, "web1", "begin"), (1, "web1", "live"), (3, "web1", "live")]
MANY = [(number, "web1", "live" if number % 2 else "begin") for number in range(200)]
VERIFIED = _facts.Inspection(host="web1", root=ROOT, status="ok", ok=True)
ASKED = _facts.Inspection(host="web1", root=ROOT, status="ok")


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        pytest.param(SIDE_BY_SIDE, {"stage": 5}, id="hosts side by side count once"),
        pytest.param(WAVES, {"switch": 5}, id="the soak between waves is no work"),
        pytest.param(LOOP, {"switch": 3}, id="a loop begins once"),
        pytest.param([(7, "web1", "absent")], {"remove": 0}, id="a begin that was not told"),
        pytest.param([(0, "web1", "begin"), (2, "web1", VERIFIED)], {"verify": 2}, id="verified"),
        pytest.param([(0, "web1", "begin"), (2, "web1", ASKED)], {}, id="only asked"),
        pytest.param([(0, "web3", "begin"), (2, "web3", "live")], {}, id="another place"),
        pytest.param(
            [(0, "web1", "begin"), (2, "web1", answer("live", "web1", "skipped"))], {}, id="skipped"
        ),
    ],
)
def test_phases_last_while_a_host_works(happened, expected):
    assert seconds(*happened) == expected


def test_what_is_remembered_of_a_host_is_bounded():
    """What comes after its first stretches is one."""
    assert seconds(*MANY) == {"switch": (_phases.MOST_STRETCHES - 1) + (199 - 30)}
