# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode: it predicts what the run then does, and writes nothing."""

from __future__ import annotations

import os
import shutil

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _trial
from ansible_collections.itops.release.plugins.module_utils.root import _directory, _records, _state
from ansible_collections.itops.release.tests.fakes.estate import snapshot

FILES = {"app*": "app", "lib/a": "same"}


def nothing(host, labels):
    del host, labels


def staged(host, labels):
    host.deploy(labels[0], state="staged")


def one_live(host, labels):
    host.deploy(labels[0])


def three_live(host, labels):
    for label in labels[:3]:
        host.deploy(label)


def on_trial(host, labels):
    host.deploy(labels[0])
    host.deploy(labels[1], commit=False)


def first_on_trial(host, labels):
    host.deploy(labels[0], commit=False)


def rolled_back(host, labels):
    three_live(host, labels)
    host.deploy(None)


def put_back(host, labels):
    host.deploy(labels[0])
    with pytest.raises(_trial.PutBack):
        host.deploy(labels[1], probe={"command": ["false"]})


def with_damaged_target(host, labels):
    three_live(host, labels)
    host.damage(labels[1], "app")


def with_twice_damaged_target(host, labels):
    with_damaged_target(host, labels)
    host.deploy(labels[1], state="live")
    host.deploy(labels[2])
    app = host.root / "releases" / (host.tree_of(labels[1]) + ".2") / "app"
    app.unlink()


def with_removed_target(host, labels):
    three_live(host, labels)
    shutil.rmtree(host.root / "releases" / host.tree_of(labels[1]))


def with_removed_live(host, labels):
    three_live(host, labels)
    shutil.rmtree(host.root / "releases" / host.tree_of(labels[2]))


def without_current(host, labels):
    one_live(host, labels)
    (host.root / "current").unlink()


def marked_bad(host, labels):
    three_live(host, labels)
    host.deploy(labels[1], mark="bad")


def with_a_stray_directory(host, labels):
    one_live(host, labels)
    (host.root / "releases" / host.tree_of(labels[1])).mkdir()


def killed_before_switching(host, labels):
    on_trial(host, labels)
    with _directory.opened(str(host.root)) as root:
        state = root.read_state()
        state.trial, state.switching = None, _records.Switch(host.tree_of(labels[1]))
        root.write_state(state)
    os.unlink(host.root / "current")
    os.symlink("releases/" + host.tree_of(labels[0]), host.root / "current")


def killed_after_switching(host, labels):
    on_trial(host, labels)
    with _directory.opened(str(host.root)) as root:
        state = root.read_state()
        state.trial, state.switching = None, _records.Switch(host.tree_of(labels[1]))
        root.write_state(state)


def killed_at_the_first_folder(host, labels):
    del labels
    (host.root / ".release").mkdir(0o711, parents=True)


def killed_while_removing_all(host, labels):
    """Leave what a removal does whose last rename is still to come."""
    one_live(host, labels)
    with _directory.opened(str(host.root)) as root:
        state = root.read_state()
        root.write_state(_state.State(state.token, state.run, uid=state.uid, access=state.access))
    (host.root / "current").unlink()
    shutil.rmtree(host.root / "releases")
    shutil.rmtree(host.root / "shared")


SITUATIONS = [
    nothing,
    staged,
    one_live,
    three_live,
    on_trial,
    first_on_trial,
    rolled_back,
    put_back,
    with_damaged_target,
    with_twice_damaged_target,
    with_removed_target,
    with_removed_live,
    without_current,
    marked_bad,
    with_a_stray_directory,
    killed_before_switching,
    killed_after_switching,
    killed_at_the_first_folder,
    killed_while_removing_all,
]
PROBE = {"command": ["true"]}
REQUESTS = {
    "the first": (0, {}),
    "the second": (1, {}),
    "the third": (2, {}),
    "a new one": (3, {}),
    "a new one, staged": (3, {"state": "staged"}),
    "the second, staged": (1, {"state": "staged"}),
    "a new one, on trial": (3, {"commit": False}),
    "the second, on trial": (1, {"commit": False, "restart": ["true"]}),
    "the second, on trial, probed": (1, {"commit": False, "probe": PROBE}),
    "the first, linked": (0, {"linked_paths": ["log/"]}),
    "a new one, seeded": (3, {"linked_paths": ["app", "log/", "lib/"], "seed": True}),
    "a new one, seeded and staged": (3, {"linked_paths": ["app"], "seed": True, "state": "staged"}),
    "the third, keeping one": (2, {"keep": 1}),
    "a new one, keeping two": (3, {"keep": 2}),
    "the previous": (None, {}),
    "the previous, keeping none": (None, {"keep": 0, "restart": ["true"]}),
    "the first, removed": (0, {"state": "absent"}),
    "the second, removed": (1, {"state": "absent"}),
    "all removed": (None, {"state": "absent"}),
    "the first, marked bad": (0, {"mark": "bad"}),
    "the second, marked good": (1, {"mark": "good"}),
}


@pytest.fixture
def labels(estate):
    return [estate.seal(f"{number}.0", {**FILES, "app*": str(number)}) for number in range(1, 5)]


def attempt(host, label, check_mode, params):
    """Return the result but for its times and probes, or the reason why it was refused."""
    try:
        result = host.deploy(label, check_mode, **params)
    except (ValueError, OSError) as error:
        return {"refused": f"{type(error).__name__}: {error}"}
    for part in ("before", "after", "deployment"):
        del result[part]["since"]
    del result["probes"]
    return result


def difference(one, other):
    keys = sorted(one.keys() | other.keys())
    return {key: (one.get(key), other.get(key)) for key in keys if one.get(key) != other.get(key)}


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda make: make.__name__)
def test_check_mode_predicts_what_the_run_does_and_writes_nothing(estate, labels, situation):
    host = estate.host()
    situation(host, labels)
    aside = estate.folder / "aside"
    if host.root.exists():
        shutil.copytree(host.root, aside, symlinks=True)
    wrong = []
    for name, (index, params) in REQUESTS.items():
        label = None if index is None else labels[index]
        before = snapshot(host.root)

        predicted = attempt(host, label, True, params)

        assert snapshot(host.root) == before, name
        done = attempt(host, label, False, params)
        wrong += [(name, key, *both) for key, both in difference(predicted, done).items()]
        # Going back again goes further back; everything else is done once.
        if index is not None and "changed" in done:
            assert not host.deploy(label, **params)["changed"], name
        shutil.rmtree(host.root, ignore_errors=True)
        if aside.exists():
            shutil.copytree(aside, host.root, symlinks=True)
    assert wrong == []


def test_no_way_back_is_predicted_too(estate, labels):
    host = estate.host()
    host.deploy(labels[0])

    with pytest.raises(_state.NoWayBack):
        host.deploy(None, check_mode=True)
