# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which policy is in force, and who may change it."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.policy import _file, _in_force, _sshsig
from ansible_collections.itops.release.plugins.plugin_utils.policy._in_force import (
    Inputs,
    PolicyError,
)
from ansible_collections.itops.release.tests.fakes.plans import NOW, POLICY, changed


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(str(tmp_path / "ledger.db"))
    yield ledger
    ledger.close()


def parsed(plain):
    return _file.parse(yaml.safe_dump(plain), "policy.yml")


def take(ledger, inputs):
    drafts = _in_force.changes(ledger, inputs, NOW)
    if drafts:
        ledger.append(drafts, Actor("ada", "claimed"))
    return len(drafts)


FIRST, SECOND = POLICY, changed(POLICY, standard=["docs-site", "shop"])


def test_each_change_is_an_event(ledger):
    assert take(ledger, Inputs(parsed(FIRST))) == 1
    assert take(ledger, Inputs(parsed(FIRST))) == 0
    assert take(ledger, Inputs(parsed(FIRST), trust="a" * 64)) == 1
    assert take(ledger, Inputs(parsed(FIRST), trust="a" * 64, calendar="b" * 64)) == 1
    assert take(ledger, Inputs(parsed(FIRST))) == 1
    assert take(ledger, Inputs(parsed(SECOND))) == 1
    assert take(ledger, Inputs(parsed(FIRST))) == 1


@pytest.fixture
def keys(tmp_path):
    found = {}
    for name in ("ada", "ben"):
        path = tmp_path / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        found[name] = str(path)
    return found


def guarded(keys, **values):
    """Return a policy that only ada may change."""
    plain = {**POLICY, "changes": ["release_manager"], **values}
    for name, path in keys.items():
        plain = changed(plain, "people", name, keys=[_sshsig.public_key(path)])
    return parsed(plain)


def signed(policy, path, folder):
    file = folder / "policy.yml"
    file.write_text(policy.text)
    (folder / "policy.yml.sig").unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", _sshsig.POLICY, "-f", path, str(file)]
    subprocess.run(command, check=True)
    return Inputs(policy, signature=(folder / "policy.yml.sig").read_text())


def test_a_change_needs_the_signature_that_the_policy_in_force_demands(ledger, keys, tmp_path):
    first, second = guarded(keys), guarded(keys, standard=["shop"])
    take(ledger, Inputs(first))

    for wrong in (Inputs(second), signed(second, keys["ben"], tmp_path), Inputs(parsed(FIRST))):
        with pytest.raises(PolicyError, match=r"needs a signature of ada beside it"):
            take(ledger, wrong)
    assert take(ledger, signed(second, keys["ada"], tmp_path)) == 1
    with pytest.raises(PolicyError, match="was in force before and was replaced"):
        take(ledger, signed(first, keys["ada"], tmp_path))
